// A whole answer -> response: it is the one line of a stream that says everything.
import { Failure, isObject, type JsonObject } from '#kernel'
import { fold, type Response } from '#ir'
import { findError, streamFailure } from '#wires/provider-errors'
import { LineReader } from './decode-stream.ts'

/** Throws a classified Failure when the body is an error inside a 200, `bad_response` when it is something else. */
export function decodeResponse(body: JsonObject): Response {
  if (!isObject(body['message'])) {
    const said = findError(body)
    if (said !== undefined) throw streamFailure(said, JSON.stringify(body))
    throw new Failure('bad_response', 'The provider answered something that is not an answer of Ollama: it has no message.')
  }
  const reader = new LineReader()
  return fold([...reader.take(body), ...reader.end()])
}
