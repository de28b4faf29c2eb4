// What Anthropic's own SDK and any strict client make of our answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import fc from 'fast-check'
import { explode, type Response as Answer, type StreamEvent } from '#ir'
import { Failure, type JsonObject } from '#kernel'
import { decodeRequest } from './decode-request.ts'
import { encodeResponse } from './encode-response.ts'
import { createStreamEncoder } from './encode-stream.ts'
import { passThrough } from './pass-through.ts'

const context = { requestId: 'r1', model: 'claude-x', createdSeconds: 0, streamUsage: true }

function encode(events: readonly StreamEvent[], cost?: number): string {
  const encoder = createStreamEncoder(context)
  if (cost !== undefined) encoder.setCost(cost)
  return events.map((event) => encoder.push(event)).join('')
}

function frames(sse: string): JsonObject[] {
  return sse
    .split('\n\n')
    .filter((frame) => frame !== '')
    .map((frame) => {
      const [event, data] = frame.split('\n')
      const value = JSON.parse(data!.slice('data: '.length)) as JsonObject
      assert.equal(event, `event: ${value['type'] as string}`)
      return value
    })
}

/** What Anthropic's own SDK makes of a stream. */
async function accumulate(sse: string): Promise<Anthropic.Message> {
  const client = new Anthropic({
    apiKey: 'k',
    maxRetries: 0,
    fetch: () => Promise.resolve(new Response(sse, { headers: { 'content-type': 'text/event-stream' } })),
  })
  return await client.messages.stream({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'x' }] }).finalMessage()
}

const answer: Answer = {
  id: 'msg_9',
  model: 'claude-y',
  parts: [
    { type: 'reasoning', text: 'Let me see', seal: { domain: 'anthropic', kind: 'signature', data: 'c2ln' } },
    { type: 'reasoning', text: '', seal: { domain: 'anthropic', kind: 'redacted', data: 'cmVk' } },
    {
      type: 'text',
      text: 'Grüße \u2028 "quoted"\n',
      citations: [{ quote: 'y', raw: { wire: 'anthropic-messages', value: { type: 'page_location', cited_text: 'y' } } }],
    },
    {
      type: 'opaque',
      wire: 'anthropic-messages',
      kind: 'server_tool_use',
      value: { type: 'server_tool_use', id: 's', name: 'web_search', input: { q: 1 } },
    },
    { type: 'tool-call', id: 'toolu_1', name: 'look', args: '{"at": [1, 2]}', ranBy: 'client' },
    { type: 'tool-call', id: 'toolu_2', name: 'none', args: '', ranBy: 'client' },
  ],
  finish: { reason: 'tool-calls' },
  usage: { input: { total: 12, fresh: 10, cacheRead: 2 }, output: { total: 8 }, raw: {} },
}

test("the stream, accumulated by Anthropic's SDK, is the message that is sent in one piece", async () => {
  const message = await accumulate(encode(explode(answer), 0.5))
  const whole = encodeResponse(answer, context, 0.5)
  assert.deepEqual(JSON.parse(JSON.stringify(message.content)), whole['content'])
  assert.equal(message.stop_reason, 'tool_use')
  assert.equal(message.id, 'msg_9')
  assert.equal(message.model, 'claude-y')
  assert.equal(message.usage.input_tokens, 10)
  assert.equal(message.usage.cache_read_input_tokens, 2)
  assert.equal(message.usage.output_tokens, 8)
  assert.deepEqual(whole['usage'], { input_tokens: 10, cache_read_input_tokens: 2, output_tokens: 8, cost: 0.5 })
  const delta = frames(encode(explode(answer), 0.5)).find((frame) => frame['type'] === 'message_delta')
  assert.deepEqual(delta?.['usage'], whole['usage'])
})

test('blocks never overlap: what belongs to a part that is not the current block waits for its turn', () => {
  const fragment = fc.record({ part: fc.nat(3), text: fc.string({ minLength: 1, maxLength: 4 }) })
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fragment, { maxLength: 30 }),
      fc.array(fc.nat(3), { maxLength: 4 }),
      (count, said, endings) => {
        const events: StreamEvent[] = [{ type: 'start' }]
        const expected: string[] = Array.from({ length: count }, () => '')
        for (let i = 0; i < count; i++)
          events.push({ type: 'part-start', index: i, part: { type: 'tool-call', id: `t${i}`, name: 'f', ranBy: 'client' } })
        for (const { part, text } of said) {
          if (part >= count) continue
          expected[part] += text
          events.push({ type: 'part-delta', index: part, text })
        }
        const order = [...new Set([...endings.filter((i) => i < count), ...expected.keys()])]
        for (const index of order) events.push({ type: 'part-end', index })
        events.push({ type: 'finish', finish: { reason: 'tool-calls' } })

        let open: number | undefined
        let next = 0
        const args: string[] = []
        for (const frame of frames(encode(events))) {
          if (frame['type'] === 'content_block_start') {
            assert.equal(open, undefined)
            assert.equal(frame['index'], next++)
            open = next - 1
            args.push('')
          } else if (frame['type'] === 'content_block_delta') {
            assert.equal(frame['index'], open)
            args[open!] += (frame['delta'] as { partial_json: string }).partial_json
          } else if (frame['type'] === 'content_block_stop') {
            assert.equal(frame['index'], open)
            open = undefined
          }
        }
        assert.equal(open, undefined)
        assert.deepEqual(args, expected)
      },
    ),
  )
})

test('reasoning that nobody sealed, or another vendor did, comes back as it was, and passes to Anthropic never', async () => {
  const foreign: Answer = {
    parts: [
      { type: 'reasoning', text: 'hm' },
      { type: 'reasoning', text: 'well', seal: { domain: 'google', kind: 'signature', data: 'proof' } },
      { type: 'reasoning', text: '', seal: { domain: 'openai', kind: 'encrypted', data: 'secret', itemId: 'rs_1' } },
      { type: 'text', text: 'Yes' },
    ],
    finish: { reason: 'stop' },
  }
  const { content } = JSON.parse(JSON.stringify(await accumulate(encode(explode(foreign))))) as { content: JsonObject[] }
  assert.deepEqual(content, encodeResponse(foreign, context, undefined)['content'])
  assert.deepEqual(
    content.map(({ type, thinking }) => [type, thinking]),
    [
      ['thinking', 'hm'],
      ['thinking', 'well'],
      ['thinking', ''],
      ['text', undefined],
    ],
  )
  // The client sends it back: to others with the proof that was theirs.
  const history = {
    model: 'm',
    max_tokens: 9,
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content },
    ],
  }
  assert.deepEqual(decodeRequest(history).request.turns[1]?.parts, foreign.parts)
  // Anthropic would refuse it: what passes is read for the mark, and goes without.
  const { own } = passThrough
  for (const block of content.slice(0, 3)) assert.ok(JSON.stringify(block).includes(own!.mark))
  const passed = own!.without(history)
  assert.deepEqual(passed.body['messages'], [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: [{ type: 'text', text: 'Yes' }] },
  ])
  assert.deepEqual(
    passed.notes.map(({ code, path }) => [code, path]),
    [0, 1, 2].map((n) => ['dropped', `messages.1.content.${n}`]),
  )
  const onlyThought = { ...history, messages: [...history.messages, { role: 'assistant', content: content.slice(0, 1) }] }
  assert.equal((own!.without(onlyThought).body['messages'] as unknown[]).length, 2, 'an empty turn would be refused')
})

test('a signature that only looks like one of ours is no proof', () => {
  for (const signature of ['tps1.', 'tps1.###', `tps1.${Buffer.from('{"domain":1}').toString('base64url')}`]) {
    const { request } = decodeRequest({
      model: 'm',
      max_tokens: 9,
      messages: [{ role: 'assistant', content: [{ type: 'thinking', thinking: 'hm', signature }] }],
    })
    assert.deepEqual(request.turns[0]?.parts, [{ type: 'reasoning', text: 'hm' }])
  }
})

test('parts without text make no block', () => {
  const empty: Answer = {
    parts: [
      { type: 'text', text: '' },
      { type: 'reasoning', text: '' },
      { type: 'text', text: 'x' },
    ],
    finish: { reason: 'stop' },
  }
  assert.deepEqual(
    frames(encode(explode(empty))).map((frame) => [frame['type'], frame['index']]),
    [
      ['message_start', undefined],
      ['content_block_start', 0],
      ['content_block_delta', 0],
      ['content_block_stop', 0],
      ['message_delta', undefined],
      ['message_stop', undefined],
    ],
  )
  assert.deepEqual(encodeResponse(empty, context, undefined)['content'], [{ type: 'text', text: 'x' }])
})

test('after a preamble the start of the answer is not said again', () => {
  const encoder = createStreamEncoder(context)
  const opening = frames(encoder.preamble())
  assert.deepEqual(
    opening.map((frame) => frame['type']),
    ['message_start'],
  )
  assert.deepEqual(opening[0]?.['message'], {
    id: 'msg_r1',
    type: 'message',
    role: 'assistant',
    model: 'claude-x',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 0, output_tokens: 0 },
  })
  assert.equal(encoder.keepAlive(), 'event: ping\ndata: {"type":"ping"}\n\n')
  const rest = frames(
    explode(answer)
      .map((event) => encoder.push(event))
      .join(''),
  )
  assert.ok(rest.every((frame) => frame['type'] !== 'message_start'))
})

test('an error after content is an error event, and nothing looks like a clean end', async () => {
  const events: StreamEvent[] = [
    { type: 'start' },
    { type: 'part-start', index: 0, part: { type: 'text' } },
    { type: 'part-delta', index: 0, text: 'Hel' },
    { type: 'error', error: new Failure('interrupted', 'The provider failed.') },
  ]
  events.push({ type: 'part-delta', index: 0, text: 'lo' }, { type: 'finish', finish: { reason: 'stop' } })
  const sse = encode(events)
  assert.doesNotMatch(sse, /message_stop|message_delta|content_block_stop/)
  await assert.rejects(accumulate(sse), Anthropic.APIError)
})

test('stop reasons follow the answer: a forced call, a refusal, a stop sequence, a filter', () => {
  const reason = (parts: Answer['parts'], finish: Answer['finish']) => {
    const whole = encodeResponse({ parts, finish }, context, undefined)
    const delta = frames(encode(explode({ parts, finish }))).find((frame) => frame['type'] === 'message_delta')?.['delta'] as JsonObject
    assert.equal(delta['stop_reason'], whole['stop_reason'])
    assert.equal(delta['stop_sequence'], whole['stop_sequence'])
    return whole['stop_reason']
  }
  const call = { type: 'tool-call', id: 'a', name: 'f', args: '{}', ranBy: 'client' } as const
  assert.equal(reason([call], { reason: 'stop', raw: 'stop' }), 'tool_use')
  assert.equal(reason([{ type: 'refusal', text: 'No.' }], { reason: 'stop' }), 'refusal')
  assert.equal(reason([], { reason: 'stop', stopSequence: 'END' }), 'stop_sequence')
  assert.equal(reason([], { reason: 'filtered', raw: 'content_filter' }), 'refusal')
  assert.equal(reason([], { reason: 'length', raw: 'model_context_window_exceeded' }), 'model_context_window_exceeded')
  assert.equal(reason([], { reason: 'length', raw: 'length' }), 'max_tokens')
})

test('arguments that are no JSON object are kept verbatim in a whole message', () => {
  const cut: Answer = {
    parts: [{ type: 'tool-call', id: 'a', name: 'f', args: '{"a": "b', ranBy: 'client' }],
    finish: { reason: 'length' },
  }
  const content = encodeResponse(cut, context, undefined)['content'] as JsonObject[]
  assert.deepEqual(content[0]?.['input'], { unparsed_arguments: '{"a": "b' })
})
