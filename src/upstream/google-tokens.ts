// Google's access tokens: for a service account, a user's application-default credentials, or the machine it runs on.
import type { JWTOptions } from 'google-auth-library'
import type { Account } from '#config'
import { Failure } from '#kernel'
import type { AccessToken } from './access-tokens.ts'
import type { Upstream } from './port.ts'
import { callForToken, rejected, type TokenCall } from './token-call.ts'

export type GoogleAccount = Extract<Account, { kind: `google-${string}` }>

const scope = 'https://www.googleapis.com/auth/cloud-platform'
const metadataPath = '/computeMetadata/v1/instance/service-accounts/default/token'
const issuer = 'Google'

type Transporter = NonNullable<JWTOptions['transporter']>
type Options = { readonly transporter: Transporter; readonly useAuthRequestParameters: false }

export async function fetchGoogleToken(network: Upstream, account: GoogleAccount, allowPrivateNetwork: boolean): Promise<AccessToken> {
  switch (account.kind) {
    case 'google-metadata':
      // The server of the machine's own cloud is at a link-local address, whatever the provider may be at.
      return callForToken(network, {
        issuer,
        account: 'account of this machine (metadata server)',
        url: account.origin + metadataPath,
        headers: ['metadata-flavor', 'Google'],
        allowPrivateNetwork: true,
      })
    case 'google-service-account': {
      const who = { issuer, account: `service account ${account.clientEmail}`, url: account.tokenUrl, allowPrivateNetwork }
      return throughLibrary(network, who, async (options) => {
        const { JWT } = await import('google-auth-library')
        await new JWT({ ...options, email: account.clientEmail, key: account.privateKey, scopes: [scope] }).authorize()
      })
    }
    case 'google-user': {
      const who = { issuer, account: 'user account (authorized_user)', url: account.tokenUrl, allowPrivateNetwork }
      const { clientId, clientSecret, refreshToken, quotaProject } = account
      const token = await throughLibrary(network, who, async (options) => {
        const { UserRefreshClient } = await import('google-auth-library')
        await new UserRefreshClient({ ...options, clientId, clientSecret, refreshToken }).refreshAccessToken()
      })
      return quotaProject === undefined ? token : { ...token, lines: ['x-goog-user-project', quotaProject] }
    }
    default:
      return account satisfies never
  }
}

/** The library signs and writes the form; the call itself goes over our own sockets, to the account's own endpoint. */
async function throughLibrary(
  network: Upstream,
  who: Omit<TokenCall, 'form'>,
  ask: (options: Options) => Promise<void>,
): Promise<AccessToken> {
  let token: AccessToken | undefined
  const transporter = {
    async request({ data }: { data: URLSearchParams }) {
      token = await callForToken(network, { ...who, form: data })
      return { data: { access_token: token.token, expires_in: token.expiresInSeconds } }
    },
  }
  try {
    await ask({ transporter: transporter as unknown as Transporter, useAuthRequestParameters: false })
  } catch (error) {
    if (error instanceof Failure) throw error
  }
  // Nothing was asked for: the key cannot sign. What the library says of it may show a part of it.
  if (token === undefined) throw rejected(who, 'its private_key is no key in PEM form. Send the JSON file as Google gave it out.')
  return token
}
