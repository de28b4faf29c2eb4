// What is read of responses whose bytes pass, and the few bytes that change.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '#kernel'
import type { SseFrame } from '#wires/codec'
import { openaiResponses } from './index.ts'

const { passThrough } = openaiResponses
const watched = (event: JsonObject, named = true) => passThrough.createWatch({}).frame(frameOf(event, named))
const frameOf = (event: JsonObject, named = true): SseFrame => ({
  ...(named ? { event: String(event['type']) } : {}),
  data: JSON.stringify(event),
})

const usage = { input_tokens: 5, output_tokens: 2, total_tokens: 7 }
const message = { type: 'message', id: 'msg_1', role: 'assistant', content: [{ type: 'output_text', text: '"type":"function_call"' }] }
const ended = (response: JsonObject): JsonObject => ({
  type: 'response.completed',
  sequence_number: 9,
  response: {
    id: 'resp_1',
    model: 'gpt-5',
    status: 'completed',
    tools: [{ parameters: { properties: { usage: {} } } }],
    usage,
    ...response,
  },
})

test('the answer begins with words, a call or a hosted tool, and not with an empty item', () => {
  const added = (item: JsonObject) => watched({ type: 'response.output_item.added', output_index: 0, item }).content
  assert.equal(added({ type: 'message', content: [] }), undefined)
  assert.equal(added({ type: 'reasoning', summary: [] }), undefined)
  assert.equal(added({ type: 'function_call', name: 'f' }), true)
  assert.equal(added({ type: 'web_search_call' }), true)
  assert.equal(watched({ type: 'response.output_text.delta', delta: '' }).content, undefined)
  assert.equal(watched({ type: 'response.output_text.delta', delta: 'x' }).content, true)
  assert.equal(watched({ type: 'response.reasoning_summary_text.delta', delta: 'x' }).content, true)
  assert.deepEqual(watched({ type: 'response.created', response: { id: 'resp_1', model: 'gpt-5' } }), { id: 'resp_1', model: 'gpt-5' })
  assert.deepEqual(watched({ type: 'response.hologram.delta', delta: 'x' }), {})
})

for (const named of [true, false]) {
  test(`the last event says usage, finish and end (${named ? 'with' : 'without'} the name of the event)`, () => {
    const plain = watched(ended({ output: [message] }), named)
    assert.deepEqual([plain.terminal, plain.id, plain.finish], [true, 'resp_1', { reason: 'stop' }])
    assert.deepEqual(plain.usage?.input, { total: 5, fresh: 5 })
    const calls = watched(ended({ output: [message, { type: 'function_call', call_id: 'c' }] }), named)
    assert.equal(calls.finish?.reason, 'tool-calls')
    const cut = { ...ended({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }), type: 'response.incomplete' }
    assert.deepEqual(watched(cut, named).finish, { reason: 'length', raw: 'max_output_tokens' })
    const failed = { ...ended({ status: 'failed', error: { code: 'rate_limit_exceeded', message: 'No' } }), type: 'response.failed' }
    assert.equal(watched(failed, named).error?.kind, 'rate_limited')
  })
}

test('the last event is an answer where it is the first to say anything', () => {
  const empty = { ...message, content: [{ type: 'output_text', text: '' }] }
  const contents = [[message], [{ type: 'function_call', call_id: 'c' }], [empty], []].map((output) => watched(ended({ output })).content)
  assert.deepEqual(contents, [true, true, undefined, undefined])
  const watch = passThrough.createWatch({})
  assert.equal(watch.frame(frameOf({ type: 'response.output_text.delta', delta: 'x' })).content, true)
  assert.equal(watch.frame(frameOf(ended({ output: [message] }))).content, undefined)
  const failed = {
    ...ended({ output: [message], status: 'failed', error: { code: 'server_error', message: 'No' } }),
    type: 'response.failed',
  }
  assert.equal(watched(failed).content, undefined)
})

test('a last event whose bytes are doubtful is parsed instead', () => {
  const data = '{"type":"response.completed","Type":"x","response":{"status":"completed","usage":{"input_tokens":5,"output_tokens":2}}}'
  const { usage: counts, finish } = passThrough.createWatch({}).frame({ event: 'response.completed', data })
  assert.deepEqual([counts?.input.total, finish?.reason], [5, 'stop'])
})

test('errors are errors, in every published shape; what is not JSON is no stream', () => {
  const kindOf = (frame: SseFrame) => passThrough.createWatch({}).frame(frame).error?.kind
  assert.equal(kindOf(frameOf({ type: 'error', code: 'insufficient_quota', message: 'No' })), 'account_exhausted')
  assert.equal(kindOf(frameOf({ type: 'error', error: { code: 'insufficient_quota', message: 'No' } }, false)), 'account_exhausted')
  assert.equal(kindOf({ event: 'error', data: 'upstream died' }), 'error_in_stream')
  assert.equal(kindOf({ data: '{"error":{"message":"overloaded","code":"overloaded"}}' }), 'overloaded')
  assert.equal(kindOf({ data: 'hello' }), 'bad_response')
  assert.equal(kindOf({ data: '[DONE]' }), undefined)
})

test('a cost is written into the usage of the response, and into no other one', () => {
  const watch = passThrough.createWatch({})
  const frame = frameOf(ended({ output: [message] }))
  const [name, data, ...rest] = watch.withCost(frame, 0.25)!.split('\n')
  assert.deepEqual([name, rest], ['event: response.completed', ['', '']])
  assert.deepEqual(JSON.parse(data!.slice(6)), ended({ output: [message], usage: { ...usage, cost: 0.25 } }))
  const stated = watch.withCost(frameOf(ended({ usage: { ...usage, cost: 9 } })), 0.25)!
  assert.ok(stated.includes('"cost":0.25') && !stated.includes('"cost":9'))
  assert.equal(watch.withCost(frameOf(ended({ usage: null })), 0.25), undefined)
  assert.equal(watch.withCost(frameOf({ type: 'response.output_text.delta', delta: '"response.completed"' }), 0.25), undefined)
})

test('a finish that clients do not know, and one that was filtered, ends plainly behind what has to be said', () => {
  const watch = passThrough.createWatch({})
  const filtered = {
    ...ended({ status: 'incomplete', incomplete_details: { reason: 'content_filter' }, output: [message] }),
    type: 'response.incomplete',
  }
  const told = watch.withFinish(frameOf(filtered), { reason: 'stop' }, 'Filtered.')
  const events = told.map(({ data }) => JSON.parse(data) as JsonObject)
  assert.deepEqual(
    events.map(({ type }) => type),
    [
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ],
  )
  assert.deepEqual(
    events.map((event) => event['sequence_number']),
    [9, 10, 11, 12, 13, 14, 15],
  )
  const { status, incomplete_details, output } = events.at(-1)!['response'] as JsonObject
  assert.deepEqual([status, incomplete_details, (output as JsonObject[]).length], ['completed', null, 2])
  assert.equal(passThrough.knowsFinish({ reason: 'other', raw: 'guardrail' }), false)
  assert.equal(passThrough.knowsFinish({ reason: 'stop' }), true)
})

test('of a whole response only the small fields are read, and whether it calls is seen in its bytes', () => {
  const body = { id: 'resp_1', model: 'gpt-5', status: 'completed', usage, output: [{ type: 'function_call', call_id: 'c' }] }
  const { output: _output, ...fields } = body
  const read = passThrough.readResponse(fields, {})
  assert.equal(read.finish, undefined)
  assert.deepEqual(passThrough.finishIn?.(Buffer.from(JSON.stringify(body))), { reason: 'tool-calls' })
  assert.deepEqual(passThrough.finishIn?.(Buffer.from(JSON.stringify({ output: [message] }))), { reason: 'stop' })
  assert.equal(passThrough.readResponse({ status: 'queued' }, {}).finish?.raw, 'queued')
  assert.equal(
    passThrough.readResponse({ status: 'failed', error: { code: 'server_error', message: 'x' } }, {}).error?.kind,
    'error_in_stream',
  )
})

test("reasoning that is not of this wire's vendors is taken out of a request that passes, and nothing else is", () => {
  const { ingress } = openaiResponses
  const parts = [{ type: 'reasoning', text: 'Hm', seal: { domain: 'anthropic', kind: 'signature', data: 'sig' } }] as const
  const context = { requestId: 'req_1', model: 'm', createdSeconds: 1, streamUsage: true }
  const written = ingress.encodeResponse({ parts, finish: { reason: 'stop' } }, context, undefined)['output'] as JsonObject[]
  const rest = [
    { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAA' },
    { role: 'user', content: `What is ${passThrough.own!.mark}?` },
  ]
  const body = { model: 'm', previous_response_id: 'resp_1', input: [...written, ...rest] }
  assert.ok(JSON.stringify(body).includes(passThrough.own!.mark))
  assert.deepEqual(passThrough.own!.without(body), {
    body: { model: 'm', previous_response_id: 'resp_1', input: rest },
    notes: [{ code: 'dropped', path: 'input[0]', why: 'another vendor reasoned so, and only it can read that' }],
  })
  const untouched = { model: 'm', input: rest }
  assert.deepEqual(passThrough.own!.without(untouched), { body: untouched, notes: [] })
})

test('the model is renamed, and what a provider refuses is taken out with a note', () => {
  const fields = { model: 'a', store: true }
  assert.deepEqual(passThrough.edits(fields, 'a', {}).edits, [])
  const { edits, notes } = passThrough.edits(fields, 'b', { strip: ['store'] })
  assert.deepEqual(edits, [
    { field: 'model', value: 'b' },
    { field: 'store', value: undefined },
  ])
  assert.equal(notes.length, 1)
})
