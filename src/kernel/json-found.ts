// What a peek finds, and the memory behind it.
import { clearMarks, createMarks, shifted, type Marks } from './json-marks.ts'

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
  readonly elements: {
    readonly count: number
    readonly first: readonly ByteRange[]
    readonly last: ByteRange
    /** The one at that distance from the end, 0 being the last; undefined when there is none, and of those further away than fifteen. */
    readonly fromEnd: (distance: number) => ByteRange | undefined
  }
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

type Writable<T> = { -readonly [K in keyof T]: T[K] }
export type Member = Writable<PeekedMember> & { readonly bytes: Uint8Array; readonly folded: Uint8Array }
export type Elements = {
  count: number
  readonly first: Writable<ByteRange>[]
  readonly last: Writable<ByteRange>
  /** Of element `index`, while it is among the last: its start at `2 * (index & tailMask)`, and behind that its end. */
  readonly tail: Int32Array
  readonly fromEnd: Peeked['elements']['fromEnd']
}
export type Result<Field extends string> = Writable<Omit<Peeked<Field>, 'elements' | 'reused'>> & {
  readonly list: readonly Member[]
  readonly elements: Elements
  readonly reused: { head: number; rest: number }
  readonly marks: Marks
}

export const firstElements = 3
/** A power of two: an agent's last turn with a dozen tool results behind it. */
export const tailElements = 16
export const tailMask = tailElements - 1

/** A wanted field's name: as it is, and in lower case. */
export type Name = { readonly name: string; readonly bytes: Uint8Array; readonly folded: Uint8Array }

export function createResult<Field extends string>(names: readonly Name[]): Result<Field> {
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
  return {
    insertAt: -1,
    start: -1,
    end: -1,
    memberCount: 0,
    members,
    list,
    elements: createElements(),
    reused: { head: 0, rest: 0 },
    marks: createMarks(),
  }
}

export function resetResult(result: Result<string>): void {
  result.insertAt = result.start = result.end = -1
  result.memberCount = 0
  for (const member of result.list) member.keyStart = member.start = member.end = member.comma = member.next = -1
  const { elements, reused } = result
  elements.count = elements.last.start = elements.last.end = -1
  for (const element of elements.first) element.start = element.end = -1
  reused.head = reused.rest = 0
  clearMarks(result.marks)
}

function createElements(): Elements {
  const tail = new Int32Array(2 * tailElements)
  const elements: Elements = {
    count: -1,
    first: Array.from({ length: firstElements }, () => ({ start: -1, end: -1 })),
    last: { start: -1, end: -1 },
    tail,
    fromEnd(distance) {
      if (distance < 0 || distance >= tailElements || distance >= elements.count) return undefined
      const at = 2 * ((elements.count - 1 - distance) & tailMask)
      return { start: tail[at]!, end: tail[at + 1]! }
    },
  }
  return elements
}

export function copyMember(to: Member, from: Member, shift: number): void {
  to.keyStart = from.keyStart + shift
  to.start = from.start + shift
  to.end = from.end + shift
  to.comma = shifted(from.comma, shift)
  to.next = shifted(from.next, shift)
}
