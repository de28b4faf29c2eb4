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
