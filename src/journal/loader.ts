// Follows the journal's segments into the store. Everything here happens inside the caller's transaction; positions move at its commit.
import { existsSync } from 'node:fs'
import {
  decodeFinish,
  decodeFinishSummary,
  encodeFinish,
  recordId,
  RecordWriter,
  recordType,
  type FinishRecord,
  type FinishSummary,
  type JournalPosition,
  type OpenRequest,
  type RecordStore,
} from '#store'
import { lacksUsage, withEstimatedUsage, type CountTokens } from './estimate.ts'
import { openSegmentReader, segmentHeadBytes, segmentPath, type SegmentName, type SegmentReader } from './segments.ts'

export type LoaderDeps = {
  readonly dir: string
  readonly store: RecordStore
  readonly countTokens: CountTokens
  /** A record or a stretch of a segment that cannot be read. */
  readonly onDamage: (path: string, at: number, bytes: number) => void
  readonly onUnreadable: (error: Error) => void
}

export type Loader = {
  /** Reads on towards [segment, offset) of a generation, about `maxBytes`. True: it is there. */
  load(to: JournalPosition, maxBytes: number): boolean
  readonly position: JournalPosition
  /** Finished records loaded since the loader was made. */
  readonly loaded: number
  /** Requests without an end, in the order of their reserve records. */
  openRequests(): Iterable<OpenRequest>
  /** After a rollback, and at start: takes up where the last commit left off. */
  restore(): void
  close(): void
}

type Open = {
  readonly id: string
  reserve: Buffer
  /** `reserve` is a view of what the segment's reader read: most requests end before it reads on. */
  borrowed: boolean
  progress: Buffer | undefined
  stashed: boolean
}

export function createLoader(deps: LoaderDeps): Loader {
  const { dir, store, countTokens, onDamage, onUnreadable } = deps
  const open = new Map<string, Open>()
  const reencoded = new RecordWriter(0)
  let position: JournalPosition = { generation: 0, segment: 0, offset: 0 }
  let reader: SegmentReader | undefined
  let loaded = 0

  function openSegment(name: SegmentName): SegmentReader | undefined {
    const path = segmentPath(dir, 'journal', name)
    return existsSync(path) ? openSegmentReader(path, 'journal') : undefined
  }

  function damage(at: number, bytes: number): void {
    onDamage(segmentPath(dir, 'journal', position), at, bytes)
  }

  /** What a record says about which requests are running. */
  function track(record: Buffer): void {
    const id = recordId(record)
    const type = record[0]
    if (type === recordType.finish) {
      open.delete(id)
    } else if (type === recordType.reserve) {
      open.set(id, { id, reserve: record, borrowed: true, progress: undefined, stashed: false })
    } else if (type === recordType.progress) {
      const running = open.get(id)
      if (running === undefined) return
      running.progress = Buffer.from(record)
      running.stashed = false
    }
  }

  /** Before the reader reads on, and when it is left. */
  function own(): void {
    for (const running of open.values()) {
      if (!running.borrowed) continue
      running.reserve = Buffer.from(running.reserve)
      running.borrowed = false
    }
  }

  function load(record: Buffer): void {
    if (record[0] !== recordType.finish) {
      track(record)
      return
    }
    const id = recordId(record)
    const running = open.get(id)
    if (running !== undefined) {
      open.delete(id)
      if (running.stashed || running.progress !== undefined) store.unstash(id)
    }
    let counted: FinishRecord | undefined
    let summary: FinishSummary
    try {
      summary = decodeFinishSummary(record)
      if (lacksUsage(summary)) counted = decodeFinish(record)
    } catch (error) {
      onUnreadable(error as Error)
      return
    }
    if (counted === undefined) {
      store.addFinished(summary, record)
    } else {
      counted = withEstimatedUsage(counted, countTokens)
      store.addFinished(counted, encoded(counted))
    }
    loaded++
  }

  function encoded(record: FinishRecord): Buffer {
    reencoded.release()
    encodeFinish(reencoded, record)
    return reencoded.bytes.subarray(8, reencoded.length)
  }

  /** A segment is left for the next one: what runs on is stashed, so that the segment can be deleted. */
  function leaveSegment(): void {
    reader?.close()
    reader = undefined
    for (const running of open.values()) {
      if (running.stashed) continue
      store.stash(running)
      running.stashed = true
    }
  }

  return {
    load(to, maxBytes) {
      let budget = maxBytes
      while (budget > 0) {
        const sameSegment = position.generation === to.generation && position.segment === to.segment
        reader ??= openSegment(position)
        const end = sameSegment ? to.offset : (reader?.size() ?? 0)
        if (reader !== undefined && position.offset < end) {
          const next = reader.read(position.offset, end, budget, load, damage, own)
          own()
          budget -= next - position.offset
          position = { ...position, offset: next }
          if (next < end) return false
        }
        if (sameSegment) return true
        leaveSegment()
        const segment = position.generation === to.generation ? position.segment + 1 : 1
        position = { generation: to.generation, segment, offset: segmentHeadBytes }
      }
      return false
    },
    get position() {
      return position
    },
    get loaded() {
      return loaded
    },
    openRequests: () => open.values(),
    restore() {
      reader?.close()
      reader = undefined
      open.clear()
      position = store.position()
      for (const stashed of store.stashed()) open.set(stashed.id, { ...stashed, borrowed: false, stashed: true })
      reader = openSegment(position)
      // The part before the position is in the store: it only tells which requests are running.
      reader?.read(0, position.offset, Infinity, track, () => undefined, own)
      own()
    },
    close() {
      reader?.close()
      reader = undefined
    },
  }
}
