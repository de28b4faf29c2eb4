// What is looked at in a whole body of a provider, and in the headers of its errors.
import { Failure, isObject, type JsonObject, type JsonValue } from '#kernel'

export function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && contentType.includes('json')
}

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

export function asFailure(error: unknown): Failure {
  return error instanceof Failure ? error : new Failure('internal_error', 'The answer could not be read.', { cause: error })
}

/**
 * Headers of a provider's error, with the moment in which they came where they don't say when they were written (RFC 9110, section 6.6.1):
 * the moment at which it can be asked again is read against it.
 */
export function datedHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return headers['date'] === undefined ? { ...headers, date: new Date().toUTCString() } : headers
}
