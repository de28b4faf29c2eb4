// How long a provider asks to wait: its headers, its body or its words. Pure: instants are read against the answer's own `date`.
import { asText, isObject, type JsonValue } from '#kernel'

type Headers = Readonly<Record<string, string>>

/** No limit that providers document has a longer window; whoever says more is asked again after a day. */
const longestMs = 86_400_000
const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Milliseconds, at most a day; undefined when nothing was said, or nothing that can be meant. 0: it was a moment that is over. Headers have
 * lower-case names.
 */
export function retryAfterMs(headers: Headers, message: string, body: JsonValue | undefined): number | undefined {
  const said =
    amount(headers['retry-after-ms']) ??
    fromHeader(headers['retry-after'], headers['date']) ??
    fromRetryInfo(body) ??
    fromWords(message) ??
    fromLimits(headers, headers['date']) ??
    fromLimits(headersInside(body), headers['date'])
  return said === undefined ? undefined : Math.min(Math.round(said), longestMs)
}

/** A plain decimal number: no sign, no exponent, no hexadecimal, no infinity. */
function amount(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,15}(?:\.\d+)?$/.test(value) ? Number(value) : undefined
}

/** Seconds, or a date. One that came twice is joined by a comma: the first counts, unless it is the comma of a date. */
function fromHeader(value: string | undefined, date: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const seconds = amount(/^([\d.]+) ?s?(?:,|$)/.exec(value.trim())?.[1])
  if (seconds === undefined) return untilInstant(instant(value), date)
  // Some mean a Unix time; nobody waits for thirty years.
  return seconds > 1e9 ? untilInstant(seconds * 1_000, date) : seconds * 1_000
}

/** HTTP's three forms of a date (RFC 9110, section 5.6.7) and RFC 3339's. `Date.parse` alone reads a date into almost any words. */
function instant(value: string): number | undefined {
  const asctime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/
  const others =
    /^(?:[A-Z][a-z]+, \d\d[ -][A-Z][a-z]{2}[ -](?:\d{4}|\d\d) \d\d:\d\d:\d\d GMT|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))$/
  const text = value.trim()
  // The oldest form has no zone, and means Greenwich.
  const ms = asctime.test(text) ? Date.parse(`${text} GMT`) : others.test(text) ? Date.parse(text) : NaN
  return Number.isFinite(ms) ? ms : undefined
}

function untilInstant(ms: number | undefined, date: string | undefined): number | undefined {
  const now = date === undefined ? undefined : instant(date)
  return ms === undefined || now === undefined ? undefined : Math.max(0, ms - now)
}

function errorIn(body: JsonValue | undefined): Readonly<Record<string, JsonValue>> {
  const first = Array.isArray(body) ? body[0] : body
  const error = isObject(first) ? first['error'] : undefined
  return isObject(error) ? error : {}
}

/** Gemini's `error.details[]` of type RetryInfo: `{"retryDelay": "34.4s"}`. */
function fromRetryInfo(body: JsonValue | undefined): number | undefined {
  const { details } = errorIn(body)
  for (const detail of Array.isArray(details) ? details : []) {
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
  return said === undefined ? undefined : duration(said.trim())
}

/**
 * Limits that have nothing left, and when they begin anew; the latest counts. `x-ratelimit-{remaining,reset}-{requests,tokens}` (OpenAI, Groq
 * and many others: "6m0s"), `anthropic-ratelimit-*-{remaining,reset}` (RFC 3339), `x-ratelimit-{remaining,reset}` (OpenRouter: Unix time in
 * milliseconds; elsewhere in seconds, or seconds to wait).
 */
function fromLimits(headers: Headers, date: string | undefined): number | undefined {
  let latest: number | undefined
  for (const name in headers) {
    if (!name.includes('ratelimit') || !name.includes('remaining') || !/^0+(?:\.0+)?$/.test(headers[name]!)) continue
    const reset = headers[name.replace('remaining', 'reset')]
    const waitMs = reset === undefined ? undefined : untilReset(reset.trim(), date)
    if (waitMs !== undefined) latest = Math.max(latest ?? 0, waitMs)
  }
  return latest
}

function untilReset(value: string, date: string | undefined): number | undefined {
  const number = amount(value)
  if (number === undefined) return duration(value) ?? untilInstant(instant(value), date)
  if (number > 1e12) return untilInstant(number, date)
  return number > 1e9 ? untilInstant(number * 1_000, date) : number * 1_000
}

/** OpenRouter repeats in `error.metadata.headers` those of the limit that was reached. */
function headersInside(body: JsonValue | undefined): Headers {
  const { metadata } = errorIn(body)
  const inside = isObject(metadata) ? metadata['headers'] : undefined
  if (!isObject(inside)) return {}
  return Object.fromEntries(Object.entries(inside).map(([name, value]) => [name.toLowerCase(), asText(value) ?? JSON.stringify(value)]))
}

const unitPattern = 'milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|h|days?|d'
const durationPattern = new RegExp(`^(?:\\d{1,15}(?:\\.\\d+)? ?(?:${unitPattern}) ?)+$`, 'i')

/** One or more amounts with their units, and nothing else. */
function duration(text: string): number | undefined {
  if (!durationPattern.test(text)) return undefined
  let totalMs = 0
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?) ?([a-z]+)/gi)) {
    const word = unit!.toLowerCase()
    totalMs += Number(count) * units[word === 'ms' || word.startsWith('mill') ? 'ms' : word.slice(0, 1)]!
  }
  return totalMs
}
