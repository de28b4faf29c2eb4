// What would happen to a request: its plan, from the planner that live requests have. Nothing is sent, and nothing is remembered.
import type { GatewayKey, RoutingConfig } from '#config'
import type { JsonObject } from '#kernel'

export type DryRunInput = {
  /** A config as it was read, or the slug of a stored one; absent: the one that the request's headers, its key or its model choose. */
  readonly config?: RoutingConfig | string
  /** The path: `/v1/chat/completions`. */
  readonly endpoint: string
  readonly body: JsonObject
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly key: GatewayKey
}

/** As the admin API says it. */
export type DryRun = {
  /** null: none. */
  readonly config: { readonly slug: string | null; readonly version: number | null } | null
  /** As it was asked for. */
  readonly model: string
  readonly steps: readonly DryRunStep[]
  readonly skipped: readonly { readonly target: string; readonly provider: string; readonly reason: string }[]
  /** Of the first step; null: its answers are not kept. */
  readonly cache: {
    /** Seconds. */
    readonly max_age: number
    readonly namespace: string | null
    readonly tools: boolean
    readonly single_flight: boolean
  } | null
}

export type DryRunStep = {
  /** Its place in the config; '' without one. */
  readonly target: string
  readonly provider: string
  readonly model: string
  readonly credential: string
  readonly lane: 'pass' | 'translate'
  readonly wire: string
  readonly reason: string
  /** In words: where it goes on, after which failures. */
  readonly exits: readonly string[]
  readonly retry: {
    readonly attempts: number
    readonly on_status_codes: readonly number[]
    readonly use_retry_after_header: boolean
  } | null
  readonly timeouts: {
    readonly connect_ms: number
    /** null: 60000 for streams while another target remains, else none. */
    readonly first_token_ms: number | null
    readonly idle_ms: number
    readonly request_timeout: number
    /** Bytes per second; null: none. */
    readonly floor: number | null
  }
  /** As everywhere in the admin API; null: unpriced. */
  readonly price: 'free' | Readonly<Record<string, string>> | null
  /** What of the config's parameters has no place in the client's wire. */
  readonly notes: readonly string[]
}
