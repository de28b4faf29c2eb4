// From an account to what authorizes its calls.
import type { Account } from '#config'
import { createTokenAuthorizer } from './access-tokens.ts'
import type { Authorizer, Authorizers } from './authorizer.ts'
import { signCall } from './aws-signature.ts'
import { fetchEntraToken } from './entra-tokens.ts'
import { fetchGoogleToken } from './google-tokens.ts'
import type { Upstream } from './port.ts'

/** `network` carries the calls to token endpoints. */
export function createAuthorizers(network: Upstream): Authorizers {
  const made = new WeakMap<Account, Authorizer>()
  return (account) => {
    let authorizer = made.get(account)
    if (authorizer === undefined) made.set(account, (authorizer = authorizerOf(account, network)))
    return authorizer
  }
}

function authorizerOf(account: Account, network: Upstream): Authorizer {
  switch (account.kind) {
    case 'aws':
      return { authorize: (call) => signCall(account, call, new Date()), refused() {} }
    case 'google-service-account':
    case 'google-user':
    case 'google-metadata':
      return createTokenAuthorizer(({ allowPrivateNetwork }) => fetchGoogleToken(network, account, allowPrivateNetwork))
    case 'entra':
      return createTokenAuthorizer(({ allowPrivateNetwork }) => fetchEntraToken(network, account, allowPrivateNetwork))
    default:
      return account satisfies never
  }
}
