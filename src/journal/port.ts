// What the data plane asks of the journal. One append and one copy on the event loop; the rest happens elsewhere.
import type { FinishRecord, PayloadPart, ProgressRecord, ReserveRecord } from '#store'

/** Called once the record is in the page cache (it survives a killed process), or with the error that kept it out. */
export type Written = (error: Error | undefined) => void

export interface Journal {
  /** Before the upstream call: the caller dispatches in `written`. */
  reserve(record: ReserveRecord, written: Written): void
  progress(record: ProgressRecord): void
  /** Before the last byte goes to the client: the caller ends the response in `written`. */
  finish(record: FinishRecord, written: Written): void
  /**
   * Hands one whole body to the recorder; `bytes` is copied before this returns, unless it is a shared buffer of its own, which nobody may
   * write to any more. `session` picks the predecessor for the delta. Never blocks: what does not fit the ring goes to a payload segment
   * on disk, or as it is when it is shared.
   */
  payload(requestId: string, part: PayloadPart, session: string, bytes: Uint8Array): void
  /** Writes what is buffered, syncs, and stops. */
  close(): Promise<void>
}

/** A body that came by itself, in memory that nobody writes to any more. */
export type SharedBody = {
  readonly id: string
  readonly part: PayloadPart
  readonly session: string
  readonly body: SharedArrayBuffer
}
