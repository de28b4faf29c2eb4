// Money as integers: decimal text to nano- and pico-USD and back, exactly, without a float on the way. Pure.
import type { Price } from './target.ts'

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

/**
 * The price row times an exact decimal (`1.05`), every rate rounded up to a whole pico-USD; `version` says so. Undefined when the
 * multiplier is not a decimal of at least 0.
 */
export function scalePrice(price: Price, multiplier: string): Price | undefined {
  const parsed = parseDecimal(multiplier)
  if (parsed === undefined) return undefined
  const { digits, exponent } = parsed
  const times = (rate: bigint): bigint => shiftUp(rate * digits, exponent)
  return {
    version: `${price.version} x ${multiplier}`,
    input: times(price.input),
    output: times(price.output),
    cacheRead: times(price.cacheRead),
    cacheWrite: times(price.cacheWrite),
    cacheWrite1h: times(price.cacheWrite1h),
    reasoning: times(price.reasoning),
    inputAudio: times(price.inputAudio),
    outputAudio: times(price.outputAudio),
    request: times(price.request),
  }
}

/** Rates as decimal text, in USD per million tokens; `request` in USD. What a table lacks is absent. */
export type Rates = {
  readonly input?: string | undefined
  readonly output?: string | undefined
  readonly cacheRead?: string | undefined
  readonly cacheWrite?: string | undefined
  readonly cacheWrite1h?: string | undefined
  readonly reasoning?: string | undefined
  readonly inputAudio?: string | undefined
  readonly outputAudio?: string | undefined
  readonly request?: string | undefined
}

/**
 * A frozen price row. A rate that is missing takes its dearer neighbour: cache reads, cache writes and audio input the input rate,
 * reasoning and audio output the output rate, one-hour cache writes twice the input rate (Anthropic's published rule; at least the
 * five-minute rate). Undefined, that is unpriced: input or output is missing, or all is 0, since tables write 0 for "nobody knew".
 * Throws on text that is not a decimal.
 */
export function priceOf(version: string, rates: Rates): Price | undefined {
  const rate = (name: keyof Rates, parse: (text: string) => bigint | undefined = parsePicoPerToken): bigint | undefined => {
    const text = rates[name]
    if (text === undefined) return undefined
    const parsed = parse(text)
    if (parsed === undefined) throw new RangeError(`the rate ${name} is not a decimal number of at least 0: ${JSON.stringify(text)}`)
    return parsed
  }
  const input = rate('input')
  const output = rate('output')
  const cacheRead = rate('cacheRead')
  const cacheWrite = rate('cacheWrite')
  const cacheWrite1h = rate('cacheWrite1h')
  const reasoning = rate('reasoning')
  const inputAudio = rate('inputAudio')
  const outputAudio = rate('outputAudio')
  const request = rate('request', parsePicoUsd) ?? 0n
  if (input === undefined || output === undefined || (input === 0n && output === 0n && request === 0n)) return undefined
  const write = cacheWrite ?? input
  return {
    version,
    input,
    output,
    cacheRead: cacheRead ?? input,
    cacheWrite: write,
    cacheWrite1h: cacheWrite1h ?? (write > 2n * input ? write : 2n * input),
    reasoning: reasoning ?? output,
    inputAudio: inputAudio ?? input,
    outputAudio: outputAudio ?? output,
    request,
  }
}

/** The price of what is marked free: every cost is exactly 0, which is not the same as unpriced. */
export const freePrice: Price = Object.freeze({
  version: 'free',
  input: 0n,
  output: 0n,
  cacheRead: 0n,
  cacheWrite: 0n,
  cacheWrite1h: 0n,
  reasoning: 0n,
  inputAudio: 0n,
  outputAudio: 0n,
  request: 0n,
})

/** Value = digits x 10^exponent. */
function parseDecimal(text: string): { digits: bigint; exponent: number } | undefined {
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
function shiftUp(value: bigint, exponent: number): bigint {
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
