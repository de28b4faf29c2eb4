// Amounts, times and foreign text as people read them in a terminal.

/** `0.031234` -> `$0.0312`: cents, or three significant digits below a dime. null is what has no price. */
export function dollars(usd: string | null): string {
  if (usd === null) return '-'
  const [whole = '0', fraction = ''] = usd.split('.')
  if (/^0*$/.test(whole) && /^0*$/.test(fraction)) return '$0'
  const zeros = /^0*/.exec(fraction)![0].length
  const digits = /^0*$/.test(whole) && zeros >= 1 ? zeros + 3 : 2
  return `$${roundDecimal(whole, fraction, digits)}`
}

/** Rounds half up, on the digits themselves. */
function roundDecimal(whole: string, fraction: string, digits: number): string {
  const kept = BigInt(whole + fraction.slice(0, digits).padEnd(digits, '0')) + (fraction.charAt(digits) >= '5' ? 1n : 0n)
  const text = kept.toString().padStart(digits + 1, '0')
  return `${text.slice(0, -digits)}.${text.slice(-digits)}`
}

/** `340 ms`, `4.8 s`, `2 min 5 s`. */
export function formatMs(ms: number | null): string {
  if (ms === null) return '-'
  if (ms < 999.5) return `${ms < 10 ? trimZero(ms.toFixed(1)) : Math.round(ms)} ms`
  if (ms < 99_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

function trimZero(text: string): string {
  return text.replace(/\.0$/, '')
}

/** `2026-11-21 12:00:00` in the time zone of this machine. */
export function formatTime(iso: string): string {
  const at = new Date(iso)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

/** `12345` -> `12,345`. */
export function formatCount(value: number | null): string {
  return value === null ? '-' : value.toLocaleString('en-US')
}

/** `12.3 MB`. */
export function bytesWords(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  const step = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  return step === 0 ? `${bytes} bytes` : `${trimZero((bytes / 1000 ** step).toFixed(1))} ${units[step]}`
}

const unitsMs = new Map([['ms', 1], ['s', 1000], ['m', 60_000], ['min', 60_000], ['h', 3_600_000], ['d', 86_400_000], ['w', 604_800_000]]) // prettier-ignore

/** `90s`, `15m`, `1h`, `7d`, `2w` in milliseconds; undefined when it is not of that form. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/.exec(text.trim())
  const unitMs = unitsMs.get(match?.[2] ?? '')
  return match === null || unitMs === undefined ? undefined : Number(match[1]) * unitMs
}

/** A duration back from now, or a date, or a date and time; as ISO 8601. undefined when it is none of them. */
export function parseMoment(text: string, nowMs: number): string | undefined {
  const backMs = parseDuration(text)
  const ms = backMs !== undefined ? nowMs - backMs : /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  const at = new Date(ms)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}

/**
 * Foreign text on one line: clients and providers choose model names, user agents and error messages, and a terminal obeys the
 * control characters in them.
 */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}')
}

/** The same for a body, which may have lines. */
export function plainLines(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|\p{Cf}/gu, (character) => (character === '\r' ? '' : '\u{fffd}'))
}

/** Cut to `width` characters, with an ellipsis in the last one. */
export function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`
}
