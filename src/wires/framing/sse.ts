// Bytes -> server-sent events, with the exact bytes each one came from, so that a forwarder can pass or replace them one by one.
import { Failure } from '#kernel'
import type { FrameParser, RawFrame } from '#wires/codec'

const LF = 0x0a
const CR = 0x0d
export const defaultMaxEventBytes = 16 * 1024 * 1024

/** Parses as WHATWG says: LF, CRLF and CR newlines, a BOM, comments, several data lines. Work is linear in the bytes. */
export function createSseParser(options: { readonly maxEventBytes?: number } = {}): FrameParser {
  const maxEventBytes = options.maxEventBytes ?? defaultMaxEventBytes
  let held: Buffer[] = []
  let heldBytes = 0
  /** The line that is being read has no byte yet: a newline now is the blank line that ends the event. */
  let lineIsEmpty = true
  /** The last byte of the previous chunk was a CR: an LF first in this one belongs to it. */
  let afterCr = false
  let first = true

  function emit(last: Buffer, incomplete: boolean, onFrame: (frame: RawFrame) => void): void {
    const raw = held.length === 0 ? last : Buffer.concat([...held, last], heldBytes + last.length)
    if (raw.length > maxEventBytes) throw tooLarge(maxEventBytes)
    held = []
    heldBytes = 0
    const frame = readFrame(raw, incomplete, first)
    first = false
    onFrame(frame)
  }

  function keep(rest: Buffer): void {
    heldBytes += rest.length
    if (heldBytes > maxEventBytes) throw tooLarge(maxEventBytes)
    // The chunk is the socket's own buffer.
    held.push(Buffer.from(rest))
  }

  return {
    get idle() {
      return heldBytes === 0 && lineIsEmpty && !afterCr && !first
    },
    push(bytes, onFrame) {
      const chunk = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      const length = chunk.length
      if (length === 0) return
      let from = 0
      let at = 0
      if (afterCr && chunk[0] === LF) at = 1
      afterCr = false
      let nextLf = chunk.indexOf(LF, at)
      let nextCr = chunk.indexOf(CR, at)
      while (at < length) {
        if (nextLf !== -1 && nextLf < at) nextLf = chunk.indexOf(LF, at)
        if (nextCr !== -1 && nextCr < at) nextCr = chunk.indexOf(CR, at)
        if (nextLf === -1 && nextCr === -1) {
          lineIsEmpty = false
          break
        }
        const isCr = nextLf === -1 || (nextCr !== -1 && nextCr < nextLf)
        const newline = isCr ? nextCr : nextLf
        const blank = lineIsEmpty && newline === at
        at = newline + 1
        if (isCr) {
          if (at === length) afterCr = true
          else if (chunk[at] === LF) at++
        }
        lineIsEmpty = true
        if (blank) {
          emit(chunk.subarray(from, at), false, onFrame)
          from = at
        }
      }
      if (from < length) keep(chunk.subarray(from))
    },
    end(onFrame) {
      if (heldBytes > 0) emit(Buffer.alloc(0), true, onFrame)
    },
  }
}

function readFrame(raw: Buffer, incomplete: boolean, first: boolean): RawFrame {
  let event: string | undefined
  let data: string | undefined
  let text = raw.toString('utf8')
  if (first && text.charCodeAt(0) === 0xfeff) text = text.slice(1)
  for (const line of text.split(text.includes('\r') ? /\r\n|\n|\r/ : '\n')) {
    if (line === '' || line.charCodeAt(0) === 0x3a) continue
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    if (field === 'data') {
      const value = fieldValue(line, colon)
      data = data === undefined ? value : data + '\n' + value
    } else if (field === 'event') {
      event = fieldValue(line, colon) || undefined
    }
  }
  return event === undefined ? { data, raw, incomplete } : { event, data, raw, incomplete }
}

function fieldValue(line: string, colon: number): string {
  if (colon === -1) return ''
  return line.slice(line.charCodeAt(colon + 1) === 0x20 ? colon + 2 : colon + 1)
}

function tooLarge(maxEventBytes: number): Failure {
  return new Failure(
    'bad_response',
    `The provider sent a single event of more than ${maxEventBytes} bytes; this gateway reads no larger ones.`,
  )
}
