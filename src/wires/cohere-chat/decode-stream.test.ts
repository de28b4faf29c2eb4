// Cohere's answers: what the recordings don't show, by the published API and reports of its users.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGrammar, fold, type Response, type StreamEvent } from '#ir'
import { Failure, type JsonObject } from '#kernel'
import { decodeResponse } from './decode-response.ts'
import { createStreamDecoder } from './decode-stream.ts'
import { decodeError } from './errors.ts'

const start = { type: 'message-start', id: 'answer-1', delta: { message: { role: 'assistant' } } }
const end = (delta: JsonObject) => ({ type: 'message-end', delta })
const complete = end({ finish_reason: 'COMPLETE' })
const begin = (index: number, content: JsonObject) => ({ type: 'content-start', index, delta: { message: { content } } })
const say = (index: number, content: JsonObject, logprobs?: JsonObject) => ({
  type: 'content-delta',
  index,
  delta: { message: { content } },
  ...(logprobs === undefined ? {} : { logprobs }),
})
const callStart = (index: number, call: JsonObject) => ({ type: 'tool-call-start', index, delta: { message: { tool_calls: call } } })
const callDelta = (index: number, args: string) => ({
  type: 'tool-call-delta',
  index,
  delta: { message: { tool_calls: { function: { arguments: args } } } },
})

function decode(events: readonly JsonObject[]): StreamEvent[] {
  const decoder = createStreamDecoder()
  const decoded = [...events.flatMap((event) => decoder.push({ data: JSON.stringify(event) })), ...decoder.end()]
  const grammar = createGrammar()
  for (const event of decoded) assert.equal(grammar.check(event), undefined)
  assert.equal(grammar.finished(), true)
  return decoded
}
const answer = (events: readonly JsonObject[]): Response => fold(decode(events))

test('citations that come after the end of their text belong to it; those of thoughts are kept apart', () => {
  const cited = (citation: JsonObject) => ({ type: 'citation-start', index: 0, delta: { message: { citations: citation } } })
  const web = {
    start: 4,
    end: 8,
    text: 'tall',
    type: 'TEXT_CONTENT',
    content_index: 1,
    sources: [
      { type: 'document', id: 'd', document: { title: 'Penguins', url: 'https://example.org/p', snippet: 'They are tall.' } },
      { type: 'tool', id: 't', tool_output: { x: 1 } },
    ],
  }
  const thought = { start: 0, end: 2, text: 'Hm', type: 'THINKING_CONTENT', content_index: 0 }
  const { parts, ext } = answer([
    start,
    begin(0, { type: 'thinking', thinking: '' }),
    say(0, { thinking: 'Hm' }),
    cited(thought),
    { type: 'content-end', index: 0 },
    begin(1, { type: 'text', text: 'Very' }),
    say(1, { text: ' tall' }),
    { type: 'content-end', index: 1 },
    cited({ ...web, start: 5, end: 9 }),
    { type: 'citation-end', index: 0 },
    complete,
  ])
  const raw = (source: number) => ({
    wire: 'cohere-chat',
    value: { ...web, start: 5, end: 9, sources: [web.sources[source]!] },
  })
  assert.deepEqual(parts, [
    { type: 'reasoning', text: 'Hm' },
    {
      type: 'text',
      text: 'Very tall',
      citations: [
        { url: 'https://example.org/p', title: 'Penguins', quote: 'They are tall.', start: 5, end: 9, raw: raw(0) },
        { start: 5, end: 9, raw: raw(1) },
      ],
    },
  ])
  assert.deepEqual(ext, { 'cohere-chat': { citations: [thought] } })
})

test('the place of a citation is where its words stand, whether characters are counted as units or as code points', () => {
  const cite = (citation: JsonObject) => {
    const message = { content: [{ type: 'text', text: '😀 tall birds' }], citations: [citation] }
    const [part] = decodeResponse({ message, finish_reason: 'COMPLETE' }).parts
    const [found] = (part?.type === 'text' ? part.citations : undefined) ?? []
    return [found?.start, found?.end]
  }
  assert.deepEqual(cite({ start: 3, end: 7, text: 'tall' }), [3, 7])
  assert.deepEqual(cite({ start: 2, end: 6, text: 'tall' }), [3, 7])
  assert.deepEqual(cite({ start: 5, end: 9, text: 'tall' }), [undefined, undefined])
  assert.deepEqual(cite({ start: 900, end: 904, text: 'tall' }), [undefined, undefined])
})

test('arguments that are `null` are none, also in pieces; those that only begin so are left as they are', () => {
  const args = (pieces: string[]) => {
    const [part] = answer([
      start,
      callStart(0, { id: 'c', function: { name: 'f', arguments: '' } }),
      ...pieces.map((piece) => callDelta(0, piece)),
      { type: 'tool-call-end', index: 0 },
      end({ finish_reason: 'TOOL_CALL' }),
    ]).parts
    return part?.type === 'tool-call' ? part.args : undefined
  }
  assert.equal(args(['null']), '{}')
  assert.equal(args(['nu', 'll']), '{}')
  assert.equal(args(['nu']), 'nu')
  assert.equal(args(['null', 'x']), 'nullx')
  assert.equal(args(['{"a"', ':1}']), '{"a":1}')
  assert.equal(args([]), '')
})

test('calls without an id get one, the same each time; calls whose pieces interleave arrive whole', () => {
  const { parts, finish } = answer([
    start,
    callStart(0, { function: { name: 'f', arguments: '' } }),
    callStart(1, { function: { name: 'g', arguments: '' } }),
    callDelta(1, '{"b"'),
    callDelta(0, '{"a"'),
    callDelta(1, ':2}'),
    callDelta(0, ':1}'),
    complete,
  ])
  const calls = parts.filter((part) => part.type === 'tool-call')
  assert.deepEqual(
    calls.map(({ id, name, args }) => [id, name, args]),
    [
      ['call_answer10', 'f', '{"a":1}'],
      ['call_answer11', 'g', '{"b":2}'],
    ],
  )
  assert.equal(finish.reason, 'tool-calls')
})

test('probabilities of a chunk of several tokens are one, of their product', () => {
  const { parts } = answer([
    start,
    begin(0, { type: 'text', text: '' }),
    say(0, { text: 'Hi there' }, { text: 'Hi there', token_ids: [1, 2], logprobs: [-0.5, -0.25] }),
    complete,
  ])
  assert.deepEqual(parts, [{ type: 'text', text: 'Hi there', logprobs: [{ token: 'Hi there', logprob: -0.75, top: [] }] }])
  const whole = decodeResponse({
    message: { content: [{ type: 'text', text: 'Hi' }] },
    logprobs: [{ text: 'Hi', token_ids: [1], logprobs: [-1] }],
  })
  assert.deepEqual(whole.parts, [{ type: 'text', text: 'Hi', logprobs: [{ token: 'Hi', logprob: -1, top: [] }] }])
})

test('an answer that ended in an error is one, however much of it there is', () => {
  const kindOf = (delta: JsonObject) => {
    const last = decode([start, begin(0, { type: 'text', text: 'Half' }), end(delta)]).at(-1)
    return last?.type === 'error' ? [last.error.kind, last.error.details.upstream?.message] : last
  }
  assert.deepEqual(kindOf({ finish_reason: 'ERROR', error: 'something broke' }), ['error_in_stream', 'something broke'])
  assert.deepEqual(kindOf({ finish_reason: 'TIMEOUT' }), ['error_in_stream', 'The provider ended its answer with TIMEOUT.'])
  assert.equal(decode([start, { message: 'internal server error' }]).at(-1)?.type, 'error')
  assert.throws(() => decodeResponse({ message: { content: [] }, finish_reason: 'ERROR' }), Failure)
})

test('what is new or odd does no harm: unknown events and reasons, empty deltas, nulls, blocks without a start', () => {
  const { parts, finish } = answer([
    start,
    { type: 'debug', prompt: 'x' },
    { type: 'invented', delta: null },
    say(0, { text: '' }),
    say(0, { text: 'A' }),
    { type: 'content-delta', index: 0, delta: { message: { content: null } } },
    begin(1, { type: 'picture', data: 'x' }),
    say(0, { text: 'B' }),
    end({ finish_reason: 'BORED', usage: { billed_units: {}, tokens: null } }),
  ])
  assert.deepEqual(parts, [
    { type: 'text', text: 'A' },
    { type: 'opaque', wire: 'cohere-chat', kind: 'picture', value: { type: 'picture', data: 'x' } },
    { type: 'text', text: 'B' },
  ])
  assert.deepEqual(finish, { reason: 'other', raw: 'BORED' })
})

test('arguments of a call that never began, and bytes that are no JSON, are errors', () => {
  assert.equal(decode([start, callDelta(3, '{"a":1}')]).at(-1)?.type, 'error')
  const decoder = createStreamDecoder()
  assert.equal(decoder.push({ data: '<html>' }).at(-1)?.type, 'error')
  assert.deepEqual(decoder.end(), [])
  assert.throws(() => decodeResponse({ id: 'x', message: 'too many tokens' }), { kind: 'context_length_exceeded' })
  assert.throws(() => decodeResponse({ anything: 1 }), { kind: 'bad_response' })
})

test("errors are classified by Cohere's statuses and words", () => {
  const kind = (status: number, message: string) => decodeError(status, {}, JSON.stringify({ id: 'x', message })).kind
  const tooLong = 'too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292. Try using a shorter prompt.'
  assert.equal(kind(400, tooLong), 'context_length_exceeded')
  assert.match(decodeError(400, {}, JSON.stringify({ message: tooLong })).message, /length is 4081 tokens.*resulted in 4292 tokens/)
  assert.equal(kind(400, 'too many tokens: max tokens must be less than or equal to 4096 - received 8192.'), 'request_refused')
  assert.equal(kind(401, 'invalid api token'), 'credential_rejected')
  assert.equal(kind(402, 'Please add or update your payment method'), 'account_exhausted')
  assert.equal(kind(404, "model 'command-r' was removed on September 15, 2025."), 'target_not_found')
  assert.equal(kind(429, 'You are using a Trial key, which is limited to 40 API calls / minute.'), 'rate_limited')
  assert.equal(kind(429, 'You are using a Trial key, which is limited to 1000 API calls / month.'), 'account_exhausted')
  assert.equal(kind(498, 'blocked input'), 'request_refused')
  assert.equal(kind(499, 'request cancelled'), 'provider_error')
  assert.equal(kind(503, 'upstream'), 'overloaded')
})

test('a long stream costs as much as its bytes', () => {
  const decoder = createStreamDecoder()
  decoder.push({ data: JSON.stringify(start) })
  const delta = JSON.stringify(say(0, { text: 'word ' }))
  let events = 0
  for (let i = 0; i < 100_000; i++) events += decoder.push({ data: delta }).length
  assert.equal(events, 100_001)
  assert.equal(decoder.push({ data: JSON.stringify(complete) }).at(-1)?.type, 'finish')
})
