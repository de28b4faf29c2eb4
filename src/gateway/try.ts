// What an attempt and its exchange know of each other.
import type { Arrival, Inspected } from '#inspection'
import type { Finish, Usage } from '#ir'
import type { ByteCollector, Failure } from '#kernel'
import type { PlannedTarget } from '#routing'
import type { AnswerContext, StreamEncoder, WireCodec } from '#wires'
import type { ExchangeDeps } from './port.ts'

/** An attempt, as its exchange sees it. */
export interface Try {
  readonly target: PlannedTarget
  readonly over: boolean
  /** Whether the provider's bytes reach the client as they are. */
  readonly passes: boolean
  /** 0: no answer yet. */
  readonly status: number
  readonly startedAtMs: number
  /** `performance.now()`; the others count from it. */
  readonly startedMs: number
  readonly headMs: number | undefined
  readonly contentMs: number | undefined
  /** True when nothing will read the request's body any more. */
  readonly bodySent: boolean
  abort(): void
  pause(): void
  resume(): void
  failed(failure: Failure): void
  /** The exchange had to begin the answer itself. */
  headTaken(): void
}

/** The exchange, as its attempts see it. Nothing is told after `streamed`, `answered` or `attemptFailed`, but `closed`. */
export interface AttemptHost {
  readonly deps: ExchangeDeps
  /** Whose seals are kept: of one gateway key, and one session of it. */
  readonly conversation: string
  readonly arrival: Arrival
  readonly inspected: Inspected
  /** The client's wire. */
  readonly codec: WireCodec
  /** The head went out before any provider had content: the answer is encoded by us from then on. */
  readonly headIsOurs: boolean
  readonly streamUsage: boolean
  /** Another target is there that may be asked when this attempt fails. */
  readonly couldMoveOn: boolean
  /** Bytes came from the provider; 0: its head. */
  touched(bytes: number): void
  learned(id: string | undefined, model: string | undefined): void
  /** Prices the usage so far; the cost to show the client in USD, undefined when there is none to add. `text`: as the provider wrote it, where at hand. */
  priced(usage: Usage, attempt: Try, text?: string): number | undefined
  answerContext(): AnswerContext
  /** The encoder of this attempt's answer. */
  encoder(): StreamEncoder
  /** The first content is there: the head goes out. */
  committed(attempt: Try): void
  write(bytes: Uint8Array | string): void
  /** A stream is complete but for its tail, which goes out once the record is written. */
  streamed(attempt: Try, finish: Finish | undefined, tail: Uint8Array | string): void
  answered(attempt: Try, answer: WholeAnswer): void
  /** `body`: the provider's own JSON error, which may be passed on. */
  attemptFailed(attempt: Try, failure: Failure, body: Buffer | undefined): void
  /** A provider whose answer was complete has closed it. */
  closed(): void
  /** A fault of the gateway's own, after the attempt was over. */
  broke(error: unknown): void
}

/** A whole answer, ready for the client: in its wire, cost included. The exchange takes the bytes over. `open`: the provider has not closed it yet. */
export type WholeAnswer = { readonly body: ByteCollector; readonly finish: Finish | undefined; readonly open?: true }
