// Which limits a key, a provider and the instance have: meters by what they count, kept while they stay configured.
import type { BudgetRule, GatewayKey, Owner, Provider, RateLimitRule } from '#config'
import type { LimitedSnapshot, LimitOwner, LimitView, UnreadWindow } from './limits-port.ts'
import { BudgetMeter, Wallet, type BudgetDeps, type Purse } from './purses.ts'
import { RateMeter } from './rate-limits.ts'
import { createCalendar, type Calendar } from './windows.ts'

/** What one request can run into. */
export type Terms = {
  /** Of every request. */
  readonly purses: readonly Purse[]
  /** Of requests with certain metadata. */
  readonly tagged: readonly BudgetMeter[]
  /** Of requests for certain models, some of them with certain metadata only. */
  readonly modelled: readonly BudgetMeter[]
  readonly rates: readonly RateMeter[]
}

export const noTerms: Terms = { purses: [], tagged: [], modelled: [], rates: [] }

type RegistryDeps = Pick<BudgetDeps, 'createGlob' | 'tell'> & { readonly topUpUrl: string | undefined }

type Limited = { readonly budgets?: readonly BudgetRule[]; readonly rateLimits?: readonly RateLimitRule[] }
/** What one owner has of its own. */
type Owned = { readonly terms: Terms; readonly budgets: readonly BudgetMeter[]; readonly rates: readonly RateMeter[] }
type OwnedById = Map<string, Owned>

const nothingOwned: Owned = { terms: noTerms, budgets: [], rates: [] }

export class LimitsRegistry {
  readonly #deps: RegistryDeps
  #calendar: Calendar = createCalendar('UTC')
  #users: LimitedSnapshot['users'] = new Map()
  #teams: LimitedSnapshot['teams'] = new Map()
  /** Only those who have some. */
  #owned = ownedByKind()
  #byKeyId = new Map<string, Terms>()
  #byKey = new WeakMap<GatewayKey, Terms>()
  #byId: ReadonlyMap<string, BudgetMeter> | undefined
  wallets = new Map<string, Wallet>()

  constructor(deps: RegistryDeps) {
    this.#deps = deps
  }

  /** Some provider has limits. */
  get limitsProviders(): boolean {
    return this.#owned.provider.size > 0
  }

  configure({ keys, providers, users, teams, budgets, timeZone }: LimitedSnapshot): void {
    if (timeZone !== this.#calendar.timeZone) this.#calendar = createCalendar(timeZone)
    this.#users = users
    this.#teams = teams
    const before = this.#owned
    this.#owned = ownedByKind()
    this.#byId = undefined
    const owned = (owner: LimitOwner, limited: Limited): void => this.#own(owner, limited, before[owner.kind].get(owner.id))
    owned({ kind: 'instance', id: '', name: '' }, { budgets })
    for (const user of users.values()) owned({ kind: 'user', id: user.id, name: user.name }, user)
    for (const team of teams.values()) owned({ kind: 'team', id: team.id, name: team.name }, team)
    for (const provider of providers.values()) owned({ kind: 'provider', id: provider.slug, name: provider.slug }, provider)
    this.#setUpWallets()
    this.#byKeyId = new Map()
    this.#byKey = new WeakMap()
    for (const key of keys.values()) {
      // Of a key that was rotated, the latest says what it may.
      if (key.replaced === true && this.#byKeyId.has(key.id)) continue
      owned({ kind: 'key', id: key.id, name: key.name }, key)
      const terms = this.#keyTerms(key)
      if (terms !== noTerms) this.#byKeyId.set(key.id, terms)
    }
  }

  /** Also of a key of an earlier snapshot: the limits that it has now. */
  ofKey(key: GatewayKey): Terms {
    let terms = this.#byKey.get(key)
    if (terms === undefined) this.#byKey.set(key, (terms = this.#byKeyId.get(key.id) ?? this.#termsOf('instance', '')))
    return terms
  }

  ofProvider(provider: Provider): Terms {
    return this.#termsOf('provider', provider.slug)
  }

  budget(id: string): BudgetMeter | undefined {
    this.#byId ??= new Map(this.#all().flatMap(({ budgets }) => budgets.map((meter): [string, BudgetMeter] => [meter.id, meter])))
    return this.#byId.get(id)
  }

  /** Without the instance's: what all others spend is not this key's business. */
  viewOf(key: GatewayKey, nowMs: number, paceMs: number): readonly LimitView[] {
    const { purses, tagged, modelled, rates } = this.ofKey(key)
    return [
      ...[...purses, ...tagged, ...modelled].filter(({ owner }) => owner.kind !== 'instance').map((purse) => purse.view(nowMs)),
      ...rates.map((meter) => meter.view(paceMs)),
    ]
  }

  list(nowMs: number, paceMs: number): readonly LimitView[] {
    const all = this.#all()
    return [
      ...all.flatMap(({ budgets }) => budgets.map((meter) => meter.view(nowMs))),
      ...[...this.wallets.values()].map((wallet) => wallet.view()),
      ...all.flatMap(({ rates }) => rates.map((meter) => meter.view(paceMs))),
    ]
  }

  unread(nowMs: number): readonly UnreadWindow[] {
    const budgets = this.#all().flatMap((owned) => owned.budgets)
    for (const meter of budgets) meter.roll(nowMs)
    return budgets.filter((meter) => meter.unread).map((meter) => meter.unreadWindow(nowMs))
  }

  #all(): readonly Owned[] {
    return Object.values(this.#owned).flatMap((byId) => [...byId.values()])
  }

  #termsOf(kind: LimitOwner['kind'], id: string): Terms {
    return this.#owned[kind].get(id)?.terms ?? noTerms
  }

  #keyTerms(key: GatewayKey): Terms {
    const user = key.userId === undefined ? undefined : this.#users.get(key.userId)
    const teamId = key.teamId ?? user?.teamId
    const team = teamId === undefined ? undefined : this.#teams.get(teamId)
    const wallet = this.#walletOf(user, team)
    return merged(
      [
        this.#termsOf('key', key.id),
        user === undefined ? noTerms : this.#termsOf('user', user.id),
        team === undefined ? noTerms : this.#termsOf('team', team.id),
        this.#termsOf('instance', ''),
      ],
      wallet === undefined ? [] : [wallet],
    )
  }

  /** A request draws on one wallet: its user's, else its team's. */
  #walletOf(user: Owner | undefined, team: Owner | undefined): Wallet | undefined {
    if (user?.prepaid === true) return this.wallets.get(`user:${user.id}`)
    return team?.prepaid === true ? this.wallets.get(`team:${team.id}`) : undefined
  }

  #setUpWallets(): void {
    const before = this.wallets
    this.wallets = new Map()
    const setUp = (kind: 'user' | 'team', { id, name, prepaid }: Owner): void => {
      if (prepaid !== true) return
      const wallet = `${kind}:${id}`
      const owner = { kind, id, name }
      const known = before.get(wallet)
      if (known !== undefined) known.owner = owner
      this.wallets.set(wallet, known ?? new Wallet(wallet, owner, this.#deps.topUpUrl))
    }
    for (const user of this.#users.values()) setUp('user', user)
    for (const team of this.#teams.values()) setUp('team', team)
  }

  #own(owner: LimitOwner, limited: Limited, before: Owned = nothingOwned): void {
    const { budgets: budgetRules = [], rateLimits = [] } = limited
    if (budgetRules.length === 0 && rateLimits.length === 0) return
    const budgets = kept(before.budgets, budgetRules, isSameBudget, {
      keep: (meter, rule) => meter.configure(owner, rule, this.#calendar),
      make: (id, rule) => new BudgetMeter(id, owner, rule, { ...this.#deps, calendar: this.#calendar }),
      nameOf: (rule) => `${owner.kind}:${owner.id}/${budgetName(rule)}`,
    })
    const rates = kept(before.rates, rateLimits, isSameRate, {
      keep: (meter, rule) => meter.configure(owner, rule),
      make: (id, rule) => new RateMeter(id, owner, rule),
      nameOf: ({ of, perMs }) => `${owner.kind}:${owner.id}/${of}${of === 'concurrent' ? '' : `/${perMs}ms`}`,
    })
    // Mostly nothing but amounts has changed.
    const same = budgets === before.budgets && rates === before.rates
    this.#owned[owner.kind].set(owner.id, same ? before : { terms: ownTerms(budgets, rates), budgets, rates })
  }
}

function ownedByKind(): Record<LimitOwner['kind'], OwnedById> {
  return { instance: new Map(), user: new Map(), team: new Map(), key: new Map(), provider: new Map() }
}

/** The meters of these rules: those of before that count the same, each once; `before` itself when nothing else is there now. */
function kept<Rule, Meter extends { readonly id: string; readonly rule: Rule }>(
  before: readonly Meter[],
  rules: readonly Rule[],
  isSame: (a: Rule, b: Rule) => boolean,
  { keep, make, nameOf }: { keep(meter: Meter, rule: Rule): void; make(id: string, rule: Rule): Meter; nameOf(rule: Rule): string },
): readonly Meter[] {
  const free = [...before]
  const meters: Meter[] = []
  for (const rule of rules) {
    // A rule's place among the free ones is its own, or nearly.
    const found = free.findIndex((meter) => isSame(meter.rule, rule))
    if (found >= 0) {
      const [meter] = free.splice(found, 1)
      keep(meter!, rule)
      meters.push(meter!)
      continue
    }
    const name = nameOf(rule)
    let id = name
    // Two that count the same (a soft one and a hard one) are told apart by a number.
    for (let count = 2; [...before, ...meters].some((meter) => meter.id === id); count++) id = `${name}#${count}`
    meters.push(make(id, rule))
  }
  return meters.length === before.length && meters.every((meter, at) => meter === before[at]) ? before : meters
}

/** Another amount, or whether it is soft and who is told, makes no other budget of it. */
function isSameBudget(a: BudgetRule, b: BudgetRule): boolean {
  if (a === b) return true
  if ('tokens' in a.limit !== 'tokens' in b.limit) return false
  if (a.models === undefined && b.models === undefined && a.metadata === undefined && b.metadata === undefined) {
    if (typeof a.period !== 'object') return a.period === b.period
    return typeof b.period === 'object' && a.period.days === b.period.days
  }
  return budgetName(a) === budgetName(b)
}

function budgetName({ limit, period, models, metadata }: BudgetRule): string {
  const name = `${'tokens' in limit ? 'tokens' : 'usd'}/${typeof period === 'object' ? `${period.days}d` : period}`
  const tags = Object.entries(metadata ?? {}).map(([key, value]) => `${key}=${value}`)
  return [name, ...(models === undefined ? [] : [`models=${models.toSorted().join(',')}`]), ...tags.toSorted()].join('/')
}

function isSameRate(a: RateLimitRule, b: RateLimitRule): boolean {
  return a.of === b.of && (a.perMs === b.perMs || a.of === 'concurrent')
}

function ownTerms(budgets: readonly BudgetMeter[], rates: readonly RateMeter[]): Terms {
  const ofAllModels = budgets.filter(({ rule }) => rule.models === undefined)
  return {
    purses: ofAllModels.filter(({ rule }) => rule.metadata === undefined),
    tagged: ofAllModels.filter(({ rule }) => rule.metadata !== undefined),
    modelled: budgets.filter(({ rule }) => rule.models !== undefined),
    rates,
  }
}

function merged(all: readonly Terms[], wallets: readonly Purse[]): Terms {
  const some = all.filter((terms) => terms !== noTerms)
  if (wallets.length === 0 && some.length < 2) return some[0] ?? noTerms
  return {
    purses: [...some.flatMap(({ purses }) => purses), ...wallets],
    tagged: some.flatMap(({ tagged }) => tagged),
    modelled: some.flatMap(({ modelled }) => modelled),
    rates: some.flatMap(({ rates }) => rates),
  }
}
