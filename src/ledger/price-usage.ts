// What one answer cost: the price row times its usage, beside what the provider says it billed, which wins.
import { costOf, parseNanoUsd, type CostLine, type Price, type UsageCounts } from '#ir'
import type { CostSource } from '#store'

export type PricedUsage = {
  /** Nano-USD; undefined when unpriced. */
  readonly costNanoUsd: bigint | undefined
  readonly costSource: CostSource
  /** The computed lines, also where the provider's own figure counts; empty when there is no price. */
  readonly lines: readonly CostLine[]
  /** The rates of the price that counted; undefined: unpriced. */
  readonly price: Price | undefined
  readonly providerCostNanoUsd: bigint | undefined
}

export type UsageToPrice = {
  /** undefined: the answer brought no usage. */
  readonly counts: UsageCounts | undefined
  /** Frozen when the request was sent; undefined: unpriced. */
  readonly price: Price | undefined
  /** What the provider says it billed, USD as decimal text. */
  readonly providerCost?: string | undefined
  /** The counts are ours, not the provider's. */
  readonly estimated?: boolean
}

/** Nobody bills one request with more, and the ledger books no more of one (`boundedNanoUsd`): budgets would count what is not booked. */
const mostNanoUsd = 9_000_000_000_000n

/**
 * Prices one answer. Without counts there is no cost to compute: unpriced, until the counts are estimated. A provider's figure that is
 * not a decimal of at least 0 is as good as none.
 */
export function priceUsage({ counts, price, providerCost, estimated = false }: UsageToPrice): PricedUsage {
  const stated = providerCost === undefined ? undefined : parseNanoUsd(providerCost)
  const providerCostNanoUsd = stated === undefined || stated > mostNanoUsd ? undefined : stated
  const computed = counts === undefined || price === undefined ? undefined : costOf(counts, price)
  const lines = computed?.lines ?? []
  const applied = computed?.price ?? price
  if (providerCostNanoUsd !== undefined)
    return { costNanoUsd: providerCostNanoUsd, costSource: 'provider', lines, price: applied, providerCostNanoUsd }
  if (computed === undefined) return { costNanoUsd: undefined, costSource: 'unpriced', lines, price: applied, providerCostNanoUsd }
  return { costNanoUsd: computed.nanoUsd, costSource: estimated ? 'estimated' : 'computed', lines, price: applied, providerCostNanoUsd }
}
