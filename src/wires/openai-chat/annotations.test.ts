// Annotations and probabilities of chat completions, read and written; shapes as OpenAI, OpenRouter, Perplexity and xAI document them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explode, fold, type Citation, type Response, type StreamEvent } from '#ir'
import { isObject, type JsonObject } from '#kernel'
import { decodeRequest } from './decode-request.ts'
import { decodeResponse } from './decode-response.ts'
import { createStreamDecoder } from './decode-stream.ts'
import { encodeRequest } from './encode-request.ts'
import { encodeResponse } from './encode-response.ts'
import { createStreamEncoder } from './encode-stream.ts'

const wire = 'openai-chat'
const context = { requestId: 'r', model: 'm', createdSeconds: 1, streamUsage: true }
const annotation = (start: number, end: number, extra: JsonObject = {}): JsonObject => ({
  type: 'url_citation',
  url_citation: { start_index: start, end_index: end, title: 'T', url: 'https://example.org/a', ...extra },
})

const whole = (message: JsonObject, choice: JsonObject = {}, body: JsonObject = {}): JsonObject => ({
  id: 'c',
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: 'stop', ...choice }],
  ...body,
})
const chunk = (delta: JsonObject, choice: JsonObject = {}, body: JsonObject = {}): JsonObject => ({
  id: 'c',
  model: 'm',
  choices: [{ index: 0, delta, finish_reason: null, ...choice }],
  ...body,
})
function stream(chunks: readonly JsonObject[]): Response {
  const decoder = createStreamDecoder({})
  return fold([...chunks.flatMap((each) => decoder.push({ data: JSON.stringify(each) })), ...decoder.push({ data: '[DONE]' })])
}
const said = (events: readonly StreamEvent[]): Response => {
  const encoder = createStreamEncoder(context)
  const decoder = createStreamDecoder({})
  const frames = events
    .map((event) => encoder.push(event))
    .join('')
    .split('\n\n')
  return fold([...frames.filter((frame) => frame !== '').flatMap((frame) => decoder.push({ data: frame.slice(6) })), ...decoder.end()])
}
const citationsOf = (response: Response) => response.parts.map((part) => (part.type === 'text' ? part.citations : part.type))

test('annotations become citations of the text, in one piece and streamed, and go back as they came', () => {
  const cited = [annotation(0, 4, { content: 'From the page.' }), { type: 'file', file: { hash: 'h' } }]
  const expected: Citation[] = [
    { url: 'https://example.org/a', title: 'T', quote: 'From the page.', start: 0, end: 4, raw: { wire, value: cited[0]! } },
    { raw: { wire, value: cited[1]! } },
  ]
  const one = decodeResponse(whole({ content: 'Very tall', annotations: cited }), {})
  assert.deepEqual(one.parts, [{ type: 'text', text: 'Very tall', citations: expected }])
  const streamed = stream([
    chunk({ role: 'assistant', content: 'Very' }),
    chunk({ annotations: [cited[0]!] }),
    chunk({ content: ' tall' }),
    chunk({ content: '', annotations: [cited[1]!] }),
    chunk({}, { finish_reason: 'stop' }),
  ])
  assert.deepEqual(streamed.parts, one.parts)
  const [choice] = encodeResponse(one, context, undefined)['choices'] as { message: JsonObject }[]
  assert.deepEqual(choice!.message['annotations'], cited)
  assert.deepEqual(said(explode(one)).parts, one.parts)
})

test('citations of another wire are written where they have an address, at their place in the whole content', () => {
  const foreign: Citation = { url: 'https://example.org/b', quote: 'q', start: 1, end: 3, raw: { wire: 'anthropic-messages', value: {} } }
  const response: Response = {
    parts: [
      { type: 'text', text: 'First. ' },
      {
        type: 'text',
        text: 'Second',
        citations: [foreign, { url: 'https://example.org/c', title: 'C' }, { title: 'a document', quote: 'x' }],
      },
    ],
    finish: { reason: 'stop' },
  }
  const written = [
    { type: 'url_citation', url_citation: { start_index: 8, end_index: 10, title: 'https://example.org/b', url: 'https://example.org/b' } },
    { type: 'url_citation', url_citation: { start_index: 7, end_index: 13, title: 'C', url: 'https://example.org/c' } },
  ]
  const [choice] = encodeResponse(response, context, undefined)['choices'] as { message: JsonObject }[]
  assert.deepEqual(choice!.message['annotations'], written)
  const [part] = said(explode(response)).parts
  assert.ok(part?.type === 'text')
  assert.deepEqual(
    part.citations?.map(({ raw }) => raw?.value),
    written,
  )
})

test('places that lie outside of the text, or are nowhere, are unknown', () => {
  const placeOf = (start: number, end: number) => {
    const [cited] = citationsOf(decodeResponse(whole({ content: 'Tall', annotations: [annotation(start, end)] }), {}))
    return Array.isArray(cited) ? [cited[0]?.start, cited[0]?.end] : cited
  }
  assert.deepEqual(placeOf(0, 4), [0, 4])
  assert.deepEqual(placeOf(0, 0), [undefined, undefined])
  assert.deepEqual(placeOf(2, 9), [undefined, undefined])
})

test('places count in the whole content, also of texts that reasoning parts', () => {
  const { parts } = stream([
    chunk({ content: 'First. ' }),
    chunk({ reasoning_content: 'Hm.' }),
    chunk({ content: 'Second' }),
    chunk({ annotations: [annotation(8, 10)] }, { finish_reason: 'stop' }),
  ])
  assert.deepEqual(
    parts.map((part) => (part.type === 'text' ? part.citations?.map(({ start, end }) => [start, end]) : part.type)),
    [undefined, 'reasoning', [[1, 3]]],
  )
})

test('annotations that come when no text is open are kept for this wire', () => {
  const late = [annotation(0, 4)]
  const answer = stream([
    chunk({ content: 'Tall' }),
    chunk({ tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '{}' } }] }),
    chunk({ annotations: late }, { finish_reason: 'tool_calls' }),
  ])
  assert.deepEqual(answer.ext, { [wire]: { annotations: late } })
  const [choice] = encodeResponse(answer, context, undefined)['choices'] as { message: JsonObject }[]
  assert.deepEqual(choice!.message['annotations'], late)
})

test('sources that stand beside the answer are citations of its text where it has no annotations', () => {
  const addresses = ['https://example.org/1', 'https://example.org/2']
  const pages = [{ url: addresses[0]!, title: 'One', date: '2026-01-01' }]
  const bare = addresses.map((url) => ({ url }))
  assert.deepEqual(citationsOf(decodeResponse(whole({ content: 'A' }, {}, { citations: addresses }), {})), [bare])
  assert.deepEqual(citationsOf(decodeResponse(whole({ content: 'A' }, {}, { citations: addresses, search_results: pages }), {})), [
    [{ url: addresses[0]!, title: 'One' }],
  ])
  assert.deepEqual(
    citationsOf(stream([chunk({ content: 'A' }), chunk({ content: 'B' }, { finish_reason: 'stop' }, { citations: addresses })])),
    [bare],
  )
  const both = whole({ content: 'Tall', annotations: [annotation(0, 4)] }, {}, { citations: addresses })
  assert.equal((citationsOf(decodeResponse(both, {}))[0] as Citation[]).length, 1)
})

const token = (text: string, extra: JsonObject = {}): JsonObject => ({
  token: text,
  logprob: -0.25,
  bytes: [...Buffer.from(text)],
  top_logprobs: [{ token: 'No', logprob: -3, bytes: null }],
  ...extra,
})

test('probabilities are those of the text, in one piece and streamed; those of a refusal are kept for this wire', () => {
  const content = [token('Ye'), token('s')]
  const one = decodeResponse(whole({ content: 'Yes' }, { logprobs: { content, refusal: null } }), {})
  const expected = ['Ye', 's'].map((text) => ({
    token: text,
    logprob: -0.25,
    bytes: [...Buffer.from(text)],
    top: [{ token: 'No', logprob: -3 }],
  }))
  assert.deepEqual(one.parts, [{ type: 'text', text: 'Yes', logprobs: expected }])
  assert.deepEqual(one.finish, { reason: 'stop', raw: 'stop' })
  const streamed = stream([
    chunk({ content: 'Ye' }, { logprobs: { content: [content[0]!], refusal: null } }),
    chunk({ content: 's' }, { logprobs: { content: [content[1]!], refusal: null } }),
    chunk({}, { finish_reason: 'stop', logprobs: null }),
  ])
  assert.deepEqual(streamed.parts, one.parts)
  const logprobsOf = (response: Response) => (encodeResponse(response, context, undefined)['choices'] as JsonObject[])[0]!['logprobs']
  assert.deepEqual(logprobsOf(one), { content, refusal: null })
  assert.deepEqual(said(explode(one)).parts, one.parts)
  const refused = decodeResponse(whole({ content: null, refusal: 'No' }, { logprobs: { content: null, refusal: content } }), {})
  assert.deepEqual(logprobsOf(refused), { content: null, refusal: content })
  assert.equal(logprobsOf(decodeResponse(whole({ content: 'Yes' }), {})), null)
})

test('items that are no probabilities do no harm, and a hundred thousand of them no more', () => {
  const odd = [null, 'x', { token: 'a' }, { logprob: 1 }, { token: 'b', logprob: -1, bytes: ['x'], top_logprobs: 'y' }]
  const [part] = decodeResponse(whole({ content: 'b' }, { logprobs: { content: odd as unknown as JsonObject[] } }), {}).parts
  assert.deepEqual(part?.type === 'text' && part.logprobs, [{ token: 'b', logprob: -1, top: [] }])
  const many = Array.from({ length: 200_000 }, () => ({ token: 'b', logprob: -1 }))
  const [long] = decodeResponse(whole({ content: 'b' }, { logprobs: { content: many } }), {}).parts
  assert.equal(long?.type === 'text' && long.logprobs?.length, 200_000)
})

const user: JsonObject = { role: 'user', content: 'Hi' }
const request = (extra: JsonObject) => decodeRequest({ model: 'm', messages: [user], ...extra }).request
const again = (extra: JsonObject) => {
  const { body, notes } = encodeRequest(request(extra), { model: 'm', dialect: {}, defaultMaxOutputTokens: 1 })
  const { model: _model, messages, ...rest } = body
  return { messages: messages as JsonObject[], rest, notes: notes.map(({ code, path }) => `${code} ${path}`) }
}

test('a request asks for probabilities, with a number of alternatives or without', () => {
  assert.equal(request({ logprobs: true }).logprobs, 0)
  assert.equal(request({ logprobs: true, top_logprobs: 3 }).logprobs, 3)
  assert.equal(request({ logprobs: false, top_logprobs: 0 }).logprobs, undefined)
  assert.equal(request({ logprobs: null }).logprobs, undefined)
  for (const asked of [{ logprobs: true }, { logprobs: true, top_logprobs: 3 }, { logprobs: 2 }, { top_logprobs: 2 }]) {
    assert.deepEqual(again(asked).rest, asked)
  }
  assert.equal(request({ logprobs: 2 }).logprobs, 2)
  assert.throws(() => request({ logprobs: 'yes' }), { kind: 'invalid_request', details: { param: 'logprobs' } })
  assert.throws(() => request({ logprobs: true, top_logprobs: 1.5 }), { kind: 'invalid_request', details: { param: 'top_logprobs' } })
})

test('annotations of a history hang on their texts, go back as they came, and those of other wires are noted', () => {
  const annotations = [annotation(0, 2), annotation(3, 7)]
  const content = [
    { type: 'text', text: 'One' },
    { type: 'text', text: 'Two!' },
  ]
  const message = { role: 'assistant', content, annotations }
  const [, turn] = request({ messages: [user, message] }).turns
  assert.deepEqual(
    turn!.parts.map((part) => part.type === 'text' && part.citations?.map(({ start, end }) => [start, end])),
    [[[0, 2]], [[0, 4]]],
  )
  assert.deepEqual(again({ messages: [user, message] }), { messages: [user, message], rest: {}, notes: [] })
  // Clients send back what an answer had: an empty list, or calls without a text.
  for (const odd of [
    { role: 'assistant', content: 'A', annotations: [] },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
      annotations,
    },
  ]) {
    assert.deepEqual(again({ messages: [user, odd] }).messages[1], odd)
  }
  const foreign = {
    ...request({}),
    turns: [{ role: 'assistant', parts: [{ type: 'text', text: 'A', citations: [{ url: 'https://e.org' }] }] }],
  } as const
  const { body, notes } = encodeRequest(foreign, { model: 'm', dialect: {}, defaultMaxOutputTokens: 1 })
  assert.deepEqual(body['messages'], [{ role: 'assistant', content: 'A' }])
  assert.deepEqual(
    notes.map(({ path }) => path),
    ['turns[0].parts[0].citations'],
  )
  assert.throws(() => request({ messages: [user, { role: 'assistant', content: 'A', annotations: 'x' }] }), {
    kind: 'invalid_request',
    details: { param: 'messages[1].annotations' },
  })
})

test('a hundred thousand annotations cost as much as their bytes', () => {
  const content = Array.from({ length: 5_000 }, () => ({ type: 'text', text: 'word' }))
  const annotations = Array.from({ length: 100_000 }, (_, at) => annotation((at * 4) % 20_000, ((at * 4) % 20_000) + 4))
  const [, turn] = request({ messages: [user, { role: 'assistant', content, annotations }] }).turns
  const cited = turn!.parts.flatMap((part) => (part.type === 'text' ? (part.citations ?? []) : []))
  assert.equal(cited.length, 100_000)
  assert.ok(cited.every(({ start, end, raw }) => start === 0 && end === 4 && isObject(raw?.value)))
})
