// What the gateway needs from whoever carries the client's side, and from the rooms that main joins to it.
import type { IncomingHttpHeaders } from 'node:http'
import type { Resolution } from '#catalog'
import type { GatewayKey, Snapshot } from '#config'
import type { Journal } from '#journal'
import type { Limits } from '#ledger'
import type { BufferPool, Deadlines } from '#kernel'
import type { ResponseCache } from '#policy'
import type { Health } from '#routing'
import type { Upstream } from '#upstream'
import type { LoopCheck } from './loop-check.ts'
import type { SealedCalls } from './seals.ts'
import type { Translator } from './translator.ts'

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
