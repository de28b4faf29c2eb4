// Bad bodies of Responses and Google clients over real sockets: each 4xx is in the client's wire and names the field; what is odd goes through.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import { chat, messages } from '#test/scripts.ts'
import { startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike

before(async () => {
  upstream = await createUpstream()
  turnpike = await startTest({
    chat: { wire: 'openai-chat', origin: upstream.origin, more: { wires: ['openai-chat'] } },
    claude: { wire: 'anthropic-messages', origin: upstream.origin },
  })
})
beforeEach(() => {
  upstream.clear()
  upstream.route(chat.path, chat.json())
  upstream.route(messages.path, messages.json())
})
after(async () => {
  await turnpike.end()
  await upstream.close()
})

type Client = 'openai-responses' | 'gemini'
type Wrong = readonly [field: string, value: JsonValue | undefined, param?: string]

const hi = [{ role: 'user', parts: [{ text: 'hi' }] }]
const least: Readonly<Record<Client, JsonObject>> = { 'openai-responses': { input: 'hi' }, gemini: { contents: hi } }

function post(client: Client, provider: string, body: JsonObject | string, stream = false): Promise<Response> {
  const model = `${provider}/model-1`
  if (client === 'gemini') {
    const method = stream ? 'streamGenerateContent?alt=sse' : 'generateContent'
    return turnpike.post(`/v1beta/models/${encodeURIComponent(model)}:${method}`, body)
  }
  return turnpike.post('/v1/responses', typeof body === 'string' ? body : { model, ...(stream ? { stream } : {}), ...body })
}

/** The field that an error names, once its shape and its record are as the contract says. */
async function refusedField(client: Client, response: Response): Promise<{ field: string | undefined; message: string }> {
  const text = await response.text()
  assert.equal(response.status, 400, text)
  assert.match(response.headers.get('content-type')!, /^application\/json/)
  const { error } = JSON.parse(text) as { error: JsonObject }
  const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
  assert.equal(record['outcome'], 'client_error')
  const message = String(error['message'])
  if (client === 'openai-responses') {
    assert.equal(error['type'], 'invalid_request_error', text)
    assert.equal(error['code'], 'invalid_request', text)
    return { field: typeof error['param'] === 'string' ? error['param'] : undefined, message }
  }
  assert.equal(error['code'], 400)
  assert.equal(error['status'], 'INVALID_ARGUMENT')
  const details = error['details'] as { fieldViolations?: { field: string }[] }[]
  return { field: details.find(({ fieldViolations }) => fieldViolations !== undefined)?.fieldViolations?.[0]?.field, message }
}

const item = (value: JsonObject): JsonObject[] => [{ type: 'message', role: 'user', content: 'hi' }, value]
const content = (part: JsonValue): JsonObject[] => [{ type: 'message', role: 'user', content: [part] }]
const parts = (...list: JsonValue[]): JsonObject[] => [{ role: 'user', parts: list }]
const called = (...list: JsonValue[]): JsonObject[] => [...hi, { role: 'model', parts: list }]
const notBase64 = 'not base64!'

const wrongFields: Readonly<Record<Client, readonly Wrong[]>> = {
  'openai-responses': [
    ['input', undefined],
    ...[7, {}, true].map((value): Wrong => ['input', value]),
    ['input', ['hi'], 'input[0]'],
    ['input', [{ type: 'message', role: 'robot', content: 'hi' }], 'input[0].role'],
    ['input', [{ type: 'message', role: 'user', content: 7 }], 'input[0].content'],
    ['input', content(7), 'input[0].content[0]'],
    ['input', content({ text: 'hi' }), 'input[0].content[0].type'],
    ['input', content({ type: 'input_text', text: 7 }), 'input[0].content[0].text'],
    ['input', content({ type: 'input_image', image_url: 7 }), 'input[0].content[0].image_url'],
    ['input', content({ type: 'input_image', image_url: `data:image/png;base64,${notBase64}` }), 'input[0].content[0].image_url'],
    ['input', item({ type: 'function_call', name: 'f', arguments: '{}' }), 'input[1].call_id'],
    ['input', item({ type: 'function_call', call_id: 'a', arguments: '{}' }), 'input[1].name'],
    ['input', item({ type: 'function_call_output', output: 'x' }), 'input[1].call_id'],
    ['input', item({ type: 'function_call_output', call_id: 'a', output: 7 }), 'input[1].output'],
    ['instructions', 7],
    ['stream', 'yes'],
    ['tools', {}],
    ['tools', [7], 'tools[0]'],
    ['tools', [{}], 'tools[0].type'],
    ['tools', [{ type: 'function' }], 'tools[0].name'],
    ['tools', [{ type: 'function', name: 'f', parameters: 'x' }], 'tools[0].parameters'],
    ['tool_choice', 'sometimes'],
    ['tool_choice', 7],
    ['parallel_tool_calls', 'yes'],
    ['max_output_tokens', '9'],
    ['max_output_tokens', -1],
    ['max_output_tokens', 1.5],
    ['temperature', 'hot'],
    ['top_p', []],
    ['top_logprobs', 'x'],
    ['include', 'x'],
    ['reasoning', 'high'],
    ['reasoning', { effort: 7 }, 'reasoning.effort'],
    ['text', 'json'],
    ['text', { format: 7 }, 'text.format'],
    ['text', { format: { type: 'json_schema', schema: 7 } }, 'text.format.schema'],
    ['service_tier', 7],
    ['user', 7],
    ['prompt_cache_key', 7],
    ['metadata', 'x'],
    ['background', true],
    ['previous_response_id', 'resp_1'],
    ['conversation', 'conv_1'],
    ['prompt', { id: 'pmpt_1' }],
  ],
  gemini: [
    ['contents', undefined],
    ['contents', []],
    ...[7, 'hi', true].map((value): Wrong => ['contents', value]),
    ['contents', ['hi'], 'contents[0]'],
    ['contents', [{ role: 'robot', parts: [] }], 'contents[0].role'],
    ['contents', [{ role: 'user', parts: [7] }], 'contents[0].parts[0]'],
    ['contents', parts({ text: 7 }), 'contents[0].parts[0].text'],
    ['contents', parts({ inlineData: 7 }), 'contents[0].parts[0].inlineData'],
    ['contents', parts({ inlineData: { mimeType: 'image/png', data: 7 } }), 'contents[0].parts[0].inlineData.data'],
    ['contents', parts({ inlineData: { mimeType: 'image/png', data: notBase64 } }), 'contents[0].parts[0].inlineData.data'],
    ['contents', parts({ fileData: {} }), 'contents[0].parts[0].fileData.fileUri'],
    ['contents', called({ functionCall: {} }), 'contents[1].parts[0].functionCall.name'],
    ['contents', called({ functionCall: { name: 'f', args: 'x' } }), 'contents[1].parts[0].functionCall.args'],
    ['contents', parts({ functionResponse: { response: {} } }), 'contents[0].parts[0].functionResponse.name'],
    [
      'contents',
      [...called({ functionCall: { name: 'f' } }), ...parts({ functionResponse: { name: 'f', response: 'x' } })],
      'contents[2].parts[0].functionResponse.response',
    ],
    ['systemInstruction', 7],
    ['systemInstruction', { parts: [7] }, 'systemInstruction.parts[0]'],
    ['tools', 'x'],
    ['tools', [7], 'tools[0]'],
    ['tools', [{ functionDeclarations: 7 }], 'tools[0].functionDeclarations'],
    ['tools', [{ functionDeclarations: [{}] }], 'tools[0].functionDeclarations[0].name'],
    ['tools', [{ functionDeclarations: [{ name: 'f', parameters: 'x' }] }], 'tools[0].functionDeclarations[0].parameters'],
    ['toolConfig', 7],
    ['toolConfig', { functionCallingConfig: { mode: 'SOMETIMES' } }, 'toolConfig.functionCallingConfig.mode'],
    ['generationConfig', 7],
    ['generationConfig', { temperature: 'hot' }, 'generationConfig.temperature'],
    ['generationConfig', { maxOutputTokens: -1 }, 'generationConfig.maxOutputTokens'],
    ['generationConfig', { maxOutputTokens: 1.5 }, 'generationConfig.maxOutputTokens'],
    ['generationConfig', { stopSequences: 7 }, 'generationConfig.stopSequences'],
    ['generationConfig', { stopSequences: [7] }, 'generationConfig.stopSequences[0]'],
    ['generationConfig', { thinkingConfig: 7 }, 'generationConfig.thinkingConfig'],
    ['generationConfig', { responseMimeType: 7 }, 'generationConfig.responseMimeType'],
    ['generationConfig', { responseJsonSchema: 7 }, 'generationConfig.responseJsonSchema'],
    ['cachedContent', 'cachedContents/x'],
  ],
}

function bodyWith(client: Client, field: string, value: JsonValue | undefined): JsonObject {
  const body: JsonObject = { ...least[client] }
  if (value === undefined) delete body[field]
  else body[field] = value
  return body
}

for (const client of ['openai-responses', 'gemini'] as const) {
  for (const provider of ['chat', 'claude']) {
    test(`${client} client, ${provider}: every field of a wrong type is named, in the client's wire`, async () => {
      const different: string[] = []
      for (const [field, value, param] of wrongFields[client]) {
        const what = `${field}: ${JSON.stringify(value)}`
        const response = await post(client, provider, bodyWith(client, field, value))
        if (response.status !== 400) {
          different.push(`${what} was answered ${response.status}`)
          await response.arrayBuffer()
          continue
        }
        const { field: named, message } = await refusedField(client, response)
        if (named !== (param ?? field)) different.push(`${what} names ${named}: ${message}`)
        assert.ok(message.includes(field) && message.length < 400, `${what}: ${message}`)
      }
      assert.deepEqual(different, [])
      assert.equal(upstream.received.length, 0)
    })

    test(`${client} client, ${provider}: bodies that are no JSON object say so`, async () => {
      for (const body of ['', '[]', '7', 'null', '{"input":', 'contents=hi', '{"contents":[],}', '\ud800{']) {
        const { message } = await refusedField(client, await post(client, provider, body))
        assert.match(message, /body|JSON|model/i)
      }
      assert.equal(upstream.received.length, 0)
    })

    test(`${client} client, ${provider}: a thousand tools and a schema that refers to itself go through`, async () => {
      const schema: JsonObject = {
        type: 'object',
        properties: { next: { $ref: '#/$defs/node' } },
        $defs: { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } } } },
      }
      const names = Array.from({ length: 1_000 }, (_, at) => `tool_${at}`)
      const tools: JsonValue =
        client === 'gemini'
          ? [{ functionDeclarations: names.map((name) => ({ name, parametersJsonSchema: schema })) }]
          : names.map((name) => ({ type: 'function', name, parameters: schema }))
      const response = await post(client, provider, bodyWith(client, 'tools', tools))
      assert.equal(response.status, 200, await response.text())
      const sent = upstream.received[0]!.json<{ tools: unknown[] }>().tools
      assert.equal(sent.length, 1_000)
      assert.ok(JSON.stringify(sent[999]).includes('"$ref":"#/$defs/node"'))
    })

    test(`${client} client, ${provider}: doubled and missing ids of calls are mended or named, and never silent`, async () => {
      for (const [what, body] of Object.entries(oddHistories[client])) {
        upstream.clear()
        upstream.route(chat.path, chat.json())
        upstream.route(messages.path, messages.json())
        const response = await post(client, provider, body)
        const text = await response.text()
        assert.ok(response.status === 200 || response.status === 400, `${what}: ${response.status} ${text}`)
        if (response.status === 200) assertPaired(upstream.received[0]!.json(), what)
      }
    })

    test(`${client} client, ${provider}: a strict request names what would be lost`, async () => {
      const body =
        client === 'gemini'
          ? { contents: hi, safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }] }
          : { input: 'hi', truncation: 'auto' }
      const lax = await post(client, provider, body)
      assert.equal(lax.status, 200, await lax.text())
      const path = client === 'gemini' ? `/v1beta/models/${provider}%2Fmodel-1:generateContent` : '/v1/responses'
      const strict = await turnpike.post(path, client === 'gemini' ? body : { model: `${provider}/model-1`, ...body }, {
        headers: { 'x-turnpike-strict': 'true' },
      })
      const text = await strict.text()
      assert.equal(strict.status, 400, text)
      assert.ok(text.includes(client === 'gemini' ? 'safetySettings' : 'truncation'), text)
    })
  }
}

const fc = (call: string, name = 'f'): JsonObject => ({ type: 'function_call', call_id: call, name, arguments: '{}' })
const out = (call: string): JsonObject => ({ type: 'function_call_output', call_id: call, output: 'x' })
const use = (name: string, id?: string): JsonObject => ({ functionCall: { name, args: {}, ...(id === undefined ? {} : { id }) } })
const got = (name: string, id?: string): JsonObject => ({
  functionResponse: { name, response: { result: 'x' }, ...(id === undefined ? {} : { id }) },
})

const oddHistories: Readonly<Record<Client, Readonly<Record<string, JsonObject>>>> = {
  'openai-responses': {
    'a call without its result': { input: item(fc('a')) },
    'a result without its call': { input: item(out('a')) },
    'a result twice': { input: [...item(fc('a')), out('a'), out('a')] },
    'an id twice': { input: [...item(fc('a')), fc('a', 'g'), out('a'), out('a')] },
    'arguments that are no JSON': { input: [...item({ ...fc('a'), arguments: '{"half": ' }), out('a')] },
  },
  gemini: {
    'a call without its result': { contents: called(use('f')) },
    'a result without its call': { contents: parts(got('f')) },
    'two calls of one name, without ids': { contents: [...called(use('f'), use('f')), ...parts(got('f'), got('f'))] },
    'an id twice': { contents: [...called(use('f', 'a'), use('g', 'a')), ...parts(got('f', 'a'), got('g', 'a'))] },
    'results in another order': { contents: [...called(use('f'), use('g')), ...parts(got('g'), got('f'))] },
  },
}

/** Every result has its call before it, every call at most one result, and no id is there twice. */
function assertPaired(body: JsonObject, what: string): void {
  const calls: string[] = []
  const results: string[] = []
  const walk = (value: JsonValue): void => {
    if (Array.isArray(value)) for (const each of value) walk(each)
    else if (isObject(value)) {
      if (value['type'] === 'tool_use' || (value['type'] === 'function' && isObject(value['function']) && 'arguments' in value['function']))
        calls.push(String(value['id']))
      if (typeof value['tool_use_id'] === 'string') results.push(value['tool_use_id'])
      if (typeof value['tool_call_id'] === 'string') results.push(value['tool_call_id'])
      for (const each of Object.values(value)) walk(each)
    }
  }
  walk(body['messages']!)
  assert.equal(new Set(calls).size, calls.length, `${what}: ${JSON.stringify(body['messages'])}`)
  assert.equal(new Set(results).size, results.length, `${what}: ${JSON.stringify(body['messages'])}`)
  for (const id of results) assert.ok(calls.includes(id), `${what}: a result of nothing in ${JSON.stringify(body['messages'])}`)
}
