// What each form asks a provider for, and what it reads, by the vendors' documentation; losses are noted.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { EmbeddingForm, EmbeddingRequest } from '#ir'
import { Failure, type JsonObject } from '#kernel'
import { embeddingCodecOf, sumOfUsages } from './index.ts'
import { embeddings } from './openai.ts'
import { decodeBase64, encodeBase64 } from './vectors.ts'

const asked = (body: JsonObject): EmbeddingRequest => embeddings.decodeRequest({ model: 'm', input: 'a', ...body })
const encoded = (form: EmbeddingForm, body: JsonObject, model = 'm') =>
  embeddingCodecOf(form).encodeRequest!(asked(body), { model, dialect: {} })
const bodies = (form: EmbeddingForm, body: JsonObject, model?: string) => encoded(form, body, model).calls.map((call) => call.body)
const losses = (form: EmbeddingForm, body: JsonObject, model?: string) =>
  encoded(form, body, model).notes.map(({ code, path }) => `${code} ${path}`)
const texts = (count: number) => Array.from({ length: count }, (_, at) => `text ${at}`)

describe('more inputs than a call may have', () => {
  const limits: [EmbeddingForm, string, number, number[]][] = [
    ['gemini', 'gemini-embedding-001', 201, [100, 100, 1]],
    ['vertex', 'text-embedding-005', 251, [250, 1]],
    ['vertex', 'gemini-embedding-001', 3, [1, 1, 1]],
    ['cohere', 'embed-v4.0', 97, [96, 1]],
    ['bedrock', 'cohere.embed-english-v3', 97, [96, 1]],
    ['bedrock', 'us.cohere.embed-v4:0', 97, [96, 1]],
    ['bedrock', 'amazon.titan-embed-text-v2:0', 2, [1, 1]],
    ['bedrock', 'amazon.nova-2-multimodal-embeddings-v1:0', 2, [1, 1]],
    ['voyage', 'voyage-3.5', 1001, [1000, 1]],
    ['ollama', 'all-minilm', 2000, [2000]],
  ]
  for (const [form, model, count, expected] of limits) {
    test(`${form}, ${model}: ${count} texts are calls of ${expected.join(', ')}`, () => {
      assert.deepEqual(
        encoded(form, { input: texts(count) }, model).calls.map((call) => call.count),
        expected,
      )
    })
  }

  test('Vertex also bounds the tokens of a call: long texts are fewer in one', () => {
    const input = [30_000, 9_000, 2_000, 50_000, 1].map((length) => 'x'.repeat(length))
    assert.deepEqual(
      encoded('vertex', { input }, 'text-embedding-005').calls.map(({ count }) => count),
      [2, 1, 1, 1],
    )
  })
})

describe('what the vectors are for', () => {
  const words: [EmbeddingForm, JsonObject, (body: JsonObject) => unknown, unknown][] = [
    ['cohere', { input_type: 'query' }, (body) => body['input_type'], 'search_query'],
    ['cohere', { task_type: 'RETRIEVAL_DOCUMENT' }, (body) => body['input_type'], 'search_document'],
    ['cohere', { input_type: 'image' }, (body) => body['input_type'], 'image'],
    ['voyage', { input_type: 'search_document' }, (body) => body['input_type'], 'document'],
    ['voyage', { taskType: 'retrieval_query' }, (body) => body['input_type'], 'query'],
    ['vertex', { input_type: 'clustering' }, (body) => (body['instances'] as JsonObject[])[0]!['task_type'], 'CLUSTERING'],
    ['gemini', { task_type: 'FACT_VERIFICATION' }, (body) => (body['requests'] as JsonObject[])[0]!['taskType'], 'FACT_VERIFICATION'],
    ['gemini', { input_type: 'query' }, (body) => (body['requests'] as JsonObject[])[0]!['taskType'], 'RETRIEVAL_QUERY'],
  ]
  for (const [form, given, read, expected] of words) {
    test(`${form} is told ${JSON.stringify(given)} in its own word`, () => {
      assert.equal(read(bodies(form, given)[0]!), expected)
      assert.deepEqual(losses(form, given), [])
    })
  }

  test('a word that the provider has none for is dropped, and said', () => {
    assert.deepEqual(losses('voyage', { input_type: 'clustering' }), ['dropped input_type'])
    assert.deepEqual(losses('gemini', { input_type: 'image' }), ['dropped input_type'])
    assert.equal('input_type' in bodies('voyage', { input_type: 'clustering' })[0]!, false)
  })

  test('Cohere must be told: without a word documents are assumed, and that is said', () => {
    assert.equal(bodies('cohere', {})[0]!['input_type'], 'search_document')
    assert.deepEqual(losses('cohere', {}), ['approximated input_type'])
    assert.deepEqual(losses('cohere', { task_type: 'FACT_VERIFICATION' }), ['dropped task_type', 'approximated input_type'])
  })
})

describe('texts that are too long', () => {
  const cases: [EmbeddingForm, JsonObject, JsonObject][] = [
    ['cohere', { truncate: 'START' }, { truncate: 'START' }],
    ['cohere', { truncation: false }, { truncate: 'NONE' }],
    ['cohere', { auto_truncate: true }, { truncate: 'END' }],
    ['voyage', { truncation: true }, { truncation: true }],
    ['voyage', { truncate: 'NONE' }, { truncation: false }],
    ['ollama', { truncate: false }, { truncate: false }],
    ['vertex', { auto_truncate: false }, { parameters: { autoTruncate: false } }],
  ]
  for (const [form, given, expected] of cases) {
    test(`${form} is told ${JSON.stringify(given)} as ${JSON.stringify(expected)}`, () => {
      const [body] = bodies(form, { input_type: 'query', ...given })
      for (const [field, value] of Object.entries(expected)) assert.deepEqual(body![field], value)
    })
  }

  test('who cuts at the end only says so when the start was meant', () => {
    assert.deepEqual(losses('ollama', { truncate: 'START' }), ['approximated truncate'])
    assert.deepEqual(losses('ollama', { truncate: 'sometimes' }), ['dropped truncate'])
  })
})

describe('other fields', () => {
  test('go to who knows them, and are noted where they stay behind', () => {
    assert.deepEqual(losses('ollama', { keep_alive: '5m', options: { num_ctx: 512 }, user: 'u' }), ['dropped user'])
    assert.equal(bodies('ollama', { keep_alive: '5m' })[0]!['keep_alive'], '5m')
    assert.deepEqual(losses('gemini', { title: 'T', made_up: 1, user: null }), ['dropped made_up'])
    assert.deepEqual(bodies('bedrock', { normalize: false, dimensions: 512 }, 'amazon.titan-embed-text-v2:0'), [
      { inputText: 'a', dimensions: 512, normalize: false },
    ])
    assert.deepEqual(bodies('bedrock', { dimensions: 384 }, 'amazon.titan-embed-image-v1'), [
      { inputText: 'a', embeddingConfig: { outputEmbeddingLength: 384 } },
    ])
  })

  test('of several types of numbers one is asked for; OpenAI’s answer has room for one', () => {
    const given = { input_type: 'query', embedding_types: ['int8', 'float'] }
    assert.deepEqual(bodies('cohere', given)[0]!['embedding_types'], ['int8'])
    assert.deepEqual(losses('cohere', given), ['approximated embedding_types'])
    assert.deepEqual(bodies('voyage', { output_dtype: 'int8', encoding_format: 'base64' })[0], {
      model: 'm',
      input: ['a'],
      output_dtype: 'int8',
    })
  })

  test('token ids are nothing for a provider that reads text: another target may take them', () => {
    for (const form of ['gemini', 'vertex', 'cohere', 'bedrock', 'voyage', 'ollama'] as const) {
      assert.throws(
        () => encoded(form, { input: [[1, 2]] }),
        (error: unknown) => error instanceof Failure && error.kind === 'unsupported_feature' && error.details.param === 'input',
      )
    }
  })
})

describe('answers', () => {
  const read = (form: EmbeddingForm, body: JsonObject, headers: Record<string, string> = {}) =>
    embeddingCodecOf(form).decodeAnswer(body, headers)

  test('Bedrock counts tokens in a header, whatever the model', () => {
    const counted = { 'x-amzn-bedrock-input-token-count': '7' }
    const cohere = read('bedrock', { embeddings: [[1], [2]], id: 'c', response_type: 'embeddings_floats' }, counted)
    assert.deepEqual([cohere.vectors, cohere.usage?.input.total], [[[1], [2]], 7])
    const byType = read('bedrock', { embeddings: { float: [[1]] } }, counted)
    assert.deepEqual(byType.vectors, [[1]])
    const nova = read('bedrock', { embeddings: [{ embeddingType: 'TEXT', embedding: [1, 2] }] }, counted)
    assert.deepEqual([nova.vectors, nova.usage?.input.total], [[[1, 2]], 7])
    const titan = read('bedrock', { embedding: [3], inputTextTokenCount: 4 })
    assert.deepEqual([titan.vectors, titan.usage?.input.total], [[[3]], 4])
    assert.equal(read('bedrock', { embeddings: [[1]] }).usage, undefined)
  })

  test('what has no vectors, or something else in their place, is no answer', () => {
    const bad: [EmbeddingForm, JsonObject][] = [
      ['openai', {}],
      ['openai', { data: [null] }],
      ['openai', { data: [{ embedding: [] }] }],
      ['openai', { data: [{ embedding: [1, null] }] }],
      ['openai', { data: [{ embedding: ['1'] }] }],
      ['gemini', { embeddings: [{}] }],
      ['gemini', { embedding: { values: [1] } }],
      ['vertex', { predictions: [{ values: [1] }] }],
      ['cohere', { embeddings: {} }],
      ['cohere', { embeddings: { float: [[true]] } }],
      ['bedrock', { message: 'no' }],
      ['ollama', { embeddings: 'none' }],
    ]
    for (const [form, body] of bad) {
      assert.throws(
        () => read(form, body),
        (error: unknown) => error instanceof Failure && error.kind === 'bad_response',
        `${form} ${JSON.stringify(body)}`,
      )
    }
  })

  test('tokens of several calls add up; if one of them does not say, nobody knows', () => {
    const usage = (tokens: number) => read('ollama', { embeddings: [[1]], prompt_eval_count: tokens }).usage
    assert.deepEqual(sumOfUsages([usage(3), usage(4)]), {
      input: { total: 7, fresh: 7 },
      output: { total: 0 },
      raw: { calls: [{ prompt_eval_count: 3 }, { prompt_eval_count: 4 }] },
    })
    assert.equal(sumOfUsages([usage(3), undefined]), undefined)
    assert.deepEqual(sumOfUsages([usage(3)])?.raw, { prompt_eval_count: 3 })
  })
})

describe('vectors in base64', () => {
  test('are little-endian floats of 32 bits', () => {
    assert.equal(encodeBase64([1, -2.5, 0]), 'AACAPwAAIMAAAAAA')
    assert.deepEqual(decodeBase64('AACAPwAAIMAAAAAA'), [1, -2.5, 0])
  })

  test('that are not base64 of whole floats are no answer', () => {
    for (const text of ['AACAPw=A', 'AACA', '????', 'AACAPwAA']) assert.throws(() => decodeBase64(text), Failure, text)
  })
})
