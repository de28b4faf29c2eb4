// How targets are doing: what every attempt learns, and every plan asks.
import type { BreakerRule } from '#config'
import type { Failure } from '#kernel'

/** Why a target is not asked in its place; the others come first. */
export type Trouble = {
  /** `open`: its breaker; `cooling`: its provider said to wait; `rejected`: its credential is refused or used up. */
  readonly kind: 'open' | 'cooling' | 'rejected'
  /** On the clock of `nowMs`. */
  readonly untilMs: number
}

/** How an attempt ended. `failure` undefined: it was answered. */
export type Ended = {
  readonly failure: Failure | undefined
  /** Milliseconds from its start. */
  readonly firstTokenMs: number | undefined
  readonly totalMs: number
  /** Given up sooner than the provider's own timeouts say: no verdict about it for anybody else. */
  readonly hurried?: boolean
}

/** One credential of one provider with one model. Every `nowMs` is of one clock that never stands still: `performance.now()`. */
export interface Vitals {
  /** undefined: it is asked in its place. When an open breaker's time is over, so for one request at a time: the probe. */
  trouble(nowMs: number): Trouble | undefined
  /** An attempt begins; each is followed by exactly one `ended`. */
  began(nowMs: number): void
  ended(nowMs: number, how: Ended): void
  /** Attempts that have begun and not ended. */
  readonly running: number
  /** Median time to the first token (of a whole answer: to its end) of the latest answers in the window; undefined: too few are known. */
  latencyMs(nowMs: number): number | undefined
}

export interface Health {
  /** The same one for the same names. `scope`, `rule`: a config's own breaker, whose state is apart from everybody else's. */
  of(provider: string, credential: string, model: string, own?: { readonly scope: string; readonly rule: BreakerRule }): Vitals
  /** True while every target would be asked in its place: plans may be used again as they are. */
  readonly allWell: boolean
  /** For conditions: `provider.<slug>.available` and `.latency_p50`. */
  provider(slug: string, nowMs: number): { readonly available: boolean; readonly latencyMs: number | undefined }
  /** For the operator. */
  rows(nowMs: number): readonly HealthRow[]
  /** What is known of a provider is forgotten: somebody has changed it, or says that it is well. Attempts that run go on. */
  reset(provider: string): void
}

export type HealthRow = {
  readonly provider: string
  readonly credential: string
  readonly model: string
  /** A config's own breaker: its scope. */
  readonly scope: string | undefined
  readonly state: 'closed' | 'open' | 'half_open' | 'cooling' | 'rejected'
  /** The credential is refused or used up, with whichever model. */
  readonly credentialRejected: boolean
  /** Milliseconds until it is asked again; 0 when it is. */
  readonly forMs: number
  /** Milliseconds since it left `closed`. */
  readonly lastedMs: number | undefined
  readonly running: number
  /** undefined: it has only been planned. */
  readonly askedAgoMs: number | undefined
  /** In the breaker's window. */
  readonly attempts: number
  readonly failures: number
  readonly latencyMs: number | undefined
  /** Kind of the latest failure: `provider_error`. */
  readonly lastFailure: string | undefined
  readonly lastFailureAgoMs: number | undefined
}
