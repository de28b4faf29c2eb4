// What queries ask and answer: filters, pages, one request in full, its bodies.
import type { JsonObject } from '#kernel'
import type { Outcome, RequestRow } from './record.ts'

/** Every field given must match. Times are milliseconds since 1970, from included, to excluded. */
export type RequestFilters = {
  readonly fromMs?: number
  readonly toMs?: number
  readonly id?: string
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
  /** 4: any of 400 to 499. */
  readonly statusClass?: number
  readonly outcome?: string
  /** Code or class. */
  readonly error?: string
  readonly errorCode?: string
  readonly errorClass?: string
  readonly cache?: string
  /** Slug; `inline`: one that came with its request. */
  readonly config?: string
  readonly fallback?: boolean
  readonly costSource?: string
  readonly minCostNanoUsd?: bigint
  readonly minMs?: number
  /** Input and output together. */
  readonly minTokens?: number
  readonly attempts?: number
  /** Part of a session, a value of metadata, a model, a provider, a client, an endpoint, a key or an error, or the beginning of an id or a trace. */
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
    /** Place in the config, null without one. */
    route: string | null
  }[]
  cost_lines: { item: string; units: number; rate?: string; unit_usd: string; amount_usd: string }[]
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

export type HistogramBucket = {
  readonly at: string
  requests: number
  readonly outcomes: Record<Outcome, number>
  readonly tokens: { input: number; cached: number; output: number; reasoning: number }
  cost_usd: string
}

export type RequestHistogram = {
  readonly from: string
  readonly to: string
  readonly interval_ms: number
  /** `rollups`: sums per minute, which outlive the rows. */
  readonly source: 'rollups' | 'rows'
  readonly data: readonly HistogramBucket[]
}

export type FacetField =
  | 'key'
  | 'kind'
  | 'client'
  | 'wire'
  | 'endpoint'
  | 'model_asked'
  | 'model_served'
  | 'provider'
  | 'stream'
  | 'status'
  | 'outcome'
  | 'error_code'
  | 'error_class'
  | 'cost_source'
  | 'cache'
  | 'fallback'
  | 'config'

/** `more`: values that are left out. `label`: a name for the value, where it has one. */
export type FacetSummary = {
  requests: number
  fields: { [field in FacetField]?: { values: { value: string; label?: string; requests: number }[]; more: number } }
}

/** Rows in the order in which they came into the store. A position is `<batch>-<rows>`. */
export type StreamPage = {
  readonly rows: readonly { readonly position: string; readonly json: string }[]
  /** From where to ask next. */
  readonly position: string
  /** There is more at once. */
  readonly more: boolean
}
