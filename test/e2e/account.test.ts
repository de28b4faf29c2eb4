// What a caller learns of its own money: /v1/key, /v1/credits and /v1/generation in OpenRouter's shapes, and conditions on what is left.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { JsonObject } from '#kernel'
import { accountOf, administer, call, errorIn, flatModel, newCaller } from '#test/money.ts'
import { rule } from '#test/planning.ts'
import { chat } from '#test/scripts.ts'
import { pricedModel, startTest, testKey, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike

before(async () => {
  upstream = await createUpstream()
  upstream.route(chat.path, chat.json({ model: 'model-1' }))
  turnpike = await startTest({ one: { wire: 'openai-chat', origin: upstream.origin, models: [pricedModel, flatModel] } })
})

after(async () => {
  await turnpike.end()
  await upstream.close()
})

test('a key learns what it has spent, and what stops it', async () => {
  const user = await administer(turnpike, 'POST', '/users', { name: 'Ann', budgets: [{ amount_usd: '1', period: 'month' }] })
  const caller = await newCaller(turnpike, 'learner', {
    type: 'user',
    user: user['id']!,
    budgets: [
      { amount_usd: '0.05', period: 'day' },
      { tokens: 1_000_000, period: 'total', soft: true },
    ],
    rate_limits: [{ requests: 100, per: 'minute' }, { concurrent: 7 }],
  })
  for (let i = 0; i < 2; i++) assert.equal((await call(turnpike, caller, 'flat')).status, 200)
  const data = await accountOf(turnpike, caller)
  const { limits, rate_limit: rate, ...rest } = data
  assert.deepEqual(rest, {
    label: 'learner',
    limit: 0.05,
    limit_remaining: 0.03,
    limit_reset: 'daily',
    usage: 0.02,
    usage_daily: 0.02,
    usage_weekly: 0.02,
    usage_monthly: 0.02,
    byok_usage: 0,
    byok_usage_daily: 0,
    byok_usage_weekly: 0,
    byok_usage_monthly: 0,
    include_byok_in_limit: true,
    is_free_tier: false,
    is_management_key: false,
    is_provisioning_key: false,
    creator_user_id: user['id'],
    expires_at: null,
  })
  assert.equal((rate as JsonObject)['requests'], 100)
  assert.equal((rate as JsonObject)['interval'], '60s')
  const shown = (limits as JsonObject[]).map(({ resets_at, owner, ...one }) => ({
    ...one,
    of: (owner as JsonObject)['name'],
    resets: typeof resets_at === 'string',
  }))
  const key = { of: 'learner' }
  const hour = new Date().toISOString()
  assert.deepEqual(shown, [
    { kind: 'budget', unit: 'usd', period: 'day', soft: false, limit: 0.05, spent: 0.02, held: 0, left: 0.03, ...key, resets: true },
    {
      kind: 'budget',
      unit: 'tokens',
      period: 'total',
      soft: true,
      limit: 1_000_000,
      spent: 34,
      held: 0,
      left: 999_966,
      ...key,
      resets: false,
    },
    { kind: 'budget', unit: 'usd', period: 'month', soft: false, limit: 1, spent: 0.02, held: 0, left: 0.98, of: 'Ann', resets: true },
    { kind: 'rate', unit: 'requests', seconds: 60, limit: 100, left: 98, ...key, resets: true },
    { kind: 'rate', unit: 'concurrent', limit: 7, left: 7, ...key, resets: false },
  ])
  const daily = (limits as JsonObject[])[0]!
  assert.ok(
    String(daily['resets_at']) > hour && String(daily['resets_at']).endsWith('T00:00:00.000Z'),
    'at midnight, in the time zone of the instance',
  )
})

test('a key without limits learns what it has spent', async () => {
  const caller = await newCaller(turnpike, 'free')
  const answer = await call(turnpike, caller, 'model-1')
  assert.equal(answer.status, 200)
  const { limit, limit_remaining: remaining, limit_reset: reset, usage, limits } = await accountOf(turnpike, caller)
  assert.deepEqual({ limit, remaining, reset, usage, limits }, { limit: null, remaining: null, reset: null, usage: 0.000074, limits: [] })
  assert.deepEqual(await accountOf(turnpike, caller, '/v1/credits'), { total_credits: null, total_usage: 0.000074 })
})

test('what is left of a wallet is what was put in less what was used', async () => {
  const team = await administer(turnpike, 'POST', '/teams', { name: 'Blue', prepaid: true })
  const caller = await newCaller(turnpike, 'payer', { team: team['id']! })
  const empty = await call(turnpike, caller, 'flat')
  assert.equal(empty.status, 402)
  assert.equal(errorIn(empty).code, 'insufficient_balance')
  await administer(turnpike, 'POST', `/accounts/${String(team['id'])}/credits`, { amount_usd: '5' })
  assert.equal((await call(turnpike, caller, 'flat')).status, 200)
  assert.deepEqual(await accountOf(turnpike, caller, '/v1/credits'), { total_credits: 5, total_usage: 0.01 })
  const [wallet] = (await accountOf(turnpike, caller))['limits'] as JsonObject[]
  assert.deepEqual({ ...wallet, owner: '' }, { kind: 'wallet', owner: '', unit: 'usd', limit: 4.99, held: 0, left: 4.99 })
})

test('a request is told what it cost, and only to its own key', async () => {
  const caller = await newCaller(turnpike, 'asker')
  const { id } = await call(turnpike, caller, 'model-1')
  const data = await accountOf(turnpike, caller, `/v1/generation?id=${id}`)
  const { created_at: at, latency, generation_time: generation, ...rest } = data
  assert.ok(Math.abs(Date.parse(String(at)) - Date.now()) < 60_000)
  assert.ok(Number.isInteger(latency) && Number.isInteger(generation) && Number(latency) >= Number(generation))
  const known = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null))
  assert.deepEqual(known, {
    id,
    total_cost: 0.000074,
    usage: 0.000074,
    model: 'model-1',
    provider_name: 'one',
    streamed: false,
    cancelled: false,
    finish_reason: 'stop',
    native_finish_reason: 'stop',
    tokens_prompt: 12,
    tokens_completion: 5,
    native_tokens_prompt: 12,
    native_tokens_completion: 5,
    native_tokens_reasoning: 0,
    native_tokens_cached: 0,
    origin: '',
    is_byok: false,
    api_type: 'completions',
  })
  const get = async (path: string, key: string): Promise<[number, string]> => {
    const answer = await fetch(turnpike.url + path, { headers: { authorization: `Bearer ${key}` } })
    return [answer.status, ((await answer.json()) as { error: { code: string } }).error.code]
  }
  assert.deepEqual(await get(`/v1/generation?id=${id}`, testKey), [404, 'generation_not_found'])
  assert.deepEqual(await get('/v1/generation?id=req_nothing', testKey), [404, 'generation_not_found'])
  assert.deepEqual(await get(`/v1/generation?id=${'x'.repeat(5000)}`, testKey), [404, 'generation_not_found'])
  assert.deepEqual(await get('/v1/generation', testKey), [400, 'invalid_request'])
  for (const path of ['/v1/key', '/v1/credits', `/v1/generation?id=${id}`])
    assert.deepEqual(await get(path, 'tp-nobody-0123456789'), [401, 'invalid_api_key'])
  assert.equal((await turnpike.post('/v1/key', {})).status, 405)
})

test('a config may ask what is left', async () => {
  const caller = await newCaller(turnpike, 'thrifty', { budgets: [{ amount_usd: '0.035', period: 'total' }] })
  const config = {
    strategy: {
      mode: 'conditional',
      conditions: [rule({ 'budget.remaining_usd': { $lt: 0.02 } }, 'cheap')],
      default: 'dear',
    },
    targets: [
      { name: 'dear', provider: '@one', override_params: { model: 'flat' } },
      { name: 'cheap', provider: '@one', override_params: { model: 'model-1' } },
    ],
  }
  const asked = async (key: string): Promise<unknown> => {
    const headers = { 'x-turnpike-config': JSON.stringify(config) }
    assert.equal((await call(turnpike, { key }, 'any', { headers })).status, 200)
    return (JSON.parse(upstream.received.at(-1)!.body.toString()) as JsonObject)['model']
  }
  assert.deepEqual([await asked(caller.key), await asked(caller.key), await asked(caller.key)], ['flat', 'flat', 'model-1'])
  assert.equal(await asked(testKey), 'flat', 'what is missing is not less')
})
