// Limits as tests write them down: who has which, and requests that ask for so much.
import { createGlob, createProviderBuilder } from '#catalog'
import type { BudgetRule, GatewayKey, Owner, Provider, RateLimitRule } from '#config'
import { parseNanoUsd } from '#ir'
import { Failure } from '#kernel'
import { createLimits, type Hold, type HoldAsk, type HoldTarget, type LimitedSnapshot, type Limits, type LimitsDeps } from '#ledger'

export const nano = (usd: string): bigint => parseNanoUsd(usd)!

export function usdBudget(amount: string, period: BudgetRule['period'] = 'total', more: Partial<BudgetRule> = {}): BudgetRule {
  return { limit: { nanoUsd: nano(amount) }, period, soft: false, alertAt: [], ...more }
}

export function tokenBudget(tokens: number, period: BudgetRule['period'] = 'total', more: Partial<BudgetRule> = {}): BudgetRule {
  return { ...usdBudget('0', period, more), limit: { tokens } }
}

export function rate(limit: number, of: RateLimitRule['of'], perMs = 60_000): RateLimitRule {
  return { of, limit, perMs }
}

export type LimitedOwners = {
  readonly keys?: Readonly<Record<string, Partial<GatewayKey>>>
  readonly users?: Readonly<Record<string, Partial<Owner>>>
  readonly teams?: Readonly<Record<string, Partial<Owner>>>
  readonly providers?: Readonly<Record<string, Partial<Provider>>>
  readonly budgets?: readonly BudgetRule[]
  readonly timeZone?: string
}

const someProvider = createProviderBuilder({}).build({
  slug: 'alpha',
  wanted: { vendor: 'openai', credentials: [{ value: 'sk-test' }] },
  allowPrivateNetwork: true,
  named: (field = '') => field,
  lacksCredentials: true,
})

/** Each has the name that it stands under; keys and providers that are only asked with need no entry. */
export function limitedSnapshot({
  keys = {},
  users = {},
  teams = {},
  providers = {},
  budgets = [],
  timeZone = 'UTC',
}: LimitedOwners): LimitedSnapshot {
  const owners = (given: Readonly<Record<string, Partial<Owner>>>) =>
    new Map(Object.entries(given).map(([id, owner]) => [id, { id, name: id, ...owner }]))
  return {
    keys: new Map(Object.entries(keys).map(([id, key]) => [id, { id, name: id, hash: id, streamUsage: 'always', ...key }])),
    users: owners(users),
    teams: owners(teams),
    providers: new Map(Object.entries(providers).map(([slug, provider]) => [slug, { ...someProvider, slug, ...provider }])),
    budgets,
    timeZone,
  }
}

export type LimitsScene = {
  readonly limits: Limits
  /** For all that follows. */
  nowMs: number
  configure(owners: LimitedOwners): void
  key(id?: string): GatewayKey
  target(slug?: string, ...models: string[]): HoldTarget
  /** `usd` for the whole request whatever its answer's length, unless a price per output token says otherwise. */
  ask(usd: string | undefined, more?: Partial<HoldAsk> & { readonly by?: string }): Hold | Failure
  /** The hold; fails when it was refused. */
  held(usd: string | undefined, more?: Partial<HoldAsk> & { readonly by?: string }): Hold
  /** The sentence; fails when it was not refused. */
  refused(usd: string | undefined, more?: Partial<HoldAsk> & { readonly by?: string }): Failure
  spent(usd: string, tokens?: number): { nanoUsd: bigint; tokens: number }
  /** Of the only limit, or the one with this id. */
  amounts(id?: string): { spent: string; held: string; left: string }
}

export const startMs = Date.parse('2026-11-22T10:00:00Z')

export function limitsScene(
  owners: LimitedOwners,
  deps: Partial<LimitsDeps> = {},
  create: typeof createLimits = createLimits,
): LimitsScene {
  const limits = create({ createGlob, ...deps })
  let snapshot = limitedSnapshot(owners)
  const scene: LimitsScene = {
    limits,
    nowMs: startMs,
    configure(next) {
      snapshot = limitedSnapshot(next)
      limits.configure(snapshot)
    },
    key: (id = 'k') => snapshot.keys.get(id)!,
    target: (slug = 'alpha', ...models) => ({
      provider: snapshot.providers.get(slug) ?? { ...someProvider, slug },
      models: models.length === 0 ? ['gpt-test'] : models,
      priced: true,
    }),
    ask(usd, { by = 'k', ...more } = {}) {
      const cost = usd === undefined ? undefined : { picoUsd: nano(usd) * 1000n, picoUsdPerOutputToken: 0n }
      return limits.reserve({ key: scene.key(by), cost, inputTokens: 0, outputTokens: 0, ...more }, scene.nowMs)
    },
    held(usd, more) {
      const hold = scene.ask(usd, more)
      if (hold instanceof Failure) throw hold
      return hold
    },
    refused(usd, more) {
      const failure = scene.ask(usd, more)
      if (!(failure instanceof Failure)) throw new Error('it was let through')
      return failure
    },
    spent: (usd, tokens = 0) => ({ nanoUsd: nano(usd), tokens }),
    amounts(id) {
      const views = limits.list(scene.nowMs).filter((view) => view.kind !== 'rate' && (id === undefined || view.id === id))
      const view = views[0]
      if (views.length !== 1 || view === undefined || view.kind === 'rate')
        throw new Error(`not one limit: ${views.map((one) => one.id).join()}`)
      return { spent: String(view.kind === 'budget' ? view.spent : 0n), held: String(view.held), left: String(view.left) }
    },
  }
  limits.configure(snapshot)
  return scene
}
