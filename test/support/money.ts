// A whole gateway whose callers have limits: keys made by the admin API, what they ask and hear, and what is spent and held.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JsonObject } from '#kernel'
import { clientRequest, hear, type Heard } from './client-scripts.ts'
import { adminToken, type TestTurnpike } from './turnpike.ts'

/** A hundredth of a USD for each request, whatever its length. */
export const flatModel: JsonObject = {
  id: 'flat',
  max_output_tokens: 1000,
  price: { input_per_million_usd: '0', output_per_million_usd: '0', request_usd: '0.01' },
}
/** Two USD for a million tokens in, ten for a million out; long answers. */
export const longModel: JsonObject = {
  id: 'long',
  max_output_tokens: 100_000,
  price: { input_per_million_usd: '2', output_per_million_usd: '10' },
}

export type Caller = { readonly id: string; readonly key: string; readonly name: string }

export type ShownLimit = {
  readonly kind: 'budget' | 'wallet' | 'rate'
  readonly owner: { readonly kind: string; readonly name: string }
  readonly unit: string
  readonly limit: number
  readonly spent: number
  /** Of a rate none. */
  readonly held?: number
  readonly left: number
  readonly resets_at: string | null
}

export type Ask = {
  /** With a path, all of the body; without, what differs from a plain one of chat completions. */
  readonly path?: string
  readonly body?: JsonObject
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

type At = Pick<TestTurnpike, 'url'>

/** The body of the answer; fails when it is not of the status. */
export async function administer({ url }: At, method: string, path: string, body?: unknown, status?: number): Promise<JsonObject> {
  const answer = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${adminToken}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  assert.ok(status === undefined ? answer.ok : answer.status === status, `${method} ${path}: ${answer.status} ${text}`)
  return text === '' ? {} : (JSON.parse(text) as JsonObject)
}

export async function newCaller(at: At, name: string, more: JsonObject = {}): Promise<Caller> {
  const { id, key } = await administer(at, 'POST', '/keys', { name, ...more })
  return { id: String(id), key: String(key), name }
}

export async function call({ url }: At, { key }: Pick<Caller, 'key'>, model: string, ask: Ask = {}): Promise<Heard> {
  const plain = clientRequest('openai-chat', model, false, 'Hi')
  return hear(
    await fetch(url + (ask.path ?? plain.path), {
      method: 'POST',
      body: JSON.stringify(ask.path === undefined ? { ...plain.body, ...ask.body } : ask.body),
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...ask.headers },
      ...(ask.signal === undefined ? {} : { signal: ask.signal }),
    }),
  )
}

export async function accountOf({ url }: At, { key }: Pick<Caller, 'key'>, path = '/v1/key'): Promise<JsonObject> {
  const answer = await fetch(url + path, { headers: { authorization: `Bearer ${key}` } })
  const body = (await answer.json()) as JsonObject
  assert.equal(answer.status, 200, JSON.stringify(body))
  return body['data'] as JsonObject
}

/** Fails when the key has not exactly that many. */
export async function limitsOf(at: At, caller: Pick<Caller, 'key'>, count = 1): Promise<ShownLimit[]> {
  const limits = (await accountOf(at, caller))['limits'] as unknown as ShownLimit[]
  assert.equal(limits.length, count, JSON.stringify(limits))
  return limits
}

export function errorIn({ body }: Heard): { readonly code: string; readonly message: string; readonly param: string | null } {
  return (JSON.parse(body) as { error: { code: string; message: string; param: string | null } }).error
}

/** Resolves when that many of them were answered with something else than 200. */
export function untilRefused(asked: readonly Promise<Heard>[], count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let refused = 0
    for (const one of asked)
      one.then(({ status }) => {
        if (status !== 200 && ++refused === count) resolve()
      }, reject)
  })
}

/** Fails when something stays held, or when budgets of the key count something else than the ledger. Answers without usage are counted a moment later. */
export async function untilSettled(at: At, caller: Caller): Promise<void> {
  const dueMs = Date.now() + 10_000
  for (;;) {
    const { usage, limits } = (await accountOf(at, caller)) as unknown as { usage: number; limits: ShownLimit[] }
    const wrong = limits.filter(
      ({ kind, owner, unit, spent, held }) =>
        (held ?? 0) !== 0 || (kind === 'budget' && owner.kind === 'key' && unit === 'usd' && spent !== usage),
    )
    if (wrong.length === 0) return
    assert.ok(Date.now() < dueMs, `booked: ${usage}, counted: ${JSON.stringify(wrong)}`)
    await sleep(10)
  }
}
