// What one running request holds, and how that ends: once, whatever happens.
import type { Hold, Spent } from './limits-port.ts'
import type { Terms } from './limits-registry.ts'
import type { Purse } from './purses.ts'
import type { Pace, RateMeter } from './rate-limits.ts'

export type PurseClaim = { readonly purse: Purse; readonly mark: number; readonly amount: bigint }
export type RateClaim = { readonly meter: RateMeter; readonly units: number }

/** What was taken in one go: of the request, or of one of its attempts. */
export type Claims = { readonly purses: readonly PurseClaim[]; readonly rates: readonly RateClaim[] }

const noClaims: Claims = { purses: [], rates: [] }

/** How many requests hold something. */
export type Holders = { count: number }

type Counted = { readonly usd: bigint; readonly tokens: bigint }

export class RequestHold implements Hold {
  readonly nanoUsd: bigint
  readonly tokens: number
  readonly inputTokens: number
  readonly maxOutputTokens: number
  readonly clamped: boolean
  readonly terms: Terms
  readonly metadata: Readonly<Record<string, string>> | undefined
  readonly #claims: Claims
  #attempt: Claims = noClaims
  readonly #pace: Pace
  readonly #holders: Holders
  /** undefined: it runs. */
  #end: 'settled' | 'released' | undefined
  #counted: Counted = { usd: 0n, tokens: 0n }

  constructor(
    of: Pick<RequestHold, 'nanoUsd' | 'tokens' | 'inputTokens' | 'maxOutputTokens' | 'clamped' | 'terms' | 'metadata'>,
    claims: Claims,
    pace: Pace,
    holders: Holders,
  ) {
    this.nanoUsd = of.nanoUsd
    this.tokens = of.tokens
    this.inputTokens = of.inputTokens
    this.maxOutputTokens = of.maxOutputTokens
    this.clamped = of.clamped
    this.terms = of.terms
    this.metadata = of.metadata
    this.#claims = claims
    this.#pace = pace
    this.#holders = holders
    holders.count++
  }

  get over(): boolean {
    return this.#end !== undefined
  }

  /** The previous attempt failed: nothing of its money is held any more, but it was sent. */
  attempt(claims: Claims | undefined, nowMs: number): void {
    this.#endClaims(this.#attempt, nothing, nowMs, true)
    this.#attempt = claims ?? noClaims
  }

  settle(actual: Spent, nowMs: number): void {
    if (this.#end !== undefined) return
    this.#end = 'settled'
    this.#holders.count--
    this.#counted = countedOf(actual)
    this.#endClaims(this.#claims, this.#counted, nowMs, true)
    this.#endClaims(this.#attempt, this.#counted, nowMs, true)
  }

  correct(actual: Spent, nowMs: number): void {
    if (this.#end !== 'settled') return
    const before = this.#counted
    const now = countedOf(actual)
    this.#counted = now
    const paceMs = this.#pace.at(nowMs)
    for (const { purses, rates } of [this.#claims, this.#attempt]) {
      for (const { purse, mark } of purses) purse.change(mark, before[purse.unit], now[purse.unit], nowMs)
      for (const { meter } of rates) if (meter.rule.of === 'tokens') meter.change(Number(before.tokens), Number(now.tokens), paceMs)
    }
  }

  release(nowMs: number): void {
    if (this.#end !== undefined) return
    this.#end = 'released'
    this.#holders.count--
    this.#endClaims(this.#claims, nothing, nowMs, false)
    this.#endClaims(this.#attempt, nothing, nowMs, false)
  }

  #endClaims({ purses, rates }: Claims, actual: Counted, nowMs: number, wasSent: boolean): void {
    for (const { purse, mark, amount } of purses) purse.end(mark, amount, actual[purse.unit], nowMs)
    if (rates.length === 0) return
    const paceMs = this.#pace.at(nowMs)
    for (const { meter, units } of rates) {
      const { of } = meter.rule
      if (of === 'tokens') meter.change(units, Number(actual.tokens), paceMs)
      // One that was sent has been one; at once it is no longer.
      else if (of === 'concurrent' || !wasSent) meter.change(units, 0, paceMs)
    }
  }
}

const nothing: Counted = { usd: 0n, tokens: 0n }

/** Amounts come from answers of providers, by way of their prices: nothing below 0 is one. */
function countedOf({ nanoUsd, tokens }: Spent): Counted {
  return { usd: nanoUsd > 0n ? nanoUsd : 0n, tokens: BigInt(wholeTokens(tokens)) }
}

/** Any number as a count of tokens. */
export function wholeTokens(count: number): number {
  return count > 0 ? Math.min(Math.ceil(count), Number.MAX_SAFE_INTEGER) : 0
}

/** Of a request without limits. */
export const freeHold: Hold = Object.freeze({
  nanoUsd: 0n,
  tokens: 0,
  maxOutputTokens: Infinity,
  clamped: false,
  settle: () => {},
  correct: () => {},
  release: () => {},
})
