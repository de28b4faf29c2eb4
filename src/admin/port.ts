// What the admin API asks of the recorder. Answers come from its reader thread; nothing here runs on the data plane's time.
import type { PayloadPart, RequestDetail, RequestRow } from './contract.ts'

/** Every field given must match. Times are milliseconds since 1970. */
export type RequestFilters = {
  readonly fromMs?: number
  readonly toMs?: number
  readonly key?: string
  readonly kind?: string
  readonly session?: string
  readonly trace?: string
  readonly client?: string
  readonly wire?: string
  readonly endpoint?: string
  readonly model?: string
  readonly provider?: string
  readonly stream?: boolean
  readonly status?: number
  readonly outcome?: string
  readonly error?: string
  readonly fallback?: boolean
  readonly costSource?: string
  readonly minCostNanoUsd?: bigint
  readonly minMs?: number
  readonly q?: string
  readonly metadata?: ReadonlyMap<string, string>
}

/** Newest first. `nextCursor` undefined: nothing older. */
export type RequestPage = { readonly rows: readonly RequestRow[]; readonly nextCursor: string | undefined }

/** Why a body is not there: the sentence is shown to the operator. */
export type StoredPayload = { readonly bytes: Uint8Array } | { readonly missing: string }

export interface QueryPort {
  /** Throws a `CursorError` for a cursor that this instance did not make. */
  list(filters: RequestFilters, limit: number, cursor: string | undefined): Promise<RequestPage>
  get(id: string): Promise<RequestDetail | undefined>
  payload(id: string, part: PayloadPart): Promise<StoredPayload>
  /** Resolves once everything that was answered before the call is visible to the others. */
  flush(): Promise<void>
}
