// Sets and removes top-level members of a JSON body where it lies, moving as little as possible; can be taken back.
import type { Peeked, PeekedMember } from './json-found.ts'

/** Sets a peeked field to a JSON text (in place, or as a new member when it is absent), or removes it when `json` is undefined. */
export type MemberEdit<Field extends string = string> = { readonly field: Field; readonly json: string | undefined }

/** An edited body: `buffer` from `start` to `end`. `buffer` is the original one unless there was no room in it. */
export type SplicedBody = { readonly buffer: Buffer; readonly start: number; readonly end: number }

export type Splicer<Field extends string = string> = {
  /** Takes the previous splice back, then applies these edits to the original body. An edit that changes nothing is fine. */
  readonly splice: (edits: readonly MemberEdit<Field>[]) => SplicedBody
  /** Makes the body what it was, byte for byte. */
  readonly restore: () => void
}

/** Replace the bytes `start` to `end` of the original by `bytes`. */
type Cut = { readonly start: number; readonly end: number; readonly bytes: Buffer }
/** Bytes of the original between two cuts, and how far they move. */
type Piece = { readonly start: number; readonly end: number; readonly by: number }

/**
 * For the body in `buffer` from `start` to `end`, as `peeked` found it; `peeked` must stay as it is for the splicer's life. The bytes
 * of `buffer` before and behind the body are free to use. While a splice is in place a socket may still be reading it: splice
 * again only when the earlier attempt has sent its body or its socket is destroyed.
 */
export function createSplicer<Field extends string>(buffer: Buffer, start: number, end: number, peeked: Peeked<Field>): Splicer<Field> {
  let undo: { readonly pieces: readonly Piece[]; readonly cuts: readonly Cut[]; readonly old: readonly Buffer[] } | undefined

  function restore(): void {
    if (undo === undefined) return
    const { pieces, cuts, old } = undo
    undo = undefined
    move(
      buffer,
      pieces.map((piece) => ({ start: piece.start + piece.by, end: piece.end + piece.by, by: -piece.by })),
    )
    cuts.forEach((cut, index) => old[index]!.copy(buffer, cut.start))
  }

  function splice(edits: readonly MemberEdit<Field>[]): SplicedBody {
    restore()
    const cuts = edits.length === 1 ? cutOfOne(peeked, edits[0]!) : planCuts(peeked, edits)
    if (cuts.length === 0) return { buffer, start, end }
    const pieces = placePieces(cuts, start, end, buffer.length)
    if (pieces === undefined) return copyEdited(buffer, start, end, cuts)
    undo = { pieces, cuts, old: cuts.map((cut) => Buffer.from(buffer.subarray(cut.start, cut.end))) }
    move(buffer, pieces)
    cuts.forEach((cut, index) => cut.bytes.copy(buffer, pieces[index]!.end + pieces[index]!.by))
    return { buffer, start: start + pieces[0]!.by, end: end + pieces.at(-1)!.by }
  }

  return { splice, restore }
}

/** The usual splice is one new value for a field that is there. */
function cutOfOne<Field extends string>(peeked: Peeked<Field>, edit: MemberEdit<Field>): Cut[] {
  const { start, end } = peeked.members[edit.field]
  return start < 0 || edit.json === undefined ? planCuts(peeked, [edit]) : [{ start, end, bytes: Buffer.from(edit.json) }]
}

/** The edits as cuts in order of position, with the commas that they need. */
function planCuts<Field extends string>(peeked: Peeked<Field>, edits: readonly MemberEdit<Field>[]): Cut[] {
  const cuts: Cut[] = []
  const removed: PeekedMember[] = []
  const seen = new Set<string>()
  let inserted = ''
  for (const { field, json } of edits) {
    const member = peeked.members[field]
    if (seen.has(field)) throw new Error(`Two edits of the field "${field}" in one splice.`)
    seen.add(field)
    if (member.start >= 0) {
      if (json === undefined) removed.push(member)
      else cuts.push({ start: member.start, end: member.end, bytes: Buffer.from(json) })
    } else if (json !== undefined) {
      inserted += `${inserted === '' ? '' : ','}"${field}":${json}`
    }
  }
  removed.sort((a, b) => a.start - b.start)
  // A member takes the comma before it along. Those removed from the front have none before them, and take the one behind.
  let front = -1
  for (const member of removed) {
    if (member.comma === -1 || member.keyStart === front) {
      front = member.next
      cuts.push({ start: member.keyStart, end: member.next === -1 ? member.end : member.next, bytes: nothing })
    } else {
      cuts.push({ start: member.comma, end: member.end, bytes: nothing })
    }
  }
  cuts.sort((a, b) => a.start - b.start)
  if (inserted !== '') {
    if (peeked.memberCount > removed.length) inserted += ','
    cuts.unshift({ start: peeked.insertAt, end: peeked.insertAt, bytes: Buffer.from(inserted) })
  }
  return cuts
}

const nothing = Buffer.alloc(0)

/** Which piece stays and how far the others move: the way that moves fewest bytes and has room; undefined when there is no room. */
function placePieces(cuts: readonly Cut[], start: number, end: number, room: number): Piece[] | undefined {
  if (cuts.length === 1) return placeAround(cuts[0]!, start, end, room)
  const bounds = [start, ...cuts.flatMap((cut) => [cut.start, cut.end]), end]
  // What the cuts before piece `index` add, in bytes.
  const growth = [0]
  for (const cut of cuts) growth.push(growth.at(-1)! + cut.bytes.length - (cut.end - cut.start))
  let best: Piece[] | undefined
  let bestMoved = Infinity
  for (let fixed = 0; fixed < growth.length; fixed++) {
    const pieces = growth.map((grown, index) => ({ start: bounds[2 * index]!, end: bounds[2 * index + 1]!, by: grown - growth[fixed]! }))
    if (start + pieces[0]!.by < 0 || end + pieces.at(-1)!.by > room) continue
    const moved = pieces.reduce((sum, piece) => sum + (piece.by === 0 ? 0 : piece.end - piece.start), 0)
    if (moved >= bestMoved) continue
    best = pieces
    bestMoved = moved
  }
  return best
}

/** The same for one cut: the shorter side moves, if it can. */
function placeAround(cut: Cut, start: number, end: number, room: number): Piece[] | undefined {
  const growth = cut.bytes.length - (cut.end - cut.start)
  const left = { start, end: cut.start }
  const right = { start: cut.end, end }
  const leftFits = start - growth >= 0
  const rightFits = end + growth <= room
  if (leftFits && (cut.start - start <= end - cut.end || !rightFits))
    return [
      { ...left, by: -growth },
      { ...right, by: 0 },
    ]
  return rightFits
    ? [
        { ...left, by: 0 },
        { ...right, by: growth },
      ]
    : undefined
}

/** Pieces keep their order, so moving left ones from the left and right ones from the right never runs over one not yet moved. */
function move(buffer: Buffer, pieces: readonly Piece[]): void {
  for (const { start, end, by } of pieces) if (by < 0) buffer.copyWithin(start + by, start, end)
  for (let index = pieces.length - 1; index >= 0; index--) {
    const { start, end, by } = pieces[index]!
    if (by > 0) buffer.copyWithin(start + by, start, end)
  }
}

function copyEdited(buffer: Buffer, start: number, end: number, cuts: readonly Cut[]): SplicedBody {
  const parts: Buffer[] = []
  let from = start
  for (const cut of cuts) {
    parts.push(buffer.subarray(from, cut.start), cut.bytes)
    from = cut.end
  }
  parts.push(buffer.subarray(from, end))
  const edited = Buffer.concat(parts)
  return { buffer: edited, start: 0, end: edited.length }
}
