// What queries ask and answer: filters, pages, one request in full, its bodies.
import type { JsonObject } from '#kernel'
import type { RequestRow } from './record.ts'

/** Every field given must match. Times are milliseconds since 1970, from included, to excluded. */
export type RequestFilters = {
  readonly fromMs?: number
  readonly toMs?: number
  /** Id or name. */
  readonly key?: string
  readonly kind?: string
  readonly session?: string
  readonly trace?: string
  readonly client?: string
  readonly wire?: string
  readonly endpoint?: string
  /** As asked for or as served. */
  readonly model?: string
  readonly modelAsked?: string
  readonly modelServed?: string
  readonly provider?: string
  readonly stream?: boolean
  readonly status?: number
  readonly outcome?: string
  /** Code or class. */
  readonly error?: string
  readonly errorCode?: string
  readonly errorClass?: string
  readonly cache?: string
  readonly fallback?: boolean
  readonly costSource?: string
  readonly minCostNanoUsd?: bigint
  readonly minMs?: number
  /** Part of an id, a session, a trace, metadata, a model, a provider, a client, a key name or an error. */
  readonly q?: string
  readonly metadata?: ReadonlyMap<string, string>
}

/** Newest first. `nextCursor` undefined: nothing older. */
export type RequestPage = { readonly rows: readonly RequestRow[]; readonly nextCursor: string | undefined }

export type RequestDetail = RequestRow & {
  lane: 'pass' | 'translate' | 'none'
  finish_reason: string | null
  attempt_list: {
    provider: string
    model: string
    credential: string
    status: number | null
    error: { class: string; message: string } | null
    at: string
    ms: { head: number | null; first_token: number | null; total: number }
    reason: string
  }[]
  cost_lines: { item: string; units: number; unit_usd: string; amount_usd: string }[]
  price_version: string | null
  provider_cost_usd: string | null
  notes: { code: string; path: string; why: string }[]
  headers: Record<string, string>
  usage: JsonObject | null
  bytes: { request: number; response: number }
  /** Which bodies are stored; `payload` says why one is not. */
  payloads: { request: boolean; response: boolean }
}

/** The bytes, or a sentence that says why they are not there. */
export type StoredPayload = { readonly bytes: Uint8Array } | { readonly missing: string }
