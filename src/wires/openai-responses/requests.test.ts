// What clients of the Responses API send, read; and what goes to providers that speak it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AssistantPart, Request, Turn, UserPart } from '#ir'
import { Failure, type JsonObject } from '#kernel'
import { openaiResponses } from './index.ts'

const { ingress, egress } = openaiResponses

const decode = (fields: JsonObject): Request => ingress.decodeRequest({ model: 'm', input: 'Hi', ...fields }).request
const turnsOf = (input: JsonObject[]): readonly Turn[] => decode({ input }).turns

function encode(request: Partial<Request>, model = 'gpt-4.1', more: object = {}) {
  const whole: Request = { model: 'm', stream: false, turns: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }], ...request }
  const { body, notes } = egress.encodeRequest(whole, { model, dialect: {}, sealDomain: 'openai', defaultMaxOutputTokens: 4_096, ...more })
  return { body, notes: notes.map(({ code, path }) => `${code} ${path}`) }
}

/** The path that a refusal names. */
function refusal(fields: JsonObject): string | undefined {
  try {
    decode(fields)
  } catch (error) {
    assert.ok(error instanceof Failure && error.kind === 'invalid_request')
    assert.ok(error.message.includes(error.details.param!), error.message)
    return error.details.param
  }
  return undefined
}

test('instructions come first, a string is what the user says, and messages keep their authority', () => {
  assert.deepEqual(decode({ instructions: 'Be brief.' }).turns, [
    { role: 'system', authority: 'system', parts: [{ type: 'text', text: 'Be brief.' }] },
    { role: 'user', parts: [{ type: 'text', text: 'Hi' }] },
  ])
  assert.deepEqual(turnsOf([{ role: 'developer', content: [{ type: 'input_text', text: 'Be brief.' }] }]), [
    { role: 'system', authority: 'developer', parts: [{ type: 'text', text: 'Be brief.' }] },
  ])
})

test('what a model made in one go is one turn, and the outputs that follow are one turn of the user', () => {
  const call = { type: 'function_call', id: 'fc_1', status: 'completed', call_id: 'call_1', name: 'f', arguments: '{"a": 1}' }
  const turns = turnsOf([
    { role: 'user', content: 'Hi' },
    { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Hm' }], encrypted_content: 'gAAA' },
    { type: 'message', role: 'assistant', phase: 'commentary', content: [{ type: 'output_text', text: 'Let me see', annotations: [] }] },
    call,
    { type: 'custom_tool_call', call_id: 'call_2', name: 'sql', input: 'SELECT 1' },
    { type: 'function_call_output', call_id: 'call_1', output: 'one' },
    {
      type: 'custom_tool_call_output',
      call_id: 'call_2',
      output: [
        { type: 'input_text', text: 'two' },
        { type: 'input_image', image_url: 'data:image/png;base64,QUJD', detail: 'high' },
      ],
    },
    { role: 'user', content: 'Go on' },
  ])
  const phase = { ext: { 'openai-responses': { phase: 'commentary' } } }
  assert.deepEqual(turns, [
    { role: 'user', parts: [{ type: 'text', text: 'Hi' }] },
    {
      role: 'assistant',
      parts: [
        {
          type: 'reasoning',
          text: 'Hm',
          summary: true,
          seal: { domain: 'openai', kind: 'encrypted', data: 'gAAA', itemId: 'rs_1' },
        },
        { type: 'text', text: 'Let me see', ...phase },
        { type: 'tool-call', id: 'call_1', name: 'f', args: '{"a": 1}', ranBy: 'client' },
        { type: 'tool-call', id: 'call_2', name: 'sql', args: 'SELECT 1', ranBy: 'client', kind: 'custom' },
      ],
    },
    {
      role: 'user',
      parts: [
        { type: 'tool-result', id: 'call_1', output: [{ type: 'text', text: 'one' }] },
        {
          type: 'tool-result',
          id: 'call_2',
          output: [
            { type: 'text', text: 'two' },
            { type: 'media', kind: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'QUJD' }, detail: 'high' },
          ],
        },
      ],
    },
    { role: 'user', parts: [{ type: 'text', text: 'Go on' }] },
  ])
})

test('images, files and sound are media, by data, address or id', () => {
  const parts = turnsOf([
    {
      role: 'user',
      content: [
        { type: 'input_image', image_url: 'https://a.example/b.png', detail: 'auto' },
        { type: 'input_image', file_id: 'file_1' },
        { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,QUJD' },
        { type: 'input_file', filename: 'a.csv', file_data: 'QUJD' },
        { type: 'input_file', file_url: 'https://a.example/b.pdf' },
        { type: 'input_audio', input_audio: { data: 'QUJD', format: 'mp3' } },
        { type: 'input_hologram', hologram: 1 },
      ],
    },
  ])[0]!.parts
  assert.deepEqual(parts, [
    { type: 'media', kind: 'image', source: { type: 'url', url: 'https://a.example/b.png' } },
    { type: 'media', kind: 'image', source: { type: 'file', id: 'file_1' } },
    { type: 'media', kind: 'document', source: { type: 'base64', mediaType: 'application/pdf', data: 'QUJD' }, name: 'a.pdf' },
    { type: 'media', kind: 'document', source: { type: 'base64', mediaType: 'text/csv', data: 'QUJD' }, name: 'a.csv' },
    { type: 'media', kind: 'document', source: { type: 'url', url: 'https://a.example/b.pdf' } },
    { type: 'media', kind: 'audio', source: { type: 'base64', mediaType: 'audio/mpeg', data: 'QUJD' } },
    { type: 'opaque', wire: 'openai-responses', kind: 'content/input_hologram', value: { type: 'input_hologram', hologram: 1 } },
  ])
})

test('parameters have the words of the language; the defaults say nothing', () => {
  const request = decode({
    stream: true,
    max_output_tokens: 100,
    temperature: 0.5,
    top_p: 0.9,
    top_logprobs: 3,
    include: ['message.output_text.logprobs', 'reasoning.encrypted_content'],
    reasoning: { effort: 'high', summary: 'auto' },
    text: { verbosity: 'low', format: { type: 'json_schema', name: 'n', schema: { type: 'object' }, strict: true } },
    service_tier: 'flex',
    safety_identifier: 'somebody',
    prompt_cache_key: 'key',
    parallel_tool_calls: false,
    store: false,
    background: false,
    truncation: 'disabled',
    stream_options: { include_obfuscation: false },
    metadata: {},
    previous_response_id: null,
    tools: [
      { type: 'function', name: 'f', description: 'd', parameters: { type: 'object' }, strict: true },
      { type: 'custom', name: 'sql', format: { type: 'grammar', syntax: 'lark', definition: 'x' } },
      { type: 'web_search' },
    ],
    tool_choice: { type: 'function', name: 'f' },
  })
  const { model: _model, turns: _turns, ...rest } = request
  assert.deepEqual(rest, {
    stream: true,
    maxOutputTokens: 100,
    temperature: 0.5,
    topP: 0.9,
    logprobs: 3,
    reasoning: { effort: 'high', display: 'summarized' },
    output: { type: 'json-schema', name: 'n', schema: { type: 'object' }, strict: true },
    verbosity: 'low',
    serviceTier: 'flex',
    user: 'somebody',
    cacheKey: 'key',
    parallelToolCalls: false,
    tools: [
      { type: 'function', name: 'f', description: 'd', input: { type: 'object' }, strict: true },
      // As chat completions have it, so that either wire can write it.
      {
        type: 'custom',
        name: 'sql',
        value: { type: 'custom', custom: { name: 'sql', format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'x' } } } },
      },
      { type: 'hosted', wire: 'openai-responses', kind: 'web_search', value: { type: 'web_search' } },
    ],
    toolChoice: { mode: 'tool', name: 'f' },
  })
})

test('what the language has no word for is kept for this wire, and noted on others: a store that is asked for among them', () => {
  const { ext } = decode({
    store: true,
    truncation: 'auto',
    max_tool_calls: 3,
    metadata: { a: 'b' },
    include: ['file_search_call.results'],
    reasoning: { effort: 'low', summary: 'detailed' },
    tool_choice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'f' }] },
  })
  assert.deepEqual(ext, {
    'openai-responses': {
      store: true,
      truncation: 'auto',
      max_tool_calls: 3,
      metadata: { a: 'b' },
      include: ['file_search_call.results'],
      reasoning: { summary: 'detailed' },
      tool_choice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'f' }] },
    },
  })
})

test('what only the provider that keeps it could answer is refused, and named', () => {
  assert.equal(refusal({ previous_response_id: 'resp_1' }), 'previous_response_id')
  assert.equal(refusal({ conversation: { id: 'conv_1' } }), 'conversation')
  assert.equal(refusal({ prompt: { id: 'pmpt_1' } }), 'prompt')
  assert.equal(refusal({ background: true }), 'background')
  assert.equal(refusal({ input: [{ type: 'item_reference', id: 'msg_1' }] }), 'input[0]')
  assert.equal(refusal({ input: [{ id: 'msg_1' }] }), 'input[0]')
  assert.equal(refusal({ input: [{ type: 'compaction', encrypted_content: 'x' }] }), 'input[0]')
})

test('bad input is refused by the name of its field', () => {
  const cases: readonly (readonly [JsonObject, string])[] = [
    [{ model: '' }, 'model'],
    [{ input: null }, 'input'],
    [{ input: 7 }, 'input'],
    [{ input: ['Hi'] }, 'input[0]'],
    [{ input: [{ role: 'robot', content: 'Hi' }] }, 'input[0].role'],
    [{ input: [{ role: 'user' }] }, 'input[0].content'],
    [{ input: [{ role: 'user', content: [{ type: 'input_text' }] }] }, 'input[0].content[0].text'],
    [{ input: [{ role: 'user', content: [{ type: 'input_image' }] }] }, 'input[0].content[0].image_url'],
    [
      { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'data:image/png;base64,@@' }] }] },
      'input[0].content[0].image_url',
    ],
    [{ input: [{ role: 'system', content: [{ type: 'input_image', file_id: 'f' }] }] }, 'input[0].content[0].type'],
    [{ input: [{ type: 'function_call', name: 'f', arguments: '{}' }] }, 'input[0].call_id'],
    [{ input: [{ type: 'function_call', call_id: 'c', arguments: '{}' }] }, 'input[0].name'],
    [{ input: [{ type: 'function_call_output', call_id: 'c', output: 'x' }] }, 'input[0].call_id'],
    [{ max_output_tokens: -1 }, 'max_output_tokens'],
    [{ temperature: 'hot' }, 'temperature'],
    [{ tools: [{ type: 'function' }] }, 'tools[0].name'],
    [{ tools: [{ name: 'f' }] }, 'tools[0].type'],
    [{ tools: [{ type: 'function', name: 'f', parameters: 'x' }] }, 'tools[0].parameters'],
    [{ tool_choice: 7 }, 'tool_choice'],
    [{ tool_choice: { type: 'function' } }, 'tool_choice.name'],
    [{ text: 'json' }, 'text'],
    [{ reasoning: 'much' }, 'reasoning'],
  ]
  for (const [fields, param] of cases) assert.equal(refusal(fields), param, JSON.stringify(fields))
  const call = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }
  const output = { type: 'function_call_output', call_id: 'c', output: 'x' }
  assert.equal(refusal({ input: [call, call] }), 'input[1].call_id')
  assert.equal(refusal({ input: [call, output, output] }), 'input[2].call_id')
})

test('nothing is stored unless the client asked for it, and functions are not made strict by silence', () => {
  const { body, notes } = encode({ tools: [{ type: 'function', name: 'f' }] })
  assert.deepEqual(body, {
    model: 'gpt-4.1',
    input: [{ type: 'message', role: 'user', content: 'Hi' }],
    store: false,
    tools: [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false }],
  })
  assert.deepEqual(notes, [])
  assert.equal(encode({ ext: { 'openai-responses': { store: true } } }).body['store'], true)
})

test('encrypted reasoning is asked for where a model reasons, and never where it refuses the question', () => {
  const asked = (model: string, reasoning?: Request['reasoning']) =>
    encode(reasoning === undefined ? {} : { reasoning }, model).body['include']
  assert.deepEqual(asked('gpt-5.2'), ['reasoning.encrypted_content'])
  assert.deepEqual(asked('openai/o3'), ['reasoning.encrypted_content'])
  assert.equal(asked('gpt-4.1', { effort: 'high' }), undefined)
  assert.equal(asked('gpt-5-chat-latest'), undefined)
  assert.equal(asked('our-deployment'), undefined)
  assert.deepEqual(asked('our-deployment', { effort: 'high' }), ['reasoning.encrypted_content'])
})

test('a seal goes back to its own vendor with the id that it was made for; other reasoning stays behind with a note', () => {
  const turns: Turn[] = [
    {
      role: 'assistant',
      parts: [
        { type: 'reasoning', text: 'One', summary: true },
        { type: 'reasoning', text: 'Two', summary: true, seal: { domain: 'openai', kind: 'encrypted', data: 'gAAA', itemId: 'rs_1' } },
        { type: 'reasoning', text: 'Foreign', seal: { domain: 'anthropic', kind: 'signature', data: 'sig' } },
        { type: 'text', text: 'Hi' },
      ],
    },
  ]
  const { body, notes } = encode({ turns })
  assert.deepEqual(body['input'], [
    {
      type: 'reasoning',
      id: 'rs_1',
      summary: [
        { type: 'summary_text', text: 'One' },
        { type: 'summary_text', text: 'Two' },
      ],
      encrypted_content: 'gAAA',
    },
    { type: 'message', role: 'assistant', content: 'Hi' },
  ])
  assert.deepEqual(notes, ['dropped turns[0].parts[2]'])
  // A server that reads plain reasoning gets the text, without the seal of another.
  const plain = encode({ turns }, 'gpt-oss-120b', { sealDomain: undefined, dialect: { reasoningField: 'reasoning' } })
  assert.deepEqual((plain.body['input'] as JsonObject[])[1], {
    type: 'reasoning',
    summary: [],
    content: [{ type: 'reasoning_text', text: 'Foreign' }],
  })
})

test("Gemini's signature of a call travels beside the call, to who can open it and to nobody else", () => {
  const seal = { domain: 'google', kind: 'signature', data: 'sig' } as const
  const turns: Turn[] = [
    { role: 'assistant', parts: [{ type: 'tool-call', id: 'c', name: 'f', args: '{}', ranBy: 'client', seal }] },
    { role: 'user', parts: [{ type: 'tool-result', id: 'c', output: [] }] },
  ]
  const sent = encode({ turns }, 'm', { sealDomain: 'google' }).body['input'] as JsonObject[]
  assert.deepEqual(sent[0]!['extra_content'], { google: { thought_signature: 'sig' } })
  assert.deepEqual(turnsOf(sent), turns)
  const foreign = encode({ turns })
  assert.equal((foreign.body['input'] as JsonObject[])[0]!['extra_content'], undefined)
  assert.deepEqual(foreign.notes, ['dropped turns[0].parts[0].seal'])
})

test('calls and outputs pair off: an output alone is said as text, a call alone gets an output that says so', () => {
  const { body, notes } = encode({
    turns: [
      { role: 'user', parts: [{ type: 'tool-result', id: 'gone', output: [{ type: 'text', text: 'x' }] }] },
      { role: 'assistant', parts: [{ type: 'tool-call', id: 'c', name: 'f', args: '{}', ranBy: 'client' }] },
      { role: 'user', parts: [{ type: 'text', text: 'Never mind' }] },
    ],
  })
  assert.deepEqual(body['input'], [
    {
      type: 'message',
      role: 'user',
      content: [
        { type: 'input_text', text: 'Result of the tool call gone:' },
        { type: 'input_text', text: 'x' },
      ],
    },
    { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
    { type: 'function_call_output', call_id: 'c', output: 'This call has no recorded result.' },
    { type: 'message', role: 'user', content: 'Never mind' },
  ])
  assert.deepEqual(notes, ['approximated turns[0].parts[0]', 'approximated turns[1].parts[0]'])
})

test('an id that is too long or that an earlier call had is mapped, the same way in the call and in its output', () => {
  const long = `call_${'x'.repeat(80)}`
  const round = (id: string): Turn[] => [
    { role: 'assistant', parts: [{ type: 'tool-call', id, name: 'f', args: '{}', ranBy: 'client' }] },
    { role: 'user', parts: [{ type: 'tool-result', id, output: [] }] },
  ]
  const input = encode({ turns: [...round(long), ...round('call_0'), ...round('call_0')] }).body['input'] as JsonObject[]
  const ids = input.map((item) => item['call_id'] as string)
  assert.ok(ids.every((id) => id.length <= 64))
  assert.deepEqual([ids[0], ids[2], ids[4]], [ids[1], ids[3], ids[5]])
  assert.equal(new Set(ids).size, 3)
})

test('what this wire lacks is noted, and what a reasoning model refuses is not sent to it', () => {
  const { body, notes } = encode(
    { stop: ['x'], seed: 1, topK: 4, n: 2, temperature: 0.5, topP: 0.5, maxOutputTokens: 1, user: 'u'.repeat(65), frequencyPenalty: 0 },
    'gpt-5',
  )
  assert.deepEqual(notes.sort(), [
    'approximated maxOutputTokens',
    'dropped n',
    'dropped seed',
    'dropped stop',
    'dropped temperature',
    'dropped topK',
    'dropped topP',
    'dropped user',
  ])
  assert.equal(body['max_output_tokens'], 16)
  assert.equal(encode({ temperature: 0.5 }, 'gpt-4.1').body['temperature'], 0.5)
  assert.equal(encode({ temperature: 0.5, reasoning: { mode: 'off', effort: 'none' } }, 'gpt-5.2').body['temperature'], 0.5)
})

test('thinking is an effort, and who asks to think sees a summary', () => {
  const reasoning = (value: Request['reasoning'], model = 'gpt-5') => encode({ reasoning: value! }, model)
  assert.deepEqual(reasoning({ mode: 'on', budgetTokens: 4_000 }).body['reasoning'], { effort: 'medium', summary: 'auto' })
  assert.deepEqual(reasoning({ mode: 'on', budgetTokens: 4_000 }).notes, ['approximated reasoning.budgetTokens'])
  assert.deepEqual(reasoning({ effort: 'xhigh' }).body['reasoning'], { effort: 'xhigh' })
  assert.deepEqual(reasoning({ mode: 'adaptive', display: 'omitted', effort: 'low' }).body['reasoning'], { effort: 'low' })
  assert.deepEqual(reasoning({ mode: 'off' }).notes, ['dropped reasoning.mode'])
  assert.deepEqual(reasoning({ effort: 'high' }, 'gpt-4.1').notes, ['dropped reasoning'])
})

test('a thousand tools and a schema that refers to itself pass as they are', () => {
  const loop = { type: 'object', properties: { next: { $ref: '#' } } }
  const tools = Array.from({ length: 1_000 }, (_, at) => ({ type: 'function', name: `f${at}`, parameters: loop, strict: false }))
  assert.deepEqual(egress.encodeRequest(decode({ tools }), { model: 'm', dialect: {}, defaultMaxOutputTokens: 1 }).body['tools'], tools)
})

test('names of tools that this wire refuses are others there, the same in tools, choice and history', () => {
  const long = `mcp__server__${'x'.repeat(80)}`
  const call = (name: string): AssistantPart => ({ type: 'tool-call', id: `call_${name.length}`, name, args: '{}', ranBy: 'client' })
  const result = (name: string): UserPart => ({ type: 'tool-result', id: `call_${name.length}`, output: [{ type: 'text', text: 'ok' }] })
  const { body, notes } = encode({
    tools: [long, 'a.b', 'look'].map((name) => ({ type: 'function', name })),
    toolChoice: { mode: 'tool', name: long },
    turns: [
      { role: 'user', parts: [{ type: 'text', text: 'Hi' }] },
      { role: 'assistant', parts: [call(long), call('look')] },
      { role: 'user', parts: [result(long), result('look')] },
    ],
  })
  const names = (body['tools'] as JsonObject[]).map(({ name }) => name as string)
  for (const name of names) assert.match(name, /^[a-zA-Z0-9_-]{1,64}$/)
  assert.deepEqual(
    names,
    [long, 'a.b', 'look'].map((name) => egress.toolName!(name)),
  )
  assert.equal(new Set([...names, long, 'a.b']).size, 5)
  assert.equal(names[2], 'look')
  assert.deepEqual(body['tool_choice'], { type: 'function', name: names[0] })
  const calls = (body['input'] as JsonObject[]).filter(({ type }) => type === 'function_call')
  assert.deepEqual(
    calls.map(({ name }) => name),
    [names[0], 'look'],
  )
  assert.deepEqual(notes.toSorted(), ['renamed tools[0].name', 'renamed tools[1].name', 'renamed turns[1].parts[0].name'])
})
