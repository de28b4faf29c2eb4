// A whole message -> response, by way of the events that would have streamed it.
import { asText, Failure, isObject, type JsonObject } from '#kernel'
import { fold, type Response } from '#ir'
import { MessageReader } from './decode-stream.ts'
import { failureOf } from './errors.ts'

/** Throws `bad_response` when the body is no message, or the failure that an error body inside a 200 describes. */
export function decodeResponse(body: JsonObject): Response {
  const error = body['error']
  if (body['type'] === 'error' || isObject(error)) {
    const details = isObject(error) ? error : body
    throw failureOf(undefined, asText(details['type']), asText(details['message']) ?? JSON.stringify(body), undefined)
  }
  if (!Array.isArray(body['content'])) {
    throw new Failure('bad_response', 'The provider answered something that is not an Anthropic message: it has no `content` array.')
  }
  return fold(new MessageReader().message(body))
}
