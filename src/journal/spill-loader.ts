// Follows the payload segments into the store, and deletes each once it is loaded.
import { existsSync, rmSync } from 'node:fs'
import type { RecordStore } from '#store'
import { decodePayload } from './payload-entry.ts'
import { openSegmentReader, segmentHeadBytes, segmentPath, type SegmentName, type SegmentReader } from './segments.ts'

export type SpillLoader = {
  /** Reads on towards an offset of a segment, about `maxBytes`. True: it is there. */
  load(to: { segment: number; offset: number }, maxBytes: number): boolean
  /** After a commit: deletes the segments left behind. */
  committed(): void
  /** After a rollback. */
  rewind(): void
  readonly position: { segment: number; offset: number }
}

export function createSpillLoader(dir: string, generation: number, store: RecordStore, onUnreadable: (error: Error) => void): SpillLoader {
  let position = { segment: 1, offset: segmentHeadBytes }
  let saved = position
  let firstKept = 1
  let reader: SegmentReader | undefined

  return {
    load(to, maxBytes) {
      let budget = maxBytes
      while (budget > 0 && to.segment > 0) {
        reader ??= openSpill(dir, { generation, segment: position.segment })
        const same = position.segment === to.segment
        const end = same ? to.offset : (reader?.size() ?? 0)
        if (reader !== undefined && position.offset < end) {
          const next = reader.read(
            position.offset,
            end,
            budget,
            (record) => loadPayload(record, store, onUnreadable),
            () => undefined,
          )
          budget -= next - position.offset
          position = { ...position, offset: next }
          if (next < end) return false
        }
        if (same) return true
        reader?.close()
        reader = undefined
        position = { segment: position.segment + 1, offset: segmentHeadBytes }
      }
      return to.segment === 0
    },
    committed() {
      saved = position
      for (; firstKept < saved.segment; firstKept++)
        rmSync(segmentPath(dir, 'payloads', { generation, segment: firstKept }), { force: true })
    },
    rewind() {
      reader?.close()
      reader = undefined
      position = saved
    },
    get position() {
      return position
    },
  }
}

/** All of one finished segment, for recovery. */
export function loadSpill(dir: string, name: SegmentName, store: RecordStore, onUnreadable: (error: Error) => void): void {
  const reader = openSpill(dir, name)
  if (reader === undefined) return
  reader.read(
    0,
    reader.size(),
    Infinity,
    (record) => loadPayload(record, store, onUnreadable),
    () => undefined,
  )
  reader.close()
}

function openSpill(dir: string, name: SegmentName): SegmentReader | undefined {
  const path = segmentPath(dir, 'payloads', name)
  return existsSync(path) ? openSegmentReader(path, 'payloads') : undefined
}

function loadPayload(record: Buffer, store: RecordStore, onUnreadable: (error: Error) => void): void {
  try {
    const { id, part, session, body } = decodePayload(record)
    store.addPayload(id, part, session, body, Date.now())
  } catch (error) {
    if (isStoreError(error)) throw error
    onUnreadable(error as Error)
  }
}

/** An error of the database or of the disk, to be tried again; anything else is the record's own. */
function isStoreError(error: unknown): boolean {
  const { code, errno } = error as { code?: string; errno?: number }
  return code === 'ERR_SQLITE_ERROR' || errno !== undefined
}
