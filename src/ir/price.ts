// Price rows: from a table's decimal text to frozen integers, with the rates of tiers, service tiers, regions, windows and dates. Pure.
import { parseDecimal, parsePicoPerToken, parsePicoUsd, shiftUp } from './money.ts'
import type { Price, PriceCase, PriceRates, PriceTime } from './target.ts'

/** Rates as decimal text, in USD per million tokens; `request` and `calls` in USD each. What a table lacks is absent. */
export type RateTexts = {
  readonly input?: string | undefined
  readonly output?: string | undefined
  readonly cacheRead?: string | undefined
  readonly cacheWrite?: string | undefined
  readonly cacheWrite1h?: string | undefined
  readonly reasoning?: string | undefined
  readonly inputAudio?: string | undefined
  readonly outputAudio?: string | undefined
  readonly inputImage?: string | undefined
  readonly outputImage?: string | undefined
  readonly request?: string | undefined
  readonly calls?: Readonly<Record<string, string>> | undefined
}

/** Rates in place of the plain ones, or the plain ones of tokens times a decimal. */
export type RateChange = RateTexts & { readonly multiplier?: string | undefined }
/** The whole request, when its input has more tokens than this. */
export type TierTexts = RateTexts & { readonly above: number }
/** `tiers`: what both together cost. */
export type ServiceTexts = RateChange & { readonly tiers?: readonly TierTexts[] | undefined }
/** `utc`: `16:30-00:30`. `days`: `mon`, ..., on which the window begins. */
export type WindowTexts = RateChange & { readonly utc: string; readonly days?: readonly string[] | undefined }
/** From one instant until before another, as ISO dates or times. A row of its own (nothing of the other one counts), or the other one times a decimal. */
export type PeriodTexts = Rates & {
  readonly from?: string | undefined
  readonly until?: string | undefined
  readonly multiplier?: string | undefined
}

/** A price row as text. */
export type Rates = RateTexts & {
  readonly tiers?: readonly TierTexts[] | undefined
  readonly serviceTiers?: Readonly<Record<string, ServiceTexts>> | undefined
  readonly regions?: Readonly<Record<string, RateChange>> | undefined
  readonly windows?: readonly WindowTexts[] | undefined
  readonly periods?: readonly PeriodTexts[] | undefined
}

const inputRates = ['cacheRead', 'cacheWrite', 'cacheWrite1h', 'inputAudio', 'inputImage'] as const
const outputRates = ['reasoning', 'outputAudio', 'outputImage'] as const
const tokenRates = ['input', 'output', ...inputRates, ...outputRates] as const
type TokenRate = (typeof tokenRates)[number]
type Given = Partial<Record<TokenRate | 'request', bigint>> & { readonly calls?: Readonly<Record<string, bigint>> }

export const dayNames: readonly string[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
/** So many combinations of tiers, service tiers and regions are enough for anybody's table; more would be a mistake that costs memory. */
export const maxPriceCases = 256

/**
 * A frozen price row. A rate that is missing takes its dearer neighbour: cache reads, cache writes and audio input the input rate,
 * reasoning and audio output the output rate, one-hour cache writes twice the input rate (Anthropic's published rule; at least the
 * five-minute rate). In a tier, a service tier, a region or a window, a rate that is missing changes as its input or output rate does. Where
 * several apply and the row doesn't say what they cost together, each one's ratio to the plain rate counts. Fees change only where they are given.
 *
 * Undefined, that is unpriced: input or output is missing, or all is 0, since tables write 0 for "nobody knew". Throws on text that is not
 * what it must be.
 */
export function priceOf(version: string, rates: Rates): Price | undefined {
  const given = parseRates(rates)
  const { input, output, request = 0n } = given
  if (input === undefined || output === undefined || (input === 0n && output === 0n && request === 0n)) return undefined
  const write = given.cacheWrite ?? input
  const base: PriceRates = {
    input,
    output,
    cacheRead: given.cacheRead ?? input,
    cacheWrite: write,
    cacheWrite1h: given.cacheWrite1h ?? (write > 2n * input ? write : 2n * input),
    reasoning: given.reasoning ?? output,
    inputAudio: given.inputAudio ?? input,
    outputAudio: given.outputAudio ?? output,
    ...(given.inputImage === undefined ? {} : { inputImage: given.inputImage }),
    ...(given.outputImage === undefined ? {} : { outputImage: given.outputImage }),
    request,
    ...(given.calls === undefined ? {} : { calls: given.calls }),
  }
  const plain = row(version, base, casesOf(version, base, rates))
  const times = [...periodsOf(plain, rates), ...windowsOf(plain, rates)]
  return times.length === 0 ? plain : { ...plain, times }
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

/** The price in force at a time, which is what a request is charged by from its beginning to its end. The same object each time. */
export function priceAt(price: Price, atMs: number): Price {
  if (price.times === undefined) return price
  const time = price.times.find((one) => isIn(one, atMs))
  return time === undefined ? price : priceAt(time.price, atMs)
}

/**
 * The price row times an exact decimal (`1.05`), every rate and fee rounded up to a whole pico-USD; `version` says so. Undefined when the
 * multiplier is not a decimal of at least 0.
 */
export function scalePrice(price: Price, multiplier: string): Price | undefined {
  const times = timesDecimal(multiplier)
  return times === undefined ? undefined : mapped(price, (rates) => allTimes(rates, times, times), `${price.version} x ${multiplier}`)
}

// Cases.

/** Every combination of region, service tier and tier, those with more of them first: the first that fits is the one that fits best. */
function casesOf(version: string, base: PriceRates, { tiers = [], serviceTiers = {}, regions = {} }: Rates): PriceCase[] {
  const services = Object.entries(serviceTiers)
  const places = Object.entries(regions)
  const thresholds = [...new Set([...tiers, ...services.flatMap(([, { tiers: own = [] }]) => own)].map(({ above }) => above))]
  if ((thresholds.length + 1) * (services.length + 1) * (places.length + 1) > maxPriceCases)
    throw new RangeError(`tiers, service tiers and regions make more than ${maxPriceCases} prices together`)
  const cases: PriceCase[] = []
  for (const [region, place] of [undefined, ...places].map((one) => one ?? ([undefined, undefined] as const))) {
    const placed = place === undefined ? undefined : changed(base, place)
    for (const [serviceTier, service] of [undefined, ...services].map((one) => one ?? ([undefined, undefined] as const))) {
      const served = service === undefined ? base : changed(base, service)
      for (const above of [...thresholds.toSorted((a, b) => b - a), undefined]) {
        if (region === undefined && serviceTier === undefined && above === undefined) continue
        const own = above === undefined ? undefined : tierFor(service?.tiers ?? [], above)
        const shared = above === undefined ? undefined : tierFor(tiers, above)
        const tiered =
          own !== undefined ? changed(served, own) : shared === undefined ? served : together(served, base, changed(base, shared))
        const rates = placed === undefined ? tiered : together(tiered, base, placed)
        const rate = [serviceTier, region, above === undefined ? undefined : `above ${grouped(above)} input tokens`].filter(
          (word) => word !== undefined,
        )
        cases.push({
          ...(above === undefined ? {} : { aboveInput: above }),
          ...(serviceTier === undefined ? {} : { serviceTier }),
          ...(region === undefined ? {} : { region }),
          price: { ...row(version, rates), rate: rate.join(', ') },
        })
      }
    }
  }
  return cases.toSorted((a, b) => conditions(b) - conditions(a))
}

/** The tier that a request above this many tokens is in. */
function tierFor(tiers: readonly TierTexts[], above: number): TierTexts | undefined {
  return tiers.filter((tier) => tier.above <= above).toSorted((a, b) => b.above - a.above)[0]
}

function conditions({ aboveInput, serviceTier, region }: PriceCase): number {
  return Number(aboveInput !== undefined) + Number(serviceTier !== undefined) + Number(region !== undefined)
}

// Times.

function periodsOf(plain: Price, { periods = [], windows }: Rates): PriceTime[] {
  return periods.map(({ from, until, multiplier, ...rates }) => {
    const rate = [from === undefined ? '' : `from ${from}`, until === undefined ? '' : `until ${until}`]
      .filter((word) => word !== '')
      .join(' ')
    const own = multiplier === undefined ? priceOf(plain.version, rates) : undefined
    if (multiplier === undefined && own === undefined) throw new RangeError('a period has no input or output rate, or only rates of 0')
    const scaled = own ?? scaledTokens(plain, multiplier ?? '1')
    const price = own === undefined && windows !== undefined ? { ...scaled, times: windowsOf(scaled, { windows }) } : scaled
    return {
      ...(from === undefined ? {} : { fromMs: instantOf(from) }),
      ...(until === undefined ? {} : { untilMs: instantOf(until) }),
      price: labelled(price, rate),
    }
  })
}

function windowsOf(plain: Price, { windows = [] }: Rates): PriceTime[] {
  return windows.map(({ utc, days, ...change }) => {
    const [fromMinute, untilMinute] = minutesOf(utc)
    const rate = `${days === undefined ? '' : `${days.join(' ')} `}${utc} UTC`
    const inWindow = changed(plain, change)
    return {
      window: { fromMinute, untilMinute, ...(days === undefined ? {} : { days: days.map(dayOf) }) },
      price: labelled(
        mapped(plain, (rates) => together(rates, plain, inWindow)),
        rate,
      ),
    }
  })
}

function isIn({ fromMs, untilMs, window }: PriceTime, atMs: number): boolean {
  if ((fromMs !== undefined && atMs < fromMs) || (untilMs !== undefined && atMs >= untilMs)) return false
  if (window === undefined) return true
  const { fromMinute, untilMinute, days } = window
  const at = Math.floor(atMs / 60_000)
  const minute = ((at % 1440) + 1440) % 1440
  const passesMidnight = untilMinute <= fromMinute
  const isInside = passesMidnight ? minute >= fromMinute || minute < untilMinute : minute >= fromMinute && minute < untilMinute
  if (!isInside || days === undefined) return isInside
  // A night belongs to the day it began on. 1970-01-01 was a Thursday.
  const began = Math.floor((at - (passesMidnight && minute < untilMinute ? 1440 : 0)) / 1440)
  return days.includes((((began + 4) % 7) + 7) % 7)
}

/** Milliseconds since 1970; a date is its midnight in UTC, and so is a time without a zone. */
function instantOf(text: string): number {
  const match = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/.exec(text)
  const ms = match === null ? Number.NaN : Date.parse(match[1] !== undefined && match[4] === undefined ? `${text}Z` : text)
  if (Number.isNaN(ms)) throw new RangeError(`not a date or a time such as 2026-12-01 or 2026-12-01T08:00:00Z: ${JSON.stringify(text)}`)
  return ms
}

function minutesOf(utc: string): [from: number, until: number] {
  const match = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)$/.exec(utc)
  const [, fromHour, fromMinute, untilHour, untilMinute] = (match ?? []).map(Number)
  const from = fromHour! * 60 + fromMinute!
  const until = untilHour! * 60 + untilMinute!
  if (match === null || until > 1440 || from === until)
    throw new RangeError(`not a window of the UTC day such as 16:30-00:30: ${JSON.stringify(utc)}`)
  return [from, until === 1440 ? 0 : until]
}

function dayOf(name: string): number {
  const day = dayNames.indexOf(name)
  if (day < 0) throw new RangeError(`not a day (${dayNames.join(', ')}): ${JSON.stringify(name)}`)
  return day
}

// Rates.

function parseRates({ calls, request, ...texts }: RateTexts): Given {
  const given: { -readonly [Name in keyof Given]: Given[Name] } = {}
  for (const name of tokenRates) {
    const text = texts[name]
    if (text !== undefined) given[name] = parsed(name, text, parsePicoPerToken)
  }
  if (request !== undefined) given.request = parsed('request', request, parsePicoUsd)
  if (calls !== undefined)
    given.calls = Object.fromEntries(Object.entries(calls).map(([kind, text]) => [kind, parsed(kind, text, parsePicoUsd)]))
  return given
}

function parsed(name: string, text: string, parse: (text: string) => bigint | undefined): bigint {
  const rate = parse(text)
  if (rate === undefined) throw new RangeError(`the rate ${name} is not a decimal number of at least 0: ${JSON.stringify(text)}`)
  return rate
}

/** The rates with those that are given in their place, and the others of tokens as their input or output rate has changed. */
function changed(from: PriceRates, { multiplier, ...texts }: RateChange): PriceRates {
  const given = parseRates(texts)
  const times = multiplier === undefined ? undefined : timesDecimal(multiplier)
  if (multiplier !== undefined && times === undefined) throw new RangeError(`not a multiplier of at least 0: ${JSON.stringify(multiplier)}`)
  const scaled = times === undefined ? from : allTimes(from, times, same)
  const like =
    (side: 'input' | 'output') =>
    (rate: bigint): bigint =>
      given[side] === undefined ? rate : ratio(rate, given[side], scaled[side])
  const follow: Record<TokenRate, bigint | undefined> = ratesBy(scaled, like('input'), like('output'))
  return withRates(
    scaled,
    (name) => given[name] ?? follow[name],
    given.request ?? from.request,
    given.calls === undefined ? from.calls : { ...from.calls, ...given.calls },
  )
}

/** `rates`, changed as `to` is from `from`. */
function together(rates: PriceRates, from: PriceRates, to: PriceRates): PriceRates {
  const rateOf = (name: TokenRate): bigint | undefined => {
    const [rate, before, after] = [imageAs(rates, name), imageAs(from, name), imageAs(to, name)]
    if (rates[name] === undefined && to[name] === undefined) return undefined
    return ratio(rate, after, before)
  }
  return withRates(
    rates,
    rateOf,
    to.request === from.request ? rates.request : to.request,
    to.calls === from.calls ? rates.calls : { ...rates.calls, ...to.calls },
  )
}

/** Images without a rate cost what other tokens do. */
function imageAs(rates: PriceRates, name: TokenRate): bigint {
  return rates[name] ?? (name === 'inputImage' ? rates.input : rates.output)
}

function ratesBy(
  rates: PriceRates,
  input: (rate: bigint) => bigint,
  output: (rate: bigint) => bigint,
): Record<TokenRate, bigint | undefined> {
  const by = (names: readonly TokenRate[], change: (rate: bigint) => bigint): [TokenRate, bigint | undefined][] =>
    names.map((name) => [name, rates[name] === undefined ? undefined : change(rates[name])])
  return Object.fromEntries([...by(['input', ...inputRates], input), ...by(['output', ...outputRates], output)]) as Record<
    TokenRate,
    bigint | undefined
  >
}

function withRates(
  from: PriceRates,
  rateOf: (name: TokenRate) => bigint | undefined,
  request: bigint,
  calls: Readonly<Record<string, bigint>> | undefined,
): PriceRates {
  const sure = (name: Exclude<TokenRate, 'inputImage' | 'outputImage'>): bigint => rateOf(name) ?? from[name]
  const inputImage = rateOf('inputImage')
  const outputImage = rateOf('outputImage')
  return {
    input: sure('input'),
    output: sure('output'),
    cacheRead: sure('cacheRead'),
    cacheWrite: sure('cacheWrite'),
    cacheWrite1h: sure('cacheWrite1h'),
    reasoning: sure('reasoning'),
    inputAudio: sure('inputAudio'),
    outputAudio: sure('outputAudio'),
    ...(inputImage === undefined ? {} : { inputImage }),
    ...(outputImage === undefined ? {} : { outputImage }),
    request,
    ...(calls === undefined ? {} : { calls }),
  }
}

function allTimes(rates: PriceRates, token: (rate: bigint) => bigint, fee: (rate: bigint) => bigint): PriceRates {
  const { calls, request } = rates
  const scaled = ratesBy(rates, token, token)
  const scaledCalls = calls === undefined ? undefined : Object.fromEntries(Object.entries(calls).map(([kind, each]) => [kind, fee(each)]))
  return withRates(rates, (name) => scaled[name], fee(request), scaledCalls)
}

function scaledTokens(price: Price, multiplier: string): Price {
  const times = timesDecimal(multiplier)
  if (times === undefined) throw new RangeError(`not a multiplier of at least 0: ${JSON.stringify(multiplier)}`)
  return mapped(price, (rates) => allTimes(rates, times, same))
}

/** undefined: not a decimal of at least 0. */
function timesDecimal(multiplier: string): ((rate: bigint) => bigint) | undefined {
  const decimal = parseDecimal(multiplier)
  return decimal === undefined ? undefined : (rate) => shiftUp(rate * decimal.digits, decimal.exponent)
}

function same(rate: bigint): bigint {
  return rate
}

/** rate x to / from, rounded up; where there is nothing to compare with, the dearer one. */
function ratio(rate: bigint, to: bigint, from: bigint): bigint {
  if (from === 0n) return rate > to ? rate : to
  return (rate * to + from - 1n) / from
}

// Rows.

function row(version: string, rates: PriceRates, cases: readonly PriceCase[] = []): Price {
  return { version, ...rates, ...(cases.length === 0 ? {} : { cases }) }
}

/** The whole row with every one of its rates changed. */
function mapped(price: Price, change: (rates: PriceRates) => PriceRates, version = price.version): Price {
  const { cases, times, rate } = price
  return {
    version,
    ...(rate === undefined ? {} : { rate }),
    ...change(price),
    ...(cases === undefined ? {} : { cases: cases.map((one) => ({ ...one, price: mapped(one.price, change, version) })) }),
    ...(times === undefined ? {} : { times: times.map((one) => ({ ...one, price: mapped(one.price, change, version) })) }),
  }
}

/** Says of every rate of the row when it counts. */
function labelled(price: Price, when: string): Price {
  const { cases, times, rate } = price
  return {
    ...price,
    rate: rate === undefined ? when : `${rate}, ${when}`,
    ...(cases === undefined ? {} : { cases: cases.map((one) => ({ ...one, price: labelled(one.price, when) })) }),
    ...(times === undefined ? {} : { times: times.map((one) => ({ ...one, price: labelled(one.price, when) })) }),
  }
}

/** 272000 -> 272,000. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}
