// Responses as RFC 9112 has them, whole and split at every byte; and everything that two readers could read in two ways, refused.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { HeaderNames, HttpError, ResponseParser } from './http-response.ts'

type Read = { status: number; headers: Record<string, string>; body: string; end: 'complete' | 'open'; rest: number; keepAlive: boolean }

const names = new HeaderNames()

/** What a parser hears of the bytes, pushed in these pieces; `closes`: the connection ends behind them. */
function read(pieces: readonly Buffer[], closes = false): Read {
  const heard: Read = { status: 0, headers: {}, body: '', end: 'open', rest: 0, keepAlive: false }
  const parser = new ResponseParser(
    {
      onHead(status, headers) {
        assert.equal(heard.status, 0, 'one head')
        Object.assign(heard, { status, headers: { ...headers } })
      },
      onBody(bytes) {
        assert.ok(bytes.length > 0, 'no empty pieces')
        heard.body += bytes.toString('latin1')
      },
    },
    names,
  )
  parser.begin()
  for (const piece of pieces) {
    const at = parser.push(piece, 0, piece.length)
    heard.rest += piece.length - at
  }
  if (closes) parser.end()
  heard.end = parser.complete ? 'complete' : 'open'
  heard.keepAlive = parser.keepAlive
  return heard
}

const whole = (text: string): Buffer[] => [Buffer.from(text, 'latin1')]
const bytewise = (text: string): Buffer[] => [...Buffer.from(text, 'latin1')].map((byte) => Buffer.from([byte]))

const sized = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;name="a;b"\r\n world\r\n0\r\nX-Trailer: t\r\n\r\n'

const good: Record<string, { text: string; closes?: boolean } & Partial<Read>> = {
  'a length': { text: sized, body: 'hello', keepAlive: true },
  'a length of 0': { text: 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', body: '', keepAlive: true },
  'no reason phrase': { text: 'HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n', status: 200 },
  'an empty reason phrase': { text: 'HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n', status: 200 },
  'chunks with an extension and a trailer': { text: chunked, body: 'hello world', keepAlive: true },
  'chunk sizes in capitals and with leading zeros': {
    text: 'HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n000A\r\n0123456789\r\n00\r\n\r\n',
    body: '0123456789',
  },
  'a body until the connection ends': {
    text: 'HTTP/1.1 200 OK\r\n\r\nall of it',
    closes: true,
    body: 'all of it',
    keepAlive: false,
  },
  'HTTP/1.0, which closes': { text: 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok', body: 'ok', keepAlive: false },
  'HTTP/1.0 that stays': {
    text: 'HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 2\r\n\r\nok',
    body: 'ok',
    keepAlive: true,
  },
  'a connection that closes': { text: 'HTTP/1.1 200 OK\r\nconnection: x, Close\r\ncontent-length: 2\r\n\r\nok', keepAlive: false },
  'no content': { text: 'HTTP/1.1 204 No Content\r\ncontent-length: 7\r\n\r\n', status: 204, body: '', keepAlive: true },
  'informational heads first': {
    text: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${sized}`,
    status: 200,
    body: 'hello',
  },
  'a header twice': {
    text: 'HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a:2\r\ncontent-length: 0\r\n\r\n',
    headers: { 'x-a': '1, 2', 'content-length': '0' },
  },
  'values with white space around them and colons within': {
    text: 'HTTP/1.1 200 OK\r\na: \t b:c d \t\r\nb:\r\ncontent-length: 0\r\n\r\n',
    headers: { a: 'b:c d', b: '', 'content-length': '0' },
  },
  'names that objects have': {
    text: 'HTTP/1.1 200 OK\r\nconstructor: x\r\ntoString: y\r\ncontent-length: 0\r\n\r\n',
    headers: { constructor: 'x', tostring: 'y', 'content-length': '0' },
  },
  'a latin-1 value': {
    text: 'HTTP/1.1 200 OK\r\na: caf\xe9\r\ncontent-length: 0\r\n\r\n',
    headers: { a: 'caf\xe9', 'content-length': '0' },
  },
}

describe('a response', () => {
  for (const [what, { text, closes, ...expected }] of Object.entries(good)) {
    test(`with ${what} is read, whole and byte by byte`, () => {
      const heard = read(whole(text), closes)
      for (const [field, value] of Object.entries(expected)) assert.deepEqual(heard[field as keyof Read], value, field)
      assert.deepEqual([heard.end, heard.rest], ['complete', 0])
      assert.deepEqual(read(bytewise(text), closes), heard)
    })
  }

  test('is complete at its last byte and not before, and what follows is not touched', () => {
    for (const text of [sized, chunked]) {
      for (let length = 0; length < text.length; length++)
        assert.equal(read(whole(text.slice(0, length)), true).end, 'open', text.slice(0, length))
      assert.deepEqual(read(whole(`${text}HTTP/1.1 200`)), { ...read(whole(text)), rest: 12 })
    }
  })

  test('is the same wherever its bytes are split', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1, maxLength: 40, unit: 'binary-ascii' }), { maxLength: 6 }),
        fc.array(fc.nat({ max: 400 }), { maxLength: 8 }),
        (chunks, cuts) => {
          const text = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunks.map((one) => `${one.length.toString(16)}\r\n${one}\r\n`).join('')}0\r\n\r\n`
          const bytes = Buffer.from(text, 'latin1')
          const places = [0, ...cuts.map((cut) => cut % bytes.length).toSorted((a, b) => a - b), bytes.length]
          const pieces = places.slice(1).map((to, index) => bytes.subarray(places[index], to))
          const heard = read(pieces)
          assert.deepEqual([heard.body, heard.end, heard.rest], [chunks.join(''), 'complete', 0])
        },
      ),
    )
  })

  test('stops between two pieces when it is told to, and goes on', () => {
    const pieces: string[] = []
    const parser = new ResponseParser(
      {
        onHead() {},
        onBody(bytes) {
          pieces.push(bytes.toString())
          parser.stopped = true
        },
      },
      names,
    )
    parser.begin()
    const bytes = Buffer.from(chunked)
    let at = parser.push(bytes, 0, bytes.length)
    assert.deepEqual(pieces, ['hello'])
    assert.equal(parser.push(bytes, at, bytes.length), at)
    parser.stopped = false
    at = parser.push(bytes, at, bytes.length)
    assert.deepEqual([pieces, parser.complete], [['hello', ' world'], false])
    parser.stopped = false
    assert.deepEqual([parser.push(bytes, at, bytes.length), parser.complete], [bytes.length, true])
  })

  test('says for how long its connection is kept', () => {
    for (const [hint, seconds] of [
      ['timeout=5', 5],
      ['timeout=60, max=1000', 60],
      ['max=3, Timeout="7"', 7],
      ['max=3', undefined],
    ] as const) {
      const parser = new ResponseParser({ onHead() {}, onBody() {} }, names)
      parser.begin()
      const bytes = Buffer.from(`HTTP/1.1 200 OK\r\nkeep-alive: ${hint}\r\ncontent-length: 0\r\n\r\n`)
      parser.push(bytes, 0, bytes.length)
      assert.equal(parser.keepAliveSeconds, seconds, hint)
    }
  })
})

describe('refused is', () => {
  const head = (lines: string): string => `HTTP/1.1 200 OK\r\n${lines}\r\n\r\n`
  const chunk = (text: string): string => `${head('transfer-encoding: chunked')}${text}`
  const bad: Record<string, string> = {
    'another protocol': 'SSH-2.0-OpenSSH_9.9\r\n',
    'TLS where none was spoken': '\x15\x03\x01\x00\x02\x02\x46',
    'HTTP/2': 'HTTP/2 200 OK\r\n\r\n',
    'a status that is none': 'HTTP/1.1 20 OK\r\n\r\n',
    'a status of four digits': 'HTTP/1.1 2000 OK\r\n\r\n',
    'a change of protocol': 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n',
    'a length and chunks': head('content-length: 5\r\ntransfer-encoding: chunked'),
    'two lengths': head('content-length: 5\r\ncontent-length: 6'),
    'the same length twice': head('content-length: 5\r\ncontent-length: 5'),
    'a length below 0': head('content-length: -1'),
    'a length with a sign': head('content-length: +5'),
    'a length in hexadecimal': head('content-length: 0x5'),
    'a transfer-encoding that is not chunked': head('transfer-encoding: gzip'),
    'chunked twice': head('transfer-encoding: chunked\r\ntransfer-encoding: chunked'),
    'a line without a colon': head('content-length'),
    'a line without a name': head(': 5'),
    'white space before the colon': head('content-length : 5'),
    'a line that continues the one before': head('x: 1\r\n content-length: 5'),
    'a NUL': head('x: \0'),
    'a bare CR': head('x: 1\rcontent-length: 5'),
    'a bare LF': head('x: 1\ncontent-length: 5'),
    'a head without an end': `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(70_000)}`,
    'a chunk without a size': chunk('\r\nhello'),
    'a chunk with a size that is none': chunk('g\r\nhello'),
    'a chunk with a size and something else': chunk('5x\r\nhello\r\n'),
    'a chunk with a negative size': chunk('-5\r\nhello\r\n'),
    'a chunk larger than anything': chunk(`${'f'.repeat(13)}\r\n`),
    'a chunk longer than its size': chunk('4\r\nhello\r\n'),
    'a chunk size that ends in LF alone': chunk('5\nhello\r\n'),
    'a chunk extension without an end': chunk(`5;${'a'.repeat(20_000)}`),
    'trailers without an end': chunk(`0\r\n${'x: y\r\n'.repeat(20_000)}`),
  }
  for (const [what, text] of Object.entries(bad)) {
    test(`${what}, whole and byte by byte`, () => {
      assert.throws(() => read(whole(text)), HttpError)
      assert.throws(() => read(bytewise(text)), HttpError)
    })
  }
})
