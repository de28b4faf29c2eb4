// What a probe of a provider finds: models, keys that don't work, and each of the usual mistakes with the fix for it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import type { ModelEntry, Provider } from '#config'
import type { Price, Wire } from '#ir'
import { refusedPort } from '#test/ports.ts'
import { createUpstream, cut, stall, type Answer, type ScriptedUpstream } from '#test/upstream.ts'
import { createNetwork } from './network.ts'
import type { Upstream } from './port.ts'
import { probeProvider, type ProbeReport } from './probe.ts'
import { clockTrouble } from './probe-troubles.ts'

let upstream: ScriptedUpstream
before(async () => {
  upstream = await createUpstream()
})
after(() => upstream.close())
beforeEach(() => upstream.clear())

const secret = 'sk-very-secret-0123456789'
const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
})
const html = (status: number): Answer => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: '<!doctype html><title>Hi</title>',
})
/** As OpenAI lists and refuses (https://platform.openai.com/docs/api-reference/models, .../guides/error-codes, 2026-11). */
const listOf = (...ids: string[]) => json(200, { object: 'list', data: ids.map((id) => ({ id, object: 'model' })) })
const wrongKey = json(401, {
  error: { message: `Incorrect API key provided: ${secret}.`, type: 'invalid_request_error', code: 'invalid_api_key' },
})

const free: Price = {
  version: 'test',
  input: 0n,
  output: 0n,
  cacheRead: 0n,
  cacheWrite: 0n,
  cacheWrite1h: 0n,
  reasoning: 0n,
  inputAudio: 0n,
  outputAudio: 0n,
  request: 0n,
}
const models: readonly ModelEntry[] = [
  { id: 'dear', price: { ...free, input: 9n } },
  { id: 'image', price: free, outputModalities: ['image'] },
  { id: 'cheap', price: { ...free, input: 1n } },
  { id: 'unpriced' },
]

function providerAt(base: string, changes: Partial<Provider> = {}, wire: Wire = 'openai-chat'): Provider {
  const { origin, pathname } = new URL(base)
  const below = pathname.replace(/\/$/, '')
  return {
    slug: 'acme',
    vendor: 'acme',
    origin,
    endpoints: new Map([wire === 'openai-chat' ? [wire, `${below}/chat/completions`] : [wire, `${below}/v1/messages`]]),
    auth: wire === 'openai-chat' ? 'bearer' : 'x-api-key',
    credentials: [{ name: 'main', secret }],
    headers: { 'x-team': 'blue' },
    dialect: {},
    models: new Map(models.map((model) => [model.id, model])),
    priority: 100,
    timeouts: { connectMs: 2000, firstTokenMs: undefined, idleMs: 2000, totalMs: 2000 },
    allowPrivateNetwork: true,
    simulated: false,
    ...changes,
  }
}

const probe = async (provider: Provider, timeoutMs = 5000): Promise<ProbeReport> => {
  const report = await probeProvider(provider, { timeoutMs })
  assert.ok(!JSON.stringify(report).includes(secret), 'no secret in a report')
  return report
}

test('a provider that lists its models works; the call carries the key and the extra headers', async () => {
  upstream.route('/v1/models', listOf('a', 'b', 'a'))
  const report = await probe(providerAt(`${upstream.origin}/v1`))
  assert.deepEqual(
    { ...report, ms: 0, credentials: report.credentials.map((one) => ({ ...one, ms: 0 })) },
    {
      ok: true,
      ms: 0,
      credentials: [{ name: 'main', ok: true, status: 200, ms: 0, models: 3, trouble: null }],
      models_found: 2,
      model_ids: ['a', 'b'],
      trouble: null,
    },
  )
  const [asked] = upstream.received
  assert.equal(upstream.received.length, 1)
  assert.equal(asked!.method, 'GET')
  assert.equal(asked!.headers.get('authorization'), `Bearer ${secret}`)
  assert.equal(asked!.headers.get('x-team'), 'blue')
})

test("Anthropic's list is below /v1 and takes x-api-key; a server without a key is asked without one", async () => {
  upstream.route('/v1/models', json(200, { data: [{ type: 'model', id: 'claude' }], has_more: false }))
  const report = await probe(providerAt(upstream.origin, {}, 'anthropic-messages'))
  assert.deepEqual([report.ok, report.model_ids], [true, ['claude']])
  assert.equal(upstream.received[0]!.headers.get('x-api-key'), secret)
  const local = await probe(providerAt(`${upstream.origin}/v1`, { auth: 'none', credentials: [] }))
  assert.deepEqual([local.ok, local.models_found, local.credentials], [true, 1, []])
  assert.equal(upstream.received[1]!.headers.get('authorization'), undefined)
})

test('each key is tried, and the one that does not work is named', async () => {
  upstream.route('/v1/models', ({ headers }) => (headers.get('authorization') === 'Bearer good' ? listOf('a') : wrongKey))
  const credentials = [
    { name: 'one', secret: 'good' },
    { name: 'two', secret },
    { name: 'three', secret: 'good' },
  ]
  const report = await probe(providerAt(`${upstream.origin}/v1`, { credentials }))
  assert.equal(report.ok, false)
  assert.deepEqual(
    report.credentials.map(({ name, ok, status, models: count }) => [name, ok, status, count]),
    [
      ['one', true, 200, 1],
      ['two', false, 401, null],
      ['three', true, 200, 1],
    ],
  )
  assert.match(report.trouble!, /^The key is wrong, expired or has no permission/)
})

test('what the provider says about key and account is told apart', async () => {
  const cases: [Answer, boolean, RegExp][] = [
    [wrongKey, false, /^The key is wrong.*\(status 401\)\. Make a new one/],
    [json(403, { error: { message: 'no', code: 'permission_denied' } }), false, /^The key is wrong.*\(status 403\)/],
    // Google's OpenAI-compatible endpoint.
    [json(400, [{ error: { code: 400, message: 'API key not valid. Please pass a valid API key.' } }]), false, /^The key is wrong/],
    [json(402, { error: { message: 'Insufficient credits' } }), false, /^The key works, but its account cannot pay/],
    [json(429, { error: { message: 'quota', type: 'insufficient_quota', code: 'insufficient_quota' } }), false, /cannot pay/],
    [json(429, { error: { message: 'slow down', code: 'rate_limit_exceeded' } }), true, /limits its rate/],
    [json(500, { error: { message: 'oops' } }), false, /^The provider has trouble of its own \(status 500\)/],
    [html(502), false, /^The provider has trouble of its own \(status 502\)/],
    [
      { status: 301, headers: { location: 'https://api.example.com/v1/models' } },
      false,
      /sends elsewhere.*Set base_url to https:\/\/api\.example\.com\./,
    ],
  ]
  for (const [answer, ok, trouble] of cases) {
    upstream.clear()
    upstream.route('/v1/models', answer)
    upstream.route(({ url }) => url !== '/v1/models', json(404, { error: 'no' }))
    const report = await probe(providerAt(`${upstream.origin}/v1`))
    assert.equal(report.ok, ok, trouble.source)
    assert.match(report.trouble!, trouble)
  }
})

test('a base URL without /v1, with a doubled one, or with the endpoint in it is recognised by where the API does answer', async () => {
  for (const wrong of ['', '/v1/v1', '/v1/chat/completions', '/v2']) {
    for (const missing of [json(404, { detail: 'Not Found' }), html(404), html(200)]) {
      for (const right of [listOf('a'), wrongKey]) {
        upstream.clear()
        upstream.route(() => true, missing)
        upstream.route('/v1/models', right)
        const base = `${upstream.origin}${wrong}`
        const report = await probe(providerAt(base))
        assert.equal(report.ok, false)
        assert.match(
          report.trouble!,
          new RegExp(`^${base} is not the API.*, but ${upstream.origin}/v1 is\\. Set base_url to ${upstream.origin}/v1\\.$`),
        )
      }
    }
  }
})

test('where nothing answers as an API, that is said: a web page, or nothing there', async () => {
  upstream.route(() => true, html(200))
  assert.match((await probe(providerAt(`${upstream.origin}/v1`))).trouble!, /answers with a web page instead of JSON/)
  upstream.clear()
  upstream.route(() => true, json(404, { detail: 'Not Found' }))
  assert.match((await probe(providerAt(`${upstream.origin}/v1`))).trouble!, /^There is no API at .*\/v1 \(status 404\)\. Check base_url/)
})

test('a vendor without a list is asked for one token of the cheapest model; an unknown model does not count against the key', async () => {
  for (const [answer, ok, trouble] of [
    [json(200, { id: 'x', choices: [] }), true, null],
    [json(404, { error: { message: 'The model `cheap` does not exist', code: 'model_not_found' } }), true, null],
    [json(400, { error: { message: 'max_tokens is too small' } }), true, null],
    [wrongKey, false, /^The key is wrong/],
    [json(402, { error: { message: 'pay' } }), false, /cannot pay/],
    [html(503), false, /trouble of its own/],
  ] as const) {
    upstream.clear()
    upstream.route(({ method }) => method === 'GET', json(404, { error: 'no list' }))
    upstream.route('/v1/chat/completions', answer)
    const report = await probe(providerAt(`${upstream.origin}/v1`))
    assert.equal(report.ok, ok)
    assert.equal(report.models_found, null)
    if (trouble === null) assert.equal(report.trouble, null)
    else assert.match(report.trouble!, trouble)
    const asked = upstream.received.find(({ method }) => method === 'POST')!
    const body = JSON.parse(asked.body.toString()) as Record<string, unknown>
    assert.deepEqual([body['model'], body['max_completion_tokens']], ['cheap', 1])
  }
  upstream.clear()
  upstream.route(({ method }) => method === 'GET', json(405, {}))
  upstream.route('/v1/messages', json(200, { type: 'message', content: [] }))
  assert.equal((await probe(providerAt(upstream.origin, {}, 'anthropic-messages'))).ok, true)
  const body = JSON.parse(upstream.received.at(-1)!.body.toString()) as Record<string, unknown>
  assert.equal(body['max_tokens'], 1)
})

test('a vendor that only embeds is asked for one vector, in its form', async () => {
  upstream.route('/v1/embeddings', json(200, { object: 'list', data: [{ index: 0, embedding: [1] }], usage: { total_tokens: 1 } }))
  const vectors: ModelEntry = { id: 'vectors', price: free, outputModalities: ['embeddings'] }
  const provider = providerAt(`${upstream.origin}/v1`, {
    endpoints: new Map(),
    embeddings: { form: 'voyage', path: '/v1/embeddings', dialect: {} },
    models: new Map([...models, vectors].map((model) => [model.id, model])),
  })
  const works = await probeProvider(provider, { timeoutMs: 2000 })
  assert.equal(works.ok, true, JSON.stringify(works))
  assert.equal(upstream.received[0]!.headers.get('authorization'), `Bearer ${secret}`)
  assert.deepEqual(upstream.received[0]!.json(), { model: 'vectors', input: ['Hi.'] })
  upstream.route('/v1/embeddings', json(401, { detail: 'Provided API key is invalid.' }))
  const refused = await probeProvider(provider, { timeoutMs: 2000 })
  assert.equal(refused.ok, false)
  assert.match(refused.trouble ?? '', /key/)
})

test("a list that anybody may see proves nothing about the key: the key is tried by a call, but not at a server of one's own", async (t) => {
  upstream.route('/v1/models', listOf('a', 'b'))
  upstream.route('/v1/chat/completions', wrongKey)
  const own = await probe(providerAt(`${upstream.origin}/v1`))
  assert.equal(own.ok, true)
  assert.ok(upstream.received.every(({ method }) => method === 'GET'))

  const network = createNetwork()
  t.after(() => network.close())
  // A provider in public, for all that the probe knows.
  const pretending: Upstream = { ...network, send: (request, handler) => network.send({ ...request, allowPrivateNetwork: true }, handler) }
  const provider = providerAt(`${upstream.origin}/v1`, { allowPrivateNetwork: false })
  const report = await probeProvider(provider, { timeoutMs: 5000, network: pretending })
  assert.deepEqual([report.ok, report.models_found], [false, 2])
  assert.match(report.trouble!, /^The key is wrong/)
  upstream.route('/v1/models', ({ headers }) => (headers.has('authorization') ? listOf('a') : wrongKey))
  const asked = upstream.received.length
  assert.equal((await probeProvider(provider, { timeoutMs: 5000, network: pretending })).ok, true)
  assert.ok(
    upstream.received.slice(asked).every(({ method }) => method === 'GET'),
    'a list for this key alone is proof enough',
  )
})

test('what keeps the call from an answer is said with its fix', async (t) => {
  const closed = await refusedPort()
  t.after(() => closed.close())
  const plain = createServer((socket) =>
    socket.on('error', () => undefined).on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  )
  plain.listen(0, '127.0.0.1')
  await once(plain, 'listening')
  t.after(() => plain.close())
  const cases: [Provider, RegExp][] = [
    [providerAt(`${closed.origin}/v1`), /^Nothing listens at 127\.0\.0\.1:\d+\. Is the local server running\?/],
    [providerAt('http://nothing.invalid/v1'), /^The name nothing\.invalid does not resolve\. Check the host in base_url/],
    [
      providerAt(`https://127.0.0.1:${(plain.address() as AddressInfo).port}/v1`),
      /^TLS with 127\.0\.0\.1:\d+ failed: .*http:\/\/ or https:\/\//,
    ],
    [providerAt(`${upstream.origin}/v1`, { allowPrivateNetwork: false }), /private network\. Set allow_private_network to true/],
  ]
  for (const [provider, trouble] of cases) {
    const report = await probe(provider)
    assert.match(report.trouble!, trouble)
    assert.deepEqual([report.ok, report.credentials[0]?.status, report.credentials[0]?.trouble], [false, null, report.trouble])
  }
  upstream.enqueue({ before: [stall()] })
  assert.match((await probe(providerAt(`${upstream.origin}/v1`), 300)).trouble!, /did not answer within 0\.3 s/)
  upstream.enqueue({ before: [cut()] })
  assert.match((await probe(providerAt(`${upstream.origin}/v1`))).trouble!, /did not give a whole answer in HTTP/)
})

test('an address that does not answer is tried once, not with each key', async () => {
  upstream.enqueue({ before: [cut()] })
  const credentials = [1, 2, 3].map((n) => ({ name: `k${n}`, secret }))
  const report = await probe(providerAt(`${upstream.origin}/v1`, { credentials }))
  assert.equal(upstream.connections > 0 && upstream.received.length, 1)
  assert.equal(report.credentials.length, 3)
  assert.ok(report.credentials.every(({ ok, trouble }) => !ok && trouble === report.trouble))
})

test('a clock that is more than five minutes off is said, also where all keys work', async () => {
  const date = (offMinutes: number) => new Date(Date.now() + offMinutes * 60_000).toUTCString()
  upstream.enqueue(json(200, { data: [] }, { date: date(12) }))
  const report = await probe(providerAt(`${upstream.origin}/v1`))
  assert.equal(report.ok, true)
  assert.match(report.trouble!, /^The clock of this machine is 12 minutes behind the provider's/)
  const nowMs = Date.parse('2026-11-22T12:00:00Z')
  assert.match(clockTrouble('Sun, 22 Nov 2026 11:50:00 GMT', nowMs)!, /10 minutes ahead of/)
  for (const right of ['Sun, 22 Nov 2026 11:55:30 GMT', 'Sun, 22 Nov 2026 12:04:30 GMT', 'nonsense', undefined])
    assert.equal(clockTrouble(right, nowMs), undefined)
})

test('a provider that lacks its key says so without a call; the simulator answers at once', async () => {
  const report = await probe(providerAt(`${upstream.origin}/v1`, { credentials: [] }))
  assert.deepEqual([report.ok, report.models_found, upstream.received.length], [false, null, 0])
  assert.match(report.trouble!, /^There is no usable key/)
  const sim = await probe(providerAt('http://sim.invalid', { simulated: true, auth: 'none', credentials: [] }))
  assert.deepEqual([sim.ok, sim.models_found, sim.trouble], [true, models.length, null])
})

test('each wire lists its models where its vendor does, with the key where that wire wants it', async () => {
  const gemini = new Map<Wire, string>([
    ['gemini', '/v1beta/models/{model}:{generateContent|streamGenerateContent?alt=sse}'],
    ['openai-chat', '/v1beta/openai/chat/completions'],
  ])
  const wireAuth = new Map([['gemini', 'x-goog-api-key']] as const)
  upstream.route('/v1beta/models', json(200, { models: [{ name: 'models/gemini-2.5-flash' }] }))
  const only = new Map([...gemini].slice(0, 1))
  assert.deepEqual((await probe(providerAt(upstream.origin, { endpoints: only, wireAuth }))).model_ids, ['models/gemini-2.5-flash'])
  assert.equal(upstream.received[0]!.headers.get('x-goog-api-key'), secret)
  assert.equal(upstream.received[0]!.headers.get('authorization'), undefined)
  upstream.route('/v1beta/openai/models', listOf('a'))
  assert.deepEqual((await probe(providerAt(upstream.origin, { endpoints: gemini, wireAuth }))).model_ids, ['a'])
  upstream.route('/api/tags', json(200, { models: [{ name: 'qwen3:8b' }] }))
  assert.deepEqual((await probe(providerAt(upstream.origin, { endpoints: new Map([['ollama-chat', '/api/chat']]) }))).model_ids, [
    'qwen3:8b',
  ])
  upstream.route('/v1/models', json(200, { models: [{ name: 'command-a' }] }))
  assert.deepEqual((await probe(providerAt(upstream.origin, { endpoints: new Map([['cohere-chat', '/v2/chat']]) }))).model_ids, [
    'command-a',
  ])
})

test('Bedrock has no list: the cheapest model is asked for one token, and one that is not enabled says nothing against the account', async () => {
  const endpoints = new Map<Wire, string>([
    ['bedrock-converse', '/model/{model}/{converse|converse-stream}'],
    ['openai-chat', '/openai/v1/chat/completions'],
  ])
  const aws = providerAt(upstream.origin, { endpoints, wireModels: new Map([['openai-chat', () => false]]) })
  upstream.route('/model/cheap/converse', json(403, { message: "You don't have access to the model with the specified model ID." }))
  const report = await probe(aws)
  assert.deepEqual([report.ok, upstream.received.length], [true, 1])
  assert.match(report.trouble ?? '', /not enabled/)
  upstream.route('/model/cheap/converse', json(403, { message: 'The security token included in the request is invalid.' }))
  assert.equal((await probe(aws)).ok, false)
})

test('an account without a token is that account’s trouble, and not the address’', async () => {
  const account = {
    kind: 'entra',
    tenantId: 't',
    clientId: 'app-1',
    clientSecret: 'app-secret-0123',
    authority: upstream.origin,
    scope: 's',
  } as const
  upstream.route(
    '/t/oauth2/v2.0/token',
    json(401, { error: 'invalid_client', error_description: 'AADSTS7000222: expired app-secret-0123' }),
  )
  upstream.route('/v1/models', listOf('a'))
  const credentials = [
    { name: 'app', secret: '{}', account },
    { name: 'key', secret },
  ]
  const report = await probe(providerAt(`${upstream.origin}/v1`, { credentials }))
  assert.deepEqual(
    report.credentials.map(({ name, ok }) => [name, ok]),
    [
      ['app', false],
      ['key', true],
    ],
  )
  assert.match(report.trouble ?? '', /Microsoft Entra gave no token to the application app-1.*AADSTS7000222/)
  assert.ok(!JSON.stringify(report).includes('app-secret'))
})
