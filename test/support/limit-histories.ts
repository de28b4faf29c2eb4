// Histories of limits: crashes, duplicates, reordering, clocks that jump, tiny budgets; and what must be true of them after every step.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { BudgetRule } from '#config'
import { Failure } from '#kernel'
import type { createLimits, Hold, LimitView } from '#ledger'
import { limitsScene, rate, tokenBudget, usdBudget, type LimitedOwners, type LimitsScene } from '#test/limits.ts'

const zone = 'Europe/Berlin'
/** The evening before a day of 23 hours. */
const beginMs = Date.parse('2027-03-27T22:00:00Z')

const keyIds = ['a', 'b', 'c'] as const
const slugs = ['alpha', 'beta', 'gamma'] as const
const models = ['dear-1', 'cheap-1'] as const

type Amounts = readonly number[]

/** Limits of all kinds; amounts are nano-USD or tokens, in this order. */
function ownersOf([
  keyDay = 0,
  keyTokens = 0,
  keyModel = 0,
  userDays = 0,
  teamWeek = 0,
  providerDay = 0,
  providerTokens = 0,
  tagged = 0,
]: Amounts): LimitedOwners {
  const usd = (nanoUsd: number, period: BudgetRule['period'], more: Partial<BudgetRule> = {}): BudgetRule => ({
    ...usdBudget('0', period, more),
    limit: { nanoUsd: BigInt(nanoUsd) },
  })
  return {
    timeZone: zone,
    keys: {
      a: { userId: 'ann', budgets: [usd(keyDay, 'day'), tokenBudget(keyTokens * 100, 'total')] },
      b: { userId: 'ann', teamId: 'blue', budgets: [usd(keyModel, 'month', { models: ['dear-*'] })], rateLimits: [rate(3, 'concurrent')] },
      c: { userId: 'bob', budgets: [usd(1, 'day', { soft: true })] },
    },
    users: { ann: { teamId: 'red', budgets: [usd(userDays, { days: 2 })] }, bob: { teamId: 'red', prepaid: true } },
    teams: { red: { budgets: [usd(teamWeek, 'week')] }, blue: {} },
    providers: { alpha: { budgets: [usd(providerDay, 'day')] }, beta: { budgets: [tokenBudget(providerTokens * 100, 'week')] }, gamma: {} },
    budgets: [usd(tagged, 'month', { metadata: { job: 'x' } })],
  }
}

type Step =
  | { do: 'ask'; key: number; nanoUsd: number; picoPerToken: number; input: number; output: number; tagged: boolean }
  | { do: 'attempt'; hold: number; slug: number; model: number }
  /** `share` of what is held, in percent: above 100, the provider went beyond it. */
  | { do: 'settle' | 'correct'; hold: number; share: number }
  | { do: 'release'; hold: number }
  | { do: 'clock'; byMs: number }
  | { do: 'credit'; nanoUsd: number }
  /** Each running request is charged that share. */
  | { do: 'crash'; share: number }

const index = fc.nat({ max: 30 })
const share = fc.oneof({ arbitrary: fc.integer({ min: 0, max: 100 }), weight: 12 }, { arbitrary: fc.constant(130), weight: 1 })
const hourMs = 3_600_000

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      key: fc.nat({ max: 2 }),
      nanoUsd: fc.nat({ max: 8 }),
      picoPerToken: fc.constantFrom(0, 1, 3),
      input: fc.nat({ max: 300 }),
      output: fc.constantFrom(0, 100, 900, 3000, 9000),
      tagged: fc.boolean(),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('attempt' as const), hold: index, slug: fc.nat({ max: 2 }), model: fc.nat({ max: 1 }) }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('settle' as const, 'correct' as const), hold: index, share }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('release' as const), hold: index }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('clock' as const),
      byMs: fc.oneof(fc.integer({ min: -30 * hourMs, max: 30 * hourMs }), fc.integer({ min: 0, max: 5000 }), fc.constant(2 * hourMs)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('credit' as const), nanoUsd: fc.nat({ max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), share: fc.integer({ min: 0, max: 100 }) }) },
)

/** Anything that can happen to limits, in any order. */
export const histories = fc.record({
  amounts: fc.array(fc.nat({ max: 40 }), { minLength: 8, maxLength: 8 }),
  balance: fc.nat({ max: 60 }),
  steps: fc.array(step, { minLength: 5, maxLength: 70 }),
})

export type History = { readonly amounts: Amounts; readonly balance: number; readonly steps: readonly Step[] }

/** One request of the test's book. */
type Entry = {
  readonly hold: Hold
  readonly key: (typeof keyIds)[number]
  readonly tagged: boolean
  readonly atMs: number
  /** Where the latest attempt went that was not refused; a key of `counting`. */
  target: { slug: string; model: string } | undefined
  /** The windows that it is in, by limit, as they were when it was held. */
  readonly windows: Map<string, number>
  state: 'running' | 'settled' | 'released'
  charged: { nanoUsd: bigint; tokens: number }
}

const teamOf = { a: 'red', b: 'blue', c: 'red' }

/** Whether a limit counts a request: said here once more, from the ids alone. */
function counts(id: string, { key, tagged, target }: Entry): boolean {
  const [owner = '', ...parts] = id.split('/')
  if (parts.includes('models=dear-*') && target?.model !== 'dear-1') return false
  if (parts.includes('job=x') && !tagged) return false
  const [kind, name] = owner.split(':')
  if (kind === 'key') return name === key
  if (kind === 'user') return name === (key === 'c' ? 'bob' : 'ann')
  if (kind === 'team') return name === teamOf[key]
  return kind === 'instance' || name === target?.slug
}

const isOfAttempt = (id: string): boolean => id.startsWith('provider:') || id.includes('/models=')

/** Lives through a history and holds the engine against a book of its own after every step; throws where they differ. */
export function liveThrough({ amounts, balance, steps }: History, create: typeof createLimits): void {
  const owners = ownersOf(amounts)
  let scene: LimitsScene
  let entries: Entry[] = []
  /** What the ledger has, over all crashes: charges with the time at which they were held. */
  const ledger: { entry: Entry; nanoUsd: bigint; tokens: number }[] = []
  let credits = BigInt(balance)
  /** By limit: what the engine was told at its start, and of which window. */
  let read = new Map<string, { fromMs: number; amount: bigint }>()
  /** What requests cost beyond what they held, or were settled for at first. */
  const excess = { usd: 0n, tokens: 0n }
  let nowMs = beginMs

  const unitOf = (id: string) => (id.includes('/tokens/') ? 'tokens' : 'usd')
  const amountOf = (charge: { nanoUsd: bigint; tokens: number }, id: string): bigint =>
    unitOf(id) === 'tokens' ? BigInt(charge.tokens) : charge.nanoUsd
  const sum = (all: readonly bigint[]): bigint => all.reduce((total, one) => total + one, 0n)

  const charges = () => [...ledger, ...entries.filter(({ state }) => state === 'settled').map((entry) => ({ entry, ...entry.charged }))]
  const ofWallet = () =>
    credits -
    sum(
      charges()
        .filter(({ entry }) => entry.key === 'c')
        .map(({ nanoUsd }) => nanoUsd),
    )

  function start(): void {
    scene = limitsScene(owners, {}, create)
    scene.nowMs = nowMs
    read = new Map()
    scene.limits.setBalance('user:bob', ofWallet())
    for (const unread of scene.limits.unread(nowMs)) {
      const theirs = charges().filter(({ entry }) => counts(unread.id, entry))
      const window = unread.windowAt(theirs.length === 0 ? undefined : Math.min(...theirs.map(({ entry }) => entry.atMs)))
      const inside = theirs.filter(({ entry }) => entry.atMs >= window.fromMs && entry.atMs < window.toMs)
      const spent = { nanoUsd: sum(inside.map(({ nanoUsd }) => nanoUsd)), tokens: Number(sum(inside.map(({ tokens }) => BigInt(tokens)))) }
      scene.limits.setSpent(unread.id, window, spent)
      read.set(unread.id, { fromMs: window.fromMs, amount: amountOf(spent, unread.id) })
    }
  }

  const budgets = () => scene.limits.list(nowMs).filter((view): view is Extract<LimitView, { kind: 'budget' }> => view.kind === 'budget')

  function remember(entry: Entry, ofAttempt: boolean): void {
    for (const { id, window } of budgets())
      if (isOfAttempt(id) === ofAttempt) {
        if (counts(id, entry)) entry.windows.set(id, window!.fromMs)
        else entry.windows.delete(id)
      }
  }

  function actualOf({ hold, target }: Entry, percent: number): { nanoUsd: bigint; tokens: number } {
    if (target === undefined) return { nanoUsd: 0n, tokens: 0 }
    return { nanoUsd: (hold.nanoUsd * BigInt(percent)) / 100n, tokens: Math.floor((hold.tokens * percent) / 100) }
  }

  function charge(entry: Entry, actual: Entry['charged'], expected: Entry['charged']): void {
    entry.charged = actual
    const over = { usd: actual.nanoUsd - expected.nanoUsd, tokens: BigInt(actual.tokens - expected.tokens) }
    if (over.usd > 0n) excess.usd += over.usd
    if (over.tokens > 0n) excess.tokens += over.tokens
  }

  function take(next: Step): void {
    const { limits } = scene
    const entry = 'hold' in next && entries.length > 0 ? entries[next.hold % entries.length] : undefined
    switch (next.do) {
      case 'ask': {
        const key = keyIds[next.key]!
        const metadata = next.tagged ? { job: 'x' } : {}
        const cost = { picoUsd: BigInt(next.nanoUsd) * 1000n, picoUsdPerOutputToken: BigInt(next.picoPerToken) }
        const before = scene.limits.list(nowMs)
        const asked = { key: scene.key(key), metadata, cost, inputTokens: next.input, outputTokens: next.output }
        const hold = limits.reserve(asked, nowMs)
        if (hold instanceof Failure) {
          refusedRightly(hold, before, key, next)
          return
        }
        const output = hold.maxOutputTokens
        assert.ok(output <= next.output && output >= Math.min(next.output, 1024), `${output} of ${next.output} tokens`)
        const roundingUp = hold.nanoUsd * 1000n - cost.picoUsd - cost.picoUsdPerOutputToken * BigInt(output)
        assert.ok(roundingUp >= 0n && roundingUp < 1000n, `${hold.nanoUsd} for ${output} tokens`)
        const running = { hold, key, tagged: next.tagged, atMs: nowMs, state: 'running' as const, charged: { nanoUsd: 0n, tokens: 0 } }
        const made: Entry = { ...running, target: undefined, windows: new Map() }
        entries.push(made)
        remember(made, false)
        fits(made, false)
        return
      }
      case 'attempt': {
        if (entry?.state !== 'running') return
        const slug = slugs[next.slug]!
        const model = models[next.model]!
        entry.target = undefined
        const failure = limits.reserveAt(entry.hold, scene.target(slug, model), nowMs)
        if (failure === undefined) entry.target = { slug, model }
        remember(entry, true)
        if (failure === undefined) fits(entry, true)
        return
      }
      case 'settle':
        if (entry === undefined) return
        limits.remaining(scene.key(entry.key), nowMs)
        entry.hold.settle(actualOf(entry, next.share), nowMs)
        if (entry.state !== 'running') return
        entry.state = 'settled'
        charge(entry, actualOf(entry, next.share), entry.hold)
        return
      case 'correct':
        if (entry === undefined) return
        entry.hold.correct(actualOf(entry, next.share), nowMs)
        // What it was settled for first has left room to others.
        if (entry.state === 'settled') charge(entry, actualOf(entry, next.share), entry.charged)
        return
      case 'release':
        entry?.hold.release(nowMs)
        if (entry?.state === 'running') entry.state = 'released'
        return
      case 'clock':
        nowMs = Math.max(beginMs - 40 * hourMs, nowMs + next.byMs)
        scene.nowMs = nowMs
        return
      case 'credit':
        credits += BigInt(next.nanoUsd)
        limits.changeBalance('user:bob', BigInt(next.nanoUsd))
        return
      case 'crash':
        for (const one of entries) {
          if (one.state === 'running') charge(one, actualOf(one, next.share), one.hold)
          if (one.state !== 'released') ledger.push({ entry: one, ...one.charged })
        }
        entries = []
        start()
        return
    }
  }

  /** A request that was let in takes no hard limit below 0. */
  function fits(entry: Entry, ofAttempt: boolean): void {
    for (const view of scene.limits.list(nowMs)) {
      if (view.kind === 'rate') continue
      const soft = view.kind === 'budget' && view.rule.soft
      const amount = view.unit === 'usd' ? entry.hold.nanoUsd : BigInt(entry.hold.tokens)
      if (soft || amount === 0n || isOfAttempt(view.id) !== ofAttempt) continue
      if (view.kind === 'wallet' ? entry.key === 'c' : entry.windows.has(view.id)) assert.ok(view.left >= 0n, `${view.id} ${view.left}`)
    }
  }

  /** One that was refused would have taken one below 0. */
  function refusedRightly(
    failure: Failure,
    before: readonly LimitView[],
    key: Entry['key'],
    { nanoUsd, picoPerToken, input, output, tagged }: Extract<Step, { do: 'ask' }>,
  ): void {
    const asked = { usd: (BigInt(nanoUsd) * 1000n + BigInt(output * picoPerToken) + 999n) / 1000n, tokens: BigInt(input + output) }
    const entry = { key, tagged, target: undefined } as Entry
    const short = before.filter((view) => {
      if (view.kind === 'rate') return view.owner.id === key && view.left < 1
      const its = view.kind === 'wallet' ? key === 'c' : !view.rule.soft && !isOfAttempt(view.id) && counts(view.id, entry)
      return its && view.left < asked[view.unit]
    })
    assert.ok(short.length > 0, `${failure.message} though it would have fitted`)
    if (failure.kind === 'budget_reserved') assert.ok(short.some((view) => view.kind !== 'rate' && view.held > 0n))
  }

  function check(): void {
    const running = entries.filter(({ state }) => state === 'running')
    assert.equal(scene.limits.heldCount, running.length)
    for (const view of scene.limits.list(nowMs)) {
      if (view.kind === 'rate') {
        assert.equal(view.left, 3 - running.filter(({ key }) => key === 'b').length)
        continue
      }
      assert.ok(view.held >= 0n, `${view.id} holds ${view.held}`)
      if (view.kind === 'wallet') {
        assert.equal(view.limit, ofWallet(), 'balance')
        assert.equal(view.held, sum(running.filter(({ key }) => key === 'c').map(({ hold }) => hold.nanoUsd)), 'held of the wallet')
        assert.equal(view.left, view.limit - view.held)
        assert.ok(view.left >= -excess.usd, `the wallet is at ${view.left}`)
        continue
      }
      const { id, window } = view
      const inWindow = (entry: Entry): boolean => entry.windows.has(id) && entry.windows.get(id) === window?.fromMs
      const known = read.get(id)
      const before = known !== undefined && known.fromMs === window?.fromMs ? known.amount : 0n
      const settled = entries.filter((entry) => entry.state === 'settled' && inWindow(entry))
      assert.ok(view.spent >= 0n, `${id} spent ${view.spent}`)
      assert.equal(view.spent, before + sum(settled.map(({ charged }) => amountOf(charged, id))), `spent of ${id}`)
      const held = running.filter(inWindow).map(({ hold }) => (view.unit === 'usd' ? hold.nanoUsd : BigInt(hold.tokens)))
      assert.equal(view.held, sum(held), `held of ${id}`)
      assert.equal(view.left, view.limit - view.spent - view.held)
      if (!view.rule.soft && !cameBack) assert.ok(view.left >= -excess[view.unit], `${id} is at ${view.left}`)
    }
  }

  /** After a start under an earlier clock, a window is read that another engine had left behind: what it says is all that it knows. */
  let cameBack = false
  start()
  let latestMs = nowMs
  const from = new Map<string, number>()
  for (const next of steps) {
    take(next)
    if (next.do === 'crash') {
      cameBack ||= nowMs < latestMs
      from.clear()
    }
    latestMs = Math.max(latestMs, nowMs)
    check()
    for (const { id, window } of budgets()) {
      if (window === undefined) continue
      assert.ok(window.fromMs >= (from.get(id) ?? 0), `${id} was opened again`)
      from.set(id, window.fromMs)
    }
  }
}
