// Requests for Cohere, by its published API (docs.cohere.com/reference/chat, read 2026-11).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AssistantPart, Request, ToolResultPart, Turn } from '#ir'
import { encodeRequest } from './encode-request.ts'

const user: Turn = { role: 'user', parts: [{ type: 'text', text: 'Hi' }] }
const reasoner = 'command-a-reasoning-08-2025'

function encode(request: Partial<Request>, model = 'command-r-08-2024') {
  const whole: Request = { model: 'asked', turns: [user], stream: false, ...request }
  const { body, notes } = encodeRequest(whole, { model, dialect: {}, defaultMaxOutputTokens: 4_096 })
  return { body, notes: notes.map(({ code, path }) => `${code} ${path}`) }
}

test('a plain request has the model, the messages and whether it streams, and nothing else', () => {
  assert.deepEqual(encode({}), {
    body: { model: 'command-r-08-2024', stream: false, messages: [{ role: 'user', content: 'Hi' }] },
    notes: [],
  })
})

test('parameters have the names and the bounds of Cohere', () => {
  const { body, notes } = encode({
    maxOutputTokens: 100,
    stop: ['a', 'b', 'c', 'd', 'e', 'f'],
    temperature: 0.5,
    topP: 1,
    topK: 40,
    seed: 7,
    frequencyPenalty: 1.5,
    presencePenalty: 0.2,
    logprobs: 3,
  })
  const { model: _model, stream: _stream, messages: _messages, ...rest } = body
  assert.deepEqual(rest, {
    max_tokens: 100,
    stop_sequences: ['a', 'b', 'c', 'd', 'e'],
    temperature: 0.5,
    p: 0.99,
    k: 40,
    seed: 7,
    frequency_penalty: 1,
    presence_penalty: 0.2,
    logprobs: true,
  })
  assert.deepEqual(notes.sort(), ['approximated frequencyPenalty', 'approximated logprobs', 'approximated topP', 'dropped stop[5]'])
})

const call = (id: string, args = '{}'): AssistantPart => ({ type: 'tool-call', id, name: 'f', args, ranBy: 'client' })
const result = (id: string, extra: Partial<ToolResultPart> = {}): ToolResultPart => ({
  type: 'tool-result',
  id,
  output: [{ type: 'text', text: 'done' }],
  ...extra,
})

test('a tool round: calls with their text, results as messages of their own, images after them', () => {
  const image = { type: 'media', kind: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' } } as const
  const { body, notes } = encode({
    turns: [
      user,
      { role: 'assistant', parts: [{ type: 'text', text: 'Looking.' }, call('c1', '{"a": 1}'), call('c2', '')] },
      {
        role: 'user',
        parts: [result('c1'), result('c2', { output: [image], failed: true }), { type: 'text', text: 'Go on' }],
      },
    ],
  })
  assert.deepEqual((body['messages'] as unknown[]).slice(1), [
    {
      role: 'assistant',
      content: 'Looking.',
      tool_calls: [
        { id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a": 1}' } },
        { id: 'c2', type: 'function', function: { name: 'f', arguments: '{}' } },
      ],
    },
    { role: 'tool', tool_call_id: 'c1', content: 'done' },
    { role: 'tool', tool_call_id: 'c2', content: 'The output is attached to the next user message.' },
    {
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
        { type: 'text', text: 'Go on' },
      ],
    },
  ])
  assert.deepEqual(notes.sort(), ['approximated turns[2].parts[1].output[0]', 'dropped turns[2].parts[1].failed'])
})

test('instructions come first and once; later ones are said by the user', () => {
  const system = (text: string): Turn => ({ role: 'system', authority: 'system', parts: [{ type: 'text', text }] })
  const { body, notes } = encode({ turns: [system('one'), { ...system('two'), authority: 'developer' } as Turn, user, system('three')] })
  assert.deepEqual(body['messages'], [
    {
      role: 'system',
      content: [
        { type: 'text', text: 'one' },
        { type: 'text', text: 'two' },
      ],
    },
    { role: 'user', content: 'Hi' },
    { role: 'user', content: '<system>\nthree\n</system>' },
  ])
  assert.deepEqual(notes, ['renamed turns[1].authority', 'approximated turns[3]'])
})

const tool = (name: string, strict?: boolean) => ({ type: 'function', name, ...(strict === undefined ? {} : { strict }) }) as const

test('a choice is demanded, forbidden, or made by sending one tool alone', () => {
  const tools = [tool('f'), tool('g')]
  const parameters = { type: 'object', properties: {} }
  const both = ['f', 'g'].map((name) => ({ type: 'function', function: { name, parameters } }))
  const chosen = (request: Partial<Request>) => {
    const { body, notes } = encode({ tools, ...request })
    return [body['tools'], body['tool_choice'], notes]
  }
  assert.deepEqual(chosen({}), [both, undefined, []])
  assert.deepEqual(chosen({ toolChoice: { mode: 'auto' } }), [both, undefined, []])
  assert.deepEqual(chosen({ toolChoice: { mode: 'none' } }), [both, 'NONE', []])
  assert.deepEqual(chosen({ toolChoice: { mode: 'required' } }), [both, 'REQUIRED', []])
  assert.deepEqual(chosen({ toolChoice: { mode: 'tool', name: 'g' } }), [[both[1]], 'REQUIRED', ['approximated toolChoice']])
  assert.deepEqual(chosen({ parallelToolCalls: false }), [both, undefined, ['dropped parallelToolCalls']])
  assert.deepEqual(encode({ toolChoice: { mode: 'required' } }).notes, ['dropped toolChoice'])
})

test('tools are strict together or not at all', () => {
  assert.equal(encode({ tools: [tool('f', true), tool('g', true)] }).body['strict_tools'], true)
  const mixed = encode({ tools: [tool('f', true), tool('g')] })
  assert.equal(mixed.body['strict_tools'], undefined)
  assert.deepEqual(mixed.notes, ['dropped tools[0].strict'])
})

test('a schema is a response format; beside tools it is an instruction', () => {
  const schema = { type: 'object', properties: { a: { type: 'string' } } }
  const output = { type: 'json-schema', schema } as const
  assert.deepEqual(encode({ output }).body['response_format'], { type: 'json_object', json_schema: schema })
  assert.deepEqual(encode({ output: { type: 'json' } }).body['response_format'], { type: 'json_object' })
  const beside = encode({ output, tools: [tool('f')] })
  assert.equal(beside.body['response_format'], undefined)
  const [first] = beside.body['messages'] as { role: string; content: string }[]
  assert.equal(first!.role, 'system')
  assert.ok(first!.content.includes(JSON.stringify(schema)))
  assert.deepEqual(beside.notes, ['approximated output'])
})

test('thinking is enabled, bounded or disabled for models that think, and left out for others', () => {
  const thinking = (reasoning: Request['reasoning'], model = reasoner) => {
    const { body, notes } = encode(reasoning === undefined ? {} : { reasoning }, model)
    return [body['thinking'], notes]
  }
  assert.deepEqual(thinking(undefined), [undefined, []])
  assert.deepEqual(thinking({ mode: 'on', budgetTokens: 500 }), [{ type: 'enabled', token_budget: 500 }, []])
  assert.deepEqual(thinking({ mode: 'off' }), [{ type: 'disabled' }, []])
  assert.deepEqual(thinking({ effort: 'none' }), [{ type: 'disabled' }, []])
  assert.deepEqual(thinking({ effort: 'low' }), [{ type: 'enabled', token_budget: 1_024 }, ['approximated reasoning.effort']])
  assert.deepEqual(thinking({ effort: 'high' }), [{ type: 'enabled' }, ['approximated reasoning.effort']])
  assert.deepEqual(thinking({ effort: 'high' }, 'command-a-03-2025'), [undefined, ['dropped reasoning']])
  assert.deepEqual(thinking({ mode: 'off' }, 'command-a-03-2025'), [undefined, []])
})

test('reasoning of a history is a thinking block, a plan before calls, or is left out; sealed reasoning never goes', () => {
  const reasoning: AssistantPart = { type: 'reasoning', text: 'Hm.' }
  const second = (parts: AssistantPart[], model: string) => {
    const { body, notes } = encode({ turns: [user, { role: 'assistant', parts }, user] }, model)
    return [(body['messages'] as unknown[])[1], notes]
  }
  const text: AssistantPart = { type: 'text', text: 'Yes' }
  const calls = [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }]
  assert.deepEqual(second([reasoning, text], reasoner), [
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'Hm.' },
        { type: 'text', text: 'Yes' },
      ],
    },
    [],
  ])
  assert.deepEqual(second([reasoning, call('c')], 'command-r'), [{ role: 'assistant', tool_plan: 'Hm.', tool_calls: calls }, []])
  assert.deepEqual(second([reasoning, text], 'command-r'), [{ role: 'assistant', content: 'Yes' }, ['dropped turns[1].parts[0]']])
  const sealed: AssistantPart = { ...reasoning, seal: { domain: 'anthropic', kind: 'signature', data: 'x' } }
  assert.deepEqual(second([sealed, text], reasoner), [{ role: 'assistant', content: 'Yes' }, ['dropped turns[1].parts[0]']])
})

test('what Cohere has no place for is noted, each by its name', () => {
  const pdf = { type: 'media', kind: 'document', source: { type: 'base64', mediaType: 'application/pdf', data: 'AA==' } } as const
  const letter = {
    type: 'media',
    kind: 'document',
    name: 'a.txt',
    source: { type: 'base64', mediaType: 'text/plain', data: 'SGVsbG8=' },
  } as const
  const audio = { type: 'media', kind: 'audio', source: { type: 'base64', mediaType: 'audio/wav', data: 'AA==' } } as const
  const file = { type: 'media', kind: 'image', source: { type: 'file', id: 'file-1' } } as const
  const { body, notes } = encode({
    turns: [{ role: 'user', name: 'Ada', parts: [pdf, letter, audio, file, { type: 'text', text: 'Hi', cache: { type: 'ephemeral' } }] }],
    tools: [
      { type: 'hosted', wire: 'anthropic-messages', kind: 'web_search_20250305', value: {} },
      { type: 'custom', name: 'c', value: {} },
    ],
    n: 2,
    user: 'u',
    cacheKey: 'k',
    serviceTier: 'flex',
    verbosity: 'low',
    ext: { 'openai-chat': { store: true } },
  })
  assert.deepEqual(body['messages'], [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'a.txt:\nHello' },
        { type: 'text', text: 'Hi' },
      ],
    },
  ])
  assert.deepEqual(notes.sort(), [
    'approximated turns[0].parts[1]',
    'dropped cacheKey',
    'dropped ext.openai-chat.store',
    'dropped n',
    'dropped serviceTier',
    'dropped tools[0]',
    'dropped tools[1]',
    'dropped turns[0].name',
    'dropped turns[0].parts[0]',
    'dropped turns[0].parts[2]',
    'dropped turns[0].parts[3]',
    'dropped turns[0].parts[4].cache',
    'dropped user',
    'dropped verbosity',
  ])
})

test("fields of this wire's own go as they came, and what the provider refuses does not go at all", () => {
  const own = { documents: [{ id: '1', data: { text: 'x' } }], citation_options: { mode: 'FAST' }, safety_mode: 'STRICT' }
  assert.deepEqual(encode({ ext: { 'cohere-chat': own } }).body['documents'], own.documents)
  const request: Request = { model: 'm', turns: [user], stream: true, seed: 1, ext: { 'cohere-chat': own } }
  const { body, notes } = encodeRequest(request, { model: 'm', dialect: { strip: ['seed'] }, defaultMaxOutputTokens: 1 })
  assert.deepEqual(Object.keys(body).sort(), ['citation_options', 'documents', 'messages', 'model', 'safety_mode', 'stream'])
  assert.deepEqual(notes, [{ code: 'dropped', path: 'seed', why: 'this provider refuses the field' }])
})
