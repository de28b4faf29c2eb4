// Bad bodies over real sockets: each gets a clear error in the client's wire and one record; what is only odd goes through.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import { wireScripts, type ScriptedWire } from '#test/scripts.ts'
import { startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike

before(async () => {
  upstream = await createUpstream()
  turnpike = await startTest({
    chat: { wire: 'openai-chat', origin: upstream.origin },
    claude: { wire: 'anthropic-messages', origin: upstream.origin },
  })
})

beforeEach(() => {
  upstream.clear()
  for (const script of Object.values(wireScripts)) upstream.route(script.path, script.json())
})

after(async () => {
  await turnpike.end()
  await upstream.close()
})

const wireNames: readonly ScriptedWire[] = ['openai-chat', 'anthropic-messages']
const providerOf = { 'openai-chat': 'chat', 'anthropic-messages': 'claude' } as const
const hi = [{ role: 'user', content: 'hi' }]

/** The error of an answer, once its shape, its status and its record are as the contract says. */
async function refused(response: Response, client: ScriptedWire, status = 400, code = 'invalid_request'): Promise<JsonObject> {
  const text = await response.text()
  assert.equal(response.status, status, text)
  assert.match(response.headers.get('content-type')!, /^application\/json/)
  const body = JSON.parse(text) as JsonObject
  if (client === 'anthropic-messages') assert.equal(body['type'], 'error')
  const { error } = body
  assert.ok(isObject(error), text)
  assert.equal(error['code'], code, text)
  assert.equal(error['type'], client === 'anthropic-messages' && status === 413 ? 'request_too_large' : 'invalid_request_error')
  const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
  assert.equal(record['status'], status)
  assert.equal(record['outcome'], 'client_error')
  assert.deepEqual(record['error'], { code, class: code })
  assert.equal(record['cost_source'], 'unpriced')
  return error
}

const bytesOf = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))))
const opened = '{"model":"chat/model-1","max_tokens":9,"messages":[{"role":"user","content":"'

/** Each with what its message must say, and the field it must name. */
const badBodies: readonly (readonly [name: string, body: string | Buffer, says: RegExp, param?: string])[] = [
  ['is empty', '', /body is empty/],
  ['is white space', ' \n ', /body is empty/],
  ['is an array', '[]', /JSON object, not an array/],
  ['is a string', '"hello"', /JSON object, not a string/],
  ['is a number', '7', /JSON object, not a number/],
  ['is null', 'null', /JSON object, not null/],
  ['is no JSON', 'model=chat/model-1', /not JSON: byte 1 /],
  ['has a trailing comma', '{"model":"chat/model-1","messages":[],}', /not JSON: byte 39 /],
  ['has single quotes', "{'model':'chat/model-1'}", /not JSON: byte 2 /],
  ['goes on after its end', '{"model":"chat/model-1","messages":[]}}', /not JSON: byte 39 /],
  ['is cut in a string', opened, /not complete JSON/],
  ['is cut in an escape', `${opened}\\u00`, /not complete JSON/],
  ['is cut before its last brace', `${opened}hi"}]`, /not complete JSON/],
  ['nests 100,000 arrays', `{"model":"chat/model-1","messages":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, /more than \d+ levels deep/],
  ['nests 100,000 objects and never closes them', '{"a":'.repeat(100_000), /more than \d+ levels deep/],
  ['is not UTF-8', bytesOf(opened, [0xff, 0xfe], '"}]}'), /not UTF-8/],
  ['has an overlong encoding', bytesOf(opened, [0xc0, 0xaf], '"}]}'), /not UTF-8/],
  ['is UTF-16', Buffer.from('{"model":"chat/model-1"}', 'utf16le'), /not JSON|not UTF-8/],
  ['has a raw control character in a string', bytesOf(opened, [0x0a], '"}]}'), /not JSON/],
  ['has two models', '{"model":"chat/model-1","messages":[],"model":"claude/model-1"}', /"model" is in the body more than once/, 'model'],
  [
    'has two models, one escaped',
    '{"model":"chat/model-1","messages":[],"mod\\u0065l":"x"}',
    /"model" is in the body more than once/,
    'model',
  ],
  ['has the model in another case', '{"Model":"chat/model-1","messages":[]}', /"model" is in the body in another spelling/, 'model'],
  ['has stream twice', '{"model":"chat/model-1","stream":true,"messages":[],"stream":false}', /"stream"/, 'stream'],
  ['has no model', '{"max_tokens":9,"messages":[]}', /"model" is missing/, 'model'],
  ['has no messages', '{"model":"chat/model-1","max_tokens":9}', /"messages" is missing/, 'messages'],
  ['is of the responses API', '{"model":"chat/model-1","input":"hi"}', /"messages" is missing/, 'messages'],
]

for (const client of wireNames) {
  const { path } = wireScripts[client]

  for (const [name, body, says, param] of badBodies) {
    test(`${client}: a body that ${name} is a 400 that says so`, async () => {
      const error = await refused(await turnpike.post(path, body), client)
      assert.match(String(error['message']), says)
      assert.equal(error['param'] ?? undefined, param)
      assert.equal(upstream.received.length, 0)
    })
  }

  for (const provider of wireNames) {
    const model = `${providerOf[provider]}/model-1`
    const lane = client === provider ? 'passes' : 'is translated'

    for (const [name, edit] of [
      ['a byte order mark', (text: string) => `\uFEFF${text}`],
      ['an escaped key', (text: string) => text.replace('"model"', '"mod\\u0065l"')],
      ['an escaped value', (text: string) => text.replace('model-1"', 'mod\\u0065l-1"')],
      ['white space everywhere', (text: string) => `\r\n\t ${text.replaceAll(/([{}[\]:,])/g, ' $1\r\n')} \n`],
      ['slashes escaped', (text: string) => text.replaceAll('/', '\\/')],
    ] as const) {
      test(`${client}: a body with ${name} ${lane}`, async () => {
        const sent = { model, max_tokens: 9, messages: hi }
        const response = await turnpike.post(path, edit(JSON.stringify(sent)))
        assert.equal(response.status, 200, await response.text())
        const received = upstream.received[0]!.json()
        assert.equal(received['model'], 'model-1')
        if (client === provider) assert.deepEqual(received, { ...sent, model: 'model-1' })
      })
    }

    test(`${client}: text of every kind arrives as it was, when it ${lane}`, async () => {
      const text = 'Grüße 世界 👩‍👩‍👧 \u0000 \u2028 \ufeff " \\ </script> \ud800'
      const response = await turnpike.post(path, { model, max_tokens: 9, messages: [{ role: 'user', content: text }] })
      assert.equal(response.status, 200, await response.text())
      const [message] = upstream.received[0]!.json<{ messages: { content: string | { text: string }[] }[] }>().messages
      const arrived = typeof message!.content === 'string' ? message!.content : message!.content[0]!.text
      assert.equal(arrived, text)
    })
  }

  test(`${client}: fields that nobody knows pass to a provider of the wire, prototype keys too`, async () => {
    const strange = `"__proto__":{"polluted":true},"constructor":{"prototype":{"x":1}},"toString":1,"future_field":{"deep":[1.50,1e400,-0]}`
    const text = `{"model":"${providerOf[client]}/model-1","max_tokens":9,"messages":[{"role":"user","content":"hi"}],${strange}}`
    assert.equal((await turnpike.post(path, text)).status, 200)
    assert.equal(upstream.received[0]!.body.toString('utf8'), text.replace(`${providerOf[client]}/`, ''))
    assert.equal(({} as JsonObject)['polluted'], undefined)
  })

  test(`${client}: prototype keys do no harm where the body is translated`, async () => {
    const other = client === 'openai-chat' ? 'claude' : 'chat'
    const text = `{"model":"${other}/model-1","max_tokens":9,"__proto__":{"polluted":true,"stream":true},"messages":[{"role":"user","content":"hi","__proto__":{"role":"system"}}]}`
    assert.equal((await turnpike.post(path, text)).status, 200)
    assert.equal(upstream.received[0]!.json()['polluted'], undefined)
    assert.equal(upstream.received[0]!.json()['stream'] ?? false, false)
    assert.equal(({} as JsonObject)['polluted'], undefined)
  })
}

// Fields.

type Wrong = readonly [field: string, value: JsonValue | undefined, param?: string]

const user = (content: JsonValue): JsonObject[] => [{ role: 'user', content }]

/** Fields that both lanes read. */
const readAlways: readonly Wrong[] = [
  ['model', undefined],
  ...[null, '', 7, true, [], {}].map((value): Wrong => ['model', value]),
  ...['yes', 1, [], {}].map((value): Wrong => ['stream', value]),
  ['messages', undefined],
]

const wrongMessages: readonly Wrong[] = [
  ...[null, 'hi', 7, {}, []].map((value): Wrong => ['messages', value]),
  ['messages', ['hi'], '0'],
  ['messages', [null], '0'],
  ['messages', [{ content: 'hi' }], '0.role'],
  ['messages', [{ role: 'robot', content: 'hi' }], '0.role'],
  ['messages', [{ role: 7, content: 'hi' }], '0.role'],
  ['messages', user(7), '0.content'],
  ['messages', user({}), '0.content'],
  ['messages', user([{ text: 'hi' }]), '0.content.0.type'],
  ['messages', user([{ type: 'text', text: 7 }]), '0.content.0.text'],
]

const wrongFields: Readonly<Record<ScriptedWire, readonly Wrong[]>> = {
  'openai-chat': [
    ...wrongMessages,
    ['messages', user([{ type: 'image_url', image_url: 7 }]), '0.content.0.image_url'],
    ['messages', [{ role: 'tool', content: 'hi' }], '0.tool_call_id'],
    ['messages', [{ role: 'assistant', tool_calls: {} }], '0.tool_calls'],
    ['messages', [{ role: 'assistant', tool_calls: [7] }], '0.tool_calls.0'],
    ['messages', [{ role: 'assistant', tool_calls: [{ id: 'a', type: 'function' }] }], '0.tool_calls.0.function'],
    ['messages', [{ role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: {} }] }], '0.tool_calls.0.function.name'],
    ['tools', {}],
    ['tools', [7], '0'],
    ['tools', [{}], '0.type'],
    ['tools', [{ type: 'function' }], '0.function'],
    ['tools', [{ type: 'function', function: { name: 7 } }], '0.function.name'],
    ['tools', [{ type: 'function', function: { name: 'f', parameters: 'x' } }], '0.function.parameters'],
    ['tool_choice', 'sometimes'],
    ['tool_choice', 7],
    ['parallel_tool_calls', 'yes'],
    ['max_tokens', '9'],
    ['max_tokens', -1],
    ['max_tokens', 1.5],
    ['max_completion_tokens', '9'],
    ['stop', 7],
    ['stop', [7], '0'],
    ['temperature', 'hot'],
    ['temperature', []],
    ['top_p', '1'],
    ['seed', 'x'],
    ['frequency_penalty', 'x'],
    ['presence_penalty', 'x'],
    ['n', '1'],
    ['n', 1.5],
    ['reasoning_effort', 7],
    ['response_format', 'json'],
    ['response_format', { type: 'json_schema', json_schema: 7 }, 'json_schema'],
    ['stream_options', 'x'],
    ['verbosity', 7],
    ['service_tier', 7],
    ['user', 7],
    ['prompt_cache_key', 7],
  ],
  'anthropic-messages': [
    ...wrongMessages,
    ['messages', user(['hi']), '0.content.0'],
    ['messages', user([{ type: 'image', source: 7 }]), '0.content.0.source'],
    ['messages', user([{ type: 'tool_result' }]), '0.content.0.tool_use_id'],
    ['messages', [{ role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input: 'x' }] }], '0.content.0.input'],
    ['messages', [{ role: 'assistant', content: [{ type: 'tool_use', id: 'a', input: {} }] }], '0.content.0.name'],
    ['max_tokens', undefined],
    ...[null, '9', -1, 1.5, []].map((value): Wrong => ['max_tokens', value]),
    ['system', 7],
    ['system', [7], '0'],
    ['system', [{ type: 'image' }], '0.type'],
    ['tools', {}],
    ['tools', [7], '0'],
    ['tools', [{}], '0.name'],
    ['tools', [{ name: 'f', input_schema: 'x' }], '0.input_schema'],
    ['tool_choice', 'auto'],
    ['tool_choice', { type: 'sometimes' }, 'type'],
    ['tool_choice', { type: 'tool' }, 'name'],
    ['stop_sequences', 'x'],
    ['stop_sequences', [7], '0'],
    ['temperature', 'hot'],
    ['top_p', '1'],
    ['top_k', '1'],
    ['thinking', 'on'],
    ['thinking', { type: 7 }, 'type'],
    ['thinking', { type: 'enabled', budget_tokens: 'x' }, 'budget_tokens'],
    ['metadata', 'x'],
    ['metadata', { user_id: 7 }, 'user_id'],
    ['service_tier', 7],
    ['output_config', 'x'],
  ],
}

/** `messages.0.role` is `messages[0].role` in OpenAI's words. */
function named(field: string, param: string | undefined, client: ScriptedWire): string {
  const path = param === undefined ? field : `${field}.${param}`
  return client === 'openai-chat' ? path.replaceAll(/\.(\d+)/g, '[$1]') : path
}

function bodyWith(model: string, field: string, value: JsonValue | undefined): JsonObject {
  const body: JsonObject = { model, max_tokens: 9, messages: hi }
  if (value === undefined) delete body[field]
  else body[field] = value
  return body
}

for (const client of wireNames) {
  const { path } = wireScripts[client]
  for (const provider of wireNames) {
    const model = `${providerOf[provider]}/model-1`
    const wrong = client === provider ? readAlways : [...readAlways, ...wrongFields[client]]

    test(`${client} client, ${provider} provider: every field of a wrong type that the gateway reads is named`, async () => {
      for (const [field, value, param] of wrong) {
        const what = `${field}: ${JSON.stringify(value)}`
        const error = await refused(await turnpike.post(path, bodyWith(model, field, value)), client)
        assert.equal(error['param'], named(field, param, client), what)
        assert.ok(String(error['message']).includes(field), what)
        assert.ok(String(error['message']).length < 300, what)
      }
      assert.equal(upstream.received.length, 0)
    })
  }

  test(`${client}: a number too large for a double is named, not turned into null`, async () => {
    const other = client === 'openai-chat' ? 'claude' : 'chat'
    for (const field of ['temperature', 'top_p', 'max_tokens']) {
      const text = JSON.stringify(bodyWith(`${other}/model-1`, field, 9)).replace(`"${field}":9`, `"${field}":1e999`)
      assert.equal((await refused(await turnpike.post(path, text), client))['param'], field)
    }
  })

  test(`${client}: a value that only the provider reads is left to it`, async () => {
    upstream.clear()
    upstream.route(path, wireScripts[client].error(400, 'temperature: must be a number'))
    const response = await turnpike.post(path, bodyWith(`${providerOf[client]}/model-1`, 'temperature', 'hot'))
    assert.equal(response.status, 400)
    assert.match(await response.text(), /temperature: must be a number/)
    assert.equal(upstream.received[0]!.json()['temperature'], 'hot')
  })

  test(`${client}: an unknown model is a 404 with the nearest names`, async () => {
    for (const [model, near] of [
      ['model-2', /"model-1"/],
      ['chta/model-1', /"chat\/model-1"/],
      ['model_1', /"model-1"/],
      ['x'.repeat(100_000), /serves the model/],
      ['\u0000\u001b[31m', /serves the model/],
      ['__proto__', /serves the model/],
    ] as const) {
      const response = await turnpike.post(path, { model, max_tokens: 9, messages: hi })
      const body = (await response.json()) as { error: JsonObject }
      assert.equal(response.status, 404)
      assert.equal(body.error['code'], 'model_not_found')
      assert.equal(body.error['param'], 'model')
      assert.match(String(body.error['message']), near)
      assert.ok(String(body.error['message']).length < 600)
      assert.equal((await turnpike.record(response.headers.get('x-turnpike-request-id')!))['outcome'], 'client_error')
    }
  })
}

test('count_tokens names wrong fields as well', async () => {
  for (const [field, value, param] of [...readAlways, ...wrongMessages, ['system', 7], ['tools', {}]] as const satisfies readonly Wrong[]) {
    const body = bodyWith('chat/model-1', field, value)
    delete body['max_tokens']
    const error = await refused(await turnpike.post('/v1/messages/count_tokens', body), 'anthropic-messages')
    assert.equal(error['param'], named(field, param, 'anthropic-messages'), `${field}: ${JSON.stringify(value)}`)
  }
})
