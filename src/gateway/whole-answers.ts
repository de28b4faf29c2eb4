// What is looked at in the head of a provider's whole answer, and what its errors become.
import { Failure } from '#kernel'

export function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && contentType.includes('json')
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
