// Answers that came compressed although identity was asked for: which encodings are read, chosen by their name and first byte.
import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib'

export type Encoding = 'gzip' | 'br' | 'deflate' | 'zstd'

/** Of a `content-encoding` header; undefined: the body is as it is. `other`: no such encoding is known, or there are several. */
export function encodingOf(header: string | undefined): Encoding | 'other' | undefined {
  if (header === undefined) return undefined
  const names = header
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity')
  const [name] = names
  if (name === undefined) return undefined
  if (names.length > 1) return 'other'
  if (name === 'x-gzip') return 'gzip'
  return name === 'gzip' || name === 'br' || name === 'deflate' || name === 'zstd' ? name : 'other'
}

/** `first`: the first byte of the body. */
export function createDecompressor(encoding: Encoding, first: number): Transform {
  switch (encoding) {
    case 'gzip':
      return createGunzip()
    case 'br':
      return createBrotliDecompress()
    case 'zstd':
      return createZstdDecompress()
    case 'deflate':
      // Some servers leave out the zlib frame, whose first byte says method 8 in its lower half (RFC 1950; RFC 9110, section 8.4.1.2).
      return (first & 0x0f) === 8 ? createInflate() : createInflateRaw()
  }
}
