// A budget that is being spent is told to the webhook of whoever runs the gateway, while requests go on.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import { chat as openAiChat } from '#test/scripts.ts'
import { startTest, testKey, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

const secret = 'whsec-e2e-0123456789-abcdefghij'
let upstream: ScriptedUpstream
let hook: ScriptedUpstream
let turnpike: TestTurnpike

before(async () => {
  upstream = await createUpstream()
  hook = await createUpstream()
  upstream.route('/v1/chat/completions', openAiChat.json({ model: 'model-1' }))
  hook.route('/alerts', { status: 200, headers: {}, body: '' })
  turnpike = await startTest(
    { declared: { wire: 'openai-chat', origin: upstream.origin } },
    {
      declared: {
        keys: [{ name: 'test', value: testKey, budgets: [{ amount_usd: '1', period: 'total', alert_at: [0.0001, 0.00015, 1] }] }],
        alerts: { webhook_url: `${hook.origin}/alerts`, webhook_secret: secret },
      },
    },
  )
})

after(async () => {
  await turnpike.end()
  await upstream.close()
  await hook.close()
})

test('each share is told once, signed, however many requests follow', async () => {
  for (let n = 0; n < 8; n++) {
    const answer = await turnpike.post('/v1/chat/completions', { model: 'model-1', messages: [{ role: 'user', content: 'hi' }] })
    assert.equal(answer.status, 200, await answer.text())
  }
  const told = [await hook.next(), await hook.next()]
  const events = told.map(({ body, headers }) => {
    const text = body.toString()
    const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(headers.get('x-turnpike-signature') ?? '') ?? []
    assert.equal(v1, createHmac('sha256', secret).update(`${t}.${text}`).digest('hex'))
    return JSON.parse(text) as { share: number; spent_usd: string; amount_usd: string; limit: { owner: { name: string } } }
  })
  assert.deepEqual(
    events.map(({ share, amount_usd: amount, limit }) => [share, amount, limit.owner.name]),
    [
      [0.0001, '1', 'test'],
      [0.00015, '1', 'test'],
    ],
  )
  for (const { share, spent_usd: spent } of events) assert.ok(Number(spent) >= share, spent)
  assert.equal(hook.received.length, 2)
})
