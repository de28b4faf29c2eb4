// Stores bodies: a request body as what is new since its session's previous one, everything else whole.
import type { DatabaseSync } from 'node:sqlite'
import { createBlockWriter } from './blocks.ts'
import type { BodyFiles } from './body-files.ts'
import { commonPrefix, commonSuffix } from './delta.ts'
import type { PayloadPart } from './record.ts'

export const partNumber = { request: 0, response: 1 } as const satisfies Record<PayloadPart, number>

export type PayloadWriter = {
  /** `bytes` is not kept. A second body for the same request and part is ignored. */
  add(requestId: string, part: PayloadPart, session: string, bytes: Buffer, nowMs: number): void
  seal(): void
  /** After a rollback: what was added since the last commit is not there to build on. */
  reset(): void
  /** The chain that begins at this request is gone. */
  forget(root: string): void
}

export type PayloadWriterOptions = {
  /** Bytes of predecessors kept in memory, all sessions together. */
  readonly predecessorBytes?: number
  /** Deltas that may follow a whole body: retention drops whole chains, and reading one body reads its chain. */
  readonly maxChain?: number
  readonly maxChainMs?: number
  /** Where bodies stay until they are cold; without it they are compressed at once. */
  readonly files?: BodyFiles | undefined
}

/** Shorter bodies are stored whole: the bookkeeping would cost more than it saves. */
const deltaFromBytes = 2048

/** Big enough, and not so much too big that the limit on bytes would keep few sessions. */
function holds(buffer: Buffer | undefined, bytes: number): buffer is Buffer {
  return buffer !== undefined && buffer.length >= bytes && buffer.length <= bytes * 4
}

type Predecessor = { bytes: Buffer; length: number; requestId: string; root: string; rootAtMs: number; depth: number }

export function createPayloadWriter(db: DatabaseSync, newBlockId: () => number, options: PayloadWriterOptions = {}): PayloadWriter {
  const { predecessorBytes = 32 * 1024 * 1024, maxChain = 64, maxChainMs = 3_600_000 } = options
  const insert = db.prepare('INSERT OR IGNORE INTO payloads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  // Values that are bound cost more than those that the statement says.
  const insertWhole = db.prepare('INSERT OR IGNORE INTO payloads VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?4, NULL, 0, 0, NULL)')
  const blocks = createBlockWriter(db, newBlockId, options.files)
  /** By session, least recently used first. */
  const predecessors = new Map<string, Predecessor>()
  let keptBytes = 0
  /** The buffer of the session evicted last: a fresh one of this size costs more than the copy into it. */
  let spare: Buffer | undefined

  function whole(requestId: string, part: PayloadPart, bytes: Buffer, nowMs: number): boolean {
    const { block, at } = blocks.next
    const { changes } = insertWhole.run(requestId, partNumber[part], nowMs, bytes.length, block, at)
    if (changes === 0) return false
    blocks.append(bytes)
    return true
  }

  function drop(session: string, predecessor: Predecessor): void {
    predecessors.delete(session)
    keptBytes -= predecessor.bytes.length
  }

  function keep(session: string, predecessor: Predecessor): void {
    predecessors.set(session, predecessor)
    keptBytes += predecessor.bytes.length
  }

  function makeRoom(bytes: number): void {
    for (const [oldest, old] of predecessors) {
      if (keptBytes + bytes <= predecessorBytes) break
      drop(oldest, old)
      spare = old.bytes
    }
  }

  /** The next predecessor, reusing the buffer of the last one and the prefix that is already in it. */
  function become(previous: Predecessor | undefined, bytes: Buffer, from: number): Buffer {
    let buffer = previous?.bytes
    let start = from
    if (!holds(buffer, bytes.length)) {
      const capacity = Math.ceil(bytes.length * 1.25)
      makeRoom(capacity)
      buffer = holds(spare, bytes.length) ? spare : Buffer.allocUnsafeSlow(capacity)
      if (buffer === spare) spare = undefined
      start = 0
    }
    bytes.copy(buffer, start, start)
    return buffer
  }

  return {
    add(requestId, part, session, bytes, nowMs) {
      if (part !== 'request' || session === '' || bytes.length < deltaFromBytes || bytes.length > predecessorBytes / 4) {
        whole(requestId, part, bytes, nowMs)
        return
      }
      const previous = predecessors.get(session)
      if (previous !== undefined) drop(session, previous)
      let prefix = 0
      if (previous !== undefined) {
        const before = previous.bytes.subarray(0, previous.length)
        prefix = commonPrefix(before, bytes)
        if (previous.depth < maxChain && nowMs - previous.rootAtMs < maxChainMs) {
          const suffix = commonSuffix(before, bytes, Math.min(previous.length, bytes.length) - prefix)
          const fresh = bytes.length - prefix - suffix
          if (fresh <= bytes.length * 0.75) {
            const { block, at } = blocks.next
            const { changes } = insert.run(
              requestId,
              partNumber[part],
              nowMs,
              bytes.length,
              block,
              at,
              fresh,
              previous.requestId,
              prefix,
              suffix,
              previous.root,
            )
            if (changes !== 0) {
              blocks.append(bytes.subarray(prefix, prefix + fresh))
              const { root, rootAtMs, depth } = previous
              keep(session, { bytes: become(previous, bytes, prefix), length: bytes.length, requestId, root, rootAtMs, depth: depth + 1 })
            }
            return
          }
        }
      }
      if (!whole(requestId, part, bytes, nowMs)) return
      keep(session, { bytes: become(previous, bytes, prefix), length: bytes.length, requestId, root: requestId, rootAtMs: nowMs, depth: 0 })
    },
    seal() {
      blocks.seal()
    },
    reset() {
      blocks.reset()
      predecessors.clear()
      keptBytes = 0
    },
    forget(root) {
      for (const [session, predecessor] of predecessors) if (predecessor.root === root) drop(session, predecessor)
    },
  }
}
