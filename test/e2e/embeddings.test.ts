// Embeddings end to end: providers of every form behind /v1/embeddings, the official `openai` client in front, records beside it.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import OpenAI, { APIError, BadRequestError } from 'openai'
import type { JsonObject } from '#kernel'
import { startTest, testKey, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, stall, type Received, type ScriptedUpstream } from '#test/upstream.ts'

const model: JsonObject = { id: 'vectors-1', price: { input_per_million_usd: '2', output_per_million_usd: '0' } }

let upstream: ScriptedUpstream
let turnpike: TestTurnpike
let client: OpenAI

before(async () => {
  upstream = await createUpstream()
  const provider = (form: string, path: string, more: JsonObject = {}) =>
    ({
      wire: 'openai-chat',
      origin: upstream.origin,
      models: [model],
      more: { base_url: upstream.origin, embeddings: { form, path }, ...more },
    }) as const
  turnpike = await startTest(
    {
      plain: { wire: 'openai-chat', origin: upstream.origin, models: [model] },
      picky: { wire: 'openai-chat', origin: upstream.origin, models: [model], more: { vendor: 'mistral' } },
      gemini: provider('gemini', '/gemini/models/{model}:batchEmbedContents'),
      vertex: provider('vertex', '/vertex/{model}:predict'),
      cohere: provider('cohere', '/v2/embed'),
      bedrock: provider('bedrock', '/model/{model}/invoke', {
        models: { custom: [{ ...model, id: 'amazon.titan-embed-text-v2:0' }] },
      }),
      voyage: provider('voyage', '/voyage/embeddings'),
      ollama: provider('ollama', '/api/embed'),
    },
    { declared: { sim: true, aliases: { anywhere: 'plain/vectors-1' } } },
  )
  client = new OpenAI({ baseURL: `${turnpike.url}/v1`, apiKey: testKey, maxRetries: 0 })
})

beforeEach(() => upstream.clear())

after(async () => {
  await turnpike.end()
  await upstream.close()
})

const json = (body: unknown, headers: Record<string, string> = {}) => ({
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
})
const base64 = (vector: readonly number[]) => Buffer.from(Float32Array.from(vector).buffer).toString('base64')
const openaiAnswer = (vectors: readonly unknown[], usage: unknown = { prompt_tokens: 3, total_tokens: 3 }) => ({
  object: 'list',
  data: vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })),
  model: 'vectors-1-really',
  ...(usage === null ? {} : { usage }),
})
const recordOf = (response: Response) => turnpike.record(response.headers.get('x-turnpike-request-id')!)

test('what the official client asks for by default comes as it is: base64 passes, with usage, cost and a record', async () => {
  upstream.enqueue(json(openaiAnswer([base64([0.5, -1.25]), base64([3, 0])])))
  const { data, response } = await client.embeddings.create({ model: 'plain/vectors-1', input: ['a', 'b'] }).withResponse()
  assert.deepEqual(
    data.data.map(({ embedding }) => [...embedding]),
    [
      [0.5, -1.25],
      [3, 0],
    ],
  )
  const asked = upstream.received[0]!
  assert.equal(asked.url, '/v1/embeddings')
  assert.deepEqual(asked.json(), { model: 'vectors-1', input: ['a', 'b'], encoding_format: 'base64' })
  assert.deepEqual(data.usage, { cost: 0.000006, prompt_tokens: 3, total_tokens: 3 })
  assert.equal(response.headers.get('x-turnpike-cost'), '0.000006')
  const record = await recordOf(response)
  assert.equal(record['endpoint'], '/v1/embeddings')
  assert.equal(record['outcome'], 'ok')
  assert.equal(record['cost_usd'], '0.000006')
  assert.equal(record['cost_source'], 'computed')
  assert.deepEqual(record['model'], { asked: 'plain/vectors-1', served: 'vectors-1-really' })
  assert.deepEqual(record['tokens'], { input: 3, cached: null, output: 0, reasoning: null })
  assert.equal(record['session'], '')
  assert.deepEqual(record['notes'], [])
})

test('an array of numbers passes untouched but for the cost, byte for byte', async () => {
  const body =
    '{ "object":"list", "data":[{"object":"embedding","index":0,"embedding":[1e-3, -0.50]}],\n "usage":{ "prompt_tokens":2,"total_tokens":2},"model":"m"}'
  upstream.enqueue({ headers: { 'content-type': 'application/json' }, body })
  const response = await turnpike.post('/v1/embeddings', { model: 'plain/vectors-1', input: 'a', encoding_format: 'float' })
  assert.equal(await response.text(), body.replace('{ "prompt', '{"cost":0.000004, "prompt'))
})

test('a provider that ignores the encoding is read for what it gave: the official client gets its floats all the same', async () => {
  upstream.enqueue(json(openaiAnswer([[0.5, -1.25]])))
  const { data } = await client.embeddings.create({ model: 'plain/vectors-1', input: 'a' })
  assert.deepEqual([...data[0]!.embedding], [0.5, -1.25])
  upstream.enqueue(json(openaiAnswer([base64([0.5, -1.25])])))
  const floats = await client.embeddings.create({ model: 'plain/vectors-1', input: 'a', encoding_format: 'float' })
  assert.deepEqual(floats.data[0]!.embedding, [0.5, -1.25])
})

test('vectors that come in another order are put into the order of the inputs', async () => {
  const answer = openaiAnswer([[1], [2]])
  upstream.enqueue(json({ ...answer, data: answer.data.toReversed() }))
  const response = await turnpike.post('/v1/embeddings', { model: 'plain/vectors-1', input: ['a', 'b'], encoding_format: 'base64' })
  const { data } = (await response.json()) as { data: { index: number; embedding: string }[] }
  assert.deepEqual(data.map(({ index, embedding }) => [index, embedding]), [[0, base64([1])], [1, base64([2])]]) // prettier-ignore
})

test('usage that no provider tells is counted by the gateway, and marked as an estimate', async () => {
  upstream.enqueue(json(openaiAnswer([[1, 2]], null)))
  const response = await turnpike.post('/v1/embeddings', { model: 'plain/vectors-1', input: 'Why is the sky blue?' })
  const { usage } = (await response.json()) as { usage: JsonObject }
  assert.deepEqual(usage, { prompt_tokens: 6, total_tokens: 6, cost: 0.000012 })
  const record = await recordOf(response)
  assert.equal(record['cost_source'], 'estimated')
  assert.equal(record['cost_usd'], '0.000012')
  assert.match(JSON.stringify(record['notes']), /"usage".*counted by the gateway/)
})

test('token ids count as they are when nobody tells the usage', async () => {
  upstream.enqueue(json(openaiAnswer([[1], [2]], null)))
  const response = await turnpike.post('/v1/embeddings', { model: 'plain/vectors-1', input: [[1, 2, 3], [4]] })
  assert.equal(((await response.json()) as { usage: JsonObject }).usage['prompt_tokens'], 4)
  assert.deepEqual(upstream.received[0]!.json()['input'], [[1, 2, 3], [4]])
})

test('what a provider calls by another name is renamed, what it refuses is taken out, and strict says so', async () => {
  upstream.enqueue(json(openaiAnswer([[1]])))
  const body = { model: 'picky/vectors-1', input: 'a', dimensions: 256, user: 'u-1', input_type: 'query' }
  const response = await turnpike.post('/v1/embeddings', body)
  assert.equal(response.status, 200)
  assert.deepEqual(upstream.received[0]!.json(), { model: 'vectors-1', input: 'a', output_dimension: 256 })
  assert.deepEqual(
    ((await recordOf(response))['notes'] as JsonObject[]).map(({ path }) => path),
    ['user', 'input_type'],
  )
  const strict = await turnpike.post('/v1/embeddings', body, { headers: { 'x-turnpike-strict': 'true' } })
  assert.equal(strict.status, 400)
  const { error } = (await strict.json()) as { error: JsonObject }
  assert.deepEqual([error['code'], error['param']], ['unsupported_feature', 'user'])
})

/** What each form is asked for two texts, and what it answers. */
const forms: readonly {
  readonly slug: string
  readonly url: string
  readonly asked: JsonObject
  readonly answer: JsonObject
  readonly headers?: Record<string, string>
  readonly tokens: number
}[] = [
  {
    slug: 'gemini',
    url: '/gemini/models/vectors-1:batchEmbedContents',
    asked: {
      requests: ['first', 'second'].map((text) => ({
        model: 'models/vectors-1',
        content: { parts: [{ text }] },
        taskType: 'RETRIEVAL_QUERY',
        outputDimensionality: 2,
      })),
    },
    answer: { embeddings: [{ values: [1, 2] }, { values: [3, 4] }], usageMetadata: { promptTokenCount: 7 } },
    tokens: 7,
  },
  {
    slug: 'vertex',
    url: '/vertex/vectors-1:predict',
    asked: {
      instances: [
        { content: 'first', task_type: 'RETRIEVAL_QUERY' },
        { content: 'second', task_type: 'RETRIEVAL_QUERY' },
      ],
      parameters: { outputDimensionality: 2 },
    },
    answer: {
      predictions: [
        { embeddings: { values: [1, 2], statistics: { token_count: 3, truncated: false } } },
        { embeddings: { values: [3, 4], statistics: { token_count: 4, truncated: false } } },
      ],
    },
    tokens: 7,
  },
  {
    slug: 'cohere',
    url: '/v2/embed',
    asked: {
      model: 'vectors-1',
      embedding_types: ['float'],
      texts: ['first', 'second'],
      input_type: 'search_query',
      output_dimension: 2,
    },
    answer: { id: 'c-1', embeddings: { float: [[1, 2], [3, 4]] }, meta: { billed_units: { input_tokens: 7 } } }, // prettier-ignore
    tokens: 7,
  },
  {
    slug: 'voyage',
    url: '/voyage/embeddings',
    asked: { model: 'vectors-1', input: ['first', 'second'], input_type: 'query', output_dimension: 2, encoding_format: 'base64' },
    answer: {
      object: 'list',
      data: [
        { object: 'embedding', index: 1, embedding: base64([3, 4]) },
        { object: 'embedding', index: 0, embedding: base64([1, 2]) },
      ],
      model: 'vectors-1',
      usage: { total_tokens: 7 },
    },
    tokens: 7,
  },
  {
    slug: 'ollama',
    url: '/api/embed',
    asked: { model: 'vectors-1', input: ['first', 'second'], dimensions: 2 },
    answer: { model: 'vectors-1', embeddings: [[1, 2], [3, 4]], prompt_eval_count: 7 }, // prettier-ignore
    tokens: 7,
  },
]

for (const { slug, url, asked, answer, tokens } of forms) {
  test(`${slug}: asked in its own form, answered in OpenAI's, in both encodings`, async () => {
    const body = { model: `${slug}/vectors-1`, input: ['first', 'second'], dimensions: 2, input_type: 'query' }
    upstream.enqueue(json(answer))
    const { data, response } = await client.embeddings.create(body).withResponse()
    assert.deepEqual(
      data.data.map(({ index, embedding }) => [index, [...embedding]]),
      [
        [0, [1, 2]],
        [1, [3, 4]],
      ],
    )
    assert.equal(upstream.received[0]!.url, url)
    assert.deepEqual(upstream.received[0]!.json(), asked)
    assert.deepEqual(data.usage, { prompt_tokens: tokens, total_tokens: tokens, cost: (tokens * 2) / 1e6 })
    assert.equal(data.model, 'vectors-1')
    const record = await recordOf(response)
    assert.equal(record['cost_source'], 'computed')
    assert.equal((record['tokens'] as JsonObject)['input'], tokens)

    upstream.enqueue(json(answer))
    const floats = await client.embeddings.create({ ...body, encoding_format: 'float' })
    assert.deepEqual(
      floats.data.map(({ embedding }) => embedding),
      [
        [1, 2],
        [3, 4],
      ],
    )
  })
}

test('where a call takes one text, several are several calls: a few at once, in order, their tokens added up', async () => {
  const texts = Array.from({ length: 9 }, (_, at) => `text ${at}`)
  let running = 0
  let most = 0
  upstream.route(/invoke$/, async (request: Received) => {
    most = Math.max(most, ++running)
    const at = Number(String(request.json()['inputText']).slice(5))
    // Later texts are answered first.
    await new Promise((resolve) => setTimeout(resolve, 20 - at))
    running--
    return json({ embedding: [at, 1], inputTextTokenCount: 2 })
  })
  const response = await turnpike.post('/v1/embeddings', {
    model: 'bedrock/amazon.titan-embed-text-v2:0',
    input: texts,
    dimensions: 256,
    encoding_format: 'float',
  })
  const { data, usage } = (await response.json()) as { data: { embedding: number[] }[]; usage: JsonObject }
  assert.deepEqual(
    data.map(({ embedding }) => embedding[0]),
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
  )
  assert.equal(usage['prompt_tokens'], 18)
  assert.equal(upstream.received.length, 9)
  assert.equal(most, 4)
  assert.equal(upstream.received[0]!.url, '/model/amazon.titan-embed-text-v2%3A0/invoke')
  assert.deepEqual(upstream.received[0]!.json(), { inputText: 'text 0', dimensions: 256 })
  const record = await recordOf(response)
  assert.equal(record['attempts'], 1)
  assert.equal((record['tokens'] as JsonObject)['input'], 18)
})

test('one call that fails is the end of the attempt: the others are given up, and nothing half goes out', async () => {
  upstream.route(/invoke$/, (request) =>
    request.json()['inputText'] === 'c'
      ? { status: 400, ...json({ message: 'Malformed input request.' }) }
      : json({ embedding: [1], inputTextTokenCount: 1 }),
  )
  const response = await turnpike.post('/v1/embeddings', { model: 'bedrock/amazon.titan-embed-text-v2:0', input: ['a', 'b', 'c', 'd'] })
  assert.equal(response.status, 400)
  const { error } = (await response.json()) as { error: JsonObject }
  assert.match(String(error['message']), /Malformed input request/)
  assert.equal((await recordOf(response))['outcome'], 'client_error')
})

test('a model that several providers serve fails over from one form to another', async () => {
  upstream.route('/v1/embeddings', { status: 503, ...json({ error: { message: 'busy' } }) })
  upstream.route(/predict$/, { status: 500, ...json({ error: { message: 'broken', status: 'INTERNAL' } }) })
  upstream.route(/batchEmbedContents$/, json({ embeddings: [{ values: [5, 6] }] }))
  const { data, response } = await client.embeddings.create({ model: 'vectors-1', input: 'a' }).withResponse()
  assert.deepEqual([...data.data[0]!.embedding], [5, 6])
  assert.equal(response.headers.get('x-turnpike-provider'), 'gemini')
  const record = await recordOf(response)
  const attempts = record['attempt_list'] as JsonObject[]
  assert.deepEqual(attempts.at(-1)!['provider'], 'gemini')
  assert.ok(attempts.length > 1)
  assert.equal(record['fallback'], true)
})

test('a large request and large answers are written and read beside the event loop, to the same result', async () => {
  const texts = Array.from({ length: 250 }, (_, at) => `${at} ${'x'.repeat(2000)}`)
  const numbers = Array.from({ length: 1024 }, (_, at) => Math.fround(Math.sin(at)))
  upstream.route(/batchEmbedContents$/, (request) => {
    const asked = request.json()['requests'] as { content: { parts: { text: string }[] } }[]
    const embeddings = asked.map(({ content }) => ({ values: [Number(content.parts[0]!.text.split(' ')[0]), ...numbers] }))
    return json({ embeddings, usageMetadata: { promptTokenCount: asked.length } })
  })
  const { data, usage } = await client.embeddings.create({ model: 'gemini/vectors-1', input: texts })
  assert.deepEqual(
    upstream.received.map((request) => (request.json()['requests'] as unknown[]).length).sort((a, b) => a - b),
    [50, 100, 100],
  )
  assert.deepEqual(
    data.map(({ index, embedding }) => [index, embedding[0], embedding.length]),
    texts.map((_, at) => [at, at, 1025]),
  )
  assert.deepEqual([...data[249]!.embedding].slice(1), numbers)
  assert.equal(usage.prompt_tokens, 250)

  upstream.clear()
  upstream.route(/batchEmbedContents$/, json({ embeddings: [{ values: numbers }] }))
  const short = await turnpike.post('/v1/embeddings', { model: 'gemini/vectors-1', input: texts })
  assert.equal(short.status, 503)
  assert.equal(((await recordOf(short))['error'] as JsonObject)['class'], 'bad_response')
  const wrong = await turnpike.post('/v1/embeddings', { model: 'gemini/vectors-1', input: [...texts, 7] })
  assert.equal(((await wrong.json()) as { error: JsonObject }).error['param'], 'input[250]')
})

test('a client that leaves ends every call of its request', async () => {
  upstream.route(/invoke$/, { before: [stall()] })
  const leaving = new AbortController()
  const asked = turnpike.post(
    '/v1/embeddings',
    { model: 'bedrock/amazon.titan-embed-text-v2:0', input: ['a', 'b', 'c'] },
    { signal: leaving.signal },
  )
  for (let call = 0; call < 3; call++) await upstream.next()
  leaving.abort()
  await assert.rejects(asked, /abort/)
  await upstream.untilOpenConnections(0)
  const [record] = await turnpike.records()
  assert.equal(record!['outcome'], 'cancelled')
})

test('what was sent of long vectors is not kept, and what was asked is', async () => {
  const vector = Array.from({ length: 20_000 }, (_, at) => at / 7)
  upstream.enqueue(json(openaiAnswer([vector])))
  const response = await turnpike.post('/v1/embeddings', { model: 'plain/vectors-1', input: 'x'.repeat(3000) })
  assert.ok((await response.text()).length > 100_000)
  const id = response.headers.get('x-turnpike-request-id')!
  assert.equal((await turnpike.record(id))['outcome'], 'ok')
  assert.match((await turnpike.payload(id, 'request')).toString(), /xxx/)
  await assert.rejects(turnpike.payload(id, 'response'), /404/)
})

test('token ids are refused by a provider that reads text, and go to one that takes them', async () => {
  const response = await turnpike.post('/v1/embeddings', { model: 'cohere/vectors-1', input: [[1, 2]] })
  assert.equal(response.status, 400)
  const { error } = (await response.json()) as { error: JsonObject }
  assert.deepEqual([error['code'], error['param']], ['unsupported_feature', 'input'])
  assert.match(String(error['message']), /token ids.*send strings/)
  assert.equal(upstream.received.length, 0)
})

test('what is wrong with a request is a 400 that names the field', async () => {
  const wrong: readonly [JsonObject, string][] = [
    [{ input: 'a' }, 'model'],
    [{ model: '', input: 'a' }, 'model'],
    [{ model: 'plain/vectors-1' }, 'input'],
    [{ model: 'plain/vectors-1', input: null }, 'input'],
    [{ model: 'plain/vectors-1', input: 7 }, 'input'],
    [{ model: 'plain/vectors-1', input: { text: 'a' } }, 'input'],
    [{ model: 'plain/vectors-1', input: [] }, 'input'],
    [{ model: 'cohere/vectors-1', input: [null] }, 'input[0]'],
    [{ model: 'cohere/vectors-1', input: ['a', 7] }, 'input[1]'],
    [{ model: 'cohere/vectors-1', input: [['a']] }, 'input[0][0]'],
    [{ model: 'cohere/vectors-1', input: [[]] }, 'input[0]'],
    [{ model: 'cohere/vectors-1', input: [[1], 'a'] }, 'input[1]'],
    [{ model: 'cohere/vectors-1', input: Array.from({ length: 2049 }, () => 'a') }, 'input'],
    [{ model: 'cohere/vectors-1', input: 'a', dimensions: 0 }, 'dimensions'],
    [{ model: 'cohere/vectors-1', input: 'a', dimensions: '8' }, 'dimensions'],
    [{ model: 'cohere/vectors-1', input: 'a', encoding_format: 'hex' }, 'encoding_format'],
  ]
  for (const [body, param] of wrong) {
    const response = await turnpike.post('/v1/embeddings', body)
    const text = await response.text()
    assert.equal(response.status, 400, text)
    const { error } = JSON.parse(text) as { error: JsonObject }
    assert.deepEqual([error['type'], error['code'], error['param']], ['invalid_request_error', 'invalid_request', param], text)
  }
  assert.equal(upstream.received.length, 0)
})

test("a provider's own refusal reaches the client as it was said, and is the official client's error", async () => {
  upstream.enqueue({
    status: 400,
    ...json({
      error: { message: "-1 is less than the minimum of 1 - 'dimensions'", type: 'invalid_request_error', param: null, code: null },
    }),
  })
  await assert.rejects(client.embeddings.create({ model: 'plain/vectors-1', input: 'a', dimensions: -1 }), (error: unknown) => {
    assert.ok(error instanceof BadRequestError)
    assert.match(error.message, /less than the minimum/)
    return true
  })
})

test('an answer that is no answer is an error, and never half of one', async () => {
  const bad = [
    json({ object: 'list', data: 'none', model: 'm' }),
    json(openaiAnswer([[1], [2]], null)),
    json({ error: { message: 'out of memory', type: 'server_error' } }),
    { headers: { 'content-type': 'application/json' }, body: '' },
    { headers: { 'content-type': 'text/html' }, body: '<html></html>' },
  ]
  for (const answer of bad) {
    upstream.enqueue(answer)
    await assert.rejects(client.embeddings.create({ model: 'plain/vectors-1', input: 'a' }), APIError)
  }
})

test('the simulator makes vectors: the same for the same text, near each other for texts that share words', async () => {
  const texts = ['the cat sat on the mat', 'the cat sat on the sofa', 'stocks fell sharply today']
  const { data, usage } = await client.embeddings.create({ model: '@sim/embed', input: texts, dimensions: 64 })
  const [a, b, c] = data.map(({ embedding }) => [...embedding]) as [number[], number[], number[]]
  const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0)
  assert.equal(a.length, 64)
  assert.ok(Math.abs(dot(a, a) - 1) < 1e-5)
  assert.ok(dot(a, b) > 0.6 && dot(a, c) < 0.5, `${dot(a, b)} and ${dot(a, c)}`)
  assert.equal(usage.prompt_tokens, 16)
  const again = await client.embeddings.create({ model: '@sim/embed', input: texts[0]!, dimensions: 64, encoding_format: 'float' })
  assert.deepEqual(again.data[0]!.embedding, a)
  assert.equal((await turnpike.post('/v1/embeddings', { model: '@sim/status-429', input: 'a' })).status, 503)
  assert.equal((await turnpike.post('/v1/embeddings', { model: '@sim/cut', input: 'a' })).status, 503)
})

test('a model for one is not asked for the other, and the error says what to do', async () => {
  const chat = await turnpike.post('/v1/chat/completions', { model: '@sim/embed', messages: [{ role: 'user', content: 'hi' }] })
  assert.equal(chat.status, 400)
  assert.match(await chat.text(), /"@sim\/embed\\" makes embeddings and does not converse. Ask it at \/v1\/embeddings/)
  const vectors = await turnpike.post('/v1/embeddings', { model: '@sim/echo', input: 'a' })
  assert.equal(vectors.status, 400)
  assert.match(await vectors.text(), /makes no embeddings/)
})
