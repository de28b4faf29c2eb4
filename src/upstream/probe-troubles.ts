// What is wrong with a provider, in one sentence that says the fix. Never the provider's own words: they may repeat the key.
import type { Provider } from '#config'
import type { Failure } from '#kernel'
import { isPrivateAddress } from './private-network.ts'

const clockToleranceMs = 5 * 60_000

/** There was no answer. */
export function failureTrouble(failure: Failure, provider: Provider, timeoutMs: number): string {
  const { host, hostname } = new URL(provider.origin)
  const { code = '', message = '' } = (failure.details.cause ?? {}) as { code?: string; message?: string }
  switch (failure.kind) {
    case 'dns_failed':
      return `The name ${hostname} does not resolve. Check the host in base_url, and the network and DNS of this machine.`
    case 'private_address':
      return `${message}. Set allow_private_network to true if this provider really runs in your own network.`
    case 'connect_failed':
      if (code !== 'ECONNREFUSED')
        return `${host} cannot be reached over the network. Check this machine's network, and the host in base_url.`
      if (!isPrivateAddress(hostname)) return `${host} refuses connections. Check host and port in base_url.`
      return `Nothing listens at ${host}. Is the local server running? Start it, or correct base_url (in a container, localhost is the container itself).`
    case 'connect_timeout':
      return `${host} did not accept a connection in time. Check host, port and http:// or https:// in base_url, and the firewall between.`
    case 'tls_failed':
      return `TLS with ${host} failed: ${tlsTrouble(code)}`
    case 'first_token_timeout':
      return `${host} accepted the connection but did not answer within ${Math.round(timeoutMs / 100) / 10} s. Try again; if it stays so, check base_url.`
    case 'bad_response':
    case 'cut':
      return `${host} did not give a whole answer in HTTP. Check the port, and http:// or https:// in base_url.`
    default:
      return failure.message
  }
}

function tlsTrouble(code: string): string {
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return `its certificate is not valid at the time that this machine's clock shows (${new Date().toISOString()}). Check the clock first.`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'its certificate is for another name. Check the host in base_url.'
  if (/^(DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code))
    return 'its certificate comes from an authority that this machine does not know. If that is right, name the authority in NODE_EXTRA_CA_CERTS.'
  return 'it may not speak TLS. Check the port, and http:// or https:// in base_url.'
}

export function keyTrouble(status: number): string {
  const why = status === 403 ? 'does not allow it here' : 'does not accept it'
  return `The key is wrong, expired or has no permission: the provider ${why} (status ${status}). Make a new one at the vendor and replace it.`
}

export function missingKeyTrouble(): string {
  return 'There is no usable key: the variable is not set, or the master key does not fit. Set it, or replace the credential.'
}

export function modelAccessTrouble(): string {
  return 'The account works, but the model that was tried is not enabled for it (status 403). Request access to the models you need at the vendor.'
}

export function accountTrouble(status: number): string {
  return `The key works, but its account cannot pay: the balance or quota is used up (status ${status}). Top it up at the vendor, or raise its limit.`
}

export function rateTrouble(): string {
  return 'The key works, but the provider limits its rate at the moment (status 429). Try again later.'
}

export function providerTrouble(status: number): string {
  return `The provider has trouble of its own (status ${status}). Try again later, and see its status page.`
}

export function redirectTrouble(status: number, location: string | undefined): string {
  const target = location === undefined ? undefined : URL.parse(location)?.origin
  return `The provider sends elsewhere (status ${status}), and redirects are not followed with a key. Set base_url to ${target === undefined || target === 'null' ? 'where it leads' : target}.`
}

export function elsewhereTrouble(base: string, right: string, html: boolean): string {
  return `${base} is not the API${html ? ' but a web page' : ''}, but ${right} is. Set base_url to ${right}.`
}

export function htmlTrouble(base: string): string {
  return `${base} answers with a web page instead of JSON. base_url must be the address of the API, not of the site; see the vendor's documentation.`
}

export function nothingThereTrouble(base: string, status: number): string {
  return `There is no API at ${base} (status ${status}). Check base_url: it ends where the vendor's SDK has it end, mostly with /v1.`
}

export function oddAnswerTrouble(base: string, status: number): string {
  return `${base} answers in a way that no API of this wire does (status ${status}). Check base_url and wires.`
}

/** undefined: the clock is right, or the provider doesn't say the time. */
export function clockTrouble(date: string | undefined, nowMs: number): string | undefined {
  const theirsMs = date === undefined ? Number.NaN : Date.parse(date)
  const offMs = nowMs - theirsMs
  if (!(Math.abs(offMs) > clockToleranceMs)) return undefined
  const minutes = Math.round(Math.abs(offMs) / 60_000)
  return `The clock of this machine is ${minutes} minutes ${offMs > 0 ? 'ahead of' : 'behind'} the provider's (${date ?? ''}). Correct it: keys, records and limits depend on it.`
}
