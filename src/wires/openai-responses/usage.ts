// Usage objects of responses <-> IR.
import { asCount, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Usage } from '#ir'
import { decodeCounts } from '#wires/openai-usage'
import { typeOf } from './fields.ts'

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
  const hosted = hostedCalls(response['output'], response['tool_usage'])
  return hosted === undefined ? usage : { ...usage, hosted }
}

/** Items of calls that are billed each, as long as nobody counts them; a search is, and a page that is opened is not (2026-10). */
const billedItems: ReadonlyMap<string, string> = new Map([
  ['web_search_call', 'web_search'],
  ['x_search_call', 'x_search'],
  ['file_search_call', 'file_search'],
  ['image_generation_call', 'image_generation'],
])
const marks = ['_search_call"', 'image_generation_call"'].map((mark) => Buffer.from(mark))

/** Some of the output may be billed: it is to be read. In a text the quote would be escaped. */
export function holdsBilledCalls(bytes: Buffer): boolean {
  return marks.some((mark) => bytes.includes(mark))
}

/** `{"web_search": {"num_requests": 2}}` (2026-08) is two calls of `web_search`; most answers have the calls alone. */
function hostedCalls(output: JsonValue | undefined, told: JsonValue | undefined): Record<string, number> | undefined {
  const calls = new Map<string, number>()
  for (const item of Array.isArray(output) ? output : []) {
    const kind = isObject(item) && item['status'] !== 'failed' ? billedItems.get(typeOf(item)) : undefined
    if (kind === undefined) continue
    const action = (item as JsonObject)['action']
    const isSearch = kind !== 'web_search' || !isObject(action) || (action['type'] ?? 'search') === 'search'
    if (isSearch) calls.set(kind, (calls.get(kind) ?? 0) + 1)
  }
  for (const [kind, counts] of isObject(told) ? Object.entries(told) : []) {
    const requests = isObject(counts) ? asCount(counts['num_requests']) : undefined
    if (requests !== undefined) calls.set(kind, requests)
  }
  const some = [...calls].filter(([, count]) => count > 0)
  return some.length === 0 ? undefined : Object.fromEntries(some)
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
