// Names of models from outside: what a key sees, what it may ask for, and where a request goes that names no provider.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import type { JsonObject } from '#kernel'
import { wireScripts } from '#test/scripts.ts'
import { startTest, testKey, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

const gptKey = 'tp-only-gpt-0123456789abcdef'
const chat = wireScripts['openai-chat']
const messages = wireScripts['anthropic-messages']

let upstream: ScriptedUpstream
let turnpike: TestTurnpike

before(async () => {
  upstream = await createUpstream()
  const credentials = [{ value: 'sk-provider-secret-1' }]
  turnpike = await startTest(
    {},
    {
      declared: {
        providers: {
          openai: { base_url: `${upstream.origin}/openai/v1`, credentials, priority: 1 },
          anthropic: { base_url: `${upstream.origin}/anthropic`, credentials },
          openrouter: { base_url: `${upstream.origin}/openrouter/v1`, credentials },
        },
        keys: [
          { name: 'test', value: testKey },
          { name: 'only gpt', value: gptKey, models: ['gpt-4o*', 'cheap'] },
        ],
        aliases: { cheap: 'claude-haiku-4-5', 'team/best': '@anthropic/claude-sonnet-4-5', lost: 'gone-model' },
      },
    },
  )
})

beforeEach(() => {
  upstream.clear()
  upstream.route('/openai/v1/chat/completions', chat.json())
  upstream.route('/openrouter/v1/chat/completions', chat.json())
  upstream.route('/anthropic/v1/messages', messages.json())
})

after(async () => {
  await turnpike.end()
  await upstream.close()
})

type Row = JsonObject & { readonly id: string; readonly providers: readonly string[] }

async function get(path: string, headers: Readonly<Record<string, string>> = {}, key = testKey): Promise<Response> {
  return fetch(turnpike.url + path, { headers: { authorization: `Bearer ${key}`, ...headers } })
}

async function listed(key = testKey): Promise<readonly Row[]> {
  const response = await get('/v1/models', {}, key)
  assert.equal(response.status, 200)
  return ((await response.json()) as { data: Row[] }).data
}

async function ask(model: string, key = testKey): Promise<{ status: number; body: JsonObject; response: Response }> {
  const response = await turnpike.post(
    '/v1/chat/completions',
    { model, max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] },
    { headers: { authorization: `Bearer ${key}` } },
  )
  return { status: response.status, body: (await response.json()) as JsonObject, response }
}

/** `path model` of each request that reached a provider. */
function reached(): string[] {
  return upstream.received.map(({ url, body }) => `${url.split('/')[1]} ${(JSON.parse(body.toString('utf8')) as { model: string }).model}`)
}

test('the list has every form of every name, and each of them can be asked for', async () => {
  const rows = new Map((await listed()).map((row) => [row.id, row]))
  for (const [id, providers] of [
    ['gpt-4o', ['openai', 'openrouter']],
    ['openai/gpt-4o', ['openai']],
    ['@openai/gpt-4o', ['openai']],
    ['@openrouter/openai/gpt-4o', ['openrouter']],
    ['openrouter/openai/gpt-4o', ['openrouter']],
    ['llama-3.3-70b-instruct', ['openrouter']],
    ['meta/llama-3.3-70b-instruct', ['openrouter']],
    ['meta-llama/llama-3.3-70b-instruct', ['openrouter']],
    ['cheap', ['anthropic', 'openrouter']],
    ['team/best', ['anthropic']],
  ] as const) {
    assert.deepEqual(rows.get(id)?.providers, providers, id)
    const { status, response } = await ask(id)
    assert.equal(status, 200, id)
    assert.equal(response.headers.get('x-turnpike-provider'), providers[0], id)
  }
  assert.equal(rows.has('lost'), false, 'an alias of nothing is not offered')
  const row = rows.get('cheap')!
  assert.equal(row['object'], 'model')
  assert.equal(row['owned_by'], 'anthropic')
  assert.equal(typeof row['context_window'], 'number')
  assert.equal(typeof (row['price'] as JsonObject)['input_per_million_usd'], 'string')
})

test('a name without a provider is tried everywhere it is served, in order of priority, under the id it has there', async () => {
  upstream.route('/openai/v1/chat/completions', chat.error(500))
  const { status, response } = await ask('gpt-4o')
  assert.equal(status, 200)
  assert.equal(response.headers.get('x-turnpike-attempts'), '2')
  assert.deepEqual(reached(), ['openai gpt-4o', 'openrouter openai/gpt-4o'])
  upstream.clear()
  upstream.route('/anthropic/v1/messages', messages.error(529))
  upstream.route('/openrouter/v1/chat/completions', chat.json())
  assert.equal((await ask('claude-sonnet-4.5')).status, 200, 'across wires, too')
  assert.deepEqual(reached(), ['anthropic claude-sonnet-4-5', 'openrouter anthropic/claude-sonnet-4.5'])
})

test('one model is found by any of its names, with slashes as they are or encoded', async () => {
  for (const id of [
    'gpt-4o',
    'openai/gpt-4o',
    '@openrouter/openai/gpt-4o',
    '%40openrouter%2Fopenai%2Fgpt-4o',
    'team%2Fbest',
    'team/best',
  ]) {
    const response = await get(`/v1/models/${id}`)
    assert.equal(response.status, 200, id)
    assert.equal(((await response.json()) as Row).id, decodeURIComponent(id))
  }
  const missing = await get('/v1/models/gpt-4o-mni')
  assert.equal(missing.status, 404)
  const { error } = (await missing.json()) as { error: JsonObject }
  assert.equal(error['code'], 'model_not_found')
  assert.match(String(error['message']), /"gpt-4o-mini"/)
  const forwarded = await get('/v1/models/@openai/ft:gpt-4o:me')
  assert.equal(forwarded.status, 404, 'what is only forwarded is not listed')
  assert.match(await forwarded.text(), /can be asked for all the same/)
})

test('an unchanged list is not sent again', async () => {
  const first = await get('/v1/models')
  const tag = first.headers.get('etag')!
  assert.match(tag, /^"[A-Za-z0-9_-]{20,}"$/)
  const text = await first.text()
  assert.equal(Number(first.headers.get('content-length')), Buffer.byteLength(text))
  for (const sent of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
    const again = await get('/v1/models', { 'if-none-match': sent })
    assert.equal(again.status, 304, sent)
    assert.equal(await again.text(), '')
    assert.equal(again.headers.get('etag'), tag)
  }
  assert.equal((await get('/v1/models', { 'if-none-match': '"other"' })).status, 200)
  assert.equal((await get('/v1/models', { 'if-none-match': tag }, gptKey)).status, 200, 'another key has another list')
  const head = await fetch(`${turnpike.url}/v1/models`, { method: 'HEAD', headers: { authorization: `Bearer ${testKey}` } })
  assert.equal(head.status, 200)
  assert.equal(Number(head.headers.get('content-length')), Buffer.byteLength(text))
})

test('a key with a list of models sees those, may ask for those, and is told so of others', async () => {
  const ids = (await listed(gptKey)).map(({ id }) => id)
  assert.ok(ids.includes('gpt-4o-mini') && ids.includes('@openrouter/openai/gpt-4o') && ids.includes('cheap'))
  assert.deepEqual(
    ids.filter((id) => id !== 'cheap' && !id.includes('gpt-4o')),
    [],
  )
  assert.equal((await ask('gpt-4o', gptKey)).status, 200)
  assert.equal((await ask('cheap', gptKey)).status, 200)
  for (const model of ['claude-haiku-4-5', '@anthropic/claude-haiku-4-5', 'team/best', 'gpt-4.1', '@openai/made-up']) {
    // Once asked by a key that may, so that nothing remembered of it helps.
    assert.equal((await ask(model)).status, 200, model)
    const { status, body } = await ask(model, gptKey)
    assert.equal(status, 404, model)
    const error = body['error'] as JsonObject
    assert.equal(error['code'], 'model_not_allowed')
    assert.match(String(error['message']), /The key "only gpt" may not use the model/)
    assert.equal((await get(`/v1/models/${model}`, {}, gptKey)).status, 404)
    assert.equal((await ask(model)).status, 200, model)
  }
})

test('an alias of a model that nobody serves says what it stands for', async () => {
  const { status, body } = await ask('lost')
  assert.equal(status, 404)
  assert.match(
    String((body['error'] as JsonObject)['message']),
    /"lost" is an alias of "gone-model", which no provider of this gateway serves/,
  )
})

test("OpenAI's client lists and retrieves", async () => {
  const client = new OpenAI({ baseURL: `${turnpike.url}/v1`, apiKey: gptKey, maxRetries: 0 })
  const ids: string[] = []
  for await (const model of client.models.list()) ids.push(model.id)
  assert.deepEqual(
    ids,
    (await listed(gptKey)).map(({ id }) => id),
  )
  assert.equal((await client.models.retrieve('@openrouter/openai/gpt-4o')).owned_by, 'openai')
})

test("Anthropic's client gets Anthropic's shape, page by page", async () => {
  const client = new Anthropic({ baseURL: turnpike.url, apiKey: gptKey, maxRetries: 0 })
  const ids = (await listed(gptKey)).map(({ id }) => id)
  const paged: string[] = []
  for await (const model of client.models.list({ limit: 3 })) {
    assert.equal(model.type, 'model')
    assert.ok(model.display_name.length > 0)
    assert.match(model.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    paged.push(model.id)
  }
  assert.deepEqual(paged, ids)
  const whole = await client.models.list()
  assert.equal(whole.has_more, false)
  assert.deepEqual([whole.first_id, whole.last_id], [ids[0], ids.at(-1)])
  const before = await client.models.list({ limit: 2, before_id: ids[5]! })
  assert.deepEqual(
    before.data.map(({ id }) => id),
    ids.slice(3, 5),
  )
  assert.equal(before.has_more, true)
  assert.equal((await client.models.retrieve('cheap')).display_name.startsWith('Claude Haiku 4.5'), true)
  await assert.rejects(client.models.retrieve('nothing-like-it'), Anthropic.NotFoundError)
  await assert.rejects(client.models.list({ limit: 0 }), Anthropic.BadRequestError)
  await assert.rejects(client.models.list({ after_id: 'nothing-like-it' }), Anthropic.BadRequestError)
})

test('five thousand models are listed whole, and answered in between', async () => {
  const custom = Array.from({ length: 5000 }, (_, at) => ({
    id: `maker/model-${at}`,
    context_window: 128_000,
    price: { input_per_million_usd: '1', output_per_million_usd: '2' },
  }))
  const large = await startTest({
    wide: { wire: 'openai-chat', origin: upstream.origin, models: custom, more: { models: { custom, deny: ['gpt-*'] } } },
  })
  try {
    upstream.route('/v1/chat/completions', chat.json())
    const asked = { model: 'wide/maker/model-4999', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] }
    const list = fetch(`${large.url}/v1/models`, { headers: { authorization: `Bearer ${testKey}` } })
    assert.equal((await large.post('/v1/chat/completions', asked)).status, 200)
    const response = await list
    const { data } = (await response.json()) as { data: Row[] }
    for (const form of ['maker/model-4999', 'wide/maker/model-4999', '@wide/maker/model-4999'])
      assert.ok(data.some(({ id }) => id === form))
    assert.equal(data.filter(({ id }) => id.includes('maker/model-')).length, 15_000)
    const tag = response.headers.get('etag')!
    const again = await fetch(`${large.url}/v1/models`, { headers: { authorization: `Bearer ${testKey}`, 'if-none-match': tag } })
    assert.equal(again.status, 304)
  } finally {
    await large.end()
  }
})
