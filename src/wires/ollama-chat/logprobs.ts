// Log probabilities -> IR: OpenAI's form. Thoughts have them too, the language has them for texts.
import { asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Logprob, TokenLogprob } from '#ir'

export function decodeLogprobs(value: JsonValue | undefined): Logprob[] {
  return listOf(value).flatMap((item) => {
    const token = decodeToken(item)
    return token === undefined ? [] : [{ ...token, top: listOf(item['top_logprobs']).flatMap((each) => decodeToken(each) ?? []) }]
  })
}

function decodeToken(item: JsonObject): TokenLogprob | undefined {
  const { token, logprob, bytes } = item
  if (typeof token !== 'string' || typeof logprob !== 'number') return undefined
  const isBytes = Array.isArray(bytes) && bytes.every((byte) => typeof byte === 'number')
  return { token, logprob, ...(isBytes ? { bytes } : {}) }
}

function listOf(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

/** Those of the words of a line that may hold thoughts as well: they stand at its end. */
export function ofText(logprobs: Logprob[], text: string, hasThoughts: boolean): Logprob[] {
  if (!hasThoughts) return logprobs
  let from = logprobs.length
  let length = 0
  while (from > 0 && length < text.length) length += logprobs[--from]!.token.length
  const last = logprobs.slice(from)
  return asText(text) !== undefined && last.map(({ token }) => token).join('') === text ? last : []
}
