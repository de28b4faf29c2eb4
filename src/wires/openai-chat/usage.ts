// Usage objects <-> IR. OpenAI's totals are inclusive: prompt_tokens includes cached ones, completion_tokens includes reasoning.
import { asCount, asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Dialect, Usage } from '#ir'
import { present } from '#wires/present'

/** undefined when the object counts nothing. Sums hold in the result whatever the provider's arithmetic. */
export function decodeUsage(raw: JsonObject, dialect: Dialect, serviceTier?: JsonValue): Usage | undefined {
  const prompt = asCount(raw['prompt_tokens'])
  const completion = asCount(raw['completion_tokens'])
  if (prompt === undefined && completion === undefined) return undefined
  return present<Usage>({
    input: decodeInput(raw, prompt ?? 0),
    output: decodeOutput(raw, prompt ?? 0, completion ?? 0, dialect),
    hosted: decodeHosted(raw),
    cost: decodeCost(raw),
    serviceTier: asText(serviceTier),
    raw,
  })
}

function decodeInput(raw: JsonObject, prompt: number): Usage['input'] {
  const details = isObject(raw['prompt_tokens_details']) ? raw['prompt_tokens_details'] : {}
  // OpenAI and most; DeepSeek; Moonshot and Together; LiteLLM.
  const cacheRead =
    asCount(details['cached_tokens']) ??
    asCount(raw['prompt_cache_hit_tokens']) ??
    asCount(raw['cached_tokens']) ??
    asCount(raw['cache_read_input_tokens'])
  const cacheWrite = asCount(details['cache_write_tokens']) ?? asCount(raw['cache_creation_input_tokens'])
  const cached = (cacheRead ?? 0) + (cacheWrite ?? 0)
  // A provider whose prompt is smaller than what it read from the cache counts the cache apart, as Anthropic does.
  const fresh = cached > prompt ? prompt : prompt - cached
  const audio = asCount(details['audio_tokens'])
  return present<Usage['input']>({
    total: fresh + cached,
    fresh,
    cacheRead,
    cacheWrite,
    audio: audio === undefined ? undefined : Math.min(audio, fresh),
  })
}

function decodeOutput(raw: JsonObject, prompt: number, completion: number, dialect: Dialect): Usage['output'] {
  const details = isObject(raw['completion_tokens_details']) ? raw['completion_tokens_details'] : {}
  const reasoning = asCount(details['reasoning_tokens']) ?? asCount(raw['reasoning_tokens'])
  // xAI's completion excludes reasoning, which is billed (2026-02); its total gives it away where the row has no flag.
  const excluded =
    reasoning !== undefined &&
    reasoning > 0 &&
    (dialect.completionExcludesReasoning === true || reasoning > completion || raw['total_tokens'] === prompt + completion + reasoning)
  return present<Usage['output']>({
    total: excluded ? completion + reasoning : completion,
    reasoning,
    audio: asCount(details['audio_tokens']),
  })
}

function decodeHosted(raw: JsonObject): Record<string, number> | undefined {
  const tools = isObject(raw['server_tool_use']) ? raw['server_tool_use'] : {}
  // OpenRouter; Perplexity; xAI counts the sources it used, which is what it bills.
  const searches = asCount(tools['web_search_requests']) ?? asCount(raw['num_search_queries']) ?? asCount(raw['num_sources_used'])
  return searches === undefined || searches === 0 ? undefined : { web_search: searches }
}

/** What the provider says it billed, in USD. */
function decodeCost(raw: JsonObject): string | undefined {
  const cost = raw['cost']
  if (typeof cost === 'number') return decimal(cost)
  // Perplexity.
  if (isObject(cost) && typeof cost['total_cost'] === 'number') return decimal(cost['total_cost'])
  // xAI: 10^10 ticks are a dollar.
  const ticks = asCount(raw['cost_in_usd_ticks'])
  return ticks === undefined || !Number.isInteger(ticks) ? undefined : shifted(String(ticks), -10)
}

/** A number without an exponent; undefined when it is no amount. */
function decimal(value: number): string | undefined {
  if (!Number.isFinite(value) || value < 0) return undefined
  const [digits = '0', exponent] = String(value).split('e')
  return exponent === undefined ? digits : shifted(digits, Number(exponent))
}

/** Moves the decimal point of a decimal string. */
function shifted(digits: string, places: number): string {
  const [whole = '', fraction = ''] = digits.split('.')
  const all = whole + fraction
  const point = whole.length + places
  const padded = point <= 0 ? '0'.repeat(1 - point) + all : all.padEnd(point, '0')
  const at = Math.max(point, 1)
  const tail = padded.slice(at).replace(/0+$/, '')
  const head = padded.slice(0, at).replace(/^0+(?=\d)/, '')
  return tail === '' ? head : `${head}.${tail}`
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
