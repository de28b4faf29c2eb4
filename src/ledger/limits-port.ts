// What stops spending: budgets, wallets and rate limits as the gateway asks for them. Amounts are nano-USD, times milliseconds since 1970.
import type { BudgetRule, GatewayKey, Provider, RateLimitRule, Snapshot } from '#config'
import type { Failure } from '#kernel'

/** Where a request may go. */
export type HoldTarget = {
  readonly provider: Provider
  /** What patterns of budgets mean it by: as it was asked for, the provider's id, the canonical one. The provider's slug may stand before each. */
  readonly models: readonly string[]
  /** Its model has a price, or is free. */
  readonly priced: boolean
}

/** The most that a request may cost: of its plan's dearest priced target. */
export type HoldCost = {
  /** Of the input and all fees, pico-USD. */
  readonly picoUsd: bigint
  readonly picoUsdPerOutputToken: bigint
}

export type HoldAsk = {
  readonly key: GatewayKey
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** The plan's first target: the output is lowered for its limits too, where that helps. */
  readonly first?: HoldTarget
  /** undefined: no target of the plan has a price. */
  readonly cost: HoldCost | undefined
  readonly inputTokens: number
  /** What the client asked for at most, else the most that the model gives. */
  readonly outputTokens: number
  /** The output is never lowered below this (a thinking budget), nor below 1,024. */
  readonly leastOutputTokens?: number
}

export type Spent = { readonly nanoUsd: bigint; readonly tokens: number }

/** What a running request holds of its limits. It ends once, by `settle` or `release`; whatever comes after the first changes nothing. */
export interface Hold {
  /** Of a request without limits: 0. */
  readonly nanoUsd: bigint
  readonly tokens: number
  /** The request must not be sent with more; Infinity of one without limits. */
  readonly maxOutputTokens: number
  /** `maxOutputTokens` is less than what was asked. */
  readonly clamped: boolean
  /** It was sent. What it cost counts in the windows in which it was held. */
  settle(actual: Spent, nowMs: number): void
  /** After `settle`, when it turns out to have been another amount: that one counts instead. If it is more, a limit may be passed by the difference. */
  correct(actual: Spent, nowMs: number): void
  /** Nobody was asked: as if it had never been. */
  release(nowMs: number): void
}

export type LimitOwner = {
  readonly kind: 'key' | 'user' | 'team' | 'provider' | 'instance'
  /** '' of the instance. */
  readonly id: string
  readonly name: string
}

/** From `fromMs` on and before `toMs`, which is Infinity where it never ends. */
export type LimitWindow = { readonly fromMs: number; readonly toMs: number }

/** `spent`, `held` and `limit`: nano-USD, or tokens. `left` may be below 0 when a request cost more than it held. */
type Amounts = { readonly spent: bigint; readonly held: bigint; readonly left: bigint }

export type BudgetView = Amounts & {
  readonly kind: 'budget'
  readonly id: string
  readonly owner: LimitOwner
  readonly rule: BudgetRule
  readonly unit: 'usd' | 'tokens'
  readonly limit: bigint
  /** undefined: of N days, and nothing was asked yet. */
  readonly window: LimitWindow | undefined
}

/** `limit` is what would be there if nothing were held. */
export type WalletView = Omit<Amounts, 'spent'> & {
  readonly kind: 'wallet'
  /** `user:ID` or `team:ID`. */
  readonly id: string
  readonly owner: LimitOwner
  readonly unit: 'usd'
  readonly limit: bigint
}

export type RateView = {
  readonly kind: 'rate'
  readonly id: string
  readonly owner: LimitOwner
  readonly rule: RateLimitRule
  readonly limit: number
  readonly left: number
  /** Until all of it is there again; of `concurrent` 0. */
  readonly resetMs: number
}

export type LimitView = BudgetView | WalletView | RateView

/** The tightest limits of a key, for the headers of its answers. */
export type RateState = { readonly requests?: RateView; readonly tokens?: RateView }

/** What was spent must be read for this: charges of the dimension whose request began in the window. */
export type UnreadWindow = {
  readonly id: string
  readonly dimension: {
    readonly kind: LimitOwner['kind']
    readonly id: string
    readonly models?: readonly string[]
    readonly metadata?: Readonly<Record<string, string>>
  }
  readonly unit: 'usd' | 'tokens'
  /** The window depends on when the first request ever of the dimension began, which `windowAt` must be told. */
  readonly startsAtFirst: boolean
  /** undefined: there was none, or it doesn't matter. */
  windowAt(firstMs: number | undefined): LimitWindow
}

/** A share of a budget is spent; told once in each window, and again after a start or when the amount has changed. */
export type BudgetAlert = {
  readonly budget: BudgetView
  /** The one of `alertAt`, 0 to 1. */
  readonly share: number
  readonly atMs: number
  /** The same for the same share of the same budget in the same window. */
  readonly name: string
}

export interface Limits {
  /** What is configured now. A budget that stays (of the same owner, unit, period, models and metadata) keeps what is spent and held. */
  configure(snapshot: LimitedSnapshot): void
  /**
   * Holds what a request may cost of all its limits, or nothing of any: its key's, user's, team's, the instance's and its wallet's, but not
   * those for models and providers. May lower the output so that it fits. A failure is `budget_exceeded`, `insufficient_balance`,
   * `budget_reserved`, `rate_limit_exceeded` or `unpriced_model`.
   */
  reserve(ask: HoldAsk, nowMs: number): Hold | Failure
  /**
   * Before each attempt: holds the limits of its provider and those for its model, and lets go of the previous attempt's. A failure says
   * why the target is to be skipped: `provider_limited`, which is not the client's business, or one of `reserve`'s for its model.
   */
  reserveAt(hold: Hold, target: HoldTarget, nowMs: number): Failure | undefined
  /** The least that is left of the key's hard limits, for conditions of configs; absent: no such limit. */
  remaining(key: GatewayKey, nowMs: number): { readonly nanoUsd?: bigint; readonly tokens?: number }
  /** Every limit of a key, its user, its team and its wallet. */
  view(key: GatewayKey, nowMs: number): readonly LimitView[]
  /** Every limit there is. */
  list(nowMs: number): readonly LimitView[]
  rates(key: GatewayKey, nowMs: number): RateState
  /** At the start, once everything that happened before is in it. */
  setBalance(wallet: string, nanoUsd: bigint): void
  /** While it runs: by how much a credit or a correction changed it. Charges of requests are not told: `settle` counts them. */
  changeBalance(wallet: string, byNanoUsd: bigint): void
  /** Wallets whose balance must be read: at the start all, later new ones. Until then they are empty. */
  unreadWallets(): readonly string[]
  /** Windows of which it must be read what was spent: at the start all, later new ones, and all after another time zone was set. */
  unread(nowMs: number): readonly UnreadWindow[]
  /** What was spent in a window, with all requests that had ended when `unread` was called. What ends since then is added. */
  setSpent(id: string, window: LimitWindow, spent: Spent): void
  /** Called inside `settle` and `reserve`; must not throw. */
  onAlert: ((alert: BudgetAlert) => void) | undefined
  /** Requests that hold something. */
  readonly heldCount: number
}

export type LimitedSnapshot = Pick<Snapshot, 'keys' | 'providers' | 'users' | 'teams' | 'budgets' | 'timeZone'>

export type LimitsDeps = {
  /** Patterns of model names: `*` stands for any characters. */
  readonly createGlob: (pattern: string) => (name: string) => boolean
  /** Where a wallet is topped up, for the sentence that says that it is empty; undefined: only the operator can. */
  readonly topUpUrl?: string
}
