// Which changes of a provider let it begin anew.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Provider } from '#config'
import { judgeChanged } from './changed-providers.ts'

const provider: Provider = {
  slug: 'p',
  vendor: 'p',
  origin: 'https://p.example',
  endpoints: new Map([['openai-chat', '/v1/chat/completions']]),
  auth: 'bearer',
  credentials: [{ name: 'main', secret: 's' }],
  headers: {},
  dialect: {},
  models: new Map(),
  priority: 0,
  timeouts: { connectMs: 1, firstTokenMs: undefined, idleMs: 1, totalMs: 1 },
  allowPrivateNetwork: false,
  simulated: false,
}

test('a provider with another key, address, path or header is judged anew, and one that is gone is forgotten', () => {
  const reset: string[] = []
  const changed = judgeChanged({ reset: (slug) => void reset.push(slug) })
  const now = (...all: readonly Provider[]): readonly string[] => {
    reset.length = 0
    changed({ providers: new Map(all.map((one) => [one.slug, one])) })
    return [...reset]
  }
  const other = { ...provider, slug: 'q' }
  assert.deepEqual(now(provider, other), [])
  assert.deepEqual(now(provider, other), [])
  assert.deepEqual(now({ ...provider, priority: 5, models: new Map() }, other), [], 'made again, and the same for whoever asks it')
  const rekeyed = { ...provider, credentials: [{ name: 'main', secret: 't' }] }
  assert.deepEqual(now(rekeyed, other), ['p'])
  assert.deepEqual(now({ ...rekeyed, origin: 'https://else.example' }, other), ['p'])
  assert.deepEqual(now({ ...rekeyed, endpoints: new Map([['openai-chat', '/else']]) }, other), ['p'])
  assert.deepEqual(now(other), ['p'])
  assert.deepEqual(now(provider, { ...other, headers: { 'x-a': 'b' } }), ['q'])
})
