// The write half of the record store: rows, details, attempts, payloads and roll-ups, in one transaction per batch with the journal position.
import type { DatabaseSync } from 'node:sqlite'
import { createBatchWriter } from './batches.ts'
import { createBlockIds, createBlockWriter } from './blocks.ts'
import { bodyFolder, createBodyFiles } from './body-files.ts'
import { createColdBlocks, type ColdBlocks } from './cold-blocks.ts'
import { createFacetWriter, facetOf } from './facets.ts'
import { createLedgerPosting } from './ledger-charges.ts'
import { metadataPairs } from './metadata-pairs.ts'
import { createPayloadWriter, type PayloadWriterOptions } from './payload-writer.ts'
import type { FinishSummary, PayloadPart } from './record.ts'
import { createRetention, type Retention, type RetentionLimits } from './retention.ts'
import { createRollupWriter } from './rollups.ts'
import { seqPerMs } from './schema.ts'
import { createSearchedValues } from './searched-values.ts'
import { boundedNanoUsd, wholeNumber } from './stored-numbers.ts'

/** How much is kept: `metadata` has no bodies, `off` has no rows either, only roll-ups (hence the cost per key). */
export type LoggingMode = 'full' | 'metadata' | 'off'

/** Everything of generations and segments before this is loaded; of the segment itself, everything before `offset`. */
export type JournalPosition = { readonly generation: number; readonly segment: number; readonly offset: number }

/** A request whose end has not been seen: the bytes of its reserve record and of its last progress record. */
export type OpenRequest = { readonly id: string; readonly reserve: Buffer; readonly progress: Buffer | undefined }

export interface RecordStore {
  /** From the next record on. */
  setLogging(mode: LoggingMode): void
  begin(): void
  /** `durable`: on disk when this returns, so that the journal behind the position may be deleted. */
  commit(position: JournalPosition, durable?: boolean): void
  rollback(): void
  position(): JournalPosition
  /** False when the request had a row already: nothing changes then. `detail`: the record's journal bytes. */
  addFinished(record: FinishSummary, detail: Buffer): boolean
  addPayload(requestId: string, part: PayloadPart, session: string, bytes: Buffer, nowMs: number): void
  stash(open: OpenRequest): void
  unstash(id: string): void
  stashed(): OpenRequest[]
  /** The chain of bodies that begins at this request has been dropped by retention. */
  forgetChain(root: string): void
  /** Retention removed facets or roll-ups, or a transaction failed: what is remembered of the database is read again. */
  forgetCaches(): void
  /** Bodies that wait in files to be compressed. */
  readonly cold: ColdBlocks
  /** What leaves the store by these limits, which may change. The ledger keeps everything. */
  retention(limits: RetentionLimits): Retention
  /** What is in files is on the disk when this returns. */
  close(): void
}

/** Largest time that `seq` can carry without leaving the integers of JavaScript (year 2109). */
const maxAtMs = Math.floor(Number.MAX_SAFE_INTEGER / seqPerMs) - 1

export type RecordStoreOptions = PayloadWriterOptions & {
  /** The file of the ledger, where every finished request is booked. */
  readonly ledger?: string
}

/**
 * The ledger is another file, so a transaction over both is two: the ledger's is committed first, on the disk, then the rows with the
 * journal's position. Killed (or without power) before the first: neither has happened, and the journal is read again from the old
 * position. Between the two: the same records are read again, and the ledger knows their requests. After the second: both have. A request
 * is never lost, since the position moves (and segments are deleted) only once it is booked; and never booked twice, since its id is unique.
 */
export function createRecordStore(db: DatabaseSync, initialLogging: LoggingMode, options: RecordStoreOptions = {}): RecordStore {
  let logging = initialLogging
  const newBlockId = createBlockIds(db)
  const details = createBlockWriter(db, newBlockId)
  const folder = bodyFolder(db)
  const files = folder === undefined ? undefined : createBodyFiles(folder)
  const payloads = createPayloadWriter(db, newBlockId, { files, ...options })
  const cold = createColdBlocks(db, files)
  const facets = createFacetWriter(db)
  const rollups = createRollupWriter(db)
  const searched = createSearchedValues(db)
  const batches = createBatchWriter(db)
  const insertRequest = db.prepare('INSERT OR IGNORE INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const selectId = db.prepare('SELECT 1 FROM requests WHERE id = ?')
  const insertAttempt = db.prepare('INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const insertMetadata = db.prepare('INSERT OR IGNORE INTO request_metadata VALUES (?, ?, ?)')
  const writeMeta = db.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)')
  const readMeta = db.prepare('SELECT value FROM meta WHERE name = ?')
  const insertOpen = db.prepare('INSERT OR REPLACE INTO open_requests VALUES (?, ?, ?)')
  const deleteOpen = db.prepare('DELETE FROM open_requests WHERE id = ?')
  const selectOpen = db.prepare('SELECT id, reserve, progress FROM open_requests')
  const newestSeq = Number(db.prepare('SELECT max(seq) AS seq FROM requests').get()?.['seq'] ?? 0)
  const ledger =
    options.ledger === undefined
      ? undefined
      : createLedgerPosting(options.ledger, Math.max(Date.now(), Math.ceil(newestSeq / seqPerMs) + 1))
  let lastAtMs = -1
  let lastTie = 0

  /** The row's `seq`, or undefined when the request has one already. */
  function insertRow(record: FinishSummary, facet: number, sample: Sample): number | undefined {
    const atMs = Math.min(wholeNumber(Math.floor(record.atMs)), maxAtMs)
    lastTie = atMs === lastAtMs ? lastTie + 1 : 0
    lastAtMs = atMs
    const { block, at } = details.next
    const usage = record.usage
    for (let seq = atMs * seqPerMs + lastTie; ; seq++) {
      const { changes } = insertRequest.run(
        seq,
        record.id,
        facet,
        record.session,
        record.trace,
        record.metadata,
        record.attempts.length,
        count(usage?.input),
        count(usage?.cacheRead),
        count(usage?.output),
        count(usage?.reasoning),
        sample.costNanoUsd ?? null,
        sample.overheadUs,
        sample.firstTokenUs ?? null,
        sample.totalUs,
        record.payloads === 'full' && logging === 'full' ? 1 : 0,
        block,
        at,
        sample.detailBytes,
      )
      if (changes !== 0) return seq
      // Ignored for its id: known already. Ignored for its seq: another request of the same millisecond, loaded before a restart.
      if (selectId.get(record.id) !== undefined) return undefined
      lastTie++
    }
  }

  return {
    setLogging(mode) {
      logging = mode
    },
    begin() {
      db.exec('BEGIN IMMEDIATE')
    },
    commit(position, durable = false) {
      details.seal()
      payloads.seal()
      files?.flush()
      rollups.write()
      batches.write(Date.now())
      ledger?.commit()
      writeMeta.run('position', `${position.generation} ${position.segment} ${position.offset}`)
      db.exec('COMMIT')
      files?.committed()
      if (durable) {
        // A commit under FULL syncs the whole write-ahead log, the commits before it included.
        db.exec('PRAGMA synchronous = FULL')
        writeMeta.run('synced', `${position.generation} ${position.segment} ${position.offset}`)
        db.exec('PRAGMA synchronous = NORMAL')
      }
    },
    rollback() {
      ledger?.rollback()
      batches.reset()
      if (db.isTransaction) db.exec('ROLLBACK')
      details.reset()
      payloads.reset()
      files?.rolledBack()
      rollups.reset()
      facets.reset()
      searched.reset()
    },
    position() {
      const [generation = 0, segment = 0, offset = 0] = String(readMeta.get('position')?.['value'] ?? '0 0 0')
        .split(' ')
        .map(Number)
      return { generation, segment, offset }
    },
    addFinished(record, detail) {
      ledger?.add(record)
      const facet = facets.idOf(facetOf(record))
      const sample: Sample = {
        overheadUs: wholeNumber(record.overheadUs),
        firstTokenUs: record.firstTokenMs === undefined ? undefined : wholeNumber(record.firstTokenMs * 1000),
        totalUs: wholeNumber(record.totalMs * 1000),
        costNanoUsd: record.costNanoUsd === undefined ? undefined : boundedNanoUsd(record.costNanoUsd),
        detailBytes: detail.length,
      }
      let atMs = wholeNumber(record.atMs)
      if (logging !== 'off') {
        const seq = insertRow(record, facet, sample)
        if (seq === undefined) return false
        // Where its row is: after thousands in one millisecond that is the next one.
        atMs = Math.floor(seq / seqPerMs)
        details.append(detail)
        batches.add(seq)
        if (record.attempts.length > 1 || record.attempts[0]?.errorClass) addAttempts(seq, record)
        if (record.session !== '') searched.session(record.session)
        if (record.metadata !== '') {
          for (const [key, value] of metadataPairs(record.metadata)) {
            insertMetadata.run(key, value, seq)
            searched.metadata(key, value)
          }
        }
      }
      rollups.add({
        atMs,
        facet,
        outcome: record.outcome,
        attempts: record.attempts.length,
        input: wholeNumber(record.usage?.input ?? 0),
        cached: wholeNumber(record.usage?.cacheRead ?? 0),
        output: wholeNumber(record.usage?.output ?? 0),
        reasoning: wholeNumber(record.usage?.reasoning ?? 0),
        costNanoUsd: sample.costNanoUsd ?? 0n,
        firstTokenUs: sample.firstTokenUs,
        totalUs: sample.totalUs,
        overheadUs: sample.overheadUs,
      })
      return true
    },
    addPayload(requestId, part, session, bytes, nowMs) {
      payloads.add(requestId, part, session, bytes, nowMs)
    },
    stash(open) {
      insertOpen.run(open.id, open.reserve, open.progress ?? null)
    },
    unstash(id) {
      deleteOpen.run(id)
    },
    stashed() {
      return selectOpen.all().map((row) => ({
        id: String(row['id']),
        reserve: Buffer.from(row['reserve'] as Uint8Array),
        progress: row['progress'] === null ? undefined : Buffer.from(row['progress'] as Uint8Array),
      }))
    },
    forgetChain(root) {
      payloads.forget(root)
    },
    forgetCaches() {
      rollups.reset()
      facets.reset()
      searched.reset()
    },
    cold,
    retention: (limits) => createRetention(db, limits, cold),
    close() {
      files?.close()
      ledger?.close()
    },
  }

  function addAttempts(seq: number, record: FinishSummary): void {
    record.attempts.forEach((attempt, number) => {
      insertAttempt.run(
        seq,
        number,
        attempt.provider,
        attempt.model,
        attempt.credential,
        wholeNumber(attempt.status),
        attempt.errorClass,
        wholeNumber(attempt.startedAtMs),
        attempt.firstTokenMs === undefined ? null : wholeNumber(attempt.firstTokenMs * 1000),
        wholeNumber(attempt.totalMs * 1000),
      )
    })
  }
}

type Sample = {
  readonly overheadUs: number
  readonly firstTokenUs: number | undefined
  readonly totalUs: number
  readonly costNanoUsd: bigint | undefined
  readonly detailBytes: number
}

function count(value: number | undefined): number | null {
  return value === undefined ? null : wholeNumber(value)
}
