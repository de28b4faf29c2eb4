// Errors inside 200 answers, as every provider was recorded or documents to say them: no decoder takes one for an answer, no client sees a clean end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGrammar, fold, type Dialect, type StreamEvent, type Wire } from '#ir'
import { Failure, type FailureKind, type JsonObject } from '#kernel'
import { readCorpus, readExchanges, skipWithoutCorpus } from '#test/corpus.ts'
import { invokeChunk, streamEvent, streamException } from '#test/event-stream.ts'
import { eventsOfStream, readAnswered, throughStream, wireOfApi } from '#test/pairs.ts'
import { clientWires, providerCodecOf, wires } from '#wires'

const skip = skipWithoutCorpus

type Shape = {
  readonly what: string
  readonly wire: Wire
  readonly dialect?: Dialect
  readonly bytes: Buffer
  /** Absent: any error will do. */
  readonly kind?: FailureKind
  /** What had been said before. */
  readonly text?: string
}

const sse = (...events: (JsonObject | string)[]) =>
  Buffer.from(events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join(''))
const lines = (...values: JsonObject[]) => Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''))
const bedrock: Dialect = { anthropicVersion: 'bedrock-2023-05-31' }

const geminiSays = (text: string): JsonObject => ({ candidates: [{ content: { parts: [{ text }], role: 'model' }, index: 0 }] })
const ollamaSays = (content: string): JsonObject => ({
  model: 'm',
  created_at: '2026-08-07T06:08:23Z',
  message: { role: 'assistant', content },
  done: false,
})
const cohereSays: JsonObject[] = [
  { type: 'message-start', id: 'a', delta: { message: { role: 'assistant' } } },
  { type: 'content-start', index: 0, delta: { message: { content: { type: 'text', text: '' } } } },
  { type: 'content-delta', index: 0, delta: { message: { content: { text: 'Hel' } } } },
]
const claudeStart: JsonObject = {
  type: 'message_start',
  message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [], usage: { input_tokens: 1, output_tokens: 1 } },
}
const created: JsonObject = {
  type: 'response.created',
  sequence_number: 0,
  response: { id: 'resp_1', created_at: 1, model: 'm', output: [] },
}
const converseSays = [
  streamEvent('messageStart', { role: 'assistant' }),
  streamEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Hel' } }),
]

/** From each API's documentation, and from reports of what really came. */
const documented: readonly Shape[] = [
  {
    what: 'chat: an error chunk in place of the rest',
    wire: 'openai-chat',
    bytes: sse({ error: { message: 'Overloaded', type: 'overloaded_error', code: 529 } }),
    kind: 'overloaded',
  },
  {
    what: 'responses: response.failed',
    wire: 'openai-responses',
    bytes: sse(created, {
      type: 'response.failed',
      response: { id: 'resp_1', status: 'failed', output: [], error: { code: 'server_error', message: 'The model failed.' } },
    }),
    kind: 'error_in_stream',
  },
  {
    what: 'responses: rate limit in response.failed',
    wire: 'openai-responses',
    bytes: sse(created, {
      type: 'response.failed',
      response: { id: 'resp_1', status: 'failed', output: [], error: { code: 'rate_limit_exceeded', message: 'Rate limit reached' } },
    }),
    kind: 'rate_limited',
  },
  {
    what: 'messages: overloaded after text',
    wire: 'anthropic-messages',
    bytes: sse(
      claudeStart,
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hel' } },
      { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
    ),
    kind: 'overloaded',
    text: 'Hel',
  },
  {
    what: 'gemini: an error in place of a chunk',
    wire: 'gemini',
    bytes: sse(geminiSays('Hel'), {
      error: { code: 503, message: 'This model is currently experiencing high demand.', status: 'UNAVAILABLE' },
    }),
    kind: 'overloaded',
    text: 'Hel',
  },
  {
    what: 'gemini: an exhausted quota',
    wire: 'gemini',
    bytes: sse({ error: { code: 429, message: 'Resource has been exhausted (e.g. check quota).', status: 'RESOURCE_EXHAUSTED' } }),
    kind: 'rate_limited',
  },
  {
    what: 'gemini: an array in place of events, as without alt=sse',
    wire: 'gemini',
    bytes: Buffer.from(`[${JSON.stringify(geminiSays('Hi'))}]`),
  },
  ...(
    [
      ['throttlingException', 'rate_limited'],
      ['serviceUnavailableException', 'overloaded'],
      ['internalServerException', undefined],
      ['modelStreamErrorException', undefined],
      ['validationException', undefined],
    ] as const
  ).flatMap(([name, kind]): Shape[] => [
    {
      what: `converse: ${name}`,
      wire: 'bedrock-converse',
      bytes: Buffer.concat([...converseSays, streamException(name, 'It failed.')]),
      text: 'Hel',
      ...(kind === undefined ? {} : { kind }),
    },
    {
      what: `invoke: ${name}`,
      wire: 'anthropic-messages',
      dialect: bedrock,
      bytes: Buffer.concat([invokeChunk(JSON.stringify(claudeStart)), streamException(name, 'It failed.')]),
      ...(kind === undefined ? {} : { kind }),
    },
  ]),
  {
    what: 'converse: bytes that are no message',
    wire: 'bedrock-converse',
    bytes: Buffer.from('HTTP/1.1 500 Internal Server Error\r\n\r\n'),
    kind: 'bad_response',
  },
  {
    what: 'cohere: message-end with an error',
    wire: 'cohere-chat',
    bytes: sse(
      ...cohereSays,
      { type: 'content-end', index: 0 },
      { type: 'message-end', delta: { finish_reason: 'ERROR', error: 'the model failed' } },
    ),
    text: 'Hel',
  },
  {
    what: 'cohere: an error in place of an event',
    wire: 'cohere-chat',
    bytes: sse(...cohereSays, { id: 'a', message: 'internal server error' }),
    text: 'Hel',
  },
  {
    what: 'ollama: an error line',
    wire: 'ollama-chat',
    bytes: lines(ollamaSays('Hel'), { error: 'an error was encountered while running the model' }),
    text: 'Hel',
  },
  { what: 'ollama: no more lines', wire: 'ollama-chat', bytes: lines(ollamaSays('Hel')), text: 'Hel', kind: 'ended_early' },
  {
    what: 'ollama: a line that is no JSON',
    wire: 'ollama-chat',
    bytes: Buffer.concat([lines(ollamaSays('Hel')), Buffer.from('<html>502</html>\n')]),
    text: 'Hel',
  },
]

type Published = {
  readonly provider: string
  readonly api: string
  readonly when: string
  readonly sse?: string
  readonly json?: JsonObject
}

function published(): Published[] {
  return JSON.parse(readCorpus('sse', 'midstream-error-shapes.json').toString('utf8')) as Published[]
}

function shapes(): Shape[] {
  const fromCorpus = published().flatMap(({ provider, api, when, sse: text }): Shape[] =>
    text === undefined ? [] : [{ what: `${provider} ${api}, ${when}`, wire: wireOfApi.get(api)!, bytes: Buffer.from(text) }],
  )
  return [...documented, ...fromCorpus].filter(({ wire }) => wires.has(wire))
}

function read({ wire, bytes, dialect = {} }: Shape): StreamEvent[] {
  try {
    return eventsOfStream(wire, bytes, dialect)
  } catch (error) {
    // A framing that cannot go on throws; the gateway tells the client what it says.
    assert.ok(error instanceof Failure)
    return [{ type: 'start' }, { type: 'error', error }]
  }
}

test('no error inside a stream looks like success, and what was said before it is kept', { skip }, () => {
  const all = shapes()
  for (const shape of all) {
    const events = read(shape)
    const grammar = createGrammar()
    for (const event of events) assert.equal(grammar.check(event), undefined, shape.what)
    const last = events.at(-1)
    assert.ok(last?.type === 'error', `${shape.what} ended in ${last?.type}`)
    if (shape.kind !== undefined) assert.equal(last.error.kind, shape.kind, shape.what)
    const text = events.map((event) => (event.type === 'part-delta' ? event.text : '')).join('')
    if (shape.text !== undefined) assert.equal(text, shape.text, shape.what)
  }
  assert.ok(all.length >= 29, `${all.length} shapes`)
})

for (const client of clientWires.keys()) {
  test(`a client of ${client} sees every error inside a stream as an error`, { skip }, () => {
    for (const shape of shapes()) assert.throws(() => throughStream(read(shape), client), Failure, shape.what)
  })
}

test('an error in place of a whole answer is a failure', { skip }, () => {
  const bodies: readonly (readonly [Wire, JsonObject])[] = [
    ...published().flatMap(({ api, json }) => (json === undefined ? [] : [[wireOfApi.get(api)!, json] as const])),
    ['openai-chat', { error: { message: 'The server had an error', type: 'server_error', param: null, code: null } }],
    ['openai-responses', { error: { message: 'The server had an error', type: 'server_error', param: null, code: null } }],
    [
      'openai-responses',
      { id: 'resp_1', object: 'response', status: 'failed', output: [], error: { code: 'server_error', message: 'It failed.' } },
    ],
    ['anthropic-messages', { type: 'error', error: { type: 'api_error', message: 'Internal server error' } }],
    ['gemini', { error: { code: 500, message: 'Internal error encountered.', status: 'INTERNAL' } }],
    ['bedrock-converse', { message: 'The model failed.' }],
    ['cohere-chat', { id: 'a', message: 'internal server error' }],
    ['ollama-chat', { error: 'model runner has unexpectedly stopped' }],
  ]
  for (const [wire, body] of bodies) {
    if (!wires.has(wire)) continue
    assert.throws(() => providerCodecOf(wire).egress.decodeResponse(body, {}), Failure, `${wire} ${JSON.stringify(body)}`)
    const others: JsonObject[] = [{}, { ok: true }, { data: [] }, { detail: 'Not Found' }]
    for (const other of others)
      assert.throws(() => providerCodecOf(wire).egress.decodeResponse(other, {}), Failure, `${wire} ${JSON.stringify(other)}`)
  }
})

test('an error inside a recorded 200 is a failure', { skip }, () => {
  const answered = new Set(readAnswered().map(({ exchange }) => exchange.id))
  const odd = [
    ...readExchanges(({ id, api, resp }) => wireOfApi.has(api) && resp.status === 200 && resp.kind === 'json' && !answered.has(id)),
  ]
  const errors = odd.filter(({ resp }) => resp.body.includes('"error"'))
  assert.ok(errors.length >= 1)
  for (const { id, api, resp } of errors)
    assert.throws(() => providerCodecOf(wireOfApi.get(api)!).egress.decodeResponse(JSON.parse(resp.body) as JsonObject, {}), Failure, id)
})

test('a folded answer of a stream that failed does not exist', () => {
  assert.throws(() => fold(read(documented[0]!)), Failure)
})
