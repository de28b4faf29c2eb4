// The latest bodies of conversations, kept so that the next one, which repeats them, is scanned only where it differs.
import { crc32 } from 'node:zlib'
import type { BufferPool, Peek, PreviousBody } from '#kernel'
import { sessionHeader } from '#policy'
import type { Arrival } from './arrival.ts'

/** A smaller body is scanned faster than its predecessor is found. */
export const minHistoryBytes = 8 << 10
const maxKeptBytes = 32 << 20
const maxKeptTurns = 512
/** A larger buffer would push too many conversations out. */
const maxBufferBytes = 4 << 20
const maxAgeMs = 5 * 60_000
/** Per name: branches of one conversation, and conversations that cannot be told apart before they are read. */
const maxBranches = 4
/** What tells conversations apart when no header does. */
const openingBytes = 1024
const maxSpareResults = 32
/** Names that came once. Keeping their bodies already would send a flood of unrelated requests through ever more cold memory. */
const maxNewNames = 2048

/** A request body that was peeked. Its request owns the buffer until it is kept or given back. */
export type Turn<Field extends string = string> = PreviousBody<Field> & {
  readonly name: string
  /** The kept turn that this one repeats as a whole. */
  grewFrom: Turn<Field> | undefined
  keptMs: number
}

type Remembered = Pick<Arrival, 'key' | 'headers' | 'buffer' | 'bodyStart' | 'bodyEnd'>

export interface Histories<Field extends string = string> {
  /** Peeks at the body of this request; reads bytes of kept turns only before it returns. */
  peek(arrival: Remembered): Turn<Field> | 'doubtful'
  /** Takes the turn's buffer over, for this or for the pool. Its bytes are the original ones again, and nobody else reads or writes it any more. */
  keep(turn: Turn<Field>, nowMs: number): void
}

export function createHistories<Field extends string>(peek: Peek<Field>, buffers: BufferPool): Histories<Field> {
  /** Least recently used first. */
  const kept = new Set<Turn<Field>>()
  const byName = new Map<string, Turn<Field>[]>()
  /** Two generations: forgetting one by one would cost a walk past all that were deleted before. */
  let newNames = new Set<string>()
  let olderNames = new Set<string>()
  const spare: Turn<Field>['found'][] = []
  let keptBytes = 0

  function isNew(name: string): boolean {
    if (byName.has(name) || newNames.has(name) || olderNames.has(name)) return false
    if (newNames.size === maxNewNames) {
      olderNames = newNames
      newNames = new Set()
    }
    newNames.add(name)
    return true
  }

  function giveBack({ buffer, found }: Turn<Field>): void {
    buffers.give(buffer)
    if (spare.length < maxSpareResults) spare.push(found)
  }

  function drop(turn: Turn<Field>): void {
    if (!kept.delete(turn)) return
    keptBytes -= turn.buffer.length
    const branches = byName.get(turn.name)!
    if (branches.length === 1) byName.delete(turn.name)
    else branches.splice(branches.indexOf(turn), 1)
    giveBack(turn)
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
        kept.delete(previous)
        kept.add(previous)
        // Less in common, the instructions for example, and they are two conversations or two branches of one.
        if (found.reused.head === previous.found.elements.last.end - previous.start) turn.grewFrom = previous
      }
      return turn
    },
    keep(turn, nowMs) {
      const { buffer, name, grewFrom } = turn
      turn.grewFrom = undefined
      if (isNew(name) || buffer.length > maxBufferBytes) {
        giveBack(turn)
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
      kept.add(turn)
      keptBytes += buffer.length
      for (const oldest of kept) {
        if (keptBytes <= maxKeptBytes && kept.size <= maxKeptTurns && nowMs - oldest.keptMs <= maxAgeMs) break
        drop(oldest)
      }
    },
  }
}

/** One gateway key never sees what another one has sent, not even by how long it takes. */
function nameOf({ key, headers, buffer, bodyStart, bodyEnd }: Remembered): string {
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
