// Writes the head of an HTTP/1.1 request. What doesn't change between the requests of a target is written once.
import type { UpstreamRequest } from './port.ts'

type Written = { readonly host: string; readonly path: string; readonly bytes: Buffer }

/** CR LF CR LF */
const endOfHead = 0x0d0a_0d0a
/** Bodies up to this go out in one piece with their head: a copy costs less than a second piece. */
const joinedBytes = 16 << 10

/** Keyed by the headers' array, which targets keep. */
export type HeadCache = WeakMap<readonly string[], Written>

export type RequestBytes = {
  readonly head: Buffer
  /** What follows the head; undefined when it is in it. */
  readonly body: Uint8Array | undefined
}

/** Throws a `TypeError` for a header or path that HTTP cannot carry. */
export function encodeRequest({ method, path, headers, body }: UpstreamRequest, host: string, cache: HeadCache): RequestBytes {
  let fixed = cache.get(headers)
  if (fixed === undefined || fixed.host !== host || fixed.path !== path) {
    const text = fixedHead(method, path, headers, host) + (body === undefined ? '\r\n' : 'content-length: ')
    fixed = { host, path, bytes: Buffer.from(text, 'latin1') }
    cache.set(headers, fixed)
  }
  const { bytes } = fixed
  if (body === undefined) return { head: bytes, body: undefined }
  const end = bytes.length + digitsOf(body.length) + 4
  const joined = body.length <= joinedBytes
  const head = Buffer.allocUnsafe(joined ? end + body.length : end)
  head.set(bytes)
  head.writeUInt32BE(endOfHead, end - 4)
  for (let rest = body.length, i = end - 5; i >= bytes.length; i--, rest = Math.floor(rest / 10)) head[i] = 0x30 + (rest % 10)
  if (!joined) return { head, body }
  head.set(body, end)
  return { head, body: undefined }
}

function digitsOf(whole: number): number {
  let digits = 1
  for (let rest = whole; rest >= 10; rest = Math.floor(rest / 10)) digits++
  return digits
}

function fixedHead(method: string, path: string, headers: readonly string[], host: string): string {
  if (!/^\/[!-~]*$/.test(path)) throw new TypeError('a path holds characters that HTTP cannot carry')
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n`
  for (let i = 0; i < headers.length; i += 2) {
    const [name = '', value = ''] = [headers[i], headers[i + 1]]
    // A line end in a value would begin another header, or another request.
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw new TypeError(`the header ${JSON.stringify(name)} holds characters that HTTP cannot carry`)
    text += `${name}: ${value}\r\n`
  }
  return text
}
