// What is configured through the admin API, on a whole gateway: what each write does to the next request, and what every wrong input is told.
// Every exchange is held against the OpenAPI document that the gateway serves, and every operation of it is asked at least once.
import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { after, before, test } from 'node:test'
import { createCheckedAdmin, type CheckedAdmin, type CheckedAnswer } from '#test/openapi-check.ts'
import { chat as openAiChat } from '#test/scripts.ts'
import { adminToken, startTest, testKey, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

const secret = 'sk-e2e-0123456789-abcdefghij'
let upstream: ScriptedUpstream
let turnpike: TestTurnpike
let admin: CheckedAdmin
const ask: CheckedAdmin['ask'] = (...asked) => admin.ask(...asked)

before(async () => {
  upstream = await createUpstream()
  upstream.route('/v1/chat/completions', openAiChat.json({ model: 'model-1' }))
  upstream.route('/v1/models', {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: '{"object":"list","data":[{"id":"model-1"}]}',
  })
  turnpike = await startTest(
    { declared: { wire: 'openai-chat', origin: upstream.origin } },
    { declared: { keys: [{ name: 'test', value: testKey }], aliases: { 'from-file': 'declared/model-1' } } },
  )
  admin = await createCheckedAdmin(turnpike.url, adminToken)
})

after(async () => {
  await turnpike.end()
  await upstream.close()
})

function provider(more: object = {}): object {
  return {
    vendor: 'openai-compatible',
    base_url: `${upstream.origin}/v1`,
    allow_private_network: true,
    credentials: [{ name: 'main', value: secret }],
    models: { custom: [{ id: 'model-1', price: { input_per_million_usd: '2', output_per_million_usd: '10' } }] },
    ...more,
  }
}

async function chat(model: string, key = testKey): Promise<{ status: number; code: string | undefined; id: string }> {
  const answer = await fetch(`${turnpike.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }),
  })
  const body = (await answer.json()) as { error?: { code: string } }
  return { status: answer.status, code: body.error?.code, id: answer.headers.get('x-turnpike-request-id') ?? '' }
}

async function cleared(...paths: readonly string[]): Promise<void> {
  for (const path of paths) assert.equal((await ask('DELETE', path)).status, 204, path)
}

test('the document describes every operation', () => {
  assert.deepEqual(admin.check.troubles(), [])
})

test('a provider that was put serves the next request, and one that was removed does not', async () => {
  assert.equal((await chat('own/model-1')).code, 'model_not_found')
  const made = await ask('PUT', '/providers/own', provider())
  assert.equal(made.status, 201)
  assert.doesNotMatch(made.text, new RegExp(secret))
  assert.deepEqual(made.json['credentials'], [{ name: 'main', source: 'value', last4: secret.slice(-4) }])
  assert.equal((await chat('own/model-1')).status, 200)
  assert.equal(upstream.received.at(-1)!.headers.get('authorization'), `Bearer ${secret}`)
  const replaced = await ask('PUT', '/providers/own', provider({ credentials: [{ name: 'main' }], priority: 7 }))
  assert.equal(replaced.status, 200)
  assert.equal(replaced.json['priority'], 7)
  assert.equal((await chat('own/model-1')).status, 200)
  assert.equal(upstream.received.at(-1)!.headers.get('authorization'), `Bearer ${secret}`, 'the stored secret stays')
  assert.equal(withoutHealth((await ask('GET', '/providers/own')).text), withoutHealth(replaced.text))
  assert.deepEqual(
    (await ask('GET', '/providers')).json.data.map(({ slug }) => slug),
    ['declared', 'own'],
  )
  await cleared('/providers/own')
  assert.equal((await chat('own/model-1')).code, 'model_not_found')
})

test('a provider can be tested: latency and models, or what is wrong', async () => {
  await ask('PUT', '/providers/own', provider())
  const good = await ask('POST', '/providers/own/test')
  assert.deepEqual([good.status, good.json['ok'], good.json['models_found'], good.json['trouble']], [200, true, 1, null])
  upstream.enqueue(openAiChat.error(401, 'Incorrect API key provided'))
  const bad = await ask('POST', '/providers/own/test')
  assert.deepEqual([bad.status, bad.json['ok']], [200, false])
  assert.doesNotMatch(bad.text, new RegExp(secret))
  assert.equal((await ask('POST', '/providers/none/test')).status, 404)
  await cleared('/providers/own')
})

test('a key is shown once, opens the gateway at once, is changed, rotated and revoked at once', async () => {
  const made = await ask('POST', '/keys', { name: 'laptop', user: 'ada', metadata: { team: 'a' } })
  assert.equal(made.status, 201)
  const { id, key: plain } = made.json as unknown as { id: string; key: string }
  assert.equal((await chat('declared/model-1', plain)).status, 200)
  const shown = await ask('GET', `/keys/${id}`)
  assert.equal('key' in shown.json, false)
  assert.doesNotMatch((await ask('GET', '/keys')).text, new RegExp(plain))

  assert.equal((await ask('PATCH', `/keys/${id}`, { models: ['other/*'] })).status, 200)
  assert.equal((await chat('declared/model-1', plain)).code, 'model_not_allowed')
  assert.equal((await ask('PATCH', `/keys/${id}`, { models: null, metadata: null })).json['models'], undefined)
  assert.equal((await chat('declared/model-1', plain)).status, 200)

  const rotated = await ask('POST', `/keys/${id}/rotate`)
  const next = rotated.json['key'] as string
  assert.notEqual(next, plain)
  assert.deepEqual([(await chat('declared/model-1', plain)).status, (await chat('declared/model-1', next)).status], [200, 200])
  assert.equal((rotated.json['previous'] as unknown[]).length, 1)
  const last = (await ask('POST', `/keys/${id}/rotate`, { overlap_seconds: 0 })).json['key'] as string
  assert.equal((await chat('declared/model-1', next)).status, 401)
  assert.equal((await chat('declared/model-1', last)).status, 200)

  await cleared(`/keys/${id}`)
  assert.equal((await chat('declared/model-1', last)).code, 'key_revoked')
  assert.equal((await ask('GET', `/keys/${id}`)).json['state'], 'revoked')
})

test('an alias stands for a model from the next request on', async () => {
  assert.equal((await ask('PUT', '/aliases/fast', { model: 'declared/model-1' })).status, 201)
  const { status, id } = await chat('fast')
  assert.equal(status, 200)
  assert.deepEqual((await turnpike.record(id))['model'], { asked: 'fast', served: 'model-1' })
  assert.equal((await ask('PUT', '/aliases/fast', { model: 'declared/model-1' })).status, 200)
  const slashed = `/aliases/${encodeURIComponent('team/fast')}`
  assert.equal((await ask('PUT', slashed, { model: 'declared/model-1' })).json['name'], 'team/fast')
  assert.equal((await ask('GET', slashed)).json['origin'], 'stored')
  assert.deepEqual(
    (await ask('GET', '/aliases')).json.data.map(({ name }) => name),
    ['fast', 'from-file', 'team/fast'],
  )
  await cleared('/aliases/fast', slashed)
  assert.equal((await chat('fast')).code, 'model_not_found')
})

test('a routing config is stored, listed, taken back, tried and removed', async () => {
  assert.equal((await ask('PUT', '/configs/chat', { config: { provider: '@declared' } })).status, 201)
  assert.equal((await ask('PUT', '/configs/chat', { config: { provider: '@own' }, comment: 'why' })).status, 200)
  assert.equal((await ask('POST', '/configs/chat/rollback', { version: 1 })).json['version'], 3)
  assert.deepEqual((await ask('GET', '/configs/chat')).json['config'], { provider: '@declared' })
  for (const path of ['/configs', '/configs/chat/versions?limit=2']) assert.equal((await ask('GET', path)).status, 200, path)
  const body = { model: 'model-1', messages: [{ role: 'user', content: 'hi' }] }
  for (const trial of ['dry-run', 'drill'])
    assert.equal((await ask('POST', `/configs/${trial}`, { slug: 'chat', request: { body } })).status, 200, trial)
  await cleared('/configs/chat')
})

test('users and teams have limits of their own, and stay while a key belongs to them', async () => {
  const team = (await ask('POST', '/teams', { name: 'core', budgets: [{ amount_usd: '50', period: 'month' }] })).json['id'] as string
  const user = await ask('POST', '/users', { name: 'ada', team, rate_limits: [{ concurrent: 2 }], prepaid: false })
  assert.equal(user.status, 201)
  const id = user.json['id'] as string
  assert.deepEqual((await ask('GET', `/users/${id}`)).json, user.json)
  const budgets = [{ amount_usd: '5', period: { days: 7 }, soft: true, models: ['gpt-*'], alert_at: [0.5] }]
  assert.deepEqual((await ask('PATCH', `/users/${id}`, { budgets })).json['budgets'], budgets)
  assert.equal((await ask('PATCH', `/teams/${team}`, { name: 'kernel' })).json['name'], 'kernel')
  assert.equal((await ask('GET', `/teams/${team}`)).status, 200)
  for (const list of ['/users', '/teams']) assert.equal((await ask('GET', list)).json.data.length, 1)
  const key = await ask('POST', '/keys', { name: 'of-ada', user: id, team, budgets, rate_limits: [{ requests: 60, per: 'minute' }] })
  assert.deepEqual([key.json['user'], key.json['team'], key.json['budgets']], [id, team, budgets])
  // Keys first: who empties the wallet of somebody whose keys are in use has them refused.
  await ask('POST', `/accounts/${id}/credits`, { amount_usd: '1' })
  const kept = await ask('DELETE', `/users/${id}`)
  assert.deepEqual([kept.status, kept.json.error.code], [409, 'conflict'])
  assert.match(kept.json.error.message, /"of-ada"/)
  await ask('POST', `/accounts/${id}/adjustments`, { amount_usd: '-1', note: 'back' })
  await cleared(`/keys/${String(key.json['id'])}`, `/users/${id}`, `/teams/${team}`)
})

test('a wallet is credited, adjusted, stated and checked, and a request is refunded to who paid for it', async () => {
  const user = (await ask('POST', '/users', { name: 'grace' })).json['id'] as string
  assert.equal((await ask('POST', `/accounts/${user}/credits`, { amount_usd: '2.5', pot: 'promo' })).status, 201)
  assert.equal((await ask('POST', `/accounts/${user}/adjustments`, { amount_usd: '-0.5', pot: 'promo', note: 'twice' })).status, 201)
  assert.equal((await ask('GET', `/accounts/${user}`)).json['balance_usd'], '2')
  const statement = await ask('GET', `/accounts/${user}/statement`)
  assert.deepEqual(
    statement.json.data.map((line) => line['balance_usd']),
    ['2.5', '2'],
  )
  const { id } = await chat('declared/model-1')
  const refund = await ask('POST', '/accounts/wallet%3Ainstance/refunds', { request_id: id })
  assert.equal(refund.status, 201, refund.text)
  assert.equal((await ask('POST', `/accounts/${user}/refunds`, { request_id: id })).json.error.field, 'request_id')
  assert.equal((await ask('GET', '/ledger?kind=refund')).json.data.length, 1)
  assert.ok((await ask('GET', '/accounts')).json.data.some((account) => account['id'] === `wallet:${user}`))
  assert.deepEqual((await ask('GET', '/ledger/check')).json['violations'], [])
  const kept = await ask('DELETE', `/users/${user}`)
  assert.deepEqual([kept.status, kept.json.error.code], [409, 'conflict'])
  assert.equal((await ask('POST', `/accounts/${user}/adjustments`, { amount_usd: '-2', pot: 'promo', note: 'left' })).status, 201)
  await cleared(`/users/${user}`)
})

test('alerts go to a webhook that is tried out first', async () => {
  upstream.route('/hooks/alerts', { status: 200, headers: {}, body: '' })
  const alerts = { webhook_url: `${upstream.origin}/hooks/alerts`, webhook_secret: secret, allow_private_network: true }
  const budgets = [{ amount_usd: '100', period: 'day', metadata: { project: 'demo' } }]
  const changed = await ask('PATCH', '/settings', { alerts, budgets, time_zone: 'Europe/Berlin' })
  assert.equal(changed.status, 200, changed.text)
  assert.ok(!changed.text.includes(secret))
  assert.equal((await ask('POST', '/alerts/test')).json['ok'], true)
  assert.equal((await ask('PATCH', '/settings', { alerts: null, budgets: null, time_zone: null })).status, 200)
  assert.equal((await ask('POST', '/alerts/test')).status, 409)
})

test('a price counts from the next request on, also for an id with slashes, and is forgotten', async () => {
  const costOf = async (model: string): Promise<unknown> => (await turnpike.record((await chat(model)).id))['cost_usd']
  const before = await costOf('declared/model-1')
  assert.equal(
    (await ask('PUT', '/models/declared/org%2Fmodel-2/price', { price: { input_per_million_usd: '1000', output_per_million_usd: '0' } }))
      .status,
    200,
  )
  assert.equal(await costOf('declared/org/model-2'), '0.012', '12 tokens in at 1000 USD a million')
  const listed = (await ask('GET', '/models?provider=declared&q=model-2')).json.data
  await cleared('/models/declared/org%2Fmodel-2/price')
  assert.equal(await costOf('declared/org/model-2'), null, 'unpriced, not free')
  assert.equal(await costOf('declared/model-1'), before)
  assert.ok(listed.every(({ price_source }) => price_source === 'override'))
  assert.equal((await ask('DELETE', '/models/declared/org%2Fmodel-2/price')).status, 404)
})

test('models page by cursor, each once, and are found by provider and text', async () => {
  const custom = Array.from({ length: 23 }, (_, index) => ({ id: `org/m-${index}` }))
  await ask('PUT', '/providers/own', provider({ models: { custom } }))
  const seen: unknown[] = []
  let cursor: string | null = ''
  do {
    const page: CheckedAnswer = await ask(
      'GET',
      `/models?provider=own&limit=7${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
    )
    seen.push(...page.json.data.map(({ id }) => id))
    cursor = page.json.next_cursor
  } while (cursor !== null)
  assert.deepEqual(new Set(seen), new Set(custom.map(({ id }) => id)))
  assert.equal(seen.length, custom.length)
  assert.deepEqual(
    (await ask('GET', '/models?q=M-22')).json.data.map(({ id }) => id),
    ['org/m-22'],
  )
  assert.equal((await ask('GET', '/models?provider=none')).status, 404)
  await cleared('/providers/own')
})

test('settings say what decides them, and change while it runs where they may', async () => {
  const named = async (name: string) => (await ask('GET', '/settings')).json.data.find((one) => one['name'] === name)!
  const before = await named('retention_days')
  assert.deepEqual([before['value'], before['origin'], before['writable']], [30, 'default', true])
  assert.equal((await ask('PATCH', '/settings', { retention_days: 7 })).status, 200)
  assert.deepEqual([(await named('retention_days'))['value'], (await named('retention_days'))['origin']], [7, 'stored'])
  assert.equal((await ask('PATCH', '/settings', { retention_days: null })).status, 200)
  assert.deepEqual(await named('retention_days'), before)
  assert.doesNotMatch((await ask('GET', '/settings')).text, new RegExp(adminToken))
})

test('every write is in the audit log, newest first, without secrets', async () => {
  await ask('PUT', '/providers/own', provider())
  await ask('PUT', '/aliases/fast', { model: 'own/model-1' })
  await cleared('/aliases/fast', '/providers/own')
  const first = await ask('GET', '/audit?limit=3')
  const rest = await ask('GET', `/audit?limit=1&cursor=${encodeURIComponent(first.json.next_cursor!)}`)
  const entries = [...first.json.data, ...rest.json.data]
  assert.deepEqual(
    entries.map(({ actor, action, target }) => [actor, action, target]),
    [
      ['admin', 'provider.delete', 'own'],
      ['admin', 'alias.delete', 'fast'],
      ['admin', 'alias.put', 'fast'],
      ['admin', 'provider.put', 'own'],
    ],
  )
  assert.doesNotMatch(JSON.stringify(entries), new RegExp(secret))
})

test('a write that is repeated with its Idempotency-Key is done once', async () => {
  const headers = { 'idempotency-key': 'make a key' }
  const first = await ask('POST', '/keys', { name: 'once' }, headers)
  const second = await ask('POST', '/keys', { name: 'once' }, headers)
  assert.deepEqual([second.status, second.text], [201, first.text])
  assert.equal(second.headers.get('idempotent-replayed'), 'true')
  assert.equal((await ask('GET', '/keys')).json.data.filter(({ name }) => name === 'once').length, 1)
  const other = await ask('POST', '/keys', { name: 'another' }, headers)
  assert.deepEqual([other.status, other.json.error.code], [409, 'conflict'])
  const failed = { 'idempotency-key': 'fails at first' }
  assert.equal((await ask('PUT', '/aliases/late', { model: 'own/model-1' }, failed)).status, 400)
  await ask('PUT', '/providers/own', provider())
  assert.equal((await ask('PUT', '/aliases/late', { model: 'own/model-1' }, failed)).status, 201, 'a refusal is not kept')
  await cleared(`/keys/${String(first.json['id'])}`, '/aliases/late', '/providers/own')
})

test('of twenty equal writes at once, one makes it', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask('POST', '/keys', { name: 'race' })))
  assert.equal(answers.filter(({ status }) => status === 201).length, 1)
  assert.equal(answers.filter(({ status }) => status === 409).length, 19)
  const same = await Promise.all(Array.from({ length: 20 }, () => ask('POST', '/keys', { name: 'race 2' }, { 'idempotency-key': 'race' })))
  assert.deepEqual(new Set(same.map(({ text }) => text)).size, 1)
  for (const [made] of [answers.filter(({ status }) => status === 201), same]) await cleared(`/keys/${String(made!.json['id'])}`)
})

test('what turnpike.yaml declares is read-only here, and says so', async () => {
  const { id } = (await ask('GET', '/keys')).json.data.find(({ origin }) => origin === 'file') as { id: string }
  const writes: [method: string, path: string, body?: object][] = [
    ['PUT', '/providers/declared', provider()],
    ['DELETE', '/providers/declared'],
    ['PATCH', `/keys/${id}`, { name: 'x' }],
    ['POST', `/keys/${id}/rotate`],
    ['DELETE', `/keys/${id}`],
    ['PUT', '/aliases/from-file', { model: 'declared/model-1' }],
    ['DELETE', '/aliases/from-file'],
    ['PUT', '/models/declared/model-1/price', { price: 'free' }],
    ['DELETE', '/models/declared/model-1/price'],
  ]
  for (const [method, path, body] of writes) {
    const answer = await ask(method, path, body)
    assert.deepEqual([answer.status, answer.json.error?.code], [409, 'read_only'], `${method} ${path}: ${answer.text}`)
    assert.match(answer.json.error.message, /turnpike\.yaml/)
  }
})

test('a vendor is listed with what a provider of it needs', async () => {
  const { data } = (await ask('GET', '/vendors')).json
  assert.ok(data.length >= 70)
  const anthropic = data.find(({ id }) => id === 'anthropic')!
  assert.deepEqual([anthropic['base_url'], anthropic['key_variables']], ['https://api.anthropic.com', ['ANTHROPIC_API_KEY']])
})

test('what happened can be asked, from the list to the live stream', async () => {
  const { id } = await chat('declared/model-1')
  for (const path of [
    '/requests?limit=1',
    `/requests/${id}`,
    `/requests/${id}/payload?part=request`,
    '/requests/histogram',
    '/requests/facets',
  ])
    assert.equal((await ask('GET', path)).status, 200, path)
  const head = await new Promise<{ status: number; type: string | undefined }>((resolve, reject) => {
    const sent = httpRequest(`${turnpike.url}/api/v1/requests/stream`, { headers: { authorization: `Bearer ${adminToken}` } }, (answer) => {
      resolve({ status: answer.statusCode!, type: answer.headers['content-type'] })
      answer.destroy()
    })
    sent.on('error', reject).end()
  })
  admin.check.exchanged({
    method: 'GET',
    address: '/api/v1/requests/stream',
    status: head.status,
    contentType: head.type ?? null,
    body: '',
  })
})

type Wrong = readonly [body: object, field: string | undefined, message?: RegExp, status?: number]
const long = (length: number): string => 'a'.repeat(length)
const rates = { input_per_million_usd: '1', output_per_million_usd: '2' }
const custom = (model: object): object => ({ models: { custom: [{ id: 'm', ...model }] } })

const wrongProviders: readonly Wrong[] = [
  [{ venodr: 'openai' }, 'venodr', /Did you mean.*vendor/],
  [{ budgets: [{ period: 'day' }] }, 'budgets[0]', /neither/],
  [{ rate_limits: [{ requests: 5 }] }, 'rate_limits[0]', /per/],
  [{ weight: 1 }, 'weight', /not known/],
  [{ vendor: 1 }, 'vendor'],
  [{ vendor: 'opnai' }, 'vendor', /Did you mean.*openai/],
  [{ base_url: 5 }, 'base_url'],
  [{ base_url: '' }, 'base_url'],
  [{ base_url: 'api.example.com/v1' }, 'base_url', /http/],
  [{ base_url: 'ftp://example.com' }, 'base_url', /http/],
  [{ base_url: 'https://example.com/v1?x=1' }, 'base_url'],
  [{ base_url: 'https://user:pass@example.com/v1' }, 'base_url'],
  [{ base_url: `https://example.com/${long(100_000)}` }, 'base_url'],
  ...['http://127.0.0.1:9/v1', 'http://localhost:9/v1', 'http://10.1.2.3/v1', 'http://[::1]/v1', 'http://[fd00::1]/v1', 'http://169.254.169.254/v1',
    'http://2130706433/v1', 'http://0x7f.1/v1', 'http://192.168.0.1./v1', 'http://[::ffff:10.0.0.1]/v1'].map(
    (base_url): Wrong => [{ base_url, allow_private_network: false }, 'base_url', /private|loopback/],
  ), // prettier-ignore
  [{ allow_private_network: 'yes' }, 'allow_private_network'],
  [{ credentials: 'sk-x' }, 'credentials', /list|array/],
  [{ credentials: ['sk-x'] }, 'credentials[0]'],
  [{ credentials: [{ valeu: 'sk-x' }] }, 'credentials[0].valeu', /Did you mean.*value/],
  [{ credentials: [{ value: '' }] }, 'credentials[0].value'],
  [{ credentials: [{ value: 'sk x' }] }, 'credentials[0].value', /white space/],
  [{ credentials: [{ value: 1 }] }, 'credentials[0].value'],
  [{ credentials: [{ value: long(100_000) }] }, 'credentials[0].value'],
  [{ credentials: [{ value: 'sk-x', env: 'X' }] }, 'credentials[0]', /both/],
  [{ credentials: [{ env: '1X' }] }, 'credentials[0].env'],
  [{ credentials: [{ name: 'never stored' }] }, 'credentials[0]'],
  [{ credentials: [{ name: '', value: 'sk-x' }] }, 'credentials[0].name'],
  [{ credentials: [{ name: long(129), value: 'sk-x' }] }, 'credentials[0].name', /128/],
  [
    {
      credentials: [
        { name: 'a', value: 'sk-x' },
        { name: 'a', value: 'sk-y' },
      ],
    },
    'credentials[1].name',
    /twice/,
  ],
  [{ credentials: [{ value: adminToken }] }, 'credentials[0].value', /admin token/],
  [{ credentials: [{ value: testKey }] }, 'credentials[0].value', /gateway key/],
  [{ wires: [] }, 'wires'],
  [{ wires: 'openai-chat' }, 'wires'],
  [{ wires: ['openai'] }, 'wires[0]'],
  [{ wires: ['openai-chat', 'openai-chat'] }, 'wires', /twice/],
  [{ wires: { 'openai-chat': 'chat' } }, 'wires.openai-chat', /path/],
  [{ headers: ['a'] }, 'headers'],
  [{ headers: { a: 1 } }, 'headers.a'],
  [{ headers: { 'a b': 'x' } }, 'headers.a b', /header name/],
  [{ headers: { a: 'ü' } }, 'headers.a'],
  [{ headers: { a: 'x\r\ny: z' } }, 'headers.a'],
  [{ headers: { 'Content-Length': '5' } }, 'headers.Content-Length'],
  [{ headers: { 'x-a': '1', 'X-A': '2' } }, 'headers', /twice/],
  [{ models: { alow: ['*'] } }, 'models.alow', /Did you mean.*allow/],
  [{ models: { allow: '*' } }, 'models.allow'],
  [{ models: { deny: [1] } }, 'models.deny[0]'],
  [{ models: { custom: [{}] } }, 'models.custom[0].id', /missing/],
  [{ models: { custom: [{ id: 'm' }, { id: 'm' }] } }, 'models.custom[1].id', /twice/],
  [custom({ context_window: 0 }), 'models.custom[0].context_window'],
  [custom({ context_window: 1.5 }), 'models.custom[0].context_window'],
  [custom({ max_output_tokens: '8k' }), 'models.custom[0].max_output_tokens'],
  [custom({ capabilities: 'tools' }), 'models.custom[0].capabilities'],
  [custom({ price: 'cheap' }), 'models.custom[0].price', /free/],
  [custom({ price: { ...rates, input_per_million_usd: '-1' } }), 'models.custom[0].price.input_per_million_usd'],
  [custom({ price: { ...rates, output_per_million_usd: '1,5' } }), 'models.custom[0].price.output_per_million_usd'],
  [custom({ price: { input_per_million_usd: '1' } }), 'models.custom[0].price.output_per_million_usd', /missing/],
  [custom({ price: { ...rates, inptu: '1' } }), 'models.custom[0].price.inptu'],
  [custom({ price: { input_per_million_usd: '0', output_per_million_usd: '0' } }), 'models.custom[0].price', /free/],
  [{ priority: -1 }, 'priority'],
  [{ priority: 1.5 }, 'priority'],
  [{ priority: '1' }, 'priority'],
  [{ priority: 1e9 }, 'priority'],
  [{ price_multiplier: 'double' }, 'price_multiplier'],
  [{ price_multiplier: '-1' }, 'price_multiplier'],
  [{ timeouts: { connect: 1 } }, 'timeouts.connect', /connect_ms/],
  [{ timeouts: { connect_ms: 0 } }, 'timeouts.connect_ms'],
  [{ timeouts: { request_timeout: 86_400_001 } }, 'timeouts.request_timeout'],
  [{ dialect: { max_tokens_field: 'tokens' } }, 'dialect.max_tokens_field'],
  [{ dialect: { developer_rol: true } }, 'dialect.developer_rol', /developer_role/],
]

const wrongKeys: readonly Wrong[] = [
  [{}, 'name', /missing/],
  [{ name: '' }, 'name'],
  [{ name: 5 }, 'name'],
  [{ name: long(129) }, 'name', /128/],
  [{ nmae: 'x' }, 'nmae', /Did you mean.*name/],
  [{ name: 'x', budgets: [{ amount_usd: '-1', period: 'day' }] }, 'budgets[0].amount_usd', /at least 0/],
  [{ name: 'x', team: 'nobody' }, 'team', /no team/],
  [{ name: 'x', key: 'tp-own' }, 'key', /not known/],
  [{ name: 'x', type: 'admin' }, 'type', /user/],
  [{ name: 'x', type: 'service', user: 'ada' }, undefined, /service key/],
  [{ name: 'x', user: '' }, 'user'],
  [{ name: 'x', metadata: 'team' }, 'metadata'],
  [{ name: 'x', metadata: { team: 1 } }, 'metadata.team'],
  [{ name: 'x', metadata: { team: long(129) } }, 'metadata.team', /128/],
  [{ name: 'x', models: '*' }, 'models'],
  [{ name: 'x', models: [''] }, 'models[0]'],
  [{ name: 'x', client: 'curl' }, 'client', /openclaw/],
  [{ name: 'x', stream_usage: 'never' }, 'stream_usage', /always/],
  [{ name: 'x', expires_at: 'tomorrow' }, 'expires_at'],
  [{ name: 'x', expires_at: 1_800_000_000 }, 'expires_at'],
  [{ name: 'x', expires_at: '2020-01-01T00:00:00Z' }, 'expires_at', /past/],
  [{ name: 'test' }, 'name', /already/, 409],
  [{ name: 'x', config: 'nobody' }, 'config', /no such routing config/],
  [{ name: 'x', config: 1 }, 'config'],
  [{ name: 'x', allow_config_override: 'false' }, 'allow_config_override'],
  [{ name: 'x', allow_config_overide: false }, 'allow_config_overide', /Did you mean.*allow_config_override/],
  [{ name: 'x', loop_guard: true }, 'loop_guard'],
  [{ name: 'x', loop_guard: { mode: 'on' } }, 'loop_guard.mode', /enforce/],
  [{ name: 'x', loop_guard: { mode: 'enforce', window_seconds: 0 } }, 'loop_guard.window_seconds'],
]

const wrongConfigs: readonly Wrong[] = [
  [{}, 'config', /missing/],
  [{ config: 'fast' }, 'config'],
  [{ config: {}, comment: 1 }, 'comment'],
  [{ config: {}, version: 1 }, 'version', /not known/],
  [{ targets: [] }, 'config', /the body is/],
  [{ config: { targets: 'all' } }, 'config.targets', /list/],
  [{ config: { targets: [{ provder: '@x' }] } }, 'config.targets[0].provder', /Did you mean provider/],
  [{ config: { retry: { attempts: '3' } } }, 'config.retry.attempts'],
]

const wrongPrices: readonly Wrong[] = [
  [{}, 'price', /missing/],
  [{ price: 'cheap' }, 'price', /free/],
  [{ price: 0 }, 'price'],
  [{ prise: 'free' }, 'prise', /Did you mean.*price/],
  [{ price: 'free', until: 'monday' }, 'until', /not known/],
  [{ price: { ...rates, input_per_million_usd: 'x' } }, 'price.input_per_million_usd'],
  [{ price: { ...rates, extra: '1' } }, 'price.extra'],
]

const wrongAliases: readonly Wrong[] = [
  [{}, 'model', /missing/],
  [{ model: '' }, 'model'],
  [{ model: 1 }, 'model'],
  [{ model: long(10_000) }, 'model'],
  [{ model: 'declared/model-1', weight: 1 }, 'weight', /not known/],
  [{ model: 'nobody/serves-this' }, 'model'],
  [{ model: 'from-file' }, 'model'],
]

const wrongSettings: readonly Wrong[] = [
  [{ loging: 'off' }, 'loging', /Did you mean.*logging/],
  [{ logging: 'some' }, 'logging', /metadata/],
  [{ logging: true }, 'logging'],
  [{ retention_days: -1 }, 'retention_days'],
  [{ retention_days: 'many' }, 'retention_days'],
  [{ log_max_bytes: 'much' }, 'log_max_bytes'],
  [{ sim: 'yes' }, 'sim'],
  [{ port: 1 }, 'port', /start/, 409],
]

/** Everything that writes could have changed. */
async function state(): Promise<string> {
  const lists = await Promise.all(
    ['/providers', '/keys', '/aliases', '/configs', '/models?limit=1000', '/settings', '/audit'].map((path) => ask('GET', path)),
  )
  return lists.map(({ text }) => withoutHealth(text)).join('\n')
}

/** How providers are doing has times that pass. */
function withoutHealth(text: string): string {
  return JSON.stringify(JSON.parse(text, (name, value: unknown) => (name === 'health' ? undefined : value)))
}

for (const [what, method, path, table, base] of [
  ['a provider', 'PUT', '/providers/wrong', wrongProviders, 'provider'],
  ['a key', 'POST', '/keys', wrongKeys, undefined],
  ['a price', 'PUT', '/models/declared/m/price', wrongPrices, undefined],
  ['an alias', 'PUT', '/aliases/wrong', wrongAliases, undefined],
  ['a routing config', 'PUT', '/configs/wrong', wrongConfigs, undefined],
  ['the settings', 'PATCH', '/settings', wrongSettings, undefined],
] as const) {
  test(`${what} with a wrong field is refused by its name, and changes nothing`, async () => {
    const before = await state()
    const failures: string[] = []
    for (const [body, field, message = /./, status = 400] of table) {
      const answer = await ask(method, path, base === undefined ? body : provider(body))
      const { error } = answer.json
      const fits = answer.status === status && error.field === field && message.test(error.message)
      const says = field === undefined || error?.message.includes(field.replace(/^.*[.\]]/, ''))
      if (!fits || !says)
        failures.push(
          `${JSON.stringify(body).slice(0, 120)} (${field ?? '-'}, ${message.source}): ${answer.status} ${answer.text.slice(0, 300)}`,
        )
    }
    assert.deepEqual(failures, [])
    assert.equal(await state(), before)
  })
}

test('odd slugs are refused, names with the rule; sim belongs to the simulator', async () => {
  for (const slug of ['UPPER', '-a', 'a b', 'a/b', 'é', long(64), '%00', 'a\nb', '@x', '__proto__']) {
    const answer = await ask('PUT', `/providers/${encodeURIComponent(slug)}`, provider())
    assert.deepEqual([answer.status, answer.json.error.code, answer.json.error.field], [400, 'invalid_request', 'slug'], slug)
  }
  assert.equal((await ask('PUT', '/providers/sim', provider())).status, 409)
  for (const slug of ['constructor', 'a.b_c-1', long(63)]) {
    assert.equal((await ask('PUT', `/providers/${slug}`, provider())).status, 201, slug)
    await cleared(`/providers/${slug}`)
  }
})

test('what is not there is a 404 that says so, with the nearest name', async () => {
  for (const [method, path, body] of [
    ['GET', '/providers/declare', undefined],
    ['DELETE', '/providers/declare', undefined],
    ['GET', '/keys/key_none', undefined],
    ['PATCH', '/keys/key_none', { name: 'x' }],
    ['POST', '/keys/key_none/rotate', undefined],
    ['DELETE', '/keys/key_none', undefined],
    ['GET', '/aliases/from-fil', undefined],
    ['DELETE', '/aliases/from-fil', undefined],
    ['PUT', '/models/declare/m/price', { price: 'free' }],
    ['GET', '/aliases/__proto__', undefined],
    ['GET', '/keys/constructor', undefined],
  ] as const) {
    const answer = await ask(method, path, body)
    assert.deepEqual([answer.status, answer.json.error.code], [404, 'not_found'], `${method} ${path}: ${answer.text}`)
  }
  assert.match((await ask('GET', '/providers/declare')).json.error.message, /Did you mean.*declared/)
  assert.match((await ask('GET', '/aliases/from-fil')).json.error.message, /Did you mean.*from-file/)
})

test('a wrong rotation or change of a key is refused', async () => {
  const { id } = (await ask('POST', '/keys', { name: 'rotating', user: 'ada' })).json as unknown as { id: string }
  for (const [method, path, body, field] of [
    ['POST', `/keys/${id}/rotate`, { overlap_seconds: -1 }, 'overlap_seconds'],
    ['POST', `/keys/${id}/rotate`, { overlap_seconds: 1.5 }, 'overlap_seconds'],
    ['POST', `/keys/${id}/rotate`, { overlap_seconds: '60' }, 'overlap_seconds'],
    ['POST', `/keys/${id}/rotate`, { overlap: 60 }, 'overlap'],
    ['PATCH', `/keys/${id}`, { key: 'tp-mine' }, 'key'],
    ['PATCH', `/keys/${id}`, { name: null }, 'name'],
    ['PATCH', `/keys/${id}`, { type: 'service' }, 'type'],
    ['PATCH', `/keys/${id}`, { state: 'active' }, 'state'],
  ] as const) {
    const answer = await ask(method, path, body)
    assert.deepEqual([answer.status, answer.json.error.field], [400, field], answer.text)
  }
  await cleared(`/keys/${id}`)
  assert.equal((await ask('POST', `/keys/${id}/rotate`)).status, 409, 'revoked is for good')
  assert.equal((await ask('PATCH', `/keys/${id}`, { name: 'again' })).status, 409)
})

test('a wrong parameter of any list is refused by its name', async () => {
  for (const list of [
    '/providers',
    '/keys',
    '/users',
    '/teams',
    '/aliases',
    '/configs',
    '/models',
    '/settings',
    '/vendors',
    '/audit',
    '/accounts',
    '/ledger',
  ]) {
    for (const [query, field] of [
      ['limit=0', 'limit'],
      ['limit=many', 'limit'],
      ['limit=1&limit=2', 'limit'],
      ['cursor=zzz', 'cursor'],
      ['limt=1', 'limt'],
    ] as const) {
      const answer = await ask('GET', `${list}?${query}`)
      assert.deepEqual([answer.status, answer.json.error?.field], [400, field], `${list}?${query}: ${answer.text}`)
    }
  }
})

test('every operation of the document has been asked with success', () => {
  assert.deepEqual(admin.check.unexercised(), [])
})
