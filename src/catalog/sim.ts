// The models of the built-in simulated provider; the name selects the behaviour. Free, and listed only when enabled.
import type { ModelEntry } from '#config'
import { freePrice } from '#ir'

export const simSlug = 'sim'

const behaviours: readonly (readonly [id: string, name: string])[] = [
  ['echo', 'Answers with what was asked'],
  ['slow', 'Answers slowly'],
  ['status-429', 'Refuses with 429'],
  ['status-500', 'Fails with 500'],
  ['cut', 'Dies in the middle of its answer'],
  ['stall', 'Goes silent in the middle of its answer'],
  ['error-in-stream', 'Reports an error inside a 200 answer'],
  ['tool', 'Asks for the first tool'],
  ['flaky-30', 'Fails three times in ten'],
]

export function simModels(): ReadonlyMap<string, ModelEntry> {
  return new Map(
    behaviours.map(([id, name]) => [
      id,
      {
        id,
        canonical: `${simSlug}/${id}`,
        name,
        contextWindow: 128_000,
        maxOutputTokens: 16_384,
        inputModalities: ['text', 'image'],
        outputModalities: ['text'],
        capabilities: ['tools'],
        price: freePrice,
        free: true,
      },
    ]),
  )
}
