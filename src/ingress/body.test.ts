// Request bodies in the buffer pool: limits, uploads that never end, and every buffer given back exactly once.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'
import { createBufferPool, createDeadlines, Failure, type BufferPool } from '#kernel'
import { maxBodyBytes, receiveBody } from './body.ts'

type Received = { readonly buffer: Buffer; readonly text: string }

let server: Server
let socket: Socket
let nowMs: number
let deadlines: ReturnType<typeof createDeadlines>
let pool: BufferPool
/** Buffers that were taken and not given back. */
let lent: Set<Buffer>
let arrivedBytes: number
let arrivedMore: () => void
let closed: Promise<unknown>
let outcome: PromiseWithResolvers<Received | Failure>

beforeEach(async () => {
  nowMs = 0
  arrivedBytes = 0
  arrivedMore = () => {}
  // The clock stands still until a test moves it; nothing ticks by itself in that time.
  deadlines = createDeadlines(1_000_000, () => nowMs)
  const inner = createBufferPool()
  lent = new Set()
  pool = {
    share: () => undefined,
    take(bytes) {
      const buffer = inner.take(bytes)
      lent.add(buffer)
      return buffer
    },
    give(buffer) {
      assert.ok(lent.delete(buffer), 'given back twice, or never taken')
      inner.give(buffer)
    },
  }
  outcome = Promise.withResolvers()
  server = createServer((incoming) => {
    closed = new Promise((resolve) => incoming.once('close', resolve))
    receiveBody(incoming, pool, deadlines, {
      received: (buffer, start, end) => outcome.resolve({ buffer, text: buffer.toString('utf8', start, end) }),
      failed: (failure) => outcome.resolve(failure),
    })
    incoming.on('data', (chunk: Buffer) => {
      arrivedBytes += chunk.length
      arrivedMore()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => {})
})

afterEach(() => {
  deadlines.close()
  socket.destroy()
  server.close()
  server.closeAllConnections()
})

function ask(...lines: string[]): void {
  socket.write(['POST / HTTP/1.1', 'host: x', ...lines].join('\r\n'))
}

async function read(): Promise<Received> {
  const result = await outcome.promise
  assert.ok(!(result instanceof Failure), String(result))
  return result
}

async function failed(): Promise<Failure> {
  const result = await outcome.promise
  assert.ok(result instanceof Failure)
  return result
}

/** Resolves when that many bytes of the body have come in all. */
async function untilArrived(count: number): Promise<void> {
  while (arrivedBytes < count) {
    const next = Promise.withResolvers<void>()
    arrivedMore = next.resolve
    await next.promise
  }
}

test('a body is one piece of a lent buffer, with its length known or not', async () => {
  ask('content-length: 5', '', 'hello')
  assert.equal((await read()).text, 'hello')
  assert.equal(lent.size, 1)
})

test('a chunked body grows through the size classes, and the smaller buffers go back', async () => {
  const text = 'x'.repeat(300_000)
  ask('transfer-encoding: chunked', '', `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`)
  const { text: arrived, buffer } = await read()
  assert.equal(arrived, text)
  assert.deepEqual([...lent], [buffer])
})

test('an upload that stops for 30 seconds fails, and says after how many bytes', async () => {
  ask('content-length: 100', '', 'hello')
  await untilArrived(5)
  nowMs = 29_000
  deadlines.tick()
  assert.equal(lent.size, 1)
  nowMs = 31_000
  deadlines.tick()
  const failure = await failed()
  assert.equal(failure.kind, 'upload_timeout')
  assert.match(failure.message, /30 s after 5 bytes/)
  assert.equal(lent.size, 0)
})

test('an upload that drips stays alive: only pauses count', async () => {
  ask('content-length: 5', '', 'h')
  await untilArrived(1)
  for (const letter of 'ello') {
    nowMs += 29_000
    deadlines.tick()
    const before = arrivedBytes
    socket.write(letter)
    await untilArrived(before + 1)
  }
  assert.equal((await read()).text, 'hello')
})

test('an upload after a long quiet time has its 30 seconds too', async () => {
  // Nobody waited, so nobody looked at the clock.
  nowMs = 500_000
  ask('content-length: 5', '', 'h')
  await untilArrived(1)
  nowMs += 29_000
  deadlines.tick()
  socket.write('ello')
  assert.equal((await read()).text, 'hello')
})

test('an upload after a long quiet time may send its first byte late', async () => {
  nowMs = 500_000
  ask('content-length: 5', '', '')
  await once(server, 'request')
  nowMs += 29_000
  deadlines.tick()
  socket.write('hello')
  assert.equal((await read()).text, 'hello')
})

test('a declared length above the limit is refused before a byte is read', async () => {
  ask(`content-length: ${maxBodyBytes + 1}`, '', '')
  const failure = await failed()
  assert.equal(failure.kind, 'request_too_large')
  assert.match(failure.message, new RegExp(`${maxBodyBytes + 1} bytes.*at most 64 MB`))
  assert.equal(lent.size, 0)
})

test('a body that grows above the limit is refused there, and its buffer goes back', async () => {
  ask('transfer-encoding: chunked', '', '')
  const piece = `100000\r\n${'x'.repeat(1 << 20)}\r\n`
  for (let i = 0; i <= maxBodyBytes >> 20; i++) socket.write(piece)
  assert.equal((await failed()).kind, 'request_too_large')
  assert.equal(lent.size, 0)
})

test('a client that leaves in the middle gives its buffer back, and is told of once', async () => {
  ask('content-length: 100', '', 'hello')
  await untilArrived(5)
  socket.destroy()
  await closed
  assert.equal(lent.size, 0)
  const failure = await failed()
  assert.deepEqual([failure.kind, failure.status], ['client_closed', 499])
  assert.match(failure.message, /after 5 bytes/)
  nowMs = 100_000
  deadlines.tick()
})

test('an encoded body is refused, and identity is none', async () => {
  ask('content-length: 5', 'content-encoding: br', '', 'hello')
  const failure = await failed()
  assert.equal(failure.kind, 'unsupported_media_type')
  assert.match(failure.message, /"br"/)
  assert.equal(lent.size, 0)
})
