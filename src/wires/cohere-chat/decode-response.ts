// A whole answer -> response, through the same mapping as its stream.
import { Failure, isObject, type JsonObject } from '#kernel'
import { fold, type Response } from '#ir'
import { findError, streamFailure } from '#wires/provider-errors'
import { AnswerReader } from './decode-stream.ts'

/** Throws a classified Failure when the body is an error inside a 200, `bad_response` when it is something else. */
export function decodeResponse(body: JsonObject): Response {
  const { message } = body
  if (!isObject(message)) {
    const said = findError(body)
    if (said !== undefined) throw streamFailure(said, JSON.stringify(body))
    throw new Failure('bad_response', 'The provider answered something that is not an answer of Cohere: it has no message.')
  }
  return fold(new AnswerReader().whole(body, message))
}
