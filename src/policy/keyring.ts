// The first gate: which gateway key a request carries. One hash and one lookup; a refusal says what is wrong with what was sent.
import { hash } from 'node:crypto'
import { Failure } from '#kernel'
import { ownerOfKey } from '#telemetry'
import type { GatewayKey } from '#config'

/** Lower-case names, as node:http gives them. */
export type CredentialHeaders = Readonly<Record<string, string | string[] | undefined>>

export interface Keyring {
  /**
   * The key of a request, or the failure to answer with (`invalid_api_key`, `key_expired`, `key_revoked`); it never throws and never repeats what was sent. `queryKey` is
   * `?key=`, decoded. Where several credentials are sent, one that is ours is enough, except that with `x-turnpike-api-key` or
   * `x-portkey-api-key` only that one counts: `Authorization` may then be the client's own provider key.
   */
  authenticate(headers: CredentialHeaders, queryKey?: string): GatewayKey | Failure
}

export type KeyringOptions = {
  /** By lower-case hex SHA-256. */
  readonly keys: ReadonlyMap<string, GatewayKey>
  /** To tell somebody who mixed up the two; it opens nothing here. */
  readonly adminToken?: string
  /** Milliseconds since 1970. */
  readonly clock?: () => number
}

const ownHeaders = ['x-turnpike-api-key', 'x-portkey-api-key'] as const
const sharedHeaders = ['x-api-key', 'x-goog-api-key'] as const
/** Longer than any key: not worth a hash. */
const maxKeyCharacters = 512

export function createKeyring({ keys, adminToken, clock = Date.now }: KeyringOptions): Keyring {
  const adminHash = adminToken === undefined ? undefined : sha256(adminToken)

  /** Keys that were right, as they were sent: a hash per request is a hundredth of its time. The ring lives as long as its keys. */
  const known = new Map<string, GatewayKey>()

  /** A key of ours, whatever has become of it. */
  function find(sent: string): GatewayKey | undefined {
    const seen = known.get(sent)
    if (seen !== undefined || sent.length === 0 || sent.length > maxKeyCharacters) return seen
    const found = keys.get(sha256(sent))
    if (found !== undefined) known.set(sent, found)
    return found
  }

  function isUsable(key: GatewayKey): boolean {
    return key.revoked === undefined && (key.expiresAtMs === undefined || clock() < key.expiresAtMs)
  }

  function authenticate(headers: CredentialHeaders, queryKey?: string): GatewayKey | Failure {
    for (const name of ownHeaders) {
      const sent = headers[name]
      if (sent !== undefined) return check(one(sent), `The ${name} header`)
    }
    let refused: Failure | undefined
    const authorization = headers['authorization']
    if (typeof authorization === 'string') {
      // The common case first: exactly "Bearer <key>".
      const found = authorization.startsWith('Bearer ') ? find(authorization.slice(7)) : undefined
      if (found !== undefined && isUsable(found)) return found
      const checked = checkAuthorization(authorization)
      if (!(checked instanceof Failure)) return checked
      refused = checked
    }
    for (const name of sharedHeaders) {
      const sent = headers[name]
      if (sent === undefined) continue
      const checked = check(one(sent), `The ${name} header`)
      if (!(checked instanceof Failure)) return checked
      refused ??= checked
    }
    if (queryKey !== undefined) {
      const checked = check(queryKey, 'The key parameter')
      if (!(checked instanceof Failure)) return checked
      refused ??= checked
    }
    return refused ?? refuse('No API key was sent. Send the gateway key as "Authorization: Bearer tp-..." or in the x-api-key header.')
  }

  function checkAuthorization(authorization: string): GatewayKey | Failure {
    const match = /^bearer(?:\s+|$)/i.exec(authorization)
    if (match !== null) return check(authorization.slice(match[0].length), 'The Authorization header')
    if (find(authorization) !== undefined)
      return refuse('The Authorization header holds a valid key without the word Bearer. Write "Authorization: Bearer tp-...".')
    return refuse('The Authorization header is not of the form "Bearer <key>". Write "Authorization: Bearer tp-...".')
  }

  function check(sent: string, place: string): GatewayKey | Failure {
    const found = find(sent)
    if (found === undefined) return explain(sent, place)
    return isUsable(found) ? found : outdated(found)
  }

  /** Off the fast path: why a key is not one of ours. */
  function explain(sent: string, place: string): Failure {
    if (sent.trim() === '') return refuse(`${place} is empty. Put the gateway key (tp-...) in it.`)
    if (sent.length > maxKeyCharacters)
      return refuse(`${place} has ${sent.length} characters, more than any gateway key. Send the key alone.`)
    const bare = sent.trim().replaceAll(/^["'`]+|["'`]+$/g, '')
    if (bare !== sent) {
      const what = /^["'`]|["'`]$/.test(sent.trim()) ? 'quotes' : 'white space'
      const right = find(bare.trim()) === undefined ? '' : ' Without them it would be accepted.'
      return refuse(`${place} has ${what} around the key. Send the key alone.${right}`)
    }
    if (/\s/.test(sent)) return refuse(`${place} has white space inside the key. Copy the key again, in one piece.`)
    if (/^(undefined|null|none|\$\{?[A-Z_]+\}?|<.*>|your[-_ ].*)$/i.test(sent)) {
      return refuse(`${place} holds a placeholder instead of a key: a variable is not set. Put the gateway key (tp-...) in it.`)
    }
    if (adminHash !== undefined && sha256(sent) === adminHash) {
      return refuse(`${place} holds the admin token, which is for /api/v1 only. Use a gateway key (tp-...) here.`)
    }
    const owner = ownerOfKey(sent)
    if (owner === 'Turnpike (admin)')
      return refuse(`${place} holds an admin token, which is for /api/v1 only. Use a gateway key (tp-...) here.`)
    if (owner !== undefined && owner !== 'Turnpike') {
      return refuse(
        `${place} holds a provider's own key (it looks like one of ${owner}). Use a gateway key (tp-...); the gateway adds the provider's.`,
      )
    }
    return refuse(`${place} holds a key that this gateway does not know. Check that it is whole and of this instance.`)
  }

  return { authenticate }
}

/** Whoever holds a key may know its name: it is how the owner of this instance finds it. */
function outdated({ name, revoked, replaced, expiresAtMs = 0 }: GatewayKey): Failure {
  const key = `The gateway key ${JSON.stringify(name)}`
  if (revoked !== undefined) return new Failure('key_revoked', `${key} has been revoked. Ask the owner of this gateway for another one.`)
  const when = new Date(expiresAtMs).toISOString()
  if (replaced !== undefined)
    return new Failure(
      'key_expired',
      `${key} was replaced by a new one, and the old one has not been accepted since ${when}. Use the new one.`,
    )
  return new Failure('key_expired', `${key} expired at ${when}. Ask the owner of this gateway for a later date or another key.`)
}

function sha256(text: string): string {
  return hash('sha256', text, 'hex')
}

function one(value: string | string[]): string {
  return typeof value === 'string' ? value : (value[0] ?? '')
}

function refuse(message: string): Failure {
  return new Failure('invalid_api_key', message)
}
