// What a request costs: usage counts x a price row, in integers, line by line, rounded up once. Pure.
import type { Usage } from './response.ts'
import type { Price } from './target.ts'

/** Token counts as on `Usage`, flat, for the record; absent is undefined. */
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
}

/** One line of a cost: `units x picoUsdPerUnit`. */
export type CostLine = { readonly item: string; readonly units: number; readonly picoUsdPerUnit: bigint }

export type Cost = { readonly lines: readonly CostLine[]; readonly nanoUsd: bigint }

/** The counts of a usage, as the record keeps them. */
export function usageCounts(usage: Usage): UsageCounts {
  return {
    input: usage.input.total,
    fresh: usage.input.fresh,
    cacheRead: usage.input.cacheRead,
    cacheWrite: usage.input.cacheWrite,
    cacheWrite1h: usage.input.cacheWrite1h,
    inputAudio: usage.input.audio,
    output: usage.output.total,
    reasoning: usage.output.reasoning,
    outputAudio: usage.output.audio,
  }
}

/** The counts that are charged for: those of the usage, unless the provider says others. */
export function billedCounts(usage: Usage): UsageCounts {
  const counts = usageCounts(usage)
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
 * The cost in nano-USD and its lines. Every token is on exactly one line: `input` is fresh input without audio, `cache_write`
 * excludes the one-hour writes, `output` excludes reasoning and audio. Lines without units are left out. The sum is exact in
 * pico-USD and rounded up to nano-USD once, so it is never below the exact cost and less than 1 nano-USD above it.
 *
 * Totals bind: a breakdown that claims more than its total (recorded: 4 output tokens, "of which" 4 audio and 3 reasoning) is cut
 * down to it, the dearer kind first, so that a request is never charged for more tokens than it has.
 */
export function costOf(usage: UsageCounts, price: Price): Cost {
  const fresh = units(usage.fresh)
  const inputAudio = Math.min(units(usage.inputAudio), fresh)
  const cacheWrite = units(usage.cacheWrite)
  const cacheWrite1h = Math.min(units(usage.cacheWrite1h), cacheWrite)
  const output = units(usage.output)
  const outputAudio = Math.min(units(usage.outputAudio), output)
  const reasoning = Math.min(units(usage.reasoning), output - outputAudio)
  const lines: CostLine[] = []
  let pico = 0n
  const charge = (item: string, count: number, picoUsdPerUnit: bigint): void => {
    if (count === 0) return
    lines.push({ item, units: count, picoUsdPerUnit })
    pico += BigInt(count) * picoUsdPerUnit
  }
  charge('input', fresh - inputAudio, price.input)
  charge('cache_read', units(usage.cacheRead), price.cacheRead)
  charge('cache_write', cacheWrite - cacheWrite1h, price.cacheWrite)
  charge('cache_write_1h', cacheWrite1h, price.cacheWrite1h)
  charge('input_audio', inputAudio, price.inputAudio)
  charge('output', output - outputAudio - reasoning, price.output)
  charge('reasoning', reasoning, price.reasoning)
  charge('output_audio', outputAudio, price.outputAudio)
  if (price.request > 0n) charge('request', 1, price.request)
  return { lines, nanoUsd: nanoFromPico(pico) }
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
