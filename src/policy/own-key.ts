// The client's own provider key, sent beside the gateway key (BYOK): it pays for the request instead of the operator's.
import type { CredentialHeaders } from './keyring.ts'

/**
 * What `Authorization`, `x-api-key` or `x-goog-api-key` carries beside a gateway key in `x-turnpike-api-key` or `x-portkey-api-key`;
 * undefined when that is nothing, or a gateway key again, as clients send that fill every header they know.
 */
export function ownProviderKey(headers: CredentialHeaders): string | undefined {
  if (headers['x-turnpike-api-key'] === undefined && headers['x-portkey-api-key'] === undefined) return undefined
  const gatewayKeys = [headers['x-turnpike-api-key'], headers['x-portkey-api-key']]
  const bearer = /^bearer\s+(\S+)\s*$/i.exec(text(headers['authorization']))?.[1]
  for (const sent of [bearer, text(headers['x-api-key']).trim(), text(headers['x-goog-api-key']).trim()]) {
    if (sent !== undefined && sent !== '' && !sent.startsWith('tp-') && !gatewayKeys.includes(sent)) return sent
  }
  return undefined
}

/** SDKs insist on a key: what people write where none is needed. No vendor's key is so short, or without a digit. */
export function isPlaceholderKey(key: string): boolean {
  return key.length < 16 || !/\d/.test(key)
}

function text(value: string | string[] | undefined): string {
  return typeof value === 'string' ? value : ''
}
