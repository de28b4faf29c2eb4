// How long a provider asks to wait: its headers, or its words. Pure: an HTTP date is read against the answer's own `date`.
import { isObject, type JsonValue } from '#kernel'

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds; undefined when nothing was said. Headers have lower-case names. */
export function retryAfterMs(headers: Readonly<Record<string, string>>, message: string, body: JsonValue | undefined): number | undefined {
  const exact = Number.parseFloat(headers['retry-after-ms'] ?? '')
  if (exact >= 0) return exact
  return fromHeader(headers['retry-after'], headers['date']) ?? fromRetryInfo(body) ?? fromWords(message)
}

function fromHeader(value: string | undefined, date: string | undefined): number | undefined {
  if (value === undefined || value === '') return undefined
  const seconds = Number(value)
  if (seconds >= 0) return Math.round(seconds * 1_000)
  const waitMs = Date.parse(value) - Date.parse(date ?? '')
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined
}

/** Gemini's `error.details[]` of type RetryInfo: `{"retryDelay": "34.4s"}`. */
function fromRetryInfo(body: JsonValue | undefined): number | undefined {
  const first = Array.isArray(body) ? body[0] : body
  const error = isObject(first) ? first['error'] : undefined
  const details = isObject(error) && Array.isArray(error['details']) ? error['details'] : []
  for (const detail of details) {
    if (!isObject(detail) || typeof detail['retryDelay'] !== 'string') continue
    const waitMs = duration(detail['retryDelay'])
    if (waitMs !== undefined) return waitMs
  }
  return undefined
}

/** OpenAI's "Please try again in 6ms" (1.2s, 1m3.5s, 2h0m), Gemini's "Please retry in 34.4s", "try again in 20 seconds". */
function fromWords(message: string): number | undefined {
  const said =
    /(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)? ?(?:milliseconds?|ms|seconds?|s|minutes?|m|hours?|h|days?|d)(?![a-z]) ?)+|(?:\d+(?:\.\d+)?(?:ms|[smhd]))+)/i.exec(
      message,
    )?.[1]
  return said === undefined ? undefined : duration(said)
}

function duration(text: string): number | undefined {
  let totalMs: number | undefined
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?) ?(ms|milli|[smhd])/gi)) {
    const key = unit!.toLowerCase() === 'milli' ? 'ms' : unit!.toLowerCase()
    totalMs = (totalMs ?? 0) + Number(amount) * units[key]!
  }
  return totalMs === undefined ? undefined : Math.round(totalMs)
}
