// A stored gateway key: its document, and what of it a request meets.
import { keyTerms } from '#catalog'
import type { GatewayKey, KeyBody } from '#config'
import type { StoredKey } from '#store'

export type KeyDocument = Omit<KeyBody, 'type' | 'stream_usage'> & {
  readonly type: 'user' | 'service'
  readonly stream_usage: 'always' | 'on_request'
}

export function documentOf(key: StoredKey): KeyDocument {
  return key.document as KeyDocument
}

/** One for each of its secrets: predecessors that a rotation left end at their own time. */
export function gatewayKeysOf(stored: StoredKey): GatewayKey[] {
  const document = documentOf(stored)
  const expiresAtMs = document.expires_at === undefined ? undefined : Date.parse(document.expires_at)
  return stored.secrets.map(({ hash, acceptedUntilMs }): GatewayKey => {
    const endsAtMs = acceptedUntilMs === null ? expiresAtMs : Math.min(acceptedUntilMs, expiresAtMs ?? acceptedUntilMs)
    return {
      id: stored.id,
      hash,
      ...keyTerms(document),
      ...(endsAtMs === undefined ? {} : { expiresAtMs: endsAtMs }),
      ...(stored.revokedAtMs === null ? {} : { revoked: true }),
      ...(acceptedUntilMs === null ? {} : { replaced: true }),
    }
  })
}
