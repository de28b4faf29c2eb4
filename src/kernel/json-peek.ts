// Finds a few top-level fields of a JSON body where they lie, without parsing it; says `doubtful` rather than guess.
import { isUtf8 } from 'node:buffer'
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
  /** A result of one's own, for `into`: it survives other peeks. */
  readonly createResult: () => Peeked<Field>
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }
type Member = Writable<PeekedMember> & { readonly bytes: Uint8Array; readonly folded: Uint8Array }
type Elements = { count: number; readonly first: Writable<ByteRange>[]; readonly last: Writable<ByteRange> }
type Result<Field extends string> = Writable<Omit<Peeked<Field>, 'elements'>> & {
  readonly list: readonly Member[]
  readonly elements: Elements
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
  const source = createSource()
  const shared = createResult(options.fields)

  function peek(buffer: Buffer, start: number, end: number, into: Peeked<Field> = shared): Peeked<Field> | 'doubtful' {
    const result = into as Result<Field>
    reset(result)
    if (!isUtf8(buffer.subarray(start, end))) return 'doubtful'
    openSource(source, buffer, end)
    const open = skipWhite(buffer, start)
    if (buffer[open] !== 0x7b) return 'doubtful'
    result.start = open
    result.insertAt = open + 1
    let i = skipWhite(buffer, open + 1)
    let comma = -1
    let previous: Member | undefined
    if (buffer[i] === 0x7d) i++
    else {
      for (;;) {
        const keyStart = i
        const keyEnd = endOfPlainKey(buffer, keyStart, end)
        if (keyEnd < 0) return 'doubtful'
        const index = indexOfName(result.list, buffer, keyStart + 1, keyEnd)
        if (index === ambiguous) return 'doubtful'
        if (previous !== undefined) previous.next = keyStart
        i = skipWhite(buffer, keyEnd + 1)
        if (buffer[i] !== 0x3a) return 'doubtful'
        const valueStart = skipWhite(buffer, i + 1)
        if (index >= 0 && index === elementsIndex && buffer[valueStart] === 0x5b) i = endOfElements(valueStart, result.elements)
        else i = endOfValue(source, valueStart, maxDepth - 1)
        if (i < 0) return 'doubtful'

        previous = undefined
        if (index >= 0) {
          previous = result.list[index]!
          if (previous.start >= 0) return 'doubtful'
          previous.keyStart = keyStart
          previous.start = valueStart
          previous.end = i
          previous.comma = comma
        }
        result.memberCount++
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

  function endOfElements(open: number, elements: Elements): number {
    const bytes = source.bytes
    let count = 0
    let i = skipWhite(bytes, open + 1)
    if (bytes[i] === 0x5d) i++
    else {
      for (;;) {
        const start = i
        i = endOfValue(source, start, maxDepth - 2)
        if (i < 0) return i
        elements.last.start = start
        elements.last.end = i
        if (count < firstElements) {
          elements.first[count]!.start = start
          elements.first[count]!.end = i
        }
        count++
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

  return { peek, createResult: () => createResult(options.fields) }
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

function createResult<Field extends string>(fields: readonly Field[]): Result<Field> {
  const list = fields.map((name): Member => {
    const bytes = Buffer.from(name)
    return { name, keyStart: -1, start: -1, end: -1, comma: -1, next: -1, bytes, folded: Buffer.from(name.toLowerCase()) }
  })
  const members = Object.fromEntries(list.map((member) => [member.name, member as PeekedMember])) as Record<Field, PeekedMember>
  const first = Array.from({ length: firstElements }, () => ({ start: -1, end: -1 }))
  return { insertAt: -1, start: -1, end: -1, memberCount: 0, members, list, elements: { count: -1, first, last: { start: -1, end: -1 } } }
}

function reset(result: Result<string>): void {
  result.insertAt = result.start = result.end = -1
  result.memberCount = 0
  for (const member of result.list) member.keyStart = member.start = member.end = member.comma = member.next = -1
  const { elements } = result
  elements.count = elements.last.start = elements.last.end = -1
  for (const element of elements.first) element.start = element.end = -1
}
