// Usage objects of chat completions <-> IR.
import type { JsonObject, JsonValue } from '#kernel'
import type { Dialect, Usage } from '#ir'
import { decodeCounts } from '#wires/openai-usage'
import { present } from '#wires/present'

const names = {
  input: 'prompt_tokens',
  output: 'completion_tokens',
  inputDetails: 'prompt_tokens_details',
  outputDetails: 'completion_tokens_details',
}

/** undefined when the object counts nothing. Sums hold in the result whatever the provider's arithmetic. */
export function decodeUsage(raw: JsonObject, dialect: Dialect, serviceTier?: JsonValue): Usage | undefined {
  return decodeCounts(raw, names, dialect, serviceTier)
}

/** The usage object as OpenAI writes it, plus `cost` in USD. What is not known is not written. */
export function encodeUsage(usage: Usage, costUsd: number | undefined): JsonObject {
  const { input, output } = usage
  const promptDetails = present<JsonObject>({
    cached_tokens: input.cacheRead,
    cache_write_tokens: input.cacheWrite,
    audio_tokens: input.audio,
  })
  const completionDetails = present<JsonObject>({ reasoning_tokens: output.reasoning, audio_tokens: output.audio })
  return {
    prompt_tokens: input.total,
    completion_tokens: output.total,
    total_tokens: input.total + output.total,
    ...(Object.keys(promptDetails).length > 0 ? { prompt_tokens_details: promptDetails } : {}),
    ...(Object.keys(completionDetails).length > 0 ? { completion_tokens_details: completionDetails } : {}),
    ...(costUsd === undefined ? {} : { cost: costUsd }),
  }
}
