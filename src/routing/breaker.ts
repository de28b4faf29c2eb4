// One breaker: counts what happened in a sliding window, and opens when too much of it went wrong.
import type { BreakerRule } from '#config'
import { Ban, type Bans } from './ban.ts'

/**
 * Half of at least ten attempts in a minute: a provider that answers most requests stays, since the next target takes over what it fails.
 * Somebody's own gateway sees fewer than ten in a minute: there, three failures in a row open it. The first time is short, because most
 * bad moments are; each failed probe doubles it.
 */
export const defaultRule = { errorRate: 0.5, minRequests: 10, windowMs: 60_000, coolMs: 15_000 } as const satisfies BreakerRule
/** Of the default rule, while the window has fewer attempts than it needs. */
const failuresInRow = 3
/** Failures further apart are not in a row. */
const rowMs = 600_000
/** How often the time of an open breaker may grow: sixteen times the first, 4 minutes with the default rule. */
const growth = 16
const slots = 10

export class Breaker {
  readonly rule: BreakerRule
  readonly ban: Ban
  readonly #slotMs: number
  readonly #opensInRow: boolean
  readonly #attempts = new Uint32Array(slots)
  readonly #failures = new Uint32Array(slots)
  #slot = 0
  #attemptsInAll = 0
  #failuresInAll = 0
  #inRow = 0
  #lastFailureMs = -Infinity

  constructor(bans: Bans, rule: BreakerRule, opensInRow: boolean) {
    this.rule = rule
    this.#slotMs = Math.max(1, rule.windowMs / slots)
    this.#opensInRow = opensInRow
    this.ban = new Ban(bans, { firstMs: rule.coolMs, longestMs: rule.coolMs * growth, longestSaidMs: 0, probed: true })
  }

  succeeded(nowMs: number, startedMs: number): void {
    if (this.ban.inForce) {
      this.lift(startedMs)
      return
    }
    this.#move(nowMs)
    this.#attempts[this.#slot % slots]!++
    this.#attemptsInAll++
    this.#inRow = 0
  }

  /** Closes it, if what began then tells anything new. Counts nothing. */
  lift(startedMs: number): void {
    if (this.ban.inForce && this.ban.lift(startedMs)) this.clear()
  }

  failed(nowMs: number, startedMs: number): void {
    this.#move(nowMs)
    this.#attempts[this.#slot % slots]!++
    this.#attemptsInAll++
    this.#failures[this.#slot % slots]!++
    this.#failuresInAll++
    this.#inRow = nowMs - this.#lastFailureMs > rowMs ? 1 : this.#inRow + 1
    this.#lastFailureMs = nowMs
    if (this.ban.inForce || this.#isTooMuch()) this.ban.impose(nowMs, startedMs)
  }

  /** What its window holds. */
  counts(nowMs: number): { readonly attempts: number; readonly failures: number } {
    this.#move(nowMs)
    return { attempts: this.#attemptsInAll, failures: this.#failuresInAll }
  }

  clear(): void {
    this.#attempts.fill(0)
    this.#failures.fill(0)
    this.#attemptsInAll = 0
    this.#failuresInAll = 0
    this.#inRow = 0
  }

  #isTooMuch(): boolean {
    const { errorRate, minRequests, failures } = this.rule
    if (failures !== undefined && (this.#failuresInAll >= failures || this.#inRow >= failures)) return true
    if (this.#attemptsInAll >= minRequests) return this.#failuresInAll >= errorRate * this.#attemptsInAll
    return this.#opensInRow && this.#inRow >= failuresInRow
  }

  #move(nowMs: number): void {
    const slot = Math.floor(nowMs / this.#slotMs)
    if (slot <= this.#slot) return
    if (slot - this.#slot >= slots) {
      this.#attempts.fill(0)
      this.#failures.fill(0)
      this.#attemptsInAll = 0
      this.#failuresInAll = 0
    } else {
      for (let passed = this.#slot + 1; passed <= slot; passed++) {
        const index = passed % slots
        this.#attemptsInAll -= this.#attempts[index]!
        this.#failuresInAll -= this.#failures[index]!
        this.#attempts[index] = 0
        this.#failures[index] = 0
      }
    }
    this.#slot = slot
  }
}
