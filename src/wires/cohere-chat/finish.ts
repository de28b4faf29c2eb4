// Finish reasons -> IR.
import type { Finish, FinishReason } from '#ir'

const reasons: ReadonlyMap<string, FinishReason> = new Map([
  ['COMPLETE', 'stop'],
  ['STOP_SEQUENCE', 'stop'],
  ['MAX_TOKENS', 'length'],
  ['TOOL_CALL', 'tool-calls'],
  // Of the older API, seen through some hosts.
  ['ERROR_TOXIC', 'filtered'],
])

/** The terminal event is there, so the answer is whole; without a reason it simply ended. Calls decide: they must be run. */
export function decodeFinish(raw: string | undefined, hasCalls: boolean): Finish {
  const said = raw === undefined ? 'stop' : (reasons.get(raw) ?? 'other')
  return { reason: hasCalls && said === 'stop' ? 'tool-calls' : said, ...(raw === undefined ? {} : { raw }) }
}

/** `ERROR`, `TIMEOUT` and their like: the answer was cut, however much of it there is. */
export function isFailure(raw: string | undefined): raw is string {
  return raw !== undefined && !reasons.has(raw) && /^(?:ERROR|TIMEOUT)/.test(raw)
}
