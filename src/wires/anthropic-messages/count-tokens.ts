// `/v1/messages/count_tokens`: a request without `max_tokens`, answered with one number.
import type { JsonObject } from '#kernel'
import type { Request } from '#ir'
import { decodePrompt } from './decode-request.ts'

/** Throws `invalid_request` that names the field. */
export function decodeCountTokens(body: JsonObject): Request {
  return decodePrompt(body)
}

export function encodeTokenCount(inputTokens: number): JsonObject {
  return { input_tokens: inputTokens }
}
