// `:countTokens`: contents, or a whole request, answered with one number.
import type { JsonObject } from '#kernel'
import type { Request } from '#ir'
import type { PathFields, TokenCounting } from '#wires/codec'
import { decodeRequest } from './decode-request.ts'
import { isGiven, readMessage, wrong } from './fields.ts'

/** Throws `invalid_request` that names the field. Vertex AI has instructions and tools beside the contents. */
function decode(body: JsonObject, path: PathFields = {}): Request {
  const message = readMessage(body, '')
  const { generateContentRequest: inner, ...outer } = message
  if (!isGiven(inner)) return decodeRequest(outer, path).request
  if (isGiven(outer['contents'])) wrong('contents', 'it is given beside generateContentRequest')
  return decodeRequest(readMessage(inner, 'generateContentRequest'), path).request
}

export const tokenCounting: TokenCounting = {
  endpoint: (generate) => generate.replace(/\{generateContent\|[^{}]*\}/, 'countTokens'),
  decode,
  encode: (totalTokens) => ({ totalTokens }),
}
