// Reading and writing requests of this wire.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AssistantPart, Request } from '#ir'
import { Failure, type JsonObject, type JsonValue } from '#kernel'
import { decodeRequest } from './decode-request.ts'
import { encodeRequest } from './encode-request.ts'
import { openaiChat } from './index.ts'

const user = { role: 'user', content: 'hi' }
const read = (fields: JsonObject): Request => decodeRequest({ model: 'm', messages: [user], ...fields }).request
const write = (request: Partial<Request>, dialect = {}, sealDomain?: string) =>
  encodeRequest(
    { model: 'm', stream: false, turns: [{ role: 'user', parts: [{ type: 'text', text: 'hi' }] }], ...request },
    { model: 'target', dialect, defaultMaxOutputTokens: 4_096, ...(sealDomain === undefined ? {} : { sealDomain }) },
  )
const messagesOf = (request: Partial<Request>, dialect = {}, sealDomain?: string) =>
  write(request, dialect, sealDomain).body['messages'] as JsonObject[]
const notesOf = ({ notes }: ReturnType<typeof write>) => notes.map(({ code, path }) => `${code} ${path}`)

const wrongRequests: readonly [string, JsonObject, string][] = [
  ['no model', { messages: [user] }, 'model'],
  ['an empty model', { model: '', messages: [user] }, 'model'],
  ['no messages', { model: 'm' }, 'messages'],
  ['messages that are no array', { model: 'm', messages: 'hi' }, 'messages'],
  ['no message', { model: 'm', messages: [] }, 'messages'],
  ['a message that is no object', { model: 'm', messages: [user, 'hi'] }, 'messages[1]'],
  ['an unknown role', { model: 'm', messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role'],
  ['content that is a number', { model: 'm', messages: [user, user, { role: 'user', content: 7 }] }, 'messages[2].content'],
  ['a text part without text', { model: 'm', messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'messages[0].content[0].text'],
  [
    'an image in the instructions',
    { model: 'm', messages: [{ role: 'system', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
    'messages[0].content[0].type',
  ],
  ['a tool result for no call', { model: 'm', messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].tool_call_id'],
  [
    'a call without a name',
    { model: 'm', messages: [{ role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: {} }] }] },
    'messages[0].tool_calls[0].function.name',
  ],
  ['a tool without a name', { model: 'm', messages: [user], tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name'],
  ['a temperature in words', { model: 'm', messages: [user], temperature: 'hot' }, 'temperature'],
  ['a cap below zero', { model: 'm', messages: [user], max_tokens: -1 }, 'max_tokens'],
  ['stream as a string', { model: 'm', messages: [user], stream: 'true' }, 'stream'],
  ['a stop that is a number', { model: 'm', messages: [user], stop: [1] }, 'stop[0]'],
]
for (const [what, body, param] of wrongRequests) {
  test(`${what} is refused and names \`${param}\``, () => {
    assert.throws(
      () => decodeRequest(body),
      (error) =>
        error instanceof Failure && error.kind === 'invalid_request' && error.details.param === param && error.message.includes(param),
    )
  })
}

test('null is absent for every optional field', () => {
  const optional = [
    'stream',
    'tools',
    'tool_choice',
    'max_tokens',
    'max_completion_tokens',
    'stop',
    'temperature',
    'top_p',
    'seed',
    'n',
    'response_format',
    'user',
    'logit_bias',
    'stream_options',
    'functions',
    'parallel_tool_calls',
    'reasoning_effort',
  ]
  assert.deepEqual(read(Object.fromEntries(optional.map((field) => [field, null]))), read({}))
})

test('system and developer turns keep their place and authority', () => {
  const { turns } = read({
    messages: [user, { role: 'developer', content: 'be brief' }, { role: 'system', content: [{ type: 'text', text: 'be kind' }] }],
  })
  assert.deepEqual(turns.slice(1), [
    { role: 'system', authority: 'developer', parts: [{ type: 'text', text: 'be brief' }] },
    { role: 'system', authority: 'system', parts: [{ type: 'text', text: 'be kind' }] },
  ])
})

test('results of parallel calls are one turn', () => {
  const results = [
    { role: 'tool', tool_call_id: 'a', content: 'A' },
    { role: 'tool', tool_call_id: 'b', content: [{ type: 'text', text: 'B' }] },
  ]
  assert.deepEqual(
    read({ messages: [user, ...results, user] }).turns.map((turn) => turn.parts.length),
    [1, 2, 1],
  )
})

test('media are read: data URLs as base64, other URLs as they are, audio and files', () => {
  const content: JsonValue = [
    { type: 'image_url', image_url: { url: 'data:image/png;base64,QUJD', detail: 'low' } },
    { type: 'image_url', image_url: 'https://x.example/y.png' },
    { type: 'input_audio', input_audio: { data: 'QUJD', format: 'mp3' } },
    { type: 'file', file: { file_data: 'data:application/pdf;base64,QUJD', filename: 'a.pdf' } },
    { type: 'file', file: { file_id: 'file-1' } },
  ]
  const { turns } = read({ messages: [{ role: 'user', content }] })
  assert.deepEqual(turns[0]!.parts, [
    { type: 'media', kind: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'QUJD' }, detail: 'low' },
    { type: 'media', kind: 'image', source: { type: 'url', url: 'https://x.example/y.png' } },
    { type: 'media', kind: 'audio', source: { type: 'base64', mediaType: 'audio/mpeg', data: 'QUJD' } },
    { type: 'media', kind: 'document', source: { type: 'base64', mediaType: 'application/pdf', data: 'QUJD' }, name: 'a.pdf' },
    { type: 'media', kind: 'document', source: { type: 'file', id: 'file-1' } },
  ])
  assert.deepEqual((messagesOf({ turns })[0]!['content'] as JsonObject[])[2], content[2])
})

test('the old functions and function_call are tools, calls and results', () => {
  const request = read({
    functions: [{ name: 'f', parameters: {} }],
    function_call: { name: 'f' },
    messages: [
      user,
      { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } },
      { role: 'function', name: 'f', content: 'ok' },
    ],
  })
  assert.deepEqual(request.toolChoice, { mode: 'tool', name: 'f' })
  const [asked, answered] = [request.turns[1]!.parts[0]!, request.turns[2]!.parts[0]!]
  assert.ok(asked.type === 'tool-call' && answered.type === 'tool-result' && asked.id === answered.id)
})

test('cache marks are read from parts, messages and tools, and written only to providers that know them', () => {
  const cache_control = { type: 'ephemeral', ttl: '1h' }
  const request = read({
    messages: [
      { role: 'system', content: [{ type: 'text', text: 'x', cache_control }] },
      { role: 'user', content: 'y', cache_control },
    ],
    tools: [{ type: 'function', function: { name: 'f' }, cache_control }],
  })
  const known = encodeRequest(request, { model: 'm', dialect: { cacheControl: true }, defaultMaxOutputTokens: 1 })
  assert.equal(JSON.stringify(known.body).split('"ttl":"1h"').length - 1, 3)
  assert.deepEqual(known.notes, [])
  const unknown = encodeRequest(request, { model: 'm', dialect: {}, defaultMaxOutputTokens: 1 })
  assert.ok(!JSON.stringify(unknown.body).includes('cache_control'))
  assert.deepEqual(
    unknown.notes.map((note) => note.path),
    ['tools[0].cache', 'turns[0].parts[0].cache', 'turns[1].parts[0].cache'],
  )
})

test('a cache mark is read from a tool call, and from a message that has nothing else', () => {
  const cache_control = { type: 'ephemeral' }
  const call = (id: string) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })
  const request = read({
    messages: [
      user,
      // As opencode and others on @ai-sdk/openai-compatible write it.
      { role: 'assistant', content: '', tool_calls: [{ ...call('a'), cache_control }] },
      { role: 'tool', tool_call_id: 'a', content: 'ok' },
      { role: 'assistant', content: null, tool_calls: [call('b'), call('c')], cache_control },
      { role: 'tool', tool_call_id: 'b', content: 'ok' },
      { role: 'tool', tool_call_id: 'c', content: 'ok' },
    ],
  })
  const marks = request.turns.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'tool-call' ? [part.cache] : [])))
  assert.deepEqual(marks, [cache_control, undefined, cache_control])
})

test('fields without a word in the IR come back on this wire, and only there', () => {
  const fields = { logit_bias: { '50256': -100 }, store: true, metadata: { a: 'b' }, top_k: 5, web_search_options: {} }
  const request = read(fields)
  const { body, notes } = write(request)
  assert.deepEqual(Object.fromEntries(Object.keys(fields).map((field) => [field, body[field]])), fields)
  assert.deepEqual(notes, [])
  assert.deepEqual(notesOf(write({ ext: { 'anthropic-messages': { container: 'c' } } })), ['dropped ext.anthropic-messages.container'])
})

test('a stream always asks for usage, except where stream_options are refused', () => {
  assert.deepEqual(write({ stream: true }).body['stream_options'], { include_usage: true })
  assert.deepEqual(write(read({ stream: true, stream_options: { include_obfuscation: false } })).body['stream_options'], {
    include_obfuscation: false,
    include_usage: true,
  })
  assert.equal(write({ stream: true }, { streamOptions: false }).body['stream_options'], undefined)
})

test("the dialect chooses the cap's name, the developer role, and what is stripped", () => {
  assert.equal(write({ maxOutputTokens: 7 }).body['max_completion_tokens'], 7)
  assert.equal(write({ maxOutputTokens: 7 }, { maxTokensField: 'max_tokens' }).body['max_tokens'], 7)
  const turns: Request['turns'] = [{ role: 'system', authority: 'developer', parts: [{ type: 'text', text: 'x' }] }]
  assert.equal(messagesOf({ turns }, { developerRole: true })[0]!['role'], 'developer')
  assert.equal(messagesOf({ turns })[0]!['role'], 'system')
  assert.deepEqual(notesOf(write({ turns })), ['renamed turns[0].authority'])
  const stripped = write({ seed: 1 }, { strip: ['seed'] })
  assert.deepEqual([stripped.body['seed'], notesOf(stripped)], [undefined, ['dropped seed']])
})

test('a budget becomes an effort, said as an approximation; an effort stays', () => {
  assert.deepEqual(write({ reasoning: { effort: 'xhigh' } }).body['reasoning_effort'], 'xhigh')
  const budget = write({ reasoning: { mode: 'on', budgetTokens: 20_000 } })
  assert.deepEqual([budget.body['reasoning_effort'], notesOf(budget)], ['high', ['approximated reasoning.budgetTokens']])
  const off = write({ reasoning: { mode: 'off' } })
  assert.deepEqual([off.body['reasoning_effort'], notesOf(off)], [undefined, ['dropped reasoning.mode']])
})

test("OpenRouter's reasoning and DeepSeek's thinking are read, and pass verbatim", () => {
  const request = read({ reasoning: { max_tokens: 2_000, exclude: true } })
  assert.equal(request.reasoning?.budgetTokens, 2_000)
  const { body, notes } = write(request)
  assert.deepEqual([body['reasoning'], body['reasoning_effort'], notes], [{ max_tokens: 2_000, exclude: true }, undefined, []])
  assert.deepEqual(read({ thinking: { type: 'disabled' } }).reasoning, { mode: 'off' })
})

const sealed: Request['turns'] = [
  {
    role: 'assistant',
    parts: [
      { type: 'reasoning', text: 'hm', seal: { domain: 'anthropic', kind: 'signature', data: 'SIG' } },
      { type: 'text', text: 'yes' },
    ],
  },
]

test('reasoning goes back only where the provider reads it, its seal only to who can open it', () => {
  const nowhere = write({ turns: sealed })
  assert.deepEqual(
    [(nowhere.body['messages'] as JsonObject[])[0], notesOf(nowhere)],
    [{ role: 'assistant', content: 'yes' }, ['dropped turns[0].parts[0]']],
  )
  const foreign = write({ turns: sealed }, { reasoningField: 'reasoning_content' }, 'openai')
  assert.equal((foreign.body['messages'] as JsonObject[])[0]!['reasoning_content'], 'hm')
  assert.ok(!JSON.stringify(foreign.body).includes('SIG'))
  assert.deepEqual(notesOf(foreign), ['dropped turns[0].parts[0].seal'])
  const own = messagesOf({ turns: sealed }, { reasoningField: 'reasoning' }, 'anthropic')
  assert.deepEqual(own[0]!['reasoning_details'], [
    { type: 'reasoning.text', text: 'hm', signature: 'SIG', format: 'anthropic-claude-v1', index: 0 },
  ])
  assert.deepEqual(read({ messages: own }).turns, sealed)
})

test('a signature without its text, as some clients keep it, seals the plain reasoning', () => {
  const message = {
    role: 'assistant',
    content: 'yes',
    reasoning_content: 'hm',
    reasoning_details: [{ type: 'reasoning.text', signature: 'SIG', format: 'anthropic-claude-v1' }],
  }
  assert.deepEqual(read({ messages: [message] }).turns, sealed)
})

test('an image that a tool returned follows its result in a user message', () => {
  const image = { type: 'media', kind: 'image', source: { type: 'url', url: 'https://x.example/y.png' } } as const
  const turns: Request['turns'] = [
    {
      role: 'user',
      parts: [
        { type: 'tool-result', id: 'a', output: [{ type: 'text', text: 'done' }, image] },
        { type: 'tool-result', id: 'b', output: [] },
      ],
    },
  ]
  const messages = messagesOf({ turns })
  assert.deepEqual(
    messages.map(({ role }) => role),
    ['tool', 'tool', 'user'],
  )
  assert.deepEqual(messages[2]!['content'], [{ type: 'image_url', image_url: { url: 'https://x.example/y.png' } }])
  assert.deepEqual(notesOf(write({ turns })), ['approximated turns[0].parts[0].output[1]'])
})

test('what a provider ran itself, and blocks of other wires, are dropped with a note each', () => {
  const turns: Request['turns'] = [
    {
      role: 'assistant',
      parts: [
        { type: 'tool-call', id: 's', name: 'web_search', args: '{}', ranBy: 'provider' },
        { type: 'tool-result', id: 's', output: [] },
        { type: 'opaque', wire: 'anthropic-messages', kind: 'x', value: {} },
        { type: 'text', text: 'found' },
      ],
    },
  ]
  assert.deepEqual(messagesOf({ turns }), [{ role: 'assistant', content: 'found' }])
  assert.equal(write({ turns }).notes.length, 3)
})

test('custom and hosted tools pass verbatim, the first chosen by its own kind', () => {
  const tools = [
    { type: 'custom', custom: { name: 'sql', format: { type: 'text' } } },
    { type: 'web_search', filters: {} },
  ]
  const request = read({ tools, tool_choice: { type: 'custom', custom: { name: 'sql' } } })
  const { body } = write(request)
  assert.deepEqual([body['tools'], body['tool_choice']], [tools, { type: 'custom', custom: { name: 'sql' } }])
})

test('a schema is kept where it is understood, and said to be lost where not', () => {
  const response_format = { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' }, strict: true } }
  const request = read({ response_format })
  assert.deepEqual(write(request).body['response_format'], response_format)
  const poorer = write(request, { jsonSchema: false })
  assert.deepEqual([poorer.body['response_format'], notesOf(poorer)], [{ type: 'json_object' }, ['approximated output']])
})

test('the fifth stop sequence and those after it stay behind, which OpenAI would refuse', () => {
  const { body, notes } = write({ stop: ['a', 'b', 'c', 'd', 'e', 'f'] })
  assert.deepEqual(body['stop'], ['a', 'b', 'c', 'd'])
  assert.deepEqual(
    notes.map(({ path }) => path),
    ['stop[4]', 'stop[5]'],
  )
})

test('names of tools that this wire refuses are others there, the same in tools, choice and history', () => {
  const long = `mcp__server__${'x'.repeat(80)}`
  const call = (name: string): AssistantPart => ({ type: 'tool-call', id: `call_${name.length}`, name, args: '{}', ranBy: 'client' })
  const written = write({
    tools: [long, 'a.b', 'look'].map((name) => ({ type: 'function', name })),
    toolChoice: { mode: 'tool', name: long },
    turns: [{ role: 'assistant', parts: [call(long), call('look')] }],
  })
  const names = (written.body['tools'] as { function: { name: string } }[]).map((tool) => tool.function.name)
  for (const name of names) assert.match(name, /^[a-zA-Z0-9_-]{1,64}$/)
  assert.deepEqual(
    names,
    [long, 'a.b', 'look'].map((name) => openaiChat.egress.toolName!(name)),
  )
  assert.equal(new Set([...names, long, 'a.b']).size, 5)
  assert.equal(names[2], 'look')
  assert.deepEqual(written.body['tool_choice'], { type: 'function', function: { name: names[0] } })
  const [said] = written.body['messages'] as { tool_calls: { function: { name: string } }[] }[]
  assert.deepEqual(
    said!.tool_calls.map((each) => each.function.name),
    [names[0], 'look'],
  )
  assert.deepEqual(notesOf(written), ['renamed tools[0].name', 'renamed tools[1].name', 'renamed turns[0].parts[0].name'])
})
