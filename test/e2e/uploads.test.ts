// Uploads of every kind, bytes that are no request, and clients that read slowly, over raw sockets.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { JsonObject } from '#kernel'
import { connectRaw, rawRequest } from '#test/raw-client.ts'
import { wireScripts, type ScriptedWire } from '#test/scripts.ts'
import { startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, write, type ScriptedUpstream, type Step } from '#test/upstream.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike

before(async () => {
  upstream = await createUpstream()
  turnpike = await startTest({
    chat: { wire: 'openai-chat', origin: upstream.origin },
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

const wireNames: readonly ScriptedWire[] = ['openai-chat', 'anthropic-messages']
const body = { model: 'chat/model-1', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] }
const text = JSON.stringify(body)

function errorOf(answer: string): JsonObject {
  return (JSON.parse(answer) as { error: JsonObject }).error
}

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

test('a client that leaves in the middle of its upload leaves a record, and nothing else', async () => {
  const client = await connectRaw(turnpike.port)
  await client.send(rawRequest(['content-length: 1000'], text))
  client.socket.resetAndDestroy()
  await client.closed
  assert.equal((await turnpike.post('/v1/chat/completions', body)).status, 200)
  assert.equal(upstream.received.length, 1)
  const left = (await turnpike.records()).find((record) => record['outcome'] === 'cancelled')
  assert.deepEqual([left?.['status'], left?.['error']], [499, { code: 'client_closed', class: 'client_closed' }])
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
      const error = errorOf(answer.body)
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
    assert.equal(errorOf(answer.body)['code'], 'headers_too_large')
    assert.match(String(errorOf(answer.body)['message']), /32 KB/)
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
    assert.equal(errorOf(answer.body)['code'], 'invalid_request')
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
