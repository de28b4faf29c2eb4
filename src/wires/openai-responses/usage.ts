// Usage objects of responses <-> IR.
import { asCount, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Usage } from '#ir'
import { decodeCounts } from '#wires/openai-usage'

const names = {
  input: 'input_tokens',
  output: 'output_tokens',
  inputDetails: 'input_tokens_details',
  outputDetails: 'output_tokens_details',
}

/** What a response says of its tokens, its tier and the tools that were billed beside it. xAI's counts include reasoning on this wire. */
export function decodeUsage(response: JsonObject): Usage | undefined {
  const raw = response['usage']
  const usage = isObject(raw) ? decodeCounts(raw, names, {}, response['service_tier']) : undefined
  if (usage === undefined) return undefined
  const hosted = hostedCalls(response['tool_usage'])
  return hosted === undefined ? usage : { ...usage, hosted }
}

/** `{"web_search": {"num_requests": 2}}` (2026-08) is two calls of `web_search`. */
function hostedCalls(value: JsonValue | undefined): Record<string, number> | undefined {
  if (!isObject(value)) return undefined
  const calls = new Map<string, number>()
  for (const [kind, counts] of Object.entries(value)) {
    const requests = isObject(counts) ? asCount(counts['num_requests']) : undefined
    if (requests !== undefined && requests > 0) calls.set(kind, requests)
  }
  return calls.size === 0 ? undefined : Object.fromEntries(calls)
}

/** The details are required on this wire: there an unknown count is 0. `cost` is in USD. */
export function encodeUsage({ input, output }: Usage, costUsd: number | undefined): JsonObject {
  return {
    input_tokens: input.total,
    input_tokens_details: { cached_tokens: input.cacheRead ?? 0, cache_write_tokens: input.cacheWrite ?? 0 },
    output_tokens: output.total,
    output_tokens_details: { reasoning_tokens: output.reasoning ?? 0 },
    total_tokens: input.total + output.total,
    ...(costUsd === undefined ? {} : { cost: costUsd }),
  }
}
