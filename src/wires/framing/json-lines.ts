// Bytes -> lines that are one JSON value each (application/x-ndjson), with the bytes each one came from.
import { Failure } from '#kernel'
import type { FrameParser, RawFrame } from '#wires/codec'
import { defaultMaxEventBytes } from './sse.ts'

export const jsonLinesType = 'application/x-ndjson'

const LF = 0x0a

/** A line ends with LF (a CR before it is white space to JSON); blank lines carry nothing. Work is linear in the bytes. */
export function createJsonLinesParser(options: { readonly maxLineBytes?: number } = {}): FrameParser {
  const maxLineBytes = options.maxLineBytes ?? defaultMaxEventBytes
  let held: Buffer[] = []
  let heldBytes = 0

  function check(bytes: number): void {
    if (bytes <= maxLineBytes) return
    const most = `The provider sent a single line of more than ${maxLineBytes} bytes; this gateway reads no larger ones.`
    throw new Failure('bad_response', most)
  }

  function emit(last: Buffer, incomplete: boolean, onFrame: (frame: RawFrame) => void): void {
    const raw = held.length === 0 ? last : Buffer.concat([...held, last], heldBytes + last.length)
    check(raw.length)
    held = []
    heldBytes = 0
    const text = raw.toString('utf8').trim()
    onFrame({ data: text === '' ? undefined : text, raw, incomplete })
  }

  return {
    get idle() {
      return heldBytes === 0
    },
    push(bytes, onFrame) {
      const chunk = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      let from = 0
      for (let newline = chunk.indexOf(LF); newline !== -1; newline = chunk.indexOf(LF, from)) {
        emit(chunk.subarray(from, newline + 1), false, onFrame)
        from = newline + 1
      }
      if (from === chunk.length) return
      check(heldBytes + chunk.length - from)
      // The chunk is the socket's own buffer.
      held.push(Buffer.from(chunk.subarray(from)))
      heldBytes += chunk.length - from
    },
    end(onFrame) {
      if (heldBytes > 0) emit(Buffer.alloc(0), true, onFrame)
    },
  }
}
