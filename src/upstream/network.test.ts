// Calls over real sockets: what a handler hears, which socket carries a call, and when it is not used again.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer, type AddressInfo } from 'node:net'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import type { Failure } from '#kernel'
import { refusedPort, silentPort } from '#test/ports.ts'
import { createGate, createUpstream, cut, reset, stall, waitFor, write, type Answer, type ScriptedUpstream } from '#test/upstream.ts'
import { createNetwork } from './network.ts'
import type { Upstream, UpstreamCall, UpstreamRequest } from './port.ts'

let upstream: ScriptedUpstream
let network: Upstream
before(async () => {
  upstream = await createUpstream()
})
after(() => upstream.close())
beforeEach(() => {
  upstream.clear()
  network = createNetwork()
})
afterEach(async () => {
  await network.close()
  await upstream.untilOpenConnections(0)
})

type Heard = {
  readonly call: UpstreamCall
  status: number | undefined
  headers: Readonly<Record<string, string>>
  text: string
  ending: 'end' | Failure | undefined
  /** Resolves at the end or the error. */
  readonly over: Promise<Heard>
  /** Resolves when that much text is there. */
  until(text: string): Promise<void>
}

type Hooks = { head?(heard: Heard): void; data?(heard: Heard): unknown; bytes?(count: number): void }

/** Sends, and checks the order of what the handler hears. */
function send(request: Partial<UpstreamRequest> = {}, hooks: Hooks = {}): Heard {
  const over = Promise.withResolvers<Heard>()
  let waiters: { text: string; resolve: () => void }[] = []
  const mute = () => assert.equal(heard.ending, undefined, 'nothing comes after the end')
  const finish = (ending: 'end' | Failure) => {
    mute()
    heard.ending = ending
    over.resolve(heard)
  }
  const heard: Heard = {
    call: undefined as unknown as UpstreamCall,
    status: undefined,
    headers: {},
    text: '',
    ending: undefined,
    over: over.promise,
    until(text) {
      if (heard.text === text) return Promise.resolve()
      return new Promise((resolve) => waiters.push({ text, resolve }))
    },
  }
  const call = network.send(
    {
      origin: upstream.origin,
      path: '/v1/x',
      method: 'POST',
      headers: ['x-test', 'yes'],
      body: Buffer.from('{}'),
      connectMs: 2000,
      allowPrivateNetwork: true,
      ...request,
    },
    {
      head(status, headers) {
        mute()
        assert.equal(heard.status, undefined, 'one head')
        Object.assign(heard, { status, headers })
        hooks.head?.(heard)
      },
      data(chunk) {
        mute()
        assert.notEqual(heard.status, undefined, 'the head comes first')
        hooks.bytes?.(chunk.length)
        heard.text += chunk.toString('utf8')
        for (const waiter of waiters) if (waiter.text === heard.text) waiter.resolve()
        waiters = waiters.filter((waiter) => waiter.text !== heard.text)
        hooks.data?.(heard)
      },
      end: () => finish('end'),
      error: (failure) => finish(failure),
    },
  )
  return Object.assign(heard, { call })
}

/** What became of a call to a scripted answer. */
async function answered(...answers: Answer[]): Promise<Heard> {
  upstream.enqueue(...answers)
  return send().over
}

function kindOf(heard: Heard): string {
  assert.ok(heard.ending !== undefined && heard.ending !== 'end', `it ended well: ${heard.text}`)
  return heard.ending.kind
}

const sockets = () => upstream.received.map(({ connection }) => connection)
const connectionOf = (index: number) => upstream.received[index]!.connection

describe('a call', () => {
  test('carries method, path, headers and body, and brings back head, bytes and end', async () => {
    const heard = await answered({
      status: 201,
      headers: { 'content-type': 'text/plain', 'X-Odd': 'v' },
      body: [write('one '), write('two')],
    })
    assert.equal(heard.status, 201)
    assert.equal(heard.headers['content-type'], 'text/plain')
    assert.equal(heard.headers['x-odd'], 'v')
    assert.equal(heard.text, 'one two')
    assert.equal(heard.ending, 'end')
    const [request] = upstream.received
    assert.deepEqual(
      [request!.method, request!.url, request!.headers.get('x-test'), request!.body.toString()],
      ['POST', '/v1/x', 'yes', '{}'],
    )
  })

  test('without a body asks for something', async () => {
    upstream.enqueue({ body: 'list' })
    const heard = await send({ method: 'GET', body: undefined }).over
    assert.equal(heard.text, 'list')
    assert.equal(upstream.received[0]!.method, 'GET')
  })

  test('hears one head, whatever informational ones come before it', async () => {
    const raw = [write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')]
    const heard = await answered({ raw })
    assert.deepEqual([heard.status, heard.text, heard.ending], [200, 'ok', 'end'])
  })

  test('hears bytes when they arrive, not when the answer is complete', async () => {
    const gate = createGate()
    upstream.enqueue({ body: [write('first'), waitFor(gate), write(' second')] })
    const heard = send()
    await heard.until('first')
    gate.open()
    await heard.over
    assert.equal(heard.text, 'first second')
  })
})

describe('a socket', () => {
  test('is used again after a whole answer, and only by one call at a time', async () => {
    await answered({ body: 'a' })
    await answered({ body: 'b' })
    assert.deepEqual(sockets(), [connectionOf(0), connectionOf(0)])
    const gate = createGate()
    upstream.route('/v1/x', { before: [waitFor(gate)], body: 'c' })
    const both = [send(), send()]
    await upstream.next()
    await upstream.next()
    await upstream.next()
    await upstream.next()
    assert.equal(new Set(sockets().slice(2)).size, 2)
    gate.open()
    await Promise.all(both.map(({ over }) => over))
  })

  test('that was used last is used next, so that the others may grow old', async () => {
    const gate = createGate()
    upstream.enqueue({ body: 'fast' }, { before: [waitFor(gate)], body: 'slow' })
    const fast = send()
    const slow = send()
    await fast.over
    gate.open()
    await slow.over
    const slowSocket = upstream.received[1]!.connection
    await answered({ body: 'a' })
    await answered({ body: 'b' })
    assert.deepEqual(sockets().slice(2), [slowSocket, slowSocket])
  })

  test('is not used again after the provider said that it closes it', async () => {
    assert.equal((await answered({ body: 'a', headers: { connection: 'close' } })).ending, 'end')
    assert.equal((await answered({ body: 'b' })).ending, 'end')
    assert.equal(new Set(sockets()).size, 2)
  })

  test('is closed when the network is', async () => {
    await answered({ body: 'a' })
    assert.equal(upstream.openConnections, 1)
    await network.close()
    await upstream.untilOpenConnections(0)
  })
})

describe('a kept socket that turns out to be dead', () => {
  beforeEach(async () => {
    await answered({ body: 'warm' })
    assert.equal(upstream.received.length, 1)
  })

  for (const [how, dies] of [
    ['reset', reset],
    ['closed', cut],
  ] as const) {
    test(`${how}: the call goes out once more, on a fresh socket`, async () => {
      const heard = await answered({ before: [dies()] }, { body: 'second try' })
      assert.deepEqual([heard.text, heard.ending], ['second try', 'end'])
      assert.equal(upstream.received.length, 3)
      assert.equal(connectionOf(1), connectionOf(0))
      assert.notEqual(connectionOf(2), connectionOf(1))
      assert.equal(upstream.received[2]!.body.toString(), '{}', 'with its whole body')
    })
  }

  test('is not replaced by another kept one, which may be as dead', async () => {
    const gate = createGate()
    upstream.enqueue({ before: [waitFor(gate)], body: 'a' }, { body: 'b' })
    const held = send()
    await send().over
    gate.open()
    await held.over
    const kept = new Set(sockets())
    assert.equal(kept.size, 2)
    assert.equal((await answered({ before: [reset()] }, { body: 'second try' })).text, 'second try')
    assert.ok(!kept.has(upstream.received.at(-1)!.connection))
  })

  test('a second death is a failure: a call goes out twice at most', async () => {
    assert.equal(kindOf(await answered({ before: [reset()] }, { before: [reset()] }, { body: 'never' })), 'cut')
    assert.equal(upstream.received.length, 3)
  })

  test('an answer that had begun is never asked for again', async () => {
    const heard = await answered({ body: [write('half'), reset()] }, { body: 'never' })
    assert.equal(kindOf(heard), 'cut')
    assert.equal(heard.status, 200)
    assert.equal(upstream.received.length, 2)
  })

  test('after a part of a head it is a failure: something was answered', async () => {
    for (const begun of ['HTTP/1.1 200 OK\r\ncontent-le', 'HTTP/1.1 102 Processing\r\n\r\n']) {
      const before = upstream.received.length
      assert.equal(kindOf(await answered({ raw: [write(begun), reset()] }, { body: 'never' })), 'cut')
      assert.equal(upstream.received.length, before + 1)
      upstream.clear()
      await answered({ body: 'warm' })
    }
  })

  test('what the provider answers is no death, be it nonsense', async () => {
    assert.equal(kindOf(await answered({ raw: [write('SSH-2.0-OpenSSH_9.9\r\n\r\n')] }, { body: 'never' })), 'bad_response')
    assert.equal(upstream.received.length, 2)
  })
})

test('a fresh socket that dies without an answer is a failure at once', async () => {
  assert.equal(kindOf(await answered({ before: [reset()] }, { body: 'never' })), 'cut')
  assert.equal(upstream.received.length, 1)
})

describe('an answer that came before the body was sent', () => {
  test('is heard, and its socket is closed: the rest of the body never follows', async () => {
    const length = 64 << 20
    // Answers at the first bytes, and reads on only when the answer has been heard.
    const answeredCalls = createGate()
    const closed = Promise.withResolvers<number>()
    const server = createServer((socket) => {
      let bytes = 0
      socket.on('data', (chunk) => (bytes += chunk.length))
      socket.once('data', () => {
        socket.pause()
        socket.write('HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nbig')
        void answeredCalls.opened.then(() => socket.resume())
      })
      socket.on('error', () => {})
      socket.once('close', () => closed.resolve(bytes))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const heard = send({ origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, body: Buffer.alloc(length) })
    await heard.over
    assert.deepEqual([heard.status, heard.text, heard.ending, heard.call.bodySent()], [413, 'big', 'end', false])
    answeredCalls.open()
    const read = await closed.promise
    assert.ok(read < length, `${read} bytes of ${length} were read`)
    await new Promise((resolve) => server.close(resolve))
  })

  test('a body that has left this process says so', async () => {
    const heard = await answered({ body: 'a' })
    assert.equal(heard.call.bodySent(), true)
  })
})

describe('an aborted call', () => {
  for (const [phase, answer] of [
    ['before the head', { before: [stall()] }],
    ['in the middle of the answer', { body: [write('x'), stall()] }],
  ] as const) {
    test(`is gone for the provider too, ${phase}`, async () => {
      upstream.enqueue(answer)
      const heard = send()
      const request = await upstream.next()
      if (answer === undefined || 'body' in answer) await heard.until('x')
      heard.call.abort()
      heard.call.abort()
      await request.aborted
      await upstream.untilOpenConnections(0)
      assert.equal(heard.ending, undefined, 'its handler hears nothing more')
    })
  }

  test('never arrives when it is aborted at once, and the next one does', async () => {
    const first = send()
    first.call.abort()
    const second = await answered({ body: 'b' })
    assert.equal(second.text, 'b')
    assert.equal(upstream.received.length, 1)
    assert.equal(first.ending, undefined)
  })

  test('may be aborted by its own handler', async () => {
    upstream.enqueue({ body: [write('x'), stall()] })
    const heard = send({}, { head: () => heard.call.abort() })
    await (
      await upstream.next()
    ).aborted
    assert.deepEqual([heard.status, heard.text, heard.ending], [200, '', undefined])
  })
})

describe('a paused call', () => {
  const size = 4 << 20

  for (const encoding of [undefined, 'gzip'] as const) {
    test(`hears nothing until it is resumed, and then everything (${encoding ?? 'plain'})`, async () => {
      // Compressible, and more than all buffers on the way hold.
      upstream.enqueue({ body: [write('begin'), write(Buffer.alloc(size, 'x'))], ...(encoding === undefined ? {} : { encoding }) })
      const heard = send({}, { data: (one) => one.text === 'begin' && one.call.pause() })
      await heard.until('begin')
      // Another call runs its whole course meanwhile.
      upstream.enqueue({ body: 'other' })
      assert.equal((await send().over).text, 'other')
      assert.equal(heard.text, 'begin')
      assert.equal(heard.ending, undefined)
      heard.call.resume()
      await heard.over
      assert.equal(heard.text.length, 'begin'.length + size)
      assert.equal(heard.ending, 'end')
    })
  }

  test('makes the provider wait, also behind a decompressor', async () => {
    // Does not compress, and is more than all buffers on the way hold.
    const large = randomBytes(32 << 20)
    upstream.enqueue({ body: [write('begin'), write(large)], encoding: 'zstd' })
    let bytes = 0
    const heard = send({}, { data: (one) => one.text === 'begin' && one.call.pause(), bytes: (count) => (bytes += count) })
    await heard.until('begin')
    for (let i = 0; i < 20; i++) {
      upstream.enqueue({ body: 'other' })
      await send().over
    }
    assert.equal(upstream.received[0]!.end, undefined, 'the provider has not got rid of its answer')
    heard.call.resume()
    assert.equal((await heard.over).ending, 'end')
    assert.equal(bytes, 'begin'.length + large.length)
  })
})

describe('a compressed answer', () => {
  for (const encoding of ['gzip', 'br', 'zstd', 'deflate'] as const) {
    test(`is decompressed as it arrives: ${encoding}`, async () => {
      const gate = createGate()
      upstream.enqueue({ encoding, body: [write('first'), waitFor(gate), write(' second')] })
      const heard = send()
      await heard.until('first')
      gate.open()
      await heard.over
      assert.deepEqual([heard.text, heard.ending], ['first second', 'end'])
      await answered({ body: 'again' })
      assert.equal(new Set(sockets()).size, 1, 'its socket is used again')
    })
  }

  test('may name its encoding in capitals, or none', async () => {
    assert.equal((await answered({ headers: { 'content-encoding': 'GZIP' }, body: gzipSync('x') })).text, 'x')
    assert.equal((await answered({ headers: { 'content-encoding': 'identity' }, body: 'y' })).text, 'y')
  })

  test('by deflate is read with the frame that the standard asks for, and without', async () => {
    const deflate = { 'content-encoding': 'deflate' }
    for (const bytes of [deflateSync('some text'), deflateRawSync('some text'), deflateRawSync(randomBytes(1000).toString('hex'))]) {
      const heard = await answered({ headers: deflate, body: bytes })
      assert.equal(heard.ending, 'end')
      assert.ok(heard.text.length >= 9)
    }
  })

  test('without a byte is empty, be it compressed or not', async () => {
    const heard = await answered({ status: 429, headers: { 'content-encoding': 'gzip', 'retry-after': '7' }, body: '' })
    assert.deepEqual([heard.status, heard.headers['retry-after'], heard.text, heard.ending], [429, '7', '', 'end'])
  })

  test('that says identity beside its encoding has one', async () => {
    assert.equal((await answered({ headers: { 'content-encoding': 'identity, gzip' }, body: gzipSync('x') })).text, 'x')
    assert.equal(kindOf(await answered({ headers: { 'content-encoding': 'br, gzip' }, body: gzipSync('x') })), 'bad_response')
  })

  test('that is damaged, or ends too early, is a bad answer', async () => {
    const gzip = { 'content-encoding': 'gzip' }
    const bytes = gzipSync('some text that is long enough')
    assert.equal(kindOf(await answered({ headers: gzip, body: 'not compressed at all' })), 'bad_response')
    assert.equal(kindOf(await answered({ headers: gzip, body: bytes.subarray(0, bytes.length - 6) })), 'bad_response')
    assert.equal(kindOf(await answered({ headers: gzip, body: [write(bytes.subarray(0, 12)), cut()] })), 'cut')
  })

  test('in an encoding that nobody asked for is refused by name, before its head is heard', async () => {
    const heard = await answered({ headers: { 'content-encoding': 'compress' }, body: 'x' })
    assert.equal(kindOf(heard), 'bad_response')
    assert.match((heard.ending as Failure).message, /compress/)
    assert.equal(heard.status, undefined)
    await upstream.untilOpenConnections(0)
  })
})

describe('a failure has the kind of its cause', () => {
  test('refused connection', async () => {
    const refused = await refusedPort()
    assert.equal(kindOf(await send({ origin: refused.origin }).over), 'connect_failed')
    await refused.close()
  })

  test('no connection in time', { skip: process.platform !== 'linux' && 'only Linux drops handshakes of a full backlog' }, async () => {
    const silent = await silentPort()
    assert.equal(kindOf(await send({ origin: silent.origin, connectMs: 100 }).over), 'connect_timeout')
    await silent.close()
  })

  test('a name that does not resolve', async () => {
    assert.equal(kindOf(await send({ origin: 'http://no-such-host.invalid' }).over), 'dns_failed')
  })

  test('TLS with somebody who speaks none', async () => {
    const server = createServer((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    assert.equal(kindOf(await send({ origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}` }).over), 'tls_failed')
    await new Promise((resolve) => server.close(resolve))
  })

  test('an answer that is not HTTP', async () => {
    assert.equal(kindOf(await answered({ raw: [write('SSH-2.0-OpenSSH_9.9\r\n\r\n')] })), 'bad_response')
  })

  test('half a body', async () => {
    const heard = await answered({ body: 'half', contentLength: 100 })
    assert.equal(kindOf(heard), 'cut')
    assert.equal(heard.text, 'half')
  })

  test('no message holds words of the network or the provider', async () => {
    const refused = await refusedPort()
    const heard = await send({ origin: refused.origin }).over
    await refused.close()
    assert.doesNotMatch((heard.ending as Failure).message, /127\.0\.0\.1|ECONN/)
  })
})
