// Money as integers: decimal text to nano- and pico-USD and back, exactly, without a float on the way. Pure.

/** A decimal of JSON's number grammar without a sign: at most 30 digits, and an exponent of at most 30 (`1.2e-07` is how JSON writes small costs). */
const decimal = /^(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,2}))?$/
const maxDigits = 30

/** USD as decimal text -> nano-USD, rounded up; undefined when it is not a decimal of at least 0. */
export function parseNanoUsd(text: string): bigint | undefined {
  return parseScaled(text, 9)
}

/** USD as decimal text -> pico-USD, rounded up; undefined when it is not a decimal of at least 0. */
export function parsePicoUsd(text: string): bigint | undefined {
  return parseScaled(text, 12)
}

/** USD per million tokens as decimal text -> pico-USD per token, rounded up; undefined when it is not a decimal of at least 0. */
export function parsePicoPerToken(text: string): bigint | undefined {
  return parseScaled(text, 6)
}

/** Nano-USD -> USD as decimal text without trailing zeros (`0.000858`). */
export function formatUsd(nanoUsd: bigint): string {
  return formatScaled(nanoUsd, 9)
}

/** Pico-USD -> USD as decimal text without trailing zeros. */
export function formatPicoUsd(picoUsd: bigint): string {
  return formatScaled(picoUsd, 12)
}

/** Pico-USD per token -> USD per million tokens as decimal text without trailing zeros (`0.15`). */
export function formatUsdPerMillion(picoPerToken: bigint): string {
  return formatScaled(picoPerToken, 6)
}

/** The number of USD closest to an amount, for the wires' `usage.cost`, which is a JSON number. Never to be computed with. */
export function usdNumber(nanoUsd: bigint): number {
  // Both sides are exact below 2^53, and IEEE division rounds to the closest double: the one that the decimal text would parse to.
  return nanoUsd < exactIntegers ? Number(nanoUsd) / 1e9 : Number(formatUsd(nanoUsd))
}

const exactIntegers = BigInt(Number.MAX_SAFE_INTEGER)

/** Value = digits x 10^exponent. */
export function parseDecimal(text: string): { digits: bigint; exponent: number } | undefined {
  // Longer than any text the grammar below allows; refused before a regular expression reads it.
  if (text.length > 64) return undefined
  const match = decimal.exec(text)
  if (match === null) return undefined
  const [, whole = '', fraction = '', power = '0'] = match
  if (whole.length + fraction.length > maxDigits || Math.abs(Number(power)) > maxDigits) return undefined
  return { digits: BigInt(whole + fraction), exponent: Number(power) - fraction.length }
}

function parseScaled(text: string, places: number): bigint | undefined {
  const parsed = parseDecimal(text)
  return parsed === undefined ? undefined : shiftUp(parsed.digits, parsed.exponent + places)
}

/** value x 10^exponent, rounded up; value is not negative. */
export function shiftUp(value: bigint, exponent: number): bigint {
  if (exponent >= 0) return value * 10n ** BigInt(exponent)
  const divisor = 10n ** BigInt(-exponent)
  return (value + divisor - 1n) / divisor
}

function formatScaled(value: bigint, places: number): string {
  const negative = value < 0n
  const digits = (negative ? -value : value).toString().padStart(places + 1, '0')
  const point = digits.length - places
  let end = digits.length
  while (end > point && digits.charCodeAt(end - 1) === 0x30) end--
  return (negative ? '-' : '') + digits.slice(0, point) + (end === point ? '' : `.${digits.slice(point, end)}`)
}
