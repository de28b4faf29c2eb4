// A whole answer -> response, by way of the events that would have streamed it.
import { Failure, isObject, type JsonObject } from '#kernel'
import { fold, type Response } from '#ir'
import { AnswerReader } from './decode-stream.ts'

/** Throws `bad_response` when the body is no answer, or the failure that an error body inside a 200 describes. */
export function decodeResponse(body: JsonObject): Response {
  const reader = new AnswerReader()
  const events = reader.chunk(body)
  if (events.at(-1)?.type !== 'error' && !Array.isArray(body['candidates']) && !isObject(body['promptFeedback'])) {
    throw new Failure('bad_response', "The provider answered something that is not Gemini's: it has no `candidates`.")
  }
  return fold([...events, ...reader.end()])
}
