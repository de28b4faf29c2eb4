// Usage -> IR. `tokens` is what the model read and wrote, with the prompt that Cohere adds (hundreds of tokens); `billed_units` is what is
// charged for, without it. Counts are the former, as everywhere, the cost comes from the latter. `cached_tokens` is a part of
// `tokens.input_tokens` and has no price of its own.
import { asCount, isObject, type JsonValue } from '#kernel'
import type { Usage } from '#ir'

/** undefined when nothing is counted. */
export function decodeUsage(raw: JsonValue | undefined): Usage | undefined {
  if (!isObject(raw)) return undefined
  const billed = countsOf(raw['billed_units'])
  const tokens = countsOf(raw['tokens']) ?? billed
  if (tokens === undefined) return undefined
  const cached = asCount(raw['cached_tokens'])
  const cacheRead = cached === undefined ? undefined : Math.min(cached, tokens.input)
  return {
    input: { total: tokens.input, fresh: tokens.input - (cacheRead ?? 0), ...(cacheRead === undefined ? {} : { cacheRead }) },
    output: { total: tokens.output },
    ...(billed === undefined ? {} : { billed }),
    raw,
  }
}

function countsOf(value: JsonValue | undefined): { input: number; output: number } | undefined {
  if (!isObject(value)) return undefined
  const input = asCount(value['input_tokens'])
  const output = asCount(value['output_tokens'])
  return input === undefined && output === undefined ? undefined : { input: input ?? 0, output: output ?? 0 }
}
