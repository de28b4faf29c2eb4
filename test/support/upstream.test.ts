// The scripted upstream does what its script says, and remembers what it was asked.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { readExchanges, skipWithoutCorpus } from './corpus.ts'
import { refusedPort, silentPort } from './ports.ts'
import { chat, errorStatuses, faults, messages, rateLimited, replay, wireScripts } from './scripts.ts'
import {
  createGate,
  createUpstream,
  cut,
  keepAlive,
  reset,
  splitAt,
  splitEvents,
  splitEvery,
  stall,
  waitFor,
  write,
  type ScriptedUpstream,
} from './upstream.ts'

let upstream: ScriptedUpstream
before(async () => {
  upstream = await createUpstream()
})
after(() => upstream.close())
beforeEach(() => upstream.clear())

const post = (path = '/v1/chat/completions', body = '{}', signal?: AbortSignal) =>
  fetch(upstream.origin + path, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
    ...(signal === undefined ? {} : { signal }),
  })

/** Sends with node:http on a connection of its own, and collects the reads of the body. */
async function rawPost(): Promise<{ response: IncomingMessage; reads: Buffer[]; ended: Promise<'end' | 'aborted'> }> {
  const outgoing = httpRequest({ host: '127.0.0.1', port: upstream.port, method: 'POST', path: '/', agent: false }).end('{}')
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const reads: Buffer[] = []
  response.on('data', (bytes: Buffer) => reads.push(bytes))
  const ended = new Promise<'end' | 'aborted'>((resolve) => {
    response.on('end', () => resolve('end'))
    response.on('error', () => resolve('aborted'))
  })
  return { response, reads, ended }
}

/** Everything a connection says to these request bytes, and how it ended. */
async function exchangeBytes(bytes: string): Promise<{ text: string; ending: 'fin' | 'rst' }> {
  const socket = connect(upstream.port, '127.0.0.1')
  let text = ''
  let ending: 'fin' | 'rst' = 'fin'
  socket.on('data', (chunk) => (text += chunk.toString('latin1')))
  socket.on('error', () => (ending = 'rst'))
  socket.write(bytes)
  await new Promise((resolve) => socket.on('close', resolve))
  return { text, ending }
}

const bareRequest = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}'

describe('a scripted upstream remembers', () => {
  test('method, url, header names as sent, and body bytes', async () => {
    upstream.enqueue({ status: 204 })
    await fetch(`${upstream.origin}/v1/x?y=1`, { method: 'PUT', body: Buffer.from([0, 255, 10]), headers: { 'X-Odd-Case': 'v' } })
    const [request] = upstream.received
    assert.equal(request!.method, 'PUT')
    assert.equal(request!.url, '/v1/x?y=1')
    assert.equal(request!.headers.get('x-odd-case'), 'v')
    assert.deepEqual([...request!.body], [0, 255, 10])
    assert.equal(await request!.closed, 'answered')
  })

  test('a body sent in chunks and cut at every byte, and a second request on the same connection', async () => {
    upstream.route('/a', { body: 'one' })
    upstream.route('/b', { body: 'two', headers: { connection: 'close' } })
    const socket = connect(upstream.port, '127.0.0.1').setNoDelay(true)
    const said = new Promise<string>((resolve) => {
      let text = ''
      socket.on('data', (chunk) => (text += chunk.toString()))
      socket.on('close', () => resolve(text))
    })
    const bytes =
      'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nPOST /b HTTP/1.1\r\nhost: b\r\ncontent-length: 4\r\n\r\nlast'
    for (const byte of bytes) {
      await new Promise((resolve) => socket.write(byte, resolve))
      await new Promise(setImmediate)
    }
    assert.match(await said, /one.*two$/s)
    assert.deepEqual(
      upstream.received.map((request) => [request.url, request.body.toString(), request.connection === upstream.connections]),
      [
        ['/a', 'abc0123456789', true],
        ['/b', 'last', true],
      ],
    )
    assert.ok(upstream.received[0]!.rawHeaders.includes('Transfer-Encoding'))
  })

  test('that a client left, while it waited for the head and in the middle of a stream', async () => {
    upstream.enqueue(faults.silent(), { body: [write('one'), stall()] })
    const waiting = new AbortController()
    const first = post('/', '{}', waiting.signal)
    const silent = await upstream.next()
    assert.equal(silent.end, undefined)
    waiting.abort()
    await assert.rejects(first)
    await silent.aborted
    assert.equal(silent.end, 'aborted')

    const reading = new AbortController()
    const response = await post('/', '{}', reading.signal)
    const streaming = await upstream.next()
    await response.body!.getReader().read()
    reading.abort()
    assert.equal(await streaming.closed, 'aborted')
  })

  test('what was not scripted, and what was not HTTP', async () => {
    assert.equal((await post('/nobody')).status, 501)
    assert.deepEqual(
      upstream.unscripted.map((request) => request.url),
      ['/nobody'],
    )
    await exchangeBytes('hello\r\n\r\n')
    assert.deepEqual(upstream.malformed, ['the request head is not HTTP/1.1'])
  })

  test('how many connections it accepted and holds', async () => {
    const own = await createUpstream()
    const sockets = [connect(own.port, '127.0.0.1'), connect(own.port, '127.0.0.1')]
    await own.untilOpenConnections(2)
    assert.equal(own.connections, 2)
    for (const socket of sockets) socket.destroy()
    await own.untilOpenConnections(0)
    await own.close()
  })
})

describe('a scripted upstream answers', () => {
  test('from the queue first, then by the latest matching route, which may look at the request', async () => {
    upstream.route(/^\/v1\//, { body: 'pattern' })
    upstream.route('/v1/chat/completions', (request) => ({ body: `path ${request.json<{ n: number }>().n}` }))
    upstream.enqueue({ body: 'queued' })
    const said: string[] = []
    for (const path of ['/v1/chat/completions?q=1', '/v1/chat/completions?q=1', '/v1/other'])
      said.push(await (await post(path, '{"n":7}')).text())
    assert.deepEqual(said, ['queued', 'path 7', 'pattern'])
  })

  test('with each write in a read of its own', async () => {
    const body = 'data: héllo\n\n'
    upstream.enqueue({ body: splitEvery(body, 1) }, { body: splitAt(body, [3, 8]), framing: 'length' })
    const bytes = Buffer.from(body)
    const single = await rawPost()
    assert.equal(await single.ended, 'end')
    assert.deepEqual(
      single.reads.map((read) => read.length),
      [...bytes].map(() => 1),
    )
    const three = await rawPost()
    await three.ended
    assert.deepEqual(three.reads.map(String), [bytes.subarray(0, 3), bytes.subarray(3, 8), bytes.subarray(8)].map(String))
    assert.equal(three.response.headers['content-length'], String(bytes.length))
  })

  test('only when the test opens the gate', async () => {
    const gate = createGate()
    upstream.enqueue({ body: [write('before'), waitFor(gate), keepAlive(), write('after')] })
    const { reads, ended } = await rawPost()
    while (reads.length === 0) await new Promise(setImmediate)
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    assert.deepEqual(reads.map(String), ['before'])
    gate.open()
    assert.equal(await ended, 'end')
    assert.deepEqual(reads.map(String), ['before', ': PROCESSING\n\n', 'after'])
  })

  for (const encoding of ['gzip', 'br', 'zstd', 'deflate'] as const) {
    test(`compressed with ${encoding}, each write readable when it arrives`, async () => {
      const gate = createGate()
      upstream.enqueue({ encoding, body: [write('first'), waitFor(gate), write('second')] }, { encoding, body: 'whole' })
      const response = await post('/')
      assert.equal(response.headers.get('content-encoding'), encoding)
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
      assert.equal((await reader.read()).value, 'first')
      gate.open()
      assert.equal((await reader.read()).value, 'second')
      assert.equal((await reader.read()).done, true)
      assert.equal(await (await post('/')).text(), 'whole')
    })
  }

  test('with an end that is known by length, by chunks or by the close', async () => {
    upstream.enqueue({ body: 'abc' }, { body: [write('abc')] }, { body: 'abc', framing: 'close' })
    const answers: string[] = []
    for (let i = 0; i < 3; i++) answers.push((await exchangeBytes(bareRequest.replace('Host', 'Connection: close\r\nHost'))).text)
    assert.equal(answers[0], 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc')
    assert.equal(answers[1], 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n')
    assert.equal(answers[2], 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc')
    assert.deepEqual(await Promise.all(upstream.received.map((request) => request.closed)), ['answered', 'answered', 'answered'])
  })

  test('half a body, a cut, a reset, or bytes that are not HTTP', async () => {
    upstream.enqueue(
      { body: 'abc', contentLength: 10 },
      { body: [write('abc'), cut()] },
      { body: [write('abc'), reset()] },
      { raw: [write('SSH-2.0-x\r\n')] },
    )
    assert.deepEqual(await exchangeBytes(bareRequest), { text: 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc', ending: 'fin' })
    assert.deepEqual(await exchangeBytes(bareRequest), {
      text: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n',
      ending: 'fin',
    })
    assert.equal((await exchangeBytes(bareRequest)).ending, 'rst')
    assert.deepEqual(await exchangeBytes(bareRequest), { text: 'SSH-2.0-x\r\n', ending: 'fin' })
    assert.deepEqual(await Promise.all(upstream.received.slice(0, 3).map((request) => request.closed)), ['cut', 'cut', 'cut'])
  })

  test('at the head of a request whose body never ends', async () => {
    upstream.enqueue({ ...chat.error(413), at: 'head', headers: { connection: 'close' } })
    const { text } = await exchangeBytes('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nstart')
    assert.match(text, /^HTTP\/1.1 413 Payload Too Large\r\n/)
  })

  test('nothing at all while it refuses, and again after', async () => {
    upstream.route('/', { body: 'here' })
    assert.match((await exchangeBytes(bareRequest.replace('/x', '/').replace('Host', 'Connection: close\r\nHost'))).text, /here$/)
    await upstream.refuse()
    const [error] = (await once(connect(upstream.port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException]
    assert.equal(error.code, 'ECONNREFUSED')
    await upstream.accept()
    assert.match((await exchangeBytes(bareRequest.replace('/x', '/').replace('Host', 'Connection: close\r\nHost'))).text, /here$/)
  })

  test('with a cut, said of exchanges it was holding when it was closed', async () => {
    const own = await createUpstream()
    own.route('/', faults.silent())
    const call = fetch(own.origin)
    const request = await own.next()
    await own.close()
    await assert.rejects(call)
    assert.equal(await request.closed, 'cut')
  })
})

describe('ports that fail', () => {
  test('a refused port refuses for as long as it is held', async () => {
    const refused = await refusedPort()
    for (let i = 0; i < 3; i++) {
      const [error] = (await once(connect(refused.port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException]
      assert.equal(error.code, 'ECONNREFUSED')
    }
    await refused.close()
  })

  test(
    'a silent port neither accepts nor refuses',
    { skip: process.platform !== 'linux' && 'only Linux drops handshakes of a full backlog' },
    async () => {
      const silent = await silentPort()
      const socket = connect(silent.port, '127.0.0.1')
      const outcomes: string[] = []
      for (const event of ['connect', 'error', 'close']) socket.once(event, () => outcomes.push(event))
      // Longer than a loopback handshake by far: 200 round trips of another connection.
      upstream.route('/', { body: 'x' })
      for (let i = 0; i < 200; i++) await (await post('/')).text()
      assert.deepEqual(outcomes, [])
      socket.destroy()
      await silent.close()
    },
  )
})

describe('ready-made answers', () => {
  test('cover every error status of both wires with a body that names a type and a message', () => {
    for (const wire of Object.values(wireScripts)) {
      for (const status of errorStatuses) {
        const answer = wire.error(status)
        assert.equal(answer.status, status)
        const { error } = JSON.parse(String(answer.body)) as { error: { type: string; message: string } }
        assert.ok(error.type.length > 0 && error.message.length > 0)
      }
    }
  })

  test('say in every known form when to come back', () => {
    const now = Date.parse('2026-11-21T10:00:00Z')
    assert.equal(rateLimited(chat, 'seconds', 20_000).headers!['retry-after'], '20')
    assert.equal(rateLimited(chat, 'milliseconds', 250).headers!['retry-after-ms'], '250')
    assert.equal(rateLimited(messages, 'http-date', 30_000, now).headers!['retry-after'], 'Sat, 21 Nov 2026 10:00:30 GMT')
    assert.match(String(rateLimited(chat, 'message', 6).body), /try again in 6ms\./)
    assert.match(String(rateLimited(chat, 'retry-info', 34_074).body), /"retryDelay":"34.074s"/)
    assert.equal(rateLimited(chat, 'none', 1).headers!['retry-after'], undefined)
  })

  test('of a half body promise more than they send', () => {
    for (const wire of Object.values(wireScripts)) {
      const answer = faults.halfJson(wire)
      assert.ok(answer.contentLength! > Buffer.byteLength(String(answer.body)))
      assert.throws(() => JSON.parse(String(answer.body)))
    }
  })

  test('split into events lose no byte, whatever the line ends', () => {
    for (const body of ['a: 1\n\nb: 2\n\n', 'a: 1\r\n\r\nb: 2\r\n\r\nrest', 'a\r\rb\r\r', 'no end', '']) {
      const steps = splitEvents(body)
      assert.equal(steps.map((step) => (step.kind === 'write' ? step.bytes.toString() : '')).join(''), body)
    }
    assert.equal(splitEvents('a: 1\r\n\r\nb: 2\r\n\r\nrest').length, 3)
  })

  test('replay recorded exchanges byte for byte', { skip: skipWithoutCorpus }, async () => {
    const wanted = new Map([
      ['chat json', 3],
      ['chat sse', 3],
      ['messages json', 3],
      ['messages sse', 3],
    ])
    for (const exchange of readExchanges(({ api, resp }) => wanted.has(`${api} ${resp.kind}`))) {
      const name = `${exchange.api} ${exchange.resp.kind}`
      const left = wanted.get(name)!
      if (left === 0) continue
      wanted.set(name, left - 1)
      upstream.enqueue(replay(exchange))
      const response = await post('/')
      assert.equal(response.status, exchange.resp.status)
      assert.equal(await response.text(), exchange.resp.body)
      assert.equal(response.headers.get('content-encoding'), null)
    }
    assert.deepEqual([...wanted.values()], [0, 0, 0, 0])
  })
})
