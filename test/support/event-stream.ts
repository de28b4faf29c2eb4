// Writes AWS's binary event streams from their published format, not by the library that reads them.
import { crc32 } from 'node:zlib'
import type { JsonObject } from '#kernel'

/** One message; all its headers are strings. */
export function eventMessage(headers: Readonly<Record<string, string>>, payload: string): Buffer {
  const encoded = Object.entries(headers).map(([name, value]) => {
    const bytes = Buffer.from(value)
    const head = Buffer.alloc(1 + name.length + 3)
    head.writeUInt8(name.length, 0)
    head.write(name, 1)
    head.writeUInt8(7, 1 + name.length)
    head.writeUInt16BE(bytes.length, 2 + name.length)
    return Buffer.concat([head, bytes])
  })
  const head = Buffer.concat(encoded)
  const body = Buffer.from(payload)
  const prelude = Buffer.alloc(12)
  prelude.writeUInt32BE(16 + head.length + body.length, 0)
  prelude.writeUInt32BE(head.length, 4)
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8)
  const unchecked = Buffer.concat([prelude, head, body])
  const check = Buffer.alloc(4)
  check.writeUInt32BE(crc32(unchecked), 0)
  return Buffer.concat([unchecked, check])
}

export function streamEvent(name: string, payload: JsonObject | string): Buffer {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
  return eventMessage({ ':message-type': 'event', ':event-type': name, ':content-type': 'application/json' }, text)
}

export function streamException(name: string, message: string): Buffer {
  return eventMessage(
    { ':message-type': 'exception', ':exception-type': name, ':content-type': 'application/json' },
    JSON.stringify({ message }),
  )
}

/** A `chunk` of InvokeModel: bytes of the model's own event. */
export function invokeChunk(event: string): Buffer {
  return streamEvent('chunk', { bytes: Buffer.from(event).toString('base64'), p: 'abcdefgh' })
}
