// The neutral response, and the stream of events that says the same thing piece by piece.
import type { Failure, JsonObject } from '#kernel'
import type { AssistantPart, Citation, Ext, Logprob, MediaPart, OpaquePart, Seal, ToolResultPart } from './request.ts'

/**
 * Token counts. Totals are inclusive, the breakdown is disjoint where it says so, and absent is not 0.
 *   input.total = fresh + cacheRead + cacheWrite (cacheWrite includes cacheWrite1h); audio and images are parts of fresh
 *   output.total includes reasoning, audio and images
 * `raw` is the provider's own object. `cost` is what the provider says it billed, in USD, verbatim as a decimal string.
 */
export type Usage = {
  readonly input: {
    readonly total: number
    readonly fresh: number
    readonly cacheRead?: number
    readonly cacheWrite?: number
    readonly cacheWrite1h?: number
    readonly audio?: number
    readonly image?: number
  }
  readonly output: { readonly total: number; readonly reasoning?: number; readonly audio?: number; readonly image?: number }
  /** Tokens that the provider charges for, where they are others than those above: Cohere bills no words of its own prompt. */
  readonly billed?: { readonly input: number; readonly output: number }
  /** Calls of hosted tools that are billed apart, by kind (`web_search`). */
  readonly hosted?: Readonly<Record<string, number>>
  readonly cost?: string
  readonly serviceTier?: string
  /** Where the provider says that it computed, when that has a price of its own (`us`). */
  readonly region?: string
  readonly raw: JsonObject
}

export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'filtered' | 'refused' | 'paused' | 'other'
/** `raw` is the provider's own word. */
export type Finish = { readonly reason: FinishReason; readonly raw?: string; readonly stopSequence?: string; readonly ext?: Ext }

export type Response = {
  readonly id?: string
  /** The model that really answered, as the provider names it. */
  readonly model?: string
  /** Seconds since 1970. */
  readonly created?: number
  readonly parts: readonly AssistantPart[]
  readonly finish: Finish
  readonly usage?: Usage
  readonly ext?: Ext
}

/** How a streamed part begins: the part without the text that its deltas bring. */
export type PartHead = HeadExt &
  (
    | { readonly type: 'text' }
    | { readonly type: 'refusal' }
    | { readonly type: 'reasoning'; readonly summary?: boolean }
    | {
        readonly type: 'tool-call'
        readonly id: string
        readonly name: string
        readonly ranBy: 'client' | 'provider'
        readonly kind?: 'function' | 'custom'
      }
  )

/** Fields that are known when the part begins; those of `part-end` win. */
type HeadExt = { readonly ext?: Ext }

/**
 * stream := start (part-start part-delta* part-end | part | usage)* (finish | error)
 * Exactly one terminal event, nothing after it. `index` numbers parts from 0 in the order they begin; several parts may be open
 * at once (OpenAI interleaves parallel tool calls), each index opens and ends once. `usage` is always the whole usage so far: the
 * last one counts. At `finish` every part has ended; at `error` parts may be open.
 */
export type StreamEvent =
  | { readonly type: 'start'; readonly id?: string; readonly model?: string; readonly created?: number; readonly ext?: Ext }
  | { readonly type: 'part-start'; readonly index: number; readonly part: PartHead }
  /** Text, refusal, reasoning or argument text to append; never empty. */
  | { readonly type: 'part-delta'; readonly index: number; readonly text: string }
  /** `citations` and `logprobs` are those of the whole text part. */
  | {
      readonly type: 'part-end'
      readonly index: number
      readonly seal?: Seal
      readonly citations?: readonly Citation[]
      readonly logprobs?: readonly Logprob[]
      readonly ext?: Ext
    }
  /** A part that has no deltas (media, opaque, a tool result, reasoning that is only a seal). */
  | { readonly type: 'part'; readonly index: number; readonly part: MediaPart | OpaquePart | ToolResultPart | SealedReasoning }
  | { readonly type: 'usage'; readonly usage: Usage }
  | { readonly type: 'finish'; readonly finish: Finish; readonly ext?: Ext }
  | { readonly type: 'error'; readonly error: Failure }

export type SealedReasoning = {
  readonly type: 'reasoning'
  readonly text: ''
  readonly seal: Seal
  readonly summary?: boolean
  readonly ext?: Ext
}
