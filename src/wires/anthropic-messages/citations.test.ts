// Citations of messages: all kinds that Anthropic documents, and those of other wires.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explode, fold, type Citation, type Response } from '#ir'
import type { JsonObject } from '#kernel'
import { decodeRequest } from './decode-request.ts'
import { decodeResponse } from './decode-response.ts'
import { createStreamDecoder } from './decode-stream.ts'
import { encodeRequest } from './encode-request.ts'
import { encodeResponse } from './encode-response.ts'
import { createStreamEncoder } from './encode-stream.ts'
import { passThrough } from './pass-through.ts'

const wire = 'anthropic-messages'
const context = { requestId: 'r', model: 'm', createdSeconds: 1, streamUsage: true }

/** Shapes of platform.claude.com "Citations", "Web search tool", "Search results"; read 2026-11. */
const kinds: readonly (readonly [JsonObject, Omit<Citation, 'raw' | 'start' | 'end'>])[] = [
  [
    { type: 'char_location', cited_text: 'c', document_index: 0, document_title: 'D', start_char_index: 0, end_char_index: 1 },
    { title: 'D', quote: 'c' },
  ],
  [
    { type: 'page_location', cited_text: 'p', document_index: 0, document_title: null, start_page_number: 1, end_page_number: 2 },
    { quote: 'p' },
  ],
  [
    { type: 'content_block_location', cited_text: 'b', document_index: 0, document_title: 'B', start_block_index: 0, end_block_index: 1 },
    { title: 'B', quote: 'b' },
  ],
  [
    { type: 'web_search_result_location', cited_text: 'w', url: 'https://example.org/w', title: 'W', encrypted_index: 'Eo8B' },
    { url: 'https://example.org/w', title: 'W', quote: 'w' },
  ],
  [
    { type: 'search_result_location', cited_text: 's', source: 'https://example.org/s', title: 'S', search_result_index: 0 },
    { url: 'https://example.org/s', title: 'S', quote: 's' },
  ],
  [{ type: 'a_newer_location', source: 'kb/12' }, {}],
]
const values = kinds.map(([value]) => value)
const neutral = kinds.map(([value, said]): Citation => ({ ...said, start: 0, end: 4, raw: { wire, value } }))
const message = (block: JsonObject): JsonObject => ({
  id: 'msg_1',
  model: 'm',
  role: 'assistant',
  content: [block],
  stop_reason: 'end_turn',
})

test('every kind is read, about the whole of its block, and goes back as it came', () => {
  const answer = decodeResponse(message({ type: 'text', text: 'Tall', citations: values }))
  assert.deepEqual(answer.parts, [{ type: 'text', text: 'Tall', citations: neutral }])
  assert.deepEqual(encodeResponse(answer, context, undefined)['content'], [{ type: 'text', text: 'Tall', citations: values }])
})

test('streamed citations are the same, wherever they come between the deltas of their text', () => {
  const event = (type: string, rest: JsonObject) => ({ data: JSON.stringify({ type, ...rest }) })
  const delta = (value: JsonObject) => event('content_block_delta', { index: 0, delta: value })
  const [first, ...others] = values.map((citation) => delta({ type: 'citations_delta', citation }))
  const decoder = createStreamDecoder()
  const frames = [
    event('message_start', { message: { id: 'msg_1', model: 'm' } }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '', citations: [] } }),
    first!,
    delta({ type: 'text_delta', text: 'Ta' }),
    delta({ type: 'citations_delta', citation: null }),
    delta({ type: 'text_delta', text: 'll' }),
    ...others,
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: { stop_reason: 'end_turn' } }),
    event('message_stop', {}),
  ]
  const answer = fold(frames.flatMap((frame) => decoder.push(frame)))
  assert.deepEqual(answer.parts, [{ type: 'text', text: 'Tall', citations: neutral }])
  const encoder = createStreamEncoder(context)
  const written = explode(answer).map((each) => encoder.push(each))
  const cited = [...written.join('').matchAll(/"citations_delta","citation":(\{.*\})\}\}$/gm)].map(
    (found) => JSON.parse(found[1]!) as JsonObject,
  )
  assert.deepEqual(cited, values)
})

const foreign: Response = {
  parts: [
    {
      type: 'text',
      text: 'Tall',
      citations: [
        { url: 'https://example.org/f', title: 'F', start: 0, end: 2, raw: { wire: 'openai-chat', value: {} } },
        { title: 'a document without an address', raw: { wire: 'cohere-chat', value: {} } },
      ],
    },
  ],
  finish: { reason: 'stop' },
}
const ours = { type: 'web_search_result_location', cited_text: '', url: 'https://example.org/f', title: 'F', encrypted_index: 'tps1.' }

test('citations of another vendor are those of a web search where they have an address', () => {
  assert.deepEqual(encodeResponse(foreign, context, undefined)['content'], [{ type: 'text', text: 'Tall', citations: [ours] }])
})

test('a history goes to Anthropic with its own citations, and never with those that it did not make', () => {
  const sent = (citations: JsonObject[] | null) => {
    const turns = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: [{ type: 'text', text: 'Tall', citations }] },
      { role: 'user', content: 'Go on' },
    ]
    const { request } = decodeRequest({ model: 'm', max_tokens: 9, messages: turns })
    const target = { model: 'claude-sonnet-4-5', dialect: {}, sealDomain: 'anthropic', defaultMaxOutputTokens: 9 }
    const { body, notes } = encodeRequest(request, target)
    return [(body['messages'] as JsonObject[])[1]!['content'], notes.map(({ path }) => path)]
  }
  assert.deepEqual(sent(values), [[{ type: 'text', text: 'Tall', citations: values }], []])
  assert.deepEqual(sent([values[3]!, ours]), [[{ type: 'text', text: 'Tall', citations: [values[3]!] }], ['turns[1].parts[0].citations']])
  assert.deepEqual(sent([ours]), [[{ type: 'text', text: 'Tall' }], ['turns[1].parts[0].citations']])
  assert.deepEqual(sent([]), [[{ type: 'text', text: 'Tall', citations: [] }], []])
  assert.deepEqual(sent(null), [[{ type: 'text', text: 'Tall' }], []])
})

test('a conversation that passes to Anthropic passes without the citations that this gateway wrote', () => {
  const conversation = (citations: JsonObject[]): JsonObject => ({
    model: 'm',
    messages: [
      { role: 'user', content: 'Hi' },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Tall', citations },
          { type: 'text', text: '.' },
        ],
      },
    ],
  })
  const { own } = passThrough
  assert.ok(JSON.stringify(ours).includes(own!.mark))
  assert.deepEqual(own!.without(conversation([ours, values[3]!])), {
    body: conversation([values[3]!]),
    notes: [{ code: 'dropped', path: 'messages.1.content.0.citations', why: 'Anthropic knows only its own citations' }],
  })
  const [, { content }] = own!.without(conversation([ours])).body['messages'] as [JsonObject, { content: JsonObject[] }]
  assert.deepEqual(content[0], { type: 'text', text: 'Tall' })
  const untouched = conversation(values)
  assert.deepEqual(own!.without(untouched), { body: untouched, notes: [] })
})
