// Binary event streams: cut anywhere they say the same; what is damaged, too long or no such stream is refused.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '#kernel'
import { eventMessage as message, streamEvent as event } from '#test/event-stream.ts'
import type { RawFrame } from '#wires/codec'
import { createEventStreamParser, eventFrame, exceptionBody, type EventMessage } from './event-stream.ts'

const plain = ({ name, payload }: EventMessage) => eventFrame(name, payload.toString('utf8'))

function read(bytes: Buffer, size: number, toFrame: (message: EventMessage) => RawFrame | undefined = plain): RawFrame[] {
  const parser = createEventStreamParser(toFrame)
  const frames: RawFrame[] = []
  for (let at = 0; at < bytes.length; at += size) parser.push(bytes.subarray(at, at + size), (frame) => frames.push(frame))
  parser.end((frame) => frames.push(frame))
  return frames
}

const badResponse = (error: unknown) => error instanceof Failure && error.kind === 'bad_response'

const stream = Buffer.concat([
  event('messageStart', '{"role":"assistant"}'),
  event('contentBlockDelta', '{"delta":{"text":"Grüße 🛃"},"contentBlockIndex":0}'),
  event('ping', ''),
  event('messageStop', '{"stopReason":"end_turn"}'),
])

test('a stream cut after every byte, every second, every seventh says the same frames', () => {
  const whole = read(stream, stream.length)
  assert.deepEqual(
    whole.map(({ event: name, data }) => [name, data]),
    [
      ['messageStart', '{"role":"assistant"}'],
      ['contentBlockDelta', '{"delta":{"text":"Grüße 🛃"},"contentBlockIndex":0}'],
      ['ping', ''],
      ['messageStop', '{"stopReason":"end_turn"}'],
    ],
  )
  for (const size of [1, 2, 7, 11, 12, 13, 100]) assert.deepEqual(read(stream, size), whole, `cut at ${size}`)
})

test('one flipped bit anywhere is a bad response, and no frame of that message comes out', () => {
  const good = event('contentBlockDelta', '{"delta":{"text":"five"}}')
  for (let at = 0; at < good.length; at++) {
    const damaged = Buffer.from(good)
    damaged[at]! ^= 0x10
    const frames: RawFrame[] = []
    const parser = createEventStreamParser(plain)
    assert.throws(() => parser.push(damaged, (frame) => frames.push(frame)), badResponse, `byte ${at}`)
    assert.deepEqual(frames, [])
  }
})

test('bytes of another kind are refused as soon as there are twelve of them', () => {
  const parser = createEventStreamParser(plain)
  assert.throws(() => parser.push(Buffer.from('<html><body>no'), () => assert.fail()), badResponse)
  const slow = createEventStreamParser(plain)
  slow.push(Buffer.from('{"message":'), () => assert.fail())
  assert.throws(() => slow.push(Buffer.from('"'), () => assert.fail()), badResponse)
})

test('a message that is larger than the limit is refused by its length, before its bytes are held', () => {
  const large = event('contentBlockDelta', 'x'.repeat(5_000))
  const parser = createEventStreamParser(plain, { maxMessageBytes: 4_096 })
  assert.throws(() => parser.push(large.subarray(0, 12), () => assert.fail()), /event of 5\d\d\d bytes/)
})

test('half a message at the end is no frame', () => {
  assert.equal(read(stream.subarray(0, stream.length - 1), 64).length, 3)
})

test('a frame does not lie in the chunk that it came from', () => {
  const bytes = Buffer.from(stream)
  const frames = read(bytes, 50)
  const before = frames.map(({ raw }) => raw.toString())
  bytes.fill(0)
  assert.deepEqual(
    frames.map(({ raw }) => raw.toString()),
    before,
  )
})

test('what is held of a message survives the buffer that it came in', () => {
  const parser = createEventStreamParser(plain)
  const frames: RawFrame[] = []
  const socketBuffer = Buffer.alloc(9)
  for (let at = 0; at < stream.length; at += socketBuffer.length) {
    const length = stream.copy(socketBuffer, 0, at)
    parser.push(socketBuffer.subarray(0, length), (frame) => frames.push(frame))
    socketBuffer.fill(0)
  }
  assert.deepEqual(frames, read(stream, stream.length))
})

test('exceptions and errors are told apart from events, each with its name and words', () => {
  const told: unknown[] = []
  const bytes = Buffer.concat([
    message({ ':message-type': 'exception', ':exception-type': 'throttlingException' }, '{"message":"Too many requests"}'),
    message({ ':message-type': 'exception', ':exception-type': 'modelStreamErrorException' }, '{"originalMessage":"Boom","p":"abc"}'),
    message({ ':message-type': 'exception', ':exception-type': 'odd' }, 'not JSON'),
    message({ ':message-type': 'error', ':error-code': 'InternalFailure', ':error-message': 'Try again' }, ''),
  ])
  read(bytes, 1, (each) => {
    told.push({ type: each.type, ...exceptionBody(each) })
    return undefined
  })
  assert.deepEqual(told, [
    { type: 'exception', __type: 'throttlingException', message: 'Too many requests' },
    { type: 'exception', __type: 'modelStreamErrorException', message: 'Boom' },
    { type: 'exception', __type: 'odd', message: 'not JSON' },
    { type: 'exception', __type: 'InternalFailure', message: 'Try again' },
  ])
})

test('data with newlines is one frame of several lines', () => {
  const frame = eventFrame('a', '{\r\n"b":1}')
  assert.equal(frame.raw.toString(), 'event: a\ndata: {\ndata: "b":1}\n\n')
  assert.equal(frame.data, '{\n"b":1}')
})

test('work is linear: a message of eight megabytes in pieces of a kilobyte is read at once', () => {
  const large = event('chunk', 'y'.repeat(8 * 1024 * 1024))
  let copied = 0
  const concat = Buffer.concat
  Buffer.concat = (list, total) => {
    const joined = concat(list, total)
    copied += joined.length
    return joined
  }
  try {
    assert.equal(read(large, 1_024).length, 1)
  } finally {
    Buffer.concat = concat
  }
  assert.ok(copied < 2 * large.length, `${copied} bytes were joined`)
})
