// One call of a probe, as a provider wants it.
import type { Credential, Provider } from '#config'
import type { Wire } from '#ir'
import type { Failure, JsonObject } from '#kernel'
import { keyLines } from './key-lines.ts'
import type { Upstream } from './port.ts'
import { callWhole, type WholeAnswer } from './whole-call.ts'

const anthropicVersion = '2023-06-01'

export type ProbeCall = {
  readonly provider: Provider
  readonly credential: Credential | undefined
  /** Whose endpoint, or whose list of models, is called. */
  readonly wire: Wire
  readonly path: string
  /** Absent: GET. */
  readonly body?: JsonObject
}

export function callProvider(
  network: Upstream,
  { provider, credential, wire, path, body }: ProbeCall,
  timeoutMs: number,
): Promise<WholeAnswer | Failure> {
  return callWhole(
    network,
    {
      origin: provider.origin,
      path,
      method: body === undefined ? 'GET' : 'POST',
      headers: [
        'accept',
        'application/json',
        'accept-encoding',
        'identity',
        'user-agent',
        'turnpike',
        ...(body === undefined ? [] : ['content-type', 'application/json']),
        ...(credential === undefined ? [] : keyLines(provider, wire, credential)),
        ...(wire === 'anthropic-messages' && provider.headers['anthropic-version'] === undefined
          ? ['anthropic-version', anthropicVersion]
          : []),
        ...Object.entries(provider.headers).flat(),
      ],
      body: body === undefined ? undefined : Buffer.from(JSON.stringify(body)),
      connectMs: Math.min(provider.timeouts.connectMs, timeoutMs),
      allowPrivateNetwork: provider.allowPrivateNetwork,
      ...(credential?.account === undefined ? {} : { account: credential.account }),
    },
    timeoutMs,
  )
}
