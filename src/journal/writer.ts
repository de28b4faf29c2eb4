// The writer: journal, ring and payload segments into the store, one transaction per batch; retention. Synchronous, thread or not.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createRecordStore, openRecordDatabase, type LoggingMode, type RetentionLimits } from '#store'
import type { Control } from './control.ts'
import { createTokenCounter } from './estimate.ts'
import { createLoader } from './loader.ts'
import { payloadParts } from './payload-entry.ts'
import type { SharedBody } from './port.ts'
import { recover, type RecoverySummary } from './recovery.ts'
import { createRingConsumer } from './ring.ts'
import { listSegments, segmentPath } from './segments.ts'
import { createSpillLoader } from './spill-loader.ts'

export type WriterOptions = {
  readonly home: string
  readonly logging: LoggingMode
  readonly retention: RetentionLimits
  readonly control: Control
  readonly ring: SharedArrayBuffer
  readonly onTrouble: (error: Error) => void
  /** Bodies that were taken are stored. */
  readonly onStored?: (bytes: number) => void
}

export type Writer = {
  readonly recovery: RecoverySummary
  /** The generation that this process' journal writes. */
  readonly generation: number
  /**
   * Loads everything published before the call; returns how many finished requests that were. Throws when the store refuses it: nothing
   * is lost, and the next call tries again.
   */
  drain(): number
  hasWork(): boolean
  /** Stored with the next batch. */
  take(body: SharedBody): void
  /** Removes what is too old or too much, for about `maxMs`. False: there is more. */
  retain(nowMs: number, maxMs: number): boolean
  /** Compresses the oldest block of bodies that was stored before `beforeMs`. False: there is none. */
  compress(beforeMs: number): boolean
  /** From the next record on. */
  configure(logging: LoggingMode, retention: RetentionLimits): void
  stats(): WriterStats
  close(): void
}

export type WriterStats = { loaded: number; payloads: number; unreadable: number; damagedBytes: number; storeBytes: number }

export function recordFiles(home: string): { readonly database: string; readonly journal: string; readonly ledger: string } {
  return { database: join(home, 'records.db'), journal: join(home, 'journal'), ledger: join(home, 'ledger.db') }
}

const batchBytes = 8 * 1024 * 1024

export function createWriter(options: WriterOptions): Writer {
  const { home, logging, control, onTrouble } = options
  const { database, journal: dir, ledger } = recordFiles(home)
  const db = openRecordDatabase(database)
  const store = createRecordStore(db, logging, { ledger })
  const limits = { ...options.retention }
  const retention = store.retention(limits)
  const countTokens = createTokenCounter()
  const stats = { payloads: 0, unreadable: 0, damagedBytes: 0 }

  function onUnreadable(error: Error): void {
    stats.unreadable++
    onTrouble(new Error(`A journal record could not be read and was skipped: ${error.message}`, { cause: error }))
  }

  const { summary: recovery, generation } = recover({ dir, store, logging, countTokens, onUnreadable })
  const loader = createLoader({
    dir,
    store,
    countTokens,
    onUnreadable,
    onDamage: (_path, _at, bytes) => void (stats.damagedBytes += bytes),
  })
  loader.restore()
  const ring = createRingConsumer(options.ring)
  const spills = createSpillLoader(dir, generation, store, onUnreadable)
  let loadedMark = ring.mark()
  let firstKeptSegment = 1
  let taken: SharedBody[] = []

  function loadRing(mark: number): boolean {
    let bytes = 0
    for (let entry = ring.next(mark); entry !== undefined; entry = ring.next(mark)) {
      const part = payloadParts[entry.part] ?? 'request'
      store.addPayload(entry.id, part, entry.session, entry.body, Date.now())
      stats.payloads++
      bytes += entry.body.length
      if (bytes >= batchBytes) return false
    }
    return true
  }

  function batch(journalTo: { segment: number; offset: number }, spilledTo: { segment: number; offset: number }, mark: number): boolean {
    store.begin()
    try {
      const journalDone = journalTo.segment === 0 || loader.load({ generation, ...journalTo }, batchBytes)
      const ringDone = loadRing(mark)
      const stored = taken
      for (const { id, part, session, body } of stored) store.addPayload(id, part, session, Buffer.from(body), Date.now())
      const spillsDone = spills.load(spilledTo, batchBytes)
      // Before journal segments go, what they said must be on the disk, not only in the page cache.
      const leavesSegments = loader.position.generation === generation && loader.position.segment > firstKeptSegment
      store.commit(loader.position, leavesSegments)
      if (loader.position.generation === generation) control.publish('loaded', loader.position.segment, loader.position.offset)
      ring.release()
      spills.committed()
      if (stored.length > 0) {
        taken = []
        stats.payloads += stored.length
        options.onStored?.(stored.reduce((sum, { body }) => sum + body.byteLength, 0))
      }
      if (leavesSegments) {
        for (; firstKeptSegment < loader.position.segment; firstKeptSegment++) {
          rmSync(segmentPath(dir, 'journal', { generation, segment: firstKeptSegment }), { force: true })
        }
      }
      return journalDone && ringDone && spillsDone
    } catch (error) {
      store.rollback()
      ring.rewind()
      spills.rewind()
      loader.restore()
      throw error
    }
  }

  function hasWork(): boolean {
    const journalTo = control.published('journal')
    const spilledTo = control.published('payloads')
    const at = loader.position
    return (
      taken.length > 0 ||
      ring.mark() !== loadedMark ||
      (journalTo.segment !== 0 && (at.generation !== generation || at.segment !== journalTo.segment || at.offset !== journalTo.offset)) ||
      (spilledTo.segment !== 0 && (spills.position.segment !== spilledTo.segment || spills.position.offset !== spilledTo.offset))
    )
  }

  /** Nothing in them is needed any more: a clean stop leaves no text of answers behind in the journal. */
  function deleteSegments(): void {
    store.begin()
    store.commit(loader.position, true)
    for (const kind of ['journal', 'payloads'] as const) {
      for (const name of listSegments(dir, kind)) if (name.generation === generation) rmSync(segmentPath(dir, kind, name), { force: true })
    }
  }

  return {
    recovery,
    generation,
    drain() {
      if (!hasWork()) return 0
      const before = loader.loaded
      const journalTo = control.published('journal')
      const spilledTo = control.published('payloads')
      const mark = ring.mark()
      while (!batch(journalTo, spilledTo, mark));
      loadedMark = mark
      return loader.loaded - before
    },
    hasWork,
    take(body) {
      taken.push(body)
    },
    retain(nowMs, maxMs) {
      const until = performance.now() + maxMs
      let worked = false
      let more = true
      while ((more = retention.step(nowMs, (root) => store.forgetChain(root))) && performance.now() < until) worked = true
      if (worked) store.forgetCaches()
      store.cold.sweep(nowMs)
      return !more
    },
    compress(beforeMs) {
      db.exec('BEGIN IMMEDIATE')
      try {
        const bytes = store.cold.compressOldest(beforeMs)
        db.exec('COMMIT')
        return bytes > 0
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK')
        throw error
      }
    },
    configure(mode, wanted) {
      store.setLogging(mode)
      Object.assign(limits, wanted)
    },
    stats: () => ({ ...stats, loaded: loader.loaded, storeBytes: retention.usedBytes() }),
    close() {
      loader.close()
      if (!hasWork() && [...loader.openRequests()].length === 0) deleteSegments()
      store.close()
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      db.close()
    },
  }
}
