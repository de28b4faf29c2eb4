// Reading along, and the cost written into passing bytes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { SseFrame } from '#wires/codec'
import { passThrough } from './pass-through.ts'

const frame = (value: { readonly type: string; readonly [key: string]: unknown }): SseFrame => ({
  event: value.type,
  data: JSON.stringify(value),
})

test('the watch learns id, model, cumulative usage, finish and the end', () => {
  const watch = passThrough.createWatch({})
  const first = watch.frame(
    frame({
      type: 'message_start',
      message: { id: 'msg_1', model: 'claude-x', usage: { input_tokens: 5, cache_read_input_tokens: 4, output_tokens: 1 } },
    }),
  )
  assert.equal(first.id, 'msg_1')
  assert.equal(first.model, 'claude-x')
  assert.equal(first.content, undefined)
  assert.equal(first.usage?.input.total, 9)
  const last = watch.frame(frame({ type: 'message_delta', delta: { stop_reason: 'max_tokens' }, usage: { output_tokens: 30 } }))
  assert.deepEqual(last.finish, { reason: 'length', raw: 'max_tokens' })
  assert.deepEqual(last.usage?.input, { total: 9, fresh: 5, cacheRead: 4 })
  assert.equal(last.usage?.output.total, 30)
  assert.deepEqual(watch.frame(frame({ type: 'message_stop' })), { terminal: true })
})

test('only what says something is content', () => {
  const says = (value: Parameters<typeof frame>[0]) => passThrough.createWatch({}).frame(frame(value)).content === true
  assert.equal(says({ type: 'ping' }), false)
  assert.equal(says({ type: 'content_block_start', content_block: { type: 'text', text: '' } }), false)
  assert.equal(says({ type: 'content_block_start', content_block: { type: 'thinking', thinking: '', signature: '' } }), false)
  assert.equal(says({ type: 'content_block_delta', delta: { type: 'text_delta', text: '' } }), false)
  assert.equal(says({ type: 'content_block_delta', delta: { type: 'text_delta', text: 'a' } }), true)
  assert.equal(says({ type: 'content_block_delta', delta: { type: 'thinking_delta', thinking: 'a' } }), true)
  assert.equal(says({ type: 'content_block_start', content_block: { type: 'tool_use', id: 'a', name: 'f', input: {} } }), true)
  assert.equal(says({ type: 'content_block_start', content_block: { type: 'server_tool_use', id: 'a', name: 'f', input: {} } }), true)
})

test('every frame with usage, a finish, an error or the end contains a marker', () => {
  const marked = (text: string) => passThrough.markers.some((marker) => text.includes(marker))
  for (const text of [
    'event: message_delta\ndata: {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}',
    'data: {"type":"message_stop"}',
    'data: {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}',
    'data: {"error":{"message":"x"}}',
    'event: error\ndata: upstream gone',
    'event:error\ndata: upstream gone',
  ]) {
    assert.ok(marked(text), text)
  }
  assert.equal(
    marked(`data: ${JSON.stringify({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'an "error" word' } })}`),
    false,
  )
})

test('an error event is an error and the end', () => {
  const seen = passThrough.createWatch({}).frame(frame({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }))
  assert.equal(seen.error?.kind, 'overloaded')
  assert.equal(seen.terminal, true)
  assert.equal(passThrough.createWatch({}).frame({ event: 'content_block_delta', data: '{' }).error?.kind, 'bad_response')
})

test('the cost is written into the usage of message_delta, and no other byte changes', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.dictionary(fc.string(), fc.oneof(fc.nat(), fc.constant(null))),
      fc.constantFrom(undefined, 1, '\t'),
      (delta, counts, space) => {
        delete counts['cost']
        const data = JSON.stringify(
          { type: 'message_delta', delta: { ...delta, usage: { output_tokens: 1 }, stop_sequence: '"usage":{' }, usage: counts },
          null,
          space,
        )
        const written = passThrough.createWatch({}).withCost({ event: 'message_delta', data }, 0.000125)
        assert.ok(written !== undefined)
        const lines = written.split('\n')
        assert.equal(lines[0], 'event: message_delta')
        const joined = lines
          .filter((line) => line.startsWith('data: '))
          .map((line) => line.slice('data: '.length))
          .join('\n')
        const value = JSON.parse(joined) as { usage: { cost?: number } }
        assert.equal(value.usage.cost, 0.000125)
        assert.equal(joined.replace(Object.keys(counts).length === 0 ? '"cost":0.000125' : '"cost":0.000125,', ''), data)
        assert.ok(written.endsWith('\n\n'))
      },
    ),
  )
})

test('other frames, and a usage that states its own cost, get none', () => {
  const watch = passThrough.createWatch({})
  assert.equal(watch.withCost(frame({ type: 'message_start', message: { usage: { input_tokens: 1 } } }), 1), undefined)
  assert.equal(watch.withCost(frame({ type: 'message_delta', delta: {} }), 1), undefined)
  assert.equal(watch.withCost(frame({ type: 'message_delta', delta: {}, usage: { output_tokens: 1, cost: 0.3 } }), 1), undefined)
})

test('a whole answer is read from its small top-level fields', () => {
  const read = passThrough.readResponse(
    {
      type: 'message',
      id: 'm',
      model: 'c',
      stop_reason: 'stop_sequence',
      stop_sequence: 'X',
      usage: { input_tokens: 1, output_tokens: 2 },
    },
    {},
  )
  assert.deepEqual(read.finish, { reason: 'stop', raw: 'stop_sequence', stopSequence: 'X' })
  assert.equal(read.usage?.output.total, 2)
  assert.equal(passThrough.readResponse({ type: 'error', error: { type: 'api_error', message: 'x' } }, {}).error?.kind, 'error_in_stream')
})

test("in a request only the model's name changes, and what the provider refuses goes, with a note", () => {
  const fields = { model: 'anthropic/claude-x', max_tokens: 5, stream: true, metadata: { user_id: 'u' } }
  assert.deepEqual(passThrough.edits(fields, 'claude-x', { maxTokensField: 'max_completion_tokens' }), {
    edits: [{ field: 'model', value: 'claude-x' }],
    notes: [],
  })
  assert.deepEqual(passThrough.edits(fields, 'anthropic/claude-x', {}), { edits: [], notes: [] })
  assert.deepEqual(passThrough.edits(fields, 'anthropic/claude-x', { strip: ['metadata', 'container'] }), {
    edits: [{ field: 'metadata', value: undefined }],
    notes: [{ code: 'dropped', path: 'metadata', why: 'this provider refuses the field' }],
  })
})
