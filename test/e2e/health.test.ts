// A sick provider: left after a few failures, shown to the operator in words and numbers, and asked again when it is well.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { isObject, type JsonObject } from '#kernel'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'
import { wireScripts } from '#test/scripts.ts'
import { adminToken, pricedModel, startTest, testKey, type TestTurnpike } from '#test/turnpike.ts'

const chat = wireScripts['openai-chat']
const metricsToken = 'metrics-only-0123456789'
const shared = [
  { ...pricedModel, id: 'shared' },
  { ...pricedModel, id: 'second' },
]

let first: ScriptedUpstream
let second: ScriptedUpstream
let turnpike: TestTurnpike

before(async () => {
  first = await createUpstream()
  second = await createUpstream()
})

after(async () => {
  await turnpike.end()
  await first.close()
  await second.close()
})

beforeEach(async () => {
  await (turnpike as TestTurnpike | undefined)?.end()
  first.clear()
  second.clear()
  second.route('/v1/chat/completions', chat.json())
  turnpike = await startTest(
    {
      a: { wire: 'openai-chat', origin: first.origin, models: shared, more: { priority: 1 } },
      b: { wire: 'openai-chat', origin: second.origin, models: shared, more: { priority: 2 } },
    },
    { overrides: { metricsToken } },
  )
})

const body = { model: 'shared', messages: [{ role: 'user', content: 'hi' }] }
const ask = (asked: JsonObject = body): Promise<Response> => turnpike.post('/v1/chat/completions', asked)
const admin = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(turnpike.url + path, { ...init, headers: { authorization: `Bearer ${adminToken}`, ...init.headers } })

async function healthOf(slug: string): Promise<JsonObject> {
  const { health } = (await (await admin(`/api/v1/providers/${slug}`)).json()) as JsonObject
  assert.ok(isObject(health))
  return health
}

const targetsOf = async (slug: string): Promise<JsonObject[]> => (await healthOf(slug))['targets'] as JsonObject[]

async function readiness(): Promise<unknown> {
  return (await fetch(`${turnpike.url}/readyz`)).json()
}

async function metrics(): Promise<string> {
  const response = await fetch(`${turnpike.url}/metrics`, { headers: { authorization: `Bearer ${metricsToken}` } })
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  return response.text()
}

describe('a provider that fails', () => {
  test('is asked after the others once its breaker is open, and everybody who may know is told', async () => {
    first.route('/v1/chat/completions', chat.error(500))
    assert.equal((await healthOf('a'))['state'], 'unknown')
    assert.deepEqual(await readiness(), { status: 'ready', providers: { configured: 2, available: 2 } })
    for (let i = 0; i < 3; i++) {
      const response = await ask()
      assert.deepEqual([response.status, response.headers.get('x-turnpike-attempts')], [200, '2'])
      await response.text()
    }
    const response = await ask()
    assert.deepEqual([response.headers.get('x-turnpike-provider'), response.headers.get('x-turnpike-attempts')], ['b', '1'])
    await response.text()
    assert.equal(first.received.length, 3)

    const { state, credentials, targets } = await healthOf('a')
    assert.equal(state, 'down')
    assert.deepEqual(credentials, [{ name: 'credential-1', state: 'well' }])
    const [target] = targets as [JsonObject]
    assert.deepEqual(
      [target['model'], target['config'], target['state'], target['window']],
      ['shared', null, 'open', { attempts: 3, failures: 3 }],
    )
    const forMs = Date.parse(String(target['until'])) - Date.now()
    assert.ok(forMs > 5000 && forMs <= 15_000, String(forMs))
    assert.ok(Math.abs(Date.parse(String(target['since'])) - Date.now()) < 10_000)
    assert.equal((target['last_failure'] as JsonObject)['class'], 'provider_error')
    assert.equal((await healthOf('b'))['state'], 'well')
    assert.deepEqual(await readiness(), { status: 'ready', providers: { configured: 2, available: 1 } })

    const text = await metrics()
    assert.match(text, /^turnpike_target_trouble\{provider="a",credential="credential-1",model="shared",config="",state="open"\} 1$/m)
    assert.match(text, /^turnpike_attempts_total\{provider="a",result="provider_error"\} 3$/m)
    assert.match(text, /^turnpike_attempts_total\{provider="b",result="answered"\} 4$/m)
    assert.match(text, /^turnpike_rescued_requests_total 3$/m)
  })

  test('whose other model works is degraded, and that model is asked', async () => {
    first.route((request) => request.body.includes('"shared"'), chat.error(503))
    first.route((request) => request.body.includes('"second"'), chat.json())
    for (let i = 0; i < 3; i++) await (await ask()).text()
    const other = await ask({ ...body, model: 'second' })
    assert.equal(other.headers.get('x-turnpike-provider'), 'a')
    await other.text()
    assert.equal((await healthOf('a'))['state'], 'degraded')
    assert.deepEqual(
      (await targetsOf('a')).map(({ model, state }) => [model, state]),
      [
        ['shared', 'open'],
        ['second', 'closed'],
      ],
    )
  })

  test('and is the only one left is asked all the same', async () => {
    first.route('/v1/chat/completions', chat.error(500))
    for (let i = 0; i < 3; i++) await (await ask({ ...body, model: 'a/shared' })).text()
    first.route('/v1/chat/completions', chat.json())
    const response = await ask({ ...body, model: 'a/shared' })
    assert.equal(response.status, 200)
    await response.text()
    assert.equal((await healthOf('a'))['state'], 'well', 'the answer closed its breaker')
  })
})

describe('a credential that is refused', () => {
  test('rejects every model of it, until a test of the provider finds that it works', async () => {
    first.route('/v1/chat/completions', chat.error(401))
    await (await ask()).text()
    const response = await ask({ ...body, model: 'second' })
    assert.deepEqual([response.headers.get('x-turnpike-provider'), response.headers.get('x-turnpike-attempts')], ['b', '1'])
    await response.text()
    const { credentials, targets } = await healthOf('a')
    assert.deepEqual(credentials, [{ name: 'credential-1', state: 'rejected' }])
    assert.equal((targets as JsonObject[])[0]!['state'], 'rejected')
    assert.match(await metrics(), /^turnpike_credential_rejected\{provider="a",credential="credential-1"\} 1$/m)

    first.route('/v1/models', { status: 401, headers: { 'content-type': 'application/json' }, body: '{"error":{"message":"no"}}' })
    await admin('/api/v1/providers/a/test', { method: 'POST' })
    assert.deepEqual((await healthOf('a'))['credentials'], [{ name: 'credential-1', state: 'rejected' }])

    first.route('/v1/models', { headers: { 'content-type': 'application/json' }, body: '{"object":"list","data":[{"id":"shared"}]}' })
    first.route('/v1/chat/completions', chat.json())
    const report = (await (await admin('/api/v1/providers/a/test', { method: 'POST' })).json()) as JsonObject
    assert.equal(report['ok'], true)
    const mended = await ask()
    assert.equal(mended.headers.get('x-turnpike-provider'), 'a')
    await mended.text()
    assert.match(await metrics(), /^turnpike_credential_rejected\{provider="a",credential="credential-1"\} 0$/m)
  })

  test('is asked again at once when it has been replaced, and not when something else of the provider has', async () => {
    const put = async (value: string, priority: number): Promise<void> => {
      const provider = {
        base_url: `${first.origin}/v1`,
        allow_private_network: true,
        credentials: [{ name: 'main', value }],
        priority,
        models: { custom: shared },
      }
      const response = await admin('/api/v1/providers/stored', {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(provider),
      })
      assert.ok(response.ok, await response.text())
    }
    await put('sk-refused', 0)
    first.route('/v1/chat/completions', chat.error(401))
    await (await ask()).text()
    await put('sk-refused', 5)
    assert.deepEqual((await healthOf('stored'))['credentials'], [{ name: 'main', state: 'rejected' }])
    await put('sk-good', 0)
    assert.deepEqual((await healthOf('stored'))['credentials'], [{ name: 'main', state: 'unknown' }])
    first.route('/v1/chat/completions', chat.json())
    const response = await ask()
    assert.equal(response.headers.get('x-turnpike-provider'), 'stored')
    await response.text()
  })

  test("is not held against the operator when it was the client's own", async () => {
    first.route('/v1/chat/completions', chat.error(401))
    for (let i = 0; i < 3; i++) {
      const own = await turnpike.post(
        '/v1/chat/completions',
        { ...body, model: 'a/shared' },
        {
          headers: { authorization: 'Bearer sk-a-key-of-the-client-0123456789abcdef', 'x-turnpike-api-key': testKey },
        },
      )
      assert.equal(own.status, 401)
      await own.text()
    }
    assert.deepEqual([(await healthOf('a'))['state'], first.received.length], ['unknown', 3])
    first.route('/v1/chat/completions', chat.json())
    const response = await ask()
    assert.equal(response.headers.get('x-turnpike-provider'), 'a')
    await response.text()
  })
})

test('a provider that says to wait is asked after the others until then', async () => {
  first.route('/v1/chat/completions', { ...chat.error(429), headers: { 'content-type': 'application/json', 'retry-after': '3600000' } })
  await (await ask()).text()
  const response = await ask()
  assert.equal(response.headers.get('x-turnpike-provider'), 'b')
  await response.text()
  const [target] = await targetsOf('a')
  assert.equal(target!['state'], 'cooling')
  const forMs = Date.parse(String(target!['until'])) - Date.now()
  assert.ok(forMs > 3_500_000 && forMs <= 3_600_000, 'an hour at most')
})

describe('metrics', () => {
  test('are for the admin token and the one that opens nothing else', async () => {
    const status = async (path: string, token?: string): Promise<number> => {
      const response = await fetch(turnpike.url + path, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })
      const text = await response.text()
      if (response.status === 401) assert.match(text, path.startsWith('/v1/') ? /"code":"invalid_api_key"/ : /"code":"unauthorized"/)
      return response.status
    }
    assert.equal(await status('/metrics'), 401)
    assert.equal(await status('/metrics', testKey), 401)
    assert.equal(await status('/metrics', `${metricsToken}x`), 401)
    assert.equal(await status('/metrics', metricsToken), 200)
    assert.equal(await status('/metrics', adminToken), 200)
    assert.equal(await status('/api/v1/providers', metricsToken), 401)
    assert.equal(await status('/v1/models', metricsToken), 401)
    const posted = await fetch(`${turnpike.url}/metrics`, { method: 'POST', headers: { authorization: `Bearer ${adminToken}` } })
    assert.equal(posted.status, 405)
  })

  test('count requests, tokens and cost, and hold nothing of a key, a session or a message', async () => {
    first.route('/v1/chat/completions', chat.json())
    await (
      await turnpike.post('/v1/chat/completions', { ...body, user: 'somebody' }, { headers: { 'x-turnpike-session-id': 'a-session' } })
    ).text()
    await (await fetch(`${turnpike.url}/v1/no/such/path`, { method: 'POST' })).text()
    await (await turnpike.post('/v1/chat/completions', '{')).text()
    const text = await metrics()
    for (const line of [
      'turnpike_requests_total{wire="openai-chat",endpoint="/v1/chat/completions",outcome="ok",code="2xx"} 1',
      'turnpike_requests_total{wire="openai-chat",endpoint="other",outcome="client_error",code="4xx"} 1',
      'turnpike_request_errors_total{code="unknown_url"} 1',
      'turnpike_request_errors_total{code="invalid_request"} 1',
      'turnpike_tokens_total{provider="a",model="shared",kind="input"} 12',
      'turnpike_tokens_total{provider="a",model="shared",kind="output"} 5',
      // 12 x 2 + 5 x 10 per million.
      'turnpike_cost_usd_total{provider="a",model="shared"} 0.000074',
      'turnpike_request_duration_seconds_count{wire="openai-chat",stream="false"} 1',
      'turnpike_overhead_seconds_count 1',
      'turnpike_requests_running 0',
      'turnpike_draining 0',
    ])
      assert.ok(text.includes(`${line}\n`), `${line} is not in\n${text}`)
    assert.doesNotMatch(text, /tp-test|sk-provider|a-session|somebody|no\/such/)
  })
})
