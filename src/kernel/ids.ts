// Request ids: 26 characters of Crockford base32, sortable by time, unique within and across processes (ULID layout).
import { randomFillSync } from 'node:crypto'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const pool = Buffer.allocUnsafe(4096)
let poolOffset = pool.length

/** Two characters for every ten bits. */
const pairs = Array.from({ length: 1024 }, (_, bits) => alphabet[bits >> 5]! + alphabet[bits & 31]!)
let timeMs = -1
let timeText = ''

/** A new id: 10 characters of milliseconds since 1970, 16 of randomness. */
export function newRequestId(nowMs: number): string {
  if (nowMs !== timeMs) {
    timeMs = nowMs
    timeText = ''
    for (let rest = nowMs, i = 0; i < 5; i++, rest = Math.floor(rest / 1024)) timeText = pairs[rest % 1024]! + timeText
  }
  if (poolOffset + 10 > pool.length) {
    randomFillSync(pool)
    poolOffset = 0
  }
  const at = poolOffset
  poolOffset += 10
  return timeText + eightCharacters(at) + eightCharacters(at + 5)
}

/** Five random bytes. */
function eightCharacters(at: number): string {
  const low = pool.readUInt32BE(at + 1)
  return pairs[(pool[at]! << 2) | (low >>> 30)]! + pairs[(low >>> 20) & 1023]! + pairs[(low >>> 10) & 1023]! + pairs[low & 1023]!
}

/** Milliseconds since 1970 that an id carries; undefined when it is not one of ours. */
export function timeOfRequestId(id: string): number | undefined {
  if (id.length !== 26) return undefined
  let time = 0
  for (let i = 0; i < 10; i++) {
    const digit = alphabet.indexOf(id[i]!)
    if (digit < 0) return undefined
    time = time * 32 + digit
  }
  return time
}
