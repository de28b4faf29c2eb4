// What the gateway needs from whoever carries the client's side, and from the rooms that main joins to it.
import type { IncomingHttpHeaders } from 'node:http'
import type { GatewayKey, ModelEntry, Provider, Snapshot } from '#config'
import type { ClientWire } from '#ir'
import type { Journal } from '#journal'
import type { Limits } from '#ledger'
import type { BufferPool, Deadlines } from '#kernel'
import type { ResponseCache } from '#policy'
import type { Health, Operation } from '#routing'
import type { Upstream } from '#upstream'
import type { PathFields } from '#wires'
import type { LoopCheck } from './loop-check.ts'
import type { SealedCalls } from './seals.ts'
import type { Translator } from './translator.ts'

/** The client's end of the wire. One head, any writes, then exactly one of `end` and `cut`. */
export interface Client {
  /** Name, value, name, value, ... */
  head(status: number, headers: readonly string[]): void
  /** False when the client reads slower than this is written: `clientCaughtUp` follows. */
  write(bytes: Uint8Array | string): boolean
  end(bytes?: Uint8Array | string): void
  /** Sends the bytes and closes the connection without the mark of a complete answer. */
  cut(bytes: Uint8Array | string): void
  /** True when everything written has left this process: only then may its buffers be reused. */
  flushed(): boolean
  /** Who hears of the client; an object, since a closure per request costs V8's collector dearly. */
  listener: ClientListener | undefined
}

export interface ClientListener {
  /** The client has read what was written. */
  clientCaughtUp(): void
  /** The client left before the answer was complete. */
  clientLeft(): void
}

/** An authenticated request whose body has arrived whole. */
export type Arrival = {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly atMs: number
  /** `performance.now()` when the last byte of the body was there. */
  readonly readyMs: number
  readonly operation: Operation
  readonly wire: ClientWire
  /** Absent: they are in the body. */
  readonly path?: PathFields | undefined
  readonly endpoint: string
  readonly headers: IncomingHttpHeaders
  readonly key: GatewayKey
  /** Leased from the buffer pool, with room around [bodyStart, bodyEnd); the gateway gives it back. */
  readonly buffer: Buffer
  readonly bodyStart: number
  readonly bodyEnd: number
  /** The body once more, in memory that threads share and nobody writes to; of large bodies, where it is at hand. */
  readonly shared?: Buffer | undefined
  readonly client: Client
}

/** What is known of a request that was refused before its body was read. */
export type Refusal = {
  readonly id: string
  readonly atMs: number
  readonly endpoint: string
  readonly wire: string
  readonly headers: IncomingHttpHeaders
  readonly keyId: string
  readonly keyName: string
}

export type Resolution =
  | { readonly ok: true; readonly candidates: readonly { readonly provider: Provider; readonly model: ModelEntry }[] }
  | {
      readonly ok: false
      readonly kind: 'model_not_found' | 'model_not_allowed'
      readonly nearest: readonly string[]
      /** The name is an alias, and this is what it stands for. */
      readonly alias?: string
      /** Of what is not allowed: the key's list excludes it, and not a provider's. */
      readonly byKey?: true
    }

export type GatewayDeps = {
  /** The snapshot that requests begin with from now on. */
  readonly snapshot: () => Snapshot
  readonly resolve: (snapshot: Snapshot, model: string, key: GatewayKey) => Resolution
  readonly journal: Journal
  /** Told by attempts, asked by plans. */
  readonly health: Health
  readonly network: Upstream
  /** Answers for providers that are marked `simulated`. */
  readonly simulator: Upstream
  readonly deadlines: Deadlines
  readonly buffers: BufferPool
  /** Budgets, wallets and rate limits; absent: nothing is limited. */
  readonly limits?: Limits | undefined
  /** undefined: it is off. */
  readonly cache?: ResponseCache | undefined
  /** Translates large bodies off the event loop. */
  readonly translator: Translator
  /** Counts tokens off the event loop; an estimate for models whose tokenizer is not public. */
  readonly countTokens: (text: string) => Promise<number>
  /** Request headers as JSON text for the record, secrets redacted. */
  readonly headersText: (headers: IncomingHttpHeaders) => string
  /** Whether bodies are stored, now. */
  readonly storesPayloads: () => boolean
  readonly log: { warn(fields: object, message: string): void; error(fields: object, message: string): void }
}

/** What exchanges share, beside what the gateway was given. */
export type ExchangeDeps = GatewayDeps & { readonly seals: SealedCalls; readonly loops: LoopCheck; readonly draw: () => number }
