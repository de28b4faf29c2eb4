// Requests, tokens and requests at once: a generic cell rate algorithm in whole numbers, and a count. Pure; the clock comes in.
import type { RateLimitRule } from '#config'
import type { LimitOwner, RateView } from './limits-port.ts'

/**
 * Runs with the clock that it is shown, and stands still while that goes backwards: a limit of a second is not one of an hour because the
 * clock was set. Milliseconds, from 0 on.
 */
export class Pace {
  #shownMs = -Infinity
  #ms = 0

  at(nowMs: number): number {
    if (this.#shownMs === -Infinity) this.#shownMs = nowMs
    else if (nowMs > this.#shownMs) {
      this.#ms += nowMs - this.#shownMs
      this.#shownMs = nowMs
    } else if (nowMs < this.#shownMs - toleranceMs) this.#shownMs = nowMs
    return this.#ms
  }
}

/** Whoever comes with an earlier time is no clock that went back: a request counts from when it began, and its body may take ten minutes. */
const toleranceMs = 900_000

/**
 * One rate limit. What is taken flows off steadily, all of it in one period; as much as the limit fits at once. So in any time t at most
 * limit x (1 + t / period) are let through.
 */
export class RateMeter {
  readonly id: string
  owner: LimitOwner
  rule: RateLimitRule
  /** What was taken and has not flowed off, in units x period: whole numbers, since in a millisecond `limit` of it flow off. */
  #debt = 0
  #atMs = 0

  constructor(id: string, owner: LimitOwner, rule: RateLimitRule) {
    this.id = id
    this.owner = owner
    this.rule = rule
  }

  /** What was taken stays taken. */
  configure(owner: LimitOwner, rule: RateLimitRule): void {
    this.owner = owner
    this.rule = rule
  }

  /** Whole units that can be taken now; below 0 when more was used than had been taken. */
  left(paceMs: number): number {
    const { limit } = this.rule
    return Math.floor((limit * this.#perMs - this.#flow(paceMs)) / this.#perMs)
  }

  /** How long until so many can be taken, if nothing else is; 0: now, Infinity: never. Of `concurrent` nobody knows: a second. */
  waitMs(units: number, paceMs: number): number {
    const { limit, of } = this.rule
    if (limit === 0) return Infinity
    if (units <= this.left(paceMs)) return 0
    return of === 'concurrent' ? 1000 : Math.max(1, Math.ceil((this.#debt + (units - limit) * this.#perMs) / limit))
  }

  take(units: number, paceMs: number): void {
    this.#debt = this.#flow(paceMs) + units * this.#perMs
  }

  /** It was another amount than was taken. */
  change(taken: number, actual: number, paceMs: number): void {
    this.#debt = Math.max(0, this.#flow(paceMs) + (actual - taken) * this.#perMs)
  }

  view(paceMs: number): RateView {
    const left = this.left(paceMs)
    const { limit } = this.rule
    const resetMs = this.rule.of === 'concurrent' || limit === 0 ? 0 : Math.ceil(this.#debt / limit)
    return { kind: 'rate', id: this.id, owner: this.owner, rule: this.rule, limit, left: Math.max(0, left), resetMs }
  }

  get #perMs(): number {
    return this.rule.of === 'concurrent' ? 1 : this.rule.perMs
  }

  #flow(paceMs: number): number {
    if (this.rule.of !== 'concurrent') this.#debt = Math.max(0, this.#debt - (paceMs - this.#atMs) * this.rule.limit)
    this.#atMs = paceMs
    return this.#debt
  }
}

/**
 * What a request takes before it is known how much it is. Of tokens at most half of what is left, as long as its input and a short answer fit:
 * the most that a model could answer is mostly far more than it does, and the truth is settled.
 */
export function unitsToTake(meter: RateMeter, inputTokens: number, outputTokens: number, paceMs: number): number {
  if (meter.rule.of !== 'tokens') return 1
  const { limit } = meter.rule
  const all = inputTokens + outputTokens
  const half = Math.floor(meter.left(paceMs) / 2)
  // What is larger than the limit may pass when all of it is there.
  return Math.min(limit, all <= half ? all : Math.max(half, inputTokens + Math.min(outputTokens, shortAnswerTokens)))
}

const shortAnswerTokens = 1024
