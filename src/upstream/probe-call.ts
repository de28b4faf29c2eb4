// One call of a probe: the whole answer as text, or the failure, within a time.
import { Failure, type JsonObject } from '#kernel'
import type { Credential, Provider } from '#config'
import type { Upstream } from './port.ts'

export type ProbeAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** undefined: it is not JSON. */
  readonly json: unknown
}

export type ProbeCall = {
  readonly provider: Provider
  readonly credential: Credential | undefined
  readonly path: string
  /** Absent: GET. */
  readonly body?: JsonObject
}

/** The longest list of models is below a megabyte. */
const maxBytes = 16 << 20

export function callProvider(
  network: Upstream,
  { provider, credential, path, body }: ProbeCall,
  timeoutMs: number,
): Promise<ProbeAnswer | Failure> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    let status = 0
    let headers: Readonly<Record<string, string>> = {}
    const finish = (answer: ProbeAnswer | Failure) => {
      clearTimeout(timer)
      resolve(answer)
    }
    // Before the call: it may fail before `send` returns.
    const timer = setTimeout(() => {
      call.abort()
      finish(new Failure('first_token_timeout', 'The provider did not answer in time.'))
    }, timeoutMs)
    const call = network.send(
      {
        origin: provider.origin,
        path,
        method: body === undefined ? 'GET' : 'POST',
        headers: headersOf(provider, credential, body !== undefined),
        body: body === undefined ? undefined : Buffer.from(JSON.stringify(body)),
        connectMs: Math.min(provider.timeouts.connectMs, timeoutMs),
        allowPrivateNetwork: provider.allowPrivateNetwork,
      },
      {
        head(code, said) {
          status = code
          headers = said
        },
        data(chunk) {
          bytes += chunk.length
          if (bytes <= maxBytes) chunks.push(Buffer.from(chunk))
        },
        end() {
          const text = Buffer.concat(chunks).toString('utf8')
          finish({ status, headers, text, json: parsed(text) })
        },
        error: finish,
      },
    )
  })
}

function headersOf(provider: Provider, credential: Credential | undefined, hasBody: boolean): string[] {
  const headers = ['accept', 'application/json', 'accept-encoding', 'identity', 'user-agent', 'turnpike']
  if (hasBody) headers.push('content-type', 'application/json')
  if (credential !== undefined && provider.auth === 'bearer') headers.push('authorization', `Bearer ${credential.secret}`)
  if (credential !== undefined && provider.auth === 'x-api-key') headers.push('x-api-key', credential.secret)
  for (const [name, value] of Object.entries(provider.headers)) headers.push(name, value)
  return headers
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
