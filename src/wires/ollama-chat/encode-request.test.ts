// Requests for Ollama, by its published API (docs.ollama.com/api/chat, read 2026-11).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AssistantPart, Dialect, Request, ToolResultPart, Turn } from '#ir'
import { encodeRequest } from './encode-request.ts'

const user: Turn = { role: 'user', parts: [{ type: 'text', text: 'Hi' }] }

function encode(request: Partial<Request>, model = 'qwen3', dialect: Dialect = {}) {
  const whole: Request = { model: 'asked', turns: [user], stream: false, ...request }
  const { body, notes } = encodeRequest(whole, { model, dialect, defaultMaxOutputTokens: 4_096 })
  return { body, notes: notes.map(({ code, path }) => `${code} ${path}`) }
}

test('a plain request says whether it streams, and that its prompt may not be cut in silence', () => {
  const body = { truncate: false, shift: false, model: 'qwen3', messages: [{ role: 'user', content: 'Hi' }], stream: false }
  assert.deepEqual(encode({}), { body, notes: [] })
  assert.equal(encode({ stream: true }).body['stream'], true)
})

test('parameters become options', () => {
  const { body, notes } = encode({
    maxOutputTokens: 100,
    stop: ['END'],
    temperature: 0.5,
    topP: 0.9,
    topK: 40,
    seed: 7,
    frequencyPenalty: 0.1,
    presencePenalty: 0.2,
    logprobs: 2,
    ext: { 'ollama-chat': { keep_alive: '10m', options: { num_ctx: 8_192, seed: 1 } } },
  })
  assert.deepEqual(body['options'], {
    num_ctx: 8_192,
    num_predict: 100,
    stop: ['END'],
    temperature: 0.5,
    top_p: 0.9,
    top_k: 40,
    seed: 7,
    frequency_penalty: 0.1,
    presence_penalty: 0.2,
  })
  assert.deepEqual([body['logprobs'], body['top_logprobs'], body['keep_alive']], [true, 2, '10m'])
  assert.deepEqual(notes, [])
})

const call = (id: string, args: string): AssistantPart => ({ type: 'tool-call', id, name: `tool_${id}`, args, ranBy: 'client' })
const result = (id: string, extra: Partial<ToolResultPart> = {}): ToolResultPart => ({
  type: 'tool-result',
  id,
  output: [{ type: 'text', text: 'done' }],
  ...extra,
})
const image = { type: 'media', kind: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' } } as const

test('a tool round: arguments are objects, results name their tool, images follow them', () => {
  const { body, notes } = encode({
    turns: [
      user,
      { role: 'assistant', parts: [{ type: 'text', text: 'Looking.' }, call('a', '{"x":1}'), call('b', '{"x":'), call('c', '')] },
      { role: 'user', parts: [result('a'), result('b', { output: [image] }), result('unknown')] },
    ],
  })
  assert.deepEqual((body['messages'] as unknown[]).slice(1), [
    {
      role: 'assistant',
      content: 'Looking.',
      tool_calls: [
        { id: 'a', function: { name: 'tool_a', arguments: { x: 1 } } },
        { id: 'b', function: { name: 'tool_b', arguments: { unparsed_arguments: '{"x":' } } },
        { id: 'c', function: { name: 'tool_c', arguments: {} } },
      ],
    },
    { role: 'tool', content: 'done', tool_name: 'tool_a', tool_call_id: 'a' },
    { role: 'tool', content: 'The output is attached to the next user message.', tool_name: 'tool_b', tool_call_id: 'b' },
    { role: 'tool', content: 'done', tool_call_id: 'unknown' },
    { role: 'user', content: '', images: ['AAAA'] },
  ])
  assert.deepEqual(notes, ['approximated turns[1].parts[2].args', 'approximated turns[2].parts[1].output[0]'])
})

test('texts of a message are joined as Ollama joins them, images stand beside them, other media are noted', () => {
  const linked = { type: 'media', kind: 'image', source: { type: 'url', url: 'https://example.org/a.png' } } as const
  const pdf = { type: 'media', kind: 'document', source: { type: 'base64', mediaType: 'application/pdf', data: 'AA==' } } as const
  const letter = { type: 'media', kind: 'document', source: { type: 'base64', mediaType: 'text/plain', data: 'SGVsbG8=' } } as const
  const { body, notes } = encode({
    turns: [{ role: 'user', parts: [{ type: 'text', text: 'One' }, image, linked, pdf, letter, { type: 'text', text: 'Two' }] }],
  })
  assert.deepEqual(body['messages'], [{ role: 'user', content: 'One\n\nHello\n\nTwo', images: ['AAAA'] }])
  assert.deepEqual(notes, ['dropped turns[0].parts[2]', 'dropped turns[0].parts[3]', 'approximated turns[0].parts[4]'])
})

test('tools are sent unless none may be called; a call cannot be demanded', () => {
  const tools = [{ type: 'function', name: 'f', description: 'F', input: { type: 'object' }, strict: true } as const]
  const encoded = [{ type: 'function', function: { name: 'f', description: 'F', parameters: { type: 'object' } } }]
  assert.deepEqual(encode({ tools }).body['tools'], encoded)
  assert.deepEqual(encode({ tools }).notes, ['dropped tools[0].strict'])
  assert.deepEqual(encode({ tools, toolChoice: { mode: 'auto' } }).notes, ['dropped tools[0].strict'])
  const none = encode({ tools, toolChoice: { mode: 'none' } })
  assert.deepEqual([none.body['tools'], none.notes], [undefined, ['approximated toolChoice']])
  const required = encode({ tools, toolChoice: { mode: 'tool', name: 'f' }, parallelToolCalls: false })
  assert.deepEqual(required.body['tools'], encoded)
  assert.deepEqual(required.notes, ['dropped tools[0].strict', 'dropped toolChoice', 'dropped parallelToolCalls'])
})

test('a format is "json" or the schema itself', () => {
  const schema = { type: 'object', properties: { a: { type: 'string' } } }
  assert.equal(encode({ output: { type: 'json' } }).body['format'], 'json')
  assert.equal(encode({ output: { type: 'text' } }).body['format'], undefined)
  const named = encode({ output: { type: 'json-schema', name: 'n', schema } })
  assert.deepEqual([named.body['format'], named.notes], [schema, ['dropped output.name']])
})

test('thinking is on or off; only gpt-oss takes a level', () => {
  const think = (reasoning: Request['reasoning'], model?: string, dialect?: Dialect) => {
    const { body, notes } = encode(reasoning === undefined ? {} : { reasoning }, model, dialect)
    return [body['think'], notes]
  }
  assert.deepEqual(think(undefined), [undefined, []])
  assert.deepEqual(think({ mode: 'on' }), [true, []])
  assert.deepEqual(think({ mode: 'off' }), [false, []])
  assert.deepEqual(think({ effort: 'none' }), [false, []])
  assert.deepEqual(think({ effort: 'low' }), [true, ['approximated reasoning.effort']])
  assert.deepEqual(think({ effort: 'low' }, 'gpt-oss:20b'), ['low', []])
  assert.deepEqual(think({ effort: 'max' }, 'gpt-oss:20b'), ['high', ['approximated reasoning.effort']])
  assert.deepEqual(think({ mode: 'on', budgetTokens: 8_000 }, 'gpt-oss:20b'), ['medium', ['approximated reasoning.budgetTokens']])
  assert.deepEqual(think({ effort: 'low' }, 'llama3', { reasoningEffort: false }), [undefined, ['dropped reasoning']])
})

test('thoughts of a history stand beside the words; sealed ones, and all where the provider takes none, stay away', () => {
  const thought: AssistantPart = { type: 'reasoning', text: 'Hm.' }
  const text: AssistantPart = { type: 'text', text: 'Yes' }
  const second = (parts: AssistantPart[], dialect?: Dialect) => {
    const { body, notes } = encode({ turns: [user, { role: 'assistant', parts }, user] }, 'qwen3', dialect)
    return [(body['messages'] as unknown[])[1], notes]
  }
  const plain = { role: 'assistant', content: 'Yes' }
  assert.deepEqual(second([thought, text]), [{ ...plain, thinking: 'Hm.' }, []])
  assert.deepEqual(second([thought, text], { reasoningField: 'none' }), [plain, ['dropped turns[1].parts[0]']])
  const sealed: AssistantPart = { ...thought, seal: { domain: 'openai', kind: 'encrypted', data: 'x' } }
  assert.deepEqual(second([sealed, text]), [plain, ['dropped turns[1].parts[0]']])
})

test('what Ollama has no place for is noted, each by its name', () => {
  const { notes } = encode({
    turns: [
      { role: 'system', authority: 'developer', parts: [{ type: 'text', text: 'S', cache: { type: 'ephemeral' } }] },
      { role: 'user', name: 'Ada', parts: [{ type: 'text', text: 'Hi' }] },
    ],
    tools: [{ type: 'hosted', wire: 'gemini', kind: 'google_search', value: {} }],
    n: 2,
    user: 'u',
    cacheKey: 'k',
    serviceTier: 'flex',
    verbosity: 'low',
    ext: { 'openai-chat': { store: true } },
  })
  assert.deepEqual(notes.sort(), [
    'dropped cacheKey',
    'dropped ext.openai-chat.store',
    'dropped n',
    'dropped serviceTier',
    'dropped tools[0]',
    'dropped turns[0].parts[0].cache',
    'dropped turns[1].name',
    'dropped user',
    'dropped verbosity',
    'renamed turns[0].authority',
  ])
})
