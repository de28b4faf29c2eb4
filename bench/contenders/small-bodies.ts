// Counts the bodies that are kept inside the records of small requests, which no table lists: each record is read as the gateway reads it.
import type { DatabaseSync } from 'node:sqlite'
import { zstdDecompressSync } from 'node:zlib'
import { decodeFinish } from '#store'

/** Answers how many there are; what it has read once it doesn't read again. */
export function createSmallBodyCounter(): (db: DatabaseSync) => number {
  let upTo = -1
  let bodies = 0
  return (db) => {
    // Blocks are numbered as they are written, and whole when they can be seen.
    const rows = db.prepare('SELECT block, at, length FROM requests WHERE block > ? ORDER BY block')
    const select = db.prepare('SELECT zstd, data FROM blocks JOIN block_data USING (id) WHERE id = ?')
    let id = -1
    let block: Buffer = Buffer.alloc(0)
    for (const row of rows.iterate(upTo)) {
      if (row['block'] !== id) {
        id = Number(row['block'])
        const { zstd, data } = select.get(id) as { zstd: number; data: Uint8Array }
        block = zstd === 1 ? zstdDecompressSync(data) : Buffer.from(data)
      }
      const at = Number(row['at'])
      const record = decodeFinish(block.subarray(at, at + Number(row['length'])))
      for (const body of Object.values(record.bodies ?? {})) if (body.length > 0) bodies++
    }
    if (id > upTo) upTo = id
    return bodies
  }
}
