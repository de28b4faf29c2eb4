// What a request says in headers of the gateway's own, or in Portkey's.
import type { IncomingHttpHeaders } from 'node:http'
import { invalidRequest, isObject } from '#kernel'
import type { CredentialHeaders } from '#policy'

const optionNames = {
  provider: ['x-turnpike-provider', 'x-portkey-provider'],
  config: ['x-turnpike-config', 'x-portkey-config'],
  debug: ['x-turnpike-debug', 'x-portkey-debug'],
  strict: ['x-turnpike-strict', 'x-portkey-strict'],
  'trace-id': ['x-turnpike-trace-id', 'x-portkey-trace-id'],
  metadata: ['x-turnpike-metadata', 'x-portkey-metadata'],
  'request-timeout': ['x-turnpike-request-timeout', 'x-portkey-request-timeout'],
} as const
type OptionName = keyof typeof optionNames

export function option(own: CredentialHeaders, name: OptionName): string | undefined {
  const [ours, alias] = optionNames[name]
  const value = own[ours] ?? own[alias]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function traceOf(own: CredentialHeaders, headers: IncomingHttpHeaders): string {
  const trace = option(own, 'trace-id')
  if (trace !== undefined) return trace.slice(0, 128)
  const parent = headers['traceparent']
  return typeof parent === 'string' ? (/^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/.exec(parent)?.[1] ?? '') : ''
}

const maxMetadataCharacters = 128

export function metadataOf(own: CredentialHeaders): string {
  const text = option(own, 'metadata')
  if (text === undefined) return ''
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw invalidRequest(
      'x-turnpike-metadata',
      'The header x-turnpike-metadata is not JSON. Send an object of strings, for example {"team":"blue"}.',
    )
  }
  if (!isObject(value)) throw invalidRequest('x-turnpike-metadata', 'The header x-turnpike-metadata must be a JSON object of strings.')
  for (const [name, one] of Object.entries(value)) {
    if (typeof one !== 'string' || one.length > maxMetadataCharacters) {
      throw invalidRequest(
        'x-turnpike-metadata',
        `The metadata ${JSON.stringify(name.slice(0, 40))} must be a string of at most ${maxMetadataCharacters} characters.`,
      )
    }
  }
  return JSON.stringify(value)
}

export function timeoutOf(own: CredentialHeaders): number | undefined {
  const text = option(own, 'request-timeout')
  if (text === undefined) return undefined
  const ms = Number(text)
  if (!Number.isInteger(ms) || ms < 1 || ms > 86_400_000)
    throw invalidRequest(
      'x-turnpike-request-timeout',
      'The header x-turnpike-request-timeout must be whole milliseconds from 1 to 86400000.',
    )
  return ms
}
