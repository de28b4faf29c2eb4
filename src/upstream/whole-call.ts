// One call and its whole answer as text, or the failure, within a time.
import { Failure } from '#kernel'
import type { Upstream, UpstreamRequest } from './port.ts'

export type WholeAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** undefined: it is not JSON. */
  readonly json: unknown
}

/** The longest list of models is below a megabyte. */
const maxBytes = 16 << 20

export function callWhole(network: Upstream, request: UpstreamRequest, timeoutMs: number): Promise<WholeAnswer | Failure> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    let status = 0
    let headers: Readonly<Record<string, string>> = {}
    const finish = (answer: WholeAnswer | Failure) => {
      clearTimeout(timer)
      resolve(answer)
    }
    // Before the call: it may fail before `send` returns.
    const timer = setTimeout(() => {
      call.abort()
      finish(new Failure('first_token_timeout', 'The provider did not answer in time.'))
    }, timeoutMs)
    const call = network.send(request, {
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
    })
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
