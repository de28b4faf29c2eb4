// In which order rows came into the store: their numbers, batch by batch, as the writer committed them. Rows themselves are in the order
// of arrival, and an index in the order of coming would cost every row as much as this costs a batch.
import type { DatabaseSync } from 'node:sqlite'

export type BatchWriter = { add(seq: number): void; write(nowMs: number): void; reset(): void }

export function createBatchWriter(db: DatabaseSync): BatchWriter {
  const insert = db.prepare('INSERT INTO batches VALUES (NULL, ?, ?)')
  let seqs: number[] = []
  return {
    add: (seq) => void seqs.push(seq),
    write(nowMs) {
      if (seqs.length === 0) return
      insert.run(nowMs, new Uint8Array(Float64Array.from(seqs).buffer))
      seqs = []
    },
    reset() {
      seqs = []
    },
  }
}

/** So many rows of a batch have been seen, and all of the batches before it; written `<batch>-<rows>`. */
export type BatchPosition = { readonly batch: number; readonly rows: number }

export type BatchReader = {
  /** Behind the newest row. */
  end(): BatchPosition
  /** Rows behind a position, a good `atLeast` of them or all, in the order of coming, each with the position behind it. */
  after(position: BatchPosition, atLeast: number): { readonly seq: number; readonly position: BatchPosition }[]
}

export function createBatchReader(db: DatabaseSync): BatchReader {
  const last = db.prepare('SELECT number, length(seqs) / 8 AS rows FROM batches ORDER BY number DESC LIMIT 1')
  const from = db.prepare('SELECT number, seqs FROM batches WHERE number >= ? ORDER BY number')
  return {
    end() {
      const row = last.get()
      return { batch: Number(row?.['number'] ?? 0), rows: Number(row?.['rows'] ?? 0) }
    },
    after(position, atLeast) {
      const found: { seq: number; position: BatchPosition }[] = []
      for (const row of from.iterate(position.batch)) {
        const batch = Number(row['number'])
        const seqs = new Float64Array(Uint8Array.from(row['seqs'] as Uint8Array).buffer)
        for (let index = batch === position.batch ? position.rows : 0; index < seqs.length; index++)
          found.push({ seq: seqs[index]!, position: { batch, rows: index + 1 } })
        if (found.length >= atLeast) break
      }
      return found
    },
  }
}
