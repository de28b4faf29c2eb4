// A client that is only a socket: sends any bytes, reads HTTP/1.1 answers, and sees how the connection ends.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { JsonObject } from '#kernel'
import { testKey } from './turnpike.ts'

export type RawAnswer = {
  readonly status: number
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  json(): JsonObject
}

export type RawClient = {
  readonly socket: Socket
  /** Resolves when the bytes have left, or cannot any more. */
  send(bytes: string | Uint8Array): Promise<void>
  /** The next answer, complete; rejects when the connection ends before it. */
  answer(): Promise<RawAnswer>
  /** Resolves when the connection is closed, however. */
  readonly closed: Promise<unknown>
}

/** A request with the test key, as its bytes. */
export function rawRequest(headers: readonly string[], content = '', line = 'POST /v1/chat/completions HTTP/1.1'): string {
  return [line, 'host: localhost', `authorization: Bearer ${testKey}`, ...headers, '', content].join('\r\n')
}

export async function connectRaw(port: number): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let received = Buffer.alloc(0)
  let ended = false
  let wake = Promise.withResolvers<void>()
  const changed = (): void => {
    wake.resolve()
    wake = Promise.withResolvers()
  }
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    changed()
  })
  // A reset is an end like any other; the answer that is missing then says so.
  socket.on('error', () => {})
  socket.on('close', () => {
    ended = true
    changed()
  })
  return {
    socket,
    closed,
    send: (bytes) => new Promise((resolve) => socket.write(bytes, () => resolve())),
    async answer() {
      for (;;) {
        const found = readAnswer(received, ended)
        if (found !== undefined) {
          received = received.subarray(found.end)
          return found.answer
        }
        if (ended) throw new Error(`The connection ended before an answer: ${JSON.stringify(received.toString('latin1').slice(0, 200))}`)
        await wake.promise
      }
    },
  }
}

function readAnswer(bytes: Buffer, ended: boolean): { answer: RawAnswer; end: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const [first, ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const status = Number(first!.split(' ')[1])
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]))
  const start = headEnd + 4
  const body =
    headers.get('transfer-encoding') === 'chunked'
      ? readChunks(bytes, start)
      : readPlain(bytes, start, status, headers.get('content-length'), ended)
  if (body === undefined) return undefined
  const text = body.bytes.toString('utf8')
  return { answer: { status, headers, body: text, json: () => JSON.parse(text) as JsonObject }, end: body.end }
}

function readPlain(
  bytes: Buffer,
  start: number,
  status: number,
  length: string | undefined,
  ended: boolean,
): { bytes: Buffer; end: number } | undefined {
  if (status < 200) return { bytes: Buffer.alloc(0), end: start }
  if (length === undefined) return ended ? { bytes: bytes.subarray(start), end: bytes.length } : undefined
  const end = start + Number(length)
  return bytes.length < end ? undefined : { bytes: bytes.subarray(start, end), end }
}

function readChunks(bytes: Buffer, start: number): { bytes: Buffer; end: number } | undefined {
  const chunks: Buffer[] = []
  for (let at = start; ;) {
    const line = bytes.indexOf('\r\n', at)
    if (line < 0) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16)
    const end = line + 2 + size
    if (bytes.length < end + 2) return undefined
    if (size === 0) return { bytes: Buffer.concat(chunks), end: end + 2 }
    chunks.push(bytes.subarray(line + 2, end))
    at = end + 2
  }
}
