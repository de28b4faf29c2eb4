// What the gateway needs from whoever carries the client's side, and from the rooms that main joins to it.
import type { IncomingHttpHeaders } from 'node:http'
import type { ResponseCache } from '#cache'
import type { Journal } from '#journal'
import type { BufferPool, Deadlines } from '#kernel'
import type { PlannerDeps } from '#planning'
import type { SealedCalls, Translator } from '#translation'
import type { Upstream } from '#upstream'
import type { LoopCheck } from './loop-check.ts'

export type GatewayDeps = Pick<PlannerDeps, 'snapshot' | 'resolve' | 'health' | 'limits'> & {
  readonly journal: Journal
  readonly network: Upstream
  /** Answers for providers that are marked `simulated`. */
  readonly simulator: Upstream
  readonly deadlines: Deadlines
  readonly buffers: BufferPool
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
