// What is known of a request before it is routed: the same wherever its bytes lie, and whatever lies behind them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headroomBytes, tailroomBytes, type BufferPool, type JsonObject } from '#kernel'
import type { ClientWire } from '#ir'
import { codecOf } from '#wires'
import type { Arrival } from './arrival.ts'
import { inspect } from './inspect.ts'
import { RequestView } from './request-view.ts'

const pool: BufferPool = { take: (bytes) => Buffer.alloc(bytes), give: () => {}, share: () => undefined }

/** `left`: what an earlier request left in the pooled buffer. */
function inspected(wire: ClientWire, body: JsonObject, left = '') {
  const codec = codecOf(wire)
  const text = Buffer.from(JSON.stringify(body))
  const buffer = Buffer.alloc(headroomBytes + text.length + 4096 + tailroomBytes, left === '' ? 0 : left)
  const bodyEnd = headroomBytes + text.copy(buffer, headroomBytes)
  const path = wire === 'gemini' ? { model: 'm', stream: false } : undefined
  const arrival = { headers: {}, key: { id: 'k' }, buffer, bodyStart: headroomBytes, bodyEnd, path } as unknown as Arrival
  const seen = inspect(arrival, codec, new RequestView(codec.ingress.shape, pool))
  assert.ok(seen !== 'doubtful')
  return seen
}

test('a conversation that is a string has a session and a kind of its own words, not of what lies behind it', () => {
  const ask = (input: string, left?: string) => inspected('openai-responses', { model: 'm', input, store: false }, left)
  const words = `What is this? ${'A long story. '.repeat(100)}`
  const { session, kind } = ask(words)
  assert.match(session, /^fp-[0-9a-f]{8}-\d+$/)
  assert.equal(kind, 'user')
  const left = ask(words, 'You are a context summarization assistant. Runtime: agent=main | sessionId=another-session-of-theirs ')
  assert.deepEqual([left.session, left.kind], [session, kind])
  assert.notEqual(ask(`${words}!`).session, session)
})

test('a tiny request for a word is a probe on every wire', () => {
  const ask = (wire: ClientWire, body: JsonObject) => inspected(wire, { model: 'm', ...body }).kind
  const messages = [{ role: 'user', content: 'ping' }]
  assert.equal(ask('openai-chat', { messages, max_completion_tokens: 1 }), 'probe')
  assert.equal(ask('openai-responses', { input: 'ping', max_output_tokens: 16 }), 'probe')
  assert.equal(ask('anthropic-messages', { messages, max_tokens: 1 }), 'probe')
  const contents = [{ role: 'user', parts: [{ text: 'ping' }] }]
  assert.equal(ask('gemini', { contents, generationConfig: { maxOutputTokens: 1 } }), 'probe')
  assert.equal(ask('gemini', { contents, generationConfig: { maxOutputTokens: 100 } }), 'user')
  assert.equal(ask('gemini', { contents }), 'user')
})
