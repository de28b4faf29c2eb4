// A provider's whole answer as JSON, whatever its wire.
import { Failure, isObject, type JsonObject, type JsonValue } from '#kernel'

/** Of an answer whose status is 200, too. */
export function isFailureBody(fields: JsonObject): boolean {
  const error = fields['error']
  return (error !== undefined && error !== null && error !== false) || fields['type'] === 'error'
}

/** Throws `Failure('bad_response')` when it is none. */
export function parseObject(body: Buffer): JsonObject {
  let value: JsonValue
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch {
    throw new Failure('bad_response', 'The provider answered 200 with something that is not JSON.')
  }
  if (!isObject(value)) throw new Failure('bad_response', 'The provider answered 200 with JSON that is not an object.')
  return value
}
