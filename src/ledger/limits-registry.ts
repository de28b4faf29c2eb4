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

export type RegistryDeps = Pick<BudgetDeps, 'createGlob' | 'tell'> & { readonly topUpUrl: string | undefined }

type Limited = { readonly budgets?: readonly BudgetRule[]; readonly rateLimits?: readonly RateLimitRule[] }

export class LimitsRegistry {
  readonly #deps: RegistryDeps
  #calendar: Calendar = createCalendar('UTC')
  #users: LimitedSnapshot['users'] = new Map()
  #teams: LimitedSnapshot['teams'] = new Map()
  #byKeyId = new Map<string, Terms>()
  #byKey = new WeakMap<GatewayKey, Terms>()
  #byProvider = new Map<string, Terms>()
  #ofInstance: Terms = noTerms
  budgets = new Map<string, BudgetMeter>()
  rates = new Map<string, RateMeter>()
  wallets = new Map<string, Wallet>()
  /** Some provider has limits. */
  limitsProviders = false

  constructor(deps: RegistryDeps) {
    this.#deps = deps
  }

  configure({ keys, providers, users, teams, budgets, timeZone }: LimitedSnapshot): void {
    if (timeZone !== this.#calendar.timeZone) this.#calendar = createCalendar(timeZone)
    this.#users = users
    this.#teams = teams
    const before = { budgets: this.budgets, rates: this.rates, wallets: this.wallets }
    this.budgets = new Map()
    this.rates = new Map()
    this.wallets = new Map()
    const known: Known = { before, owners: new Map() }
    this.#ofInstance = this.#termsOf({ kind: 'instance', id: '', name: '' }, { budgets }, known)
    // Everybody's are there, also of those without keys.
    for (const user of users.values()) this.#ownerTerms('user', user, known)
    for (const team of teams.values()) this.#ownerTerms('team', team, known)
    this.#byKeyId = new Map()
    this.#byKey = new WeakMap()
    for (const key of keys.values()) {
      if (key.replaced === true && this.#byKeyId.has(key.id)) continue
      this.#byKeyId.set(key.id, this.#keyTerms(key, known))
    }
    this.#byProvider = new Map()
    this.limitsProviders = false
    for (const provider of providers.values()) {
      const terms = this.#termsOf({ kind: 'provider', id: provider.slug, name: provider.slug }, provider, known)
      if (terms === noTerms) continue
      this.limitsProviders = true
      this.#byProvider.set(provider.slug, terms)
    }
  }

  /** Also of a key of an earlier snapshot: the limits that it has now. */
  ofKey(key: GatewayKey): Terms {
    let terms = this.#byKey.get(key)
    if (terms === undefined) this.#byKey.set(key, (terms = this.#byKeyId.get(key.id) ?? this.#ofInstance))
    return terms
  }

  ofProvider(provider: Provider): Terms {
    return this.#byProvider.get(provider.slug) ?? noTerms
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
    return [
      ...this.budgets.values().map((meter) => meter.view(nowMs)),
      ...this.wallets.values().map((wallet) => wallet.view()),
      ...this.rates.values().map((meter) => meter.view(paceMs)),
    ]
  }

  unread(nowMs: number): readonly UnreadWindow[] {
    for (const meter of this.budgets.values()) meter.roll(nowMs)
    return [...this.budgets.values()].filter((meter) => meter.unread).map((meter) => meter.unreadWindow(nowMs))
  }

  #keyTerms(key: GatewayKey, known: Known): Terms {
    const user = key.userId === undefined ? undefined : this.#users.get(key.userId)
    const teamId = key.teamId ?? user?.teamId
    const team = teamId === undefined ? undefined : this.#teams.get(teamId)
    const all = [
      this.#termsOf({ kind: 'key', id: key.id, name: key.name }, key, known),
      user === undefined ? noTerms : this.#ownerTerms('user', user, known),
      team === undefined ? noTerms : this.#ownerTerms('team', team, known),
      this.#ofInstance,
    ]
    const wallet = this.#walletOf(user, team)
    const purses = wallet === undefined ? [] : [wallet]
    return merged(all, purses)
  }

  /** A request draws on one wallet: its user's, else its team's. */
  #walletOf(user: Owner | undefined, team: Owner | undefined): Wallet | undefined {
    if (user?.prepaid === true) return this.wallets.get(`user:${user.id}`)
    return team?.prepaid === true ? this.wallets.get(`team:${team.id}`) : undefined
  }

  #ownerTerms(kind: 'user' | 'team', owner: Owner, known: Known): Terms {
    const name = `${kind}:${owner.id}`
    const made = known.owners.get(name)
    if (made !== undefined) return made
    const whose = { kind, id: owner.id, name: owner.name }
    if (owner.prepaid === true) {
      const wallet = known.before.wallets.get(name) ?? new Wallet(name, whose, this.#deps.topUpUrl)
      wallet.owner = whose
      this.wallets.set(name, wallet)
    }
    const terms = this.#termsOf(whose, owner, known)
    known.owners.set(name, terms)
    return terms
  }

  #termsOf(owner: LimitOwner, limited: Limited, { before }: Known): Terms {
    const { budgets = [], rateLimits = [] } = limited
    if (budgets.length === 0 && rateLimits.length === 0) return noTerms
    const meters = budgets.map((rule) => this.#budget(owner, rule, before.budgets))
    return {
      purses: meters.filter(({ rule }) => rule.models === undefined && rule.metadata === undefined),
      tagged: meters.filter(({ rule }) => rule.models === undefined && rule.metadata !== undefined),
      modelled: meters.filter(({ rule }) => rule.models !== undefined),
      rates: rateLimits.map((rule) => this.#rate(owner, rule, before.rates)),
    }
  }

  #budget(owner: LimitOwner, rule: BudgetRule, before: ReadonlyMap<string, BudgetMeter>): BudgetMeter {
    const id = free(this.budgets, idOf(owner, ...budgetParts(rule)))
    const deps = { createGlob: this.#deps.createGlob, tell: this.#deps.tell, calendar: this.#calendar }
    const kept = before.get(id)
    kept?.configure(owner, rule, this.#calendar)
    const meter = kept ?? new BudgetMeter(id, owner, rule, deps)
    this.budgets.set(id, meter)
    return meter
  }

  #rate(owner: LimitOwner, rule: RateLimitRule, before: ReadonlyMap<string, RateMeter>): RateMeter {
    const id = free(this.rates, idOf(owner, rule.of, rule.of === 'concurrent' ? '' : `${rule.perMs}ms`))
    const kept = before.get(id)
    kept?.configure(owner, rule)
    const meter = kept ?? new RateMeter(id, owner, rule)
    this.rates.set(id, meter)
    return meter
  }
}

type Known = {
  readonly before: {
    readonly budgets: ReadonlyMap<string, BudgetMeter>
    readonly rates: ReadonlyMap<string, RateMeter>
    readonly wallets: ReadonlyMap<string, Wallet>
  }
  /** Made already, by `user:ID` and `team:ID`. */
  readonly owners: Map<string, Terms>
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

/** What makes a budget the same one when its amount changes. */
function budgetParts({ limit, period, models, metadata }: BudgetRule): string[] {
  return [
    'tokens' in limit ? 'tokens' : 'usd',
    typeof period === 'object' ? `${period.days}d` : period,
    models === undefined ? '' : `models=${models.toSorted().join(',')}`,
    ...Object.entries(metadata ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .toSorted(),
  ]
}

function idOf({ kind, id }: LimitOwner, ...parts: readonly string[]): string {
  return [`${kind}:${id}`, ...parts].filter((part) => part !== '').join('/')
}

/** Two that count the same (a soft one and a hard one) are told apart by their order. */
function free(taken: ReadonlyMap<string, unknown>, id: string): string {
  let name = id
  for (let count = 2; taken.has(name); count++) name = `${id}#${count}`
  return name
}
