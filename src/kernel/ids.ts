// Request ids: 26 characters of Crockford base32, sortable by time, unique within and across processes (ULID layout).
import { randomBytes } from 'node:crypto'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const pool = Buffer.allocUnsafe(4096)
let poolOffset = pool.length

/** A new id: 10 characters of milliseconds since 1970, 16 of randomness. */
export function newRequestId(nowMs: number): string {
  let time = ''
  let rest = nowMs
  for (let i = 0; i < 10; i++) {
    time = alphabet[rest % 32] + time
    rest = Math.floor(rest / 32)
  }
  if (poolOffset + 10 > pool.length) {
    randomBytes(pool.length).copy(pool)
    poolOffset = 0
  }
  let random = ''
  for (let i = 0; i < 2; i++) {
    const high = pool[poolOffset]!
    let low = pool.readUInt32BE(poolOffset + 1)
    poolOffset += 5
    let chunk = ''
    for (let j = 0; j < 6; j++) {
      chunk = alphabet[low & 31] + chunk
      low >>>= 5
    }
    // 32 bits give six characters and two bits; the fifth byte completes eight characters.
    chunk = alphabet[((high & 7) << 2) | low] + chunk
    random += alphabet[high >>> 3] + chunk
  }
  return time + random
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
