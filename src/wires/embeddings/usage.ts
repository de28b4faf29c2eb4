// What an answer with vectors counts: tokens that were read; none are written.
import type { Usage } from '#ir'
import { asCount, isObject, type JsonObject, type JsonValue } from '#kernel'

/** `raw` is what the provider wrote, where it was found. */
export function embeddingUsage(tokens: number, raw: JsonObject): Usage {
  return { input: { total: tokens, fresh: tokens }, output: { total: 0 }, raw }
}

/** `{usage}` or nothing: the tokens that the provider states, if it does. */
export function statedUsage(tokens: JsonValue | undefined, raw: JsonObject): { usage?: Usage } {
  const count = asCount(tokens)
  return count === undefined ? {} : { usage: embeddingUsage(count, raw) }
}

/** OpenAI's usage; Voyage leaves `prompt_tokens` out, OpenRouter adds what it billed. undefined when it counts nothing. */
export function decodeUsage(raw: JsonValue | undefined): Usage | undefined {
  if (!isObject(raw)) return undefined
  const tokens = asCount(raw['prompt_tokens']) ?? asCount(raw['total_tokens'])
  if (tokens === undefined) return undefined
  const cost = raw['cost']
  return {
    ...embeddingUsage(tokens, raw),
    ...(typeof cost === 'number' || typeof cost === 'string' ? { cost: String(cost) } : {}),
  }
}

/** Of several calls together; undefined when one of them doesn't say. */
export function sumOfUsages(usages: readonly (Usage | undefined)[]): Usage | undefined {
  const stated = usages.filter((usage) => usage !== undefined)
  if (stated.length < usages.length || stated.length < 2) return stated.length < usages.length ? undefined : stated[0]
  return embeddingUsage(
    stated.reduce((sum, usage) => sum + usage.input.total, 0),
    { calls: stated.map(({ raw }) => raw) },
  )
}
