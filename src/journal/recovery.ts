// What earlier processes left in the journal goes into the store before this one serves.
import { closeSync, copyFileSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs'
import { decodeProgress, decodeReserve, encodeFinish, RecordWriter, type LoggingMode, type OpenRequest, type RecordStore } from '#store'
import { interruptedRecord, type CountTokens } from './estimate.ts'
import { createLoader } from './loader.ts'
import { listSegments, openSegmentReader, segmentPath } from './segments.ts'
import { loadSpill } from './spill-loader.ts'

export type RecoverySummary = {
  /** Finished requests read again from the journal; those that were in the store already change nothing. */
  readonly replayed: number
  /** Requests that were running when the process died: recorded as interrupted. */
  readonly orphans: number
  /** Bytes of the journal that could not be read; a copy of each stretch lies beside, named `.torn`. */
  readonly tornBytes: number
}

export type RecoveryDeps = {
  readonly dir: string
  readonly store: RecordStore
  readonly logging: LoggingMode
  readonly countTokens: CountTokens
  readonly onUnreadable: (error: Error) => void
}

const batchBytes = 8 * 1024 * 1024

/** Idempotent: killed at any point, the next start does the rest. Returns the generation that the journal of this process may use. */
export function recover(deps: RecoveryDeps): { summary: RecoverySummary; generation: number } {
  const { dir, store, logging, countTokens, onUnreadable } = deps
  let tornBytes = 0
  const torn = new Set<string>()

  function onDamage(path: string, at: number, bytes: number): void {
    tornBytes += bytes
    if (torn.has(path)) return
    torn.add(path)
    copyTail(path, at)
  }

  const loader = createLoader({ dir, store, countTokens, onDamage, onUnreadable })
  loader.restore()
  const journal = listSegments(dir, 'journal')
  const spills = listSegments(dir, 'payloads')
  const started = loader.position
  let generation = Math.max(started.generation, ...journal.map((name) => name.generation), ...spills.map((name) => name.generation))
  for (const name of journal) {
    if (name.generation < started.generation || (name.generation === started.generation && name.segment < started.segment)) continue
    const path = segmentPath(dir, 'journal', name)
    const offset = statSync(path).size
    const readable = openSegmentReader(path, 'journal')
    readable?.close()
    if (readable === undefined && offset > 0) onDamage(path, 0, offset)
    for (let done = false; !done;)
      done = inTransaction(
        store,
        () => loader.load({ ...name, offset }, batchBytes),
        () => loader.position,
      )
  }

  const orphans = [...loader.openRequests()]
  loader.close()
  generation++
  inTransaction(
    store,
    () => {
      for (const orphan of orphans) addOrphan(orphan)
    },
    // Behind everything there was: nothing of it is read again, whatever happens to the files.
    () => ({ generation, segment: 0, offset: 0 }),
  )
  for (const name of spills) {
    if (logging === 'full') {
      inTransaction(
        store,
        () => loadSpill(dir, name, store, onUnreadable),
        () => store.position(),
      )
    }
    rmSync(segmentPath(dir, 'payloads', name), { force: true })
  }
  for (const name of journal) rmSync(segmentPath(dir, 'journal', name), { force: true })
  return { summary: { replayed: loader.loaded, orphans: orphans.length, tornBytes }, generation }

  function addOrphan(orphan: OpenRequest): void {
    try {
      const progress = orphan.progress === undefined ? undefined : decodeProgress(orphan.progress)
      const record = interruptedRecord(decodeReserve(orphan.reserve), progress, logging === 'full' ? 'full' : 'none')
      const out = new RecordWriter(0)
      encodeFinish(out, record)
      store.addFinished(record, out.bytes.subarray(8, out.length))
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      onUnreadable(error)
    }
    store.unstash(orphan.id)
  }
}

function inTransaction<T>(store: RecordStore, work: () => T, position: () => ReturnType<RecordStore['position']>): T {
  store.begin()
  try {
    const result = work()
    // Durable, since files are deleted next.
    store.commit(position(), true)
    return result
  } catch (error) {
    store.rollback()
    throw error
  }
}

/** Keeps what could not be read, from the first damaged byte on, for whoever wants to look. */
function copyTail(path: string, at: number): void {
  const copy = `${path}.torn`
  if (at === 0) {
    copyFileSync(path, copy)
    return
  }
  const size = statSync(path).size - at
  const bytes = Buffer.alloc(size)
  const from = openSync(path, 'r')
  const to = openSync(copy, 'w', 0o600)
  try {
    const got = readSync(from, bytes, 0, size, at)
    writeSync(to, bytes, 0, got)
  } finally {
    closeSync(from)
    closeSync(to)
  }
}
