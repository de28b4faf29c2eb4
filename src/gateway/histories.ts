// The latest bodies of conversations, kept so that the next one, which repeats them, is scanned only where it differs.
import { crc32 } from 'node:zlib'
import type { BufferPool, Peek, PreviousBody } from '#kernel'
import { sessionHeader } from '#policy'
import type { Arrival } from './port.ts'

/** A smaller body is scanned faster than its predecessor is found. */
export const minHistoryBytes = 8 << 10
const maxKeptBytes = 32 << 20
/** Of these, for turns that repeat nothing: a flood of new conversations must not push the lively ones out, nor go through ever more memory. */
const maxNewBytes = 8 << 20
/** A larger buffer would push too many conversations out. */
const maxBufferBytes = 4 << 20
const maxAgeMs = 5 * 60_000
/** Per name: branches of one conversation, and conversations that cannot be told apart before they are read. */
const maxBranches = 4
/** What tells conversations apart when no header does. */
const openingBytes = 1024
const maxSpareResults = 32

/** A request body that was peeked. Its request owns the buffer until it is kept or given back. */
export type Turn<Field extends string = string> = PreviousBody<Field> & {
  readonly name: string
  /** The kept turn that this one repeats as a whole. */
  grewFrom: Turn<Field> | undefined
  keptMs: number
}

/** Least recently used first. */
type Shelf<Field extends string> = { readonly turns: Set<Turn<Field>>; readonly maxBytes: number; bytes: number }

export interface Histories<Field extends string = string> {
  /** Peeks at the body of this request; reads bytes of kept turns only before it returns. */
  peek(arrival: Arrival): Turn<Field> | 'doubtful'
  /** Takes the turn's buffer over. Its bytes are the original ones again, and nobody else reads or writes it any more. */
  keep(turn: Turn<Field>, nowMs: number): void
}

export function createHistories<Field extends string>(peek: Peek<Field>, buffers: BufferPool): Histories<Field> {
  const firsts: Shelf<Field> = { turns: new Set(), maxBytes: maxNewBytes, bytes: 0 }
  const others: Shelf<Field> = { turns: new Set(), maxBytes: maxKeptBytes - maxNewBytes, bytes: 0 }
  const byName = new Map<string, Turn<Field>[]>()
  const spare: Turn<Field>['found'][] = []

  /** False when it is not kept any more. */
  function takeOff(turn: Turn<Field>): boolean {
    const shelf = firsts.turns.has(turn) ? firsts : others
    if (!shelf.turns.delete(turn)) return false
    shelf.bytes -= turn.buffer.length
    return true
  }

  function putOn(shelf: Shelf<Field>, turn: Turn<Field>, nowMs: number): void {
    shelf.turns.add(turn)
    shelf.bytes += turn.buffer.length
    for (const oldest of shelf.turns) {
      if (shelf.bytes <= shelf.maxBytes && nowMs - oldest.keptMs <= maxAgeMs) break
      drop(oldest)
    }
  }

  function drop(turn: Turn<Field>): void {
    if (!takeOff(turn)) return
    const branches = byName.get(turn.name)!
    if (branches.length === 1) byName.delete(turn.name)
    else branches.splice(branches.indexOf(turn), 1)
    buffers.give(turn.buffer)
    if (spare.length < maxSpareResults) spare.push(turn.found)
  }

  return {
    peek(arrival) {
      const { buffer, bodyStart: start, bodyEnd: end } = arrival
      const name = nameOf(arrival)
      const branches = byName.get(name)
      const previous = branches === undefined ? undefined : closestOf(branches, buffer, start, end)
      const own = spare.pop() ?? peek.createResult()
      const found = peek.resume(buffer, start, end, previous, own)
      if (found === 'doubtful') {
        spare.push(own)
        return found
      }
      const turn: Turn<Field> = { buffer, start, end, found, name, grewFrom: undefined, keptMs: 0 }
      if (previous !== undefined) {
        // Read just now: it goes to the end of the queue, and is no new one any more.
        if (found.reused.head > 0 && takeOff(previous)) putOn(others, previous, previous.keptMs)
        // Less in common, the instructions for example, and they are two conversations or two branches of one.
        if (found.reused.head === previous.found.elements.last.end - previous.start) turn.grewFrom = previous
      }
      return turn
    },
    keep(turn, nowMs) {
      const { buffer, name, grewFrom } = turn
      turn.grewFrom = undefined
      if (buffer.length > maxBufferBytes) {
        buffers.give(buffer)
        return
      }
      turn.keptMs = nowMs
      // Another request that grew from the same turn may have replaced it already: then this one is a branch.
      if (grewFrom !== undefined) drop(grewFrom)
      const branches = byName.get(name)
      if (branches === undefined) byName.set(name, [turn])
      else {
        branches.push(turn)
        if (branches.length > maxBranches) drop(branches[0]!)
      }
      putOn(turn.found.reused.head > 0 ? others : firsts, turn, nowMs)
    },
  }
}

/** One gateway key never sees what another one has sent, not even by how long it takes. */
function nameOf({ key, headers, buffer, bodyStart, bodyEnd }: Arrival): string {
  return `${key.id} ${sessionHeader(headers) ?? crc32(buffer.subarray(bodyStart, Math.min(bodyEnd, bodyStart + openingBytes)))}`
}

/** The longest of those that the body repeats as a whole; else the latest. */
function closestOf<Field extends string>(branches: readonly Turn<Field>[], buffer: Buffer, start: number, end: number): Turn<Field> {
  let closest = branches.at(-1)!
  if (branches.length === 1) return closest
  let longest = 0
  for (const turn of branches) {
    const upTo = turn.found.elements.last.end
    const length = upTo - turn.start
    if (length <= longest || length > end - start) continue
    if (turn.buffer.compare(buffer, start, start + length, turn.start, upTo) !== 0) continue
    longest = length
    closest = turn
  }
  return closest
}
