// Fills a home's record store with made-up requests, through the functions that the writer's thread uses.
// Run: node bench/rows/fill.ts <home> [rows]
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { createRecordStore, encodeFinish, openRecordDatabase, RecordWriter } from '#store'
import { traffic } from './traffic.ts'

/** As many as the writer takes under load. */
const rowsPerCommit = 500
const dayMs = 86_400_000

/** Microseconds per row. */
export function fillRecords(home: string, rows: number, nowMs: number): number {
  mkdirSync(path.join(home, 'journal'), { recursive: true, mode: 0o700 })
  const db = openRecordDatabase(path.join(home, 'records.db'))
  const store = createRecordStore(db, 'full')
  const bytes = new RecordWriter(4096)
  const position = store.position()
  let spentMs = 0
  let left = rowsPerCommit
  const timed = (work: () => void): void => {
    const startedMs = performance.now()
    work()
    spentMs += performance.now() - startedMs
  }
  store.begin()
  // Within the usual retention of thirty days.
  for (const record of traffic(rows, nowMs - 29 * dayMs, nowMs, 1)) {
    bytes.release()
    encodeFinish(bytes, record)
    timed(() => store.addFinished(record, bytes.bytes.subarray(8, bytes.length)))
    if (--left > 0) continue
    left = rowsPerCommit
    timed(() => store.commit(position))
    store.begin()
  }
  store.commit(position)
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
  return (spentMs * 1000) / rows
}

if (import.meta.main) {
  const [home, rows = '1000000'] = process.argv.slice(2)
  if (home === undefined) throw new Error('node bench/rows/fill.ts <home> [rows]')
  console.log(`${fillRecords(home, Number(rows), Date.now()).toFixed(1)} us per row`)
}
