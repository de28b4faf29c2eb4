// What is let through, what is refused and in which words, and what a request holds while it runs.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Failure } from '#kernel'
import { limitsScene, nano, rate, tokenBudget, usdBudget } from '#test/limits.ts'
import type { Hold } from './limits-port.ts'

const hourMs = 3_600_000
const perToken = (picoUsdPerOutputToken: bigint, picoUsd = 0n) => ({ picoUsd, picoUsdPerOutputToken })

test('a key without limits holds nothing, and costs nothing to ask', () => {
  const { limits, held } = limitsScene({ keys: { k: {}, other: { budgets: [usdBudget('1')] } } })
  const hold = held('1000000')
  assert.equal(hold, held('1'))
  assert.equal(hold.nanoUsd, 0n)
  hold.settle({ nanoUsd: 5n, tokens: 5 }, 0)
  assert.equal(limits.heldCount, 0)
})

test('what a request may cost is held while it runs, and what it cost is spent', () => {
  const scene = limitsScene({ keys: { k: { budgets: [usdBudget('5', 'day')] } } })
  const hold = scene.held('2')
  assert.equal(hold.nanoUsd, nano('2'))
  assert.deepEqual(scene.amounts(), { spent: '0', held: String(nano('2')), left: String(nano('3')) })
  assert.equal(scene.limits.heldCount, 1)
  hold.settle(scene.spent('0.5'), scene.nowMs)
  assert.deepEqual(scene.amounts(), { spent: String(nano('0.5')), held: '0', left: String(nano('4.5')) })
  assert.equal(scene.limits.heldCount, 0)
})

test('a hold ends once: whatever comes after the first end changes nothing', () => {
  const scene = limitsScene({ keys: { k: { budgets: [usdBudget('5')], rateLimits: [rate(2, 'concurrent')] } } })
  const settled = scene.held('1')
  const released = scene.held('1')
  settled.settle(scene.spent('0.4'), scene.nowMs)
  released.release(scene.nowMs)
  for (const hold of [settled, released]) {
    hold.settle(scene.spent('3'), scene.nowMs)
    hold.release(scene.nowMs)
  }
  released.correct(scene.spent('2'), scene.nowMs)
  assert.deepEqual(scene.amounts(), { spent: String(nano('0.4')), held: '0', left: String(nano('4.6')) })
  assert.equal(scene.limits.heldCount, 0)
  scene.held('1')
  scene.held('1')
  assert.match(scene.refused('1').message, /2 requests at once/)
})

test('what is counted later replaces what was settled', () => {
  const scene = limitsScene({ keys: { k: { budgets: [usdBudget('5'), tokenBudget(1000)] } } })
  const hold = scene.held('1', { inputTokens: 10, outputTokens: 20 })
  hold.correct(scene.spent('3'), scene.nowMs)
  hold.settle(scene.spent('0', 0), scene.nowMs)
  hold.correct(scene.spent('0.7', 25), scene.nowMs)
  hold.correct(scene.spent('0.6', 24), scene.nowMs)
  assert.equal(scene.amounts('key:k/usd/total').spent, String(nano('0.6')))
  assert.equal(scene.amounts('key:k/tokens/total').spent, '24')
})

test('all limits of a request are held, or none', () => {
  const scene = limitsScene({
    keys: { k: { userId: 'ann', budgets: [usdBudget('9', 'day')], rateLimits: [rate(1, 'requests')] } },
    users: { ann: { teamId: 'red', budgets: [usdBudget('9', 'week')] } },
    teams: { red: { budgets: [usdBudget('1', 'month')] } },
    budgets: [usdBudget('9')],
  })
  assert.match(scene.refused('2').message, /^Monthly spending limit of \$1\.00 reached for team 'red'\. Resets in 9 days\.$/)
  for (const id of ['key:k/usd/day', 'user:ann/usd/week', 'team:red/usd/month', 'instance:/usd/total'])
    assert.equal(scene.amounts(id).held, '0', id)
  const hold = scene.held('1')
  for (const id of ['key:k/usd/day', 'user:ann/usd/week', 'team:red/usd/month', 'instance:/usd/total'])
    assert.equal(scene.amounts(id).held, String(nano('1')), id)
  hold.release(scene.nowMs)
  // Nobody was asked, so it was none of the one request per minute.
  scene.held('1').settle(scene.spent('0.1'), scene.nowMs)
  assert.equal(scene.refused('0.1').kind, 'rate_limit_exceeded')
})

test('a user and a team share their limits over all their keys, and a key may name another team than its user', () => {
  const scene = limitsScene({
    keys: { a: { userId: 'ann' }, b: { userId: 'ann', teamId: 'blue' }, c: { userId: 'bob' } },
    users: { ann: { teamId: 'red', budgets: [usdBudget('3')] }, bob: { teamId: 'red' } },
    teams: { red: { budgets: [usdBudget('2')] }, blue: {} },
  })
  scene.held('1.5', { by: 'a' })
  assert.match(scene.refused('1', { by: 'c' }).message, /team 'red'/)
  scene.held('1.5', { by: 'b' })
  assert.match(scene.refused('0.1', { by: 'b' }).message, /user 'ann'/)
})

describe('the words', () => {
  const spentOut = (scene: ReturnType<typeof limitsScene>) => {
    scene.held('1').settle(scene.spent('1'), scene.nowMs)
    return scene.refused('1')
  }
  const sentence = (budget: Parameters<typeof usdBudget>[1], more = {}) =>
    spentOut(limitsScene({ keys: { x: {}, k: { name: 'x', budgets: [usdBudget('1', budget, more)] } } }))

  test('say which budget of whom is used up, and when it resets', () => {
    const daily = sentence('day')
    assert.equal(daily.kind, 'budget_exceeded')
    assert.equal(daily.status, 402)
    assert.equal(daily.message, "Daily spending limit of $1.00 reached for key 'x'. Resets in 14 hours.")
    assert.equal(sentence('week').message, "Weekly spending limit of $1.00 reached for key 'x'. Resets in 14 hours.")
    assert.equal(sentence('month').message, "Monthly spending limit of $1.00 reached for key 'x'. Resets in 9 days.")
    assert.equal(
      sentence('total').message,
      "Workspace spending limit of $1.00 reached for key 'x'. It stays until it is raised. This usage limit never resets by itself.",
    )
    assert.equal(
      sentence({ days: 30 }).message,
      "Workspace spending limit of $1.00 reached for key 'x'. It stays until it is raised. This usage limit resets in 30 days.",
    )
  })

  test('say three hours before the end of the day that there are three', () => {
    const scene = limitsScene({ keys: { k: { name: 'x', budgets: [usdBudget('5', 'day')] } } })
    scene.nowMs = Date.parse('2026-11-22T21:10:00Z')
    scene.held('5').settle(scene.spent('5'), scene.nowMs)
    assert.equal(scene.refused('0.01').message, "Daily spending limit of $5.00 reached for key 'x'. Resets in 3 hours.")
    scene.nowMs = Date.parse('2026-11-22T23:59:59.500Z')
    assert.match(scene.refused('0.01').message, /Resets in 1 second\.$/)
    scene.nowMs += 500
    scene.held('0.01')
  })

  test('say tokens, small amounts, and what a budget is limited to', () => {
    const tokens = limitsScene({ keys: { k: { budgets: [tokenBudget(1_000_000, 'day')] } } })
    tokens.held('0', { inputTokens: 1_000_000 }).settle(tokens.spent('0', 1_000_000), tokens.nowMs)
    assert.equal(tokens.refused('0', { inputTokens: 1 }).message, "Daily token limit of 1,000,000 reached for key 'k'. Resets in 14 hours.")
    const small = limitsScene({ budgets: [usdBudget('0.00075', 'total', { metadata: { job: 'nightly' } })], keys: { k: {} } })
    assert.equal(
      small.refused('1', { metadata: { job: 'nightly', more: 'x' } }).message,
      'Workspace spending limit of $0.00075 reached for all keys together with job=nightly. It stays until it is raised. This usage limit never resets by itself.',
    )
    small.held('1', { metadata: { job: 'daily' } })
    small.held('1')
  })

  test('are short enough to be shown, whatever names there are', () => {
    const long = 'n'.repeat(500)
    const rule = tokenBudget(Number.MAX_SAFE_INTEGER, { days: 3650 }, { models: [long, long], metadata: { [long]: long } })
    const scene = limitsScene({ keys: { k: { name: long, budgets: [rule], rateLimits: [rate(0, 'tokens', 123_456_789)] } } })
    const target = scene.target('alpha', long)
    const input = { inputTokens: Number.MAX_SAFE_INTEGER, metadata: { [long]: long } }
    assert.ok(scene.refused('0', input).message.length <= 300)
    scene.configure({ keys: { k: { name: long, budgets: [rule] } } })
    const first = scene.held('0', input)
    assert.equal(scene.limits.reserveAt(first, target, scene.nowMs), undefined)
    const messages = [scene.limits.reserveAt(scene.held('0', input), target, scene.nowMs)!.message]
    first.settle(scene.spent('0', Number.MAX_SAFE_INTEGER), scene.nowMs)
    messages.push(scene.limits.reserveAt(scene.held('0', input), target, scene.nowMs)!.message)
    for (const message of messages) assert.ok(message.length <= 300, `${message.length}: ${message}`)
  })

  test('tell what is held by running requests from what is spent', () => {
    const scene = limitsScene({ keys: { k: { budgets: [usdBudget('1', 'day')] } } })
    const running = Array.from({ length: 10 }, () => scene.held('0.1'))
    const reserved = scene.refused('0.1')
    assert.equal(reserved.kind, 'budget_reserved')
    assert.equal(reserved.status, 429)
    assert.equal(
      reserved.message,
      "What is left of the budget of $1.00 a day for key 'k' is held by running requests; try again in 2 seconds.",
    )
    assert.equal(reserved.details.retryAfterMs, 2000)
    for (const hold of running) hold.settle(scene.spent('0.1'), scene.nowMs)
    assert.equal(scene.refused('0.1').kind, 'budget_exceeded')
  })

  test('prefer what is spent to what is held', () => {
    const scene = limitsScene({ keys: { k: { budgets: [usdBudget('2', 'day'), usdBudget('1', 'week')] } } })
    scene.held('0.9').settle(scene.spent('0.9'), scene.nowMs)
    const small = scene.held('0.05')
    const large = limitsScene({ keys: { k: { budgets: [usdBudget('1', 'day'), usdBudget('3')] } } })
    large.held('0.9')
    assert.equal(large.refused('0.5').kind, 'budget_reserved')
    assert.match(scene.refused('0.2').message, /^Weekly/)
    small.release(scene.nowMs)
  })

  test('of a rate limit say which, and when to try again', () => {
    const scene = limitsScene({ keys: { k: { name: 'x', rateLimits: [rate(2, 'requests'), rate(100, 'requests', 24 * hourMs)] } } })
    scene.held('1')
    scene.held('1')
    const limited = scene.refused('1')
    assert.equal(limited.kind, 'rate_limit_exceeded')
    assert.equal(limited.status, 429)
    assert.equal(limited.message, "Rate limit of 2 requests per minute reached for key 'x': try again in 30 seconds.")
    assert.equal(limited.details.retryAfterMs, 30_000)
    scene.nowMs += 29_999
    assert.match(scene.refused('1').message, /in 1 second\.$/)
    scene.nowMs += 1
    scene.held('1')
  })

  test('of a wallet are about money, and nobody elses are', () => {
    const prepaid = { users: { ann: { prepaid: true as const } }, keys: { k: { userId: 'ann' } } }
    const scene = limitsScene(prepaid)
    assert.deepEqual(scene.limits.unreadWallets(), ['user:ann'])
    scene.limits.setBalance('user:ann', nano('1'))
    assert.deepEqual(scene.limits.unreadWallets(), [])
    const running = scene.held('0.8')
    assert.equal(scene.refused('0.8').message, "What is left for user 'ann' is held by running requests; try again in 1 second.")
    running.settle(scene.spent('0.8'), scene.nowMs)
    const empty = scene.refused('0.8')
    assert.equal(empty.kind, 'insufficient_balance')
    assert.equal(
      empty.message,
      "The prepaid balance of user 'ann' of $0.20 does not cover this request. The operator of this gateway can top it up.",
    )
    const linked = limitsScene(prepaid, { topUpUrl: 'https://gateway.example/top-up' })
    assert.match(linked.refused('1').message, /^The prepaid balance of user 'ann' is used up\. Top it up at https:/)
  })
})

describe('a wallet', () => {
  test("is the user's, else the team's", () => {
    const scene = limitsScene({
      users: { ann: { prepaid: true, teamId: 'red' }, bob: { teamId: 'red' } },
      teams: { red: { prepaid: true } },
      keys: { a: { userId: 'ann' }, b: { userId: 'bob' } },
    })
    scene.limits.setBalance('user:ann', nano('1'))
    scene.limits.setBalance('team:red', nano('2'))
    scene.held('1', { by: 'a' })
    scene.held('2', { by: 'b' })
    assert.deepEqual([scene.amounts('user:ann').left, scene.amounts('team:red').left], ['0', '0'])
  })

  test('takes a credit while requests run, and goes below 0 by one of their own excess only', () => {
    const scene = limitsScene({ users: { ann: { prepaid: true } }, keys: { k: { userId: 'ann' } } })
    scene.limits.setBalance('user:ann', nano('1'))
    const hold = scene.held('1')
    scene.limits.changeBalance('user:ann', nano('0.5'))
    assert.equal(scene.amounts().left, String(nano('0.5')))
    hold.settle(scene.spent('1.7'), scene.nowMs)
    assert.equal(scene.amounts().left, String(-nano('0.2')))
    assert.equal(scene.refused('0.1').kind, 'insufficient_balance')
    // What is free needs none.
    scene.held('0')
  })
})

describe('the length of the answer', () => {
  // A dollar for a million tokens of output: 4,000 of them are 0.004.
  const cost = perToken(1_000_000n)

  test('stays as asked while it takes at most half of what is left', () => {
    const scene = limitsScene({ keys: { k: { budgets: [usdBudget('0.008')] } } })
    const hold = scene.held(undefined, { cost, outputTokens: 4000 })
    assert.equal(hold.clamped, false)
    assert.equal(hold.maxOutputTokens, 4000)
    assert.equal(hold.nanoUsd, nano('0.004'))
  })

  test('is lowered so that it takes half, for as long as that is 1,024 tokens', () => {
    const scene = limitsScene({ keys: { k: { budgets: [usdBudget('0.008')] } } })
    const ask = { cost, outputTokens: 64_000 }
    const lengths = Array.from({ length: 3 }, () => scene.held(undefined, ask).maxOutputTokens)
    // Half of 8,000, half of 4,000, and then the least, of which half of 2,000 falls short.
    assert.deepEqual(lengths, [4000, 2000, 1024])
    assert.equal(scene.refused(undefined, ask).kind, 'budget_reserved')
  })

  test('is never lowered below a thinking budget, or above what was asked', () => {
    const scene = limitsScene({ keys: { k: { budgets: [usdBudget('0.008')] } } })
    assert.equal(scene.held(undefined, { cost, outputTokens: 64_000, leastOutputTokens: 6000 }).maxOutputTokens, 6000)
    const small = scene.held(undefined, { cost, outputTokens: 500 })
    assert.equal(small.maxOutputTokens, 500)
    assert.equal(small.clamped, false)
  })

  test('is lowered for the input too, for tokens, and for the limits of the first target', () => {
    const withInput = limitsScene({ keys: { k: { budgets: [usdBudget('0.008')] } } })
    const hold = withInput.held(undefined, { cost: perToken(1_000_000n, 1_000_000_000n), outputTokens: 64_000 })
    assert.equal(hold.maxOutputTokens, 3000)
    assert.equal(hold.nanoUsd, nano('0.004'))
    const tokens = limitsScene({ keys: { k: { budgets: [tokenBudget(10_000)] } } })
    const counted = tokens.held(undefined, { cost, inputTokens: 1000, outputTokens: 64_000 })
    assert.equal(counted.maxOutputTokens, 4000)
    assert.equal(counted.tokens, 5000)
    const ofModel = limitsScene({ keys: { k: { budgets: [usdBudget('0.008', 'day', { models: ['dear-*'] })] } } })
    const first = ofModel.target('alpha', 'dear-1')
    const clamped = ofModel.held(undefined, { cost, outputTokens: 64_000, first })
    assert.equal(clamped.maxOutputTokens, 4000)
    assert.equal(ofModel.limits.reserveAt(clamped, first, ofModel.nowMs), undefined)
    assert.equal(ofModel.held(undefined, { cost, outputTokens: 64_000, first: ofModel.target('alpha', 'cheap-1') }).clamped, false)
  })

  test('lets one who asks one at a time use what is left', () => {
    const scene = limitsScene({ keys: { k: { budgets: [usdBudget('0.01')] } } })
    let answers = 0
    for (;;) {
      const hold = scene.ask(undefined, { cost, outputTokens: 64_000 })
      if (hold instanceof Failure) break
      // The model says 300 tokens, whatever it might.
      hold.settle(scene.spent('0.0003', 300), scene.nowMs)
      answers++
    }
    // 10,000 tokens' worth; what is left then is less than 1,024.
    assert.equal(answers, 30)
  })
})

describe('64 at once against a budget for 10', () => {
  const asked = { cost: perToken(1_000_000n), outputTokens: 1000 }

  test('at most 10 run, nothing is overspent, and what is left is used by asking on', () => {
    const scene = limitsScene({ keys: { k: { budgets: [usdBudget('0.01', 'day')] } } })
    let total = 0n
    let most = 0
    let waves = 0
    for (let refusals = 0; refusals < 64; waves++) {
      const answers = Array.from({ length: 64 }, () => scene.ask(undefined, asked))
      const running = answers.filter((answer): answer is Hold => !(answer instanceof Failure))
      refusals = answers.length - running.length
      most = Math.max(most, running.length)
      for (const hold of running) {
        hold.settle(scene.spent('0.0004', 400), scene.nowMs)
        total += nano('0.0004')
      }
      if (running.length === 0) break
    }
    assert.equal(most, 10)
    assert.ok(total <= nano('0.01'))
    assert.ok(nano('0.01') - total < nano('0.001'), 'less is left than one request may cost')
    assert.equal(scene.refused(undefined, asked).kind, 'budget_exceeded')
  })

  test('exactly 10 are answered when each costs what it held', () => {
    const scene = limitsScene({ keys: { k: { budgets: [usdBudget('0.01', 'day')] } } })
    const answers = Array.from({ length: 64 }, () => scene.ask(undefined, asked))
    const running = answers.filter((answer): answer is Hold => !(answer instanceof Failure))
    assert.equal(running.length, 10)
    assert.ok(answers.slice(10).every((answer) => answer instanceof Failure && answer.kind === 'budget_reserved'))
    for (const hold of running) hold.settle({ nanoUsd: hold.nanoUsd, tokens: 1000 }, scene.nowMs)
    assert.deepEqual(scene.amounts(), { spent: String(nano('0.01')), held: '0', left: '0' })
    assert.equal(scene.refused(undefined, asked).kind, 'budget_exceeded')
  })
})

describe('an attempt', () => {
  test("holds its provider's limits, and the next one lets go of them", () => {
    const scene = limitsScene({
      keys: { k: {} },
      providers: { alpha: { budgets: [usdBudget('1', 'day')] }, beta: { budgets: [usdBudget('5', 'day')] } },
    })
    const hold = scene.held('1')
    assert.equal(scene.limits.reserveAt(hold, scene.target('alpha'), scene.nowMs), undefined)
    const other = scene.held('1')
    const skipped = scene.limits.reserveAt(other, scene.target('alpha'), scene.nowMs)
    assert.equal(skipped?.kind, 'provider_limited')
    assert.equal(
      skipped?.message,
      "What is left of the budget of $1.00 a day for provider 'alpha' is held by running requests; try again in 1 second.",
    )
    assert.equal(scene.limits.reserveAt(other, scene.target('beta'), scene.nowMs), undefined)
    assert.equal(scene.limits.reserveAt(hold, scene.target('beta'), scene.nowMs), undefined)
    assert.equal(scene.amounts('provider:alpha/usd/day').held, '0')
    assert.equal(scene.amounts('provider:beta/usd/day').held, String(nano('2')))
    hold.settle(scene.spent('0.25'), scene.nowMs)
    other.release(scene.nowMs)
    assert.deepEqual(scene.amounts('provider:beta/usd/day'), {
      spent: String(nano('0.25')),
      held: '0',
      left: String(nano('4.75')),
    })
    assert.equal(scene.amounts('provider:alpha/usd/day').spent, '0')
  })

  test('that failed has been one for the rate of its provider', () => {
    const scene = limitsScene({ keys: { k: {} }, providers: { alpha: { rateLimits: [rate(1, 'requests'), rate(1, 'concurrent')] } } })
    const hold = scene.held('1')
    assert.equal(scene.limits.reserveAt(hold, scene.target('alpha'), scene.nowMs), undefined)
    assert.equal(
      scene.limits.reserveAt(hold, scene.target('alpha'), scene.nowMs)?.message,
      "Rate limit of 1 request per minute reached for provider 'alpha': try again in 60 seconds.",
    )
    scene.nowMs += 60_000
    assert.equal(scene.limits.reserveAt(hold, scene.target('alpha'), scene.nowMs), undefined)
  })

  test("at a model is skipped when the model's budget is used up, and another one is not", () => {
    const scene = limitsScene({ keys: { k: { budgets: [usdBudget('1', 'day', { models: ['openai/dear*', '@x/*'] })] } } })
    const dear = scene.target('alpha', 'my-alias', 'dear-1', 'openai/dear-1')
    const first = scene.held('1')
    assert.equal(scene.limits.reserveAt(first, dear, scene.nowMs), undefined)
    first.settle(scene.spent('1'), scene.nowMs)
    const second = scene.held('1')
    const skipped = scene.limits.reserveAt(second, dear, scene.nowMs)
    assert.equal(skipped?.kind, 'budget_exceeded')
    assert.equal(skipped?.message, "Daily spending limit of $1.00 reached for key 'k' on openai/dear*, @x/*. Resets in 14 hours.")
    assert.equal(scene.limits.reserveAt(second, scene.target('alpha', 'cheap-1'), scene.nowMs), undefined)
    second.settle(scene.spent('1'), scene.nowMs)
    assert.equal(scene.amounts().spent, String(nano('1')))
  })

  test('at a model is counted by any of its names, as an allow-list would', () => {
    const counted = (pattern: string) => {
      const scene = limitsScene({ keys: { k: { budgets: [usdBudget('0', 'day', { models: [pattern] })] } } })
      const target = scene.target('work', 'my-alias', 'anthropic.claude-sonnet-4-5-v1:0', 'anthropic/claude-sonnet-4-5')
      return scene.limits.reserveAt(scene.held('1'), target, scene.nowMs) !== undefined
    }
    for (const pattern of ['my-alias', '*sonnet*', 'anthropic/claude-*', 'claude-sonnet-4-5', '@work/*', 'work/anthropic.*', '*'])
      assert.ok(counted(pattern), pattern)
    for (const pattern of ['gpt-*', '@home/*', 'sonnet', 'openai/*']) assert.ok(!counted(pattern), pattern)
  })

  test('holds nothing for a request that is over', () => {
    const scene = limitsScene({ keys: { k: {} }, providers: { alpha: { budgets: [usdBudget('1')] } } })
    const hold = scene.held('1')
    hold.settle(scene.spent('0'), scene.nowMs)
    scene.limits.reserveAt(hold, scene.target('alpha'), scene.nowMs)
    assert.equal(scene.amounts().held, '0')
  })
})

describe('a model without a price', () => {
  test('is refused where a budget in money could not be kept, and nowhere else', () => {
    const scene = limitsScene({
      keys: {
        hard: { budgets: [usdBudget('1')] },
        soft: { budgets: [usdBudget('1', 'day', { soft: true })] },
        tokens: { budgets: [tokenBudget(100)] },
        rated: { rateLimits: [rate(1, 'requests')] },
        some: { budgets: [usdBudget('1', 'day', { models: ['dear'] })] },
      },
    })
    const first = { ...scene.target('alpha', 'unknown-1'), priced: false }
    const refused = scene.refused(undefined, { by: 'hard', first })
    assert.equal(refused.kind, 'unpriced_model')
    assert.equal(refused.status, 400)
    assert.equal(
      refused.message,
      `The model "unknown-1" has no price, and key 'hard' has a budget that could not be kept. Give it a price, or mark it as free.`,
    )
    for (const by of ['soft', 'tokens', 'rated', 'some']) scene.held(undefined, { by, first })
    const hold = scene.held(undefined, { by: 'some', first })
    assert.equal(scene.limits.reserveAt(hold, first, scene.nowMs), undefined)
    assert.equal(scene.limits.reserveAt(hold, { ...first, models: ['dear'] }, scene.nowMs)?.kind, 'unpriced_model')
  })

  test('is skipped among others that have one', () => {
    const scene = limitsScene({ keys: { k: { budgets: [usdBudget('1')] } }, providers: { alpha: { budgets: [usdBudget('1')] }, beta: {} } })
    const hold = scene.held('0.5')
    assert.equal(scene.limits.reserveAt(hold, { ...scene.target('beta'), priced: false }, scene.nowMs)?.kind, 'unpriced_model')
    assert.equal(scene.limits.reserveAt(hold, scene.target('beta'), scene.nowMs), undefined)
    const free = limitsScene({ keys: { k: {} }, providers: { alpha: { budgets: [usdBudget('1')] } } })
    const unlimited = free.held(undefined)
    assert.equal(free.limits.reserveAt(unlimited, { ...free.target('alpha'), priced: false }, free.nowMs)?.kind, 'provider_limited')
  })

  test('is not a free one, which passes even when nothing is left', () => {
    const scene = limitsScene({ keys: { k: { budgets: [usdBudget('0')] } } })
    scene.held('0').settle(scene.spent('0', 100), scene.nowMs)
    assert.equal(scene.refused('0.000000001').kind, 'budget_exceeded')
  })
})

test('numbers that no client should send are numbers here', () => {
  for (const outputTokens of [1e18, Infinity, Number.MAX_VALUE, -1, Number.NaN, 0.5]) {
    const scene = limitsScene({ keys: { k: { budgets: [usdBudget('0.01')], rateLimits: [rate(1000, 'tokens')] } } })
    const hold = scene.held(undefined, { cost: perToken(1_000_000n), outputTokens, inputTokens: outputTokens < 1 ? outputTokens : 0 })
    assert.ok(hold.maxOutputTokens >= 0 && hold.maxOutputTokens <= 5000, String(outputTokens))
    hold.settle({ nanoUsd: -5n, tokens: Number.NaN }, scene.nowMs)
    assert.deepEqual(scene.amounts(), { spent: '0', held: '0', left: String(nano('0.01')) })
  }
})

describe('a change of what is configured', () => {
  const keyWith = (...budgets: ReturnType<typeof usdBudget>[]) => ({ keys: { k: { budgets } } })

  test('keeps what is spent and held of a budget whose amount changes, and counts from the next request on', () => {
    const scene = limitsScene(keyWith(usdBudget('5', 'day')))
    scene.held('4').settle(scene.spent('4'), scene.nowMs)
    const running = scene.held('1')
    assert.equal(scene.refused('1').kind, 'budget_reserved')
    const old = scene.key()
    scene.configure(keyWith(usdBudget('7', 'day')))
    assert.deepEqual(scene.amounts(), { spent: String(nano('4')), held: String(nano('1')), left: String(nano('2')) })
    // A request that came with the key of before has today's limits.
    const late = scene.limits.reserve({ key: old, cost: perToken(0n, nano('2') * 1000n), inputTokens: 0, outputTokens: 0 }, scene.nowMs)
    assert.ok(!(late instanceof Failure))
    running.settle(scene.spent('1'), scene.nowMs)
    scene.configure(keyWith(usdBudget('4', 'day')))
    assert.equal(scene.amounts().left, String(-nano('3')))
    assert.equal(scene.refused('0.1').kind, 'budget_exceeded')
  })

  test('begins a new budget with what is read for it, beside what came since', () => {
    const scene = limitsScene(keyWith(usdBudget('5', 'day')))
    scene.configure(keyWith(usdBudget('5', 'day'), usdBudget('9', 'month')))
    assert.deepEqual(
      scene.limits.unread(scene.nowMs).map(({ id }) => id),
      ['key:k/usd/day', 'key:k/usd/month'],
    )
    // What ends before it is asked is in the answer, what ends while it is read comes beside.
    scene.held('0.3').settle(scene.spent('0.3'), scene.nowMs)
    const asked = scene.limits.unread(scene.nowMs)
    scene.held('1').settle(scene.spent('1'), scene.nowMs)
    for (const unread of asked) {
      assert.deepEqual(unread.dimension, { kind: 'key', id: 'k' })
      scene.limits.setSpent(unread.id, unread.windowAt(undefined), scene.spent('3'))
      // Told twice, it counts once.
      scene.limits.setSpent(unread.id, unread.windowAt(undefined), scene.spent('3'))
    }
    assert.deepEqual(scene.limits.unread(scene.nowMs), [])
    assert.equal(scene.amounts('key:k/usd/month').spent, String(nano('4')))
    assert.match(scene.refused('2').message, /^Daily/)
  })

  test('tells a soft budget from a hard one over the same', () => {
    const scene = limitsScene(keyWith(usdBudget('1', 'day', { soft: true }), usdBudget('3', 'day')))
    scene.held('2').settle(scene.spent('2'), scene.nowMs)
    assert.equal(scene.amounts('key:k/usd/day').left, String(-nano('1')))
    assert.match(scene.refused('2').message, /\$3\.00/)
  })

  test('lets a request end that held what is gone', () => {
    const scene = limitsScene(keyWith(usdBudget('5')))
    const hold = scene.held('1')
    scene.configure({ keys: { k: {} } })
    hold.settle(scene.spent('1'), scene.nowMs)
    assert.equal(scene.limits.heldCount, 0)
    assert.deepEqual(scene.limits.list(scene.nowMs), [])
  })
})

test('a key sees its limits, and not those of everybody', () => {
  const scene = limitsScene({
    keys: { k: { userId: 'ann', budgets: [usdBudget('5', 'day')], rateLimits: [rate(60, 'requests'), rate(10, 'requests', 1000)] } },
    users: { ann: { prepaid: true, budgets: [tokenBudget(1000)], rateLimits: [rate(5000, 'tokens')] } },
    budgets: [usdBudget('100')],
  })
  scene.limits.setBalance('user:ann', nano('3'))
  scene.held('1', { inputTokens: 100 })
  const key = scene.key()
  const views = scene.limits.view(key, scene.nowMs)
  assert.deepEqual(
    views.map(({ id, left }) => `${id} ${left}`),
    [
      `key:k/usd/day ${nano('4')}`,
      'user:ann/tokens/total 900',
      `user:ann ${nano('2')}`,
      'key:k/requests/60000ms 59',
      'key:k/requests/1000ms 9',
      'user:ann/tokens/60000ms 4900',
    ],
  )
  assert.deepEqual(scene.limits.remaining(key, scene.nowMs), { nanoUsd: nano('2'), tokens: 900 })
  const { requests, tokens } = scene.limits.rates(key, scene.nowMs)
  assert.deepEqual([requests?.limit, requests?.left, requests?.resetMs], [10, 9, 100])
  assert.deepEqual([tokens?.limit, tokens?.left, tokens?.resetMs], [5000, 4900, 1200])
})

test('a key that was rotated and its successor have the same limits, in whatever order they come', () => {
  const old = { id: 'k', replaced: true as const, budgets: [usdBudget('1')] }
  const latest = { id: 'k', budgets: [usdBudget('2')] }
  for (const keys of [
    { old, latest },
    { latest, old },
  ]) {
    const scene = limitsScene({ keys })
    scene.held('1.5', { by: 'old' })
    assert.match(scene.refused('1', { by: 'latest' }).message, /budget of \$2\.00 for key '/)
    scene.configure({ keys })
    assert.equal(scene.amounts().held, String(nano('1.5')))
  }
})
