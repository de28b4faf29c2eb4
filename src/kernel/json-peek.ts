// Finds a few top-level fields of a JSON body where they lie, without parsing it; says `doubtful` rather than guess.
import { isUtf8 } from 'node:buffer'
import {
  clearMarks,
  copyEnds,
  copyStarts,
  createMarks,
  findEnd,
  markEnd,
  markNextKey,
  markStart,
  shifted,
  type Marks,
} from './json-marks.ts'
import { createSource, endOfValue, maxDepth, openSource, skipWhite } from './json-scan.ts'
import type { JsonValue } from './json.ts'

/** Bytes from `start` up to, not including, `end`. */
export type ByteRange = { readonly start: number; readonly end: number }

/** Where a wanted field lies: its value from `start` to `end`. All positions are -1 when it is absent. */
export type PeekedMember = ByteRange & {
  readonly name: string
  /** The opening quote of the key: the member is `keyStart` to `end`. */
  readonly keyStart: number
  /** The comma before the member; -1 when it is the first. */
  readonly comma: number
  /** The opening quote of the next key; -1 when it is the last. */
  readonly next: number
}

/** What a peek found. It belongs to the peek: valid until the next one that writes into it. */
export type Peeked<Field extends string = string> = {
  /** Behind the opening brace: where a new member goes. */
  readonly insertAt: number
  /** The first byte of the object, its brace, and the one behind its last; white space around it lies outside. */
  readonly start: number
  readonly end: number
  /** All top-level members, wanted or not; 0 for `{}`. */
  readonly memberCount: number
  readonly members: Readonly<Record<Field, PeekedMember>>
  /** Of the field `lastElementOf`; `count` is -1 when that is absent or no array. */
  readonly elements: { readonly count: number; readonly first: readonly ByteRange[]; readonly last: ByteRange }
  /** Bytes that were not scanned because an earlier body had them: `head` in front, up to an element of the array, and `rest` at the end. */
  readonly reused: { readonly head: number; readonly rest: number }
}

/** A body that was peeked: its bytes, unchanged since, and what was found, in a result of its own. */
export type PreviousBody<Field extends string = string> = {
  readonly buffer: Buffer
  readonly start: number
  readonly end: number
  readonly found: Peeked<Field>
}

export type PeekOptions<Field extends string> = {
  /** Top-level names, printable ASCII. */
  readonly fields: readonly Field[]
  /** A field, usually an array, whose first three elements and last one are wanted too. */
  readonly lastElementOf?: NoInfer<Field>
}

export type Peek<Field extends string = string> = {
  /**
   * Looks at the JSON text in `buffer` from `start` to `end`. Any answer but `doubtful` is a promise: JSON.parse accepts the text, and
   * every wanted field is there exactly once, at these bytes, or not at all. Doubtful is whatever is invalid, not an object,
   * or could be read in two ways: a wanted field twice, or a key that is escaped, not ASCII, or a wanted name in another case
   * (Go's decoders ignore case). Then `parseBody` finds the value or says what is wrong.
   */
  readonly peek: (buffer: Buffer, start: number, end: number, into?: Peeked<Field>) => Peeked<Field> | 'doubtful'
  /**
   * The same answer as `peek`, byte for byte, for less when the body begins like `previous` up to some element of the array
   * `lastElementOf`, or ends like it: bytes that were checked in the same place of the same syntax are only compared.
   * `into` must not be the result of `previous`.
   */
  readonly resume: (
    buffer: Buffer,
    start: number,
    end: number,
    previous: PreviousBody<Field> | undefined,
    into?: Peeked<Field>,
  ) => Peeked<Field> | 'doubtful'
  /** A result of one's own, for `into`: it survives other peeks. */
  readonly createResult: () => Peeked<Field>
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }
type Member = Writable<PeekedMember> & { readonly bytes: Uint8Array; readonly folded: Uint8Array }
type Elements = { count: number; readonly first: Writable<ByteRange>[]; readonly last: Writable<ByteRange> }
type Result<Field extends string> = Writable<Omit<Peeked<Field>, 'elements' | 'reused'>> & {
  readonly list: readonly Member[]
  readonly elements: Elements
  readonly reused: { head: number; rest: number }
  readonly marks: Marks
}

const quote = 0x22
const firstElements = 3

export function createPeek<const Field extends string>(options: PeekOptions<Field>): Peek<Field> {
  for (const field of options.fields) {
    if (!/^[!#-[\]-~]+$/.test(field))
      throw new Error(`Cannot peek at ${JSON.stringify(field)}: a name must be printable ASCII without quotes or backslashes.`)
  }
  if (new Set(options.fields.map((field) => field.toLowerCase())).size !== options.fields.length) {
    throw new Error('Cannot peek at two fields whose names differ only in case.')
  }
  const elementsIndex = options.lastElementOf === undefined ? -1 : options.fields.indexOf(options.lastElementOf)
  // The fields seen so far are the bits of one number.
  const resumable = elementsIndex >= 0 && options.fields.length <= 31
  const names = options.fields.map((name) => ({ name, bytes: Buffer.from(name), folded: Buffer.from(name.toLowerCase()) }))
  const source = createSource()
  const shared = createResult<Field>(names)

  function resume(
    buffer: Buffer,
    start: number,
    end: number,
    previous: PreviousBody<Field> | undefined,
    into: Peeked<Field> = shared,
  ): Peeked<Field> | 'doubtful' {
    const result = into as Result<Field>
    const { marks } = result
    reset(result)
    if (!isUtf8(buffer.subarray(start, end))) return 'doubtful'
    openSource(source, buffer, end)
    let i = -1
    let comma = -1
    let seen = 0
    let last: Member | undefined
    if (resumable && previous !== undefined) {
      i = takeHead(result, buffer, start, end, previous as PreviousBody & { found: Result<Field> })
      if (i >= 0) {
        i = endOfElements(i, result.elements, marks, true)
        if (i < 0) return 'doubtful'
        last = result.list[elementsIndex]!
        last.end = i
        result.memberCount = marks.membersBefore + 1
        for (let index = 0; index < result.list.length; index++) if (result.list[index]!.start >= 0) seen |= 1 << index
        markEnd(marks, i, seen, result.memberCount)
      }
    }
    let resumed = i >= 0
    if (!resumed) {
      const open = skipWhite(buffer, start)
      if (buffer[open] !== 0x7b) return 'doubtful'
      result.start = open
      result.insertAt = open + 1
      i = skipWhite(buffer, open + 1)
    }
    if (!resumed && buffer[i] === 0x7d) i++
    else {
      for (;;) {
        if (!resumed) {
          const keyStart = i
          const keyEnd = endOfPlainKey(buffer, keyStart, end)
          if (keyEnd < 0) return 'doubtful'
          const index = indexOfName(result.list, buffer, keyStart + 1, keyEnd)
          if (index === ambiguous) return 'doubtful'
          if (last !== undefined) last.next = keyStart
          markNextKey(marks, result.memberCount, keyStart)
          i = skipWhite(buffer, keyEnd + 1)
          if (buffer[i] !== 0x3a) return 'doubtful'
          const valueStart = skipWhite(buffer, i + 1)
          if (index >= 0 && index === elementsIndex && buffer[valueStart] === 0x5b) {
            marks.membersBefore = result.memberCount
            i = endOfElements(valueStart + 1, result.elements, marks, false)
          } else i = endOfValue(source, valueStart, maxDepth - 1)
          if (i < 0) return 'doubtful'

          last = undefined
          if (index >= 0) {
            last = result.list[index]!
            if (last.start >= 0) return 'doubtful'
            last.keyStart = keyStart
            last.start = valueStart
            last.end = i
            last.comma = comma
            seen |= 1 << index
          }
          result.memberCount++
          if (result.elements.count >= 0) markEnd(marks, i, seen, result.memberCount)
        }
        resumed = false
        if (resumable && previous !== undefined && result.elements.count >= 0) {
          if (takeRest(result, buffer, i, end, seen, last, previous as PreviousBody & { found: Result<Field> })) return result
        }
        i = skipWhite(buffer, i)
        if (buffer[i] === 0x7d) {
          i++
          break
        }
        if (buffer[i] !== 0x2c) return 'doubtful'
        comma = i
        i = skipWhite(buffer, i + 1)
      }
    }
    result.end = i
    // Every byte up to the closing brace was checked; if that brace lies inside the text, so does everything before it.
    if (i < end) i = Math.min(skipWhite(buffer, i), end)
    return i === end ? result : 'doubtful'
  }

  /** Scans the elements from the first one on, which is at `i` or behind white space; or, when it continues, from where `takeHead` said. */
  function endOfElements(from: number, elements: Elements, marks: Marks, continues: boolean): number {
    const bytes = source.bytes
    let count = continues ? elements.count : 0
    // Behind the last element that was taken over; or in front of the next one.
    let behind = continues && elements.last.end === from
    let i = behind ? from : skipWhite(bytes, from)
    if (!continues && bytes[i] === 0x5d) i++
    else {
      for (;;) {
        if (!behind) {
          const start = i
          i = endOfValue(source, start, maxDepth - 2)
          if (i < 0) return i
          elements.last.start = start
          elements.last.end = i
          if (count < firstElements) {
            elements.first[count]!.start = start
            elements.first[count]!.end = i
          }
          markStart(marks, count, start)
          count++
        }
        behind = false
        i = skipWhite(bytes, i)
        const after = bytes[i++]
        if (after === 0x5d) break
        if (after !== 0x2c) return ~(i - 1)
        i = skipWhite(bytes, i)
      }
    }
    elements.count = count
    return i
  }

  /**
   * Takes over everything up to the last mark before which the two bodies are the same, and says where to go on: behind the array's last
   * element, or at the start of one (never the first, so that one is still to come). -1 when they part before that.
   */
  function takeHead(
    result: Result<Field>,
    buffer: Buffer,
    start: number,
    end: number,
    previous: PreviousBody & { found: Result<Field> },
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
      if (low === 0) return -1
      starts = low
      position = known
      result.elements.count = low << from.stepBits
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
  function takeRest(
    result: Result<Field>,
    buffer: Buffer,
    i: number,
    end: number,
    seen: number,
    last: Member | undefined,
    previous: PreviousBody & { found: Result<Field> },
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

  return {
    peek: (buffer, start, end, into) => resume(buffer, start, end, undefined, into),
    resume,
    createResult: () => createResult(names),
  }
}

/** The last byte of a string, an array or an object. */
function isClosed(byte: number): boolean {
  return byte === quote || byte === 0x7d || byte === 0x5d
}

function copyMember(to: Member, from: Member, shift: number): void {
  to.keyStart = from.keyStart + shift
  to.start = from.start + shift
  to.end = from.end + shift
  to.comma = shifted(from.comma, shift)
  to.next = shifted(from.next, shift)
}

/** The value at those bytes, parsed. */
export function readValue(buffer: Buffer, range: ByteRange): JsonValue {
  return JSON.parse(buffer.toString('utf8', range.start, range.end)) as JsonValue
}

/** The closing quote of the key whose opening one must be at `start`; -1 when it needs decoding or isn't one. */
function endOfPlainKey(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start] !== quote) return -1
  for (let i = start + 1; i < end; i++) {
    const byte = bytes[i]!
    if (byte === quote) return i
    if (byte < 0x20 || byte >= 0x80 || byte === 0x5c) return -1
  }
  return -1
}

const unknown = -1
const ambiguous = -2

function indexOfName(list: readonly Member[], bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  for (let index = 0; index < list.length; index++) {
    const { bytes: name, folded } = list[index]!
    if (name.length !== length) continue
    let exact = true
    let at = 0
    for (; at < length; at++) {
      const byte = bytes[start + at]!
      if (byte === name[at]) continue
      exact = false
      if (toLower(byte) !== folded[at]) break
    }
    if (at === length) return exact ? index : ambiguous
  }
  return unknown
}

function toLower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
}

type Name = { readonly name: string; readonly bytes: Uint8Array; readonly folded: Uint8Array }

function createResult<Field extends string>(names: readonly Name[]): Result<Field> {
  const list = names.map(({ name, bytes, folded }): Member => ({
    name,
    keyStart: -1,
    start: -1,
    end: -1,
    comma: -1,
    next: -1,
    bytes,
    folded,
  }))
  const members = Object.fromEntries(list.map((member) => [member.name, member as PeekedMember])) as Record<Field, PeekedMember>
  const first = Array.from({ length: firstElements }, () => ({ start: -1, end: -1 }))
  return {
    insertAt: -1,
    start: -1,
    end: -1,
    memberCount: 0,
    members,
    list,
    elements: { count: -1, first, last: { start: -1, end: -1 } },
    reused: { head: 0, rest: 0 },
    marks: createMarks(),
  }
}

function reset(result: Result<string>): void {
  result.insertAt = result.start = result.end = -1
  result.memberCount = 0
  for (const member of result.list) member.keyStart = member.start = member.end = member.comma = member.next = -1
  const { elements, reused } = result
  elements.count = elements.last.start = elements.last.end = -1
  for (const element of elements.first) element.start = element.end = -1
  reused.head = reused.rest = 0
  clearMarks(result.marks)
}
