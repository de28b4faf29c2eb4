// Usage objects of OpenAI's wires -> IR. Its totals are inclusive: the prompt's include cached tokens, the answer's include reasoning.
import { asCount, asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Dialect, Notes, Usage } from '#ir'
import { present } from './present.ts'

/** What a wire calls its counts. */
export type UsageNames = { readonly input: string; readonly output: string; readonly inputDetails: string; readonly outputDetails: string }

/** undefined when the object counts nothing. Sums hold in the result whatever the provider's arithmetic. */
export function decodeCounts(raw: JsonObject, names: UsageNames, dialect: Dialect, serviceTier?: JsonValue): Usage | undefined {
  const prompt = asCount(raw[names.input])
  const completion = asCount(raw[names.output])
  if (prompt === undefined && completion === undefined) return undefined
  return present<Usage>({
    input: decodeInput(raw, detailsOf(raw, names.inputDetails), prompt ?? 0),
    output: decodeOutput(raw, detailsOf(raw, names.outputDetails), prompt ?? 0, completion ?? 0, dialect),
    hosted: decodeHosted(raw),
    cost: decodeCost(raw),
    serviceTier: asText(serviceTier),
    raw,
  })
}

function detailsOf(raw: JsonObject, name: string): JsonObject {
  const details = raw[name]
  return isObject(details) ? details : {}
}

function decodeInput(raw: JsonObject, details: JsonObject, prompt: number): Usage['input'] {
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
    image: asCount(details['image_tokens']),
  })
}

function decodeOutput(raw: JsonObject, details: JsonObject, prompt: number, completion: number, dialect: Dialect): Usage['output'] {
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
    image: asCount(details['image_tokens']),
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

const tiers: ReadonlySet<JsonValue | undefined> = new Set(['default', 'flex', 'priority', 'scale', 'fast', 'ultrafast'])

/** The tier of an answer, which "auto" is none of; other vendors' words for theirs are not known here. */
export function tierOf(tier: JsonValue | undefined): string {
  return typeof tier === 'string' && tiers.has(tier) ? tier : 'default'
}

/** Of a request: a tier that other vendors' words mean; servers that are compatible have words of their own, which pass as they are. */
export function encodeTier(tier: string | undefined, notes: Notes): string | undefined {
  if (tier !== 'standard_only') return tier
  notes.renamed('serviceTier', 'Anthropic\'s "standard_only" is the default tier here')
  return 'default'
}
