// What Google is sent, and what is said of each loss.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AssistantPart, Reasoning, Request, Seal, Tool, Turn, UserPart } from '#ir'
import { isObject, type JsonObject } from '#kernel'
import { encodeRequest } from './encode-request.ts'

const gemini2 = 'gemini-2.5-flash'
const gemini3 = 'gemini-3-pro-preview'

function encode(request: Partial<Request>, model = gemini2) {
  const target = { model, dialect: {}, sealDomain: 'google', defaultMaxOutputTokens: 100 }
  const { body, notes } = encodeRequest({ model: 'm', stream: false, turns: [user('Hi')], ...request }, target)
  return { body, notes: notes.map(({ code, path }) => `${code} ${path}`) }
}

const text = (words: string) => ({ type: 'text' as const, text: words })
const user = (...parts: (string | UserPart)[]): Turn => ({
  role: 'user',
  parts: parts.map((part) => (typeof part === 'string' ? text(part) : part)),
})
const assistant = (...parts: (string | AssistantPart)[]): Turn => ({
  role: 'assistant',
  parts: parts.map((part) => (typeof part === 'string' ? text(part) : part)),
})
const call = (id: string, name: string, args = '{}', seal?: Seal): AssistantPart => ({
  type: 'tool-call',
  id,
  name,
  args,
  ranBy: 'client',
  ...(seal === undefined ? {} : { seal }),
})
const result = (id: string, ...output: string[]): UserPart => ({ type: 'tool-result', id, output: output.map(text) })
const own: Seal = { domain: 'google', kind: 'signature', data: 'c2ln' }
const foreign: Seal = { domain: 'anthropic', kind: 'signature', data: 'Zm9yZWlnbg==' }
const contentsOf = (turns: readonly Turn[], model?: string) => encode({ turns }, model).body['contents']
const config = (body: JsonObject): JsonObject => (isObject(body['generationConfig']) ? body['generationConfig'] : {})

test('neither model nor stream are in the body', () => {
  assert.deepEqual(encode({ stream: true }), { body: { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] }, notes: [] })
})

test('turns of one role become one content, instructions stand apart, later ones in the user’s turn', () => {
  const { body, notes } = encode({
    turns: [
      { role: 'system', authority: 'system', parts: [text('Be brief.')] },
      { role: 'system', authority: 'developer', parts: [text('Be kind.')] },
      user('a'),
      user('b'),
      assistant('c'),
      { role: 'system', authority: 'system', parts: [text('Be quick.')] },
      user('d'),
    ],
  })
  assert.deepEqual(body, {
    systemInstruction: { parts: [{ text: 'Be brief.' }, { text: 'Be kind.' }] },
    contents: [
      { role: 'user', parts: [{ text: 'a' }, { text: 'b' }] },
      { role: 'model', parts: [{ text: 'c' }] },
      { role: 'user', parts: [{ text: '<system>\nBe quick.\n</system>' }, { text: 'd' }] },
    ],
  })
  assert.deepEqual(notes, ['renamed turns[1].authority', 'approximated turns[5]'])
})

test('instructions alone become the user’s turn', () => {
  const { body, notes } = encode({ turns: [{ role: 'system', authority: 'system', parts: [text('Tell a joke.')] }] })
  assert.deepEqual(body, { contents: [{ role: 'user', parts: [{ text: 'Tell a joke.' }] }] })
  assert.deepEqual(notes, ['approximated turns'])
})

test('results stand right behind their calls, one for each, before everything else', () => {
  const { body, notes } = encode({
    turns: [
      user('Hi'),
      assistant('Let me see.', call('a', 'f', '{"n":1}'), call('b', 'g'), call('c', 'h')),
      user('By the way,', result('b', 'B'), result('a', '{"ok":true}')),
      user('go on.'),
    ],
  })
  assert.deepEqual((body['contents'] as JsonObject[]).slice(1), [
    {
      role: 'model',
      parts: [
        { text: 'Let me see.' },
        { functionCall: { id: 'a', name: 'f', args: { n: 1 } } },
        { functionCall: { id: 'b', name: 'g', args: {} } },
        { functionCall: { id: 'c', name: 'h', args: {} } },
      ],
    },
    {
      role: 'user',
      parts: [
        { functionResponse: { id: 'b', name: 'g', response: { output: 'B' } } },
        { functionResponse: { id: 'a', name: 'f', response: { ok: true } } },
        { functionResponse: { id: 'c', name: 'h', response: { error: 'This call has no recorded result.' } } },
        { text: 'By the way,' },
        { text: 'go on.' },
      ],
    },
  ])
  assert.deepEqual(notes, ['approximated turns[2].parts[1]', 'approximated turns[2].parts[2]', 'approximated turns[1].parts[3]'])
})

test('results in several turns answer the calls of one', () => {
  const { body, notes } = encode({
    turns: [user('Hi'), assistant(call('a', 'f'), call('b', 'f')), user(result('a', '1')), user(result('b', '2'))],
  })
  const [, , last] = body['contents'] as { parts: JsonObject[] }[]
  assert.equal(last!.parts.length, 2)
  assert.deepEqual(notes, [])
})

test('a result without its call is said as text; calls at the beginning and the end are made whole', () => {
  const { body, notes } = encode({ turns: [assistant(call('a', 'f')), user('wait', result('x', 'X')), assistant(call('b', 'f'))] })
  assert.deepEqual(body['contents'], [
    { role: 'user', parts: [{ text: '(The conversation begins with the assistant.)' }] },
    { role: 'model', parts: [{ functionCall: { id: 'a', name: 'f', args: {} } }] },
    {
      role: 'user',
      parts: [
        { functionResponse: { id: 'a', name: 'f', response: { error: 'This call has no recorded result.' } } },
        { text: 'wait' },
        { text: 'Result of the tool call x:' },
        { text: 'X' },
      ],
    },
    { role: 'model', parts: [{ functionCall: { id: 'b', name: 'f', args: {} } }] },
    { role: 'user', parts: [{ functionResponse: { id: 'b', name: 'f', response: { error: 'This call has no recorded result.' } } }] },
  ])
  assert.equal(notes.length, 4)
})

test('a result is the object that it is, else its text under "output" or "error"', () => {
  const responseOf = (part: UserPart) => {
    const contents = contentsOf([user('Hi'), assistant(call('a', 'f')), user(part)]) as { parts: { functionResponse: JsonObject }[] }[]
    return contents[2]!.parts[0]!.functionResponse['response']
  }
  assert.deepEqual(responseOf(result('a', 'x')), { output: 'x' })
  assert.deepEqual(responseOf(result('a', '{"n":1}')), { n: 1 })
  // Written with a space it would not be read back as it was.
  assert.deepEqual(responseOf(result('a', '{"n": 1}')), { output: '{"n": 1}' })
  assert.deepEqual(responseOf(result('a', '{"output":"x"}')), { output: '{"output":"x"}' })
  assert.deepEqual(responseOf(result('a', '{"n":12345678901234567890}')), { output: '{"n":12345678901234567890}' })
  assert.deepEqual(responseOf(result('a', 'x', 'y')), { output: ['x', 'y'] })
  assert.deepEqual(responseOf(result('a')), { output: '' })
  assert.deepEqual(responseOf({ ...result('a', '{"n":1}'), failed: true } as UserPart), { error: '{"n":1}' })
})

test('images of a result stand in it for Gemini 3, behind it for those before', () => {
  const image = {
    type: 'media' as const,
    kind: 'image' as const,
    source: { type: 'base64' as const, mediaType: 'image/png', data: 'AAAA' },
  }
  const turns = [user('Hi'), assistant(call('a', 'f', '{}', own)), user({ type: 'tool-result', id: 'a', output: [text('see'), image] })]
  const inline = { inlineData: { mimeType: 'image/png', data: 'AAAA' } }
  const partsOf = (model: string) => (contentsOf(turns, model) as { parts: JsonObject[] }[])[2]!.parts
  assert.deepEqual(partsOf(gemini3), [{ functionResponse: { id: 'a', name: 'f', response: { output: 'see' }, parts: [inline] } }])
  assert.deepEqual(partsOf(gemini2), [{ functionResponse: { id: 'a', name: 'f', response: { output: 'see' } } }, inline])
  assert.deepEqual(encode({ turns }).notes, ['approximated turns[2].parts[0].output[1]'])
})

test('signatures go back onto the part that they came on, and only to Google', () => {
  const turns = [
    user('Hi'),
    assistant(
      { type: 'reasoning', text: 'Hm', seal: own },
      { type: 'reasoning', text: 'a secret', seal: foreign },
      { type: 'reasoning', text: 'unsealed' },
      'Yes',
      { type: 'reasoning', text: '', seal: own },
      call('a', 'f', '{}', own),
      call('b', 'f', '{}', foreign),
    ),
    user(result('a', '1'), result('b', '2')),
  ]
  const { body, notes } = encode({ turns }, gemini3)
  assert.deepEqual((body['contents'] as JsonObject[])[1], {
    role: 'model',
    parts: [
      { text: 'Hm', thought: true, thoughtSignature: 'c2ln' },
      { text: 'Yes', thoughtSignature: 'c2ln' },
      { functionCall: { id: 'a', name: 'f', args: {} }, thoughtSignature: 'c2ln' },
      { functionCall: { id: 'b', name: 'f', args: {} } },
    ],
  })
  assert.deepEqual(notes, ['dropped turns[1].parts[1]', 'dropped turns[1].parts[2]', 'dropped turns[1].parts[6].seal'])
  assert.ok(!JSON.stringify(body).includes('secret'))
})

test('a signature of its own stands alone', () => {
  const sealed: AssistantPart = { type: 'reasoning', text: '', seal: own }
  const thought: AssistantPart = { type: 'reasoning', text: 'Hm', seal: own }
  const partsOf = (...parts: AssistantPart[]) => (contentsOf([user('Hi'), assistant(...parts)]) as { parts: JsonObject[] }[])[1]!.parts
  assert.deepEqual(partsOf(sealed), [{ text: '', thoughtSignature: 'c2ln' }])
  assert.deepEqual(partsOf(thought, sealed), [
    { text: 'Hm', thought: true, thoughtSignature: 'c2ln' },
    { text: '', thoughtSignature: 'c2ln' },
  ])
})

test('the first call of each turn has a signature for Gemini 3: Google’s stand-in where another model made it', () => {
  const turns = [
    user('Hi'),
    assistant(call('a', 'f'), call('b', 'f')),
    user(result('a', '1'), result('b', '2')),
    assistant(call('c', 'f', '{}', own)),
    user(result('c', '3')),
  ]
  const signatures = (model: string) =>
    (contentsOf(turns, model) as { parts: JsonObject[] }[]).flatMap(({ parts }) =>
      parts.filter((part) => part['functionCall'] !== undefined).map((part) => part['thoughtSignature']),
    )
  assert.deepEqual(signatures(gemini3), ['skip_thought_signature_validator', undefined, 'c2ln'])
  assert.deepEqual(signatures('gemini-flash-latest'), signatures(gemini3))
  assert.deepEqual(signatures(gemini2), [undefined, undefined, 'c2ln'])
  assert.deepEqual(signatures('projects/p/endpoints/1'), [undefined, undefined, 'c2ln'])
})

test('arguments that are no object are kept as text, free text becomes an argument', () => {
  const turns = [
    user('Hi'),
    assistant(call('a', 'f', '{"cut'), { ...call('b', 'g', 'print(1)'), kind: 'custom' } as AssistantPart),
    user(result('a', '1'), result('b', '2')),
  ]
  const { body, notes } = encode({ turns })
  assert.deepEqual((body['contents'] as { parts: JsonObject[] }[])[1]!.parts, [
    { functionCall: { id: 'a', name: 'f', args: { unparsed_arguments: '{"cut' } } },
    { functionCall: { id: 'b', name: 'g', args: { input: 'print(1)' } } },
  ])
  assert.deepEqual(notes, ['approximated turns[1].parts[0].args', 'approximated turns[1].parts[1]'])
})

test('media by address say their type, files of other vendors and odd addresses stay behind', () => {
  const media = (kind: 'image' | 'document' | 'audio' | 'video', url: string): UserPart => ({
    type: 'media',
    kind,
    source: { type: 'url', url },
  })
  const { body, notes } = encode({
    turns: [
      user(
        media('image', 'https://a.example/x.webp?y=1'),
        media('image', 'https://a.example/x'),
        media('document', 'https://a.example/x.png'),
        media('video', 'https://youtu.be/abc'),
        media('image', 'ftp://a.example/x.png'),
        { type: 'media', kind: 'document', source: { type: 'file', id: 'file-abc' } },
        { type: 'media', kind: 'document', source: { type: 'file', id: 'gs://b/x.pdf' } },
        { type: 'media', kind: 'document', name: 'x.pdf', source: { type: 'base64', mediaType: 'application/pdf', data: 'AAAA' } },
      ),
    ],
  })
  assert.deepEqual((body['contents'] as { parts: JsonObject[] }[])[0]!.parts, [
    { fileData: { mimeType: 'image/webp', fileUri: 'https://a.example/x.webp?y=1' } },
    { fileData: { mimeType: 'image/jpeg', fileUri: 'https://a.example/x' } },
    { fileData: { mimeType: 'application/pdf', fileUri: 'https://a.example/x.png' } },
    { fileData: { mimeType: 'video/mp4', fileUri: 'https://youtu.be/abc' } },
    { fileData: { fileUri: 'gs://b/x.pdf' } },
    { inlineData: { mimeType: 'application/pdf', data: 'AAAA' } },
  ])
  assert.deepEqual(notes, ['dropped turns[0].parts[4]', 'dropped turns[0].parts[5]', 'dropped turns[0].parts[7].name'])
  assert.deepEqual(encode({ turns: [user(media('image', 'https://a.example/x.png'))] }, 'gemini-2.0-flash').notes, [
    'approximated turns[0].parts[0]',
  ])
})

test('schemas go as they are, with references in a circle', () => {
  const input = {
    type: 'object',
    properties: { next: { $ref: '#/$defs/node' } },
    $defs: { node: { properties: { next: { $ref: '#/$defs/node' } } } },
  }
  const tools: Tool[] = [
    { type: 'function', name: 'f', description: 'F', input },
    { type: 'hosted', wire: 'gemini', kind: 'googleSearch', value: { googleSearch: {} } },
    { type: 'function', name: 'g' },
    { type: 'hosted', wire: 'openai-chat', kind: 'web_search', value: {} },
    { type: 'custom', name: 'c', value: {} },
  ]
  const { body, notes } = encode({ tools, output: { type: 'json-schema', name: 'n', schema: input, strict: true } })
  assert.deepEqual(body['tools'], [
    { functionDeclarations: [{ name: 'f', description: 'F', parametersJsonSchema: input }, { name: 'g' }] },
    { googleSearch: {} },
  ])
  assert.deepEqual(config(body), { responseMimeType: 'application/json', responseJsonSchema: input })
  assert.deepEqual(notes, ['dropped tools[3]', 'dropped tools[4]', 'dropped output.name'])
})

test('a choice of tools is a mode, and strictness is one too', () => {
  const tool: Tool = { type: 'function', name: 'f', input: { type: 'object' } }
  const choice = (request: Partial<Request>, model?: string) => {
    const { body, notes } = encode({ tools: [tool], ...request }, model)
    return [isObject(body['toolConfig']) ? body['toolConfig']['functionCallingConfig'] : undefined, notes]
  }
  assert.deepEqual(choice({}), [undefined, []])
  assert.deepEqual(choice({ toolChoice: { mode: 'auto' } }), [{ mode: 'AUTO' }, []])
  assert.deepEqual(choice({ toolChoice: { mode: 'none' } }), [{ mode: 'NONE' }, []])
  assert.deepEqual(choice({ toolChoice: { mode: 'required' } }), [{ mode: 'ANY' }, []])
  assert.deepEqual(choice({ toolChoice: { mode: 'tool', name: 'f' } }), [{ mode: 'ANY', allowedFunctionNames: ['f'] }, []])
  assert.deepEqual(choice({ tools: [{ ...tool, strict: true }] }), [{ mode: 'VALIDATED' }, ['approximated tools[0].strict']])
  assert.deepEqual(choice({ tools: [{ ...tool, strict: true }] }, 'gemini-2.0-flash'), [undefined, ['dropped tools[0].strict']])
  assert.deepEqual(choice({ parallelToolCalls: false }), [undefined, ['dropped parallelToolCalls']])
  assert.deepEqual(choice({ tools: [], toolChoice: { mode: 'required' } }), [undefined, ['dropped toolChoice']])
  const calling = { allowedFunctionNames: ['f', 'g'] }
  const ext = { gemini: { toolConfig: { functionCallingConfig: calling } } }
  assert.deepEqual(choice({ toolChoice: { mode: 'required' }, ext }), [{ mode: 'ANY', ...calling }, []])
})

test('how much to think is a budget for Gemini 2.5 and a level for Gemini 3', () => {
  const thinking = (reasoning: Reasoning, model: string) => {
    const { body, notes } = encode({ reasoning }, model)
    return [config(body)['thinkingConfig'], notes]
  }
  const shown = { includeThoughts: true }
  assert.deepEqual(thinking({ effort: 'high' }, gemini2), [{ thinkingBudget: 24_576, ...shown }, ['approximated reasoning.effort']])
  assert.deepEqual(thinking({ effort: 'high' }, gemini3), [{ thinkingLevel: 'HIGH', ...shown }, []])
  assert.deepEqual(thinking({ effort: 'xhigh' }, gemini3), [{ thinkingLevel: 'HIGH', ...shown }, ['approximated reasoning.effort']])
  assert.deepEqual(thinking({ effort: 'minimal' }, gemini3), [{ thinkingLevel: 'LOW', ...shown }, ['approximated reasoning.effort']])
  assert.deepEqual(thinking({ effort: 'minimal' }, 'gemini-3.6-flash'), [{ thinkingLevel: 'MINIMAL', ...shown }, []])
  assert.deepEqual(thinking({ effort: 'a lot' }, gemini3), [{ includeThoughts: true }, ['dropped reasoning.effort']])
  assert.deepEqual(thinking({ mode: 'on', budgetTokens: 2_000 }, gemini2), [{ thinkingBudget: 2_000, ...shown }, []])
  assert.deepEqual(thinking({ mode: 'on', budgetTokens: 2_000 }, gemini3), [{ thinkingBudget: 2_000, ...shown }, []])
  assert.deepEqual(thinking({ mode: 'on', budgetTokens: 90_000 }, gemini2), [
    { thinkingBudget: 24_576, ...shown },
    ['approximated reasoning.budgetTokens'],
  ])
  assert.deepEqual(thinking({ mode: 'on', budgetTokens: 5 }, 'gemini-2.5-pro'), [
    { thinkingBudget: 128, ...shown },
    ['approximated reasoning.budgetTokens'],
  ])
  assert.deepEqual(thinking({ mode: 'adaptive', display: 'omitted' }, gemini2), [{ thinkingBudget: -1 }, []])
  assert.deepEqual(thinking({ mode: 'off' }, gemini2), [{ thinkingBudget: 0 }, []])
  assert.deepEqual(thinking({ effort: 'none' }, 'gemini-2.5-pro'), [{ thinkingBudget: 128 }, ['approximated reasoning']])
  assert.deepEqual(thinking({ mode: 'off' }, 'gemini-3-flash-preview'), [{ thinkingLevel: 'MINIMAL' }, ['approximated reasoning']])
  assert.deepEqual(thinking({ effort: 'high' }, 'gemini-2.0-flash'), [undefined, ['dropped reasoning']])
  assert.deepEqual(thinking({ effort: 'low' }, 'tuned-model'), [{ thinkingBudget: 1_024, ...shown }, ['approximated reasoning.effort']])
})

test('what Google lacks is said, and what is Google’s own comes back', () => {
  const { body, notes } = encode({
    user: 'u',
    cacheKey: 'k',
    verbosity: 'low',
    n: 2,
    seed: 5_000_000_000,
    stop: ['1', '2', '3', '4', '5', '6'],
    serviceTier: 'scale',
    logprobs: 2,
    ext: { gemini: { safetySettings: [], generationConfig: { responseModalities: ['TEXT'] } }, 'openai-chat': { store: true } },
  })
  assert.deepEqual(body['safetySettings'], [])
  assert.deepEqual(config(body), {
    responseModalities: ['TEXT'],
    stopSequences: ['1', '2', '3', '4', '5'],
    candidateCount: 1,
    seed: 5_000_000_000 % 2_147_483_647,
    responseLogprobs: true,
    logprobs: 2,
  })
  assert.deepEqual(notes, [
    'dropped stop[5]',
    'dropped n',
    'approximated seed',
    'dropped serviceTier',
    'dropped ext.openai-chat.store',
    'dropped verbosity',
    'dropped user',
    'dropped cacheKey',
  ])
  assert.deepEqual(
    [encode({ serviceTier: 'default' }).body['serviceTier'], encode({ serviceTier: 'auto' }).body['serviceTier']],
    ['standard', undefined],
  )
})

test('a field that the provider refuses is removed, and said', () => {
  const target = { model: 'm', dialect: { strip: ['serviceTier'] }, sealDomain: 'google', defaultMaxOutputTokens: 1 }
  const { body, notes } = encodeRequest({ model: 'm', stream: false, turns: [user('Hi')], serviceTier: 'flex' }, target)
  assert.equal(body['serviceTier'], undefined)
  assert.deepEqual(
    notes.map(({ path }) => path),
    ['serviceTier'],
  )
})
