// Providers with a wire of their own that no client speaks: through the whole gateway, whole and streamed, with their errors and their bill.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { JsonObject } from '#kernel'
import { startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, cut, splitEvery, write, type ScriptedUpstream } from '#test/upstream.ts'

type Scene = { readonly turnpike: TestTurnpike; readonly upstream: ScriptedUpstream; ask(fields: JsonObject): Promise<Response> }

async function scene(context: TestContext, vendor: string): Promise<Scene> {
  const upstream = await createUpstream()
  const turnpike = await startTest({
    native: { wire: 'openai-chat', origin: upstream.origin, more: { vendor, base_url: upstream.origin } },
  })
  context.after(async () => {
    await turnpike.end().catch(() => undefined)
    await upstream.close()
  })
  return {
    turnpike,
    upstream,
    ask: (fields) =>
      turnpike.post('/v1/messages', { model: 'model-1', max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }], ...fields }),
  }
}

async function recordOf({ turnpike }: Scene, answer: Response): Promise<JsonObject> {
  return await turnpike.record(answer.headers.get('x-turnpike-request-id')!)
}

const lines = [
  { model: 'model-1', created_at: '2026-08-07T06:08:14Z', message: { role: 'assistant', content: '', thinking: 'Hm' }, done: false },
  { model: 'model-1', created_at: '2026-08-07T06:08:14Z', message: { role: 'assistant', content: 'Grüße' }, done: false },
  {
    model: 'model-1',
    created_at: '2026-08-07T06:08:15Z',
    message: { role: 'assistant', content: '' },
    done: true,
    done_reason: 'stop',
    prompt_eval_count: 7,
    eval_count: 3,
  },
]
const ndjson = { 'content-type': 'application/x-ndjson' }
const told = (values: readonly object[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('')

test('Ollama is asked in its own words, and its lines become the stream of the client, wherever they are cut', async (context) => {
  const all = await scene(context, 'ollama')
  all.upstream.route('/api/chat', { headers: ndjson, body: splitEvery(told(lines), 5) })
  const answer = await all.ask({ stream: true })
  const text = await answer.text()
  assert.match(answer.headers.get('content-type')!, /^text\/event-stream/)
  assert.match(text, /"thinking_delta","thinking":"Hm"/)
  assert.match(text, /"text_delta","text":"Grüße"/)
  assert.match(text, /event: message_stop/)
  const asked = JSON.parse(all.upstream.received[0]!.body.toString()) as JsonObject
  assert.deepEqual(asked, {
    truncate: false,
    shift: false,
    model: 'model-1',
    messages: [{ role: 'user', content: 'Hi' }],
    stream: true,
    options: { num_predict: 50 },
  })
  const record = await recordOf(all, answer)
  assert.equal(record['outcome'], 'ok')
  const { input, output } = record['tokens'] as JsonObject
  assert.deepEqual([input, output], [7, 3])
})

test('an error among the lines, and lines that stop, are no end that looks complete', async (context) => {
  const all = await scene(context, 'ollama')
  for (const ending of [[write(told([{ error: 'the model crashed' }]))], [cut()], []]) {
    all.upstream.enqueue({ headers: ndjson, body: [write(told(lines.slice(0, 2))), ...ending] })
    const answer = await all.ask({ stream: true })
    const text = await answer.text().catch(() => 'cut')
    assert.ok(!text.includes('message_stop'), text)
    assert.equal((await recordOf(all, answer))['outcome'], 'interrupted')
  }
})

test('Cohere is asked in its own words, and billed for what it bills', async (context) => {
  const all = await scene(context, 'cohere')
  all.upstream.route('/v2/chat', {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      id: 'c-1',
      message: { role: 'assistant', content: [{ type: 'text', text: 'Hello' }] },
      finish_reason: 'COMPLETE',
      usage: {
        billed_units: { input_tokens: 10, output_tokens: 20 },
        tokens: { input_tokens: 500, output_tokens: 21 },
        cached_tokens: 448,
      },
    }),
  })
  const answer = await all.ask({})
  const body = (await answer.json()) as { content: JsonObject[]; usage: JsonObject }
  assert.deepEqual(body.content, [{ type: 'text', text: 'Hello' }])
  // 10 at 2 and 20 at 10 USD per million tokens.
  assert.equal(body.usage['cost'], 0.000_22)
  assert.deepEqual([body.usage['input_tokens'], body.usage['cache_read_input_tokens'], body.usage['output_tokens']], [52, 448, 21])
  assert.deepEqual(JSON.parse(all.upstream.received[0]!.body.toString()), {
    model: 'model-1',
    stream: false,
    messages: [{ role: 'user', content: 'Hi' }],
    max_tokens: 50,
  })
  const record = await recordOf(all, answer)
  assert.equal(Number(record['cost_usd']), 0.000_22)
  assert.equal((record['tokens'] as JsonObject)['input'], 500)
})

test("Cohere's refusal is the client's error, in the client's words", async (context) => {
  const all = await scene(context, 'cohere')
  const message = 'too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292.'
  all.upstream.route('/v2/chat', {
    status: 400,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id: 'x', message }),
  })
  const answer = await all.ask({})
  assert.equal(answer.status, 400)
  const { error } = (await answer.json()) as { error: JsonObject }
  assert.equal(error['message'], 'prompt is too long: 4292 tokens > 4081 maximum')
})
