// What money and tokens are held from: a budget in its window, and a wallet. In memory; the ledger is told elsewhere.
import type { BudgetRule } from '#config'
import type { Failure } from '#kernel'
import type { BudgetAlert, BudgetView, LimitOwner, LimitView, LimitWindow, Spent, UnreadWindow, WalletView } from './limits-port.ts'
import { budgetExceeded, budgetReserved, walletEmpty, walletReserved } from './limits-words.ts'
import { isCalendarPeriod, windowOfDays, type Calendar } from './windows.ts'

/** Amounts are nano-USD or tokens, never below 0. */
export interface Purse {
  readonly unit: 'usd' | 'tokens'
  readonly owner: LimitOwner
  /** Stops what doesn't fit. */
  readonly hard: boolean
  /** Moves on to the window of this moment. A clock that goes back moves nothing: what is over stays over. */
  roll(nowMs: number): void
  /** What can be held now; below 0 when more was spent than held. */
  readonly room: bigint
  /** The same if nothing were held. */
  readonly unspent: bigint
  /** Returns the mark of the window, for `end` and `change`. */
  hold(amount: bigint, nowMs: number): number
  end(mark: number, held: bigint, actual: bigint, nowMs: number): void
  /** What was counted was another amount. */
  change(mark: number, counted: bigint, actual: bigint, nowMs: number): void
  /** Why an amount does not fit, which is more than `room`. */
  refusal(amount: bigint, nowMs: number): Failure
  view(nowMs: number): LimitView
}

export type BudgetDeps = {
  readonly calendar: Calendar
  readonly createGlob: (pattern: string) => (name: string) => boolean
  readonly tell: (alert: BudgetAlert) => void
}

const millionths = 1_000_000n
const everything: LimitWindow = { fromMs: 0, toMs: Infinity }
const nothingBegan: LimitWindow = { fromMs: Infinity, toMs: Infinity }

export class BudgetMeter implements Purse {
  readonly id: string
  owner: LimitOwner
  readonly unit: 'usd' | 'tokens'
  readonly #deps: BudgetDeps
  #rule: BudgetRule
  #limit = 0n
  #calendar: Calendar
  #globs: readonly ((name: string) => boolean)[] | undefined
  /** The amounts of `alertAt`, and how many of them were told. */
  #marks: readonly bigint[] = []
  #told = -1
  /** Another time zone counts from now on. */
  #moved = false
  #fromMs = -Infinity
  /** The window ends here; -Infinity: none has begun. */
  #toMs = -Infinity
  /** Counts windows. */
  #window = 0
  /** Before this engine counted, and since. */
  #read = 0n
  #settled = 0n
  /** The limit without both of them: asked for by each request, several times. */
  #unspent = 0n
  /** As it was when the ledger was asked. */
  #settledAsked = 0n
  #held = 0n
  #holders = 0
  /** What the ledger knows of the window is not in `#read` yet. */
  unread = true

  constructor(id: string, owner: LimitOwner, rule: BudgetRule, deps: BudgetDeps) {
    this.id = id
    this.owner = owner
    this.unit = 'tokens' in rule.limit ? 'tokens' : 'usd'
    this.#deps = deps
    this.#rule = rule
    this.#calendar = deps.calendar
    this.#globs = rule.models?.map((pattern) => deps.createGlob(pattern))
    this.configure(owner, rule, deps.calendar)
  }

  /** The rule may have another amount; everything that `id` is made of stays. */
  configure(owner: LimitOwner, rule: BudgetRule, calendar: Calendar): void {
    this.owner = owner
    const limit = 'tokens' in rule.limit ? BigInt(rule.limit.tokens) : rule.limit.nanoUsd
    const { alertAt } = this.#rule
    const same = limit === this.#limit && rule.alertAt.length === alertAt.length && rule.alertAt.every((share, at) => share === alertAt[at])
    this.#rule = rule
    this.#moved ||= calendar.timeZone !== this.#calendar.timeZone
    this.#calendar = calendar
    if (same && this.#told >= 0) return
    this.#limit = limit
    this.#recount()
    this.#marks = rule.alertAt.map((share) => (limit * BigInt(Math.round(share * Number(millionths)))) / millionths)
    // What is reached already is given again: a process that was killed may not have told it, and whoever keeps alerts knows those it has.
    this.#told = 0
  }

  get rule(): BudgetRule {
    return this.#rule
  }

  get hard(): boolean {
    return !this.#rule.soft
  }

  get #spent(): bigint {
    return this.#read + this.#settled
  }

  get room(): bigint {
    return this.#unspent - this.#held
  }

  get unspent(): bigint {
    return this.#unspent
  }

  #recount(): void {
    this.#unspent = this.#limit - this.#spent
  }

  /** It counts requests for a model of one of these names. */
  counts(models: readonly string[]): boolean {
    const globs = this.#globs
    return globs === undefined || models.some((name) => globs.some((matches) => matches(name)))
  }

  /** It counts requests with this metadata. */
  countsTagged(metadata: Readonly<Record<string, string>> | undefined): boolean {
    const wanted = this.#rule.metadata
    return wanted === undefined || Object.entries(wanted).every(([key, value]) => metadata?.[key] === value)
  }

  roll(nowMs: number): void {
    if (nowMs < this.#toMs && !this.#moved) return
    const { period } = this.#rule
    const begun = this.#toMs !== -Infinity
    if (this.#moved && begun && nowMs < this.#toMs) this.#move(nowMs)
    else if (typeof period !== 'object') this.#open(isCalendarPeriod(period) ? this.#calendar.windowAt(period, nowMs) : everything)
    else if (begun) this.#open(windowOfDays(period.days, this.#fromMs, nowMs))
    this.#moved = false
  }

  #open({ fromMs, toMs }: LimitWindow): void {
    // What was before the first one is not known, what was before a later one doesn't count.
    if (this.#toMs !== -Infinity) this.unread = false
    this.#fromMs = fromMs
    this.#toMs = toMs
    this.#window++
    this.#read = 0n
    this.#settled = 0n
    this.#settledAsked = 0n
    this.#recount()
    this.#held = 0n
    this.#holders = 0
    this.#told = 0
  }

  /** The window has other ends. What is known stays, until the ledger has been asked for these. */
  #move(nowMs: number): void {
    const { period } = this.#rule
    if (!isCalendarPeriod(period)) return
    const { fromMs, toMs } = this.#calendar.windowAt(period, nowMs)
    this.#fromMs = fromMs
    this.#toMs = toMs
    this.#read += this.#settled
    this.#settled = 0n
    this.#settledAsked = 0n
    this.unread = true
  }

  hold(amount: bigint, nowMs: number): number {
    const { period } = this.#rule
    if (typeof period === 'object' && this.#toMs === -Infinity) this.#open(windowOfDays(period.days, nowMs, nowMs))
    this.#held += amount
    this.#holders++
    return this.#window
  }

  end(mark: number, held: bigint, actual: bigint, nowMs: number): void {
    this.roll(nowMs)
    // Of a window that is over: it counts there, and nobody asks for that one any more.
    if (mark !== this.#window) return
    this.#held -= held
    this.#holders--
    this.#settled += actual
    this.#recount()
    this.#alert(this.#passed(), nowMs)
  }

  change(mark: number, counted: bigint, actual: bigint, nowMs: number): void {
    this.roll(nowMs)
    if (mark !== this.#window) return
    this.#settled += actual - counted
    this.#recount()
    this.#alert(this.#passed(), nowMs)
  }

  refusal(amount: bigint, nowMs: number): Failure {
    if (amount <= this.unspent) return budgetReserved(this, this.#holders)
    // The rest is too little for anything: nothing will ever be spent that says the last of its alerts.
    this.#alert(this.#rule.alertAt.filter((share) => share <= 1).length, nowMs)
    return budgetExceeded(this, this.#toMs === Infinity || this.#toMs === -Infinity ? undefined : Math.max(0, this.#toMs - nowMs))
  }

  unreadWindow(nowMs: number): UnreadWindow {
    this.#settledAsked = this.#settled
    const { models, metadata, period } = this.#rule
    const { kind, id } = this.owner
    return {
      id: this.id,
      dimension: { kind, id, ...(models === undefined ? {} : { models }), ...(metadata === undefined ? {} : { metadata }) },
      unit: this.unit,
      startsAtFirst: typeof period === 'object',
      windowAt: (firstMs) => this.#windowAt(nowMs, firstMs),
    }
  }

  #windowAt(nowMs: number, firstMs: number | undefined): LimitWindow {
    this.roll(nowMs)
    const { period } = this.#rule
    if (typeof period !== 'object') return { fromMs: this.#fromMs, toMs: this.#toMs }
    return firstMs === undefined ? nothingBegan : windowOfDays(period.days, firstMs, nowMs)
  }

  /** Counts beside what was settled here since it was asked for. Of another window than the one that runs, it is nothing any more. */
  setSpent(window: LimitWindow, spent: Spent): void {
    if (!this.unread) return
    const isOfDays = typeof this.#rule.period === 'object'
    if (window.fromMs !== Infinity) {
      if (this.#toMs === -Infinity) this.#open(window)
      else if (!isOfDays && window.fromMs !== this.#fromMs) return
      // Requests that came before it was known had begun one of N days.
      this.#fromMs = window.fromMs
      this.#toMs = window.toMs
      this.#read = (this.unit === 'tokens' ? BigInt(spent.tokens) : spent.nanoUsd) - this.#settledAsked
      this.#recount()
      this.#told = 0
    }
    this.unread = false
  }

  view(nowMs: number): BudgetView {
    this.roll(nowMs)
    const begun = this.#toMs !== -Infinity
    return {
      kind: 'budget',
      id: this.id,
      owner: this.owner,
      rule: this.#rule,
      unit: this.unit,
      limit: this.#limit,
      spent: this.#spent,
      held: this.#held,
      left: this.room,
      window: begun ? { fromMs: this.#fromMs, toMs: this.#toMs } : undefined,
    }
  }

  /** How many of `alertAt` are reached. */
  #passed(): number {
    if (this.#marks.length === 0) return 0
    const spent = this.#spent
    let passed = 0
    if (spent > 0n) while (passed < this.#marks.length && spent >= this.#marks[passed]!) passed++
    return passed
  }

  #alert(passed: number, atMs: number): void {
    if (passed <= this.#told) return
    const budget = this.view(atMs)
    for (; this.#told < passed; this.#told++) {
      const share = this.#rule.alertAt[this.#told]!
      const name = `${this.id} ${new Date(this.#fromMs).toISOString()} ${this.#limit} ${share}`
      this.#deps.tell({ budget, share, atMs, name })
    }
  }
}

/** Prepaid. What is charged goes off at once; credits and what was before are told from the ledger. */
export class Wallet implements Purse {
  readonly unit = 'usd'
  readonly hard = true
  readonly id: string
  owner: LimitOwner
  readonly #topUpUrl: string | undefined
  #balance = 0n
  #held = 0n
  #holders = 0
  unread = true

  constructor(id: string, owner: LimitOwner, topUpUrl: string | undefined) {
    this.id = id
    this.owner = owner
    this.#topUpUrl = topUpUrl
  }

  get room(): bigint {
    return this.#balance - this.#held
  }

  get unspent(): bigint {
    return this.#balance
  }

  setBalance(nanoUsd: bigint): void {
    this.#balance = nanoUsd
    this.unread = false
  }

  changeBalance(byNanoUsd: bigint): void {
    this.#balance += byNanoUsd
  }

  roll(): void {}

  hold(amount: bigint): number {
    this.#held += amount
    this.#holders++
    return 0
  }

  end(_mark: number, held: bigint, actual: bigint): void {
    this.#held -= held
    this.#holders--
    this.#balance -= actual
  }

  change(_mark: number, counted: bigint, actual: bigint): void {
    this.#balance -= actual - counted
  }

  refusal(amount: bigint): Failure {
    if (amount <= this.#balance) return walletReserved(this.owner, this.#holders)
    return walletEmpty(this.owner, this.#balance, this.#topUpUrl)
  }

  view(): WalletView {
    return {
      kind: 'wallet',
      id: this.id,
      owner: this.owner,
      unit: 'usd',
      limit: this.#balance,
      held: this.#held,
      left: this.room,
    }
  }
}
