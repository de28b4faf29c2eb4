// One credential of one provider with one model: what its attempts have shown, and whether it is asked in its place.
import { isDeepStrictEqual } from 'node:util'
import type { BreakerRule } from '#config'
import type { Failure } from '#kernel'
import { Ban, type BanRule, type Bans } from './ban.ts'
import { Breaker } from './breaker.ts'
import type { Ended, HealthRow, Trouble, Vitals } from './health.ts'
import { LatencyWindow } from './latency.ts'
import { countsAsFault, statusOf, verdictOf } from './verdict.ts'

/** A refused credential is mended by a person: who waits longer than ten minutes after that has waited too long. */
const refusedRule: BanRule = { firstMs: 30_000, longestMs: 600_000, longestSaidMs: 600_000, probed: true }
/** The provider's own word counts, up to an hour. */
const busyRule: BanRule = { firstMs: 5000, longestMs: 60_000, longestSaidMs: 3_600_000, probed: false }
/** To a credential that has worked within this time, a 403 is about the model. */
const workedLatelyMs = 600_000
/** A config's own breakers of one target. They are named by who sends configs along, so they are bounded. */
const mostOwn = 32

export class ProviderState {
  readonly slug: string
  readonly targets = new Set<Target>()
  /** Of whichever model. */
  readonly latency = new LatencyWindow()

  constructor(slug: string) {
    this.slug = slug
  }

  isAvailable(nowMs: number): boolean {
    for (const { shared } of this.targets) if (shared.trouble(nowMs) === undefined) return true
    return this.targets.size === 0
  }
}

/** One credential of one provider. */
export class CredentialState {
  readonly provider: ProviderState
  readonly credential: string
  readonly refused: Ban
  workedMs = -Infinity

  constructor(bans: Bans, provider: ProviderState, credential: string) {
    this.provider = provider
    this.credential = credential
    this.refused = new Ban(bans, refusedRule)
  }
}

/** What everybody's vitals share with those of configs that have breakers of their own. */
export class Target {
  readonly #targets: Targets
  readonly account: CredentialState
  readonly model: string
  /** The account may not use this model. */
  readonly refused: Ban
  readonly busy: Ban
  readonly latency = new LatencyWindow()
  readonly shared: TargetVitals
  readonly #own = new Map<string, TargetVitals>()
  running = 0
  usedMs: number
  isAsked = false
  lastFailure: string | undefined
  lastFailureMs = 0
  /** Forgotten: whoever still holds its vitals looks for the current one first. */
  gone = false

  constructor(targets: Targets, account: CredentialState, model: string, nowMs: number) {
    this.#targets = targets
    this.account = account
    this.model = model
    this.refused = new Ban(targets.bans, refusedRule)
    this.busy = new Ban(targets.bans, busyRule)
    this.shared = new TargetVitals(targets, this, new Breaker(targets.bans, targets.rule, true), undefined)
    this.usedMs = nowMs
  }

  own(scope: string, rule: BreakerRule): TargetVitals {
    const known = this.#own.get(scope)
    if (known !== undefined && isDeepStrictEqual(known.breaker.rule, rule)) return known
    known?.breaker.ban.reset()
    if (known === undefined && this.#own.size >= mostOwn) {
      const [oldest, vitals] = this.#own.entries().next().value!
      vitals.breaker.ban.reset()
      this.#own.delete(oldest)
    }
    const made = new TargetVitals(this.#targets, this, new Breaker(this.#targets.bans, rule, false), scope)
    this.#own.set(scope, made)
    return made
  }

  *vitals(): Generator<TargetVitals> {
    yield this.shared
    yield* this.#own.values()
  }

  /** Nobody is asking it, and nothing is known against it. */
  get isIdle(): boolean {
    if (this.running > 0 || this.refused.inForce || this.busy.inForce) return false
    for (const { breaker } of this.vitals()) if (breaker.ban.inForce) return false
    return true
  }

  /** All that was known of it is forgotten, but for who is asking it now. */
  reset(): void {
    this.account.refused.reset()
    this.account.workedMs = -Infinity
    this.#clear()
  }

  leave(): void {
    this.gone = true
    this.account.provider.targets.delete(this)
    this.#clear()
  }

  #clear(): void {
    this.refused.reset()
    this.busy.reset()
    for (const { breaker } of this.vitals()) {
      breaker.ban.reset()
      breaker.clear()
    }
    this.latency.reset()
    this.lastFailure = undefined
    this.isAsked = this.running > 0
  }
}

/** Finds the target of a name; makes it where there is none, or it was forgotten. */
export interface Targets {
  readonly bans: Bans
  /** Of everybody's breakers. */
  readonly rule: BreakerRule
  /** The latest time that anybody told. */
  nowMs: number
  targetOf(provider: string, credential: string, model: string): Target
}

export class TargetVitals implements Vitals {
  readonly #targets: Targets
  #target: Target
  #breaker: Breaker
  readonly scope: string | undefined

  constructor(targets: Targets, target: Target, breaker: Breaker, scope: string | undefined) {
    this.#targets = targets
    this.#target = target
    this.#breaker = breaker
    this.scope = scope
  }

  get breaker(): Breaker {
    return this.#breaker
  }

  get running(): number {
    return this.#target.running
  }

  trouble(nowMs: number): Trouble | undefined {
    const { bans } = this.#targets
    if (bans.none) return undefined
    bans.pass(nowMs)
    const { account, refused, busy } = this.#current()
    return (
      held('rejected', account.refused, nowMs) ??
      held('rejected', refused, nowMs) ??
      held('open', this.#breaker.ban, nowMs) ??
      held('cooling', busy, nowMs)
    )
  }

  began(nowMs: number): void {
    const target = this.#current()
    target.running++
    target.isAsked = true
    target.usedMs = nowMs
    this.#targets.nowMs = nowMs
    const { bans } = this.#targets
    if (bans.none) return
    bans.pass(nowMs)
    target.account.refused.began(nowMs)
    target.refused.began(nowMs)
    this.#breaker.ban.began(nowMs)
  }

  ended(nowMs: number, how: Ended): void {
    const target = this.#target
    if (target.running > 0) target.running--
    target.usedMs = nowMs
    const startedMs = nowMs - how.totalMs
    const { failure, firstTokenMs } = how
    if (failure === undefined || (failure.kind === 'client_closed' && firstTokenMs !== undefined)) {
      // Whoever left in the middle of an answer has seen that there is one; how it would have ended, nobody knows.
      if (failure === undefined) this.#breaker.succeeded(nowMs, startedMs)
      else this.#breaker.lift(startedMs)
      this.#answered(nowMs, startedMs, firstTokenMs)
      return
    }
    const verdict = verdictOf(how)
    if (failure.fault === 'provider' || verdict !== 'nothing') {
      target.lastFailure = failure.kind
      target.lastFailureMs = nowMs
    }
    if (verdict === 'busy') this.#toldToWait(nowMs, startedMs, failure.details.retryAfterMs)
    else if (verdict === 'refused') this.#refused(nowMs, startedMs, failure)
    else {
      target.account.refused.nothingLearned(startedMs)
      target.refused.nothingLearned(startedMs)
    }
    const isFault = this.scope === undefined ? verdict === 'fault' : countsAsFault(this.#breaker.rule, how)
    if (isFault) this.#breaker.failed(nowMs, startedMs)
    else this.#breaker.ban.nothingLearned(startedMs)
  }

  latencyMs(nowMs: number): number | undefined {
    return this.#current().latency.medianMs(nowMs)
  }

  row(nowMs: number): HealthRow {
    const target = this.#current()
    const { account, lastFailure } = target
    const { state, ban } = this.#state(nowMs, target)
    return {
      provider: account.provider.slug,
      credential: account.credential,
      model: target.model,
      scope: this.scope,
      state,
      credentialRejected: account.refused.inForce,
      forMs: Math.max(0, (ban?.heldUntilMs(nowMs) ?? nowMs) - nowMs),
      lastedMs: ban === undefined ? undefined : Math.max(0, nowMs - ban.sinceMs),
      running: target.running,
      askedAgoMs: target.isAsked ? Math.max(0, nowMs - target.usedMs) : undefined,
      ...this.#breaker.counts(nowMs),
      latencyMs: target.latency.medianMs(nowMs),
      lastFailure,
      lastFailureAgoMs: lastFailure === undefined ? undefined : Math.max(0, nowMs - target.lastFailureMs),
    }
  }

  #state(nowMs: number, { account, refused, busy }: Target): { readonly state: HealthRow['state']; readonly ban: Ban | undefined } {
    const reasons = [
      ['rejected', account.refused],
      ['rejected', refused],
      ['open', this.#breaker.ban],
      ['cooling', busy],
    ] as const
    const inForce = reasons.filter(([, ban]) => ban.inForce)
    const now = inForce.find(([, ban]) => nowMs < ban.untilMs)
    if (now !== undefined) return { state: now[0], ban: now[1] }
    return inForce[0] === undefined ? { state: 'closed', ban: undefined } : { state: 'half_open', ban: inForce[0][1] }
  }

  #answered(nowMs: number, startedMs: number, firstTokenMs: number | undefined): void {
    const { account, refused, busy, latency } = this.#target
    if (firstTokenMs !== undefined) {
      latency.add(nowMs, firstTokenMs)
      account.provider.latency.add(nowMs, firstTokenMs)
    }
    account.workedMs = nowMs
    account.refused.lift(startedMs)
    refused.lift(startedMs)
    busy.lift(startedMs)
  }

  #toldToWait(nowMs: number, startedMs: number, saidMs: number | undefined): void {
    const { account, refused, busy } = this.#target
    account.refused.nothingLearned(startedMs)
    refused.nothingLearned(startedMs)
    busy.impose(nowMs, startedMs, saidMs)
  }

  #refused(nowMs: number, startedMs: number, failure: Failure): void {
    const { account, refused } = this.#target
    const isOfModel = statusOf(failure) === 403 && nowMs - account.workedMs < workedLatelyMs
    const [imposed, other] = isOfModel ? [refused, account.refused] : [account.refused, refused]
    imposed.impose(nowMs, startedMs, failure.details.retryAfterMs)
    other.nothingLearned(startedMs)
  }

  #current(): Target {
    const target = this.#target
    if (!target.gone) return target
    this.#target = this.#targets.targetOf(target.account.provider.slug, target.account.credential, target.model)
    this.#breaker = (this.scope === undefined ? this.#target.shared : this.#target.own(this.scope, this.#breaker.rule)).breaker
    return this.#target
  }
}

function held(kind: Trouble['kind'], ban: Ban, nowMs: number): Trouble | undefined {
  const untilMs = ban.heldUntilMs(nowMs)
  return untilMs === undefined ? undefined : { kind, untilMs }
}
