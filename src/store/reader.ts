// Asks the reader thread, from the event loop.
import { Worker } from 'node:worker_threads'
import { siblingModule } from '#kernel'
import type {
  FacetField,
  FacetSummary,
  RequestDetail,
  RequestFilters,
  RequestHistogram,
  RequestPage,
  StoredPayload,
  StreamPage,
} from './query-types.ts'
import type { PayloadPart, RequestRow } from './record.ts'

/** A cursor that this store did not make. */
export class CursorError extends Error {
  override readonly name = 'CursorError'
}

export interface RecordReaderPort {
  /** Rejects with a `CursorError` for a cursor that this store did not make. */
  list(filters: RequestFilters, limit: number, cursor: string | undefined): Promise<RequestPage>
  /** The same as the JSON text `{"data": [...], "next_cursor": ...}`: rows become text in the reader's thread. */
  listText(filters: RequestFilters, limit: number, cursor: string | undefined): Promise<string>
  get(id: string): Promise<RequestDetail | undefined>
  payload(id: string, part: PayloadPart): Promise<StoredPayload>
  /**
   * At most `limit` of the rows that came into the store after `position` (`<batch>-<rows>`), in that order; undefined: none, only where
   * that is now. Rejects with a `CursorError` for a position that this store did not make.
   */
  newer(filters: RequestFilters, position: string | undefined, limit: number): Promise<StreamPage>
  /** `fromMs` and `toMs` are multiples of `intervalMs`, which is one of a minute. */
  histogram(filters: RequestFilters, fromMs: number, toMs: number, intervalMs: number): Promise<RequestHistogram>
  facets(filters: RequestFilters, fields: readonly FacetField[], limit: number): Promise<FacetSummary>
  close(): Promise<void>
}

export type ReaderQuestion =
  | {
      readonly op: 'list' | 'listText'
      readonly number: number
      readonly filters: RequestFilters
      readonly limit: number
      readonly beforeSeq: number | undefined
    }
  | { readonly op: 'get'; readonly number: number; readonly id: string }
  | { readonly op: 'payload'; readonly number: number; readonly id: string; readonly part: PayloadPart }
  | {
      readonly op: 'newer'
      readonly number: number
      readonly filters: RequestFilters
      readonly position: string | undefined
      readonly limit: number
    }
  | {
      readonly op: 'histogram'
      readonly number: number
      readonly filters: RequestFilters
      readonly fromMs: number
      readonly toMs: number
      readonly intervalMs: number
    }
  | {
      readonly op: 'facets'
      readonly number: number
      readonly filters: RequestFilters
      readonly fields: readonly FacetField[]
      readonly limit: number
    }
  | { readonly op: 'close' }

export type ReaderAnswer = { readonly number: number; readonly value: unknown } | { readonly number: number; readonly error: string }

/** Starts a thread. The writer has opened the file before. */
export function createRecordReader(file: string): RecordReaderPort {
  const rows = startThread(file)
  /** Sums over many rows take their time; pages of rows don't wait for them. */
  let sums: ReaderThread | undefined
  let closed = false

  function askSums<T>(question: (number: number) => ReaderQuestion): Promise<T> {
    if (closed) return Promise.reject(new Error('The record store is closed.'))
    return (sums ??= startThread(file)).ask(question)
  }

  return {
    async list(filters, limit, cursor) {
      const beforeSeq = cursor === undefined ? undefined : parseCursor(cursor)
      const page = await rows.ask<{ rows: RequestRow[]; nextSeq: number | undefined }>((number) => ({
        op: 'list',
        number,
        filters,
        limit,
        beforeSeq,
      }))
      return { rows: page.rows, nextCursor: page.nextSeq === undefined ? undefined : encodeCursor(page.nextSeq) }
    },
    async listText(filters, limit, cursor) {
      const beforeSeq = cursor === undefined ? undefined : parseCursor(cursor)
      const page = await rows.ask<{ text: string; nextSeq: number | undefined }>((number) => ({
        op: 'listText',
        number,
        filters,
        limit,
        beforeSeq,
      }))
      return `{"data":${page.text},"next_cursor":${page.nextSeq === undefined ? 'null' : `"${encodeCursor(page.nextSeq)}"`}}`
    },
    get: (id) => rows.ask((number) => ({ op: 'get', number, id })),
    payload: (id, part) => rows.ask((number) => ({ op: 'payload', number, id, part })),
    async newer(filters, position, limit) {
      if (position !== undefined && !/^\d{1,15}-\d{1,16}$/.test(position))
        throw new CursorError('The position is not one that this instance gave.')
      return rows.ask((number) => ({ op: 'newer', number, filters, position, limit }))
    },
    histogram: (filters, fromMs, toMs, intervalMs) => askSums((number) => ({ op: 'histogram', number, filters, fromMs, toMs, intervalMs })),
    facets: (filters, fields, limit) => askSums((number) => ({ op: 'facets', number, filters, fields, limit })),
    async close() {
      closed = true
      await Promise.all([rows.close(), sums?.close()])
    },
  }
}

type ReaderThread = { ask<T>(question: (number: number) => ReaderQuestion): Promise<T>; close(): Promise<void> }

function startThread(file: string): ReaderThread {
  const worker = new Worker(siblingModule(import.meta.url, 'reader-thread'), { workerData: { file } })
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let number = 0
  let stopped: Error | undefined
  worker.unref()

  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  worker.on('message', (answer: ReaderAnswer) => {
    const asked = waiting.get(answer.number)
    if (asked === undefined) return
    waiting.delete(answer.number)
    if (waiting.size === 0) worker.unref()
    if ('error' in answer) asked.reject(new Error(`The record store could not answer: ${answer.error}`))
    else asked.resolve(answer.value)
  })
  worker.on('error', (error) => stop(new Error(`The thread that reads the record store has stopped: ${error.message}`, { cause: error })))
  worker.on('exit', () => stop(new Error('The record store is closed.')))

  function stop(error: Error): void {
    stopped ??= error
    for (const asked of waiting.values()) asked.reject(stopped)
    waiting.clear()
  }

  function ask<T>(question: (number: number) => ReaderQuestion): Promise<T> {
    if (stopped !== undefined) return Promise.reject(stopped)
    return new Promise<T>((resolve, reject) => {
      const mine = ++number
      waiting.set(mine, { resolve, reject })
      worker.ref()
      worker.postMessage(question(mine))
    })
  }

  return {
    ask,
    close() {
      if (stopped === undefined) {
        worker.ref()
        worker.postMessage({ op: 'close' } satisfies ReaderQuestion)
      }
      return exited
    },
  }
}

function encodeCursor(seq: number): string {
  return Buffer.from(`1:${seq}`).toString('base64url')
}

function parseCursor(cursor: string): number {
  const match = /^1:(\d{1,16})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
  const seq = Number(match?.[1])
  if (!Number.isSafeInteger(seq) || encodeCursor(seq) !== cursor)
    throw new CursorError('The cursor is not one that this instance made. Begin again without it.')
  return seq
}
