// The neutral request: what a client of any wire asks of a model. See ARCHITECTURE.md, "the language".
import type { JsonObject, JsonValue } from '#kernel'

/** The wires that clients speak to Turnpike; providers speak them too. */
export const clientWireNames = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'] as const
export type ClientWire = (typeof clientWireNames)[number]

/** The wires Turnpike knows. A wire has a folder of its own under `wires/`. */
export const wireNames = [...clientWireNames, 'bedrock-converse', 'cohere-chat', 'ollama-chat'] as const
export type Wire = (typeof wireNames)[number]

/** Fields that the IR has no word for, kept by wire and re-emitted only to the wire they came from. */
export type Ext = { readonly [W in Wire]?: JsonObject }

/**
 * Proof that reasoning (or a tool call) came from a provider, opaque to everybody else. It is sent only to its own
 * `domain` ("anthropic", "openai", ...): the vendor that can open it.
 */
export type Seal = {
  readonly domain: string
  readonly kind: 'signature' | 'encrypted' | 'redacted'
  readonly data: string
  readonly itemId?: string
}

/** A prompt-cache mark, verbatim as the client wrote it (`{type: "ephemeral", ttl?: "5m" | "1h"}`). */
export type CacheMark = JsonObject

/** What every part may carry besides its content. */
export type PartExtras = { readonly cache?: CacheMark; readonly ext?: Ext }

/**
 * Where a statement of an answer comes from. `start` and `end` are offsets into the text part, in UTF-16 units, absent when unknown; `quote`
 * is the words of the source. `raw` is the citation as its wire has it, re-emitted verbatim to that wire.
 */
export type Citation = {
  readonly url?: string
  readonly title?: string
  readonly quote?: string
  readonly start?: number
  readonly end?: number
  readonly raw?: { readonly wire: Wire; readonly value: JsonObject }
}
/** How likely a piece of text was, in OpenAI's terms (`logprob` is a natural logarithm). */
export type TokenLogprob = { readonly token: string; readonly logprob: number; readonly bytes?: readonly number[] }
export type Logprob = TokenLogprob & { readonly top: readonly TokenLogprob[] }

export type TextPart = PartExtras & {
  readonly type: 'text'
  readonly text: string
  readonly citations?: readonly Citation[]
  readonly logprobs?: readonly Logprob[]
}
export type MediaSource =
  | { readonly type: 'base64'; readonly mediaType: string; readonly data: string }
  | { readonly type: 'url'; readonly url: string }
  | { readonly type: 'file'; readonly id: string }
export type MediaPart = PartExtras & {
  readonly type: 'media'
  readonly kind: 'image' | 'document' | 'audio' | 'video'
  readonly source: MediaSource
  readonly name?: string
  /** OpenAI's image detail. */
  readonly detail?: string
}
/** `text` is the reasoning itself (may be empty when only a seal came), `summary` says that it is a summary of it. */
export type ReasoningPart = PartExtras & {
  readonly type: 'reasoning'
  readonly text: string
  readonly summary?: boolean
  readonly seal?: Seal
}
export type RefusalPart = PartExtras & { readonly type: 'refusal'; readonly text: string }
/** `args` is the argument text exactly as it was written, valid JSON or not. */
export type ToolCallPart = PartExtras & {
  readonly type: 'tool-call'
  readonly id: string
  readonly name: string
  readonly args: string
  readonly ranBy: 'client' | 'provider'
  readonly kind?: 'function' | 'custom'
  readonly seal?: Seal
}
export type ToolResultPart = PartExtras & {
  readonly type: 'tool-result'
  readonly id: string
  readonly output: readonly (TextPart | MediaPart | OpaquePart)[]
  readonly failed?: boolean
}
/** A block of one wire that has no counterpart: passed to the same wire verbatim, else dropped with a note. */
export type OpaquePart = PartExtras & { readonly type: 'opaque'; readonly wire: Wire; readonly kind: string; readonly value: JsonObject }

export type UserPart = TextPart | MediaPart | ToolResultPart | OpaquePart
export type AssistantPart = TextPart | MediaPart | ReasoningPart | RefusalPart | ToolCallPart | ToolResultPart | OpaquePart

/** Instructions; `authority` is the role's name where a wire has several. Position among the turns is kept. */
export type SystemTurn = {
  readonly role: 'system'
  readonly authority: 'system' | 'developer'
  readonly parts: readonly TextPart[]
  readonly ext?: Ext
}
/** Tool results live in user turns. `name` is OpenAI's participant name. */
export type UserTurn = { readonly role: 'user'; readonly parts: readonly UserPart[]; readonly name?: string; readonly ext?: Ext }
export type AssistantTurn = {
  readonly role: 'assistant'
  readonly parts: readonly AssistantPart[]
  readonly name?: string
  readonly ext?: Ext
}
export type Turn = SystemTurn | UserTurn | AssistantTurn

export type FunctionTool = {
  readonly type: 'function'
  readonly name: string
  readonly description?: string
  /** JSON Schema, verbatim; absent when the client sent none. */
  readonly input?: JsonObject
  readonly strict?: boolean
  readonly cache?: CacheMark
  readonly ext?: Ext
}
/** OpenAI's free-text tool, verbatim. */
export type CustomTool = { readonly type: 'custom'; readonly name: string; readonly value: JsonObject }
/** A tool that the provider runs (web search, code execution, ...), verbatim. */
export type HostedTool = { readonly type: 'hosted'; readonly wire: Wire; readonly kind: string; readonly value: JsonObject }
export type Tool = FunctionTool | CustomTool | HostedTool

export type ToolChoice = { readonly mode: 'auto' | 'none' | 'required' } | { readonly mode: 'tool'; readonly name: string }

/**
 * How much to think. `effort` is OpenAI's word ("none" ... "xhigh", "max"), `budgetTokens` Anthropic's; a codec translates the
 * one it lacks and says so in a note. `mode` absent: the provider's default. `display` is Anthropic's ("summarized", "omitted").
 */
export type Reasoning = {
  readonly mode?: 'on' | 'off' | 'adaptive'
  readonly effort?: string
  readonly budgetTokens?: number
  readonly display?: string
}

export type OutputFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json' }
  | {
      readonly type: 'json-schema'
      readonly name?: string
      readonly description?: string
      readonly schema?: JsonObject
      readonly strict?: boolean | null
    }

export type Request = {
  /** As the client wrote it; the target's own id is given to the encoder separately. */
  readonly model: string
  readonly turns: readonly Turn[]
  readonly stream: boolean
  readonly tools?: readonly Tool[]
  readonly toolChoice?: ToolChoice
  readonly parallelToolCalls?: boolean
  /** Output cap in tokens, reasoning included. */
  readonly maxOutputTokens?: number
  readonly stop?: readonly string[]
  readonly temperature?: number
  readonly topP?: number
  readonly topK?: number
  readonly seed?: number
  readonly frequencyPenalty?: number
  readonly presencePenalty?: number
  /** Number of alternatives; only 1 can be translated. */
  readonly n?: number
  /** How many alternatives of each output token are wanted beside its own probability; absent: no probabilities. */
  readonly logprobs?: number
  readonly reasoning?: Reasoning
  readonly output?: OutputFormat
  readonly verbosity?: string
  readonly serviceTier?: string
  /** The end user's id: OpenAI `user` / `safety_identifier`, Anthropic `metadata.user_id`. */
  readonly user?: string
  /** OpenAI `prompt_cache_key`. */
  readonly cacheKey?: string
  readonly ext?: Ext
}

/**
 * A loss in translation: every one is said. `path` is a path into the IR request, like `tools[2].strict` or `seed`. `observed`: nothing was
 * lost, and the operator should know.
 */
export type Note = { readonly code: 'dropped' | 'approximated' | 'renamed' | 'observed'; readonly path: string; readonly why: string }

export type { JsonObject, JsonValue }
