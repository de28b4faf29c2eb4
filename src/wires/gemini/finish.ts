// Why an answer ended: Google's finish reasons and the neutral ones.
import { asText, Failure, type JsonObject, type JsonValue } from '#kernel'
import type { Ext, Finish, FinishReason } from '#ir'

/** In the order of the protobuf enum, whose numbers may stand for the names (`$alt=json;enum-encoding=int`). */
const reasonsByNumber: readonly (readonly [string, FinishReason])[] = [
  ['FINISH_REASON_UNSPECIFIED', 'other'],
  ['STOP', 'stop'],
  ['MAX_TOKENS', 'length'],
  ['SAFETY', 'filtered'],
  ['RECITATION', 'filtered'],
  ['OTHER', 'other'],
  ['BLOCKLIST', 'filtered'],
  ['PROHIBITED_CONTENT', 'filtered'],
  ['SPII', 'filtered'],
  ['MALFORMED_FUNCTION_CALL', 'other'],
]
const reasons: ReadonlyMap<string, FinishReason> = new Map([
  ...reasonsByNumber,
  ['LANGUAGE', 'other'],
  ['IMAGE_SAFETY', 'filtered'],
  ['IMAGE_PROHIBITED_CONTENT', 'filtered'],
  ['IMAGE_RECITATION', 'filtered'],
  ['IMAGE_OTHER', 'other'],
  ['NO_IMAGE', 'other'],
  ['MODEL_ARMOR', 'filtered'],
  ['UNEXPECTED_TOOL_CALL', 'other'],
  ['TOO_MANY_TOOL_CALLS', 'other'],
  ['MISSING_THOUGHT_SIGNATURE', 'other'],
  ['MALFORMED_RESPONSE', 'other'],
])

/** The model's output could not be read, or broke off: what there is of it is no answer. */
const broken: ReadonlySet<string> = new Set([
  'MALFORMED_FUNCTION_CALL',
  'UNEXPECTED_TOOL_CALL',
  'TOO_MANY_TOOL_CALLS',
  'MISSING_THOUGHT_SIGNATURE',
  'MALFORMED_RESPONSE',
])

/** The provider's word; undefined while it says nothing. */
export function rawFinish(candidate: JsonObject): string | undefined {
  const value: JsonValue | undefined = candidate['finishReason']
  if (typeof value === 'number') return value === 0 ? undefined : (reasonsByNumber[value]?.[0] ?? String(value))
  const raw = asText(value)
  return raw === 'FINISH_REASON_UNSPECIFIED' ? undefined : raw
}

/** Gemini says STOP after tool calls as well: calls decide. */
export function decodeFinish(raw: string, hasCalls: boolean, ext?: Ext): Finish {
  const said = reasons.get(raw) ?? 'other'
  return { reason: hasCalls && said === 'stop' ? 'tool-calls' : said, raw, ...(ext === undefined ? {} : { ext }) }
}

/** A prompt that was blocked has no candidate, and a word of `promptFeedback.blockReason` instead of a finish reason. */
export function blockedFinish(blockReason: string): Finish {
  return { reason: 'filtered', raw: blockReason }
}

/** The failure that a finish reason means; undefined when it ends an answer. */
export function failureOfFinish(raw: string, message: string | undefined): Failure | undefined {
  if (!broken.has(raw)) return undefined
  return new Failure('error_in_stream', `The model's answer was broken off by the provider (${raw}); try again.`, {
    upstream: { type: raw, ...(message === undefined ? {} : { message }) },
  })
}

export function knowsFinish({ raw }: Finish): boolean {
  return raw === undefined || reasons.has(raw)
}

const written = {
  stop: 'STOP',
  length: 'MAX_TOKENS',
  'tool-calls': 'STOP',
  filtered: 'SAFETY',
  refused: 'SAFETY',
  paused: 'OTHER',
  other: 'OTHER',
} as const satisfies Record<FinishReason, string>

/** Only Google's words: its own one where it gave one. What refuses is text on this wire, so the reason says that it does. */
export function encodeFinish({ reason, raw }: Finish, refuses: boolean): string {
  if (refuses && reason === 'stop') return written.refused
  const said = raw === undefined ? undefined : reasons.get(raw)
  return said !== undefined && (said === reason || (said === 'stop' && reason === 'tool-calls')) ? raw! : written[reason]
}
