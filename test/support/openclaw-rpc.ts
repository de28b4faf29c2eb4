// OpenClaw's own gateway as its command line asks it: one WebSocket for many turns, without a process for each.
import { randomUUID } from 'node:crypto'
import type { JsonObject } from '#kernel'

export type OpenClawRpc = {
  /** Rejects with OpenClaw's own words when it refuses. A run of an agent is answered twice (accepted, done): the second counts. */
  call(method: string, params: JsonObject, timeoutMs?: number): Promise<JsonObject>
  close(): void
}

type Frame = {
  readonly type: 'event' | 'res'
  readonly event?: string
  readonly id?: string
  readonly ok?: boolean
  readonly payload?: JsonObject
  readonly error?: { readonly message: string }
}

export async function connectRpc(port: number, token: string): Promise<OpenClawRpc> {
  const waiting = new Map<string, { settle(payload: JsonObject): void; fail(error: Error): void }>()
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  const ask = (method: string, params: JsonObject, timeoutMs: number): Promise<JsonObject> =>
    new Promise((resolve, reject) => {
      const id = randomUUID()
      const deadline = setTimeout(() => {
        waiting.delete(id)
        reject(new Error(`OpenClaw did not answer ${method} within ${timeoutMs} ms.`))
      }, timeoutMs)
      const over = () => {
        clearTimeout(deadline)
        waiting.delete(id)
      }
      waiting.set(id, {
        settle(payload) {
          if (payload['status'] === 'accepted') return
          over()
          resolve(payload)
        },
        fail(error) {
          over()
          reject(error)
        },
      })
      socket.send(JSON.stringify({ type: 'req', id, method, params }))
    })
  const ready = Promise.withResolvers<void>()
  socket.addEventListener('message', ({ data }) => {
    const frame = JSON.parse(String(data)) as Frame
    if (frame.type === 'event') {
      if (frame.event !== 'connect.challenge') return
      const hello = ask(
        'connect',
        {
          minProtocol: 4,
          maxProtocol: 4,
          // What needs no device of its own: https://docs.openclaw.ai/gateway/protocol/auth
          client: { id: 'gateway-client', version: 'test', platform: 'linux', mode: 'backend' },
          role: 'operator',
          scopes: ['operator.admin'],
          caps: [],
          auth: { token },
        },
        20_000,
      )
      hello.then(() => ready.resolve(), ready.reject)
      return
    }
    const call = waiting.get(frame.id ?? '')
    if (frame.ok === true) call?.settle(frame.payload ?? {})
    else call?.fail(new Error(frame.error?.message))
  })
  socket.addEventListener('close', ({ code, reason }) => {
    const error = new Error(`OpenClaw closed the connection: ${code} ${reason}`)
    ready.reject(error)
    for (const { fail } of waiting.values()) fail(error)
  })
  await ready.promise
  return { call: (method, params, timeoutMs = 60_000) => ask(method, params, timeoutMs), close: () => socket.close() }
}
