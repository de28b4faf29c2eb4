// A whole answer -> response, by way of the events that would have streamed it.
import { asText, Failure, isObject, type JsonObject } from '#kernel'
import { fold, type Response } from '#ir'
import { awsFailure } from '#wires/aws-errors'
import { ConverseReader } from './decode-stream.ts'

/** Throws `bad_response` when the body is no answer, or the failure that an error body inside a 200 describes. */
export function decodeResponse(body: JsonObject): Response {
  const output = body['output']
  const message = isObject(output) ? output['message'] : undefined
  if (isObject(message)) return fold(new ConverseReader().answer(body, message))
  // A path that AWS doesn't know is answered with 200 and `{"Output": {"__type": "...#UnknownOperationException"}}`.
  const error = isObject(body['Output']) ? body['Output'] : body
  const type = asText(error['__type'])
  if (type !== undefined) throw awsFailure(undefined, type, asText(error['message']) ?? type)
  throw new Failure('bad_response', "The provider answered something that is not Converse's: it has no `output.message`.")
}
