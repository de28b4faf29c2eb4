// Finds a few top-level fields of a JSON body where they lie, without parsing it; says `doubtful` rather than guess.
import { isUtf8 } from 'node:buffer'
import {
  createResult,
  firstElements,
  resetResult,
  tailMask,
  type Elements,
  type Member,
  type Peeked,
  type PreviousBody,
  type Result,
} from './json-found.ts'
import { markEnd, markNextKey, markStart, type Marks } from './json-marks.ts'
import { takeHead, takeRest, type PreviousResult } from './json-resume.ts'
import { createSource, endOfValue, maxDepth, openSource, skipWhite } from './json-scan.ts'

export type PeekOptions<Field extends string> = {
  /** Top-level names, printable ASCII. */
  readonly fields: readonly Field[]
  /** A field, usually an array, whose first three elements and last sixteen are wanted too. */
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

const quote = 0x22

/** Whether `createPeek` takes these names. */
export function canPeekAt(names: readonly string[]): boolean {
  return names.every(isPlainName) && differInMoreThanCase(names)
}

function isPlainName(name: string): boolean {
  return /^[!#-[\]-~]+$/.test(name)
}

function differInMoreThanCase(names: readonly string[]): boolean {
  return new Set(names.map((name) => name.toLowerCase())).size === names.length
}

export function createPeek<const Field extends string>(options: PeekOptions<Field>): Peek<Field> {
  for (const field of options.fields) {
    if (!isPlainName(field))
      throw new Error(`Cannot peek at ${JSON.stringify(field)}: a name must be printable ASCII without quotes or backslashes.`)
  }
  if (!differInMoreThanCase(options.fields)) {
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
    resetResult(result)
    if (!isUtf8(buffer.subarray(start, end))) return 'doubtful'
    openSource(source, buffer, end)
    let i = -1
    let comma = -1
    let seen = 0
    let last: Member | undefined
    if (resumable && previous !== undefined) {
      i = takeHead(elementsIndex, result, buffer, start, end, previous as PreviousResult<Field>)
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
          if (takeRest(result, buffer, i, end, seen, last, previous as PreviousResult<Field>)) return result
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
    const { bytes } = source
    const { tail } = elements
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
          const at = 2 * (count & tailMask)
          tail[at] = start
          tail[at + 1] = i
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

  return {
    peek: (buffer, start, end, into) => resume(buffer, start, end, undefined, into),
    resume,
    createResult: () => createResult(names),
  }
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
