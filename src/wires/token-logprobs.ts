// How likely each token was, in OpenAI's form, which others have copied: `{token, logprob, bytes, top_logprobs}`.
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Logprob, TokenLogprob } from '#ir'

/** Items that lack a token or its logarithm say nothing. */
export function decodeTokenLogprobs(value: JsonValue | undefined): Logprob[] {
  return objectsOf(value).flatMap((item) => {
    const token = decodeToken(item)
    return token === undefined ? [] : [{ ...token, top: objectsOf(item['top_logprobs']).flatMap((each) => decodeToken(each) ?? []) }]
  })
}

function decodeToken({ token, logprob, bytes }: JsonObject): TokenLogprob | undefined {
  if (typeof token !== 'string' || typeof logprob !== 'number') return undefined
  return { token, logprob, ...(isByteList(bytes) ? { bytes } : {}) }
}

function isByteList(value: JsonValue | undefined): value is number[] {
  return Array.isArray(value) && value.every((byte) => typeof byte === 'number')
}

function objectsOf(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

export function encodeTokenLogprobs(logprobs: readonly Logprob[]): JsonObject[] {
  return logprobs.map(({ top, ...token }) => ({ ...encodeToken(token), top_logprobs: top.map(encodeToken) }))
}

/** Without bytes a token is no whole text of its own; null says so. */
function encodeToken({ token, logprob, bytes }: TokenLogprob): JsonObject {
  return { token, logprob, bytes: bytes === undefined ? null : [...bytes] }
}
