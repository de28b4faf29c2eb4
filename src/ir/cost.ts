// What a request costs: usage counts x a price row, in integers, line by line, rounded up once. Pure.
import type { Usage } from './response.ts'
import type { Price, PriceCase } from './target.ts'

/** Counts as on `Usage`, flat, for the record, and what decides between a price's rates; absent is undefined. */
export type UsageCounts = {
  readonly input: number
  readonly fresh: number
  readonly cacheRead: number | undefined
  readonly cacheWrite: number | undefined
  readonly cacheWrite1h: number | undefined
  readonly inputAudio: number | undefined
  readonly output: number
  readonly reasoning: number | undefined
  readonly outputAudio: number | undefined
  readonly inputImage?: number | undefined
  readonly outputImage?: number | undefined
  /** Calls of tools that the provider runs, by kind. */
  readonly hosted?: Readonly<Record<string, number>> | undefined
  /** That the answer says it was served with, else the one that was asked for. */
  readonly serviceTier?: string | undefined
  /** Where the provider says that it computed. */
  readonly region?: string | undefined
}

/**
 * One line of a cost: `units x picoUsdPerUnit`. `rate` says which of the price's rates it was, where it was not the plain one: `flex, above
 * 200,000 input tokens`; or `no price`, beside a 0: calls of a tool whose price nobody told.
 */
export type CostLine = { readonly item: string; readonly units: number; readonly picoUsdPerUnit: bigint; readonly rate?: string }

/** `price`: the rates that counted, without the others of their row. */
export type Cost = { readonly lines: readonly CostLine[]; readonly nanoUsd: bigint; readonly price: Price }

/** What a provider calls the tier whose rates are the plain ones. */
const plainTiers: ReadonlySet<string> = new Set(['default', 'standard', 'auto', 'on_demand', 'standard_only'])

/**
 * The counts of a usage, as the record keeps them. `askedTier` counts where the answer doesn't say which one served it; a plain tier is as
 * good as none. The last five are not there unless one of them says something, which few answers do.
 */
export function usageCounts(usage: Usage, askedTier?: string): UsageCounts {
  const { input, output, hosted, region } = usage
  const counts = {
    input: input.total,
    fresh: input.fresh,
    cacheRead: input.cacheRead,
    cacheWrite: input.cacheWrite,
    cacheWrite1h: input.cacheWrite1h,
    inputAudio: input.audio,
    output: output.total,
    reasoning: output.reasoning,
    outputAudio: output.audio,
  }
  const tier = usage.serviceTier ?? askedTier
  const serviceTier = tier === undefined || plainTiers.has(tier) ? undefined : tier
  if (hosted === undefined && serviceTier === undefined && region === undefined && input.image === undefined && output.image === undefined)
    return counts
  return { ...counts, inputImage: input.image, outputImage: output.image, hosted, serviceTier, region }
}

/** The counts that are charged for: those of the usage, unless the provider says others. */
export function billedCounts(usage: Usage, counts = usageCounts(usage)): UsageCounts {
  if (usage.billed === undefined) return counts
  const { input, output } = usage.billed
  return {
    ...counts,
    input,
    fresh: input,
    cacheRead: undefined,
    cacheWrite: undefined,
    cacheWrite1h: undefined,
    output,
  }
}

/**
 * The cost in nano-USD and its lines. Every token is on exactly one line: `input` is fresh input without audio and images, `cache_write`
 * excludes the one-hour writes, `output` excludes reasoning, audio and images; images are apart only where they have a rate. Lines without
 * units are left out. The sum is exact in pico-USD and rounded up to nano-USD once, so it is never below the exact cost and less than 1
 * nano-USD above it.
 *
 * Totals bind: a breakdown that claims more than its total (recorded: 4 output tokens, "of which" 4 audio and 3 reasoning) is cut
 * down to it, the dearer kind first, so that a request is never charged for more tokens than it has.
 */
export function costOf(usage: UsageCounts, row: Price): Cost {
  const price = row.cases === undefined ? row : rowFor(usage, row, row.cases)
  const { rate } = price
  const fresh = units(usage.fresh)
  const inputAudio = Math.min(units(usage.inputAudio), fresh)
  const inputImage = price.inputImage === undefined ? 0 : Math.min(units(usage.inputImage), fresh - inputAudio)
  const cacheWrite = units(usage.cacheWrite)
  const cacheWrite1h = Math.min(units(usage.cacheWrite1h), cacheWrite)
  const output = units(usage.output)
  const outputAudio = Math.min(units(usage.outputAudio), output)
  const outputImage = price.outputImage === undefined ? 0 : Math.min(units(usage.outputImage), output - outputAudio)
  const reasoning = Math.min(units(usage.reasoning), output - outputAudio - outputImage)
  const lines: CostLine[] = []
  let pico = 0n
  const charge = (item: string, count: number, picoUsdPerUnit: bigint): void => {
    if (count === 0) return
    lines.push(rate === undefined ? { item, units: count, picoUsdPerUnit } : { item, units: count, picoUsdPerUnit, rate })
    pico += BigInt(count) * picoUsdPerUnit
  }
  charge('input', fresh - inputAudio - inputImage, price.input)
  charge('cache_read', units(usage.cacheRead), price.cacheRead)
  charge('cache_write', cacheWrite - cacheWrite1h, price.cacheWrite)
  charge('cache_write_1h', cacheWrite1h, price.cacheWrite1h)
  charge('input_audio', inputAudio, price.inputAudio)
  if (inputImage > 0) charge('input_image', inputImage, price.inputImage ?? price.input)
  charge('output', output - outputAudio - outputImage - reasoning, price.output)
  charge('reasoning', reasoning, price.reasoning)
  charge('output_audio', outputAudio, price.outputAudio)
  if (outputImage > 0) charge('output_image', outputImage, price.outputImage ?? price.output)
  if (price.request > 0n) charge('request', 1, price.request)
  if (usage.hosted !== undefined) pico += chargeCalls(usage.hosted, price, lines)
  return { lines, nanoUsd: nanoFromPico(pico), price }
}

/** The most kinds of tools on one cost: an answer's own words make them, and no provider has as many. */
const maxCallKinds = 16

/** Calls that have no price are on a line all the same, which says so. What is free throughout has free calls. */
function chargeCalls(hosted: Readonly<Record<string, number>>, { calls, input, output, rate }: Price, lines: CostLine[]): bigint {
  let pico = 0n
  for (const [kind, made] of Object.entries(hosted).slice(0, maxCallKinds)) {
    const count = units(made)
    const each = calls !== undefined && Object.hasOwn(calls, kind) ? calls[kind] : undefined
    if (count === 0 || each === 0n || (each === undefined && input === 0n && output === 0n)) continue
    if (each === undefined) lines.push({ item: kind, units: count, picoUsdPerUnit: 0n, rate: 'no price' })
    else
      lines.push(
        rate === undefined ? { item: kind, units: count, picoUsdPerUnit: each } : { item: kind, units: count, picoUsdPerUnit: each, rate },
      )
    pico += BigInt(count) * (each ?? 0n)
  }
  return pico
}

/** What of a row counts for an answer: the first of its cases that fits, else its plain rates. */
function rowFor({ input, serviceTier, region }: UsageCounts, row: Price, cases: readonly PriceCase[]): Price {
  for (const one of cases) {
    if (
      (one.aboveInput === undefined || input > one.aboveInput) &&
      (one.serviceTier === undefined || one.serviceTier === serviceTier) &&
      (one.region === undefined || one.region === region)
    )
      return one.price
  }
  return row
}

/** The cost that recorded lines add up to: equal to what `costOf` said when it wrote them. */
export function costOfLines(lines: readonly CostLine[]): bigint {
  let pico = 0n
  for (const line of lines) pico += BigInt(line.units) * line.picoUsdPerUnit
  return nanoFromPico(pico)
}

/** Rounds up. Amounts are never negative here. */
function nanoFromPico(pico: bigint): bigint {
  return (pico + 999n) / 1000n
}

/** Counts come from foreign JSON: anything that is not a positive whole number of tokens is cut down to one. */
function units(count: number | undefined): number {
  return count !== undefined && count > 0 && count <= Number.MAX_SAFE_INTEGER ? Math.floor(count) : 0
}
