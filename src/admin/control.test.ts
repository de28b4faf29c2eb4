// How writes and reads of what is configured become HTTP: statuses, bodies that are not read, repeated writes, calls from this process.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { Refusal, type Actor, type AliasView, type Control, type RefusalKind } from '#control'
import { createCheckedAdmin, type CheckedAdmin } from '#test/openapi-check.ts'
import { createAdmin, type Admin } from './admin.ts'
import type { QueryPort } from './port.ts'

const adminToken = 'admin-token-of-at-least-32-characters'
const aliases = new Map<string, AliasView>()
const actors: Actor[] = []
const answers = new Map<string, { request: string; value: object }>()
let refuse: Refusal | undefined

/** Only what these tests ask; the real one is tested end to end. */
const control = {
  providers: { get: (slug: string) => (slug === 'openai' ? {} : missing(`There is no provider '${slug}'.`)) },
  keys: {},
  configs: {},
  models: {
    async putPrice(provider: string, model: string, body: unknown) {
      return { provider, model, price: (body as { price: 'free' }).price, updated_at: '2026-11-21T12:00:00.000Z' }
    },
  },
  aliases: {
    list: () => [...aliases.values()],
    get: (name: string) => aliases.get(name) ?? missing(`There is no alias '${name}'.`),
    async put(name: string, body: unknown, actor: Actor) {
      if (refuse !== undefined) throw refuse
      actors.push(actor)
      const alias: AliasView = { name, model: (body as { model: string }).model, origin: 'stored', updated_at: null }
      const created = !aliases.has(name)
      aliases.set(name, alias)
      return { alias, created }
    },
    async remove(name: string, actor: Actor) {
      if (!aliases.delete(name)) missing(`There is no alias '${name}'.`)
      actors.push(actor)
    },
  },
  async once(key: string, request: string, act: () => Promise<object>) {
    const known = answers.get(key)
    if (known !== undefined && known.request !== request)
      throw new Refusal('conflict', 'That Idempotency-Key was used for another request.')
    if (known !== undefined) return { value: known.value, replayed: true }
    const value = await act()
    answers.set(key, { request, value })
    return { value, replayed: false }
  },
} as unknown as Control

function missing(message: string): never {
  throw new Refusal('not_found', message)
}

const server = createServer((request, response) => admin.handle(request, response))
let admin: Admin
let ask: CheckedAdmin['ask']
let check: CheckedAdmin['check']

before(async () => {
  admin = await createAdmin({
    query: {} as QueryPort,
    control,
    testProvider: async () => ({ ok: true, ms: 1, credentials: [], models_found: 3, model_ids: ['a', 'b', 'c'], trouble: null }),
    adminToken,
    dryRun: () => assert.fail('not asked here'),
    drill: () => assert.fail('not asked here'),
    isGatewayKey: () => false,
    allowedHosts: [],
    version: '1.2.3',
    log: { error: (details) => assert.fail(JSON.stringify(details)) },
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  ;({ ask, check } = await createCheckedAdmin(origin, adminToken))
})

after(async () => {
  server.close()
  server.closeAllConnections()
  await admin.close()
})

test('the document has a name, a summary, its parameters and its failures for every operation', () => {
  assert.deepEqual(check.troubles(), [])
})

test('a PUT answers 201 when it made something and 200 when it replaced it; a DELETE 204 without a body', async () => {
  assert.equal((await ask('PUT', '/aliases/fast', { model: 'a' })).status, 201)
  assert.equal((await ask('PUT', '/aliases/fast', { model: 'b' })).status, 200)
  assert.deepEqual((await ask('GET', '/aliases/fast')).json, { name: 'fast', model: 'b', origin: 'stored', updated_at: null })
  assert.equal((await ask('DELETE', '/aliases/fast')).status, 204)
  assert.equal((await ask('GET', '/aliases/fast')).status, 404)
  assert.equal((await ask('DELETE', '/aliases/fast')).json.error.code, 'not_found')
  assert.equal((await ask('PUT', '/aliases/fast', { model: 'a' }, { authorization: 'Bearer wrong' })).status, 401)
})

test('every kind of refusal has its status, its code and its field', async () => {
  const statuses: Record<RefusalKind, number> = { invalid_request: 400, not_found: 404, read_only: 409, conflict: 409, unavailable: 503 }
  for (const [kind, status] of Object.entries(statuses)) {
    refuse = new Refusal(kind as RefusalKind, 'Because.', 'credentials[0].value')
    const answer = await ask('PUT', '/aliases/x', { model: 'a' })
    assert.equal(answer.status, status)
    assert.deepEqual(answer.json.error, { code: kind, message: 'Because.', field: 'credentials[0].value' })
  }
  refuse = undefined
})

test('names with slashes, spaces and letters of any alphabet are one part of the path, percent-encoded', async () => {
  for (const name of ['anthropic/claude-sonnet-4-5', 'a b', '100%', 'ünï/cödé', 'a?b#c', '\u{1f600}'.repeat(100)]) {
    assert.equal((await ask('PUT', `/aliases/${encodeURIComponent(name)}`, { model: 'a' })).status, 201, name)
    assert.ok(aliases.delete(name), name)
    const priced = await ask('PUT', `/models/openrouter/${encodeURIComponent(name)}/price`, { price: 'free' })
    assert.equal(priced.json['model'], name)
  }
  const unescaped = await ask('PUT', '/models/openrouter/anthropic/claude-sonnet-4-5/price', { price: 'free' })
  assert.equal(unescaped.status, 404)
  assert.match(unescaped.json.error.message, /%2F/)
})

test('a body that is not JSON, not sent as JSON, empty or unwanted is refused before anything is done', async () => {
  const before = aliases.size
  const cases: [method: string, body: string | undefined, type: string | undefined, status: number, message: RegExp][] = [
    ['PUT', '{"model":', 'application/json', 400, /not complete JSON/],
    ['PUT', '[1]', 'application/json', 400, /must be a JSON object/],
    ['PUT', '{"model":"a","model":"b"}', 'application/json; charset=utf-8', 400, /more than once/],
    ['PUT', undefined, undefined, 400, /The body is empty/],
    ['PUT', '', 'application/json', 400, /The body is empty/],
    ['PUT', '{"model":"a"}', 'text/plain', 415, /content-type: application\/json/],
    ['PUT', 'model=a', 'application/x-www-form-urlencoded', 415, /content-type: application\/json/],
    ['PUT', '{"model":"a"}', 'json', 415, /content-type: application\/json/],
    ['DELETE', '{"model":"a"}', 'application/json', 400, /takes no body/],
    ['PUT', JSON.stringify({ model: 'a'.repeat(1 << 20) }), 'application/json', 413, /more than 1 MiB/],
  ]
  for (const [method, body, type, status, message] of cases) {
    const answer = await ask(method, '/aliases/x', body, type === undefined ? {} : { 'content-type': type })
    assert.equal(answer.status, status, String(message))
    assert.match(answer.json.error.message, message)
  }
  const zipped = await ask('PUT', '/aliases/x', '{"model":"a"}', { 'content-encoding': 'gzip' })
  assert.equal(zipped.status, 415)
  assert.equal((await ask('PUT', '/aliases/x?force=true', { model: 'a' })).json.error.field, 'force')
  assert.equal(aliases.size, before)
})

test('a DELETE with the header of a body and none is a DELETE', async () => {
  await ask('PUT', '/aliases/gone', { model: 'a' })
  assert.equal((await ask('DELETE', '/aliases/gone', undefined, { 'content-type': 'application/json' })).status, 204)
})

test('a write that is repeated with its Idempotency-Key is done once, and answered as at first', async () => {
  const headers = { 'idempotency-key': 'again 1' }
  const first = await ask('PUT', '/aliases/once', { model: 'a' }, headers)
  const done = actors.length
  const second = await ask('PUT', '/aliases/once', { model: 'a' }, headers)
  assert.deepEqual([second.status, second.text], [201, first.text])
  assert.equal(first.headers.get('idempotent-replayed'), null)
  assert.equal(second.headers.get('idempotent-replayed'), 'true')
  assert.equal(actors.length, done)
  for (const [method, where, body] of [
    ['PUT', '/aliases/once', { model: 'b' }],
    ['PUT', '/aliases/other', { model: 'a' }],
    ['DELETE', '/aliases/once', undefined],
  ] as const) {
    assert.equal((await ask(method, where, body, headers)).json.error.code, 'conflict')
  }
  const removed = await ask('DELETE', '/aliases/once', undefined, { 'idempotency-key': 'again 2' })
  const removedAgain = await ask('DELETE', '/aliases/once', undefined, { 'idempotency-key': 'again 2' })
  assert.deepEqual([removed.status, removedAgain.status, removedAgain.text], [204, 204, ''])
})

test('an Idempotency-Key that is empty, too long or not printable is refused', async () => {
  for (const key of ['', 'a'.repeat(256), 'a\tb', 'ä']) {
    const answer = await ask('PUT', '/aliases/x', { model: 'a' }, { 'idempotency-key': key })
    assert.equal(answer.json.error.field, 'Idempotency-Key', JSON.stringify(key))
  }
  assert.equal((await ask('PUT', '/aliases/x', { model: 'a' }, { 'idempotency-key': 'a'.repeat(255) })).status, 201)
})

test('a test of a provider is answered as it came out, and one of an unknown provider is a 404', async () => {
  assert.equal((await ask('POST', '/providers/openai/test')).json['models_found'], 3)
  assert.equal((await ask('POST', '/providers/openia/test')).status, 404)
})

test('this process asks without a socket and a token, and is written down as the command line', async () => {
  const answer = await admin.inject('/api/v1/aliases/local', {
    method: 'PUT',
    body: '{"model":"a"}',
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(answer.status, 201)
  assert.equal(((await answer.json()) as AliasView).name, 'local')
  assert.deepEqual(actors.at(-1), { kind: 'cli' })
  const removed = await admin.inject('/api/v1/aliases/local', { method: 'DELETE' })
  assert.deepEqual([removed.status, removed.body], [204, null])
  const refused = await admin.inject('/api/v1/aliases/local')
  assert.equal(refused.status, 404)
  await ask('PUT', '/aliases/remote', { model: 'a' })
  assert.deepEqual(actors.at(-1), { kind: 'admin' })
})
