// The journal on the event loop: records gathered in one buffer, written once per turn of the loop, synced once per second.
import { encodeFinish, encodeProgress, encodeReserve, RecordWriter, type LoggingMode } from '#store'
import type { Control } from './control.ts'
import { encodePayload } from './payload-entry.ts'
import type { Journal, SharedBody, Written } from './port.ts'
import type { RingProducer } from './ring.ts'
import { createSegmentWriter, type FileSystem, type WriteError } from './segment-writer.ts'

export type JournalStats = {
  readonly records: number
  readonly writes: number
  readonly failedWrites: number
  /** Bytes that a failed write left, to be tried again. */
  readonly waitingBytes: number
  /** Records that could not even be kept in memory while the disk refused them. */
  readonly lostRecords: number
  readonly spilledPayloads: number
  readonly lostPayloads: number
  /** Written and not yet in the store; across segments about. */
  readonly lagBytes: number
}

export type JournalOptions = {
  readonly dir: string
  readonly generation: number
  readonly control: Control
  readonly ring: RingProducer
  /** In every mode the journal runs, since the promise about charges does; bodies are taken in mode `full` only. */
  readonly logging: LoggingMode
  /** At most one call per second for the same trouble. */
  readonly onError: (error: Error) => void
  /** Hands a body in shared memory to the writer as it is. False: it has too much of that already. */
  readonly handOver?: (body: SharedBody) => boolean
  /** Milliseconds, monotonic. */
  readonly clock?: () => number
  readonly fileSystem?: FileSystem
  readonly segmentBytes?: number
  /** How much is kept in memory while the disk refuses it. */
  readonly waitingBytes?: number
}

export type RunningJournal = Journal & {
  stats(): JournalStats
  /** Writes what is gathered now, without waiting for the end of the turn. */
  flush(): void
  /** From the next body on. */
  setLogging(mode: LoggingMode): void
  /** Goes up with everything handed over. */
  changes(): number
}

const retryMs = 250
const syncMs = 1000

export function createJournal(options: JournalOptions): RunningJournal {
  const { control, ring, handOver, clock = () => performance.now(), waitingBytes = 32 * 1024 * 1024 } = options
  let { logging } = options
  const nonce = (Math.random() * 0x1_0000_0000) >>> 0
  const shared = {
    dir: options.dir,
    generation: options.generation,
    nonce,
    segmentBytes: options.segmentBytes ?? 16 * 1024 * 1024,
    onSyncError: report,
    ...(options.fileSystem === undefined ? {} : { fileSystem: options.fileSystem }),
  }
  const segments = createSegmentWriter({ ...shared, kind: 'journal' })
  const spills = createSegmentWriter({ ...shared, kind: 'payloads' })
  const out = new RecordWriter(nonce)
  const spillOut = new RecordWriter(nonce)
  /** Who waits for this turn's write, and where in the buffer its record ends. */
  let waiting: Written[] = []
  let waitingEnds: number[] = []
  let scheduled = false
  let closed = false
  let failure: Error | undefined
  let retry: NodeJS.Timeout | undefined
  let syncTimer: NodeJS.Timeout | undefined
  let syncing = false
  let unsynced = false
  let payloads = 0
  let lastReportMs = Number.NEGATIVE_INFINITY
  const stats = { records: 0, writes: 0, failedWrites: 0, lostRecords: 0, spilledPayloads: 0, lostPayloads: 0 }

  function report(error: Error): void {
    const nowMs = clock()
    if (nowMs - lastReportMs < 1000) return
    lastReportMs = nowMs
    options.onError(error)
  }

  function append(encode: () => void, written: Written | undefined): void {
    if (closed) {
      refuse(new Error('The journal is closed.'), written)
      return
    }
    if (failure !== undefined && out.length > waitingBytes) {
      stats.lostRecords++
      refuse(failure, written)
      return
    }
    const before = out.length
    try {
      encode()
    } catch (error) {
      out.length = before
      report(error as Error)
      refuse(error as Error, written)
      return
    }
    stats.records++
    if (written !== undefined) {
      waiting.push(written)
      waitingEnds.push(out.length)
    }
    if (!scheduled) {
      scheduled = true
      setImmediate(endOfTurn)
    }
  }

  /** Never from inside the call: the caller's state is then as it is for a write. */
  function refuse(error: Error, written: Written | undefined): void {
    if (written !== undefined) setImmediate(written, error)
  }

  function endOfTurn(): void {
    if (!scheduled) return
    scheduled = false
    // While the disk refuses, only the retry timer tries: the buffer may be large, and every turn would write it in vain.
    if (failure === undefined) flush()
    else tell(0, failure)
  }

  function flush(): void {
    if (out.length === 0) return
    scheduled = false
    try {
      segments.write(out.bytes, out.length)
    } catch (error) {
      failed(error as WriteError)
      return
    }
    failure = undefined
    stats.writes++
    control.publish('journal', segments.segment, segments.offset)
    const length = out.length
    out.release()
    tell(length, undefined)
    control.ring(false)
    sync()
  }

  function failed(error: WriteError): void {
    stats.failedWrites++
    failure = error
    report(error)
    if (segments.offset > 0) control.publish('journal', segments.segment, segments.offset)
    // Before anyone is told: whoever hears of it may append.
    out.discard(error.writtenBytes)
    tell(error.writtenBytes, error)
    retry ??= setTimeout(() => {
      retry = undefined
      flush()
    }, retryMs)
  }

  /** Records before `writtenBytes` are in the page cache; the others got `error`, and stay in the buffer. */
  function tell(writtenBytes: number, error: Error | undefined): void {
    if (waiting.length === 0) return
    const told = waiting
    const ends = waitingEnds
    waiting = []
    waitingEnds = []
    for (let i = 0; i < told.length; i++) {
      try {
        told[i]?.((ends[i] ?? 0) <= writtenBytes ? undefined : error)
      } catch (thrown) {
        // The others still have to hear.
        options.onError(thrown as Error)
      }
    }
  }

  function sync(): void {
    unsynced = true
    if (syncTimer !== undefined || syncing) return
    syncTimer = setTimeout(() => {
      syncTimer = undefined
      if (!unsynced) return
      unsynced = false
      syncing = true
      segments.sync((error) => {
        syncing = false
        if (error !== null) report(new Error(`The journal could not be synced: ${error.message}`, { cause: error }))
        if (unsynced && !closed) sync()
      })
    }, syncMs)
    syncTimer.unref()
  }

  function spill(id: string, part: 'request' | 'response', session: string, bytes: Uint8Array): void {
    try {
      encodePayload(spillOut, id, part, session, bytes)
      spills.write(spillOut.bytes, spillOut.length)
      stats.spilledPayloads++
      control.publish('payloads', spills.segment, spills.offset)
      control.ring(true)
    } catch (error) {
      stats.lostPayloads++
      report(error as Error)
    }
    spillOut.release()
  }

  function lagBytes(): number {
    const written = control.published('journal')
    const loaded = control.published('loaded')
    const segmentsBetween = Math.max(0, written.segment - Math.max(1, loaded.segment))
    return Math.max(0, segmentsBetween * shared.segmentBytes + written.offset - loaded.offset)
  }

  return {
    reserve(record, written) {
      append(() => encodeReserve(out, record), written)
    },
    progress(record) {
      append(() => encodeProgress(out, record), undefined)
    },
    finish(record, written) {
      append(() => encodeFinish(out, record), written)
    },
    payload(requestId, part, session, bytes) {
      if (logging !== 'full' || closed) return
      payloads++
      const { buffer } = bytes
      if (buffer instanceof SharedArrayBuffer && handOver?.({ id: requestId, part, session, body: buffer }) === true) return
      if (ring.push(requestId, part === 'request' ? 0 : 1, session, bytes)) control.ring(ring.used() > ring.capacity / 4)
      else spill(requestId, part, session, bytes)
    },
    setLogging(mode) {
      logging = mode
    },
    flush,
    changes: () => stats.records + payloads,
    stats: () => ({ ...stats, waitingBytes: failure === undefined ? 0 : out.length, lagBytes: lagBytes() }),
    close() {
      if (closed) return Promise.resolve()
      flush()
      closed = true
      clearTimeout(retry)
      clearTimeout(syncTimer)
      spills.close()
      return new Promise((resolve) => {
        segments.sync((error) => {
          segments.close()
          resolve()
          if (error !== null) report(error)
        })
      })
    },
  }
}
