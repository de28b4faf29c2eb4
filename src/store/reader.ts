// Asks the reader thread, from the event loop.
import { Worker } from 'node:worker_threads'
import { siblingModule } from '#kernel'
import type { RequestDetail, RequestFilters, RequestPage, StoredPayload } from './query-types.ts'
import type { PayloadPart, RequestRow } from './record.ts'

/** A cursor that this store did not make. */
export class CursorError extends Error {
  override readonly name = 'CursorError'
}

export interface RecordReaderPort {
  /** Rejects with a `CursorError` for a cursor that this store did not make. */
  list(filters: RequestFilters, limit: number, cursor: string | undefined): Promise<RequestPage>
  get(id: string): Promise<RequestDetail | undefined>
  payload(id: string, part: PayloadPart): Promise<StoredPayload>
  close(): Promise<void>
}

export type ReaderQuestion =
  | {
      readonly op: 'list'
      readonly number: number
      readonly filters: RequestFilters
      readonly limit: number
      readonly beforeSeq: number | undefined
    }
  | { readonly op: 'get'; readonly number: number; readonly id: string }
  | { readonly op: 'payload'; readonly number: number; readonly id: string; readonly part: PayloadPart }
  | { readonly op: 'close' }

export type ReaderAnswer = { readonly number: number; readonly value: unknown } | { readonly number: number; readonly error: string }

/** Starts the thread. The writer has opened the file before. */
export function createRecordReader(file: string): RecordReaderPort {
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
    async list(filters, limit, cursor) {
      const beforeSeq = cursor === undefined ? undefined : parseCursor(cursor)
      const page = await ask<{ rows: RequestRow[]; nextSeq: number | undefined }>((n) => ({
        op: 'list',
        number: n,
        filters,
        limit,
        beforeSeq,
      }))
      return { rows: page.rows, nextCursor: page.nextSeq === undefined ? undefined : encodeCursor(page.nextSeq) }
    },
    get: (id) => ask((n) => ({ op: 'get', number: n, id })),
    payload: (id, part) => ask((n) => ({ op: 'payload', number: n, id, part })),
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
