// Writing answers of this wire, and watching those that pass.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explode, type Response, type StreamEvent } from '#ir'
import { Failure, type JsonObject } from '#kernel'
import { encodeResponse } from './encode-response.ts'
import { createStreamEncoder } from './encode-stream.ts'
import { passThrough } from './pass-through.ts'

const context = { requestId: 'req_1', model: 'served', createdSeconds: 7, streamUsage: true }
const response: Response = {
  id: 'msg_1',
  model: 'claude',
  parts: [
    { type: 'reasoning', text: 'hm', seal: { domain: 'anthropic', kind: 'signature', data: 'SIG' } },
    { type: 'text', text: 'Look:' },
    { type: 'tool-call', id: 'toolu_1', name: 'f', args: '{"x":1}', ranBy: 'client' },
  ],
  finish: { reason: 'tool-calls' },
  usage: { input: { total: 10, fresh: 4, cacheRead: 6 }, output: { total: 5, reasoning: 2 }, raw: {} },
}
const chunksOf = (stream: string) =>
  stream
    .split('\n\n')
    .filter(Boolean)
    .map((frame) => (frame === 'data: [DONE]' ? '[DONE]' : (JSON.parse(frame.slice(6)) as JsonObject)))
const streamOf = (events: readonly StreamEvent[], before: (encoder: ReturnType<typeof createStreamEncoder>) => string = () => '') => {
  const encoder = createStreamEncoder(context)
  encoder.setCost(0.25)
  return before(encoder) + events.map((event) => encoder.push(event)).join('')
}

test("a whole answer has OpenAI's shape", () => {
  assert.deepEqual(encodeResponse(response, context, 0.25), {
    id: 'msg_1',
    object: 'chat.completion',
    created: 7,
    model: 'claude',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: 'Look:',
          refusal: null,
          reasoning_content: 'hm',
          reasoning_details: [{ type: 'reasoning.text', text: 'hm', signature: 'SIG', format: 'anthropic-claude-v1', index: 0 }],
          tool_calls: [{ id: 'toolu_1', type: 'function', function: { name: 'f', arguments: '{"x":1}' } }],
        },
        logprobs: null,
        finish_reason: 'tool_calls',
      },
    ],
    usage: {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 15,
      prompt_tokens_details: { cached_tokens: 6 },
      completion_tokens_details: { reasoning_tokens: 2 },
      cost: 0.25,
    },
  })
})

test('content is null only when something else was said', () => {
  const content = (parts: Response['parts']) => {
    const [choice] = encodeResponse({ parts, finish: { reason: 'stop' } }, context, undefined)['choices'] as JsonObject[]
    return (choice!['message'] as JsonObject)['content']
  }
  assert.equal(content([{ type: 'refusal', text: 'No.' }]), null)
  assert.equal(content([]), '')
})

test('a stream begins with the role, says null until its finish, and ends with usage and [DONE]', () => {
  const chunks = chunksOf(streamOf(explode(response)))
  const choices = chunks.slice(0, -2).map((chunk) => ((chunk as JsonObject)['choices'] as JsonObject[])[0]!)
  assert.deepEqual(
    choices.map((choice) => choice['delta']),
    [
      { role: 'assistant', content: '', refusal: null },
      { reasoning_content: 'hm' },
      { reasoning_details: [{ type: 'reasoning.text', text: 'hm', signature: 'SIG', format: 'anthropic-claude-v1', index: 0 }] },
      { content: 'Look:' },
      { tool_calls: [{ index: 0, id: 'toolu_1', type: 'function', function: { name: 'f', arguments: '' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{"x":1}' } }] },
      {},
    ],
  )
  assert.deepEqual(
    choices.map((choice) => choice['finish_reason']),
    [null, null, null, null, null, null, 'tool_calls'],
  )
  const counts = chunks.at(-2) as JsonObject
  assert.deepEqual([counts['choices'], (counts['usage'] as JsonObject)['cost']], [[], 0.25])
  assert.equal(chunks.at(-1), '[DONE]')
  assert.equal(
    new Set(
      chunks
        .slice(0, -1)
        .map((chunk) => JSON.stringify([(chunk as JsonObject)['id'], (chunk as JsonObject)['model'], (chunk as JsonObject)['object']])),
    ).size,
    1,
  )
})

test('after a preamble the answer keeps its name, and says its role once', () => {
  const chunks = chunksOf(streamOf(explode(response), (encoder) => encoder.preamble() + encoder.keepAlive()))
  const named = chunks.slice(0, -1) as JsonObject[]
  assert.deepEqual([...new Set(named.map((chunk) => chunk['id']))], ['req_1'])
  assert.deepEqual([...new Set(named.map((chunk) => chunk['model']))], ['served'])
  assert.equal(JSON.stringify(named).split('"role"').length - 1, 1)
  assert.deepEqual((named[1]!['choices'] as JsonObject[])[0]!['delta'], { content: '' })
})

test('a client that did not ask for usage gets none', () => {
  const encoder = createStreamEncoder({ ...context, streamUsage: false })
  assert.ok(
    !explode(response)
      .map((event) => encoder.push(event))
      .join('')
      .includes('usage'),
  )
})

test('an error ends the stream without a finish reason and without [DONE]', () => {
  const stream = streamOf([...explode(response).slice(0, 3), { type: 'error', error: new Failure('interrupted', 'gone') }])
  assert.ok(!stream.includes('[DONE]') && !/"finish_reason":"/.test(stream))
  assert.match(stream, /data: \{"error":\{"message":"gone"/)
})

test("finish reasons are only OpenAI's four", () => {
  const reasons = (['stop', 'length', 'tool-calls', 'filtered', 'refused', 'paused', 'other'] as const).map((reason) => {
    const [choice] = encodeResponse({ parts: [], finish: { reason } }, context, undefined)['choices'] as JsonObject[]
    return choice!['finish_reason']
  })
  assert.deepEqual(reasons, ['stop', 'length', 'tool_calls', 'content_filter', 'content_filter', 'stop', 'stop'])
})

const watch = passThrough.createWatch({})

test('a passing frame is content only when it says something', () => {
  const content = (delta: JsonObject) =>
    watch.frame({ data: JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null }] }) }).content ?? false
  assert.deepEqual([{ role: 'assistant', content: '' }, { content: null }, {}, { reasoning_content: null }].map(content), [
    false,
    false,
    false,
    false,
  ])
  assert.deepEqual([{ content: 'a' }, { reasoning: 'b' }, { refusal: 'c' }, { tool_calls: [{ index: 0 }] }].map(content), [
    true,
    true,
    true,
    true,
  ])
})

test('usage, finish, error and the end are seen in passing frames', () => {
  assert.equal(watch.frame({ data: '{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}' }).usage?.output.total, 4)
  assert.equal(watch.frame({ data: '{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}' }).finish?.reason, 'length')
  assert.equal(watch.frame({ data: '{"error":{"message":"x","code":429}}' }).error?.kind, 'rate_limited')
  assert.equal(watch.frame({ data: '[DONE]' }).terminal, true)
})

const costs: readonly [string, string, string][] = [
  ['compact', '{"id":"x","usage":{"prompt_tokens":1}}', '{"id":"x","usage":{"cost":0.5,"prompt_tokens":1}}'],
  ['spaced', '{"choices": [], "usage": { "prompt_tokens": 1 }}', '{"choices": [], "usage": {"cost":0.5, "prompt_tokens": 1 }}'],
  ['empty', '{"usage":{}}', '{"usage":{"cost":0.5}}'],
  ['with a cost already', '{"usage":{"a":{"cost":1},"cost":7e-5,"b":2}}', '{"usage":{"a":{"cost":1},"cost":0.5,"b":2}}'],
  ['last, with a cost already', '{"usage":{"b":2,"cost" : {"total": 1}}}', '{"usage":{"b":2,"cost":0.5}}'],
  ["Groq's", '{"x_groq":{"usage":{"n":1}},"usage":null}', '{"x_groq":{"usage":{"cost":0.5,"n":1}},"usage":null}'],
  ['after its double in a string', '{"t":"\\"usage\\":{}","usage":{"n":1}}', '{"t":"\\"usage\\":{}","usage":{"cost":0.5,"n":1}}'],
  ['after a nested one', '{"choices":[{"usage":{"n":1}}],"usage":{"n":2}}', '{"choices":[{"usage":{"n":1}}],"usage":{"cost":0.5,"n":2}}'],
]
for (const [what, before, after] of costs) {
  test(`a cost is written into a usage object that is ${what}`, () =>
    assert.equal(watch.withCost({ data: before }, 0.5), `data: ${after}\n\n`))
}

test('a frame without usage is left alone', () => {
  for (const data of ['{"usage":null}', '{"choices":[]}', '[DONE]']) assert.equal(watch.withCost({ data }, 1), undefined)
})

test("with the frame's own bytes, its comments and newlines stay", () => {
  const raw = Buffer.from(': hi\r\nid: 7\r\ndata: {"usage":{}}\r\n\r\n')
  const frame = { data: '{"usage":{}}', raw }
  assert.equal(watch.withCost(frame, 1), ': hi\r\nid: 7\r\ndata: {"usage":{"cost":1}}\r\n\r\n')
})

test('the finish reason of a whole answer is found in its bytes', () => {
  const body = (finish: string) =>
    Buffer.from(`{"choices":[{"message":{"content":"\\"finish_reason\\":\\"length\\""},"finish_reason": ${finish}}],"usage":{}}`)
  assert.equal(passThrough.finishIn!(body('"stop"'))?.reason, 'stop')
  assert.equal(passThrough.finishIn!(body('null')), undefined)
  assert.equal(passThrough.readResponse({ error: { message: 'x' } }, {}).error?.kind, 'error_in_stream')
})
