// What two bodies have in common at their beginning and end: agents resend their whole history every turn.

const step = 32 * 1024

/** How many first bytes are equal, at most `limit`. Native comparison of blocks, then bisection of the block that differs. */
export function commonPrefix(a: Buffer, b: Buffer, limit = Math.min(a.length, b.length)): number {
  let at = 0
  while (at < limit) {
    const end = Math.min(at + step, limit)
    if (a.compare(b, at, end, at, end) !== 0) return bisect(at, end, (from, to) => a.compare(b, from, to, from, to) === 0)
    at = end
  }
  return limit
}

/** How many last bytes are equal, at most `limit`. */
export function commonSuffix(a: Buffer, b: Buffer, limit = Math.min(a.length, b.length)): number {
  const same = (from: number, to: number): boolean => a.compare(b, b.length - to, b.length - from, a.length - to, a.length - from) === 0
  let at = 0
  while (at < limit) {
    const end = Math.min(at + step, limit)
    if (!same(at, end)) return bisect(at, end, same)
    at = end
  }
  return limit
}

/** [0, low) is equal and [low, high) is not: the first difference. */
function bisect(low: number, high: number, same: (from: number, to: number) => boolean): number {
  let from = low
  let to = high
  while (to - from > 1) {
    const middle = (from + to) >>> 1
    if (same(from, middle)) from = middle
    else to = middle
  }
  return from
}
