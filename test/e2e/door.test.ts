// The door: paths, keys and headers, each mistake with a clear error in the client's wire and a record.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { JsonObject } from '#kernel'
import { faults, wireScripts, type ScriptedWire } from '#test/scripts.ts'
import { adminToken, startTest, testKey, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike

before(async () => {
  upstream = await createUpstream()
  turnpike = await startTest({
    chat: { wire: 'openai-chat', origin: upstream.origin },
    claude: { wire: 'anthropic-messages', origin: upstream.origin },
  })
})

beforeEach(() => {
  upstream.clear()
  for (const script of Object.values(wireScripts)) upstream.route(script.path, script.json())
})

after(async () => {
  await turnpike.end()
  await upstream.close()
})

const wireNames: readonly ScriptedWire[] = ['openai-chat', 'anthropic-messages']
const body = { model: 'chat/model-1', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] }
const text = JSON.stringify(body)

function errorOf(answer: string): JsonObject {
  return (JSON.parse(answer) as { error: JsonObject }).error
}

// Paths.

for (const [method, path, status, code, says] of [
  ['POST', '/chat/completions', 404, 'unknown_url', /Did you mean \/v1\/chat\/completions\?/],
  ['POST', '/messages', 404, 'unknown_url', /Did you mean \/v1\/messages\?/],
  ['POST', '/responses', 404, 'unknown_url', /Did you mean \/v1\/responses\? The client's base URL must end with "\/v1"/],
  ['POST', '/models/a/b:streamGenerateContent', 404, 'unknown_url', /Did you mean \/v1beta\/models\/a\/b:str.* must end with "\/v1beta"/],
  ['POST', '/v1/v1/chat/completions', 404, 'unknown_url', /Did you mean \/v1\/chat\/completions\?/],
  ['POST', '/v1/v1/messages', 404, 'unknown_url', /Did you mean \/v1\/messages\?/],
  ['POST', '/v1/chat/completions/', 404, 'unknown_url', /Did you mean \/v1\/chat\/completions\?/],
  ['POST', '/v1//chat/completions', 404, 'unknown_url', /Did you mean \/v1\/chat\/completions\?/],
  ['POST', '/v1/chat/completion', 404, 'unknown_url', /Did you mean \/v1\/chat\/completions\?/],
  ['GET', '/v1/modles', 404, 'unknown_url', /Did you mean \/v1\/models\?/],
  ['GET', '/v1/models/', 404, 'unknown_url', /Did you mean \/v1\/models\?/],
  ['POST', `/${'x'.repeat(5000)}`, 404, 'unknown_url', /There is no POST/],
  ['GET', '/v1/chat/completions', 405, 'method_not_allowed', /takes POST/],
  ['PUT', '/v1/messages', 405, 'method_not_allowed', /takes POST/],
  ['OPTIONS', '/v1/chat/completions', 405, 'method_not_allowed', /takes POST/],
  ['DELETE', '/v1/models/model-1', 405, 'method_not_allowed', /takes GET/],
  ['POST', '/v1/models', 405, 'method_not_allowed', /takes GET/],
] as const) {
  test(`${method} ${path.slice(0, 40)} is a ${status} that says what to ask instead`, async () => {
    const init = { method, headers: { authorization: `Bearer ${testKey}` }, ...(method === 'POST' ? { body: text } : {}) }
    const response = await fetch(turnpike.url + path, init)
    const document = (await response.json()) as { type?: string; error: JsonObject }
    assert.equal(response.status, status)
    assert.equal(document.error['code'], code)
    assert.match(String(document.error['message']), says)
    assert.equal(document.type, path.includes('/messages') ? 'error' : undefined)
    if (status === 405) assert.equal(response.headers.get('allow'), path.includes('models') ? 'GET, HEAD' : 'POST')
    const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
    assert.equal(record['outcome'], 'client_error')
    assert.equal(record['endpoint'], path.slice(0, 256))
  })
}

test('HEAD is GET without a body', async () => {
  for (const path of ['/healthz', '/readyz', '/v1/models']) {
    const response = await fetch(turnpike.url + path, { method: 'HEAD', headers: { authorization: `Bearer ${testKey}` } })
    assert.equal(response.status, 200)
    assert.ok(Number(response.headers.get('content-length')) > 0)
    assert.equal(await response.text(), '')
  }
})

test('a query after the path changes nothing', async () => {
  assert.equal((await turnpike.post('/v1/chat/completions?beta=true&x=%', body)).status, 200)
})

// Keys.

for (const wire of wireNames) {
  for (const [name, headers, says] of [
    ['is missing', {}, /No API key was sent/],
    ['is wrong', { authorization: 'Bearer tp-0123456789abcdefghij' }, /does not know/],
    ['is wrong in x-api-key', { 'x-api-key': 'tp-0123456789abcdefghij' }, /x-api-key header holds a key/],
    ['is empty', { authorization: 'Bearer ' }, /is empty/],
    ['has white space inside', { authorization: `Bearer ${testKey.slice(0, 9)} ${testKey.slice(9)}` }, /white space inside/],
    ['has quotes around it', { authorization: `Bearer "${testKey}"` }, /quotes around the key.*would be accepted/],
    ['stands without Bearer', { authorization: testKey }, /without the word Bearer/],
    ['is a placeholder', { authorization: 'Bearer ${TURNPIKE_KEY}' }, /placeholder/],
    ['is a provider key', { authorization: 'Bearer sk-proj-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGH' }, /provider's own key/],
    ['is the admin token', { authorization: `Bearer ${adminToken}` }, /admin token/],
    ['is far too long', { 'x-api-key': 'k'.repeat(10_000) }, /10000 characters/],
  ] as const) {
    test(`${wire}: a key that ${name} is a 401 that says so, and is never repeated`, async () => {
      const response = await fetch(turnpike.url + wireScripts[wire].path, { method: 'POST', body: text, headers })
      const said = await response.text()
      assert.equal(response.status, 401, said)
      const error = errorOf(said)
      assert.equal(error['code'], 'invalid_api_key')
      assert.equal(error['type'], wire === 'anthropic-messages' ? 'authentication_error' : 'invalid_request_error')
      assert.match(String(error['message']), says)
      for (const sent of Object.values(headers)) assert.ok(!said.includes(sent.replace('Bearer ', '') || 'nothing'))
      const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
      assert.equal(record['outcome'], 'denied')
      assert.ok(!JSON.stringify(record).includes(testKey.slice(9)))
      assert.equal(upstream.received.length, 0)
    })
  }
}

test('white space around a key, which HTTP strips, does no harm; any of the headers and ?key= will do', async () => {
  for (const headers of [
    { authorization: `Bearer ${testKey}  ` },
    { authorization: `bearer ${testKey}` },
    { 'x-api-key': testKey },
    { 'x-goog-api-key': testKey },
    { 'x-turnpike-api-key': testKey, authorization: 'Bearer sk-of-my-own' },
    { 'x-portkey-api-key': testKey },
  ]) {
    assert.equal((await fetch(`${turnpike.url}/v1/chat/completions`, { method: 'POST', body: text, headers: { ...headers } })).status, 200)
  }
  assert.equal((await fetch(`${turnpike.url}/v1/chat/completions?key=${testKey}`, { method: 'POST', body: text })).status, 200)
  for (const { headers } of upstream.received) assert.equal(JSON.stringify(headers).includes(testKey), false)
})

// Headers.

for (const [name, headers, param] of [
  ['metadata that is no JSON', { 'x-turnpike-metadata': 'team=blue' }, 'x-turnpike-metadata'],
  ['metadata that is an array', { 'x-turnpike-metadata': '["blue"]' }, 'x-turnpike-metadata'],
  ['metadata with a number', { 'x-turnpike-metadata': '{"team":7}' }, 'x-turnpike-metadata'],
  ['metadata that is too long', { 'x-portkey-metadata': `{"team":"${'x'.repeat(129)}"}` }, 'x-turnpike-metadata'],
  ['a timeout that is no number', { 'x-turnpike-request-timeout': 'abc' }, 'x-turnpike-request-timeout'],
  ['a timeout of nothing', { 'x-turnpike-request-timeout': '0' }, 'x-turnpike-request-timeout'],
  ['a timeout before now', { 'x-portkey-request-timeout': '-5' }, 'x-turnpike-request-timeout'],
  ['a config that is no JSON', { 'x-turnpike-config': '{"retry":{"attempts":3}' }, 'x-turnpike-config'],
  ['a config that nobody knows', { 'x-portkey-config': 'pc-unknown' }, 'x-turnpike-config'],
  ['a config with a key that is none', { 'x-turnpike-config': '{"retrie":{"attempts":3}}' }, 'config.retrie'],
] as const) {
  test(`a header with ${name} is a 400 that names it`, async () => {
    for (const wire of wireNames) {
      const response = await turnpike.post(wireScripts[wire].path, body, { headers })
      const error = errorOf(await response.text())
      assert.equal(response.status, 400)
      assert.equal(error['code'], 'invalid_request')
      assert.equal(error['param'], param)
      assert.equal((await turnpike.record(response.headers.get('x-turnpike-request-id')!))['outcome'], 'client_error')
      assert.equal(upstream.received.length, 0)
    }
  })
}

test('good headers are kept: metadata, trace and session', async () => {
  const headers = { 'x-turnpike-metadata': '{"team":"blue"}', 'x-turnpike-trace-id': 'trace-7', 'x-turnpike-session-id': 'session-7' }
  const response = await turnpike.post('/v1/chat/completions', body, { headers })
  assert.equal(response.headers.get('x-turnpike-trace-id'), 'trace-7')
  const { metadata, trace, session } = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
  assert.deepEqual({ metadata, trace, session }, { metadata: { team: 'blue' }, trace: 'trace-7', session: 'session-7' })
})

test('x-turnpike-strict refuses what would be lost, names it, and asks nobody', async () => {
  const strict = { headers: { 'x-turnpike-strict': 'true' } }
  const lossy = { ...body, model: 'claude/model-1', seed: 7 }
  const response = await turnpike.post('/v1/chat/completions', lossy, strict)
  const error = errorOf(await response.text())
  assert.equal(response.status, 400)
  assert.equal(error['code'], 'unsupported_feature')
  assert.equal(error['param'], 'seed')
  assert.equal(upstream.received.length, 0)
  assert.equal((await turnpike.record(response.headers.get('x-turnpike-request-id')!))['outcome'], 'client_error')
  // Without it the loss is a note, and where nothing is lost there is nothing to refuse.
  const loose = await turnpike.post('/v1/chat/completions', lossy)
  assert.equal(loose.status, 200)
  const { notes } = (await turnpike.record(loose.headers.get('x-turnpike-request-id')!)) as { notes: JsonObject[] }
  assert.deepEqual(
    notes.map(({ code, path }) => [code, path]),
    [['dropped', 'seed']],
  )
  assert.equal((await turnpike.post('/v1/chat/completions', { ...body, seed: 7 }, strict)).status, 200)
  assert.equal((await turnpike.post('/v1/chat/completions', { ...body, model: 'claude/model-1' }, strict)).status, 200)
})

test('x-turnpike-debug: false stores no bodies', async () => {
  for (const [debug, stored] of [
    ['true', true],
    ['false', false],
  ] as const) {
    const response = await turnpike.post('/v1/chat/completions', body, { headers: { 'x-turnpike-debug': debug } })
    const id = response.headers.get('x-turnpike-request-id')!
    await response.text()
    const record = await turnpike.record(id)
    assert.deepEqual(record['payloads'], { request: stored, response: stored })
    assert.equal((record['tokens'] as JsonObject)['input'], 12)
    if (stored) assert.equal((await turnpike.payload(id, 'request')).toString(), text)
    else await assert.rejects(turnpike.payload(id, 'request'), /not stored/)
  }
})

test('x-turnpike-request-timeout ends what takes longer', async () => {
  for (const stream of [false, true]) {
    upstream.enqueue(faults.silent())
    const started = performance.now()
    const response = await turnpike.post('/v1/chat/completions', { ...body, stream }, { headers: { 'x-turnpike-request-timeout': '150' } })
    assert.ok(performance.now() - started < 1500)
    const error = errorOf(await response.text())
    assert.equal(response.status, 408)
    assert.equal(error['code'], 'timeout')
    assert.match(String(error['message']), /total time/)
    const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
    assert.deepEqual(record['error'], { code: 'timeout', class: 'total_timeout' })
    await upstream.received.at(-1)!.aborted
  }
})
