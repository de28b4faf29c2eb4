// Scripted token endpoints of Google and Microsoft, and accounts that fit them.
import { createVerify, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { Answer, Received } from './upstream.ts'

/** Made once: a key takes a while. */
let pair: { readonly publicKey: KeyObject; readonly privateKey: string } | undefined

function keyPair(): NonNullable<typeof pair> {
  if (pair === undefined) {
    const made = generateKeyPairSync('rsa', { modulusLength: 2048 })
    pair = { publicKey: made.publicKey, privateKey: made.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
  }
  return pair
}

export const serviceEmail = 'gateway@acme-1.iam.gserviceaccount.com'

/** As Google gives it out, with its own token endpoint at `origin`. */
export function serviceAccountJson(origin: string): string {
  const fields = {
    type: 'service_account',
    project_id: 'acme-1',
    private_key_id: '0123456789abcdef',
    private_key: keyPair().privateKey,
    client_email: serviceEmail,
    client_id: '1234567890',
    auth_uri: 'https://accounts.google.com/o/oauth2/auth',
    token_uri: `${origin}/token`,
    universe_domain: 'googleapis.com',
  }
  return JSON.stringify(fields, null, 2)
}

/** As `gcloud auth application-default login` writes it, with a token endpoint of its own. */
export function userAccountJson(origin: string): string {
  return JSON.stringify({
    type: 'authorized_user',
    account: '',
    client_id: 'client-1.apps.googleusercontent.com',
    client_secret: 'd-client-secret-0123',
    refresh_token: '1//refresh-token-0123456789',
    quota_project_id: 'acme-1',
    universe_domain: 'googleapis.com',
    token_uri: `${origin}/token`,
  })
}

export function entraJson(origin: string): string {
  return JSON.stringify({
    tenant_id: 'tenant-1',
    client_id: 'app-1',
    client_secret: 'entra-secret-0123456789',
    authority_host: origin,
  })
}

export const formOf = ({ body }: Received): URLSearchParams => new URLSearchParams(body.toString('utf8'))

export function tokenAnswer(token: string, seconds = 3600): Answer {
  return json(200, { access_token: token, expires_in: seconds, token_type: 'Bearer' })
}

/** As both say no: https://datatracker.ietf.org/doc/html/rfc6749#section-5.2 */
export function tokenRefusal(error: string, description: string): Answer {
  return json(400, { error, error_description: description })
}

/** What the assertion of a service account claims; throws when its own key has not signed it. */
export function claimsOf(assertion: string): Record<string, unknown> {
  const [head = '', claims = '', signature = ''] = assertion.split('.')
  const verify = createVerify('RSA-SHA256').update(`${head}.${claims}`)
  if (!verify.verify(keyPair().publicKey, Buffer.from(signature, 'base64url'))) throw new Error('the assertion has another signature')
  return JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as Record<string, unknown>
}

function json(status: number, body: unknown): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
