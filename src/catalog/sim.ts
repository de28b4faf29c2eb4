// The models of the built-in simulated provider; the name selects the behaviour. Free, and listed only when enabled.
import type { ModelEntry } from '#config'
import { freePrice } from '#ir'

export const simSlug = 'sim'

const words = ['text'] as const
const vectors = ['embeddings'] as const
/** What every endpoint can be tried out with. */
const both = [...words, ...vectors] as const

const behaviours: readonly (readonly [id: string, name: string, output?: ModelEntry['outputModalities']])[] = [
  ['echo', 'Answers with what was asked'],
  ['slow', 'Answers slowly'],
  ['status-429', 'Refuses with 429', both],
  ['status-500', 'Fails with 500', both],
  ['cut', 'Dies in the middle of its answer', both],
  ['stall', 'Goes silent in the middle of its answer', both],
  ['error-in-stream', 'Reports an error inside a 200 answer'],
  ['tool', 'Asks for the first tool'],
  ['flaky-30', 'Fails three times in ten', both],
  ['embed', 'Makes embeddings', vectors],
]

export function simModels(): ReadonlyMap<string, ModelEntry> {
  return new Map(
    behaviours.map(([id, name, output = words]) => [
      id,
      {
        id,
        canonical: `${simSlug}/${id}`,
        name,
        contextWindow: 128_000,
        ...(output === vectors ? {} : { maxOutputTokens: 16_384 }),
        inputModalities: output === vectors ? ['text'] : ['text', 'image'],
        outputModalities: output,
        capabilities: output === vectors ? [] : ['tools'],
        price: freePrice,
        free: true,
      },
    ]),
  )
}
