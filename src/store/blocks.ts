// Blocks: many small byte strings compressed and stored together, since zstd and SQLite both cost more per call than per byte.
import type { DatabaseSync } from 'node:sqlite'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

export type Place = { readonly block: number; readonly at: number }

export interface BlockWriter {
  /** Where the next `append` will go. */
  readonly next: Place
  /** Copies the bytes into the open block. `next` moves. */
  append(bytes: Buffer): void
  /** Writes the open block; inside a transaction. */
  seal(): void
  /** Forgets the open block, after a rollback. */
  reset(): void
}

/** Measured: a megabyte compresses 15 % faster and 15 % smaller than one 96 KB body; reading one thing of it costs about a millisecond. */
const sealAtBytes = 1024 * 1024
const firstBytes = 256 * 1024
/** Smaller blocks are stored as they are: a zstd frame saves little and costs a call. */
const compressFromBytes = 256
const params = { [constants.ZSTD_c_compressionLevel]: 1 }

/** Room for the worst case lets zstd go from our memory straight to the result, without buffers of its own in between (15 % faster). */
function compress(bytes: Buffer): Buffer {
  return zstdCompressSync(bytes, { chunkSize: bytes.length + (bytes.length >>> 8) + 1024, params })
}

/** Ids of blocks, shared by all writers of one database. */
export function createBlockIds(db: DatabaseSync): () => number {
  let last = Number(db.prepare('SELECT max(id) AS id FROM blocks').get()?.['id'] ?? 0)
  return () => ++last
}

export function createBlockWriter(db: DatabaseSync, newId: () => number): BlockWriter {
  const insertBlock = db.prepare('INSERT INTO blocks (id, live, bytes, zstd) VALUES (?, ?, ?, ?)')
  const insertData = db.prepare('INSERT INTO block_data (id, data) VALUES (?, ?)')
  let raw = Buffer.allocUnsafeSlow(firstBytes)
  let length = 0
  let live = 0
  let id = newId()

  function seal(): void {
    if (live === 0) return
    const bytes = raw.subarray(0, length)
    const packed = length >= compressFromBytes ? compress(bytes) : bytes
    const zstd = packed.length < length
    insertBlock.run(id, live, length, zstd ? 1 : 0)
    insertData.run(id, zstd ? packed : bytes)
    reset()
  }

  function reset(): void {
    id = newId()
    length = 0
    live = 0
    if (raw.length > sealAtBytes * 4) raw = Buffer.allocUnsafeSlow(firstBytes)
  }

  return {
    get next() {
      return { block: id, at: length }
    },
    append(bytes) {
      if (length + bytes.length > raw.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(raw.length * 2, length + bytes.length))
        raw.copy(larger, 0, 0, length)
        raw = larger
      }
      // Not `raw.set`: from shared memory V8 copies word by word.
      bytes.copy(raw, length)
      length += bytes.length
      live++
      if (length >= sealAtBytes) seal()
    },
    seal,
    reset,
  }
}

/** Reads places back, keeping the blocks last used. */
export function createBlockReader(db: DatabaseSync, cacheBytes = 8 * 1024 * 1024): (place: Place, length: number) => Buffer | undefined {
  const select = db.prepare('SELECT zstd, data FROM blocks JOIN block_data USING (id) WHERE id = ?')
  const cache = new Map<number, Buffer>()
  let cached = 0

  function load(id: number): Buffer | undefined {
    const known = cache.get(id)
    if (known !== undefined) return known
    const row = select.get(id)
    if (row === undefined) return undefined
    const data = row['data'] as Uint8Array
    const bytes = row['zstd'] === 1 ? zstdDecompressSync(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    cache.set(id, bytes)
    cached += bytes.length
    for (const [oldest, old] of cache) {
      if (cached <= cacheBytes || oldest === id) break
      cache.delete(oldest)
      cached -= old.length
    }
    return bytes
  }

  return ({ block, at }, length) => load(block)?.subarray(at, at + length)
}
