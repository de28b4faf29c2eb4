// What two bodies have in common at their beginning and end: agents resend their whole history every turn.

const step = 64 * 1024
/** Shorter stretches are compared byte by byte: a native call costs more. */
const byBytes = 64

/** How many first bytes are equal, at most `limit`. Native comparison of blocks, then bisection of the block that differs. */
export function commonPrefix(a: Buffer, b: Buffer, limit = Math.min(a.length, b.length)): number {
  let low = 0
  let high = Math.min(step, limit)
  while (a.compare(b, low, high, low, high) === 0) {
    if (high === limit) return limit
    low = high
    high = Math.min(high + step, limit)
  }
  while (high - low > byBytes) {
    const middle = (low + high) >>> 1
    if (a.compare(b, low, middle, low, middle) === 0) low = middle
    else high = middle
  }
  while (low < high && a[low] === b[low]) low++
  return low
}

/** How many last bytes are equal, at most `limit`. */
export function commonSuffix(a: Buffer, b: Buffer, limit = Math.min(a.length, b.length)): number {
  const aEnd = a.length
  const bEnd = b.length
  let low = 0
  let high = Math.min(step, limit)
  while (a.compare(b, bEnd - high, bEnd - low, aEnd - high, aEnd - low) === 0) {
    if (high === limit) return limit
    low = high
    high = Math.min(high + step, limit)
  }
  while (high - low > byBytes) {
    const middle = (low + high) >>> 1
    if (a.compare(b, bEnd - middle, bEnd - low, aEnd - middle, aEnd - low) === 0) low = middle
    else high = middle
  }
  while (low < high && a[aEnd - 1 - low] === b[bEnd - 1 - low]) low++
  return low
}
