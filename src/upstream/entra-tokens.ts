// Microsoft Entra's access tokens for an application (client credentials), as Azure OpenAI takes them instead of a key.
// https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow (2026-11)
import type { Account } from '#config'
import type { AccessToken } from './access-tokens.ts'
import type { Upstream } from './port.ts'
import { callForToken } from './token-call.ts'

export type EntraAccount = Extract<Account, { kind: 'entra' }>

export function fetchEntraToken(network: Upstream, account: EntraAccount, allowPrivateNetwork: boolean): Promise<AccessToken> {
  return callForToken(network, {
    issuer: 'Microsoft Entra',
    account: `application ${account.clientId}`,
    url: `${account.authority}/${encodeURIComponent(account.tenantId)}/oauth2/v2.0/token`,
    form: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: account.clientId,
      client_secret: account.clientSecret,
      scope: account.scope,
    }),
    allowPrivateNetwork,
  })
}
