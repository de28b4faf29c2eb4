// The value of a field that was found, read from where it lies.
import type { ByteRange } from './json-found.ts'
import type { JsonValue } from './json.ts'

/** What lies at those bytes. The usual small values need no parser, and numbers no text. */
export function readValue(buffer: Buffer, { start, end }: ByteRange): JsonValue {
  switch (buffer[start]) {
    case 0x74:
      return true
    case 0x66:
      return false
    case 0x6e:
      return null
    case 0x22: {
      const text = buffer.toString('utf8', start + 1, end - 1)
      return text.includes('\\') ? (JSON.parse(buffer.toString('utf8', start, end)) as string) : text
    }
    case 0x7b:
    case 0x5b:
      return JSON.parse(buffer.toString('utf8', start, end)) as JsonValue
    default:
      return numberAt(buffer, start, end)
  }
}

/** Counts, the usual case, need no text. */
function numberAt(buffer: Buffer, start: number, end: number): number {
  let count = 0
  if (end - start <= maxDigits) {
    let i = start
    for (; i < end; i++) {
      const digit = buffer[i]! - 0x30
      if (digit < 0 || digit > 9) break
      count = count * 10 + digit
    }
    if (i === end) return count
  }
  return Number(buffer.toString('latin1', start, end))
}

/** No number of so many digits is rounded. */
const maxDigits = 15
