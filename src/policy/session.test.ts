// Which conversation a request belongs to and what started it: the contract's order of sources, and OpenClaw's own bodies.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { clientWireNames, type ClientWire } from '#ir'
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import { codecOf } from '#wires'
import { readCorpus, readJsonLines, skipWithoutCorpus } from '#test/corpus.ts'
import { isNamedSession, kindOf, sessionHeader, sessionOf, type ConversationBytes } from './session.ts'

type Headers = Record<string, string>

const shapes = clientWireNames.map((wire) => codecOf(wire).ingress.shape)
const turnFields = new Set(shapes.map(({ turns }) => turns))
const instructionFields = new Set(shapes.map(({ instructions }) => instructions))

/** A body written member by member, so that its ranges are known without a scanner. */
function locate(document: JsonObject): { readonly bytes: ConversationBytes; readonly fields: JsonObject; readonly length: number } {
  const ranges = { messagesStart: -1, messagesEnd: -1, openingEnd: -1, systemStart: -1, systemEnd: -1 }
  const fields: JsonObject = {}
  let text = '{'
  for (const [name, value] of Object.entries(document)) {
    text += `${text === '{' ? '' : ','}${JSON.stringify(name)}:`
    const start = Buffer.byteLength(text)
    const json = JSON.stringify(value)
    text += json
    const end = start + Buffer.byteLength(json)
    if (turnFields.has(name) && Array.isArray(value)) {
      const opening = value.length > 3 ? Buffer.byteLength(JSON.stringify(value.slice(0, 3))) - 1 : Buffer.byteLength(json) - 1
      Object.assign(ranges, { messagesStart: start, messagesEnd: end, openingEnd: start + opening })
    } else if (instructionFields.has(name)) Object.assign(ranges, { systemStart: start, systemEnd: end })
    else if (name !== 'tools') fields[name] = value
  }
  const body = Buffer.from(`${text}}`)
  return { bytes: { body, ...ranges }, fields, length: body.length }
}

function session(document: JsonObject, headers: Headers = {}): string {
  const { bytes, fields } = locate(document)
  return sessionOf(headers, fields, bytes)
}

function kind(document: JsonObject): string {
  const { bytes, fields, length } = locate(document)
  return kindOf(fields, bytes, length)
}

const instructions = 'You are an assistant. '.repeat(100)
const runtimeLine = (id: string) => `Runtime: agent=main | session=agent:main:main | sessionId=${id} | host=vm`
const uuid = '3ca5211b-ba76-407b-b728-7513c50b144a'
const conversation = (...words: string[]): JsonValue[] => [
  { role: 'system', content: `${instructions}\n${runtimeLine(uuid)}` },
  ...words.map((content, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', content })),
]

describe('the session is the first of', () => {
  const body = { prompt_cache_key: 'from-cache-key:2', metadata: { user_id: 'from-user-id' }, messages: conversation('hi') }
  const headers = new Map([
    ['x-turnpike-session-id', 'a'],
    ['x-portkey-session-id', 'b'],
    ['x-turnpike-trace-id', 'c'],
    ['x-portkey-trace-id', 'd'],
    ['x-session-affinity', 'e'],
    ['session_id', 'f'],
    ['x-claude-code-session-id', 'g'],
  ])

  test('the headers in their order', () => {
    const left = new Map(headers)
    for (const [name, value] of headers) {
      assert.equal(session(body, Object.fromEntries([...left].toReversed())), value)
      assert.equal(sessionHeader(Object.fromEntries(left)), value)
      left.delete(name)
    }
    assert.equal(sessionHeader({}), undefined)
  })

  test('the cache key, the user id, and the runtime line of the instructions', () => {
    assert.equal(session(body), 'from-cache-key')
    assert.equal(session({ ...body, prompt_cache_key: '' }), 'from-user-id')
    assert.equal(session({ ...body, prompt_cache_key: null, metadata: {} }), uuid)
    assert.equal(session({ system: `${instructions}${runtimeLine(uuid)}`, messages: [{ role: 'user', content: 'hi' }] }), uuid)
  })

  test('a traceparent is never a session: OpenClaw makes a new one each turn', () => {
    const traceparent = '00-cdd1dcce13bcb023561769a47477f456-30603228f1c99e39-01'
    assert.equal(session({ messages: conversation('hi') }, { traceparent }), uuid)
  })
})

test("OpenClaw's turn number is no part of a session, and what a client names itself stays as it is written", () => {
  for (const name of ['x-session-affinity', 'session_id']) assert.equal(session({ messages: [] }, { [name]: `${uuid}:17` }), uuid)
  assert.equal(session({ messages: [], prompt_cache_key: `${uuid}:0` }), uuid)
  for (const name of ['x-turnpike-session-id', 'x-turnpike-trace-id'])
    assert.equal(session({ messages: [] }, { [name]: 'user:17' }), 'user:17')
})

test('an empty or repeated header says nothing, and a long one is cut', () => {
  const { bytes, fields } = locate({ messages: conversation('hi') })
  assert.equal(sessionOf({ 'x-turnpike-session-id': '', session_id: ['a', 'b'] }, fields, bytes), uuid)
  assert.equal(session({ messages: [] }, { session_id: 'x'.repeat(500) }), 'x'.repeat(128))
  assert.equal(session({ messages: [], metadata: { user_id: 'y'.repeat(500) } }), 'y'.repeat(128))
})

describe('a conversation without a name', () => {
  const nameless = (first: string, ...rest: string[]): JsonObject => ({
    messages: [
      { role: 'system', content: 'Be brief.' },
      ...[first, ...rest].map((content, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', content })),
    ],
  })
  const longer = ['one', 'two', 'three', 'four', 'five']

  test('is recognised by its opening, however it goes on', () => {
    const turns = [3, 4, 5].map((count) => session(nameless(longer[0]!, ...longer.slice(1, count))))
    assert.equal(new Set(turns).size, 1)
    assert.notEqual(session(nameless('another', ...longer.slice(1))), turns[0])
  })

  test('differs where its instructions differ, inside the messages or beside them', () => {
    const messages = [{ role: 'user', content: 'hi' }]
    const named = [session({ messages }), session({ system: 'a', messages }), session({ system: 'b', messages })]
    assert.equal(new Set(named).size, 3)
  })

  test('is told from one that has a name', () => {
    for (const document of [nameless('one'), { prompt: 'x' }, { system: 'a', messages: [] }])
      assert.equal(isNamedSession(session(document)), false)
    assert.equal(isNamedSession(''), false)
    for (const name of [uuid, 'fp-', 'fp-1']) assert.equal(isNamedSession(session(nameless('one'), { session_id: name })), true)
  })

  test('has a session all the same when it has no messages', () => assert.notEqual(session({ prompt: 'x' }), ''))
})

describe('the kind of a request is', () => {
  const heartbeat = 'Follow the heartbeat monitor scratch context when provided.'
  const cron = '[cron:7f3 daily] Summarise the news.'

  test('heartbeat or cron, when what follows the last assistant message says so', () => {
    assert.equal(kind({ messages: conversation(heartbeat) }), 'heartbeat')
    assert.equal(kind({ messages: conversation('hi', 'hello', 'Read HEARTBEAT.md if it exists.') }), 'heartbeat')
    assert.equal(kind({ messages: conversation('hi', 'hello', cron) }), 'cron')
  })

  test('user, when only an earlier turn was a heartbeat or a cron job', () => {
    assert.equal(kind({ messages: conversation(heartbeat, 'HEARTBEAT_OK', 'Now to something else.') }), 'user')
    assert.equal(kind({ messages: conversation(cron, 'Done.', 'Thank you.') }), 'user')
  })

  test('compaction, when the instructions say so, on both wires', () => {
    const words = `You are a context summarization assistant. ${instructions}`
    assert.equal(
      kind({
        messages: [
          { role: 'system', content: words },
          { role: 'user', content: 'x' },
        ],
      }),
      'compaction',
    )
    assert.equal(kind({ system: words, messages: [{ role: 'user', content: 'x' }] }), 'compaction')
    assert.equal(kind({ messages: conversation('What is "You are a context summarization assistant"?') }), 'user')
  })

  test('probe, when a tiny request asks for a word', () => {
    const messages = [{ role: 'user', content: 'ping' }]
    assert.equal(kind({ max_tokens: 1, messages }), 'probe')
    assert.equal(kind({ max_completion_tokens: 16, messages }), 'probe')
    assert.equal(kind({ max_output_tokens: 16, input: messages }), 'probe')
    const contents = [{ role: 'user', parts: [{ text: 'ping' }] }]
    assert.equal(kind({ contents, generationConfig: { maxOutputTokens: 16 } }), 'probe')
    assert.equal(kind({ contents, generationConfig: { maxOutputTokens: 17 } }), 'user')
    assert.equal(kind({ max_tokens: 17, messages }), 'user')
    assert.equal(kind({ messages }), 'user')
    assert.equal(kind({ max_tokens: 1, messages: conversation('hi') }), 'user', 'with all its instructions it is a real one')
  })
})

type Capture = { readonly headers: Headers; readonly body: JsonObject }
const captures = new Map(
  Object.entries({
    '01': 'openai-completions-first-turn',
    '02': 'openai-completions-second-turn',
    '03': 'openai-completions-after-tool-results',
    '04': 'completions-compat-promptcachekey-affinity',
    '05': 'completions-compat-affinity-after-tool',
    '06': 'completions-cachecontrol-maxtokens-openrouter-thinking',
    '07': 'completions-no-stream-usage',
    '08': 'openai-responses-first',
    '09': 'openai-responses-after-tool',
    '10': 'anthropic-messages-thinking',
    '11': 'anthropic-messages-after-tool',
    '12': 'google-generative-ai-first',
    '13': 'google-generative-ai-after-tool',
    '18': 'heartbeat-turn',
  }),
)
const capture = (number: string) =>
  JSON.parse(readCorpus('openclaw', `${number}-${captures.get(number)!}.json`).toString('utf8')) as Capture

type Message = { readonly role: string; readonly content: string | { readonly text: string }[] }

const textOf = ({ content }: Message): string => (typeof content === 'string' ? content : content.map(({ text }) => text).join('\n'))

/** A captured conversation of chat completions in the fields of another wire, as OpenClaw writes them there. */
const onWire: Readonly<Record<ClientWire, (messages: readonly Message[]) => JsonObject>> = {
  'openai-chat': (messages) => ({ messages: messages as unknown as JsonValue }),
  'openai-responses': (messages) => ({
    input: messages.map((message) => {
      const type = message.role === 'assistant' ? 'output_text' : 'input_text'
      const role = message.role === 'system' ? 'developer' : message.role
      return { type: 'message', role, content: [{ type, text: textOf(message) }] }
    }),
  }),
  'anthropic-messages': (messages) => ({
    system: messages.filter(({ role }) => role === 'system').map((message) => ({ type: 'text', text: textOf(message) })),
    messages: messages
      .filter(({ role }) => role !== 'system')
      .map((message) => ({ role: message.role, content: [{ type: 'text', text: textOf(message) }] })),
  }),
  gemini: (messages) => ({
    contents: messages
      .filter(({ role }) => role !== 'system')
      .map((message) => ({ parts: [{ text: textOf(message) }], role: message.role === 'assistant' ? 'model' : 'user' })),
    systemInstruction: {
      parts: messages.filter(({ role }) => role === 'system').map((message) => ({ text: textOf(message) })),
      role: 'user',
    },
  }),
}

/** The session in the runtime line of the parsed instructions. */
function statedSession({ body }: Capture): string {
  const instructed = JSON.stringify(
    [...instructionFields, ...turnFields].map((field) => (field === undefined ? null : (body[field] ?? null))),
  )
  const stated = /Runtime: agent=[^\n]*sessionId=([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})/.exec(instructed)
  assert.ok(stated?.[1] !== undefined)
  return stated[1]
}

describe('OpenClaw', { skip: skipWithoutCorpus }, () => {
  for (const [number, name] of captures) {
    test(`${name}: its session and what started it are found`, () => {
      const captured = capture(number)
      assert.equal(session(captured.body, captured.headers), statedSession(captured))
      assert.equal(kind(captured.body), number === '18' ? 'heartbeat' : 'user')
    })
  }

  for (const file of ['15-clawrouter-provider-all', '16-litellm-provider-all', '17-own-plugin', '20-clawrouter-status-usage']) {
    test(`${file}: whatever provider OpenClaw takes it for, session and kind are found`, () => {
      const turns = [...readJsonLines<Capture>('openclaw', `${file}.jsonl`)].filter(({ body }) => isObject(body) && 'messages' in body)
      assert.ok(turns.length > 0)
      for (const captured of turns) {
        assert.equal(session(captured.body, captured.headers), statedSession(captured))
        assert.equal(kind(captured.body), 'user')
      }
    })
  }

  test('the turns of one conversation have one session, and another conversation another', () => {
    const [first, second, other] = ['01', '02', '03'].map((number) => session(capture(number).body, capture(number).headers))
    assert.equal(first, second)
    assert.notEqual(first, other)
  })

  test('affinity headers and cache key say the same session as the instructions', () => {
    const { headers, body } = capture('04')
    const { prompt_cache_key: key, ...without } = body
    assert.ok(typeof key === 'string' && headers['x-session-affinity'] === key)
    assert.equal(session(body), session(without))
    assert.equal(session(body, headers), session(without))
  })

  test('a compaction is told from the turn that overflowed', () => {
    const kinds = [...readJsonLines<Capture>('openclaw', '19-overflow-compaction-retry.jsonl')].map(({ body }) => kind(body))
    assert.deepEqual(kinds, ['user', 'compaction', 'compaction'])
  })

  for (const [wire, number] of [
    ['openai-chat', '01'],
    ['openai-responses', '08'],
    ['anthropic-messages', '10'],
    ['gemini', '12'],
  ] as const) {
    test(`${wire}: a heartbeat, a cron turn and a compaction are recognised`, () => {
      const { body } = capture(number)
      const said = (messages: readonly Message[]) => kind({ ...body, ...onWire[wire](messages) })
      const heartbeat = capture('18').body['messages'] as Message[]
      assert.equal(said(heartbeat), 'heartbeat')
      const later = (answer: string, question: string): Message[] => [
        ...heartbeat,
        { role: 'assistant', content: answer },
        { role: 'user', content: question },
      ]
      assert.equal(said(later('HEARTBEAT_OK', 'Now to something else.')), 'user')
      assert.equal(said(later('HEARTBEAT_OK', '[cron:7f3 daily] Summarise the news.')), 'cron')
      const overflow = [...readJsonLines<Capture>('openclaw', '19-overflow-compaction-retry.jsonl')]
      assert.deepEqual(overflow.map((one) => said(one.body['messages'] as Message[])), ['user', 'compaction', 'compaction']) // prettier-ignore
    })
  }
})
