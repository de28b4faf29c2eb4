// Asks the reader thread, from the event loop.
import { createAskedThread, siblingModule, type AskedThread } from '#threads'
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
      readonly filters: RequestFilters
      readonly limit: number
      readonly beforeSeq: number | undefined
    }
  | { readonly op: 'get'; readonly id: string }
  | { readonly op: 'payload'; readonly id: string; readonly part: PayloadPart }
  | {
      readonly op: 'newer'
      readonly filters: RequestFilters
      readonly position: string | undefined
      readonly limit: number
    }
  | {
      readonly op: 'histogram'
      readonly filters: RequestFilters
      readonly fromMs: number
      readonly toMs: number
      readonly intervalMs: number
    }
  | {
      readonly op: 'facets'
      readonly filters: RequestFilters
      readonly fields: readonly FacetField[]
      readonly limit: number
    }

/** A thread that has answered keeps pages of the file in memory, which make the next answers faster. */
const idleMs = 60_000
const resourceLimits = { maxYoungGenerationSizeMb: 16 }

/** Starts a thread when it is asked. The writer has opened the file before. */
export function createRecordReader(file: string): RecordReaderPort {
  const rows = readerThread(file)
  /** Sums over many rows take their time; pages of rows don't wait for them. */
  const sums = readerThread(file)

  return {
    async list(filters, limit, cursor) {
      const beforeSeq = cursor === undefined ? undefined : parseCursor(cursor)
      const page = await rows.ask<{ rows: RequestRow[]; nextSeq: number | undefined }>({ op: 'list', filters, limit, beforeSeq })
      return { rows: page.rows, nextCursor: page.nextSeq === undefined ? undefined : encodeCursor(page.nextSeq) }
    },
    async listText(filters, limit, cursor) {
      const beforeSeq = cursor === undefined ? undefined : parseCursor(cursor)
      const page = await rows.ask<{ text: string; nextSeq: number | undefined }>({ op: 'listText', filters, limit, beforeSeq })
      return `{"data":${page.text},"next_cursor":${page.nextSeq === undefined ? 'null' : `"${encodeCursor(page.nextSeq)}"`}}`
    },
    get: (id) => rows.ask({ op: 'get', id }),
    payload: (id, part) => rows.ask({ op: 'payload', id, part }),
    async newer(filters, position, limit) {
      if (position !== undefined && !/^\d{1,15}-\d{1,16}$/.test(position))
        throw new CursorError('The position is not one that this instance gave.')
      return rows.ask({ op: 'newer', filters, position, limit })
    },
    histogram: (filters, fromMs, toMs, intervalMs) => sums.ask({ op: 'histogram', filters, fromMs, toMs, intervalMs }),
    facets: (filters, fields, limit) => sums.ask({ op: 'facets', filters, fields, limit }),
    async close() {
      await Promise.all([rows.close(), sums.close()])
    },
  }
}

function readerThread(file: string): AskedThread<ReaderQuestion> {
  return createAskedThread({
    module: siblingModule(import.meta.url, 'reader-thread'),
    data: { file },
    idleMs,
    resourceLimits,
    closed: 'The record store is closed.',
    died: ({ message }) => `The thread that reads the record store has stopped: ${message}`,
  })
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
