// How a response ended: status and incomplete_details <-> IR.
import { asText, isObject, type JsonObject } from '#kernel'
import type { Finish, FinishReason } from '#ir'

const incomplete: ReadonlyMap<string, FinishReason> = new Map([
  ['max_output_tokens', 'length'],
  ['max_tokens', 'length'],
  ['length', 'length'],
  ['content_filter', 'filtered'],
])

/** A response without a status counts as complete: it stands in a body of its own, or in the event that says so. */
export function decodeFinish(response: JsonObject, hasCalls: boolean): Finish {
  const status = asText(response['status'])
  const details = response['incomplete_details']
  const why = isObject(details) ? asText(details['reason']) : undefined
  if (status === 'incomplete') return { reason: incomplete.get(why ?? '') ?? 'other', raw: why ?? status }
  if (status !== undefined && status !== 'completed') return { reason: 'other', raw: status }
  // "completed" says less than what was done.
  return { reason: hasCalls ? 'tool-calls' : 'stop' }
}

const known: ReadonlySet<string> = new Set(['max_output_tokens', 'content_filter'])

export function knowsFinish({ raw }: Finish): boolean {
  return raw === undefined || known.has(raw)
}

const reasons = {
  stop: undefined,
  length: 'max_output_tokens',
  'tool-calls': undefined,
  filtered: 'content_filter',
  refused: 'content_filter',
  paused: undefined,
  other: undefined,
} as const satisfies Record<FinishReason, string | undefined>

export type Ending = { readonly status: 'completed' | 'incomplete'; readonly incomplete_details: { readonly reason: string } | null }

export function encodeFinish({ reason }: Finish): Ending {
  const why = reasons[reason]
  return why === undefined
    ? { status: 'completed', incomplete_details: null }
    : { status: 'incomplete', incomplete_details: { reason: why } }
}
