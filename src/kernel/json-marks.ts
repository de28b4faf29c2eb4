// What a peek leaves behind, so that the next body of the same conversation is scanned only where it differs.

/** Offsets into the buffer that was scanned; they belong to a result and are overwritten with it. */
export type Marks = {
  /** Starts of the elements 0, step, 2 * step, ... of the array; `step` is `1 << stepBits`. */
  starts: Int32Array
  startCount: number
  stepBits: number
  /** Top-level members in front of the array's own. */
  membersBefore: number
  /**
   * Where a top-level value ended, from the array's own on; `endSize` numbers each: the position behind it, the set of fields seen so far
   * (a bit each), how many members there were so far, and the opening quote of the next key (-1 behind the last).
   */
  readonly ends: Int32Array
  endCount: number
}

const firstStarts = 64
/** With more elements than this every second mark goes: a body of ten thousand messages still needs only 4 KB. */
const maxStarts = 1024
const maxEnds = 32
export const endSize = 4

export function createMarks(): Marks {
  return {
    starts: new Int32Array(firstStarts),
    startCount: 0,
    stepBits: 0,
    membersBefore: 0,
    ends: new Int32Array(maxEnds * endSize),
    endCount: 0,
  }
}

export function clearMarks(marks: Marks): void {
  marks.startCount = marks.stepBits = marks.membersBefore = marks.endCount = 0
}

/** Element `index` begins at `start`; called for each in order. */
export function markStart(marks: Marks, index: number, start: number): void {
  if (index !== marks.startCount << marks.stepBits) return
  if (marks.startCount === marks.starts.length) {
    if (marks.startCount === maxStarts) {
      const { starts } = marks
      for (let at = 1; at < maxStarts / 2; at++) starts[at] = starts[2 * at]!
      marks.startCount = maxStarts / 2
      marks.stepBits++
    } else {
      const larger = new Int32Array(marks.startCount * 2)
      larger.set(marks.starts)
      marks.starts = larger
    }
  }
  marks.starts[marks.startCount++] = start
}

/** A top-level value ended. With more of them than there is room for, the rest is unmarked: it is scanned. */
export function markEnd(marks: Marks, end: number, seen: number, memberCount: number): void {
  if (marks.endCount === maxEnds) return
  const at = marks.endCount++ * endSize
  marks.ends[at] = end
  marks.ends[at + 1] = seen
  marks.ends[at + 2] = memberCount
  marks.ends[at + 3] = -1
}

/** The key behind the value marked last; `memberCount` as it was marked, since values beyond the room for marks have keys too. */
export function markNextKey(marks: Marks, memberCount: number, keyStart: number): void {
  const at = (marks.endCount - 1) * endSize
  if (at >= 0 && marks.ends[at + 2] === memberCount) marks.ends[at + 3] = keyStart
}

/** Takes over the first `count` starts of another body whose bytes up to there are the same, `shift` bytes away. */
export function copyStarts(marks: Marks, from: Marks, count: number, shift: number): void {
  if (marks.starts.length < from.starts.length) marks.starts = new Int32Array(from.starts.length)
  for (let at = 0; at < count; at++) marks.starts[at] = from.starts[at]! + shift
  marks.startCount = count
  marks.stepBits = from.stepBits
  marks.membersBefore = from.membersBefore
}

/** The mark where `left` bytes of the body that ends at `end` remain, and the same fields have been seen; -1 when there is none. */
export function findEnd(marks: Marks, end: number, left: number, seen: number): number {
  for (let at = marks.endCount * endSize - endSize; at >= 0; at -= endSize) {
    if (left === end - marks.ends[at]! && marks.ends[at + 1] === seen) return at
  }
  return -1
}

/** Two bodies met behind a value, `from` at the mark `at`, the other with `memberCount` members so far: takes over what follows. */
export function copyEnds(marks: Marks, from: Marks, at: number, shift: number, memberCount: number): void {
  const more = memberCount - from.ends[at + 2]!
  markNextKey(marks, memberCount, shifted(from.ends[at + 3]!, shift))
  for (let next = at + endSize; next < from.endCount * endSize; next += endSize) {
    const members = from.ends[next + 2]! + more
    markEnd(marks, from.ends[next]! + shift, from.ends[next + 1]!, members)
    markNextKey(marks, members, shifted(from.ends[next + 3]!, shift))
  }
}

/** A position moved; -1 stays what it is. */
export function shifted(position: number, shift: number): number {
  return position < 0 ? position : position + shift
}
