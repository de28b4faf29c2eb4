// Cold blocks: what a body file holds is compressed into the database once it is old, and the file goes when nothing of it is left.
import type { DatabaseSync } from 'node:sqlite'
import { createRawBlockReader, packed } from './blocks.ts'
import type { BodyFiles } from './body-files.ts'

export interface ColdBlocks {
  /**
   * Compresses the oldest block that was stored before `beforeMs`; returns its bytes, 0 when there is none. Inside a transaction.
   */
  compressOldest(beforeMs: number): number
  /** Deletes the files that nothing refers to any more; outside of transactions. */
  sweep(nowMs: number): void
  /** Bytes of the files that hold something. */
  bytes(): number
}

/** A query that began before a block was compressed may still read its file: that long at most. */
const keepEmptyForMs = 60_000

export function createColdBlocks(db: DatabaseSync, files: BodyFiles | undefined): ColdBlocks {
  if (files === undefined) return { compressOldest: () => 0, sweep: () => undefined, bytes: () => 0 }
  const oldest = db.prepare('SELECT id, at_ms FROM raw_blocks ORDER BY id LIMIT 1')
  const insertData = db.prepare('INSERT INTO block_data (id, data) VALUES (?, ?)')
  const markPacked = db.prepare('UPDATE blocks SET zstd = ? WHERE id = ?')
  const deleteRaw = db.prepare('DELETE FROM raw_blocks WHERE id = ?')
  const inFile = db.prepare('SELECT 1 FROM raw_blocks WHERE file = ? LIMIT 1')
  const readRaw = createRawBlockReader(db)
  const emptySinceMs = new Map<number, number>()

  function isEmpty(file: number): boolean {
    return inFile.get(file) === undefined
  }

  // No reader is older than this process.
  for (const file of files.list().keys()) if (isEmpty(file)) files.remove(file)

  return {
    compressOldest(beforeMs) {
      const row = oldest.get()
      if (row === undefined || Number(row['at_ms']) >= beforeMs) return 0
      const id = Number(row['id'])
      const raw = readRaw(id)
      deleteRaw.run(id)
      // What the disk lost with its power stays lost: readers say so.
      if (raw === undefined) return 1
      const { data, zstd } = packed(raw)
      insertData.run(id, data)
      markPacked.run(zstd ? 1 : 0, id)
      return raw.length
    },
    sweep(nowMs) {
      if (files.current !== undefined && files.list().get(files.current) !== 0 && isEmpty(files.current)) files.leave()
      for (const file of files.list().keys()) {
        if (file === files.current || !isEmpty(file)) continue
        const sinceMs = emptySinceMs.get(file)
        if (sinceMs === undefined) emptySinceMs.set(file, nowMs)
        else if (nowMs - sinceMs >= keepEmptyForMs) {
          files.remove(file)
          emptySinceMs.delete(file)
        }
      }
    },
    bytes() {
      let bytes = 0
      for (const [file, size] of files.list()) if (size > 0 && !isEmpty(file)) bytes += size
      return bytes
    },
  }
}
