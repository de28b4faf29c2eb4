// Bedrock through the whole gateway: Claude's clients pass through, others are translated to Converse; binary streams become SSE.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { isObject, type JsonObject } from '#kernel'
import { invokeChunk, streamEvent, streamException } from '#test/event-stream.ts'
import { pricedModel, startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, cut, splitEvery, write, type ScriptedUpstream } from '#test/upstream.ts'

const claude = 'anthropic.claude-sonnet-4-5-20250929-v1:0'
const nova = 'amazon.nova-lite-v1:0'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike

before(async () => {
  upstream = await createUpstream()
  const models = [claude, nova].map((id) => ({ ...pricedModel, id }))
  turnpike = await startTest({
    aws: { wire: 'anthropic-messages', origin: upstream.origin, models, more: { vendor: 'bedrock', base_url: upstream.origin } },
  })
})
after(async () => {
  await turnpike.end()
  await upstream.close()
})
beforeEach(() => upstream.clear())

const binary = { 'content-type': 'application/vnd.amazon.eventstream' }

const events = [
  '{"type":"message_start","message":{"model":"claude-sonnet-4-5-20250929","id":"msg_bdrk_1","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":1}}}',
  '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Grüße"}}',
  '{"type":"content_block_stop","index":0}',
  '{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":5}}',
  '{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":10,"outputTokenCount":5,"invocationLatency":9,"firstByteLatency":4}}',
]

const message = (extra: JsonObject = {}): JsonObject => ({
  model: `@aws/${claude}`,
  max_tokens: 100,
  messages: [{ role: 'user', content: 'Hi' }],
  ...extra,
})

/** What a client is told before its connection is cut. */
async function told(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  await assert.rejects(async () => {
    for await (const chunk of response.body!) text += decoder.decode(chunk, { stream: true })
  })
  return text
}

const askedBody = () => JSON.parse(upstream.received[0]!.body.toString()) as JsonObject

test("a Claude client's stream passes: its betas go into the body, Anthropic's events come out of the binary stream as they are", async () => {
  upstream.enqueue({ headers: binary, body: splitEvery(Buffer.concat(events.map(invokeChunk)), 7) })
  const response = await turnpike.post('/v1/messages', message({ stream: true, metadata: { user_id: 'u' } }), {
    headers: {
      'anthropic-beta': 'claude-code-20250219,context-1m-2025-08-07',
      'anthropic-version': '2023-06-01',
      // What stays behind (the user's id, a beta that names the client) is no loss.
      'x-turnpike-strict': 'true',
    },
  })
  const text = await response.text()
  assert.equal(response.status, 200, text)
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/)
  const asked = upstream.received[0]!
  assert.equal(asked.url, `/model/${encodeURIComponent(claude)}/invoke-with-response-stream`)
  assert.equal(asked.headers.get('authorization'), 'Bearer sk-provider-secret-1')
  assert.equal(asked.headers.get('anthropic-beta'), undefined)
  assert.deepEqual(askedBody(), {
    max_tokens: 100,
    messages: [{ role: 'user', content: 'Hi' }],
    anthropic_version: 'bedrock-2023-05-31',
    anthropic_beta: ['context-1m-2025-08-07'],
  })
  const expected = events.map((event) => `event: ${(JSON.parse(event) as JsonObject)['type'] as string}\ndata: ${event}\n\n`).join('')
  assert.equal(text.replace(/"cost":[\d.e-]+,/, ''), expected)
  assert.match(text, /"usage":\{"cost":[\d.e-]+,"output_tokens":5\}/)
  const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
  assert.equal(record['outcome'], 'ok')
  assert.deepEqual(
    [record['tokens'], record['stream']].map((value) => (isObject(value) ? [value['input'], value['output']] : value)),
    [[10, 5], true],
  )
})

test('a whole answer passes as well', async () => {
  const answer =
    '{"model":"claude-sonnet-4-5-20250929","id":"msg_bdrk_2","type":"message","role":"assistant","content":[{"type":"text","text":"Hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":5}}'
  upstream.enqueue({ headers: { 'content-type': 'application/json' }, body: answer })
  const response = await turnpike.post('/v1/messages', message())
  const body = (await response.json()) as JsonObject
  assert.equal(upstream.received[0]!.url, `/model/${encodeURIComponent(claude)}/invoke`)
  assert.deepEqual(body['content'], [{ type: 'text', text: 'Hello' }])
  assert.equal(typeof (body['usage'] as JsonObject)['cost'], 'number')
})

test('an exception in the binary stream is an error in band, never a clean end', async () => {
  const half = [...events.slice(0, 3).map(invokeChunk), streamException('modelStreamErrorException', 'An error occurred while streaming')]
  upstream.enqueue({ headers: binary, body: [write(Buffer.concat(half))] })
  const text = await told(await turnpike.post('/v1/messages', message({ stream: true })))
  assert.match(text, /Grüße/)
  assert.match(text, /event: error\ndata: .*"type":"error"/)
  assert.doesNotMatch(text, /message_stop/)
})

const converse = [
  streamEvent('messageStart', { role: 'assistant', p: 'ab' }),
  streamEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Hel' }, p: 'abc' }),
  streamEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'lo' }, p: 'a' }),
  streamEvent('contentBlockStop', { contentBlockIndex: 0 }),
  streamEvent('messageStop', { stopReason: 'end_turn' }),
  streamEvent('metadata', { usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 }, metrics: { latencyMs: 3 } }),
]
const chat = (extra: JsonObject = {}): JsonObject => ({ model: `@aws/${nova}`, messages: [{ role: 'user', content: 'Hi' }], ...extra })

test("another client's stream is translated to Converse and back", async () => {
  upstream.enqueue({ headers: binary, body: splitEvery(Buffer.concat(converse), 11) })
  const response = await turnpike.post('/v1/chat/completions', chat({ stream: true, max_tokens: 20 }))
  const text = await response.text()
  const asked = upstream.received[0]!
  assert.equal(asked.url, `/model/${encodeURIComponent(nova)}/converse-stream`)
  assert.deepEqual(askedBody(), { messages: [{ role: 'user', content: [{ text: 'Hi' }] }], inferenceConfig: { maxTokens: 20 } })
  const chunks = [...text.matchAll(/^data: (\{.*)$/gm)].map(
    ([, data]) => JSON.parse(data!) as { choices: { delta: { content?: string } }[] },
  )
  assert.equal(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join(''), 'Hello')
  assert.match(text, /"finish_reason":"stop"/)
  assert.match(text, /data: \[DONE\]/)
  assert.match(text, /"prompt_tokens":10/)
})

test('a whole answer of Converse is translated', async () => {
  const body = {
    output: { message: { role: 'assistant', content: [{ text: 'Hello' }] } },
    stopReason: 'end_turn',
    usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 },
    metrics: { latencyMs: 3 },
  }
  upstream.enqueue({ headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const answer = (await (await turnpike.post('/v1/chat/completions', chat())).json()) as { choices: { message: { content: string } }[] }
  assert.equal(upstream.received[0]!.url, `/model/${encodeURIComponent(nova)}/converse`)
  assert.equal(answer.choices[0]!.message.content, 'Hello')
})

test('a Converse stream that is cut, or damaged, is an error in band', async () => {
  const bytes = Buffer.concat(converse)
  const damaged = Buffer.from(bytes)
  damaged[bytes.length - 3]! ^= 1
  for (const body of [[write(bytes.subarray(0, 400)), cut()], [write(damaged)]]) {
    upstream.enqueue({ headers: binary, body })
    const text = await told(await turnpike.post('/v1/chat/completions', chat({ stream: true })))
    assert.match(text, /"error"/)
    assert.doesNotMatch(text, /\[DONE\]/)
  }
})

test("a tool whose name Bedrock refuses is called by its own name in the client's answer, whole, streamed, and from a large request", async () => {
  const name = `mcp__files__${'read_many_'.repeat(6)}`
  const large = 'x'.repeat(300 << 10)
  for (const [stream, content] of [
    [false, 'Hi'],
    [true, 'Hi'],
    [true, large],
  ] as const) {
    upstream.clear()
    upstream.enqueue(({ body }) => {
      const asked = JSON.parse(body.toString()) as { toolConfig: { tools: { toolSpec: { name: string } }[] } }
      const toolUse = { toolUseId: 't1', name: asked.toolConfig.tools[0]!.toolSpec.name }
      assert.ok(toolUse.name.length <= 64)
      const usage = { inputTokens: 1, outputTokens: 2, totalTokens: 3 }
      if (!stream) {
        const output = { message: { role: 'assistant', content: [{ toolUse: { ...toolUse, input: {} } }] } }
        return { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ output, stopReason: 'tool_use', usage }) }
      }
      const sent = [
        streamEvent('messageStart', { role: 'assistant' }),
        streamEvent('contentBlockStart', { contentBlockIndex: 0, start: { toolUse } }),
        streamEvent('contentBlockStop', { contentBlockIndex: 0 }),
        streamEvent('messageStop', { stopReason: 'tool_use' }),
        streamEvent('metadata', { usage }),
      ]
      return { headers: binary, body: [write(Buffer.concat(sent))] }
    })
    const response = await turnpike.post('/v1/messages', {
      model: `@aws/${nova}`,
      max_tokens: 50,
      stream,
      tools: [{ name, input_schema: { type: 'object' } }],
      messages: [{ role: 'user', content }],
    })
    const text = await response.text()
    assert.equal(response.status, 200, text)
    assert.ok(text.includes(`"name":"${name}"`), text)
  }
})

test("Bedrock's refusals are told in the client's wire", async () => {
  upstream.enqueue({
    status: 400,
    headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'ValidationException:http://internal.amazon.com/coral/' },
    body: '{"message":"Input is too long for requested model."}',
  })
  const response = await turnpike.post('/v1/chat/completions', chat())
  const { error } = (await response.json()) as { error: JsonObject }
  assert.equal(response.status, 400)
  assert.equal(error['code'], 'context_length_exceeded')
})
