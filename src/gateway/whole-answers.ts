// What is looked at in the head of a provider's whole answer, how long it may be, and what its errors become.
import { Failure } from '#kernel'
import { redirectTrouble } from '#upstream'
import type { ProviderCodec } from '#wires'

export const wholeBodyBytes = 64 << 20

export function tooLarge(): Failure {
  return new Failure('bad_response', `The provider's answer is larger than ${wholeBodyBytes >> 20} MB.`)
}

export function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && contentType.includes('json')
}

export function asFailure(error: unknown): Failure {
  return error instanceof Failure ? error : new Failure('internal_error', 'The answer could not be read.', { cause: error })
}

/** What an answer is that is not one, by its status. */
export function errorOf(codec: ProviderCodec, status: number, headers: Readonly<Record<string, string>>, body: Buffer): Failure {
  const location = headers['location']
  if (status < 400 && location !== undefined) return new Failure('bad_response', redirectTrouble(status, location))
  return codec.egress.decodeError(status, datedHeaders(headers), body.toString('utf8'))
}

/**
 * Headers of a provider's error, with the moment in which they came where they don't say when they were written (RFC 9110, section 6.6.1):
 * the moment at which it can be asked again is read against it.
 */
function datedHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return headers['date'] === undefined ? { ...headers, date: new Date().toUTCString() } : headers
}
