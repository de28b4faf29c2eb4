// Reading Anthropic's streams and messages.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGrammar, fold, type StreamEvent } from '#ir'
import type { JsonObject } from '#kernel'
import { decodeResponse } from './decode-response.ts'
import { createStreamDecoder } from './decode-stream.ts'

type Frames = readonly ({ readonly type: string; readonly [key: string]: unknown } | { readonly event: string; readonly data: string })[]

function decode(frames: Frames): StreamEvent[] {
  const decoder = createStreamDecoder()
  const events = frames.flatMap((frame) =>
    'type' in frame ? decoder.push({ event: frame.type, data: JSON.stringify(frame) }) : decoder.push(frame),
  )
  events.push(...decoder.end())
  const grammar = createGrammar()
  for (const event of events) assert.equal(grammar.check(event), undefined)
  assert.ok(grammar.finished())
  return events
}

const start = {
  type: 'message_start',
  message: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-x',
    content: [],
    usage: { input_tokens: 5, output_tokens: 1 },
  },
}
const blockStart = (index: number, block: JsonObject) => ({ type: 'content_block_start', index, content_block: block })
const delta = (index: number, value: JsonObject) => ({ type: 'content_block_delta', index, delta: value })
const blockStop = (index: number) => ({ type: 'content_block_stop', index })
const ending = (reason: string, usage: JsonObject = { output_tokens: 7 }) => ({
  type: 'message_delta',
  delta: { stop_reason: reason, stop_sequence: null },
  usage,
})
const stop = { type: 'message_stop' }
const text = (index: number, said: string) => [
  blockStart(index, { type: 'text', text: '' }),
  delta(index, { type: 'text_delta', text: said }),
  blockStop(index),
]

test('a stream and the same message in one piece decode to the same response', () => {
  const streamed = fold(
    decode([
      start,
      blockStart(0, { type: 'thinking', thinking: '', signature: '' }),
      delta(0, { type: 'thinking_delta', thinking: 'hm' }),
      delta(0, { type: 'signature_delta', signature: 'b2xk' }),
      // The SDKs take the last one.
      delta(0, { type: 'signature_delta', signature: 'c2ln' }),
      blockStop(0),
      blockStart(1, { type: 'redacted_thinking', data: 'cmVk' }),
      blockStop(1),
      { type: 'ping' },
      blockStart(2, { type: 'text', text: '', citations: [] }),
      delta(2, { type: 'text_delta', text: 'As ' }),
      delta(2, { type: 'text_delta', text: 'said' }),
      delta(2, { type: 'citations_delta', citation: { type: 'char_location', cited_text: 'x' } }),
      blockStop(2),
      blockStart(3, { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} }),
      delta(3, { type: 'input_json_delta', partial_json: '{"query":' }),
      delta(3, { type: 'input_json_delta', partial_json: '"a"}' }),
      blockStop(3),
      blockStart(4, { type: 'tool_use', id: 'toolu_1', name: 'look', input: {}, caller: { type: 'direct' } }),
      delta(4, { type: 'input_json_delta', partial_json: '' }),
      delta(4, { type: 'input_json_delta', partial_json: '{"a":1}' }),
      blockStop(4),
      ending('tool_use', { input_tokens: 5, output_tokens: 7, server_tool_use: { web_search_requests: 1 } }),
      stop,
    ]),
  )
  const whole = decodeResponse({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-x',
    content: [
      { type: 'thinking', thinking: 'hm', signature: 'c2ln' },
      { type: 'redacted_thinking', data: 'cmVk' },
      { type: 'text', text: 'As said', citations: [{ type: 'char_location', cited_text: 'x' }] },
      { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'a' } },
      { type: 'tool_use', id: 'toolu_1', name: 'look', input: { a: 1 }, caller: { type: 'direct' } },
    ],
    stop_reason: 'tool_use',
    stop_sequence: null,
    usage: { input_tokens: 5, output_tokens: 7, server_tool_use: { web_search_requests: 1 } },
  })
  assert.deepEqual(streamed, whole)
  assert.deepEqual(whole.parts[0], { type: 'reasoning', text: 'hm', seal: { domain: 'anthropic', kind: 'signature', data: 'c2ln' } })
  assert.deepEqual(whole.parts[1], { type: 'reasoning', text: '', seal: { domain: 'anthropic', kind: 'redacted', data: 'cmVk' } })
  assert.deepEqual(whole.parts[3], {
    type: 'opaque',
    wire: 'anthropic-messages',
    kind: 'server_tool_use',
    value: { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'a' } },
  })
  assert.deepEqual(whole.usage?.hosted, { web_search: 1 })
})

test('a call without arguments has {} as arguments, and arguments that came at once are kept', () => {
  const calls = fold(
    decode([
      start,
      blockStart(0, { type: 'tool_use', id: 'a', name: 'none', input: {} }),
      blockStop(0),
      blockStart(1, { type: 'tool_use', id: 'b', name: 'all', input: { x: [1] } }),
      blockStop(1),
      ending('tool_use'),
      stop,
    ]),
  ).parts
  assert.deepEqual(
    calls.map((part) => part.type === 'tool-call' && part.args),
    ['{}', '{"x":[1]}'],
  )
})

test('a stream that ends before message_stop is an error, even after a stop reason', () => {
  const events = decode([start, ...text(0, 'Hello'), ending('end_turn')])
  const last = events.at(-1)
  assert.ok(last?.type === 'error')
  assert.equal(last.error.kind, 'ended_early')
})

test('an error event inside the stream ends it with that error, and what follows is ignored', () => {
  for (const [type, kind] of [
    ['overloaded_error', 'overloaded'],
    ['api_error', 'error_in_stream'],
    ['rate_limit_error', 'rate_limited'],
  ] as const) {
    const events = decode([start, ...text(0, 'Hel'), { type: 'error', error: { type, message: 'Overloaded' } }, ending('end_turn'), stop])
    const last = events.at(-1)
    assert.ok(last?.type === 'error')
    assert.equal(last.error.kind, kind)
  }
  const first = decode([{ event: 'error', data: 'upstream gone' }])
  assert.deepEqual(
    first.map((event) => event.type),
    ['start', 'error'],
  )
})

test('a frame that is not JSON is a bad response', () => {
  const last = decode([start, { event: 'content_block_delta', data: '{"type":' }]).at(-1)
  assert.ok(last?.type === 'error')
  assert.equal(last.error.kind, 'bad_response')
})

test('a repeated message_start is ignored before content, and an error after it', () => {
  const fine = decode([start, start, ...text(0, 'Hi'), ending('end_turn'), stop])
  assert.equal(fine.at(-1)?.type, 'finish')
  const spliced = decode([start, ...text(0, 'Hi'), start, ...text(0, 'Hi again'), ending('end_turn'), stop])
  assert.equal(spliced.at(-1)?.type, 'error')
})

test('usage is cumulative: the last counts stand, and a 0 does not wipe a count', () => {
  const counted = fold(
    decode([
      {
        ...start,
        message: {
          ...start.message,
          usage: { input_tokens: 9, cache_read_input_tokens: 3, cache_creation_input_tokens: 2, output_tokens: 1 },
        },
      },
      ...text(0, 'x'),
      ending('end_turn', { input_tokens: 0, output_tokens: 20 }),
      stop,
    ]),
  ).usage
  assert.deepEqual(counted?.input, { total: 14, fresh: 9, cacheRead: 3, cacheWrite: 2 })
  assert.equal(counted?.output.total, 20)
})

test('blocks that this version does not know are gathered with their deltas', () => {
  const { parts, ext } = fold(
    decode([
      start,
      blockStart(0, { type: 'compaction', content: null }),
      delta(0, { type: 'compaction_delta', content: 'so ' }),
      delta(0, { type: 'compaction_delta', content: 'far' }),
      blockStop(0),
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn', container: { id: 'c1' } },
        usage: { output_tokens: 2 },
        context_management: { applied_edits: [] },
      },
      stop,
    ]),
  )
  assert.deepEqual(parts, [
    { type: 'opaque', wire: 'anthropic-messages', kind: 'compaction', value: { type: 'compaction', content: 'so far' } },
  ])
  assert.deepEqual(ext, { 'anthropic-messages': { container: { id: 'c1' }, context_management: { applied_edits: [] } } })
})

test('stop reasons keep their own word', () => {
  const finishes = ['end_turn', 'max_tokens', 'tool_use', 'pause_turn', 'refusal', 'model_context_window_exceeded', 'something_new'].map(
    (reason) => fold(decode([start, ...text(0, 'x'), ending(reason), stop])).finish,
  )
  assert.deepEqual(
    finishes.map((finish) => finish.reason),
    ['stop', 'length', 'tool-calls', 'paused', 'refused', 'length', 'other'],
  )
  assert.equal(finishes.at(-1)?.raw, 'something_new')
})

test('a body that is no message is a bad response, an error body inside a 200 its error', () => {
  assert.throws(() => decodeResponse({ choices: [] }), { kind: 'bad_response' })
  assert.throws(() => decodeResponse({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }), { kind: 'overloaded' })
})
