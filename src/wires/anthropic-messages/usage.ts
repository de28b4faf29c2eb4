// Token counts. Anthropic's `input_tokens` exclude cache reads and writes; `output_tokens` include thinking.
import { asCount, asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Usage } from '#ir'

/**
 * The usage so far after a `message_delta`: its counts are cumulative and replace those of `message_start`. A 0 does not replace a
 * count: some compatible providers repeat `input_tokens: 0` at the end.
 */
export function mergeUsage(before: JsonObject, update: JsonObject): JsonObject {
  const merged: JsonObject = { ...before }
  for (const [key, value] of Object.entries(update)) {
    if (value === null || (value === 0 && typeof before[key] === 'number')) continue
    merged[key] = value
  }
  return merged
}

/** Reads a complete usage object; undefined when it has no counts. */
export function decodeUsage(raw: JsonValue | undefined): Usage | undefined {
  if (!isObject(raw)) return undefined
  const fresh = asCount(raw['input_tokens'])
  const output = asCount(raw['output_tokens'])
  if (fresh === undefined && output === undefined) return undefined
  const compaction = compactionOf(raw['iterations'])
  const cacheRead = plus(asCount(raw['cache_read_input_tokens']), compaction?.cacheRead)
  const cacheWrite = plus(asCount(raw['cache_creation_input_tokens']), compaction?.cacheWrite)
  const creation = raw['cache_creation']
  const cacheWrite1h = isObject(creation) ? asCount(creation['ephemeral_1h_input_tokens']) : undefined
  const details = raw['output_tokens_details']
  const reasoning = isObject(details) ? asCount(details['thinking_tokens']) : undefined
  const hosted = hostedCalls(raw['server_tool_use'])
  const cost = raw['cost']
  // Fast mode has a price of its own, and so has inference in the United States alone (platform.claude.com/docs/en/about-claude/pricing, 2026-10).
  const tier = raw['speed'] === 'fast' ? 'fast' : asText(raw['service_tier'])
  const region = raw['inference_geo'] === 'us' ? 'us' : undefined
  const freshTotal = (fresh ?? 0) + (compaction?.fresh ?? 0)
  return {
    input: {
      total: freshTotal + (cacheRead ?? 0) + (cacheWrite ?? 0),
      fresh: freshTotal,
      ...(cacheRead === undefined ? {} : { cacheRead }),
      ...(cacheWrite === undefined ? {} : { cacheWrite }),
      ...(cacheWrite1h === undefined ? {} : { cacheWrite1h }),
    },
    output: { total: (output ?? 0) + (compaction?.output ?? 0), ...(reasoning === undefined ? {} : { reasoning }) },
    ...(hosted === undefined ? {} : { hosted }),
    ...statedCost(cost),
    ...(tier === undefined ? {} : { serviceTier: tier }),
    ...(region === undefined ? {} : { region }),
    raw,
  }
}

type Tokens = { fresh: number; cacheRead: number; cacheWrite: number; output: number }

/**
 * A compaction pass is billed, but the top-level counts leave it out (platform.claude.com/docs/en/build-with-claude/compaction-threshold,
 * 2026-10). Other iterations are either in those counts already (`message`) or another model's (`advisor_message`).
 */
function compactionOf(iterations: JsonValue | undefined): Tokens | undefined {
  if (!Array.isArray(iterations)) return undefined
  let sum: Tokens | undefined
  for (const pass of iterations) {
    if (!isObject(pass) || pass['type'] !== 'compaction') continue
    sum ??= { fresh: 0, cacheRead: 0, cacheWrite: 0, output: 0 }
    sum.fresh += asCount(pass['input_tokens']) ?? 0
    sum.cacheRead += asCount(pass['cache_read_input_tokens']) ?? 0
    sum.cacheWrite += asCount(pass['cache_creation_input_tokens']) ?? 0
    sum.output += asCount(pass['output_tokens']) ?? 0
  }
  return sum
}

/** What a compatible provider (OpenRouter) says it billed, in USD: a number here, a decimal without an exponent in the IR. */
function statedCost(cost: JsonValue | undefined): { cost?: string } {
  if (typeof cost === 'string' && /^\d+(\.\d+)?$/.test(cost)) return { cost }
  if (typeof cost !== 'number' || !(cost >= 0)) return {}
  return { cost: String(cost).includes('e') ? cost.toFixed(18).replace(/\.?0+$/, '') : String(cost) }
}

/** `{web_search_requests: 2}` is two calls of `web_search`. */
function hostedCalls(raw: JsonValue | undefined): Record<string, number> | undefined {
  if (!isObject(raw)) return undefined
  const calls = new Map<string, number>()
  for (const [key, value] of Object.entries(raw)) {
    const count = asCount(value)
    if (count !== undefined && key.endsWith('_requests')) calls.set(key.slice(0, -'_requests'.length), count)
  }
  return calls.size === 0 ? undefined : Object.fromEntries(calls)
}

function plus(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? (b === 0 ? undefined : b) : a + (b ?? 0)
}

/** Towards a client: fresh input apart from the cache, `cost` in USD beside it. Unknown counts are left out, except the two required. */
export function encodeUsage(usage: Usage | undefined, costUsd: number | undefined): JsonObject {
  const encoded: JsonObject = { input_tokens: usage?.input.fresh ?? 0 }
  if (usage?.input.cacheWrite !== undefined) encoded['cache_creation_input_tokens'] = usage.input.cacheWrite
  if (usage?.input.cacheRead !== undefined) encoded['cache_read_input_tokens'] = usage.input.cacheRead
  if (usage?.input.cacheWrite1h !== undefined) {
    encoded['cache_creation'] = {
      ephemeral_5m_input_tokens: Math.max(0, (usage.input.cacheWrite ?? 0) - usage.input.cacheWrite1h),
      ephemeral_1h_input_tokens: usage.input.cacheWrite1h,
    }
  }
  encoded['output_tokens'] = usage?.output.total ?? 0
  if (usage?.output.reasoning !== undefined) encoded['output_tokens_details'] = { thinking_tokens: usage.output.reasoning }
  if (usage?.hosted !== undefined) {
    encoded['server_tool_use'] = Object.fromEntries(Object.entries(usage.hosted).map(([kind, calls]) => [`${kind}_requests`, calls]))
  }
  if (usage?.serviceTier === 'fast') encoded['speed'] = 'fast'
  else if (usage?.serviceTier !== undefined) encoded['service_tier'] = usage.serviceTier
  if (costUsd !== undefined) encoded['cost'] = costUsd
  return encoded
}
