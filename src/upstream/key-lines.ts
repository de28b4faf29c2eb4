// How a credential's key is sent to a provider. An account's requests are signed, or carry a token, on their way instead.
import type { Credential, Provider } from '#config'
import type { Wire } from '#ir'

/** Header lines; none for an account, nor where the provider takes no key. */
export function keyLines({ auth, wireAuth }: Pick<Provider, 'auth' | 'wireAuth'>, wire: Wire, { secret, account }: Credential): string[] {
  if (auth === 'none' || account !== undefined) return []
  const header = wireAuth?.get(wire) ?? auth
  return header === 'bearer' ? ['authorization', `Bearer ${secret}`] : [header, secret]
}
