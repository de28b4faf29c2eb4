// What ConverseStream and Converse answer, by their published API; and the oddities of models behind them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGrammar, fold, type StreamEvent } from '#ir'
import { Failure, type JsonObject } from '#kernel'
import { decodeResponse } from './decode-response.ts'
import { createStreamDecoder } from './decode-stream.ts'

type Sent = readonly [event: string, body: JsonObject]

function decode(...sent: readonly Sent[]): StreamEvent[] {
  const decoder = createStreamDecoder()
  const grammar = createGrammar()
  const events = [...sent.flatMap(([event, body]) => decoder.push({ event, data: JSON.stringify(body) })), ...decoder.end()]
  for (const event of events) assert.equal(grammar.check(event), undefined)
  assert.ok(grammar.finished())
  return events
}

const start: Sent = ['messageStart', { role: 'assistant', p: 'abc' }]
const stop = (stopReason: string, rest: JsonObject = {}): Sent => ['messageStop', { stopReason, ...rest }]
const delta = (contentBlockIndex: number, value: JsonObject): Sent => ['contentBlockDelta', { contentBlockIndex, delta: value, p: 'ab' }]
const blockStart = (contentBlockIndex: number, value: JsonObject): Sent => ['contentBlockStart', { contentBlockIndex, start: value }]
const blockStop = (contentBlockIndex: number): Sent => ['contentBlockStop', { contentBlockIndex }]
const metadata: Sent = [
  'metadata',
  { usage: { inputTokens: 11, outputTokens: 7, totalTokens: 18 }, metrics: { latencyMs: 5 }, serviceTier: { type: 'flex' } },
]

const failureOf = (events: readonly StreamEvent[]): Failure => {
  const last = events.at(-1)
  assert.ok(last?.type === 'error')
  return last.error
}

test('reasoning, text and parallel calls; usage comes after the stop and before the end', () => {
  const events = decode(
    start,
    delta(0, { reasoningContent: { text: 'Let me ' } }),
    delta(0, { reasoningContent: { text: 'think' } }),
    delta(0, { reasoningContent: { signature: 'c2ln' } }),
    blockStop(0),
    delta(1, { text: 'I ' }),
    delta(1, { text: '' }),
    delta(1, { text: 'look.' }),
    blockStop(1),
    blockStart(2, { toolUse: { toolUseId: 't1', name: 'look' } }),
    delta(2, { toolUse: { input: '' } }),
    delta(2, { toolUse: { input: '{"at"' } }),
    delta(2, { toolUse: { input: ': 1}' } }),
    blockStop(2),
    blockStart(3, { toolUse: { toolUseId: 't2', name: 'wait' } }),
    blockStop(3),
    stop('tool_use'),
    metadata,
  )
  assert.deepEqual(
    events.slice(-2).map(({ type }) => type),
    ['usage', 'finish'],
  )
  const { parts, finish, usage } = fold(events)
  assert.deepEqual(parts, [
    { type: 'reasoning', text: 'Let me think', seal: { domain: 'anthropic', kind: 'signature', data: 'c2ln' } },
    { type: 'text', text: 'I look.' },
    { type: 'tool-call', id: 't1', name: 'look', ranBy: 'client', args: '{"at": 1}' },
    { type: 'tool-call', id: 't2', name: 'wait', ranBy: 'client', args: '{}' },
  ])
  assert.deepEqual(finish, { reason: 'tool-calls', raw: 'tool_use' })
  assert.deepEqual([usage?.input.total, usage?.output.total, usage?.serviceTier], [11, 7, 'flex'])
})

test('blocks whose deltas interleave arrive whole', () => {
  const { parts } = fold(
    decode(
      start,
      blockStart(0, { toolUse: { toolUseId: 'a', name: 'x' } }),
      blockStart(1, { toolUse: { toolUseId: 'b', name: 'y' } }),
      delta(1, { toolUse: { input: '{"q":' } }),
      delta(0, { toolUse: { input: '{"p":1' } }),
      delta(1, { toolUse: { input: '2}' } }),
      delta(0, { toolUse: { input: '}' } }),
      stop('tool_use'),
      metadata,
    ),
  )
  assert.deepEqual(
    parts.map((part) => (part.type === 'tool-call' ? [part.id, part.args] : part)),
    [
      ['a', '{"p":1}'],
      ['b', '{"q":2}'],
    ],
  )
})

test('what was hidden, what was drawn, and calls that Bedrock ran itself are parts without deltas', () => {
  const [first, second] = [Buffer.from('secret '), Buffer.from('thoughts')]
  const { parts } = fold(
    decode(
      start,
      delta(0, { reasoningContent: { redactedContent: first.toString('base64') } }),
      delta(0, { reasoningContent: { redactedContent: second.toString('base64') } }),
      blockStop(0),
      blockStart(1, { image: { format: 'png' } }),
      delta(1, { image: { source: { bytes: 'AAAA' } } }),
      blockStop(1),
      blockStart(2, { toolUse: { toolUseId: 's1', name: 'nova_grounding', type: 'server_tool_use' } }),
      delta(2, { toolUse: { input: '{"query":"x"}' } }),
      blockStop(2),
      blockStart(3, { toolResult: { toolUseId: 's1', type: 'nova_grounding_result', status: 'success' } }),
      delta(3, { toolResult: [{ json: { hits: 1 } }] }),
      blockStop(3),
      stop('end_turn'),
      metadata,
    ),
  )
  assert.deepEqual(parts, [
    {
      type: 'reasoning',
      text: '',
      seal: { domain: 'anthropic', kind: 'redacted', data: Buffer.concat([first, second]).toString('base64') },
    },
    { type: 'media', kind: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' } },
    {
      type: 'opaque',
      wire: 'bedrock-converse',
      kind: 'toolUse',
      value: { toolUse: { toolUseId: 's1', name: 'nova_grounding', type: 'server_tool_use', input: { query: 'x' } } },
    },
    {
      type: 'opaque',
      wire: 'bedrock-converse',
      kind: 'toolResult',
      value: { toolResult: { toolUseId: 's1', type: 'nova_grounding_result', status: 'success', content: [{ json: { hits: 1 } }] } },
    },
  ])
})

const cited = {
  title: 'Report',
  source: 'https://a.example/r',
  sourceContent: [{ text: 'Grass is green.' }],
  location: { documentChar: { documentIndex: 0, start: 4, end: 19 } },
}

test('citations say where the text of their block comes from, streamed or whole', () => {
  const expected = [
    { type: 'text', text: 'It is said: ' },
    {
      type: 'text',
      text: 'grass is green',
      citations: [
        {
          url: 'https://a.example/r',
          title: 'Report',
          quote: 'Grass is green.',
          start: 0,
          end: 14,
          raw: { wire: 'bedrock-converse', value: cited },
        },
      ],
    },
  ]
  const streamed = fold(
    decode(
      start,
      delta(0, { text: 'It is said: ' }),
      blockStop(0),
      delta(1, { text: 'grass is ' }),
      delta(1, { citation: cited }),
      delta(1, { text: 'green' }),
      blockStop(1),
      stop('end_turn'),
      metadata,
    ),
  )
  assert.deepEqual(streamed.parts, expected)
  const whole = decodeResponse({
    output: {
      message: {
        role: 'assistant',
        content: [{ text: 'It is said: ' }, { citationsContent: { content: [{ text: 'grass is green' }], citations: [cited] } }],
      },
    },
    stopReason: 'end_turn',
    usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 },
  })
  assert.deepEqual(whole.parts, expected)
})

test('a whole answer says the same as its stream', () => {
  const { parts, finish, usage, ext } = decodeResponse({
    output: {
      message: {
        role: 'assistant',
        content: [
          { reasoningContent: { reasoningText: { text: 'hm', signature: 'c2ln' } } },
          { reasoningContent: { redactedContent: 'cmVk' } },
          { text: 'Yes' },
          { toolUse: { toolUseId: 't', name: 'n', input: { a: [1] } } },
          { image: { format: 'jpeg', source: { bytes: 'AAAA' } } },
          { novelty: { x: 1 } },
        ],
      },
    },
    stopReason: 'stop_sequence',
    additionalModelResponseFields: { stop_sequence: 'END' },
    trace: { guardrail: {} },
    usage: {
      inputTokens: 10,
      outputTokens: 5,
      totalTokens: 145,
      cacheReadInputTokens: 100,
      cacheWriteInputTokens: 30,
      cacheDetails: [
        { ttl: '1h', inputTokens: 20 },
        { ttl: '5m', inputTokens: 10 },
      ],
    },
  })
  assert.deepEqual(
    parts.map(({ type }) => type),
    ['reasoning', 'reasoning', 'text', 'tool-call', 'media', 'opaque'],
  )
  assert.deepEqual(finish, { reason: 'stop', raw: 'stop_sequence', stopSequence: 'END' })
  assert.deepEqual(usage?.input, { total: 140, fresh: 10, cacheRead: 100, cacheWrite: 30, cacheWrite1h: 20 })
  assert.deepEqual(Object.keys(ext?.['bedrock-converse'] ?? {}), ['additionalModelResponseFields', 'trace'])
})

test('each stop reason has its neutral word, and an unknown one keeps its own', () => {
  const reasons = new Map([
    ['end_turn', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['guardrail_intervened', 'filtered'],
    ['content_filtered', 'filtered'],
    ['malformed_tool_use', 'other'],
    ['malformed_model_output', 'other'],
    ['something_new', 'other'],
  ])
  for (const [raw, reason] of reasons) assert.deepEqual(fold(decode(start, stop(raw), metadata)).finish, { reason, raw })
})

test('the stop sequence is told where Claude tells it, whole or streamed', () => {
  const finishOf = (fields: JsonObject) =>
    fold(decode(start, stop('stop_sequence', { additionalModelResponseFields: fields }), metadata)).finish
  assert.equal(finishOf({ stop_sequence: 'A' }).stopSequence, 'A')
  assert.equal(finishOf({ delta: { stop_sequence: 'B' } }).stopSequence, 'B')
  assert.equal('stopSequence' in finishOf({ delta: { stop_sequence: null } }), false)
})

test('exceptions inside a stream are classified by their name and words', () => {
  const kinds = new Map([
    ['throttlingException', 'rate_limited'],
    ['serviceUnavailableException', 'overloaded'],
    ['internalServerException', 'provider_error'],
    ['modelStreamErrorException', 'provider_error'],
    ['modelTimeoutException', 'provider_error'],
    ['validationException', 'request_refused'],
    ['accessDeniedException', 'credential_rejected'],
    ['somethingElse', 'error_in_stream'],
  ])
  for (const [name, kind] of kinds) {
    const failure = failureOf(decode(start, delta(0, { text: 'a' }), ['exception', { __type: name, message: 'words' }]))
    assert.equal(failure.kind, kind, name)
    assert.equal(failure.details.upstream?.message, 'words')
  }
  const tooLong = 'The model returned the following errors: prompt is too long: 227255 tokens > 200000 maximum'
  const failure = failureOf(decode(['exception', { __type: 'validationException', message: tooLong }]))
  assert.equal(failure.kind, 'context_length_exceeded')
  assert.match(failure.message, /maximum context length is 200000 tokens/)
})

test('nothing after the end or an error is told; unknown events and empty deltas are skipped', () => {
  assert.equal(failureOf(decode(start, ['exception', { __type: 'x', message: '' }], stop('end_turn'), metadata)).kind, 'error_in_stream')
  const { parts } = fold(
    decode(
      start,
      ['newEvent', { a: 1 }],
      delta(0, {}),
      delta(0, { text: '' }),
      delta(0, { somethingNew: { text: 'x' } }),
      delta(1, { text: 'ok' }),
      stop('end_turn'),
      metadata,
      stop('end_turn'),
    ),
  )
  assert.deepEqual(parts, [{ type: 'text', text: 'ok' }])
})

test('a stream that ends before its stop is an error; without metadata only the usage is unknown', () => {
  assert.equal(failureOf(decode()).kind, 'ended_early')
  assert.equal(failureOf(decode(start, delta(0, { text: 'half' }), blockStop(0))).kind, 'ended_early')
  const { usage, finish } = fold(decode(start, delta(0, { text: 'all' }), blockStop(0), stop('end_turn')))
  assert.equal(usage, undefined)
  assert.equal(finish.reason, 'stop')
})

test('bytes that are no answer are a bad response', () => {
  assert.equal(failureOf(createStreamDecoder().push({ event: 'messageStart', data: 'oops' })).kind, 'bad_response')
  const refused = (body: JsonObject, kind: string) =>
    assert.throws(
      () => decodeResponse(body),
      (error: unknown) => error instanceof Failure && error.kind === kind,
    )
  refused({ choices: [] }, 'bad_response')
  refused({ Output: { __type: 'com.amazon.coral.service#UnknownOperationException' }, Version: '1.0' }, 'target_not_found')
  refused({ __type: 'ThrottlingException', message: 'Slow down' }, 'rate_limited')
})
