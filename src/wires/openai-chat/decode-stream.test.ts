// Reading streams of chat completions, in the variants that providers send.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGrammar, fold, type Response, type StreamEvent } from '#ir'
import type { Failure, JsonObject, JsonValue } from '#kernel'
import { decodeResponse } from './decode-response.ts'
import { createStreamDecoder } from './decode-stream.ts'

function events(...chunks: (JsonValue | string)[]): StreamEvent[] {
  const decoder = createStreamDecoder({})
  const all = [
    ...chunks.flatMap((chunk) => decoder.push({ data: typeof chunk === 'string' ? chunk : JSON.stringify(chunk) })),
    ...decoder.end(),
  ]
  const grammar = createGrammar()
  for (const event of all) assert.equal(grammar.check(event), undefined)
  assert.ok(grammar.finished())
  return all
}
const answer = (...chunks: (JsonValue | string)[]): Response => fold(events(...chunks))
const delta = (fields: JsonObject, finish: string | null = null, more: JsonObject = {}): JsonObject => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 5,
  model: 'm',
  choices: [{ index: 0, delta: fields, finish_reason: finish, ...more }],
})
const call = (fields: JsonObject) => delta({ tool_calls: [fields] })
const end = delta({}, 'stop')
const kindOf = (all: StreamEvent[]) => {
  const last = all.at(-1)
  return last?.type === 'error' ? last.error.kind : last?.type
}

test('text, its usage in a last chunk without choices, then [DONE]', () => {
  const usage = { id: 'chatcmpl-1', choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } }
  const told = events(delta({ role: 'assistant', content: '' }), delta({ content: 'Hel' }), delta({ content: 'lo' }), end, usage, '[DONE]')
  assert.deepEqual(
    told.map((event) => event.type),
    ['start', 'part-start', 'part-delta', 'part-delta', 'usage', 'part-end', 'finish'],
  )
  const { parts, id, model, created } = fold(told)
  assert.deepEqual({ parts, id, model, created }, { parts: [{ type: 'text', text: 'Hello' }], id: 'chatcmpl-1', model: 'm', created: 5 })
})

test('a cumulative usage in every chunk: the last one counts', () => {
  const withUsage = (content: string, completion: number) => ({
    ...delta({ content }),
    usage: { prompt_tokens: 9, completion_tokens: completion },
  })
  assert.equal(answer(withUsage('a', 1), withUsage('b', 2), end).usage?.output.total, 2)
})

test("Groq's and Moonshot's places of usage are read", () => {
  assert.equal(
    answer(delta({ content: 'a' }), { ...end, x_groq: { usage: { prompt_tokens: 1, completion_tokens: 7 } } }).usage?.output.total,
    7,
  )
  assert.equal(
    answer(delta({ content: 'a' }), delta({}, 'stop', { usage: { prompt_tokens: 1, completion_tokens: 8 } })).usage?.output.total,
    8,
  )
})

test('parallel tool calls may interleave their deltas', () => {
  const { parts, finish } = answer(
    call({ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } }),
    call({ index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '' } }),
    call({ index: 0, function: { arguments: '{"x"' } }),
    call({ index: 1, function: { arguments: '{}' } }),
    call({ index: 0, function: { arguments: ':1}' } }),
    delta({}, 'tool_calls'),
    '[DONE]',
  )
  assert.deepEqual(
    parts.map((part) => part.type === 'tool-call' && [part.id, part.name, part.args]),
    [
      ['a', 'f', '{"x":1}'],
      ['b', 'g', '{}'],
    ],
  )
  assert.equal(finish.reason, 'tool-calls')
})

const calls = (response: Response) => response.parts.map((part) => (part.type === 'tool-call' ? [part.id, part.args] : part.type))

test('calls without an index, or all with index 0, are told apart by their ids', () => {
  const f = (id: string, index?: number) =>
    call({ ...(index === undefined ? {} : { index }), id, function: { name: 'f', arguments: `"${id}"` } })
  assert.deepEqual(calls(answer(f('a'), f('b'), end)), [
    ['a', '"a"'],
    ['b', '"b"'],
  ])
  assert.deepEqual(calls(answer(f('a', 0), f('b', 0), end)), [
    ['a', '"a"'],
    ['b', '"b"'],
  ])
})

test('a delta that repeats id and name of its call continues it', () => {
  const repeated = (args: string) => call({ index: 0, id: '0', type: 'function', function: { name: 'f', arguments: args } })
  assert.deepEqual(calls(answer(repeated(''), repeated('{'), repeated('}'), end)), [['0', '{}']])
})

test('a call without an id gets one, the same each time', () => {
  const chunks = [call({ index: 0, function: { name: 'f', arguments: '{}' } }), end]
  assert.deepEqual(calls(answer(...chunks)), calls(answer(...chunks)))
  assert.match(String(calls(answer(...chunks))[0]![0]), /^call_/)
})

test('a forced tool call that ends with "stop" is a tool call', () => {
  const { finish } = answer(call({ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }), end)
  assert.deepEqual([finish.reason, finish.raw], ['tool-calls', 'stop'])
})

test('the old function_call is a tool call', () => {
  const { parts } = answer(
    delta({ function_call: { name: 'f', arguments: '' } }),
    delta({ function_call: { arguments: '{}' } }),
    delta({}, 'function_call'),
  )
  assert.deepEqual(
    parts.map((part) => part.type === 'tool-call' && [part.name, part.args]),
    [['f', '{}']],
  )
})

test('reasoning of DeepSeek, Groq and Mistral is reasoning', () => {
  const thought: Response['parts'] = [
    { type: 'reasoning', text: 'hm, so' },
    { type: 'text', text: 'yes' },
  ]
  assert.deepEqual(
    answer(delta({ reasoning_content: 'hm,', content: null }), delta({ reasoning_content: ' so' }), delta({ content: 'yes' }), end).parts,
    thought,
  )
  assert.deepEqual(answer(delta({ reasoning: 'hm,' }), delta({ reasoning: ' so' }), delta({ content: 'yes' }), end).parts, thought)
  const mistral = (text: string) => delta({ content: [{ type: 'thinking', thinking: [{ type: 'text', text }] }] })
  assert.deepEqual(answer(mistral('hm,'), mistral(' so'), delta({ content: 'yes' }), end).parts, thought)
})

test("OpenRouter's reasoning_details: text that the plain field repeats counts once, and the signature seals it", () => {
  const format = { format: 'anthropic-claude-v1', index: 0 }
  const { parts } = answer(
    delta({ reasoning: 'hm', reasoning_details: [{ type: 'reasoning.text', text: 'hm', ...format }] }),
    delta({ reasoning: ' ok', reasoning_details: [{ type: 'reasoning.text', text: ' ok', ...format }] }),
    delta({ reasoning_details: [{ type: 'reasoning.text', signature: 'SIG', ...format }] }),
    delta({ content: 'yes' }),
    end,
  )
  assert.deepEqual(parts, [
    { type: 'reasoning', text: 'hm ok', seal: { domain: 'anthropic', kind: 'signature', data: 'SIG' } },
    { type: 'text', text: 'yes' },
  ])
})

test('encrypted reasoning is a part of its own', () => {
  const detail = { type: 'reasoning.encrypted', data: 'XYZ', id: 'rs_1', format: 'openai-responses-v1' }
  assert.deepEqual(answer(delta({ reasoning_details: [detail] }), delta({ content: 'a' }), end).parts[0], {
    type: 'reasoning',
    text: '',
    seal: { domain: 'openai', kind: 'encrypted', data: 'XYZ', itemId: 'rs_1' },
  })
})

test("Azure's preamble of filter results names nothing; the next chunk does", () => {
  const preamble = { id: '', model: '', created: 0, choices: [], prompt_filter_results: [{ prompt_index: 0 }] }
  const { id, ext } = answer(preamble, delta({ content: 'a' }), end)
  assert.equal(id, 'chatcmpl-1')
  assert.deepEqual(ext?.['openai-chat']?.['prompt_filter_results'], [{ prompt_index: 0 }])
})

test('of several alternatives the first is told', () => {
  const other = { ...delta({}), choices: [{ index: 1, delta: { content: 'B' }, finish_reason: null }] }
  assert.deepEqual(answer(delta({ content: 'A' }), other, end).parts, [{ type: 'text', text: 'A' }])
})

test('null choices, missing deltas and empty objects say nothing', () => {
  assert.deepEqual(answer({}, { id: 'x', choices: null }, delta({ content: 'a' }), { choices: [{}] }, end).parts, [
    { type: 'text', text: 'a' },
  ])
})

test('a filtered answer is filtered', () =>
  assert.equal(answer(delta({ content: 'a' }), delta({}, 'content_filter')).finish.reason, 'filtered'))

test('a stream ends well with a finish reason or with content and [DONE], and in no other way', () => {
  assert.equal(kindOf(events(delta({ content: 'a' }), end)), 'finish')
  assert.equal(kindOf(events(delta({ content: 'a' }), '[DONE]')), 'finish')
  assert.equal(kindOf(events(delta({ content: 'a' }))), 'ended_early')
  assert.equal(kindOf(events()), 'ended_early')
  assert.equal(kindOf(events('[DONE]')), 'empty_response')
  assert.equal(kindOf(events(delta({ role: 'assistant' }), '[DONE]')), 'empty_response')
})

test('an error inside a 200 ends the stream, whatever follows', () => {
  const error = { error: { message: 'The server had an error', type: 'server_error' } }
  assert.equal(kindOf(events(error, '[DONE]')), 'error_in_stream')
  assert.equal(kindOf(events(delta({ content: 'Hello' }), error, end, '[DONE]')), 'error_in_stream')
  assert.equal(kindOf(events({ error: { message: 'slow down', code: 429 } })), 'rate_limited')
  assert.equal(kindOf(events({ error: 'model is overloaded' })), 'error_in_stream')
  assert.equal(kindOf(events({ object: 'error', message: 'CUDA out of memory', code: 500 })), 'error_in_stream')
  assert.equal(kindOf(events(delta({ content: 'a' }), delta({}, 'error', { error: { code: 502, message: 'gone' } }))), 'error_in_stream')
  assert.equal(kindOf(events("ha this isn't json!")), 'bad_response')
  assert.equal(kindOf(events('[1]')), 'bad_response')
})

test('a whole answer that is none is a failure, not an empty answer', () => {
  const kind = (body: JsonObject) => {
    try {
      return decodeResponse(body, {}).finish.reason
    } catch (error) {
      return (error as Failure).kind
    }
  }
  assert.equal(kind({}), 'bad_response')
  assert.equal(kind({ id: 'x', choices: [] }), 'bad_response')
  assert.equal(kind({ error: { message: 'Overloaded', type: 'overloaded_error' } }), 'overloaded')
  assert.equal(kind({ choices: [{ index: 0, finish_reason: 'content_filter' }] }), 'filtered')
})
