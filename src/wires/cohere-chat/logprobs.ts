// Log probabilities -> IR: Cohere gives them by chunk of text, one number for each token in it.
import { asText, isObject, type JsonValue } from '#kernel'
import type { Logprob } from '#ir'

/** A chunk of several tokens becomes one: its probability is their product, so their logarithms add up. There are no alternatives. */
export function decodeLogprobs(value: JsonValue | undefined): Logprob[] {
  const items = Array.isArray(value) ? value : [value]
  return items.flatMap((item) => {
    const token = isObject(item) ? asText(item['text']) : undefined
    const each = isObject(item) && Array.isArray(item['logprobs']) ? item['logprobs'] : []
    if (token === undefined || each.length === 0 || !each.every((one) => typeof one === 'number')) return []
    return [{ token, logprob: each.reduce((sum, one) => sum + one, 0), top: [] }]
  })
}
