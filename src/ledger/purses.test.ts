// Windows that roll over, are read at a start, move with the time zone; and who is told at which share.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Failure } from '#kernel'
import { limitsScene, nano, rate, tokenBudget, usdBudget, type LimitsScene } from '#test/limits.ts'
import type { BudgetRule } from '#config'
import type { BudgetAlert } from './limits-port.ts'

const dayMs = 86_400_000
const at = (text: string) => Date.parse(text)
const keyWith = (...budgets: BudgetRule[]) => ({ keys: { k: { budgets } } })

function spend(scene: LimitsScene, usd: string): void {
  scene.held(usd).settle(scene.spent(usd), scene.nowMs)
}

describe('a window', () => {
  const boundaries: readonly [zone: string, period: BudgetRule['period'], boundary: string][] = [
    // The clocks go forward on that day, which has 23 hours, and back on that one, which has 25.
    ['Europe/Berlin', 'day', '2027-03-29T00:00:00+02:00'],
    ['Europe/Berlin', 'day', '2027-11-01T00:00:00+01:00'],
    ['America/New_York', 'day', '2027-03-15T00:00:00-04:00'],
    ['America/New_York', 'week', '2027-11-08T00:00:00-05:00'],
    ['Asia/Kolkata', 'month', '2027-04-01T00:00:00+05:30'],
    ['America/Santiago', 'day', '2026-09-06T01:00:00-03:00'],
  ]
  for (const [timeZone, period, boundary] of boundaries) {
    test(`of a ${String(period)} in ${timeZone} rolls over at ${boundary}, not a millisecond before`, () => {
      const scene = limitsScene({ ...keyWith(usdBudget('1', period)), timeZone })
      scene.nowMs = at(boundary) - 22 * 3_600_000
      spend(scene, '1')
      scene.nowMs = at(boundary) - 1
      assert.equal(scene.refused('1').kind, 'budget_exceeded')
      scene.nowMs = at(boundary)
      spend(scene, '1')
      assert.equal(scene.refused('1').kind, 'budget_exceeded')
    })
  }

  test('counts a request where it was held, however late it ends', () => {
    const scene = limitsScene(keyWith(usdBudget('1', 'day')))
    scene.nowMs = at('2026-11-22T23:59:59Z')
    const late = scene.held('1')
    const corrected = scene.held('0')
    scene.nowMs += 2000
    assert.deepEqual(scene.amounts(), { spent: '0', held: '0', left: String(nano('1')) })
    const today = scene.held('0.4')
    late.settle(scene.spent('1'), scene.nowMs)
    corrected.settle(scene.spent('0'), scene.nowMs)
    corrected.correct(scene.spent('1'), scene.nowMs)
    assert.deepEqual(scene.amounts(), { spent: '0', held: String(nano('0.4')), left: String(nano('0.6')) })
    today.settle(scene.spent('0.4'), scene.nowMs)
    assert.equal(scene.amounts().spent, String(nano('0.4')))
  })

  test('that is over is not opened again by a clock that goes back, and nothing is freed', () => {
    const scene = limitsScene(keyWith(usdBudget('1', 'day')))
    scene.nowMs = at('2026-11-22T23:59:59Z')
    spend(scene, '1')
    scene.nowMs = at('2026-11-23T00:00:00Z')
    spend(scene, '0.7')
    for (const back of ['2026-11-22T23:59:59Z', '2026-11-21T12:00:00Z', '2020-01-01T00:00:00Z']) {
      scene.nowMs = at(back)
      assert.equal(scene.refused('0.5').kind, 'budget_exceeded', back)
      assert.equal(scene.amounts().left, String(nano('0.3')))
    }
    scene.nowMs = at('2026-11-23T23:59:59.999Z')
    assert.equal(scene.refused('0.5').kind, 'budget_exceeded')
    scene.nowMs++
    spend(scene, '1')
  })

  test('of N days begins with the first request, and the next follows it', () => {
    const scene = limitsScene(keyWith(usdBudget('1', { days: 7 })))
    assert.equal(viewOf(scene).window, undefined)
    const firstMs = scene.nowMs
    spend(scene, '1')
    assert.deepEqual(viewOf(scene).window, { fromMs: firstMs, toMs: firstMs + 7 * dayMs })
    scene.nowMs = firstMs + 7 * dayMs - 1
    assert.match(scene.refused('1').message, /This usage limit resets in 1 second\.$/)
    scene.nowMs += 1 + 20 * dayMs
    spend(scene, '1')
    assert.deepEqual(viewOf(scene).window, { fromMs: firstMs + 21 * dayMs, toMs: firstMs + 28 * dayMs })
  })

  test('moves with the time zone, and counts what it knows until it is read again', () => {
    const budgets = [usdBudget('1', 'day')]
    const scene = limitsScene({ ...keyWith(...budgets), timeZone: 'Europe/Berlin' })
    scene.nowMs = at('2026-11-22T23:30:00Z')
    readNothing(scene)
    spend(scene, '0.7')
    const running = scene.held('0.2')
    scene.configure({ ...keyWith(...budgets), timeZone: 'UTC' })
    assert.deepEqual(scene.amounts(), { spent: String(nano('0.7')), held: String(nano('0.2')), left: String(nano('0.1')) })
    const [unread] = scene.limits.unread(scene.nowMs)
    assert.deepEqual(unread!.windowAt(undefined), { fromMs: at('2026-11-22T00:00:00Z'), toMs: at('2026-11-23T00:00:00Z') })
    scene.limits.setSpent(unread!.id, unread!.windowAt(undefined), scene.spent('0.6'))
    running.settle(scene.spent('0.2'), scene.nowMs)
    assert.equal(scene.amounts().left, String(nano('0.2')))
    scene.nowMs = at('2026-11-23T00:00:00Z')
    spend(scene, '1')
  })
})

describe('a start', () => {
  test('goes on with what the ledger says was spent in the windows that run', () => {
    const scene = limitsScene({
      ...keyWith(usdBudget('5', 'month', { models: ['a*'], metadata: { job: 'x' } }), tokenBudget(100, { days: 2 }), usdBudget('9')),
      timeZone: 'America/New_York',
    })
    const firstMs = scene.nowMs - 5 * dayMs
    const asked = scene.limits.unread(scene.nowMs).map((unread) => {
      const window = unread.windowAt(firstMs)
      scene.limits.setSpent(unread.id, window, scene.spent('2', 30))
      return { ...unread, windowAt: undefined, window }
    })
    const dimension = { kind: 'key', id: 'k' }
    assert.deepEqual(asked, [
      {
        id: 'key:k/usd/month/models=a*/job=x',
        dimension: { ...dimension, models: ['a*'], metadata: { job: 'x' } },
        unit: 'usd',
        startsAtFirst: false,
        windowAt: undefined,
        window: { fromMs: at('2026-11-01T00:00:00-04:00'), toMs: at('2026-12-01T00:00:00-05:00') },
      },
      {
        id: 'key:k/tokens/2d',
        dimension,
        unit: 'tokens',
        startsAtFirst: true,
        windowAt: undefined,
        window: { fromMs: firstMs + 4 * dayMs, toMs: firstMs + 6 * dayMs },
      },
      { id: 'key:k/usd/total', dimension, unit: 'usd', startsAtFirst: false, windowAt: undefined, window: { fromMs: 0, toMs: Infinity } },
    ])
    assert.deepEqual(scene.limits.unread(scene.nowMs), [])
    assert.equal(scene.amounts('key:k/usd/total').spent, String(nano('2')))
    assert.equal(scene.amounts('key:k/tokens/2d').left, '70')
    scene.nowMs = firstMs + 6 * dayMs
    assert.equal(scene.amounts('key:k/tokens/2d').left, '100')
  })

  test('of a budget of N days that nobody has used begins nothing', () => {
    const scene = limitsScene(keyWith(usdBudget('1', { days: 7 })))
    readNothing(scene)
    assert.equal(viewOf(scene).window, undefined)
    scene.nowMs += dayMs
    spend(scene, '0.5')
    assert.equal(viewOf(scene).window?.fromMs, scene.nowMs)
  })

  test('that reads too late has nothing to say of a window that is over', () => {
    const scene = limitsScene(keyWith(usdBudget('1', 'day')))
    const [unread] = scene.limits.unread(scene.nowMs)
    const window = unread!.windowAt(undefined)
    scene.nowMs += dayMs
    spend(scene, '0.1')
    scene.limits.setSpent(unread!.id, window, scene.spent('1'))
    assert.equal(scene.amounts().spent, String(nano('0.1')))
  })
})

describe('an alert', () => {
  function told(scene: LimitsScene): BudgetAlert[] {
    const alerts: BudgetAlert[] = []
    scene.limits.onAlert = (alert) => alerts.push(alert)
    return alerts
  }

  test('is told once for each share that is reached, in each window', () => {
    const scene = limitsScene(keyWith(usdBudget('1', 'day', { soft: true, alertAt: [0.5, 0.8, 1] })))
    const alerts = told(scene)
    spend(scene, '0.49')
    assert.equal(alerts.length, 0)
    spend(scene, '0.01')
    spend(scene, '0.01')
    assert.deepEqual(
      alerts.map(({ share }) => share),
      [0.5],
    )
    assert.equal(alerts[0]!.budget.spent, nano('0.5'))
    spend(scene, '1')
    spend(scene, '1')
    assert.deepEqual(
      alerts.map(({ share }) => share),
      [0.5, 0.8, 1],
    )
    scene.nowMs += dayMs
    spend(scene, '0.6')
    assert.equal(alerts.length, 4)
    assert.equal(new Set(alerts.map(({ name }) => name)).size, 4)
  })

  test('at the whole of a hard budget is told when it refuses, since the last cent is never spent', () => {
    const scene = limitsScene(keyWith(usdBudget('1', 'day', { alertAt: [0.5, 1, 1.5] })))
    const alerts = told(scene)
    spend(scene, '0.9')
    const running = scene.held('0.05')
    assert.equal(scene.refused('0.1').kind, 'budget_reserved')
    assert.equal(alerts.length, 1)
    running.release(scene.nowMs)
    assert.equal(scene.refused('0.2').kind, 'budget_exceeded')
    assert.equal(scene.refused('0.2').kind, 'budget_exceeded')
    scene.configure(keyWith(usdBudget('1', 'day', { alertAt: [0.5, 1, 1.5] }), tokenBudget(5)))
    assert.equal(scene.refused('0.2').kind, 'budget_exceeded')
    assert.deepEqual(
      alerts.map(({ share }) => share),
      [0.5, 1],
    )
  })

  test('that a killed process may not have told is given by the next one, by the same name, and another one when the amount has changed', () => {
    const rule = (usd: string) => keyWith(usdBudget(usd, 'day', { alertAt: [0.5, 0.9] }))
    const before = limitsScene(rule('1'))
    const lost = told(before)
    spend(before, '0.6')
    const scene = limitsScene(rule('1'))
    const alerts = told(scene)
    const [unread] = scene.limits.unread(scene.nowMs)
    scene.limits.setSpent(unread!.id, unread!.windowAt(undefined), scene.spent('0.6'))
    spend(scene, '0.1')
    spend(scene, '0.1')
    assert.deepEqual(
      alerts.map(({ name }) => name),
      lost.map(({ name }) => name),
    )
    scene.configure(rule('2'))
    spend(scene, '0.1')
    assert.equal(alerts.length, 1)
    spend(scene, '0.1')
    assert.equal(alerts.length, 2)
    scene.configure(rule('1.1'))
    spend(scene, '0.01')
    assert.deepEqual(alerts.slice(2).map(({ share }) => share), [0.5, 0.9]) // prettier-ignore
    assert.equal(new Set(alerts.map(({ name }) => name)).size, 4)
  })
})

describe('a soft budget', () => {
  test('stops nothing, and lowers nothing', () => {
    const scene = limitsScene(keyWith(usdBudget('1', 'day', { soft: true })))
    const cost = { picoUsd: 0n, picoUsdPerOutputToken: nano('1') }
    const hold = scene.held(undefined, { cost, outputTokens: 64_000 })
    assert.equal(hold.clamped, false)
    hold.settle(scene.spent('64'), scene.nowMs)
    assert.equal(scene.amounts().left, String(-nano('63')))
    assert.deepEqual(scene.limits.remaining(scene.key(), scene.nowMs), {})
  })
})

test('key, user, team and provider budgets at once are none of them passed, whoever asks in which order', () => {
  const scene = limitsScene({
    keys: {
      a: { userId: 'ann', budgets: [usdBudget('0.9', 'day')] },
      b: { userId: 'ann', budgets: [usdBudget('0.7', 'week')], rateLimits: [rate(9, 'concurrent')] },
      c: { userId: 'bob', budgets: [tokenBudget(5000)] },
    },
    users: { ann: { teamId: 'red', budgets: [usdBudget('1.1', 'day')] }, bob: { teamId: 'red', prepaid: true } },
    teams: { red: { budgets: [usdBudget('1.7', 'month')] } },
    providers: { alpha: { budgets: [usdBudget('0.5', 'day')] }, beta: { budgets: [usdBudget('1.05', 'total')] } },
  })
  scene.limits.setBalance('user:bob', nano('1'))
  let charged = 0n
  for (let round = 0; round < 40; round++) {
    const running = Array.from({ length: 64 }, (_, index) => {
      const hold = scene.ask('0.05', { by: 'abc'[(index * 7 + round) % 3]!, inputTokens: 50, outputTokens: 50 })
      if (hold instanceof Failure) return undefined
      const skipped = ['alpha', 'beta'].every((slug) => scene.limits.reserveAt(hold, scene.target(slug), scene.nowMs) !== undefined)
      if (!skipped) return hold
      hold.release(scene.nowMs)
      return undefined
    })
    check()
    for (const hold of running) {
      hold?.settle(scene.spent('0.03', 80), scene.nowMs)
      if (hold !== undefined) charged += nano('0.03')
    }
    check()
  }
  // The two providers' together are the first to be used up; what a hold of 0.05 no longer fits into is left.
  assert.ok(charged > nano('1.45') && charged <= nano('1.55'), String(charged))
  assert.equal(scene.limits.heldCount, 0)

  function check(): void {
    for (const view of scene.limits.list(scene.nowMs)) assert.ok(view.left >= 0, `${view.id} ${view.left}`)
  }
})

function viewOf(scene: LimitsScene) {
  const [view] = scene.limits.list(scene.nowMs)
  assert.equal(view?.kind, 'budget')
  return view
}

function readNothing(scene: LimitsScene): void {
  for (const unread of scene.limits.unread(scene.nowMs))
    scene.limits.setSpent(unread.id, unread.windowAt(undefined), { nanoUsd: 0n, tokens: 0 })
}
