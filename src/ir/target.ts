// What the language must know about a target: how its dialect differs, and what its tokens cost.

/**
 * How a provider differs from its wire's own vendor: a closed set, read only inside the wire's codec (and by the splicer of the
 * pass-through lane). Absent means: like the wire's own vendor.
 */
export type Dialect = {
  /** openai-chat: the name of the output cap. Default `max_completion_tokens`; most compatible providers know only `max_tokens`. */
  readonly maxTokensField?: 'max_tokens' | 'max_completion_tokens'
  /** openai-chat: role of instructions. Default `system`; "developer" for OpenAI's reasoning models is accepted as system by them. */
  readonly developerRole?: boolean
  /** openai-chat: accepts `stream_options`. Default true. */
  readonly streamOptions?: boolean
  /** openai-chat: understands `cache_control` marks on content parts (OpenRouter, LiteLLM). Default false. */
  readonly cacheControl?: boolean
  /** openai-chat: where reasoning goes in history. Default `none`: dropped with a note. ollama-chat: it goes, unless this says `none`. */
  readonly reasoningField?: 'none' | 'reasoning_content' | 'reasoning'
  /** openai-chat: accepts `reasoning_effort`; ollama-chat: `think`. Default true. */
  readonly reasoningEffort?: boolean
  /** openai-chat: accepts `response_format: json_schema`. Default true; false: approximated by `json_object`. */
  readonly jsonSchema?: boolean
  /** openai-chat: completion_tokens exclude reasoning tokens (xAI). Default false. */
  readonly completionExcludesReasoning?: boolean
  /** Embeddings in OpenAI's form: the name of the vectors' length. Default `dimensions`. */
  readonly dimensionsField?: 'dimensions' | 'output_dimension'
  /** openai-responses: whose seal `encrypted_content` is. Default "openai". */
  readonly sealDomain?: string
  /** openai-responses: a `custom_tool_call` is a call that the provider ran itself (xAI). Default false: the client runs it. */
  readonly hostedCustomCalls?: boolean
  /**
   * anthropic-messages: Claude on another platform. The body has this as `anthropic_version`, and neither model nor stream, which are in the
   * path. On Bedrock the betas are in the body too, and streams are binary event streams.
   */
  readonly anthropicVersion?: 'bedrock-2023-05-31' | 'vertex-2023-10-16'
  /** Top-level request fields that this provider refuses: removed in both lanes, with a note. */
  readonly strip?: readonly string[]
}

/** Rates in integer pico-USD per token (USD per million tokens x 10^6); `request` and `calls` in pico-USD each. */
export type PriceRates = {
  readonly input: bigint
  readonly output: bigint
  readonly cacheRead: bigint
  readonly cacheWrite: bigint
  readonly cacheWrite1h: bigint
  readonly reasoning: bigint
  readonly inputAudio: bigint
  readonly outputAudio: bigint
  /** Absent: tokens of images cost what others do. */
  readonly inputImage?: bigint
  readonly outputImage?: bigint
  readonly request: bigint
  /** Calls of tools that the provider runs, by kind (`web_search`); 0 is free, and a kind that is not here has no price. */
  readonly calls?: Readonly<Record<string, bigint>>
}

/**
 * A price row, frozen. Rates that a table lacks have already been filled from their dearer neighbour when this is built. `version` names
 * the row it came from.
 */
export type Price = PriceRates & {
  readonly version: string
  /** Which of the row's rates these are (`flex, above 200,000 input tokens`); absent: its plain ones. */
  readonly rate?: string
  /** Rates that the answer decides on: the first case that fits counts for the whole request. */
  readonly cases?: readonly PriceCase[]
  /** Rates that the clock decides on (`priceAt`); never in a record, which has the price of its request's time. */
  readonly times?: readonly PriceTime[]
}

/** Everything that is said must hold. */
export type PriceCase = {
  /** More input tokens than this, cached ones included. */
  readonly aboveInput?: number
  readonly serviceTier?: string
  /** Where the provider says that it computed (`us`). */
  readonly region?: string
  readonly price: Price
}

/** Milliseconds since 1970 from `fromMs` until before `untilMs`; and minutes of the UTC day on `days` (0 is Sunday), which may pass midnight. */
export type PriceTime = {
  readonly fromMs?: number
  readonly untilMs?: number
  readonly window?: { readonly fromMinute: number; readonly untilMinute: number; readonly days?: readonly number[] }
  readonly price: Price
}
