// Whatever has to be parsed and is large is parsed by another thread, in both directions: nobody else's stream waits for it.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { longestParsed } from '#test/parsed.ts'
import { wireScripts } from '#test/scripts.ts'
import { startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike
before(async () => {
  upstream = await createUpstream()
  turnpike = await startTest({
    one: { wire: 'anthropic-messages', origin: upstream.origin, more: { vendor: 'anthropic' } },
    chat: { wire: 'openai-chat', origin: upstream.origin },
  })
})
after(async () => {
  await turnpike.end()
  await upstream.close()
})
beforeEach(() => upstream.clear())

const limit = 256 << 10
const long = 'All of it, word by word. '.repeat(40_000)
const question = { role: 'user', content: long }

/** The text of the answer, read without parsing it here. */
async function answerOf(path: string, body: string): Promise<string> {
  let text = ''
  const longest = await longestParsed(async () => {
    const response = await turnpike.post(path, body)
    text = await response.text()
    assert.equal(response.status, 200, text.slice(0, 500))
  })
  assert.ok(longest < limit, `${longest} characters were parsed`)
  return text
}

test('doubtful bytes: a key that is escaped', async () => {
  upstream.enqueue(wireScripts['openai-chat'].json({ text: ['Read.'] }))
  const body = JSON.stringify({ model: 'chat/model-1', messages: [question], seed: 7 }).replace('"seed"', '"\\u0073eed"')
  assert.match(await answerOf('/v1/chat/completions', body), /Read\./)
  const sent = upstream.received[0]!.json()
  assert.deepEqual([sent['seed'], sent['model'], (sent['messages'] as object[]).length], [7, 'model-1', 1])
})

test('doubtful bytes that are wrong are refused by name', async () => {
  const body = JSON.stringify({ model: 'chat/model-1', messages: [question] }).replace('{"model"', '{"model":"other/model","model"')
  let status = 0
  let text = ''
  const longest = await longestParsed(async () => {
    const response = await turnpike.post('/v1/chat/completions', body)
    ;({ status } = response)
    text = await response.text()
  })
  assert.ok(longest < limit)
  assert.equal(status, 400, text)
  assert.match(text, /"param":"model"/)
})

test('what this gateway wrote for another vendor, in a body that passes', async () => {
  upstream.enqueue(wireScripts['anthropic-messages'].json({ text: ['Clean.'] }))
  const thinking = { type: 'thinking', thinking: 'Hm.', signature: `tps1.${Buffer.from('{"domain":"other"}').toString('base64url')}` }
  const messages = [question, { role: 'assistant', content: [thinking, { type: 'text', text: 'Yes.' }] }, { role: 'user', content: 'And?' }]
  await answerOf('/v1/messages', JSON.stringify({ model: 'one/model-1', max_tokens: 50, messages }))
  const sent = upstream.received[0]!
  assert.equal(sent.json()['model'], 'model-1')
  assert.doesNotMatch(sent.body.toString(), /tps1\./)
  assert.match(sent.body.toString(), /"text":"Yes\."/)
})

test('who only speaks of our mark gets on byte for byte', async () => {
  upstream.enqueue(wireScripts['anthropic-messages'].json({ text: ['Fine.'] }))
  const body = JSON.stringify({ model: 'one/model-1', max_tokens: 50, messages: [{ ...question, content: `What is tps1. ? ${long}` }] })
  await answerOf('/v1/messages', body)
  assert.equal(upstream.received[0]!.body.toString(), body.replace('one/model-1', 'model-1'))
})

test('counting tokens where no provider does', async () => {
  const text = await answerOf('/v1/messages/count_tokens', JSON.stringify({ model: 'chat/model-1', messages: [question] }))
  const { input_tokens: count } = JSON.parse(text) as { input_tokens: number }
  assert.ok(Math.abs(count - 320_000) < 3000, `${count} tokens for 240 000 words and 80 000 marks`)
})

test('a whole answer of another wire', async () => {
  upstream.enqueue(wireScripts['anthropic-messages'].json({ text: [long] }))
  const text = await answerOf(
    '/v1/chat/completions',
    JSON.stringify({ model: 'one/model-1', messages: [{ role: 'user', content: 'All?' }] }),
  )
  assert.ok(text.includes(long))
  assert.match(text, /"finish_reason":"stop"/)
  assert.match(text, /"cost":/)
})

test('a whole answer of another wire for a client that streams', async () => {
  upstream.enqueue(wireScripts['anthropic-messages'].json({ text: [long] }))
  const asked = { model: 'one/model-1', stream: true, messages: [{ role: 'user', content: 'All?' }] }
  const text = await answerOf('/v1/chat/completions', JSON.stringify(asked))
  assert.ok(text.includes(long))
  assert.match(text, /data: \[DONE\]/)
})
