// Answers of providers, read event by event; and answers written for clients of the Responses API.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explode, fold, type Dialect, type Response, type StreamEvent } from '#ir'
import { Failure, type JsonObject } from '#kernel'
import type { AnswerContext, SseFrame } from '#wires/codec'
import { openaiResponses } from './index.ts'

const { ingress, egress } = openaiResponses
const context: AnswerContext = { requestId: 'req_0A', model: 'served', createdSeconds: 1_700_000_000, streamUsage: true }

const frameOf = (event: JsonObject): SseFrame => ({ event: String(event['type']), data: JSON.stringify(event) })

function decode(events: readonly JsonObject[], dialect: Dialect = {}): StreamEvent[] {
  const decoder = egress.createStreamDecoder(dialect)
  return [...events.flatMap((event) => decoder.push(frameOf(event))), ...decoder.end()]
}

const created = { type: 'response.created', response: { id: 'resp_1', model: 'gpt-5', created_at: 1_700_000_001.5, store: true } }
const completed = {
  type: 'response.completed',
  response: {
    id: 'resp_1',
    status: 'completed',
    output: [],
    usage: {
      input_tokens: 10,
      input_tokens_details: { cached_tokens: 4 },
      output_tokens: 6,
      output_tokens_details: { reasoning_tokens: 5 },
      total_tokens: 16,
    },
  },
}

/** What a client is sent, event by event. */
function write(events: readonly StreamEvent[], more: Partial<AnswerContext> = {}): JsonObject[] {
  const encoder = ingress.createStreamEncoder({ ...context, ...more })
  return framesOf(events.map((event) => encoder.push(event)).join(''))
}

function framesOf(written: string): JsonObject[] {
  return written
    .split('\n\n')
    .filter((frame) => frame !== '')
    .map((frame) => {
      const [event, data] = frame.split('\n')
      const parsed = JSON.parse(data!.slice('data: '.length)) as JsonObject
      assert.equal(event, `event: ${String(parsed['type'])}`)
      return parsed
    })
}

const typesOf = (events: readonly JsonObject[]) => events.map((event) => event['type'])

test('summaries of one item are parts of their own, and the seal of the item is on the last', () => {
  const item = { id: 'rs_1', type: 'reasoning', summary: [] }
  const response = fold(
    decode([
      created,
      { type: 'response.output_item.added', output_index: 0, item },
      { type: 'response.reasoning_summary_part.added', output_index: 0, summary_index: 0, part: { type: 'summary_text', text: '' } },
      { type: 'response.reasoning_summary_text.delta', output_index: 0, summary_index: 0, delta: 'One' },
      { type: 'response.reasoning_summary_part.done', output_index: 0, summary_index: 0, part: { type: 'summary_text', text: 'One' } },
      { type: 'response.reasoning_summary_text.delta', output_index: 0, summary_index: 1, delta: 'Two' },
      {
        type: 'response.output_item.done',
        output_index: 0,
        item: { ...item, summary: [{ text: 'One' }, { text: 'Two' }], encrypted_content: 'gAAA' },
      },
      completed,
    ]),
  )
  const ext = { 'openai-responses': { id: 'rs_1' } }
  assert.deepEqual(response.parts, [
    { type: 'reasoning', text: 'One', summary: true, ext },
    { type: 'reasoning', text: 'Two', summary: true, seal: { domain: 'openai', kind: 'encrypted', data: 'gAAA', itemId: 'rs_1' }, ext },
  ])
  assert.deepEqual(response.usage?.input, { total: 10, fresh: 6, cacheRead: 4 })
  assert.deepEqual(response.usage?.output, { total: 6, reasoning: 5 })
})

test('servers that leave out deltas, names, places or whole items are understood', () => {
  const text = (events: readonly JsonObject[]) =>
    fold(decode(events)).parts.map((part) =>
      part.type === 'tool-call' ? [part.id, part.name, part.args] : 'text' in part ? part.text : part,
    )
  const message = { type: 'message', id: 'msg_1', role: 'assistant', content: [{ type: 'output_text', text: 'Hi' }] }
  const call = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }
  // Only the items' ends; only the last event; only the text's end.
  assert.deepEqual(text([created, { type: 'response.output_item.done', output_index: 0, item: message }, completed]), ['Hi'])
  assert.deepEqual(text([created, { ...completed, response: { ...completed.response, output: [message, call] } }]), [
    'Hi',
    ['c', 'f', '{}'],
  ])
  assert.deepEqual(text([{ type: 'response.output_text.done', output_index: 0, content_index: 0, text: 'Hi' }, completed]), ['Hi'])
  // No places at all.
  assert.deepEqual(
    text([created, { type: 'response.output_text.delta', delta: 'Hi' }, { type: 'response.output_text.delta', delta: '!' }, completed]),
    ['Hi!'],
  )
  // A call whose name comes with its end; arguments as an object; no call_id.
  const unnamed = { type: 'function_call', id: 'fc_1', arguments: '' }
  const named = { type: 'function_call', id: 'fc_1', name: 'f', arguments: { a: 1 } }
  assert.deepEqual(
    text([
      created,
      { type: 'response.output_item.added', output_index: 0, item: unnamed },
      { type: 'response.function_call_arguments.delta', output_index: 0, delta: '{"a":' },
      { type: 'response.output_item.done', output_index: 0, item: named },
      completed,
    ]),
    [['fc_1', 'f', '{"a":1}']],
  )
})

test('unknown events, empty deltas and texts that are told twice change nothing', () => {
  const response = fold(
    decode([
      created,
      { type: 'response.hologram.delta', delta: 'x' },
      { type: 'keepalive' },
      { type: 'response.content_part.added', output_index: 0, content_index: 0, part: { type: 'output_text', text: '' } },
      { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: '' },
      { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'Hi', logprobs: null },
      { type: 'response.output_text.done', output_index: 0, content_index: 0, text: 'Hi' },
      { type: 'response.content_part.done', output_index: 0, content_index: 0, part: { type: 'output_text', text: 'Hi' } },
      { type: 'response.output_text.done', output_index: 0, content_index: 0, text: 'Hi' },
      { type: 'response.output_item.done', output_index: 0, item: { type: 'message', content: [{ type: 'output_text', text: 'Hi' }] } },
      completed,
    ]),
  )
  assert.deepEqual(
    response.parts.map((part) => ('text' in part ? part.text : part)),
    ['Hi'],
  )
})

test('hosted tools are kept as they are, an image that was made is an image, and xAI runs its custom tools itself', () => {
  const search = { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'q' } }
  const image = { type: 'image_generation_call', id: 'ig_1', status: 'completed', result: 'QUJD', output_format: 'webp', size: '1x1' }
  const custom = { type: 'custom_tool_call', id: 'ctc_1', call_id: 'c', name: 'view_image', input: '{}', status: 'completed' }
  const done = [search, image, custom].map((item, at) => ({ type: 'response.output_item.done', output_index: at, item }))
  const { parts, finish } = fold(decode([created, ...done, completed], { hostedCustomCalls: true }))
  assert.deepEqual(parts, [
    { type: 'opaque', wire: 'openai-responses', kind: 'web_search_call', value: search },
    {
      type: 'media',
      kind: 'image',
      source: { type: 'base64', mediaType: 'image/webp', data: 'QUJD' },
      ext: { 'openai-responses': { id: 'ig_1', status: 'completed', output_format: 'webp', size: '1x1' } },
    },
    { type: 'opaque', wire: 'openai-responses', kind: 'custom_tool_call', value: custom },
  ])
  assert.equal(finish.reason, 'stop')
  assert.equal(fold(decode([created, ...done, completed])).finish.reason, 'tool-calls')
})

test('an answer that was cut short says why, and one that failed is an error', () => {
  const ended = (reason: string | null) =>
    fold(decode([created, { type: 'response.incomplete', response: { incomplete_details: reason === null ? null : { reason } } }])).finish
  assert.deepEqual(ended('max_output_tokens'), { reason: 'length', raw: 'max_output_tokens' })
  assert.deepEqual(ended('content_filter'), { reason: 'filtered', raw: 'content_filter' })
  assert.deepEqual(ended('guardrail'), { reason: 'other', raw: 'guardrail' })
  assert.deepEqual(ended(null), { reason: 'other', raw: 'incomplete' })
  const failure = (event: JsonObject) => {
    const last = decode([created, event]).at(-1)!
    assert.equal(last.type, 'error')
    return last.type === 'error' ? last.error.kind : ''
  }
  assert.equal(
    failure({ type: 'response.failed', response: { error: { code: 'rate_limit_exceeded', message: 'Try again in 2s' } } }),
    'rate_limited',
  )
  assert.equal(failure({ type: 'error', code: 'server_error', message: 'Oops', param: null }), 'error_in_stream')
  assert.equal(failure({ type: 'error', error: { code: 'insufficient_quota', message: 'No' } }), 'account_exhausted')
  assert.equal(failure({ type: 'response.cancelled', response: {} }), 'error_in_stream')
  assert.equal(failure({ type: 'response.completed', response: { error: { code: 'server_error', message: 'Oops' } } }), 'error_in_stream')
  assert.throws(() => fold(decode([created])), { kind: 'ended_early' })
})

test('a body that is no response is refused, and one that failed or is not through is no answer', () => {
  const kind = (body: JsonObject) => {
    try {
      egress.decodeResponse(body, {})
    } catch (error) {
      return (error as Failure).kind
    }
    return undefined
  }
  assert.equal(kind({ hello: 'world' }), 'bad_response')
  assert.equal(kind({ error: { message: 'No', code: 'insufficient_quota' } }), 'account_exhausted')
  assert.equal(kind({ status: 'failed', output: [], error: { code: 'server_error', message: 'Oops' } }), 'error_in_stream')
  assert.equal(kind({ status: 'queued', output: [] }), 'error_in_stream')
  assert.equal(kind({ status: 'completed', output: [], error: null }), undefined)
})

const answer: Response = {
  id: 'msg_foreign',
  model: 'claude',
  parts: [
    { type: 'reasoning', text: 'Hm', seal: { domain: 'anthropic', kind: 'signature', data: 'sig' } },
    { type: 'text', text: 'Look: ', citations: [{ url: 'https://a.example', start: 0, end: 4 }] },
    { type: 'text', text: 'there' },
    { type: 'tool-call', id: 'c', name: 'f', args: '{"a":1}', ranBy: 'client' },
    { type: 'tool-call', id: 'd', name: 'sql', args: 'SELECT', ranBy: 'client', kind: 'custom' },
  ],
  finish: { reason: 'tool-calls' },
  usage: { input: { total: 3, fresh: 3 }, output: { total: 5 }, raw: {} },
}

test('a whole answer is a response with an item for each thing that was done', () => {
  const body = ingress.encodeResponse(answer, { ...context, request: () => ({ model: 'x', temperature: 0.3, metadata: { a: 'b' } }) }, 0.5)
  const output = body['output'] as JsonObject[]
  assert.deepEqual(
    output.map(({ id, type }) => [id, type]),
    [
      ['rs_0A_0', 'reasoning'],
      ['msg_0A_1', 'message'],
      ['fc_0A_2', 'function_call'],
      ['ctc_0A_3', 'custom_tool_call'],
    ],
  )
  assert.deepEqual(output[1]!['content'], [
    {
      type: 'output_text',
      text: 'Look: ',
      annotations: [{ type: 'url_citation', url: 'https://a.example', title: 'https://a.example', start_index: 0, end_index: 4 }],
      logprobs: [],
    },
    { type: 'output_text', text: 'there', annotations: [], logprobs: [] },
  ])
  assert.deepEqual(output[2], { id: 'fc_0A_2', type: 'function_call', status: 'completed', call_id: 'c', name: 'f', arguments: '{"a":1}' })
  assert.deepEqual(body['usage'], {
    input_tokens: 3,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: 5,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 8,
    cost: 0.5,
  })
  const { id, model, status, temperature, metadata, store } = body
  assert.deepEqual(
    { id, model, status, temperature, metadata, store },
    { id: 'msg_foreign', model: 'claude', status: 'completed', temperature: 0.3, metadata: { a: 'b' }, store: false },
  )
})

test("another vendor's reasoning comes back whole from a client that keeps nothing but the encrypted content", () => {
  const [item] = ingress.encodeResponse(answer, context, undefined)['output'] as JsonObject[]
  // As Codex sends it: no id, no text.
  const kept = { type: 'reasoning', summary: [], encrypted_content: item!['encrypted_content']! }
  const { request } = ingress.decodeRequest({ model: 'm', input: [kept] })
  assert.deepEqual(request.turns, [{ role: 'assistant', parts: [answer.parts[0]] }])
  // Reasoning that nobody sealed comes back, too: servers want it inside a tool loop.
  const plain = { ...answer, parts: [{ type: 'reasoning', text: 'Hm' }] as const }
  const [unsealed] = ingress.encodeResponse(plain, context, undefined)['output'] as JsonObject[]
  const again = ingress.decodeRequest({ model: 'm', input: [{ ...kept, encrypted_content: unsealed!['encrypted_content']! }] })
  assert.deepEqual(again.request.turns, [{ role: 'assistant', parts: plain.parts }])
})

test('what looks like our mark and is not is no reasoning of ours', () => {
  for (const wrong of ['tps1.', 'tps1.###', `tps1.${Buffer.from('{"a":1}').toString('base64url')}`]) {
    const { request } = ingress.decodeRequest({
      model: 'm',
      input: [{ type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm' }], encrypted_content: wrong }],
    })
    assert.deepEqual(request.turns, [{ role: 'assistant', parts: [{ type: 'reasoning', text: 'Hm', summary: true }] }])
  }
})

test('a stream tells each item with all its events, numbered', () => {
  const events = write([
    { type: 'start', id: 'x', model: 'y' },
    { type: 'part-start', index: 0, part: { type: 'reasoning', summary: true } },
    { type: 'part-delta', index: 0, text: 'Hm' },
    { type: 'part-end', index: 0 },
    { type: 'part-start', index: 1, part: { type: 'text' } },
    { type: 'part-delta', index: 1, text: 'H' },
    { type: 'part-delta', index: 1, text: 'i' },
    { type: 'part-end', index: 1, citations: [{ url: 'https://a.example' }] },
    { type: 'part-start', index: 2, part: { type: 'tool-call', id: 'c', name: 'f', ranBy: 'client' } },
    { type: 'part-delta', index: 2, text: '{}' },
    { type: 'part-end', index: 2 },
    { type: 'finish', finish: { reason: 'tool-calls' } },
  ])
  assert.deepEqual(typesOf(events), [
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.reasoning_summary_part.added',
    'response.reasoning_summary_text.delta',
    'response.reasoning_summary_text.done',
    'response.reasoning_summary_part.done',
    'response.output_item.done',
    'response.output_item.added',
    'response.content_part.added',
    'response.output_text.delta',
    'response.output_text.delta',
    'response.output_text.annotation.added',
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    'response.output_item.added',
    'response.function_call_arguments.delta',
    'response.function_call_arguments.done',
    'response.output_item.done',
    'response.completed',
  ])
  assert.deepEqual(
    events.map((event) => event['sequence_number']),
    events.map((_, at) => at),
  )
  const last = events.at(-1)!['response'] as { output: JsonObject[] }
  assert.deepEqual(
    events.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item),
    last.output,
  )
})

test('text that begins while calls are open is an item of its own, and items keep their places', () => {
  const events = write([
    { type: 'start' },
    { type: 'part-start', index: 0, part: { type: 'tool-call', id: 'c', name: 'f', ranBy: 'client' } },
    { type: 'part-start', index: 1, part: { type: 'text' } },
    { type: 'part-delta', index: 1, text: 'Hi' },
    { type: 'part-start', index: 2, part: { type: 'tool-call', id: 'd', name: 'g', ranBy: 'client' } },
    { type: 'part-delta', index: 0, text: '{}' },
    { type: 'part-end', index: 1 },
    { type: 'part-end', index: 2 },
    { type: 'part-end', index: 0 },
    { type: 'finish', finish: { reason: 'tool-calls' } },
  ])
  const { output } = events.at(-1)!['response'] as { output: JsonObject[] }
  assert.deepEqual(
    output.map(({ type, call_id }) => call_id ?? type),
    ['c', 'message', 'd'],
  )
  const read = fold(decode(events))
  assert.deepEqual(
    read.parts.map((part) => (part.type === 'tool-call' ? part.args : 'text' in part ? part.text : '')),
    ['{}', 'Hi', ''],
  )
})

test('an early head says that it goes on; what the provider stored ends under the id that it has there', () => {
  const encoder = ingress.createStreamEncoder({ ...context, request: () => ({ tools: [{ type: 'web_search' }], instructions: 'Long' }) })
  const written = framesOf(
    encoder.preamble() +
      encoder.keepAlive() +
      decode([created, { type: 'response.output_text.delta', output_index: 0, delta: 'Hi' }, completed])
        .map((event) => encoder.push(event))
        .join(''),
  )
  assert.deepEqual(typesOf(written).slice(0, 4), [
    'response.created',
    'response.in_progress',
    'response.in_progress',
    'response.output_item.added',
  ])
  const responses = written.map(({ response }) => response as JsonObject | undefined)
  assert.deepEqual([responses[0]!['id'], responses[0]!['tools']], ['req_0A', [{ type: 'web_search' }]])
  assert.deepEqual([responses[2]!['tools'], responses[2]!['instructions']], [[], null])
  const last = responses.at(-1)!
  assert.deepEqual([last['id'], last['model'], last['store']], ['resp_1', 'served', true])
})

test('an error in a stream is told to those who read `error`, and to those who read `response.failed`', () => {
  const failure = new Failure('context_length_exceeded', 'Too long.')
  const begun = write([{ type: 'start' }, { type: 'error', error: failure }]).slice(-2)
  const alone = framesOf(ingress.encodeStreamError(failure, 'req_0A'))
  for (const [error, failed] of [begun, alone]) {
    assert.deepEqual(typesOf([error!, failed!]), ['error', 'response.failed'])
    assert.equal(error!['code'], 'context_length_exceeded')
    assert.equal((error!['error'] as JsonObject)['param'], 'input')
    const response = failed!['response'] as JsonObject
    assert.equal(response['status'], 'failed')
    assert.equal((response['error'] as JsonObject)['code'], 'context_length_exceeded')
  }
  assert.deepEqual(ingress.encodeError(new Failure('invalid_request', 'No.', { param: 'input[0]' }), 'r'), {
    error: { message: 'No.', type: 'invalid_request_error', param: 'input[0]', code: 'invalid_request' },
  })
})

test('an answer that was cut short is incomplete', () => {
  const whole = (reason: 'length' | 'filtered') => ingress.encodeResponse({ parts: [], finish: { reason } }, context, undefined)
  assert.deepEqual([whole('length')['status'], whole('length')['incomplete_details']], ['incomplete', { reason: 'max_output_tokens' }])
  assert.deepEqual(whole('filtered')['incomplete_details'], { reason: 'content_filter' })
  const last = write([{ type: 'start' }, { type: 'finish', finish: { reason: 'length' } }]).at(-1)!
  assert.equal(last['type'], 'response.incomplete')
})

test('of an answer that was cut short the last item is incomplete, so that nobody runs half a call', () => {
  const said = (reason: 'length' | 'tool-calls'): Response => ({
    parts: [
      { type: 'text', text: 'I look.' },
      { type: 'tool-call', id: 'call_1', name: 'look', args: '{}', ranBy: 'client' },
      { type: 'tool-call', id: 'call_2', name: 'remove', args: '{"path":"/tmp', ranBy: 'client' },
    ],
    finish: { reason },
  })
  const statuses = (items: unknown) => (items as JsonObject[]).map(({ status }) => status)
  for (const [reason, last] of [
    ['length', 'incomplete'],
    ['tool-calls', 'completed'],
  ] as const) {
    const expected = ['completed', 'completed', last]
    assert.deepEqual(statuses(ingress.encodeResponse(said(reason), context, undefined)['output']), expected)
    const told = write(explode(said(reason)))
    assert.deepEqual(statuses(told.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item)), expected)
    assert.deepEqual(statuses((told.at(-1)!['response'] as JsonObject)['output']), expected)
  }
})

test('probabilities of tokens come and go with their text', () => {
  const logprobs = [{ token: 'Hi', logprob: -0.5, bytes: [72, 105], top_logprobs: [{ token: 'Ho', logprob: -1, bytes: [72, 111] }] }]
  const response = fold(decode([created, { type: 'response.output_text.delta', output_index: 0, delta: 'Hi', logprobs }, completed]))
  const [part] = response.parts
  assert.deepEqual(part?.type === 'text' ? part.logprobs : undefined, [
    { token: 'Hi', logprob: -0.5, bytes: [72, 105], top: [{ token: 'Ho', logprob: -1, bytes: [72, 111] }] },
  ])
  const [item] = ingress.encodeResponse(response, context, undefined)['output'] as [{ content: JsonObject[] }]
  assert.deepEqual(item.content[0]!['logprobs'], logprobs)
})
