// How fast a key may ask, when its windows begin anew, and what a start knows of what was spent before.
import assert from 'node:assert/strict'
import path from 'node:path'
import { after, before, beforeEach, describe, mock, test } from 'node:test'
import { readSettings } from '#config'
import { startTurnpike } from '#main'
import type { JsonObject } from '#kernel'
import { clientRequest, providerOf } from '#test/client-scripts.ts'
import { accountOf, administer, call, errorIn, flatModel, limitsOf, newCaller, untilRefused, type Caller } from '#test/money.ts'
import { chat } from '#test/scripts.ts'
import { adminToken, pricedModel, startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createGate, createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike
let callers = 0

const providers = (): JsonObject => ({
  one: { ...providerOf('openai-chat', upstream.origin), models: { custom: [pricedModel, flatModel] } },
})

before(async () => {
  upstream = await createUpstream()
  turnpike = await startTest(
    {},
    {
      declared: {
        providers: {
          ...providers(),
          slow: {
            ...providerOf('openai-chat', upstream.origin),
            models: { custom: [{ ...flatModel, id: 'paced' }] },
            rate_limits: [{ requests: 1, per: 'hour' }],
          },
        },
      },
    },
  )
})

beforeEach(() => {
  upstream.clear()
  upstream.route(chat.path, chat.json())
})

after(async () => {
  await turnpike.end()
  await upstream.close()
})

const caller = (more: JsonObject): Promise<Caller> => newCaller(turnpike, `caller-${++callers}`, more)

describe('a rate limit', () => {
  test('of requests is told on every answer, and on the refusal, with when to come back', async () => {
    const one = await caller({ rate_limits: [{ requests: 2, per: 'minute' }] })
    const heard = [await call(turnpike, one, 'one/flat'), await call(turnpike, one, 'one/flat'), await call(turnpike, one, 'one/flat')]
    assert.deepEqual(
      heard.map(({ status }) => status),
      [200, 200, 429],
    )
    const told = (name: string): (string | null)[] => heard.map(({ headers }) => headers.get(`x-ratelimit-${name}-requests`))
    assert.deepEqual(told('limit'), ['2', '2', '2'])
    assert.deepEqual(told('remaining'), ['1', '0', '0'])
    for (const reset of told('reset')) assert.match(String(reset), /^([1-9]|[1-5]\d|60)s$/)
    const refused = heard[2]!
    const seconds = Number(refused.headers.get('retry-after'))
    assert.ok(seconds >= 25 && seconds <= 30, `half a minute for one of two a minute: ${seconds}`)
    assert.equal(errorIn(refused).code, 'rate_limit_exceeded')
    assert.equal(
      errorIn(refused).message,
      `Rate limit of 2 requests per minute reached for key '${one.name}': try again in ${seconds} seconds.`,
    )
    assert.equal(upstream.received.length, 2)
    // Google's and Anthropic's clients hear the same.
    for (const wire of ['anthropic-messages', 'gemini'] as const) {
      const { path: at, body } = clientRequest(wire, 'one/flat', false, 'Hi')
      const other = await call(turnpike, one, '', { path: at, body })
      assert.equal(other.status, 429)
      assert.ok(Number(other.headers.get('retry-after')) > 0)
      assert.match(other.body, /Rate limit of 2 requests per minute reached/)
    }
  })

  test('of tokens holds what may come, and counts what came', async () => {
    const one = await caller({ rate_limits: [{ tokens: 500, per: 'hour' }] })
    const gate = createGate()
    upstream.route(chat.path, async () => {
      await gate.opened
      return chat.json()
    })
    const body = { max_tokens: 300 }
    const first = call(turnpike, one, 'one/flat', { body })
    while (upstream.received.length < 1) await upstream.next()
    const second = await call(turnpike, one, 'one/flat', { body })
    assert.equal(second.status, 429)
    assert.match(errorIn(second).message, /^Rate limit of 500 tokens per hour reached for key 'caller-\d+': try again in \d+ seconds\.$/)
    assert.equal(second.headers.get('x-ratelimit-limit-tokens'), '500')
    gate.open()
    assert.equal((await first).status, 200)
    // 12 in and 5 out.
    const [limit] = await limitsOf(turnpike, one)
    assert.ok(limit!.left >= 483 && limit!.left <= 484, String(limit!.left))
    assert.equal((await call(turnpike, one, 'one/flat', { body })).status, 200)
  })

  test('of requests at once lets the next one in when one has ended', async () => {
    const one = await caller({ rate_limits: [{ concurrent: 3 }] })
    const gate = createGate()
    upstream.route(chat.path, async () => {
      await gate.opened
      return chat.json()
    })
    const asked = Array.from({ length: 12 }, () => call(turnpike, one, 'one/flat'))
    await untilRefused(asked, 9)
    assert.equal((await limitsOf(turnpike, one))[0]!.left, 0)
    gate.open()
    const heard = await Promise.all(asked)
    assert.equal(upstream.received.length, 3)
    for (const refused of heard.filter(({ status }) => status !== 200)) {
      assert.match(errorIn(refused).message, /^Rate limit of 3 requests at once reached for key 'caller-\d+': try again in \d seconds?\.$/)
      assert.ok(Number(refused.headers.get('retry-after')) >= 1)
    }
    assert.equal((await limitsOf(turnpike, one))[0]!.left, 3)
    assert.equal((await call(turnpike, one, 'one/flat')).status, 200)
  })

  test('of a provider is the business of nobody else: where nobody else can answer, the sentence says only that', async () => {
    const one = await caller({})
    assert.equal((await call(turnpike, one, 'paced')).status, 200)
    const heard = await call(turnpike, one, 'paced')
    assert.equal(errorIn(heard).code, 'all_targets_failed')
    assert.match(errorIn(heard).message, /^Every target failed: slow \(provider_limited\)\./)
    assert.ok(Number(heard.headers.get('retry-after')) > 60, 'as long as the limit lasts')
    assert.equal(upstream.received.length, 1)
  })
})

describe('a window', () => {
  // The day in spring that has 23 hours in Berlin; a day of New York; a time zone of half an hour.
  for (const [zone, endsAt] of [
    ['Europe/Berlin', '2027-03-28T22:00:00.000Z'],
    ['America/New_York', '2027-03-28T04:00:00.000Z'],
    ['Asia/Kolkata', '2027-03-28T18:30:00.000Z'],
  ] as const)
    test(`of a day ends at midnight in ${zone}, to the millisecond`, async (context) => {
      const endMs = Date.parse(endsAt)
      mock.timers.enable({ apis: ['Date'], now: endMs - 2000 })
      context.after(() => mock.timers.reset())
      const there = await startTest({}, { declared: { providers: providers(), settings: { time_zone: zone } } })
      context.after(() => there.end())
      const one = await newCaller(there, 'x', { budgets: [{ amount_usd: '0.01', period: 'day' }] })
      assert.equal((await call(there, one, 'one/flat')).status, 200)
      const refused = await call(there, one, 'one/flat')
      assert.match(errorIn(refused).message, /^Daily spending limit of \$0\.01 reached for key 'x'\. Resets in 2 seconds\.$/)
      assert.equal((await limitsOf(there, one))[0]!.resets_at, endsAt)
      mock.timers.setTime(endMs - 1)
      assert.equal((await call(there, one, 'one/flat')).status, 402)
      mock.timers.setTime(endMs)
      assert.equal((await call(there, one, 'one/flat')).status, 200)
      const { usage, usage_daily: daily, usage_monthly: monthly } = await accountOf(there, one)
      assert.deepEqual({ usage, daily, monthly }, { usage: 0.02, daily: 0.01, monthly: 0.02 })
      // The clock goes back: what was spent then is spent, and nothing fails.
      mock.timers.setTime(endMs - 60_000)
      assert.equal((await call(there, one, 'one/flat')).status, 402)
    })
})

test('after a restart what was spent is spent, and nothing is held', async () => {
  const first = await startTest({}, { declared: { providers: providers() } })
  const restart = async () =>
    startTurnpike({
      settings: readSettings({
        overrides: { home: first.homePath, config: path.join(first.homePath, 'turnpike.yaml'), port: '0', logLevel: 'silent', adminToken },
        env: {},
      }),
      version: 'test',
    })
  const { id: user } = await administer(first, 'POST', '/users', { name: 'Ann', prepaid: true })
  await administer(first, 'POST', `/accounts/${String(user)}/credits`, { amount_usd: '1' })
  const one = await newCaller(first, 'x', { type: 'user', user: user!, budgets: [{ amount_usd: '0.03', period: 'month' }] })
  for (let i = 0; i < 2; i++) assert.equal((await call(first, one, 'one/flat')).status, 200)
  // One that runs when it stops, and is cut.
  upstream.route(chat.path, () => new Promise(() => {}))
  const running = call(first, one, 'one/flat')
  while (upstream.received.length < 3) await upstream.next()
  await first.close(50)
  assert.equal((await running).status, 503)
  upstream.route(chat.path, chat.json())
  const again = await restart()
  try {
    const limits = await limitsOf(again, one, 2)
    assert.deepEqual(
      limits.map(({ kind, spent, held, left }) => ({ kind, spent, held, left })),
      [
        { kind: 'budget', spent: 0.02, held: 0, left: 0.01 },
        { kind: 'wallet', spent: undefined, held: 0, left: 0.98 },
      ],
    )
    for (const status of [200, 402]) assert.equal((await call(again, one, 'one/flat')).status, status)
    assert.deepEqual(await accountOf(again, one, '/v1/credits'), { total_credits: 1, total_usage: 0.03 })
  } finally {
    await again.close(50)
    await first.end()
  }
})
