// Large requests whose first provider fails: the next one is sent all of it, whatever the first one's wire was.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { wireScripts, type ScriptedWire } from '#test/scripts.ts'
import { startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike
before(async () => {
  upstream = await createUpstream()
  const { origin } = upstream
  turnpike = await startTest({
    first: { wire: 'openai-chat', origin, more: { models: { custom: [{ id: 'both' }] } } },
    second: { wire: 'anthropic-messages', origin, more: { models: { custom: [{ id: 'both' }] } } },
  })
})
after(async () => {
  await turnpike.end()
  await upstream.close()
})
beforeEach(() => upstream.clear())

/** As the gateway signs the reasoning of other vendors for clients of Anthropic's API. */
const ownSignature = 'tps1.bnVsbA'

const text = 'All of it. '
for (const { size, times } of [
  { size: 'small', times: 1 },
  { size: 'large', times: 40_000 },
  { size: 'larger', times: 200_000 },
]) {
  test(`a ${size} conversation of another vendor is whole when it goes on at Anthropic`, async () => {
    const answers: Record<ScriptedWire, () => void> = {
      'openai-chat': () => upstream.enqueue(wireScripts['openai-chat'].error(503)),
      'anthropic-messages': () => upstream.enqueue(wireScripts['anthropic-messages'].json({ text: ['Yes.'] })),
    }
    answers['openai-chat']()
    answers['anthropic-messages']()
    const question = { role: 'user', content: [{ type: 'text', text: text.repeat(times) }] }
    const said = { type: 'text', text: 'No.' }
    const response = await turnpike.post('/v1/messages', {
      model: 'both',
      max_tokens: 50,
      messages: [
        question,
        { role: 'assistant', content: [{ type: 'thinking', thinking: 'Hm.', signature: ownSignature }, said] },
        { role: 'user', content: [{ type: 'text', text: 'Really?' }] },
      ],
    })
    assert.equal(response.status, 200, await response.text())
    assert.deepEqual(
      upstream.received.map(({ url }) => url),
      ['/v1/chat/completions', '/v1/messages'],
    )
    const { messages } = upstream.received[1]!.json() as { messages: unknown[] }
    assert.deepEqual(messages, [
      question,
      { role: 'assistant', content: [said] },
      { role: 'user', content: [{ type: 'text', text: 'Really?' }] },
    ])
  })
}

test('a conversation that only speaks of such proof passes byte for byte', async () => {
  upstream.enqueue(wireScripts['anthropic-messages'].json({ text: ['Yes.'] }))
  const body = `{"model":"second/both","max_tokens":50, "messages":[{"role":"user","content":"What is ${ownSignature}?"}],"metadata":{"n":12345678901234567890}}`
  assert.equal((await turnpike.post('/v1/messages', body)).status, 200)
  assert.equal(upstream.received[0]!.body.toString(), body.replace('second/', ''))
})
