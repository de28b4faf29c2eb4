// Takes over from an earlier body's peek what is the same in the next one: its beginning, and its end.
import {
  copyMember,
  firstElements,
  tailElements,
  tailMask,
  type Elements,
  type Member,
  type PreviousBody,
  type Result,
} from './json-found.ts'
import { copyEnds, copyStarts, findEnd, shifted, type Marks } from './json-marks.ts'

export type PreviousResult<Field extends string> = PreviousBody<Field> & { readonly found: Result<Field> }

/**
 * Takes over everything up to the last mark before which the two bodies are the same, and says where to go on: behind the array's last
 * element, or at the start of one (never the first, so that one is still to come). -1 when they part before that.
 */
export function takeHead<Field extends string>(
  elementsIndex: number,
  result: Result<Field>,
  buffer: Buffer,
  start: number,
  end: number,
  previous: PreviousResult<Field>,
): number {
  const { found } = previous
  const from = found.marks
  const shift = start - previous.start
  const { count, last } = found.elements
  if (count < 1) return -1
  const sameUpTo = (known: number, to: number) =>
    to + shift <= end && previous.buffer.compare(buffer, known + shift, to + shift, known, to) === 0
  let position: number
  let starts = from.startCount
  // A number could go on in the new body, anything else that is complete here is complete there.
  if (isClosed(previous.buffer[last.end - 1]!) && sameUpTo(previous.start, last.end)) {
    position = last.end
    result.elements.count = count
    result.elements.last.start = last.start + shift
    result.elements.last.end = last.end + shift
    const { tail } = found.elements
    for (let at = 0; at < tail.length; at++) result.elements.tail[at] = tail[at]! + shift
  } else {
    let low = 0
    let known = previous.start
    for (let high = starts - 1; low < high;) {
      const middle = (low + high + 1) >> 1
      const to = from.starts[middle]!
      if (sameUpTo(known, to)) {
        low = middle
        known = to
      } else high = middle - 1
    }
    // Where not every element is marked, the ends of the last ones in front of the mark are found by scanning them again.
    if (from.stepBits > 0) low -= Math.max(1, tailElements >> from.stepBits)
    if (low <= 0) return -1
    starts = low
    position = from.starts[low]!
    result.elements.count = low << from.stepBits
    if (from.stepBits === 0) copyTail(result.elements, from, previous.buffer, shift)
  }
  copyStarts(result.marks, from, starts, shift)
  result.start = found.start + shift
  result.insertAt = found.insertAt + shift
  const array = found.list[elementsIndex]!
  for (let index = 0; index < found.list.length; index++) {
    if (found.list[index]!.start >= 0 && found.list[index]!.keyStart <= array.keyStart)
      copyMember(result.list[index]!, found.list[index]!, shift)
  }
  const self = result.list[elementsIndex]!
  self.end = self.next = -1
  for (let index = 0; index < firstElements && index < result.elements.count; index++) {
    result.elements.first[index]!.start = found.elements.first[index]!.start + shift
    result.elements.first[index]!.end = found.elements.first[index]!.end + shift
  }
  result.reused.head = position - previous.start
  return position + shift
}

/** Behind a top-level value: when the other body went on from here with the same bytes and the same fields seen, so does this one. */
export function takeRest<Field extends string>(
  result: Result<Field>,
  buffer: Buffer,
  i: number,
  end: number,
  seen: number,
  last: Member | undefined,
  previous: PreviousResult<Field>,
): boolean {
  const { found } = previous
  const from = found.marks
  // Behind a mark there is at least the closing brace: an `i` behind the end finds none.
  const at = findEnd(from, previous.end, end - i, seen)
  if (at < 0) return false
  const behind = from.ends[at]!
  if (previous.buffer.compare(buffer, i, end, behind, previous.end) !== 0) return false
  const shift = i - behind
  if (last !== undefined) last.next = shifted(from.ends[at + 3]!, shift)
  for (let index = 0; index < found.list.length; index++) {
    if (found.list[index]!.keyStart >= behind) copyMember(result.list[index]!, found.list[index]!, shift)
  }
  copyEnds(result.marks, from, at, shift, result.memberCount)
  result.memberCount += found.memberCount - from.ends[at + 2]!
  result.end = found.end + shift
  result.reused.rest = end - i
  return true
}

/** The last elements in front of the next one's mark, by the marks of all of them: between two there is a comma, and perhaps white space. */
function copyTail({ count, tail }: Elements, from: Marks, bytes: Uint8Array, shift: number): void {
  for (let index = Math.max(0, count - tailElements); index < count; index++) {
    let end = endBefore(bytes, from.starts[index + 1]!)
    // Behind the comma.
    end = endBefore(bytes, end - 1)
    const at = 2 * (index & tailMask)
    tail[at] = from.starts[index]! + shift
    tail[at + 1] = end + shift
  }
}

/** Behind the last byte in front of `i` that is no white space. */
function endBefore(bytes: Uint8Array, i: number): number {
  for (;;) {
    const byte = bytes[i - 1]!
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return i
    i--
  }
}

/** The last byte of a string, an array or an object. */
function isClosed(byte: number): boolean {
  return byte === 0x22 || byte === 0x7d || byte === 0x5d
}
