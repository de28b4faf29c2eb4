// Routing configs on a whole gateway: what is stored is what the next request follows, which keys may bring another, and what a dry run says.
// Every exchange with the admin API is held against the OpenAPI document that the gateway serves.
import assert from 'node:assert/strict'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { readSettings } from '#config'
import { startTurnpike } from '#main'
import { createControlStore } from '#store'
import { createCheckedAdmin, type CheckedAdmin } from '#test/openapi-check.ts'
import { chat as openAiChat } from '#test/scripts.ts'
import { adminToken, startTest, testKey, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

let one: ScriptedUpstream
let two: ScriptedUpstream
let turnpike: TestTurnpike
let admin: CheckedAdmin
const ask: CheckedAdmin['ask'] = (...asked) => admin.ask(...asked)

before(async () => {
  one = await createUpstream()
  two = await createUpstream()
  for (const upstream of [one, two]) upstream.route('/v1/chat/completions', openAiChat.json({ model: 'model-1' }))
  turnpike = await startTest(
    { one: { wire: 'openai-chat', origin: one.origin }, two: { wire: 'openai-chat', origin: two.origin } },
    { declared: { keys: [{ name: 'test', value: testKey }], configs: { 'of-file': { provider: '@two' } } } },
  )
  admin = await createCheckedAdmin(turnpike.url, adminToken)
})

after(async () => {
  await turnpike.end()
  await one.close()
  await two.close()
})

type Answer = {
  readonly status: number
  readonly route: string | null
  readonly provider: string | null
  readonly id: string
  readonly error?: { code: string; message: string }
}

async function chat(more: { key?: string; model?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
  const answer = await fetch(`${turnpike.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${more.key ?? testKey}`, 'content-type': 'application/json', ...more.headers },
    body: JSON.stringify({ model: more.model ?? 'model-1', messages: [{ role: 'user', content: 'hi' }] }),
  })
  const { error } = (await answer.json()) as { error?: Answer['error'] }
  const header = (name: string): string | null => answer.headers.get(`x-turnpike-${name}`)
  return {
    status: answer.status,
    route: header('route'),
    provider: header('provider'),
    id: header('request-id') ?? '',
    ...(error === undefined ? {} : { error }),
  }
}

async function newKey(more: object): Promise<{ id: string; key: string }> {
  const made = await ask('POST', '/keys', { name: `key ${crypto.randomUUID()}`, ...more })
  assert.equal(made.status, 201, made.text)
  return made.json as unknown as { id: string; key: string }
}

const toOne = { provider: '@one' }
const toTwo = { targets: [{ provider: '@two' }] }

test('the next request follows what was put, and a rollback is one call', async () => {
  assert.equal((await ask('PUT', '/configs/chat', { config: toOne, comment: 'first' })).status, 201)
  const key = await newKey({ config: 'chat' })
  assert.deepEqual([(await chat(key)).provider, (await chat(key)).route], ['one', 'config'])
  const second = await ask('PUT', '/configs/chat', { config: toTwo })
  assert.deepEqual([second.status, second.json['version'], second.json['keys']], [200, 2, [{ id: key.id, name: (await ask('GET', `/keys/${key.id}`)).json['name'] }]]) // prettier-ignore
  const answered = await chat(key)
  assert.deepEqual([answered.provider, answered.route], ['two', 'config.targets[0]'])
  const record = await turnpike.record(answered.id)
  assert.deepEqual(record['config'], { slug: 'chat', version: 2 })
  const back = await ask('POST', '/configs/chat/rollback', { version: 1 })
  assert.deepEqual([back.status, back.json['version'], back.json['config']], [200, 3, toOne])
  assert.equal((await chat(key)).provider, 'one')
  const versions = (await ask('GET', '/configs/chat/versions')).json
  assert.deepEqual(
    versions.data.map(({ version, config, comment, created_by: by }) => [version, config, comment, by]),
    [
      [3, toOne, 'rollback to version 1', 'admin'],
      [2, toTwo, null, 'admin'],
      [1, toOne, 'first', 'admin'],
    ],
  )
  const page = (await ask('GET', '/configs/chat/versions?limit=2')).json
  assert.deepEqual((await ask('GET', `/configs/chat/versions?limit=2&cursor=${page.next_cursor}`)).json.data.length, 1)
  assert.deepEqual((await ask('GET', '/configs')).json.data.map(({ slug, origin }) => [slug, origin]), [['chat', 'stored'], ['of-file', 'file']]) // prettier-ignore

  const refused = await ask('DELETE', '/configs/chat')
  assert.deepEqual([refused.status, refused.json.error.code], [409, 'conflict'])
  assert.match(refused.json.error.message, new RegExp(key.id))
  assert.equal((await ask('PATCH', `/keys/${key.id}`, { config: 'of-file' })).json['config'], 'of-file')
  assert.equal((await chat(key)).provider, 'two', 'the config of the file')
  assert.equal((await ask('DELETE', '/configs/chat')).status, 204)
  assert.equal((await ask('GET', '/configs/chat')).status, 404)
})

test('a config that is put is listed as a model at once, in its latest version, and one that is removed is not', async () => {
  const served = async (): Promise<readonly string[] | undefined> => {
    const list = await fetch(`${turnpike.url}/v1/models`, { headers: { authorization: `Bearer ${testKey}` } })
    return ((await list.json()) as { data: { id: string; providers: string[] }[] }).data.find(({ id }) => id === 'as-model')?.providers
  }
  assert.equal(await served(), undefined)
  await ask('PUT', '/configs/as-model', { config: { provider: '@one', model: 'model-1' } })
  assert.deepEqual(await served(), ['one'])
  await ask('PUT', '/configs/as-model', { config: { provider: '@two', model: 'model-1' } })
  assert.deepEqual(await served(), ['two'])
  await ask('DELETE', '/configs/as-model')
  assert.equal(await served(), undefined)
})

test('a request names a config or brings one, unless its key forbids it', async () => {
  await ask('PUT', '/configs/chat', { config: toTwo })
  const open = await newKey({})
  const bound = await newKey({ config: 'chat', allow_config_override: false })
  const inline = JSON.stringify(toOne)
  for (const name of ['x-turnpike-config', 'x-portkey-config']) {
    assert.equal((await chat({ ...open, headers: { [name]: 'chat' } })).provider, 'two', name)
    assert.equal((await chat({ ...open, headers: { [name]: inline } })).provider, 'one', name)
    for (const value of [inline, 'of-file']) {
      const refused = await chat({ ...bound, headers: { [name]: value } })
      assert.deepEqual([refused.status, refused.error?.code], [403, 'forbidden'], `${name}: ${value}`)
    }
  }
  assert.equal((await chat(bound)).provider, 'two', 'its own counts')
  assert.equal((await ask('PATCH', `/keys/${bound.id}`, { allow_config_override: true })).json['allow_config_override'], true)
  assert.equal((await chat({ ...bound, headers: { 'x-turnpike-config': inline } })).provider, 'one', 'from the next request on')
  const unknown = await chat({ ...open, headers: { 'x-turnpike-config': 'chta' } })
  assert.deepEqual([unknown.status, unknown.error?.code], [400, 'invalid_request'])
  // A virtual model.
  assert.equal((await chat({ ...open, model: 'chat' })).status, 404, 'a config that names no model cannot be one')
  await ask('PUT', '/configs/virtual', { config: { provider: '@two', override_params: { model: 'model-1' } } })
  assert.equal((await chat({ ...open, model: 'virtual' })).provider, 'two')
  for (const path of [`/keys/${bound.id}`, '/configs/chat', '/configs/virtual']) assert.equal((await ask('DELETE', path)).status, 204, path)
})

test('a dry run says what the request then does, and sends nothing', async () => {
  const config = {
    strategy: { mode: 'fallback' },
    targets: [{ provider: '@nobody' }, { provider: '@two' }, { provider: '@one', retry: { attempts: 2 } }],
  }
  const put = await ask('PUT', '/configs/chat', { config })
  assert.match((put.json['warnings'] as string[]).join(), /config\.targets\[0\]\.provider is "nobody"/)
  const received = () => one.received.length + two.received.length
  const before = received()
  const body = { model: 'model-1', messages: [{ role: 'user', content: 'hi' }] }
  type Run = {
    config: unknown
    model: string
    steps: { target: string; provider: string; exits: string[]; price: object; retry: unknown }[]
    skipped: { target: string; reason: string }[]
  }
  const run = async (asked: object): Promise<Run> => {
    const answer = await ask('POST', '/configs/dry-run', asked)
    assert.equal(answer.status, 200, answer.text)
    return answer.json as unknown as Run
  }
  const bySlug = await run({ slug: 'chat', request: { body } })
  assert.deepEqual([bySlug.config, bySlug.model], [{ slug: 'chat', version: put.json['version'] }, 'model-1'])
  assert.deepEqual(bySlug.steps.map(({ target, provider }) => [target, provider]), [['config.targets[1]', 'two'], ['config.targets[2]', 'one']]) // prettier-ignore
  assert.deepEqual(bySlug.skipped.map(({ target }) => target), ['config.targets[0]']) // prettier-ignore
  assert.deepEqual((bySlug.steps[1]!.retry as { attempts: number }).attempts, 2)
  assert.deepEqual((bySlug.steps[0]!.price as Record<string, string>)['input_per_million_usd'], '2')
  const inline = await run({ config, request: { body, endpoint: '/v1/chat/completions' } })
  assert.deepEqual([inline.config, inline.steps], [{ slug: null, version: null }, bySlug.steps])
  const key = await newKey({ config: 'chat' })
  assert.deepEqual((await run({ request: { body, key: key.id } })).steps, bySlug.steps, "the key's own config")
  const headers = { 'X-Turnpike-Config': JSON.stringify(toOne) }
  assert.deepEqual((await run({ request: { body, headers } })).steps.map(({ provider }) => provider), ['one']) // prettier-ignore
  assert.equal(received(), before, 'nothing was sent')

  const answered = await chat(key)
  assert.deepEqual([answered.route, answered.provider], ['config.targets[1]', 'two'])
  await turnpike.record(answered.id)
  assert.deepEqual((await run({ request_id: answered.id })).steps, bySlug.steps, 'the recorded request with its key')
  assert.deepEqual((await run({ config: toOne, request_id: answered.id })).steps.map(({ provider }) => provider), ['one']) // prettier-ignore
  for (const path of [`/keys/${key.id}`, '/configs/chat']) assert.equal((await ask('DELETE', path)).status, 204, path)
})

test('a dry run of a request that could not be made says why', async () => {
  const body = { model: 'model-1', messages: [{ role: 'user', content: 'hi' }] }
  const unstored = await chat({ headers: { 'x-turnpike-debug': 'false' } })
  await turnpike.record(unstored.id)
  for (const [asked, status, field, says] of [
    [{}, 400, undefined, /needs either `request`/],
    [{ request: {} }, 400, 'request.body', /is missing/],
    [{ request: { body: 'hi' } }, 400, 'request.body', /not an object/],
    [{ request: { body }, request_id: 'x' }, 400, undefined, /either `request`/],
    [{ slug: 'chat', config: {}, request: { body } }, 400, undefined, /both `config` and `slug`/],
    [{ slug: 'of-fil', request: { body } }, 404, undefined, /Did you mean of-file\?/],
    [{ config: { targets: [] }, request: { body } }, 400, 'config.targets', /is empty/],
    [{ config: 'of-file', request: { body } }, 400, 'config', /not an object/],
    [{ reqest: { body } }, 400, 'reqest', /Did you mean request\?/],
    [{ request: { body, key: 'nobody' } }, 400, 'request.key', /neither the id nor the name/],
    [{ request: { body: { messages: [] } } }, 400, undefined, /would be refused: The field "model" is missing/],
    [{ request: { body, endpoint: '/v1/nothing' } }, 400, undefined, /would be refused: There is no endpoint/],
    [{ request: { body: { ...body, model: 'nobody-serves-this' } } }, 400, undefined, /would be refused/],
    [{ config: { input_guardrails: ['x'], provider: '@one' }, request: { body } }, 400, undefined, /Guardrails are not available yet/],
    [{ request_id: 'req_none' }, 404, undefined, /There is no request 'req_none'/],
    [{ request_id: unstored.id }, 409, 'request_id', /is not stored/],
  ] as const) {
    const answer = await ask('POST', '/configs/dry-run', asked)
    assert.deepEqual([answer.status, answer.json.error?.field], [status, field], `${JSON.stringify(asked)}: ${answer.text}`)
    assert.match(answer.json.error.message, says)
  }
})

test("a config's own key is what its target gets, and is in no answer, record or dry run", async () => {
  const secret = 'sk-of-the-config-0123456789'
  const put = await ask('PUT', '/configs/own-key', { config: { targets: [{ provider: '@one', api_key: secret }, toTwo] } })
  assert.equal(put.status, 201)
  const key = await newKey({ config: 'own-key' })
  const { id, provider } = await chat(key)
  assert.equal(provider, 'one')
  assert.equal(one.received.at(-1)!.headers.get('authorization'), `Bearer ${secret}`)
  const run = await ask('POST', '/configs/dry-run', { request_id: id })
  const texts = [put.text, run.text, JSON.stringify(await turnpike.record(id))]
  for (const where of ['/configs', '/configs/own-key', '/configs/own-key/versions', '/audit']) texts.push((await ask('GET', where)).text)
  for (const text of texts) assert.equal(text.includes(secret), false, text)
  for (const where of [`/keys/${key.id}`, '/configs/own-key']) assert.equal((await ask('DELETE', where)).status, 204, where)
})

test('wrong configs are refused by the key at fault, whatever their size, and change nothing', async () => {
  const state = async () => [(await ask('GET', '/configs')).text, (await ask('GET', '/audit')).text]
  const before = await state()
  let nested: object = { provider: 'x' }
  for (let depth = 0; depth < 2000; depth++) nested = { targets: [nested] }
  for (const [config, field, status] of [
    [{ strategy: { mode: 'falback' } }, 'config.strategy.mode', 400],
    [{ targets: [{ provider: '@one', wieght: 1 }] }, 'config.targets[0].wieght', 400],
    [{ retry: { attempts: 'many' } }, 'config.retry.attempts', 400],
    [{ targets: Array.from({ length: 5000 }, () => toOne) }, 'config.targets[1000]', 400],
    [{ name: 'x'.repeat(1 << 20) }, undefined, 413],
    [{ name: 'x'.repeat(1_000_000) }, 'config.name', 400],
    [nested, undefined, 400],
  ] as const) {
    const answer = await ask('PUT', '/configs/wrong', { config })
    assert.equal(answer.status, status, answer.text.slice(0, 300))
    if (field !== undefined) assert.equal(answer.json.error.field, field)
    assert.ok(answer.text.length < 2000)
  }
  for (const [method, path, body, status] of [
    ['PUT', '/configs/of-file', { config: toOne }, 409],
    ['DELETE', '/configs/of-file', undefined, 409],
    ['POST', '/configs/of-file/rollback', { version: 1 }, 409],
    ['POST', '/configs/none/rollback', { version: 1 }, 404],
    ['GET', '/configs/none/versions', undefined, 404],
    ['DELETE', '/configs/none', undefined, 404],
    ['PUT', '/configs/NOT_A_SLUG', { config: toOne }, 400],
    ['PUT', '/configs/wrong', undefined, 400],
  ] as const) {
    const answer = await ask(method, path, body)
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`)
  }
  assert.deepEqual((await ask('GET', '/configs/of-file/versions')).json.data, [])
  assert.deepEqual(await state(), before)
})

test('a stored config that this version cannot read: the gateway starts, its requests are told why, all others are answered', async (t) => {
  const other = await startTest({ one: { wire: 'openai-chat', origin: one.origin } })
  t.after(() => other.end())
  // Another version of Turnpike writes beside it what this one cannot have written.
  const asAdmin = { kind: 'admin' } as const
  await other.control.configs.put('chat', { config: toOne }, asAdmin)
  const { key } = await other.control.keys.create({ name: 'bound', config: 'chat' }, asAdmin)
  await other.close(1000)
  const store = await createControlStore(path.join(other.homePath, 'control.db'))
  const document = { strategy: { mode: 'of-next-year' }, targets: [{}] }
  const config = { slug: 'chat', version: 2, document, sealed: null, comment: null, actor: 'admin', createdAtMs: 1 }
  await store.write([{ put: 'config', config }], { atMs: 1, actor: 'admin', action: 'config.put', target: 'chat', detail: {} })
  await store.close()
  const overrides = { home: other.homePath, config: path.join(other.homePath, 'turnpike.yaml'), port: '0', logLevel: 'silent', adminToken }
  const again = await startTurnpike({ settings: readSettings({ overrides, env: {} }), version: 'test' })
  t.after(() => again.close(1000))
  const asked = (headers: Record<string, string>) =>
    fetch(`${again.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: 'model-1', messages: [{ role: 'user', content: 'hi' }] }),
    })
  assert.equal((await asked({ authorization: `Bearer ${testKey}` })).status, 200)
  for (const headers of [{ authorization: `Bearer ${key}` }, { authorization: `Bearer ${testKey}`, 'x-turnpike-config': 'chat' }]) {
    const answer = await asked(headers)
    const { error } = (await answer.json()) as { error: { code: string; message: string } }
    assert.deepEqual([answer.status, error.code], [400, 'invalid_request'])
    assert.match(
      error.message,
      /"chat" is stored here and cannot be used, .* This version of Turnpike cannot read it: config\.strategy\.mode/,
    )
  }
  // One call puts it right, from the next request on.
  const mend = {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: '{"version":1}',
  }
  assert.equal((await fetch(`${again.url}/api/v1/configs/chat/rollback`, mend)).status, 200)
  assert.equal((await asked({ authorization: `Bearer ${key}` })).status, 200)
})

test('a put that is repeated with its Idempotency-Key is one version', async () => {
  const headers = { 'idempotency-key': 'one version' }
  const first = await ask('PUT', '/configs/once', { config: toOne }, headers)
  const again = await ask('PUT', '/configs/once', { config: toOne }, headers)
  assert.deepEqual([first.status, again.status, again.text], [201, 201, first.text])
  assert.equal((await ask('GET', '/configs/once')).json['version'], 1)
  assert.equal((await ask('DELETE', '/configs/once')).status, 204)
})
