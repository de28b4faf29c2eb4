// A chat completion -> response, through the same mapping as its stream.
import { Failure, isObject, type JsonObject } from '#kernel'
import { fold, type Dialect, type Response } from '#ir'
import { ChunkDecoder } from './decode-stream.ts'
import { findError, streamFailure } from '#wires/provider-errors'

/** Throws a classified Failure when the body is an error inside a 200, `bad_response` when it is something else. */
export function decodeResponse(body: JsonObject, dialect: Dialect): Response {
  const choices = body['choices']
  const hasChoices = Array.isArray(choices) && choices.some(isObject)
  const said = hasChoices && !isObject(body['error']) ? undefined : findError(body)
  if (said !== undefined) throw streamFailure(said)
  if (!hasChoices) throw new Failure('bad_response', 'The provider answered something that is not a chat completion: it has no choices.')
  const decoder = new ChunkDecoder(dialect)
  return fold([...decoder.take(body, true), ...decoder.end()])
}
