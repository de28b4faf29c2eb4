// What leaves the store: rows older than the retention, then, above the size limit, the oldest chains of bodies, then the oldest rows.
import type { DatabaseSync } from 'node:sqlite'
import type { ColdBlocks } from './cold-blocks.ts'
import { metadataPairs } from './metadata-pairs.ts'
import { seqPerMs } from './schema.ts'
import { writing } from './transaction.ts'

export type RetentionLimits = { readonly days: number; readonly maxBytes: number }

export type Retention = {
  /** One bounded step in a transaction of its own. True: there is more to do. `onChain` hears of each chain of bodies that went. */
  step(nowMs: number, onChain: (root: string) => void): boolean
  /** Bytes in use by the store and its body files, without free pages. */
  usedBytes(): number
}

const dayMs = 86_400_000
/** Roll-ups are small and what long-term analytics live on. */
const rollupDays = 400
const rowsPerStep = 500
const chainsPerStep = 10

export function createRetention(db: DatabaseSync, limits: RetentionLimits, cold?: ColdBlocks): Retention {
  const pageCount = db.prepare('PRAGMA page_count')
  const freePages = db.prepare('PRAGMA freelist_count')
  const pageBytes = Number(db.prepare('PRAGMA page_size').get()?.['page_size'])
  const oldRows = db.prepare('SELECT seq, id, metadata, block FROM requests WHERE seq < ? ORDER BY seq LIMIT ?')
  const deleteRow = db.prepare('DELETE FROM requests WHERE seq = ?')
  const deleteAttempts = db.prepare('DELETE FROM attempts WHERE seq = ?')
  const deleteMetadata = db.prepare('DELETE FROM request_metadata WHERE key = ? AND value = ? AND seq = ?')
  const oldPayloads = db.prepare('SELECT request, part, root, at_ms FROM payloads ORDER BY request LIMIT ?')
  const chain = db.prepare(
    'SELECT request, part, block FROM payloads WHERE request = ?1 AND part = ?2 UNION ALL SELECT request, part, block FROM payloads WHERE root = ?1 AND ?2 = 0',
  )
  const deletePayload = db.prepare('DELETE FROM payloads WHERE request = ? AND part = ?')
  const expire = db.prepare('UPDATE requests SET payloads = 2 WHERE id = ?')
  const unrefer = db.prepare('UPDATE blocks SET live = live - ? WHERE id = ? RETURNING live')
  const deleteBlock = db.prepare('DELETE FROM blocks WHERE id = ?')
  const deleteData = db.prepare('DELETE FROM block_data WHERE id = ?')
  const deleteRaw = db.prepare('DELETE FROM raw_blocks WHERE id = ?')
  const deleteRollups = db.prepare('DELETE FROM rollups WHERE minute < ?')
  const deleteMinutes = db.prepare('DELETE FROM minutes WHERE minute < ?')
  const deleteFacets = db.prepare(
    'DELETE FROM facets WHERE NOT EXISTS (SELECT 1 FROM requests WHERE facet = facets.id) AND id NOT IN (SELECT facet FROM rollups)',
  )
  const deleteBatches = db.prepare(
    'DELETE FROM batches WHERE number < (SELECT number FROM batches WHERE at_ms >= ? ORDER BY number LIMIT 1)',
  )
  const deleteSessions = db.prepare(
    "DELETE FROM searched_values WHERE name = 'session' AND NOT EXISTS (SELECT 1 FROM requests WHERE session = searched_values.value AND session <> '')",
  )
  const deleteValues = db.prepare(
    "DELETE FROM searched_values WHERE name <> 'session' AND NOT EXISTS (SELECT 1 FROM request_metadata AS pair WHERE pair.key = substr(name, 10) AND pair.value = searched_values.value)",
  )
  let facetsCheckedMs = 0

  function usedBytes(): number {
    return (Number(pageCount.get()?.['page_count']) - Number(freePages.get()?.['freelist_count'])) * pageBytes + (cold?.bytes() ?? 0)
  }

  function release(blocks: Map<number, number>): void {
    for (const [block, count] of blocks) {
      const live = unrefer.get(count, block)?.['live']
      if (live === undefined || Number(live) > 0) continue
      deleteBlock.run(block)
      deleteData.run(block)
      deleteRaw.run(block)
    }
  }

  /** Whole chains only: a body goes together with all that are stored as a difference from it. */
  function dropOldestChains(onlyBeforeMs: number, onChain: (root: string) => void): number {
    const blocks = new Map<number, number>()
    let dropped = 0
    for (const row of oldPayloads.all(chainsPerStep)) {
      if (Number(row['at_ms']) >= onlyBeforeMs) break
      const part = Number(row['part'])
      const root = String(row['root'] ?? row['request'])
      for (const member of chain.all(root, part)) {
        deletePayload.run(String(member['request']), Number(member['part']))
        expire.run(String(member['request']))
        add(blocks, Number(member['block']))
        dropped++
      }
      if (part === 0) onChain(root)
    }
    release(blocks)
    return dropped
  }

  function dropOldestRows(beforeSeq: number): number {
    const blocks = new Map<number, number>()
    const rows = oldRows.all(beforeSeq, rowsPerStep)
    for (const row of rows) {
      const seq = Number(row['seq'])
      deleteRow.run(seq)
      deleteAttempts.run(seq)
      for (const [key, value] of metadataPairs(String(row['metadata']))) deleteMetadata.run(key, value, seq)
      add(blocks, Number(row['block']))
    }
    release(blocks)
    return rows.length
  }

  function work(nowMs: number, onChain: (root: string) => void): boolean {
    const beforeMs = nowMs - limits.days * dayMs
    if (dropOldestRows(Math.max(0, Math.floor(beforeMs)) * seqPerMs) > 0) return true
    if (dropOldestChains(beforeMs, onChain) > 0) return true
    if (usedBytes() > limits.maxBytes) {
      // Compressed, it may still fit.
      if ((cold?.compressOldest(Number.MAX_SAFE_INTEGER) ?? 0) > 0) return true
      if (dropOldestChains(Number.MAX_SAFE_INTEGER, onChain) > 0) return true
      if (dropOldestRows(Number.MAX_SAFE_INTEGER) > 0) return true
    }
    deleteRollups.run(Math.floor((nowMs - rollupDays * dayMs) / 60_000))
    deleteBatches.run(beforeMs)
    deleteMinutes.run(Math.floor((nowMs - rollupDays * dayMs) / 60_000))
    if (nowMs - facetsCheckedMs >= dayMs) {
      facetsCheckedMs = nowMs
      deleteFacets.run()
      deleteSessions.run()
      deleteValues.run()
    }
    return false
  }

  return {
    usedBytes,
    step(nowMs, onChain) {
      const more = writing(db, () => work(nowMs, onChain))
      // Gives free pages back to the file system in small steps; what stays free is used again.
      if (!more) db.exec('PRAGMA incremental_vacuum(1024)')
      return more
    },
  }
}

function add(blocks: Map<number, number>, block: number): void {
  blocks.set(block, (blocks.get(block) ?? 0) + 1)
}
