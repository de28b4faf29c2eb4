// The recorder: the journal on the event loop, the writer's thread behind it, the reader's thread beside it.
import { mkdirSync } from 'node:fs'
import { MessageChannel, Worker } from 'node:worker_threads'
import { siblingModule } from '#threads'
import { createRecordReader, type LoggingMode, type RecordReaderPort } from '#store'
import { createControl } from './control.ts'
import { createJournal, type JournalStats } from './journal.ts'
import type { Journal, SharedBody } from './port.ts'
import type { RecoverySummary } from './recovery.ts'
import { createRingMemory, createRingProducer } from './ring.ts'
import { recordFiles } from './writer.ts'
import type { ThreadStats, WriterCommand, WriterReport, WriterThreadData } from './writer-thread.ts'

/** What is kept of requests, and how long. */
export type Keeping = Pick<RecorderOptions, 'logging' | 'retentionDays' | 'logMaxBytes'>

export type RecorderOptions = {
  /** An existing directory that this process holds the lock of. */
  readonly home: string
  /** `metadata`: rows without bodies. `off`: no rows either; roll-ups, hence requests and cost per key, go on. */
  readonly logging: LoggingMode
  readonly retentionDays: number
  readonly logMaxBytes: number
  /** Bodies on their way to the writer; what does not fit is spilled to files. Default 16 MiB. */
  readonly ringBytes?: number
  /** Large bodies in shared memory that the writer has not stored yet; what is more goes the way of all others. Default 128 MiB. */
  readonly handedBytes?: number
  /** Trouble for the operational log; the recorder goes on. */
  readonly onError: (error: Error) => void
}

/** Every answer but `newer` sees all that was journalled before the question. */
export type RecordQueryPort = Omit<RecordReaderPort, 'close'> & { flush(): Promise<void> }

export type RecorderStats = { readonly journal: JournalStats; readonly writer: ThreadStats | undefined }

export type Recorder = {
  readonly journal: Journal
  readonly query: RecordQueryPort
  readonly recovery: RecoverySummary
  /** The writer's numbers are those of the last flush. */
  stats(): RecorderStats
  /** Resolves when everything journalled before the call can be queried; rejects when the store refuses it. */
  flush(): Promise<void>
  /** What is kept, and how long, from now on. */
  configure(keeping: Keeping): void
  /** Writes and loads everything, and stops. */
  close(): Promise<void>
}

/** How long a query waits for the writer before it answers from what is there. */
const patienceMs = 2000
/** What the writer makes of a record dies with it: a larger young generation (V8 would take 50 MB) only pushes the event loop's out of the caches. */
const resourceLimits = { maxYoungGenerationSizeMb: 12 }

/** Resolves when what earlier processes left is in the store. Rejects when the store is unreadable, or of a newer release. */
export async function createRecorder(options: RecorderOptions): Promise<Recorder> {
  const { home, logging, onError } = options
  const files = recordFiles(home)
  mkdirSync(files.journal, { recursive: true, mode: 0o700 })
  const control = createControl()
  const ring = createRingMemory(options.ringBytes ?? 16 * 1024 * 1024)
  const { port1: commands, port2: theirs } = new MessageChannel()
  const worker = new Worker(siblingModule(import.meta.url, 'writer-thread'), {
    workerData: {
      home,
      logging,
      retention: { days: options.retentionDays, maxBytes: options.logMaxBytes },
      control: control.memory,
      ring,
      commands: theirs,
    } satisfies WriterThreadData,
    transferList: [theirs],
    resourceLimits,
  })
  const flushes = new Map<number, { resolve(): void; reject(error: Error): void }>()
  let stopped: Error | undefined
  let writerStats: ThreadStats | undefined
  let started = false
  let closing: Promise<void> | undefined
  let flushNumber = 0
  /** Journal changes that the last finished flush covers. */
  let flushedChanges = -1

  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  const { recovery, generation } = await new Promise<{ recovery: RecoverySummary; generation: number }>((resolve, reject) => {
    worker.on('message', (report: WriterReport) => {
      if (report.type === 'recovered') resolve(report)
      else if (report.type === 'trouble') onError(new Error(report.message))
      else if (report.type === 'stored') handed -= report.bytes
      else flushed(report)
    })
    worker.on('error', (error: Error) => {
      stop(new Error(`The thread that writes the record store has stopped: ${error.message}`, { cause: error }))
      reject(error)
    })
    worker.on('exit', () => {
      stop(new Error('The recorder is closed.'))
      reject(new Error('The thread that writes the record store ended before it was ready.'))
    })
  })
  started = true
  worker.unref()
  commands.unref()
  let handed = 0

  function handOver(body: SharedBody): boolean {
    if (stopped !== undefined || handed + body.body.byteLength > (options.handedBytes ?? 128 << 20)) return false
    handed += body.body.byteLength
    commands.postMessage({ op: 'body', body } satisfies WriterCommand)
    control.ask()
    return true
  }

  const journal = createJournal({
    handOver,
    dir: files.journal,
    generation,
    control,
    ring: createRingProducer(ring),
    logging,
    onError,
  })
  const reader = createRecordReader(files.database)

  function flushed(report: Extract<WriterReport, { type: 'flushed' }>): void {
    writerStats = report.stats
    const waiting = flushes.get(report.number)
    flushes.delete(report.number)
    if (flushes.size === 0) worker.unref()
    if (report.error === undefined) waiting?.resolve()
    else waiting?.reject(new Error(`The record store cannot be written: ${report.error}`))
  }

  function stop(error: Error): void {
    if (stopped !== undefined) return
    stopped = error
    for (const waiting of flushes.values()) waiting.reject(error)
    flushes.clear()
    if (started && closing === undefined) onError(error)
  }

  function flush(): Promise<void> {
    if (stopped !== undefined) return Promise.reject(stopped)
    const changes = journal.changes()
    journal.flush()
    return new Promise<void>((resolve, reject) => {
      const number = ++flushNumber
      worker.ref()
      flushes.set(number, {
        resolve() {
          flushedChanges = changes
          resolve()
        },
        reject,
      })
      commands.postMessage({ op: 'flush', number } satisfies WriterCommand)
      control.ask()
    })
  }

  /** Before a query. A store that cannot be written can still be read: then the answer is what it has. */
  async function settle(): Promise<void> {
    if (journal.changes() === flushedChanges) return
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patienceMs)
    })
    await Promise.race([flush().catch(() => undefined), patience])
    clearTimeout(timer)
  }

  async function close(): Promise<void> {
    await journal.close()
    if (stopped === undefined) {
      worker.ref()
      commands.postMessage({ op: 'close' } satisfies WriterCommand)
      control.ask()
    }
    await reader.close()
    await exited
    commands.close()
  }

  return {
    journal,
    query: {
      async list(filters, limit, cursor) {
        await settle()
        return reader.list(filters, limit, cursor)
      },
      async listText(filters, limit, cursor) {
        await settle()
        return reader.listText(filters, limit, cursor)
      },
      async get(id) {
        await settle()
        return reader.get(id)
      },
      async payload(id, part) {
        await settle()
        return reader.payload(id, part)
      },
      // Asked again and again: it tells what is there, and makes the writer do nothing.
      newer: (filters, position, limit) => reader.newer(filters, position, limit),
      async histogram(filters, fromMs, toMs, intervalMs) {
        await settle()
        return reader.histogram(filters, fromMs, toMs, intervalMs)
      },
      async facets(filters, fields, limit) {
        await settle()
        return reader.facets(filters, fields, limit)
      },
      flush: settle,
    },
    recovery,
    stats: () => ({ journal: journal.stats(), writer: writerStats }),
    flush,
    configure({ logging: mode, retentionDays: days, logMaxBytes: maxBytes }) {
      journal.setLogging(mode)
      if (stopped !== undefined) return
      commands.postMessage({ op: 'configure', logging: mode, retention: { days, maxBytes } } satisfies WriterCommand)
      control.ask()
    },
    close: () => (closing ??= close()),
  }
}
