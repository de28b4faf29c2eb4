// Who may talk to the admin API: the right Host (against DNS rebinding) and the admin token, never a gateway key.
import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import { AdminFailure } from './failure.ts'

/**
 * Throws unless the Host header names this instance: an IP address (a rebound name is never one), a loopback name, or one of
 * `allowed` (host names, lower case, without port).
 */
export function checkHost(header: string | undefined, allowed: ReadonlySet<string>): void {
  const name = hostName(header ?? '')
  if (isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost') || allowed.has(name)) return
  const said = name === '' ? 'without a usable Host header' : `for the host '${name}'`
  throw new AdminFailure(
    403,
    'host_not_allowed',
    `This request came ${said}, which is not a name of this instance. Use its IP address or localhost, or set TURNPIKE_PUBLIC_URL to the address that it has.`,
  )
}

function hostName(header: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(header)
  if (bracketed !== null) return bracketed[1]!.toLowerCase()
  return header.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase()
}

export type TokenCheck = (authorization: string | undefined) => void

/**
 * A check that throws a 401 unless the header is `Bearer <adminToken>`, or `Bearer <other>` where there is another; takes the same time
 * wherever the token differs.
 */
export function createTokenCheck(adminToken: string, isGatewayKey: (credential: string) => boolean, other?: string): TokenCheck {
  const expected = digest(adminToken)
  const otherExpected = other === undefined ? undefined : digest(other)
  const where = 'The admin token is in the file admin-token of the home folder, or in TURNPIKE_ADMIN_TOKEN.'
  return (authorization) => {
    if (authorization === undefined || authorization.trim() === '') {
      throw new AdminFailure(401, 'unauthorized', `No admin token was sent; send it as 'Authorization: Bearer <admin token>'. ${where}`)
    }
    const token = /^Bearer[ \t]+(\S+)[ \t]*$/i.exec(authorization)?.[1]
    if (token === undefined) {
      throw new AdminFailure(401, 'unauthorized', `The Authorization header is not of the form 'Bearer <admin token>'. ${where}`)
    }
    const said = digest(token)
    if (timingSafeEqual(said, expected)) return
    if (otherExpected !== undefined && timingSafeEqual(said, otherExpected)) return
    if (isGatewayKey(token)) {
      throw new AdminFailure(401, 'unauthorized', `That is a gateway key; it opens /v1, not the admin API. ${where}`)
    }
    throw new AdminFailure(401, 'unauthorized', `That is not the admin token of this instance. ${where}`)
  }
}

/** Equal lengths, whatever was sent, so that the comparison tells nothing. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
