// Bytes of AWS's binary event streams -> messages: cut by their length, checked and read by AWS's own decoder.
// The format: https://smithy.io/2.0/aws/amazon-eventstream.html
import { createRequire } from 'node:module'
import type * as checksums from '@smithy/core/checksum'
import type * as eventStreams from '@smithy/core/event-streams'
import { Failure, isObject } from '#kernel'
import type { FrameParser, RawFrame } from '#wires/codec'
import { defaultMaxEventBytes } from './sse.ts'

export const eventStreamType = 'application/vnd.amazon.eventstream'

/** One message. The payload lies in the pushed chunk: copy what you keep. */
export type EventMessage = {
  /** An exception is the end of the stream: one that the API declares (`throttlingException`), or another error with its code. */
  readonly type: 'event' | 'exception'
  /** `:event-type`, `:exception-type` or `:error-code`. */
  readonly name: string
  readonly payload: Buffer
  /** `:error-message`, of errors that the API doesn't declare: they have no payload. */
  readonly errorMessage?: string
}

/** Total length, length of the headers, and the checksum of the two. */
const preludeBytes = 12
/** The prelude, no headers, no payload, the checksum of everything. */
const leastBytes = 16

type Library = {
  readonly codec: eventStreams.EventStreamCodec
  readonly Crc32: typeof checksums.Crc32
}
let library: Library | undefined

/** Loaded when the first such stream comes: 15 MB and 30 ms that most gateways never need. */
function loaded(): Library {
  if (library !== undefined) return library
  const require = createRequire(import.meta.url)
  const { EventStreamCodec } = require('@smithy/core/event-streams') as typeof eventStreams
  const { Crc32 } = require('@smithy/core/checksum') as typeof checksums
  const codec = new EventStreamCodec(
    (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')),
    (text) => Buffer.from(text, 'utf8'),
  )
  return (library = { codec, Crc32 })
}

/** `toFrame` says what a message is to the wire; undefined: nothing. Work is linear in the bytes, whatever the chunks. */
export function createEventStreamParser(
  toFrame: (message: EventMessage) => RawFrame | undefined,
  options: { readonly maxMessageBytes?: number } = {},
): FrameParser {
  const maxMessageBytes = options.maxMessageBytes ?? defaultMaxEventBytes
  let held: Buffer[] = []
  let heldBytes = 0
  /** Length of the message that is being read; 0 until its prelude is there. */
  let total = 0

  return {
    // Its bytes are no client's: a chunk is never forwarded unread.
    idle: false,
    push(bytes, onFrame) {
      const chunk = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      let at = 0
      while (at < chunk.length) {
        if (total === 0 && heldBytes === 0 && chunk.length - at >= preludeBytes)
          total = messageLength(chunk.subarray(at, at + preludeBytes), maxMessageBytes)
        const wanted = (total === 0 ? preludeBytes : total) - heldBytes
        const piece = chunk.subarray(at, at + wanted)
        at += piece.length
        if (piece.length < wanted || total === 0) {
          // The chunk is the socket's own buffer.
          held.push(Buffer.from(piece))
          heldBytes += piece.length
          if (heldBytes === preludeBytes && total === 0) total = messageLength(Buffer.concat(held, heldBytes), maxMessageBytes)
          continue
        }
        const message = held.length === 0 ? piece : Buffer.concat([...held, piece], total)
        held = []
        heldBytes = 0
        total = 0
        const frame = toFrame(readMessage(message))
        if (frame !== undefined) onFrame(frame)
      }
    },
    // Half a message says nothing: the stream has ended early, which its decoder finds out.
    end() {},
  }
}

/** Checked before a single byte is waited for: a wrong length would swallow the rest of the stream. */
function messageLength(prelude: Buffer, maxMessageBytes: number): number {
  const checksum = new (loaded().Crc32)()
  checksum.update(prelude.subarray(0, 8))
  const length = prelude.readUInt32BE(0)
  if (checksum.digestSync() !== prelude.readUInt32BE(8) || length < leastBytes || prelude.readUInt32BE(4) > length - leastBytes)
    throw new Failure('bad_response', 'The provider sent bytes that are not a message of a binary event stream.')
  if (length > maxMessageBytes)
    throw new Failure(
      'bad_response',
      `The provider sent a single event of ${length} bytes; this gateway reads none of more than ${maxMessageBytes}.`,
    )
  return length
}

function readMessage(bytes: Buffer): EventMessage {
  let read: ReturnType<Library['codec']['decode']>
  try {
    read = loaded().codec.decode(bytes)
  } catch (cause) {
    throw new Failure('bad_response', 'The provider sent a damaged message in its binary event stream.', { cause })
  }
  const header = (name: string): string | undefined => {
    const found = Object.hasOwn(read.headers, name) ? read.headers[name] : undefined
    return found?.type === 'string' ? found.value : undefined
  }
  const payload = Buffer.from(read.body.buffer, read.body.byteOffset, read.body.byteLength)
  switch (header(':message-type')) {
    case 'exception':
      return { type: 'exception', name: header(':exception-type') ?? '', payload }
    case 'error':
      return { type: 'exception', name: header(':error-code') ?? '', payload, errorMessage: header(':error-message') ?? '' }
    default:
      return { type: 'event', name: header(':event-type') ?? '', payload }
  }
}

/** What an exception says, as AWS has it in the body of an HTTP error: `{"__type": "throttlingException", "message": ...}`. */
export function exceptionBody({ name, payload, errorMessage }: EventMessage): { readonly __type: string; readonly message: string } {
  if (errorMessage !== undefined) return { __type: name, message: errorMessage }
  const text = payload.toString('utf8')
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    body = undefined
  }
  const said = isObject(body) ? (body['message'] ?? body['Message'] ?? body['originalMessage']) : undefined
  return { __type: name, message: typeof said === 'string' ? said : text.slice(0, 500) }
}

/** A frame and the bytes that a client of server-sent events would get for it. `data` may hold newlines. */
export function eventFrame(event: string | undefined, data: string): RawFrame {
  const lines = data.includes('\n') || data.includes('\r') ? data.split(/\r\n|\n|\r/) : [data]
  const named = event === undefined ? {} : { event }
  const raw = Buffer.from(`${event === undefined ? '' : `event: ${event}\n`}${lines.map((line) => `data: ${line}\n`).join('')}\n`)
  return { ...named, data: lines.length === 1 ? data : lines.join('\n'), raw, incomplete: false }
}
