// Recorded embeddings of every provider: what passes, what is read, what is asked; another gateway's golden cases; OpenAI's specification.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { EmbeddingForm, EmbeddingRequest, Vector } from '#ir'
import { isObject, type JsonObject } from '#kernel'
import { embeddingCodecOf, embeddings, providerCodecOf } from '#wires'
import { readCorpus, readExchanges, skipWithoutCorpus, type Exchange } from '#test/corpus.ts'

const withCorpus = { skip: skipWithoutCorpus }

const isEmbedding = ({ path }: Exchange) => /embed/i.test(path)
const recorded = (...providers: readonly string[]): readonly Exchange[] => [
  ...readExchanges((exchange) => isEmbedding(exchange) && providers.includes(exchange.provider)),
]
const answered = (exchanges: readonly Exchange[]) => exchanges.filter(({ resp }) => resp.status === 200)
const requestOf = ({ req }: Exchange) => JSON.parse(req.body_text!) as JsonObject
const answerOf = ({ resp }: Exchange) => JSON.parse(resp.body) as JsonObject

function inputsIn(body: JsonObject): number {
  const { input } = body
  return Array.isArray(input) && typeof input[0] !== 'number' ? input.length : 1
}

/** Our own answer, written from a recorded one. */
function written(vectors: readonly Vector[], encoding: EmbeddingRequest['encoding'], tokens: number, model: string): JsonObject {
  return JSON.parse(
    embeddings.opening + embeddings.encodeVectors(vectors, 0, encoding) + embeddings.closing(model, tokens, 0.5),
  ) as JsonObject
}

function createResponseCheck() {
  const withoutNullable = (key: string, value: unknown) => (key === 'nullable' ? undefined : value)
  const spec = JSON.parse(readCorpus('specs', 'openai-openapi-2026-08-21.json').toString('utf8'), withoutNullable) as JsonObject
  const ajv = new Ajv2020({ strict: false, allErrors: true, logger: false, validateFormats: false })
  ajv.addSchema({ ...spec, $id: 'openai:spec' })
  const compile = (name: string) => ajv.compile({ $ref: `openai:spec#/components/schemas/${name}` })
  return compile('CreateEmbeddingResponse')
}

test('recorded answers in OpenAI’s form pass as they are, and their usage is read', withCorpus, () => {
  const exchanges = answered(recorded('openai', 'azure', 'mistral', 'local'))
  assert.ok(exchanges.length >= 60, `${exchanges.length} of them`)
  for (const exchange of exchanges) {
    const asked = requestOf(exchange)
    const answer = answerOf(exchange)
    const usage = embeddings.readUsage(
      { usage: answer['usage']! },
      Buffer.from(exchange.resp.body),
      asked['encoding_format'] === 'base64' ? 'base64' : 'float',
    )
    assert.equal(usage?.input.total, (answer['usage'] as JsonObject)['prompt_tokens'], exchange.id)
    const { vectors, model } = embeddingCodecOf('openai').decodeAnswer(answer, {})
    assert.equal(vectors.length, inputsIn(asked), exchange.id)
    assert.equal(model, answer['model'])
    const { inputs } = embeddings.decodeRequest(asked)
    assert.equal(inputs.length, vectors.length)
  }
})

test('recorded vectors become the other encoding and come back to the byte', withCorpus, () => {
  let compared = 0
  for (const exchange of answered(recorded('openai', 'azure', 'voyage'))) {
    for (const vector of embeddingCodecOf('openai').decodeAnswer(answerOf(exchange), {}).vectors) {
      if (typeof vector !== 'string') continue
      const [float] = written([vector], 'float', 1, 'm')['data'] as JsonObject[]
      const numbers = float!['embedding'] as number[]
      assert.ok(numbers.length > 100 && numbers.every((number) => Math.abs(number) < 2), exchange.id)
      const [back] = written([numbers], 'base64', 1, 'm')['data'] as JsonObject[]
      assert.equal(back!['embedding'], vector, exchange.id)
      compared++
    }
  }
  assert.ok(compared >= 40, `${compared} of them`)
})

test('our answers, written from recorded ones, are OpenAI’s by its specification', withCorpus, () => {
  const check = createResponseCheck()
  for (const [form, provider] of [
    ['openai', 'openai'],
    ['openai', 'mistral'],
    ['gemini', 'google'],
    ['cohere', 'cohere'],
    ['voyage', 'voyage'],
    ['bedrock', 'bedrock'],
  ] as const) {
    for (const exchange of answered(recorded(provider)).filter(({ path }) => !path.endsWith(':embedContent'))) {
      const { vectors, usage } = embeddingCodecOf(form).decodeAnswer(answerOf(exchange), exchange.resp.headers)
      const answer = written(vectors, 'float', usage?.input.total ?? 1, 'm')
      assert.ok(check(answer), `${exchange.id}: ${JSON.stringify(check.errors)}`)
    }
  }
})

test('Gemini: what was recorded is what we would ask, and its vectors are read', withCorpus, () => {
  const exchanges = answered(recorded('google')).filter(({ path }) => path.endsWith(':batchEmbedContents'))
  assert.equal(exchanges.length, 8)
  for (const exchange of exchanges) {
    const requests = requestOf(exchange)['requests'] as JsonObject[]
    const parts = requests.map(({ content }) => (content as JsonObject)['parts'] as JsonObject[])
    const model = String(requests[0]!['model']).replace('models/', '')
    // One recorded content has two parts, which are one input; clients of OpenAI's form have no words for that.
    if (parts.every((part) => part.length === 1)) {
      const { taskType, outputDimensionality } = requests[0]!
      const asked = embeddings.decodeRequest({
        model,
        input: parts.map(([part]) => part!['text']!),
        ...(taskType === undefined ? {} : { task_type: taskType }),
        ...(outputDimensionality === undefined ? {} : { dimensions: outputDimensionality }),
      })
      const { calls, notes } = embeddingCodecOf('gemini').encodeRequest!(asked, { model, dialect: {} })
      assert.deepEqual(notes, [])
      const plain = requests.map((request) => ({ ...request, content: { parts: (request['content'] as JsonObject)['parts'] } }))
      assert.deepEqual(calls[0]!.body, { requests: plain })
    }
    const answer = answerOf(exchange)
    const { vectors, usage } = embeddingCodecOf('gemini').decodeAnswer(answer, {})
    assert.deepEqual(
      vectors,
      (answer['embeddings'] as JsonObject[]).map(({ values }) => values),
    )
    assert.equal(usage?.input.total, (answer['usageMetadata'] as JsonObject | undefined)?.['promptTokenCount'])
  }
})

test('Cohere, Voyage and Bedrock: recorded vectors and counts are read', withCorpus, () => {
  for (const exchange of answered(recorded('cohere'))) {
    const { vectors, usage } = embeddingCodecOf('cohere').decodeAnswer(answerOf(exchange), exchange.resp.headers)
    assert.equal(vectors.length, (requestOf(exchange)['texts'] as unknown[]).length)
    assert.equal(usage?.input.total, 208)
  }
  for (const exchange of answered(recorded('voyage'))) {
    const { vectors, usage } = embeddingCodecOf('voyage').decodeAnswer(answerOf(exchange), exchange.resp.headers)
    assert.equal(vectors.length, (requestOf(exchange)['input'] as unknown[]).length)
    assert.equal(usage?.input.total, ((answerOf(exchange)['usage'] as JsonObject)['total_tokens'])) // prettier-ignore
  }
  const bedrock = answered(recorded('bedrock')).map((exchange) => {
    const { vectors, usage } = embeddingCodecOf('bedrock').decodeAnswer(answerOf(exchange), exchange.resp.headers)
    return [vectors.length, usage?.input.total]
  })
  assert.deepEqual(bedrock, [[1, 3], [2, 7]]) // prettier-ignore
})

test('recorded refusals are classified', withCorpus, () => {
  const kinds = recorded('openai', 'azure')
    .filter(({ resp }) => resp.status >= 400)
    .map(({ resp }) => `${resp.status} ${providerCodecOf('openai-chat').egress.decodeError(resp.status, resp.headers, resp.body).kind}`)
  assert.deepEqual([...new Set(kinds)].sort(), [
    '400 request_refused',
    '401 credential_rejected',
    '403 credential_rejected',
    '404 target_not_found',
  ])
})

test('the Vercel AI SDK’s fixtures are read', withCorpus, () => {
  const read = (form: EmbeddingForm, ...path: string[]) =>
    embeddingCodecOf(form).decodeAnswer(JSON.parse(readCorpus('vercel-ai-fixtures', ...path).toString('utf8')) as JsonObject, {})
  for (const [answer, tokens] of [
    [read('vertex', 'google-vertex', 'google-vertex-embedding.json'), 11],
    [read('openai', 'openai', 'embedding', 'openai-embedding.json'), 12],
    [read('cohere', 'cohere', 'cohere-embedding.json'), 10],
    [read('voyage', 'voyage', 'voyage-embedding.json'), 12],
  ] as const) {
    assert.deepEqual(
      answer.vectors.map((vector) => vector.length),
      [5, 5],
    )
    assert.equal(answer.usage?.input.total, tokens)
  }
})

/** A golden case: the client's body, and the `request` of the snapshot that another gateway made of it. */
function golden(name: string, form: string): { readonly body: JsonObject; readonly theirs: JsonObject } {
  const folder = ['agentgateway-goldens', 'requests', 'embeddings']
  const body = JSON.parse(readCorpus(...folder, `${name}.json`).toString('utf8')) as JsonObject
  const [, , snapshot] = readCorpus(...folder, `${name}.${form}.snap`)
    .toString('utf8')
    .split(/^---$/m)
  const { request } = JSON.parse(snapshot!) as JsonObject
  assert.ok(isObject(request))
  return { body, theirs: request }
}

test('another gateway’s golden requests are ours, but for what a silent request is for', withCorpus, () => {
  const cases: readonly [string, string, EmbeddingForm, string, (theirs: JsonObject) => JsonObject][] = [
    ['basic', 'bedrock-titan', 'bedrock', 'amazon.titan-embed-text-v2:0', (theirs) => theirs],
    // It says what they left out: that the vectors are for an index; and of the wire's own defaults, the same.
    ['basic', 'bedrock-nova', 'bedrock', 'amazon.nova-2-multimodal-embeddings-v1:0', (theirs) => theirs],
    // They assume a query and we a document; and they drop the dimensions without a word, where we let the provider judge.
    [
      'basic',
      'bedrock-cohere',
      'bedrock',
      'cohere.embed-english-v3',
      (theirs) => ({ ...theirs, input_type: 'search_document', output_dimension: 1024 }),
    ],
    ['cohere-v4', 'bedrock-cohere', 'bedrock', 'cohere.embed-v4:0', (theirs) => ({ ...theirs, input_type: 'search_document' })],
    // They assume a query; we leave it to the model.
    ['basic', 'vertex', 'vertex', 'text-embedding-004', (theirs) => ({ ...theirs, instances: [{ content: 'hello world' }] })],
    ['full', 'vertex', 'vertex', 'text-embedding-004', (theirs) => theirs],
  ]
  for (const [name, snapshot, form, model, adjusted] of cases) {
    const { body, theirs } = golden(name, snapshot)
    const { calls } = embeddingCodecOf(form).encodeRequest!(embeddings.decodeRequest(body), { model, dialect: {} })
    assert.deepEqual(
      calls.map((call) => call.body),
      [adjusted(theirs)],
      `${name} ${snapshot}`,
    )
  }
})

test('another gateway’s golden answers have the same vectors and counts', withCorpus, () => {
  for (const [form, folder, tokens] of [
    ['vertex', 'vertex', 9],
    ['bedrock', 'bedrock-titan', 3],
    ['bedrock', 'bedrock-nova', undefined],
    ['bedrock', 'bedrock-cohere', undefined],
    ['openai', 'openai', 8],
  ] as const) {
    const path = ['agentgateway-goldens', 'response', folder]
    const { vectors, usage } = embeddingCodecOf(form).decodeAnswer(
      JSON.parse(readCorpus(...path, 'embeddings.json').toString('utf8')) as JsonObject,
      {},
    )
    const [, , snapshot] = readCorpus(...path, `embeddings.${folder}.snap`)
      .toString('utf8')
      .split(/^---$/m)
    const { response } = JSON.parse(snapshot!) as { response: { data: { embedding: number[] }[] } }
    assert.deepEqual(
      vectors.map((vector) => (vector as number[]).map(Math.fround)),
      response.data.map(({ embedding }) => embedding.map(Math.fround)),
      folder,
    )
    assert.equal(usage?.input.total, tokens, folder)
  }
})
