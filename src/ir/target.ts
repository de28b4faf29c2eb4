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
  /** Top-level request fields that this provider refuses: removed in both lanes, with a note. */
  readonly strip?: readonly string[]
}

/**
 * A price row, frozen: rates in integer pico-USD per token (USD per million tokens x 10^6). Rates that a table lacks have already
 * been filled from their dearer neighbour when this is built. `version` names the row it came from.
 */
export type Price = {
  readonly version: string
  readonly input: bigint
  readonly output: bigint
  readonly cacheRead: bigint
  readonly cacheWrite: bigint
  readonly cacheWrite1h: bigint
  readonly reasoning: bigint
  readonly inputAudio: bigint
  readonly outputAudio: bigint
  /** Per request, in pico-USD. */
  readonly request: bigint
}
