// What a Google client may send, and how it is read.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure, type JsonObject } from '#kernel'
import { tokenCounting } from './count-tokens.ts'
import { decodeRequest } from './decode-request.ts'

const user = (...parts: JsonObject[]): JsonObject => ({ role: 'user', parts })
const model = (...parts: JsonObject[]): JsonObject => ({ role: 'model', parts })
const hi = user({ text: 'Hi' })
const read = (body: JsonObject) => decodeRequest({ contents: [hi], ...body }).request
const turns = (...contents: JsonObject[]) => decodeRequest({ contents }).request.turns

function fieldAtFault(body: JsonObject): string | undefined {
  try {
    decodeRequest(body)
  } catch (error) {
    assert.ok(error instanceof Failure)
    assert.equal(error.kind, 'invalid_request')
    return error.details.param
  }
  return assert.fail('it was accepted')
}

test('the model and whether the answer is streamed are in the path', () => {
  const { request } = decodeRequest({ contents: [hi] }, { model: 'gemini-x', stream: true })
  assert.deepEqual(request, {
    model: 'gemini-x',
    stream: true,
    turns: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
  })
  assert.deepEqual([decodeRequest({ contents: [hi] }).request.model, decodeRequest({ contents: [hi] }).request.stream], ['', false])
})

test('every field may be spelled with underscores, as protobuf allows', () => {
  const spelled = {
    contents: [
      user({ inlineData: { mimeType: 'image/png', data: 'AAAA' } }),
      model({ functionCall: { name: 'f', args: { snake_case: 1 } }, thoughtSignature: 'c2ln' }),
      user({ functionResponse: { name: 'f', response: { some_key: 2 } } }),
    ],
    systemInstruction: { parts: [{ text: 'Be brief.' }] },
    tools: [{ functionDeclarations: [{ name: 'f', parametersJsonSchema: { type: 'object', properties: { snake_case: {} } } }] }],
    toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } },
    generationConfig: {
      maxOutputTokens: 5,
      topP: 0.5,
      topK: 3,
      stopSequences: ['x'],
      candidateCount: 1,
      frequencyPenalty: 0.1,
      presencePenalty: 0.2,
      responseMimeType: 'application/json',
      responseJsonSchema: { type: 'object' },
      responseLogprobs: true,
      thinkingConfig: { thinkingBudget: 100, includeThoughts: true },
      responseModalities: ['TEXT'],
    },
    safetySettings: [{ category: 'A' }],
    serviceTier: 'flex',
  }
  const snake = (text: string) =>
    text.replace(/"([a-z]+(?:[A-Z][a-z]*)+)":/g, (_, key: string) => `"${key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}":`)
  const other = JSON.parse(snake(JSON.stringify(spelled))) as JsonObject
  assert.ok('system_instruction' in other && 'generation_config' in other)
  assert.deepEqual(decodeRequest(other), decodeRequest(spelled))
  assert.equal(fieldAtFault({ contents: [hi], toolConfig: {}, tool_config: {} }), 'toolConfig')
})

test('calls without ids belong to their results by name and order', () => {
  const calls = model({ functionCall: { name: 'f', args: { n: 1 } } }, { functionCall: { name: 'g' } }, { functionCall: { name: 'f' } })
  const results = user(
    { functionResponse: { name: 'g', response: { output: 'G' } } },
    { functionResponse: { name: 'f', response: { output: 'F1' } } },
    { functionResponse: { name: 'f', response: { output: 'F2' } } },
  )
  const decoded = turns(hi, calls, results, model({ functionCall: { name: 'f' } }), user({ functionResponse: { name: 'f', response: {} } }))
  const idsOf = (i: number) => decoded[i]!.parts.map((part) => ('id' in part ? part.id : undefined))
  assert.deepEqual(idsOf(1), ['call_1_0', 'call_1_1', 'call_1_2'])
  assert.deepEqual(idsOf(2), ['call_1_1', 'call_1_0', 'call_1_2'])
  assert.deepEqual([idsOf(3), idsOf(4)], [['call_3_0'], ['call_3_0']])
  // The same again when the conversation has grown.
  assert.deepEqual(turns(hi, calls, results).slice(0, 3), decoded.slice(0, 3))
})

test('ids of calls are kept, also where the result leaves its own out or has one that no call has', () => {
  const decoded = turns(
    model({ functionCall: { id: 'a', name: 'f', args: {} } }, { functionCall: { id: 'b', name: 'f', args: {} } }),
    user({ functionResponse: { id: 'b', name: 'f', response: {} } }, { functionResponse: { name: 'f', response: {} } }),
    model({ functionCall: { name: 'g' } }),
    user({ functionResponse: { id: 'new', name: 'g', response: {} } }),
  )
  assert.deepEqual(
    decoded.map(({ parts }) => parts.map((part) => ('id' in part ? part.id : ''))),
    [['a', 'b'], ['b', 'a'], ['call_2_0'], ['call_2_0']],
  )
})

test('an output or error of one text is that text, any other object is its JSON', () => {
  const results = [
    [{ output: 'sunny' }, ['sunny'], undefined],
    [{ error: 'no such city' }, ['no such city'], true],
    [{ output: ['a', 'b'] }, ['a', 'b'], undefined],
    [{ output: '' }, [], undefined],
    [{ temperature: 20, unit: 'C' }, ['{"temperature":20,"unit":"C"}'], undefined],
    [{ output: { deep: true } }, ['{"output":{"deep":true}}'], undefined],
    [{ output: 'x', error: 'y' }, ['{"output":"x","error":"y"}'], undefined],
    [{}, ['{}'], undefined],
  ] as const
  for (const [response, texts, failed] of results) {
    const [, { parts }] = turns(
      model({ functionCall: { name: 'f' } }),
      user({ functionResponse: { name: 'f', response: response as unknown as JsonObject } }),
    ) as [unknown, { parts: readonly { output: readonly { text: string }[]; failed?: boolean }[] }]
    assert.deepEqual([parts[0]!.output.map(({ text }) => text), parts[0]!.failed], [texts, failed])
  }
})

test('a result may hold images', () => {
  const [, turn] = turns(
    model({ functionCall: { name: 'f' } }),
    user({
      functionResponse: { name: 'f', response: { output: 'see' }, parts: [{ inlineData: { mimeType: 'image/png', data: 'AAAA' } }] },
    }),
  )
  assert.deepEqual(turn!.parts, [
    {
      type: 'tool-result',
      id: 'call_0_0',
      output: [
        { type: 'text', text: 'see' },
        { type: 'media', kind: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' } },
      ],
    },
  ])
})

test('signatures stay with what they sign: thoughts, calls, and behind texts and images', () => {
  const seal = { domain: 'google', kind: 'signature', data: 'c2ln' }
  const [turn] = turns(
    model(
      { text: 'Hm', thought: true, thoughtSignature: 'c2ln' },
      { text: 'Yes', thoughtSignature: 'c2ln' },
      { inlineData: { mimeType: 'image/png', data: 'AAAA' }, thoughtSignature: 'c2ln' },
      { functionCall: { name: 'f', args: {} }, thoughtSignature: 'c2ln' },
      { text: '', thoughtSignature: 'c2ln' },
    ),
  )
  assert.deepEqual(turn!.parts, [
    { type: 'reasoning', text: 'Hm', seal },
    { type: 'text', text: 'Yes' },
    { type: 'reasoning', text: '', seal },
    { type: 'media', kind: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' } },
    { type: 'reasoning', text: '', seal },
    { type: 'tool-call', id: 'call_0_0', name: 'f', args: '{}', ranBy: 'client', seal },
    { type: 'reasoning', text: '', seal },
  ])
})

test("an empty text of the model is no part, and Google's stand-ins for a signature are no seal", () => {
  const [turn] = turns(
    model(
      { text: '', thought: true },
      { text: 'Yes', thoughtSignature: 'context_engineering_is_the_way_to_go' },
      { functionCall: { name: 'f', args: {} }, thoughtSignature: 'skip_thought_signature_validator' },
      // As google-genai for Python sends the same bytes.
      { functionCall: { name: 'g', args: {} }, thoughtSignature: 'c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=' },
      { text: '' },
      { text: '', thoughtSignature: 'skip_thought_signature_validator' },
    ),
  )
  assert.deepEqual(turn!.parts, [
    { type: 'text', text: 'Yes' },
    { type: 'tool-call', id: 'call_0_0', name: 'f', args: '{}', ranBy: 'client' },
    { type: 'tool-call', id: 'call_0_1', name: 'g', args: '{}', ranBy: 'client' },
  ])
})

test('files are addresses that anybody can fetch, or Google’s own', () => {
  const [turn] = turns(
    user(
      { fileData: { fileUri: 'https://a.example/x.png' } },
      { fileData: { fileUri: 'https://a.example/x', mimeType: 'image/webp' } },
      { fileData: { fileUri: 'gs://bucket/film.mp4', mimeType: 'video/mp4' }, videoMetadata: { startOffset: '3s' } },
      { fileData: { fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/abc', mimeType: 'application/pdf' } },
      { inlineData: { mimeType: 'audio/wav', data: '_-8=', displayName: 'a.wav' } },
    ),
  )
  assert.deepEqual(turn!.parts, [
    { type: 'media', kind: 'image', source: { type: 'url', url: 'https://a.example/x.png' } },
    {
      type: 'media',
      kind: 'image',
      source: { type: 'url', url: 'https://a.example/x' },
      ext: { gemini: { fileData: { mimeType: 'image/webp' } } },
    },
    {
      type: 'media',
      kind: 'video',
      source: { type: 'file', id: 'gs://bucket/film.mp4' },
      ext: { gemini: { videoMetadata: { startOffset: '3s' } } },
    },
    { type: 'media', kind: 'document', source: { type: 'file', id: 'https://generativelanguage.googleapis.com/v1beta/files/abc' } },
    { type: 'media', kind: 'audio', name: 'a.wav', source: { type: 'base64', mediaType: 'audio/wav', data: '/+8=' } },
  ])
})

test('code that Google ran stays as it is', () => {
  const code = { executableCode: { language: 'PYTHON', code: '1' }, thoughtSignature: 'c2ln' }
  assert.deepEqual(turns(model(code))[0]!.parts, [{ type: 'opaque', wire: 'gemini', kind: 'executableCode', value: code }])
})

test('functions are read in both kinds of schema, and hosted tools apart from them', () => {
  const { tools } = read({
    tools: [
      {
        functionDeclarations: [
          {
            name: 'f',
            description: 'F',
            parameters: {
              type: 'OBJECT',
              properties: {
                b: { type: 'STRING', nullable: true, enum: ['x'] },
                a: { type: 'ARRAY', items: { type: 'INTEGER' }, minItems: '2' },
              },
              propertyOrdering: ['a', 'b'],
              required: ['a'],
            },
          },
          { name: 'g', parametersJsonSchema: { type: 'object', $defs: { n: { $ref: '#/$defs/n' } } }, behavior: 'BLOCKING' },
          { name: 'h' },
        ],
        googleSearch: {},
      },
      { codeExecution: {} },
    ],
  })
  assert.deepEqual(tools, [
    {
      type: 'function',
      name: 'f',
      description: 'F',
      input: {
        type: 'object',
        properties: { a: { type: 'array', items: { type: 'integer' }, minItems: 2 }, b: { type: ['string', 'null'], enum: ['x', null] } },
        required: ['a'],
      },
    },
    {
      type: 'function',
      name: 'g',
      input: { type: 'object', $defs: { n: { $ref: '#/$defs/n' } } },
      ext: { gemini: { behavior: 'BLOCKING' } },
    },
    { type: 'function', name: 'h' },
    { type: 'hosted', wire: 'gemini', kind: 'googleSearch', value: { googleSearch: {} } },
    { type: 'hosted', wire: 'gemini', kind: 'codeExecution', value: { codeExecution: {} } },
  ])
  const [first] = tools ?? []
  assert.ok(first?.type === 'function')
  assert.deepEqual(Object.keys(first.input?.['properties'] ?? {}), ['a', 'b'])
})

test('a choice of tools, and what of it has no word, is kept', () => {
  const choice = (functionCallingConfig: JsonObject) => {
    const { toolChoice, ext } = read({ toolConfig: { functionCallingConfig } })
    return [toolChoice, ext]
  }
  assert.deepEqual(choice({ mode: 'AUTO' }), [{ mode: 'auto' }, undefined])
  assert.deepEqual(choice({ mode: 'none' }), [{ mode: 'none' }, undefined])
  assert.deepEqual(choice({ mode: 2 }), [{ mode: 'required' }, undefined])
  assert.deepEqual(choice({ mode: 'ANY', allowedFunctionNames: ['f'] }), [{ mode: 'tool', name: 'f' }, undefined])
  assert.deepEqual(choice({ mode: 'ANY', allowedFunctionNames: ['f', 'g'] }), [
    { mode: 'required' },
    { gemini: { toolConfig: { functionCallingConfig: { allowedFunctionNames: ['f', 'g'] } } } },
  ])
  assert.deepEqual(choice({ mode: 'VALIDATED' }), [
    { mode: 'auto' },
    { gemini: { toolConfig: { functionCallingConfig: { mode: 'VALIDATED' } } } },
  ])
})

test('thinking is off, as the model likes, of a budget or of a level, and shown to who asks', () => {
  const thinking = (thinkingConfig: JsonObject) => read({ generationConfig: { thinkingConfig } }).reasoning
  assert.deepEqual(thinking({ thinkingBudget: 0 }), { mode: 'off' })
  assert.deepEqual(thinking({ thinkingBudget: -1, includeThoughts: true }), { mode: 'adaptive', display: 'summarized' })
  assert.deepEqual(thinking({ thinkingBudget: 2_048 }), { mode: 'on', budgetTokens: 2_048, display: 'omitted' })
  assert.deepEqual(thinking({ thinkingLevel: 'LOW' }), { effort: 'low', display: 'omitted' })
  assert.deepEqual(thinking({ includeThoughts: true }), { display: 'summarized' })
  assert.equal(thinking({ includeThoughts: false }), undefined)
})

test('structured output, probabilities, tiers and unknown settings are read', () => {
  assert.deepEqual(read({ generationConfig: { responseMimeType: 'application/json' } }).output, { type: 'json' })
  assert.deepEqual(
    read({
      generationConfig: { responseMimeType: 'application/json', responseSchema: { type: 'OBJECT', properties: { n: { type: 'NUMBER' } } } },
    }).output,
    { type: 'json-schema', schema: { type: 'object', properties: { n: { type: 'number' } } } },
  )
  assert.equal(read({ generationConfig: { responseLogprobs: true, logprobs: 3 } }).logprobs, 3)
  assert.equal(read({ generationConfig: { responseLogprobs: true } }).logprobs, 0)
  assert.equal(read({ generationConfig: { logprobs: 3 } }).logprobs, undefined)
  assert.deepEqual([read({ serviceTier: 'standard' }).serviceTier, read({ serviceTier: 'FLEX' }).serviceTier], ['default', 'flex'])
  assert.deepEqual(
    read({ labels: { team: 'a' }, generationConfig: { responseModalities: ['AUDIO'], responseMimeType: 'text/x.enum' } }).ext,
    {
      gemini: { labels: { team: 'a' }, generationConfig: { responseModalities: ['AUDIO'], responseMimeType: 'text/x.enum' } },
    },
  )
})

test('what is wrong is named by its field', () => {
  const cases: readonly (readonly [JsonObject, string])[] = [
    [{}, 'contents'],
    [{ contents: [] }, 'contents'],
    [{ contents: 'Hi' }, 'contents'],
    [{ contents: [{ role: 'robot', parts: [] }] }, 'contents[0].role'],
    [{ contents: [user({})] }, 'contents[0].parts[0]'],
    [{ contents: [user({ text: 5 })] }, 'contents[0].parts[0].text'],
    [{ contents: [user({ text: 'a', fileData: { fileUri: 'x' } })] }, 'contents[0].parts[0]'],
    [{ contents: [user({ inlineData: { mimeType: 'image/png', data: 'not base64!' } })] }, 'contents[0].parts[0].inlineData.data'],
    [{ contents: [user({ inlineData: { data: 'AAAA' } })] }, 'contents[0].parts[0].inlineData.mimeType'],
    [{ contents: [user({ fileData: {} })] }, 'contents[0].parts[0].fileData.fileUri'],
    [{ contents: [user({ functionCall: { name: 'f' } })] }, 'contents[0].parts[0]'],
    [{ contents: [model({ functionCall: {} })] }, 'contents[0].parts[0].functionCall.name'],
    [{ contents: [model({ functionCall: { name: 'f', args: 'x' } })] }, 'contents[0].parts[0].functionCall.args'],
    [{ contents: [model({ functionCall: { name: 'f', willContinue: true } })] }, 'contents[0].parts[0].functionCall'],
    [
      { contents: [model({ functionCall: { id: 'a', name: 'f' } }, { functionCall: { id: 'a', name: 'g' } })] },
      'contents[0].parts[1].functionCall.id',
    ],
    [{ contents: [user({ functionResponse: { name: 'f', response: {} } })] }, 'contents[0].parts[0].functionResponse.name'],
    [{ contents: [user({ functionResponse: { response: {} } })] }, 'contents[0].parts[0].functionResponse.name'],
    [
      {
        contents: [
          model({ functionCall: { id: 'a', name: 'f' } }),
          user({ functionResponse: { id: 'a', name: 'f', response: {} } }, { functionResponse: { id: 'a', name: 'f', response: {} } }),
        ],
      },
      'contents[1].parts[1].functionResponse.id',
    ],
    [{ contents: [hi], systemInstruction: { parts: [{ inlineData: { mimeType: 'image/png', data: '' } }] } }, 'systemInstruction.parts[0]'],
    [{ contents: [hi], tools: {} }, 'tools'],
    [{ contents: [hi], tools: [{ functionDeclarations: [{}] }] }, 'tools[0].functionDeclarations[0].name'],
    [
      { contents: [hi], tools: [{ functionDeclarations: [{ name: 'f', parameters: { type: 'THING' } }] }] },
      'tools[0].functionDeclarations[0].parameters.type',
    ],
    [
      { contents: [hi], tools: [{ functionDeclarations: [{ name: 'f', parameters: {}, parametersJsonSchema: {} }] }] },
      'tools[0].functionDeclarations[0]',
    ],
    [{ contents: [hi], toolConfig: { functionCallingConfig: { mode: 'SOME' } } }, 'toolConfig.functionCallingConfig.mode'],
    [{ contents: [hi], generationConfig: { temperature: 'hot' } }, 'generationConfig.temperature'],
    [{ contents: [hi], generationConfig: { temperature: Infinity } }, 'generationConfig.temperature'],
    [{ contents: [hi], generationConfig: { maxOutputTokens: -1 } }, 'generationConfig.maxOutputTokens'],
    [{ contents: [hi], generationConfig: { stopSequences: [1] } }, 'generationConfig.stopSequences[0]'],
    [{ contents: [hi], generationConfig: { thinkingConfig: { thinkingBudget: -2 } } }, 'generationConfig.thinkingConfig.thinkingBudget'],
    [{ contents: [hi], generationConfig: { responseSchema: {}, responseJsonSchema: {} } }, 'generationConfig'],
    [{ contents: [hi], cachedContent: 'cachedContents/a' }, 'cachedContent'],
  ]
  for (const [body, field] of cases) assert.equal(fieldAtFault(body), field, JSON.stringify(body))
})

test('a schema that is nested without end is refused, a thousand functions are not', () => {
  let schema: JsonObject = { type: 'STRING' }
  for (let i = 0; i < 100; i++) schema = { type: 'ARRAY', items: schema }
  const declared = (parameters: JsonObject) => ({ contents: [hi], tools: [{ functionDeclarations: [{ name: 'f', parameters }] }] })
  assert.match(fieldAtFault(declared(schema))!, /^tools\[0\]\.functionDeclarations\[0\]\.parameters\.items/)
  const functionDeclarations = Array.from({ length: 1_000 }, (_, i) => ({ name: `f${i}`, parameters: { type: 'OBJECT' } }))
  assert.equal(read({ tools: [{ functionDeclarations }] }).tools?.length, 1_000)
})

test('tokens are counted of contents, of contents with instructions, or of a whole request', () => {
  const asked = { systemInstruction: { parts: [{ text: 'Be brief.' }] }, contents: [hi] }
  const inner = { model: 'models/x', ...asked }
  assert.deepEqual(tokenCounting.decode({ generateContentRequest: inner }, { model: 'x' }), tokenCounting.decode(asked, { model: 'x' }))
  assert.deepEqual(tokenCounting.decode({ generate_content_request: inner }), tokenCounting.decode(asked))
  assert.equal(tokenCounting.decode({ contents: [hi] }, { model: 'x' }).model, 'x')
  assert.throws(() => tokenCounting.decode({ contents: [hi], generateContentRequest: inner }), Failure)
  assert.throws(() => tokenCounting.decode({}), Failure)
  assert.deepEqual(tokenCounting.encode(7), { totalTokens: 7 })
})
