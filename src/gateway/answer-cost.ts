// What an answer costs: of the usage that its provider told, or of what it is likely to be.
import { bytesPerToken, type Arrival, type Inspected } from '#inspection'
import { billedCounts, freePrice, priceAt, usageCounts, usdNumber, type Price, type Usage, type UsageCounts } from '#ir'
import { priceUsage, type PricedUsage } from '#ledger'
import type { Plan, PlannedTarget } from '#routing'
import type { ReserveRecord } from '#store'
import { tierAsked } from './asked.ts'
import { tokensSent, type Sent } from './sent-words.ts'

/** A usage, its counts and what they cost. */
export type Priced = PricedUsage & {
  readonly usage: Usage
  /** The usage as the provider wrote it, where it was read from a whole answer. */
  readonly text: string | undefined
  readonly counts: UsageCounts
}

/** What the price of an answer depends on. */
interface Asked {
  readonly arrival: Arrival
  /** undefined: the body was refused before anything was known of it. */
  readonly inspected: Inspected | undefined
  readonly plan: Plan
  readonly reserved: ReserveRecord | undefined
}

export interface Billed extends Asked, Sent {
  /** Of the latest attempt. */
  readonly target: PlannedTarget | undefined
  readonly pricedUsage: Priced | undefined
}

/** Nobody charges for counting tokens. */
export function priceOf(arrival: Arrival, target: PlannedTarget): Price | undefined {
  return arrival.operation === 'count-tokens' ? freePrice : priceOfTarget(target, arrival.atMs)
}

/** In force when the request came. */
export function priceOfTarget({ model }: PlannedTarget, atMs: number): Price | undefined {
  if (model.free === true) return freePrice
  return model.price === undefined ? undefined : priceAt(model.price, atMs)
}

/** No model reads or writes as much; a bill with such a number would be nonsense, and would not fit into a ledger. */
const mostTokens = 1_000_000_000
const mostCalls = 1_000_000

/** `estimated`: the counts are ours. undefined: they are impossible, which is as good as none. */
export function priceAnswer(
  exchange: Asked,
  usage: Usage,
  target: PlannedTarget,
  text: string | undefined,
  estimated = false,
): Priced | undefined {
  if (usage.input.total > mostTokens || usage.output.total > mostTokens) return undefined
  if (usage.hosted !== undefined && Object.values(usage.hosted).some((calls) => calls > mostCalls)) return undefined
  const tier = tierOf(exchange, target)
  const counts = usageCounts(usage, tier === '' ? undefined : tier)
  const { costNanoUsd, costSource, lines, price, providerCostNanoUsd } = priceUsage({
    counts: billedCounts(usage, counts),
    price: priceOfTarget(target, exchange.arrival.atMs),
    providerCost: usage.cost,
    estimated,
  })
  return { usage, text, counts, costNanoUsd, costSource, lines, price, providerCostNanoUsd }
}

/** That a request asks its target for; '' without one. What was written down of the first target is not looked for again. */
export function tierOf({ inspected, plan, reserved }: Pick<Asked, 'inspected' | 'plan' | 'reserved'>, target: PlannedTarget): string {
  return reserved !== undefined && plan.steps[0]?.target === target ? reserved.serviceTier : (tierAsked(inspected, target) ?? '')
}

/** The provider says that nothing was read, or nothing written: where an answer has words all the same, they are counted. What is free may say so. */
export function isDoubtful({ counts, costNanoUsd, costSource }: Priced): boolean {
  if (counts.input > 0 && counts.output > 0) return false
  return costSource === 'unpriced' || (costSource === 'computed' && (costNanoUsd !== 0n || counts.input + counts.output === 0))
}

/** Nobody charges for an answer that was kept. */
export function freeAnswer(usage: Usage): Priced {
  return {
    usage,
    text: undefined,
    counts: usageCounts(usage),
    costNanoUsd: 0n,
    costSource: 'computed',
    lines: [],
    price: undefined,
    providerCostNanoUsd: undefined,
  }
}

/** What the client may be told that the answer costs. undefined: it has no price, or its words are counted first. */
export function toldCost({ arrival, pricedUsage }: Pick<Billed, 'arrival' | 'pricedUsage'>): bigint | undefined {
  if (pricedUsage === undefined || (arrival.operation === 'generate' && isDoubtful(pricedUsage))) return undefined
  return pricedUsage.costNanoUsd
}

/** The same in USD. */
export function toldCostUsd(exchange: Pick<Billed, 'arrival' | 'pricedUsage'>): number | undefined {
  const cost = toldCost(exchange)
  return cost === undefined ? undefined : usdNumber(cost)
}

/** Of an answer that began and never told all of its usage, or none: what it is likely to be. */
export function estimatedAnswer(exchange: Billed): Priced | undefined {
  const { target, pricedUsage } = exchange
  if (target === undefined) return pricedUsage
  const said = pricedUsage?.counts
  const input = said?.input ?? Math.ceil((exchange.arrival.bodyEnd - exchange.arrival.bodyStart) / bytesPerToken)
  const output = Math.max(said?.output ?? 0, tokensSent(exchange))
  const usage: Usage =
    pricedUsage === undefined
      ? { input: { total: input, fresh: input }, output: { total: output }, raw: {} }
      : { ...pricedUsage.usage, output: { ...pricedUsage.usage.output, total: output } }
  return priceAnswer(exchange, usage, target, '', true)
}
