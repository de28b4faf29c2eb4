// Answers kept in memory for requests that are the same: bounded by bytes, the least recently used go first, each has its age.
import type { Finish, Usage } from '#ir'
import { createFlights, type Flights } from './flights.ts'

/** A complete answer. */
export type CachedAnswer = {
  /** Whole, in the client's wire, with a cost of 0; in memory of its own, since a slice would keep all of what it is a slice of. Never written to. */
  readonly body: Buffer
  /** Who gave it. */
  readonly provider: string
  readonly model: string
  readonly finish: Finish | undefined
  readonly usage: Usage | undefined
}

export type CacheStats = {
  readonly entries: number
  readonly bytes: number
  readonly maxBytes: number
  readonly hits: number
  readonly misses: number
  readonly stored: number
  /** Left out for others, before they were too old. */
  readonly evicted: number
  /** Requests that wait for another one's answer. */
  readonly waiting: number
}

export interface ResponseCache {
  get(key: string): CachedAnswer | undefined
  /** False: it is too large to be kept. An earlier answer of the same key is gone in either case. */
  put(key: string, answer: CachedAnswer, maxAgeMs: number): boolean
  readonly flights: Flights<CachedAnswer>
  stats(): CacheStats
}

/** Of an entry, beside its body: the key, the map's slot, the objects. */
const entryBytes = 1024
/** One answer's share of the room, at most. */
const largestShare = 8

type Entry = { readonly answer: CachedAnswer; readonly bytes: number; readonly untilMs: number }

/** `clock`: monotonic milliseconds. */
export function createResponseCache(maxBytes: number, clock: () => number = () => performance.now()): ResponseCache {
  /** The least recently used one first. */
  const entries = new Map<string, Entry>()
  const flights = createFlights<CachedAnswer>()
  let bytes = 0
  let hits = 0
  let misses = 0
  let stored = 0
  let evicted = 0

  function drop(key: string, entry: Entry): void {
    entries.delete(key)
    bytes -= entry.bytes
  }

  return {
    get(key) {
      const entry = entries.get(key)
      if (entry === undefined || entry.untilMs <= clock()) {
        if (entry !== undefined) drop(key, entry)
        misses++
        return undefined
      }
      entries.delete(key)
      entries.set(key, entry)
      hits++
      return entry.answer
    },
    put(key, answer, maxAgeMs) {
      const earlier = entries.get(key)
      if (earlier !== undefined) drop(key, earlier)
      const size = answer.body.length + entryBytes
      if (size > maxBytes / largestShare) return false
      const nowMs = clock()
      entries.set(key, { answer, bytes: size, untilMs: nowMs + maxAgeMs })
      bytes += size
      stored++
      for (const [oldest, entry] of entries) {
        if (bytes <= maxBytes) break
        drop(oldest, entry)
        if (entry.untilMs > nowMs) evicted++
      }
      return true
    },
    flights,
    stats: () => ({ entries: entries.size, bytes, maxBytes, hits, misses, stored, evicted, waiting: flights.waiting }),
  }
}
