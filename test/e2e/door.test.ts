// The door over raw sockets: paths, keys, headers, uploads of every kind and clients that read slowly.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { Wire } from '#ir'
import type { JsonObject } from '#kernel'
import { connectRaw, type RawAnswer } from '#test/raw-client.ts'
import { faults, wireScripts } from '#test/scripts.ts'
import { adminToken, startTest, testKey, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, write, type ScriptedUpstream, type Step } from '#test/upstream.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike

before(async () => {
  upstream = await createUpstream()
  turnpike = await startTest({
    chat: { wire: 'openai-chat', origin: upstream.origin },
    claude: { wire: 'anthropic-messages', origin: upstream.origin },
    hasty: { wire: 'openai-chat', origin: upstream.origin, more: { timeouts: { idle_ms: 300 } } },
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

const wireNames: readonly Wire[] = ['openai-chat', 'anthropic-messages']
const body = { model: 'chat/model-1', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] }
const text = JSON.stringify(body)

/** A request as its bytes. */
function rawRequest(headers: readonly string[], content = '', line = 'POST /v1/chat/completions HTTP/1.1'): string {
  return [line, 'host: localhost', `authorization: Bearer ${testKey}`, ...headers, '', content].join('\r\n')
}

function errorOf(answer: RawAnswer | string): JsonObject {
  return (JSON.parse(typeof answer === 'string' ? answer : answer.body) as { error: JsonObject }).error
}

// Paths.

for (const [method, path, status, code, says] of [
  ['POST', '/chat/completions', 404, 'unknown_url', /Did you mean \/v1\/chat\/completions\?/],
  ['POST', '/messages', 404, 'unknown_url', /Did you mean \/v1\/messages\?/],
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
  ['a config', { 'x-turnpike-config': '{"retry":{"attempts":3}}' }, 'x-turnpike-config'],
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

// Uploads.

test('a gzipped request is a 415 that says what to do', async () => {
  const response = await turnpike.post('/v1/messages', gzipSync(text), { headers: { 'content-encoding': 'gzip' } })
  const error = errorOf(await response.text())
  assert.equal(response.status, 415)
  assert.equal(error['code'], 'unsupported_media_type')
  assert.match(String(error['message']), /"gzip"/)
  assert.equal((await turnpike.record(response.headers.get('x-turnpike-request-id')!))['outcome'], 'client_error')
})

test('a chunked upload of single bytes arrives', async () => {
  const client = await connectRaw(turnpike.port)
  const chunks = [...Buffer.from(text)].map((byte) => `1\r\n${String.fromCharCode(byte)}\r\n`).join('')
  await client.send(rawRequest(['transfer-encoding: chunked', 'content-type: application/json'], `${chunks}0\r\n\r\n`))
  assert.equal((await client.answer()).status, 200)
  assert.equal(upstream.received[0]!.body.toString(), text.replace('chat/', ''))
  client.socket.destroy()
})

test('pipelined requests are answered in their order', async () => {
  upstream.route('/v1/chat/completions', (request) => wireScripts['openai-chat'].json({ text: [String(request.json()['user'])] }))
  const client = await connectRaw(turnpike.port)
  const asked = ['one', 'two', 'three'].map((name) => JSON.stringify({ ...body, user: name }))
  await client.send(asked.map((content) => rawRequest([`content-length: ${content.length}`], content)).join(''))
  for (const name of ['one', 'two', 'three']) {
    const { choices } = (await client.answer()).json() as { choices: { message: { content: string } }[] }
    assert.equal(choices[0]!.message.content, name)
  }
  client.socket.destroy()
})

test('a client that waits for 100 Continue gets it', async () => {
  const client = await connectRaw(turnpike.port)
  await client.send(rawRequest([`content-length: ${text.length}`, 'expect: 100-continue']))
  assert.equal((await client.answer()).status, 100)
  await client.send(text)
  assert.equal((await client.answer()).status, 200)
  client.socket.destroy()
})

test('a client that leaves in the middle of its upload leaves nothing behind', async () => {
  const client = await connectRaw(turnpike.port)
  await client.send(rawRequest(['content-length: 1000'], text))
  client.socket.resetAndDestroy()
  await client.closed
  assert.equal((await turnpike.post('/v1/chat/completions', body)).status, 200)
  assert.equal(upstream.received.length, 1)
})

const mb = 1 << 20

function bodyOf(bytes: number): string {
  const frame = JSON.stringify({ ...body, messages: [{ role: 'user', content: '' }] })
  return frame.replace('"content":""', `"content":"${'x'.repeat(bytes - frame.length)}"`)
}

test('a body of 60 MB arrives byte for byte', async () => {
  const large = bodyOf(60 * mb)
  for (const [client, model] of [
    ['openai-chat', 'chat/model-1'],
    ['anthropic-messages', 'chat/model-1'],
  ] as const) {
    const response = await turnpike.post(wireScripts[client].path, large.replace('chat/model-1', model))
    assert.equal(response.status, 200, await response.text())
  }
  assert.equal(upstream.received[0]!.body.length, 60 * mb - 'chat/'.length)
})

for (const [name, headers, content] of [
  ['says that it has 70 MB', () => [`content-length: ${70 * mb}`], () => bodyOf(70 * mb)],
  ['grows to 70 MB', () => ['transfer-encoding: chunked'], () => `${(70 * mb).toString(16)}\r\n${bodyOf(70 * mb)}\r\n0\r\n\r\n`],
] as const) {
  for (const wire of wireNames) {
    test(`${wire}: a body that ${name} is a 413, and the connection closes`, async () => {
      const client = await connectRaw(turnpike.port)
      const { path } = wireScripts[wire]
      const sent = client.send(rawRequest(headers(), content(), `POST ${path} HTTP/1.1`))
      const answer = await client.answer()
      assert.equal(answer.status, 413)
      const error = errorOf(answer)
      assert.equal(error['code'], 'request_too_large')
      assert.match(String(error['message']), /at most 64 MB/)
      assert.equal(answer.headers.get('connection'), 'close')
      await client.closed
      await sent
      const record = await turnpike.record(answer.headers.get('x-turnpike-request-id')!)
      assert.equal(record['outcome'], 'client_error')
      assert.equal(upstream.received.length, 0)
    })
  }
}

test('the clients that people use can read the 413 as well', async () => {
  const response = await turnpike.post('/v1/chat/completions', bodyOf(70 * mb))
  assert.equal(response.status, 413)
  assert.equal(errorOf(await response.text())['code'], 'request_too_large')
})

// Bytes that are not a request.

test('headers that are too large are a 431 in JSON', async () => {
  for (const bomb of [[`x-bomb: ${'x'.repeat(40_000)}`], Array.from({ length: 4000 }, (_, i) => `x-bomb-${i}: x`)]) {
    const client = await connectRaw(turnpike.port)
    await client.send(rawRequest(bomb))
    const answer = await client.answer()
    assert.equal(answer.status, 431)
    assert.equal(errorOf(answer)['code'], 'headers_too_large')
    assert.match(String(errorOf(answer)['message']), /32 KB/)
    await client.closed
  }
})

test('bytes that are not HTTP are a 400 in JSON, and the connection closes', async () => {
  const tlsHello = Buffer.from('160301020001000001fc0303', 'hex')
  for (const bytes of [
    'hello\r\n\r\n',
    'GET\r\n\r\n',
    'POST /v1/chat/completions HTTP/9.9\r\n\r\n',
    tlsHello,
    'SSH-2.0-OpenSSH_9.9\r\n',
    '\u0000\u0001\u0002',
  ]) {
    const client = await connectRaw(turnpike.port)
    await client.send(bytes)
    const answer = await client.answer()
    assert.equal(answer.status, 400)
    assert.equal(errorOf(answer)['code'], 'invalid_request')
    await client.closed
  }
})

test('two lengths, or a length and chunks, are refused: nothing can be smuggled', async () => {
  for (const headers of [
    [`content-length: ${text.length}`, 'content-length: 5'],
    [`content-length: ${text.length}`, 'transfer-encoding: chunked'],
    ['content-length: -1'],
    ['transfer-encoding: gzip, x'],
  ]) {
    const client = await connectRaw(turnpike.port)
    await client.send(rawRequest(headers, text))
    assert.equal((await client.answer()).status, 400)
    await client.closed
  }
  assert.equal(upstream.received.length, 0)
})

// Slow readers.

test('a client that does not read pauses the provider, is not blamed on it, and gets everything in the end', async () => {
  const events = 2000
  const chunk = { id: 'c', object: 'chat.completion.chunk', model: 'm', choices: [{ index: 0, delta: { content: 'words '.repeat(5000) } }] }
  const event = write(`data: ${JSON.stringify(chunk)}\n\n`) as Extract<Step, { kind: 'write' }>
  const [first, ...rest] = wireScripts['openai-chat'].frames().map(write)
  let played = 0
  const counted: Step = {
    kind: 'wait',
    get until() {
      played++
      return Promise.resolve()
    },
  }
  const big = Array.from({ length: events }, () => [counted, event]).flat()
  // Not chunked, so that every event is the same bytes and the script weighs nothing.
  upstream.enqueue({ headers: { 'content-type': 'text/event-stream' }, framing: 'close', body: [first!, ...big, ...rest] })

  const content = JSON.stringify({ ...body, model: 'hasty/model-1', stream: true })
  const socket = connect({ port: turnpike.port, host: '127.0.0.1' })
  socket.pause()
  const before = process.memoryUsage().arrayBuffers
  socket.write(rawRequest([`content-length: ${content.length}`], content))
  // It stands still when nothing has been played for longer than the provider's idle timeout.
  for (let last = -1; last !== played || played === 0;) {
    last = played
    await pause(500)
  }
  assert.ok(played < events / 2, `${played} of ${events} events were taken from the provider`)
  const held = process.memoryUsage().arrayBuffers - before
  assert.ok(held < 40 * mb, `${held} bytes of buffers for ${played * event.bytes.length} that came`)

  let bytes = 0
  let tail = ''
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    tail = (tail + chunk.toString('latin1')).slice(-2000)
    if (tail.includes('\r\n0\r\n\r\n')) socket.end()
  })
  socket.resume()
  await new Promise((resolve) => socket.once('close', resolve))
  assert.ok(bytes > events * event.bytes.length, `${bytes} bytes`)
  assert.match(tail, /data: \[DONE\]/)
  assert.equal(played, events)
})
