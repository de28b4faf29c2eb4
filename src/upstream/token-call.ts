// One call to a token endpoint. What goes wrong there is the credential's trouble: the next one may work.
import { Failure, isObject } from '#kernel'
import type { AccessToken } from './access-tokens.ts'
import type { Upstream } from './port.ts'
import { callWhole, type WholeAnswer } from './whole-call.ts'

export type TokenCall = {
  /** Whose account it is, for messages: "Google". */
  readonly issuer: string
  /** Names the account, and is no secret: "service account x@y". */
  readonly account: string
  readonly url: string
  /** Absent: GET. */
  readonly form?: URLSearchParams
  readonly headers?: readonly string[]
  readonly allowPrivateNetwork: boolean
}

const connectMs = 5_000
const timeoutMs = 10_000
/** Where the answer does not say it. */
const unsaidSeconds = 300

/** Rejects with `credential_rejected`; its message has nothing of what was sent. */
export async function callForToken(network: Upstream, call: TokenCall): Promise<AccessToken> {
  const { origin, host, pathname, search } = new URL(call.url)
  const form = call.form === undefined ? undefined : Buffer.from(call.form.toString())
  const answer = await callWhole(
    network,
    {
      origin,
      path: pathname + search,
      method: form === undefined ? 'GET' : 'POST',
      headers: [
        'accept',
        'application/json',
        'accept-encoding',
        'identity',
        'user-agent',
        'turnpike',
        ...(form === undefined ? [] : ['content-type', 'application/x-www-form-urlencoded']),
        ...(call.headers ?? []),
      ],
      body: form,
      connectMs,
      allowPrivateNetwork: call.allowPrivateNetwork,
    },
    timeoutMs,
  )
  if (answer instanceof Failure)
    throw rejected(call, `the token endpoint ${host} did not answer (${answer.kind}). Check the network of this machine, and its DNS.`)
  const { json } = answer
  const token = isObject(json) ? json['access_token'] : undefined
  if (answer.status !== 200) throw rejected(call, refusal(host, answer))
  // It goes into a header.
  if (typeof token !== 'string' || !/^[!-~]+$/.test(token))
    throw rejected(call, `the token endpoint ${host} answered without a token. Check its address.`)
  const seconds = Number(isObject(json) ? json['expires_in'] : undefined)
  return { token, expiresInSeconds: seconds > 0 ? seconds : unsaidSeconds }
}

export function rejected({ issuer, account }: Pick<TokenCall, 'issuer' | 'account'>, why: string): Failure {
  return new Failure('credential_rejected', `${issuer} gave no token to the ${account}: ${why}`)
}

/** Of the answer's words only codes: the rest may repeat what was sent. */
function refusal(host: string, { status, json }: WholeAnswer): string {
  const code = isObject(json) && typeof json['error'] === 'string' && /^[a-z_]{1,60}$/.test(json['error']) ? json['error'] : undefined
  const described = isObject(json) && typeof json['error_description'] === 'string' ? json['error_description'] : ''
  const number = /\bAADSTS\d{3,9}\b/.exec(described)?.[0]
  const said = [`status ${status}`, ...(code === undefined ? [] : [code]), ...(number === undefined ? [] : [number])].join(', ')
  if (status >= 500 || status === 429) return `its token endpoint ${host} has trouble (${said}). Try again later.`
  return `its token endpoint ${host} refused it (${said}). Check that the account exists, and that its secret is whole and has not been revoked or expired.`
}
