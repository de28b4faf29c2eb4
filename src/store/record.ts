// The record of one request: what the journal carries, the store keeps and the admin API shows. Plain data, structured-clonable.
import type { JsonObject } from '#kernel'
import type { CostLine, Price, UsageCounts } from '#ir'

export type { CostLine, UsageCounts } from '#ir'

export type Outcome = 'ok' | 'client_error' | 'upstream_error' | 'interrupted' | 'cancelled' | 'denied'
export type RequestKind = 'user' | 'heartbeat' | 'cron' | 'compaction' | 'probe'
export type CostSource = 'computed' | 'provider' | 'estimated' | 'unpriced'
/** What the response cache had to do with a request: `refresh` asked a provider although an answer was there to give. */
export type CacheState = 'disabled' | 'miss' | 'hit' | 'refresh'

/** What is known when a request is about to reach a provider. Written (not synced) before the upstream call. */
export type ReserveRecord = {
  readonly id: string
  /** Milliseconds since 1970 at which the request arrived. */
  readonly atMs: number
  readonly keyId: string
  readonly keyName: string
  readonly kind: RequestKind
  readonly session: string
  readonly trace: string
  /** User agent, at most 128 characters. */
  readonly client: string
  readonly wire: string
  /** Path asked for (`/v1/chat/completions`). */
  readonly endpoint: string
  readonly modelAsked: string
  readonly stream: boolean
  /** The first target: provider slug and the provider's id of the model. */
  readonly provider: string
  readonly modelTarget: string
  readonly requestBytes: number
  /** Client's metadata, '' or a JSON object of strings. */
  readonly metadata: string
  /** The routing config that decided, '' when there was none; one that came with the request is `inline` in version 0, which no stored one has. */
  readonly configSlug: string
  readonly configVersion: number
  /** Whose key it was: ids of a user and of a team, '' without one. */
  readonly user: string
  readonly team: string
  /** The account that pays, as the hold decided (`wallet:<id>`); '': the instance's own, which is unlimited. */
  readonly wallet: string
  /** Prices frozen for the first target, so that an orphan can be charged; undefined: unpriced. A finish record's: what its answer cost by. */
  readonly price: Price | undefined
  /** Asked for, '' without one; counts where the answer doesn't say which one served it. */
  readonly serviceTier: string
}

/** Every second or so of a long stream. */
export type ProgressRecord = {
  readonly id: string
  readonly atMs: number
  /** Bytes of answer forwarded so far. */
  readonly responseBytes: number
  /** Usage said so far by the provider, or estimated from what was forwarded. */
  readonly usage: UsageCounts
  readonly estimated: boolean
}

/** One try at one target. */
export type AttemptRecord = {
  /** Where the target stands in the config (`config.targets[1]`), '' without one. */
  readonly route: string
  readonly provider: string
  readonly model: string
  readonly credential: string
  /** HTTP status of the provider, 0 when there was none. */
  readonly status: number
  /** Failure kind, '' when the attempt succeeded. */
  readonly errorClass: string
  /** The provider's words, shortened and redacted; for the operator. */
  readonly errorMessage: string
  readonly startedAtMs: number
  /** Milliseconds from the start of the attempt; undefined when it never came. */
  readonly headMs: number | undefined
  readonly firstTokenMs: number | undefined
  readonly totalMs: number
  /** Why this target, and what decided its end. */
  readonly reason: string
}

/** What is known when the answer has ended. Together with its `ReserveRecord` (denied requests have one too) it is the whole record. */
export type FinishRecord = ReserveRecord & {
  /** Status sent to the client (499: it left before one was sent). */
  readonly status: number
  readonly outcome: Outcome
  readonly errorCode: string
  readonly errorClass: string
  readonly modelServed: string
  readonly lane: 'pass' | 'translate' | 'none'
  readonly cache: CacheState
  readonly attempts: readonly AttemptRecord[]
  readonly usage: UsageCounts | undefined
  /** The provider's own usage object as JSON text, '' when there was none. */
  readonly usageRaw: string
  readonly costSource: CostSource
  /** Nano-USD, rounded up once; undefined when unpriced. */
  readonly costNanoUsd: bigint | undefined
  readonly costLines: readonly CostLine[]
  /** What the provider says it billed, nano-USD. */
  readonly providerCostNanoUsd: bigint | undefined
  readonly finishReason: string
  readonly notes: readonly { readonly code: string; readonly path: string; readonly why: string }[]
  readonly responseBytes: number
  /** The gateway's own time, microseconds. */
  readonly overheadUs: number
  readonly firstTokenMs: number | undefined
  readonly totalMs: number
  /** Request headers worth keeping, secrets redacted, as JSON text. */
  readonly headers: string
  /** Which bodies were handed to the recorder. */
  readonly payloads: 'full' | 'none'
  /** Small bodies travel and stay inside the record; undefined: they were handed over apart, or are not stored. */
  readonly bodies: Readonly<Record<PayloadPart, Uint8Array>> | undefined
  /** Usage is missing: the recorder counts it from `kept`, and marks it estimated. Text of the answer, '' when not needed. */
  readonly kept: string
}

/** What rows and roll-ups are made of. */
export type FinishSummary = Omit<
  FinishRecord,
  'requestBytes' | 'price' | 'serviceTier' | 'lane' | 'usageRaw' | 'finishReason' | 'headers' | 'costLines' | 'notes' | 'bodies'
>

export type PayloadPart = 'request' | 'response'

/** A row of `GET /api/v1/requests`, as the contract writes it. Money as decimal strings of USD. */
export type RequestRow = {
  id: string
  at: string
  key: { id: string; name: string }
  kind: RequestKind
  session: string
  trace: string
  client: string
  wire: string
  endpoint: string
  model: { asked: string; served: string | null }
  provider: string | null
  /** Absent: none decided. */
  config?: { slug: string; version: number }
  stream: boolean
  status: number
  outcome: Outcome
  error?: { code: string; class: string }
  attempts: number
  fallback: boolean
  cache: Uppercase<CacheState>
  tokens: { input: number | null; cached: number | null; output: number | null; reasoning: number | null }
  cost_usd: string | null
  cost_source: CostSource
  ms: { overhead: number; first_token: number | null; total: number }
  metadata: JsonObject
}
