// Counting tokens: asked of a provider that counts, estimated for one that doesn't; recorded, and never charged.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'
import { startTest, type TestTurnpike } from '#test/turnpike.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike

before(async () => {
  upstream = await createUpstream()
  turnpike = await startTest({
    chat: { wire: 'openai-chat', origin: upstream.origin },
    claude: { wire: 'anthropic-messages', origin: upstream.origin },
  })
})

after(async () => {
  await turnpike.end()
  await upstream.close()
})

const messages = [{ role: 'user', content: 'How many tokens are these words?' }]

test("an Anthropic provider's own count is passed on, and costs nothing", async () => {
  upstream.enqueue({ headers: { 'content-type': 'application/json' }, body: '{"input_tokens":4711}' })
  const response = await turnpike.post('/v1/messages/count_tokens', { model: 'claude/model-1', messages })
  assert.deepEqual(await response.json(), { input_tokens: 4711 })
  const asked = upstream.received.at(-1)!
  assert.equal(asked.url, '/v1/messages/count_tokens')
  assert.equal(asked.json()['model'], 'model-1')
  const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
  assert.equal(record['outcome'], 'ok')
  assert.ok(record['cost_usd'] === null || record['cost_usd'] === '0')
  assert.deepEqual(record['tokens'], { input: null, cached: null, output: null, reasoning: null })
})

test('for a provider that does not count, the gateway estimates, says so on the record, and asks nobody', async () => {
  const before = upstream.received.length
  const response = await turnpike.post('/v1/messages/count_tokens', { model: 'chat/model-1', messages })
  const { input_tokens: count } = (await response.json()) as { input_tokens: number }
  assert.ok(count >= 6 && count <= 12, `${count} tokens for seven words and a mark`)
  assert.equal(upstream.received.length, before)
  const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
  assert.ok(record['cost_usd'] === null || record['cost_usd'] === '0')
  assert.match(JSON.stringify(record['notes']), /input_tokens/)
})

test('what a strict request would lose in the pass-through lane is an error that names it', async () => {
  const strict = await startTest({ picky: { wire: 'openai-chat', origin: upstream.origin, more: { dialect: { strip: ['user'] } } } })
  try {
    const body = { model: 'picky/model-1', messages, user: 'u-1' }
    const refused = await strict.post('/v1/chat/completions', body, { headers: { 'x-turnpike-strict': 'true' } })
    assert.equal(refused.status, 400)
    assert.match(await refused.text(), /`user` cannot be carried to picky/)
    upstream.enqueue({
      headers: { 'content-type': 'application/json' },
      body: '{"id":"x","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}',
    })
    const carried = await strict.post('/v1/chat/completions', body)
    assert.equal(carried.status, 200)
    assert.equal('user' in upstream.received.at(-1)!.json(), false)
  } finally {
    await strict.end()
  }
})
