// One POST to a webhook of the operator's, over a socket of its own.
import { Failure } from '#kernel'
import { createNetwork } from './network.ts'
import { callWhole } from './whole-call.ts'

export type WebhookCall = {
  /** http or https, without a user. */
  readonly url: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly allowPrivateNetwork: boolean
  readonly timeoutMs: number
  /** Ends it before its time: it has failed then. */
  readonly signal?: AbortSignal
}

/** Never rejects. Redirects are not followed. */
export async function postWebhook(call: WebhookCall): Promise<{ readonly status: number } | Failure> {
  const { origin, pathname, search } = new URL(call.url)
  const network = createNetwork()
  const stop = (): void => void network.close()
  call.signal?.addEventListener('abort', stop, { once: true })
  try {
    if (call.signal?.aborted === true) return new Failure('cut', 'It was stopped.')
    const answer = await callWhole(
      network,
      {
        origin,
        path: pathname + search,
        method: 'POST',
        headers: [
          'content-type',
          'application/json',
          'accept-encoding',
          'identity',
          'user-agent',
          'turnpike',
          ...Object.entries(call.headers).flat(),
        ],
        body: Buffer.from(call.body),
        connectMs: call.timeoutMs,
        allowPrivateNetwork: call.allowPrivateNetwork,
      },
      call.timeoutMs,
    )
    return answer instanceof Failure ? answer : { status: answer.status }
  } finally {
    call.signal?.removeEventListener('abort', stop)
    await network.close()
  }
}
