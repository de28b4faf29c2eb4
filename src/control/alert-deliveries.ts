// Events on their way to the webhook: one after the other, tried again with longer and longer waits until they are a day old.
import { Failure } from '#kernel'
import { postWebhook } from '#upstream'
import { eventHeader, signatureHeader, signatureOf } from './webhook-signature.ts'

export type Webhook = { readonly url: string; readonly secret: string; readonly allowPrivateNetwork: boolean }

export type Delivery = { readonly id: string; readonly body: string; readonly atMs: number }

/** What a try came to; `trouble` undefined: it was taken. */
export type Tried = { readonly status: number | null; readonly ms: number; readonly trouble: string | undefined }

/** An event older than this is not tried again. */
export const keptForMs = 86_400_000
/** After the first try, the second, ...; the last one again and again. */
const usualWaitsMs: readonly number[] = [1000, 5000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000]
const timeoutMs = 10_000
const graceMs = 1000

export type DeliveriesDeps = {
  /** undefined: there is none now. */
  readonly webhook: () => Webhook | undefined
  readonly sent: (id: string) => Promise<void>
  readonly gaveUp: (delivery: Delivery, trouble: string) => void
  readonly waitsMs?: readonly number[] | undefined
}

export interface Deliveries {
  add(delivery: Delivery): void
  /** What is under way has another second. */
  close(): Promise<void>
}

export function createDeliveries({ webhook, sent, gaveUp, waitsMs = usualWaitsMs }: DeliveriesDeps): Deliveries {
  const waiting = new Map<string, { readonly delivery: Delivery; tries: number; dueMs: number }>()
  const stopped = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let isClosing = false

  function wake(): void {
    if (running !== undefined || isClosing || waiting.size === 0) return
    clearTimeout(timer)
    const first = Math.min(...[...waiting.values()].map(({ dueMs }) => dueMs))
    timer = setTimeout(() => {
      running = deliverDue().finally(() => {
        running = undefined
        wake()
      })
    }, Math.max(0, first - Date.now())) // prettier-ignore
    timer.unref()
  }

  async function deliverDue(): Promise<void> {
    for (const entry of [...waiting.values()].filter(({ dueMs }) => dueMs <= Date.now())) {
      if (isClosing) return
      await deliver(entry)
    }
  }

  async function deliver(entry: { readonly delivery: Delivery; tries: number; dueMs: number }): Promise<void> {
    const { delivery } = entry
    const to = webhook()
    const trouble = to === undefined ? 'there is no webhook any more' : (await tryOnce(to, delivery, stopped.signal)).trouble
    if (stopped.signal.aborted && trouble !== undefined) return
    const waitMs = waitsMs[Math.min(entry.tries, waitsMs.length - 1)] ?? keptForMs
    entry.tries++
    entry.dueMs = Date.now() + waitMs
    if (trouble !== undefined && to !== undefined && entry.dueMs < delivery.atMs + keptForMs) return
    waiting.delete(delivery.id)
    if (trouble === undefined) await sent(delivery.id)
    else gaveUp(delivery, trouble)
  }

  return {
    add(delivery) {
      if (!waiting.has(delivery.id)) waiting.set(delivery.id, { delivery, tries: 0, dueMs: 0 })
      wake()
    },
    async close() {
      clearTimeout(timer)
      isClosing = true
      // What is being answered is not sent again after the next start.
      const cut = setTimeout(() => stopped.abort(), graceMs)
      await running
      clearTimeout(cut)
    },
  }
}

/** Never rejects. Nothing of the address but its host is in the words: what follows may be a secret. */
export async function tryOnce(
  { url, secret, allowPrivateNetwork }: Webhook,
  { id, body }: Pick<Delivery, 'id' | 'body'>,
  signal?: AbortSignal,
): Promise<Tried> {
  const { host } = new URL(url)
  const began = performance.now()
  const headers = { [signatureHeader]: signatureOf(secret, body, Math.floor(Date.now() / 1000)), [eventHeader]: id }
  const answer = await postWebhook({ url, headers, body, allowPrivateNetwork, timeoutMs, ...(signal === undefined ? {} : { signal }) })
  const ms = Math.round(performance.now() - began)
  if (answer instanceof Failure) return { status: null, ms, trouble: failureWords(host, answer) }
  const isTaken = answer.status >= 200 && answer.status < 300
  return { status: answer.status, ms, trouble: isTaken ? undefined : `${host} answers with status ${answer.status} instead of 2xx` }
}

function failureWords(host: string, { kind }: Failure): string {
  switch (kind) {
    case 'dns_failed':
      return `the name in ${host} does not resolve`
    case 'private_address':
      return `${host} is at a private address; set allow_private_network to true if the webhook really is in your own network`
    case 'first_token_timeout':
      return `${host} did not answer within ${timeoutMs / 1000} s`
    case 'tls_failed':
      return `TLS with ${host} failed: its certificate is not accepted`
    default:
      return `${host} cannot be reached, or did not give a whole answer`
  }
}
