// Which requests share an answer, and which never do: one small difference in what counts makes another key.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CacheRule, GatewayKey } from '#config'
import { inspect, RequestView, type Arrival } from '#inspection'
import { clientWireNames, type ClientWire } from '#ir'
import { headroomBytes, tailroomBytes, type BufferPool, type JsonObject } from '#kernel'
import type { Operation, Plan, PlannedTarget } from '#routing'
import { codecOf, embeddings } from '#wires'
import { cacheKeyFor, wantsRefresh } from './request.ts'

const pool: BufferPool = { take: (bytes) => Buffer.alloc(bytes), give: () => {}, share: () => undefined }
const rule: CacheRule = { maxAgeMs: 60_000, tools: false, singleFlight: false }

type Asked = {
  readonly wire?: ClientWire
  readonly operation?: Operation
  /** As text, where its spelling counts. */
  readonly body?: JsonObject | string
  readonly headers?: Record<string, string>
  readonly key?: Partial<GatewayKey>
  readonly targets?: readonly (readonly [route: string, provider: string, model: string])[]
  readonly config?: Plan['config']
  /** What the config does to the request, for each target. */
  readonly params?: PlannedTarget['params']
  readonly forwards?: PlannedTarget['forwards']
  readonly rule?: Partial<CacheRule>
  readonly path?: Arrival['path']
}

const bodies: Readonly<Record<ClientWire, JsonObject>> = {
  'openai-chat': { model: 'm', messages: [{ role: 'user', content: 'hi' }], temperature: 0 },
  'openai-responses': { model: 'm', input: 'hi', temperature: 0 },
  'anthropic-messages': { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] },
  gemini: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
}

function askerOf(asked: Asked) {
  const {
    wire = 'openai-chat',
    operation = 'generate',
    headers = {},
    targets = [['config', 'openai', 'gpt']],
    config = { slug: 'c', version: 1 },
  } = asked
  const body = asked.body ?? bodies[wire]
  const text = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const buffer = Buffer.alloc(headroomBytes + text.length + tailroomBytes)
  const bodyEnd = headroomBytes + text.copy(buffer, headroomBytes)
  const path = asked.path ?? (wire === 'gemini' ? { model: 'm', stream: false } : undefined)
  const key = { id: 'key_1', name: 'k', hash: '', streamUsage: 'always', ...asked.key } as GatewayKey
  const arrival = { operation, wire, headers, key, buffer, bodyStart: headroomBytes, bodyEnd, path } as unknown as Arrival
  const view = operation === 'embed' ? new RequestView(embeddings.shape, pool, false) : new RequestView(codecOf(wire).ingress.shape, pool)
  const inspected = inspect(arrival, codecOf(wire), view)
  assert.ok(inspected !== 'doubtful')
  const steps = targets.map(([route, slug, id]) => ({
    target: { route, provider: { slug }, model: { id }, params: asked.params, forwards: asked.forwards } as PlannedTarget,
    reason: '',
    exits: [],
  }))
  return { arrival, inspected, plan: { steps, skipped: [], config } as Plan }
}

const keyOf = (asked: Asked = {}): string | undefined => cacheKeyFor(askerOf(asked), { ...rule, ...asked.rule })

function shared(one: Asked, other: Asked): boolean {
  const first = keyOf(one)
  assert.ok(first !== undefined, JSON.stringify(one))
  return first === keyOf(other)
}

const chat = (more: JsonObject): JsonObject => ({ ...bodies['openai-chat'], ...more })

test('a stream and a whole answer are one, and so are those of two callers of one key', () => {
  const plain = {}
  for (const more of [
    { stream: true },
    { stream: true, stream_options: { include_usage: true } },
    { user: 'ada' },
    { safety_identifier: 'x' },
    { prompt_cache_key: 'session-1:7' },
    { metadata: { trace: '1' } },
    { n: 1 },
    { n: null },
  ] as JsonObject[]) {
    // An `n` of one is another body, though the same request.
    if ('n' in more) assert.ok(keyOf({ body: chat(more) }) !== undefined)
    else assert.ok(shared(plain, { body: chat(more) }), JSON.stringify(more))
  }
  assert.ok(shared(plain, { body: '{ "temperature":0, "messages":[{"content":"hi","role":"user"}],\n"model":"m" }' }))
  assert.ok(shared({ wire: 'gemini' }, { wire: 'gemini', path: { model: 'm', stream: true } }))
  assert.ok(
    shared(
      { wire: 'anthropic-messages' },
      { wire: 'anthropic-messages', body: { ...bodies['anthropic-messages'], metadata: { user_id: 'u' }, stream: true } },
    ),
  )
  assert.ok(shared({ wire: 'openai-responses' }, { wire: 'openai-responses', body: { ...bodies['openai-responses'], stream: true } }))
})

test('what an answer of the Responses API repeats of its request counts', () => {
  const body = bodies['openai-responses']
  for (const more of [{ user: 'ada' }, { metadata: { trace: '1' } }, { prompt_cache_key: 'x' }, { safety_identifier: 'x' }] as JsonObject[])
    assert.ok(!shared({ wire: 'openai-responses' }, { wire: 'openai-responses', body: { ...body, ...more } }), JSON.stringify(more))
})

test('anything else of a body makes another request', () => {
  for (const more of [
    { temperature: 1 },
    { seed: 1 },
    { model: '@openai/m' },
    { messages: [{ role: 'user', content: 'hi ' }] },
    { messages: [{ role: 'system', content: 'hi' }] },
    { max_tokens: 5 },
    { stop: 'x' },
    { response_format: { type: 'json_object' } },
    { unknown: null },

    { reasoning_effort: 'low' },
    { logprobs: true },
    { store: true },
  ] as JsonObject[])
    // prettier-ignore
    assert.ok(!shared({}, { body: chat(more) }), JSON.stringify(more))
  assert.ok(!shared({ body: '{"model":"m","messages":[],"seed":1}' }, { body: '{"model":"m","messages":[],"seed":1.0}' }))
})

test('no two tenants, namespaces, configs, versions, sets of targets, wires or clients share an answer', () => {
  const variants: readonly Asked[] = [
    {},
    { key: { id: 'key_2' } },
    { headers: { 'x-turnpike-cache-namespace': 'a' } },
    { headers: { 'x-turnpike-cache-namespace': 'b' } },
    { key: { id: 'key_2' }, headers: { 'x-turnpike-cache-namespace': 'a' } },
    { config: { slug: 'd', version: 1 } },
    { config: { slug: 'c', version: 2 } },
    { config: {}, headers: { 'x-turnpike-config': '{"cache":true}' } },
    { config: {}, headers: { 'x-turnpike-config': '{"cache":true,"targets":[]}' } },
    { targets: [['config', 'openai', 'gpt-2']] },
    { params: { defaults: [], edits: [{ field: 'temperature', value: 1 }], notes: [] } },
    { params: { defaults: [], edits: [{ field: 'temperature', value: undefined }], notes: [] } },
    { params: { defaults: [{ field: 'temperature', value: 1 }], edits: [], notes: [] } },
    { params: { defaults: [], edits: [], removals: [{ field: 'messages', steps: ['0'] }], notes: [] } },
    { params: { defaults: [], edits: [], removals: [{ field: 'messages', steps: ['1'] }], notes: [] } },
    { forwards: ['x-tenant'], headers: { 'x-tenant': 'a' } },
    { forwards: ['x-tenant'], headers: { 'x-tenant': 'b' } },
    { forwards: ['x-tenant'] },
    { targets: [['config', 'azure', 'gpt']] },
    { targets: [['config.targets[0]', 'openai', 'gpt']] },
    { targets: [['config', 'openai', 'gpt'], ['config', 'azure', 'gpt']] }, // prettier-ignore
    { rule: { namespace: 'shared' } },
    { rule: { namespace: 'shared-2' } },
    { rule: { namespace: 'shared' }, config: { slug: 'd', version: 1 } },
    { rule: { namespace: 'key_1' } },
    { headers: { 'x-turnpike-strict': 'true' } },
    { headers: { 'x-turnpike-provider': 'openai' } },
    { key: { client: 'openclaw' } },
    ...clientWireNames.filter((wire) => wire !== 'openai-chat').map((wire) => ({ wire })),
    { wire: 'anthropic-messages', headers: { 'anthropic-beta': 'context-1m' } },
    { wire: 'anthropic-messages', headers: { 'anthropic-version': '2023-06-01' } },
    { wire: 'gemini', path: { model: 'other', stream: false } },
  ]
  const keys = variants.map(keyOf)
  assert.ok(keys.every((key) => key !== undefined))
  for (const [at, key] of keys.entries()) assert.equal(keys.indexOf(key), at, JSON.stringify(variants[at]))
})

test('the order in which targets are asked, and how many credentials they have, changes nothing', () => {
  const one = ['config.targets[0]', 'openai', 'gpt'] as const
  const other = ['config.targets[1]', 'azure', 'gpt'] as const
  assert.ok(shared({ targets: [one, other] }, { targets: [other, one, one] }))
})

test('a namespace of a stored config is shared by every key that uses the config, one that came along is not', () => {
  const stored = { rule: { namespace: 'team' } }
  assert.ok(shared(stored, { ...stored, key: { id: 'key_2' } }))
  assert.ok(!shared(stored, { ...stored, key: { id: 'key_2' }, headers: { 'x-turnpike-cache-namespace': 'mine' } }))
  const inline = { ...stored, config: {}, headers: { 'x-turnpike-config': '{}' } }
  assert.ok(!shared(inline, { ...inline, key: { id: 'key_2' } }))
})

test("Portkey's names of the headers mean the same", () => {
  assert.ok(shared({ headers: { 'x-turnpike-cache-namespace': 'a' } }, { headers: { 'x-portkey-cache-namespace': 'a' } }))
  const refresh = (headers: Record<string, string>): boolean => wantsRefresh(askerOf({ headers }))
  assert.ok(refresh({ 'x-turnpike-cache-force-refresh': 'true' }))
  assert.ok(refresh({ 'x-portkey-cache-force-refresh': 'True' }))
  for (const value of ['false', '', '0', 'yes']) assert.ok(!refresh({ 'x-turnpike-cache-force-refresh': value }))
  assert.ok(!refresh({}))
})

test('requests with tools are not cached, unless the rule wants it', () => {
  const tools = [{ type: 'function', function: { name: 'f' } }]
  const withTools: readonly Asked[] = [
    { body: chat({ tools }) },
    { body: chat({ functions: [{ name: 'f' }] }) },
    { body: chat({ web_search_options: {} }) },
    { wire: 'openai-responses', body: { ...bodies['openai-responses'], tools: [{ type: 'web_search' }] } },
    { wire: 'anthropic-messages', body: { ...bodies['anthropic-messages'], tools: [{ name: 'f', input_schema: {} }] } },
    { wire: 'anthropic-messages', body: { ...bodies['anthropic-messages'], mcp_servers: [{ url: 'https://mcp.example' }] } },
    { wire: 'gemini', body: { ...bodies.gemini, tools: [{ google_search: {} }] } },
  ]
  for (const asked of withTools) {
    assert.equal(keyOf(asked), undefined)
    assert.ok(keyOf({ ...asked, rule: { tools: true } }) !== undefined)
  }
  for (const empty of [[], null]) assert.ok(keyOf({ body: chat({ tools: empty }) }) !== undefined)
})

test('several alternatives, conversations that the provider keeps, and answers that come later are not cached', () => {
  const responses = bodies['openai-responses']
  for (const asked of [
    { body: chat({ n: 2 }) },
    { wire: 'gemini', body: { ...bodies.gemini, generationConfig: { candidateCount: 2 } } },
    { wire: 'gemini', body: { ...bodies.gemini, generation_config: { candidate_count: 3 } } },
    { wire: 'openai-responses', body: { ...responses, conversation: 'conv_1' } },
    { wire: 'openai-responses', body: { ...responses, background: true } },
  ] as Asked[])
    assert.equal(keyOf({ ...asked, rule: { tools: true } }), undefined, JSON.stringify(asked))
  assert.ok(keyOf({ wire: 'gemini', body: { ...bodies.gemini, generationConfig: { candidateCount: 1 } } }) !== undefined)
  assert.ok(keyOf({ wire: 'openai-responses', body: { ...responses, background: false, previous_response_id: 'resp_1' } }) !== undefined)
})

test("a client's own provider key, a body that must not be stored, counting and large or doubtful bodies are not cached", () => {
  assert.equal(keyOf({ headers: { 'x-turnpike-debug': 'false' } }), undefined)
  assert.equal(keyOf({ headers: { 'x-turnpike-api-key': 'tp-1', authorization: 'Bearer sk-own-0123456789' } }), undefined)
  assert.equal(keyOf({ operation: 'count-tokens' }), undefined)
  assert.equal(keyOf({ body: chat({ messages: [{ role: 'user', content: 'x'.repeat(256 << 10) }] }) }), undefined)
  assert.equal(keyOf({ body: '{"model":"m","messages":[{"role":"user","content":"a","content":"b"}]}' }), undefined)
})

test('vectors are cached, whoever asks for them', () => {
  const body = { model: 'e', input: ['a', 'b'] }
  assert.ok(shared({ operation: 'embed', body }, { operation: 'embed', body: { ...body, user: 'ada' } }))
  for (const more of [{ dimensions: 8 }, { encoding_format: 'base64' }, { input: ['b', 'a'] }, { input: 'a' }] as JsonObject[])
    assert.ok(!shared({ operation: 'embed', body }, { operation: 'embed', body: { ...body, ...more } }))
})
