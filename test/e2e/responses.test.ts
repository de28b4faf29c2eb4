// The Responses API at the door: bytes that pass, state that only its own provider has, and reasoning that changes vendors.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { JsonObject } from '#kernel'
import { wireScripts } from '#test/scripts.ts'
import { startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, write, type ScriptedUpstream } from '#test/upstream.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike
before(async () => {
  upstream = await createUpstream()
  turnpike = await startTest({
    open: { wire: 'openai-chat', origin: upstream.origin },
    claude: { wire: 'anthropic-messages', origin: upstream.origin },
  })
})
after(async () => {
  await turnpike.end()
  await upstream.close()
})
beforeEach(() => upstream.clear())

const usage = { input_tokens: 1_000, output_tokens: 100, total_tokens: 1_100 }
const message = {
  id: 'msg_1',
  type: 'message',
  status: 'completed',
  role: 'assistant',
  content: [{ type: 'output_text', text: 'Hi', annotations: [] }],
}
const whole = { id: 'resp_1', object: 'response', status: 'completed', model: 'model-1', output: [message], usage }

const frame = (type: string, fields: JsonObject) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
const stream = [
  frame('response.created', { sequence_number: 0, response: { id: 'resp_1', status: 'in_progress', model: 'model-1', output: [] } }),
  frame('response.output_item.added', { sequence_number: 1, output_index: 0, item: { ...message, content: [] } }),
  frame('response.output_text.delta', { sequence_number: 2, output_index: 0, content_index: 0, item_id: 'msg_1', delta: 'Hi' }),
  frame('response.output_item.done', { sequence_number: 3, output_index: 0, item: message }),
  frame('response.completed', { sequence_number: 4, response: whole }),
]

const json = (body: JsonObject) => ({ status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
/** 2 USD per million in, 10 out. */
const costUsd = 0.003

test('a stream passes byte by byte but for the cost in its usage', async () => {
  upstream.enqueue({ headers: { 'content-type': 'text/event-stream' }, body: stream.map(write) })
  const response = await turnpike.post('/v1/responses', {
    model: 'open/model-1',
    input: 'Hi',
    stream: true,
    previous_response_id: 'resp_0',
  })
  const text = await response.text()
  assert.equal(text, stream.join('').replace('"usage":{', `"usage":{"cost":${costUsd},`))
  assert.equal(upstream.received[0]!.url, '/v1/responses')
  assert.deepEqual(upstream.received[0]!.json(), { model: 'model-1', input: 'Hi', stream: true, previous_response_id: 'resp_0' })
  const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
  assert.deepEqual([record['lane'], record['outcome'], record['finish_reason']], ['pass', 'ok', 'stop'])
})

test('a whole response passes with its cost, and says what it called', async () => {
  upstream.enqueue(json({ ...whole, output: [{ type: 'function_call', id: 'fc_1', call_id: 'c', name: 'f', arguments: '{}' }] }))
  const response = await turnpike.post('/v1/responses', { model: 'open/model-1', input: 'Hi' })
  const body = (await response.json()) as { usage: JsonObject }
  assert.deepEqual(body.usage, { ...usage, cost: costUsd })
  const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
  assert.equal(record['finish_reason'], 'tool-calls')
})

test('what only its own provider has is refused for a model of another, by name', async () => {
  for (const [field, value] of [['previous_response_id', 'resp_0'] as const, ['background', true] as const]) {
    const response = await turnpike.post('/v1/responses', { model: 'claude/model-1', input: 'Hi', [field]: value })
    assert.equal(response.status, 400)
    const { error } = (await response.json()) as { error: JsonObject }
    assert.deepEqual([error['param'], error['code'], error['type']], [field, 'invalid_request', 'invalid_request_error'])
  }
  assert.equal(upstream.received.length, 0)
})

test("one vendor's reasoning returns to it with its signature, and is kept from every other", async () => {
  const thinking = { type: 'thinking', thinking: 'Hm', signature: 'c2lnbmF0dXJl' }
  const answer = JSON.parse(String(wireScripts['anthropic-messages'].json({ text: ['Hi'] }).body)) as { content: JsonObject[] }
  const claude = json({ ...answer, content: [thinking, ...answer.content] })
  const ask = (model: string, input: JsonObject[]) => turnpike.post('/v1/responses', { model, input, store: false })
  const question = { role: 'user', content: 'Hi' }

  upstream.enqueue(claude)
  const { output } = (await (await ask('claude/model-1', [question])).json()) as { output: JsonObject[] }
  assert.deepEqual(
    output.map(({ type }) => type),
    ['reasoning', 'message'],
  )
  // A client that keeps no more than Codex does.
  const kept = [question, { type: 'reasoning', summary: [], encrypted_content: output[0]!['encrypted_content']! }, output[1]!, question]

  upstream.enqueue(claude)
  await ask('claude/model-1', kept)
  const { messages } = upstream.received[1]!.json() as { messages: { content: JsonObject[] }[] }
  assert.deepEqual(messages[1]!.content[0], thinking)

  upstream.enqueue(json(whole))
  const response = await ask('open/model-1', kept)
  assert.deepEqual(upstream.received[2]!.json(), { model: 'model-1', input: [kept[0], kept[2], kept[3]], store: false })
  const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
  assert.deepEqual([record['lane'], record['outcome']], ['pass', 'ok'])
})

test('a stream of another wire arrives as a response, and one that breaks off is a failed one', async () => {
  const messages = wireScripts['anthropic-messages']
  upstream.enqueue(messages.sse({ text: ['Hel', 'lo'] }))
  const told = await (await turnpike.post('/v1/responses', { model: 'claude/model-1', input: 'Hi', stream: true })).text()
  const types = [...told.matchAll(/^event: (.*)$/gm)].map((found) => found[1])
  assert.deepEqual([types[0], types.at(-1)], ['response.created', 'response.completed'])
  upstream.enqueue({
    headers: { 'content-type': 'text/event-stream' },
    body: messages
      .frames({ text: ['Hel', 'lo'] })
      .slice(0, -2)
      .map(write),
  })
  const broken = await (
    await turnpike.post('/v1/responses', { model: 'claude/model-1', input: 'Hi', stream: true })
  )
    .text()
    .catch(() => 'cut')
  assert.ok(!broken.includes('response.completed'))
})
