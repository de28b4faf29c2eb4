// What is read of Google's streams and answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fold, type StreamEvent } from '#ir'
import type { Failure, JsonObject } from '#kernel'
import { decodeResponse } from './decode-response.ts'
import { createStreamDecoder } from './decode-stream.ts'
import { PartialCall } from './partial-call.ts'

const chunk = (parts: JsonObject[], candidate: JsonObject = {}, rest: JsonObject = {}): JsonObject => ({
  candidates: [{ content: { parts, role: 'model' }, index: 0, ...candidate }],
  modelVersion: 'gemini-x',
  responseId: 'r-1',
  ...rest,
})
const stop = chunk([{ text: '' }], { finishReason: 'STOP' })

function events(...chunks: JsonObject[]): StreamEvent[] {
  const decoder = createStreamDecoder()
  return [...chunks.flatMap((each) => decoder.push({ data: JSON.stringify(each) })), ...decoder.end()]
}
const read = (...chunks: JsonObject[]) => fold(events(...chunks))
const failure = (...chunks: JsonObject[]): Failure => {
  const last = events(...chunks).at(-1)
  assert.ok(last?.type === 'error', 'it ended well')
  return last.error
}

test('text and thoughts of several chunks are one part each', () => {
  const answer = read(
    chunk([{ text: 'H', thought: true }]),
    chunk([{ text: 'm', thought: true }, { text: 'Hel' }]),
    chunk([{ text: 'lo' }]),
    stop,
  )
  assert.deepEqual(answer, {
    id: 'r-1',
    model: 'gemini-x',
    parts: [
      { type: 'reasoning', text: 'Hm', summary: true },
      { type: 'text', text: 'Hello' },
    ],
    finish: { reason: 'stop', raw: 'STOP' },
  })
})

test('the signature of a text stands behind it, in one chunk or in the next', () => {
  const parts = [
    { type: 'text', text: 'Yes' },
    { type: 'reasoning', text: '', seal: { domain: 'google', kind: 'signature', data: 'c2ln' } },
  ]
  assert.deepEqual(read(chunk([{ text: 'Yes', thoughtSignature: 'c2ln' }]), stop).parts, parts)
  assert.deepEqual(read(chunk([{ text: 'Yes' }]), chunk([{ text: '', thoughtSignature: 'c2ln' }], { finishReason: 'STOP' })).parts, parts)
})

test('calls have ids that differ within an answer and between answers, and keep their own', () => {
  const call = (id?: string): JsonObject => ({ functionCall: { ...(id === undefined ? {} : { id }), name: 'f', args: { n: 1 } } })
  const idsOf = (...chunks: JsonObject[]) => read(...chunks).parts.map((part) => (part.type === 'tool-call' ? part.id : ''))
  assert.deepEqual(idsOf(chunk([call(), call('mine'), call()]), stop), ['call_r-1_0', 'mine', 'call_r-1_2'])
  const nameless = { candidates: [{ content: { parts: [call(), call()] }, finishReason: 'STOP' }] }
  const [first, second] = idsOf(nameless)
  assert.ok(first !== second)
  assert.deepEqual(idsOf(nameless), [first, second])
})

test('a call decides the finish, and carries its signature', () => {
  const { parts, finish } = read(chunk([{ functionCall: { name: 'f' }, thoughtSignature: 'c2ln' }], { finishReason: 'STOP' }))
  assert.deepEqual(parts, [
    {
      type: 'tool-call',
      id: 'call_r-1_0',
      name: 'f',
      args: '{}',
      ranBy: 'client',
      seal: { domain: 'google', kind: 'signature', data: 'c2ln' },
    },
  ])
  assert.deepEqual(finish, { reason: 'tool-calls', raw: 'STOP' })
})

test('arguments that come in pieces are one call, which begins with its first piece', () => {
  const piece = (functionCall: JsonObject) => chunk([{ functionCall }])
  const decoder = createStreamDecoder()
  const push = (each: JsonObject) => decoder.push({ data: JSON.stringify(each) })
  const begun = push(piece({ name: 'f', willContinue: true }))
  assert.equal(begun.at(-1)?.type, 'part-start')
  const later = [
    piece({ partialArgs: [{ jsonPath: '$.items[0].name', stringValue: 'a', willContinue: true }], willContinue: true }),
    piece({ partialArgs: [{ jsonPath: '$.items[0].name', stringValue: 'b' }], willContinue: true }),
    piece({
      partialArgs: [
        { jsonPath: '$.items[0].n', numberValue: 2 },
        { jsonPath: "$['a key']", boolValue: true },
      ],
      willContinue: true,
    }),
    piece({ partialArgs: [{ jsonPath: '$.items[1]', nullValue: 'NULL_VALUE' }], willContinue: true }),
    piece({}),
    piece({ name: 'g', args: {} }),
    stop,
  ].flatMap(push)
  const calls = fold([...begun, ...later, ...decoder.end()]).parts.map((part) => (part.type === 'tool-call' ? [part.name, part.args] : []))
  assert.deepEqual(calls, [
    ['f', '{"items":[{"name":"ab","n":2},null],"a key":true}'],
    ['g', '{}'],
  ])
})

test('paths that make no sense are an error, and none reaches a prototype or asks for a huge array', () => {
  const build = (...paths: string[]) => {
    const call = new PartialCall()
    for (const jsonPath of paths) call.add([{ jsonPath, stringValue: 'x' }])
    return call.build()
  }
  assert.deepEqual(build('$.a.b', '$.a.c'), { a: { b: 'x', c: 'x' } })
  for (const wrong of ['a', '$', '$.a[', '$[0]', '$.a[4000000000]']) assert.equal(build(wrong), undefined, wrong)
  assert.equal(build('$.a', '$.a.b'), undefined)
  assert.equal(JSON.stringify(build('$.__proto__.polluted')), '{"__proto__":{"polluted":"x"}}')
  assert.equal(({} as JsonObject)['polluted'], undefined)
  const bad = chunk([{ functionCall: { name: 'f', partialArgs: [{ jsonPath: '?', stringValue: 'x' }] } }])
  assert.equal(failure(bad, stop).kind, 'bad_response')
})

test('usage is the whole usage so far; thoughts are output, and what tools read is input', () => {
  const usageMetadata = {
    promptTokenCount: 100,
    cachedContentTokenCount: 60,
    candidatesTokenCount: 10,
    thoughtsTokenCount: 30,
    toolUsePromptTokenCount: 7,
    totalTokenCount: 147,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: 75 },
      { modality: 'AUDIO', tokenCount: 25 },
    ],
    cacheTokensDetails: [{ modality: 'AUDIO', tokenCount: 5 }],
    candidatesTokensDetails: [{ modality: 4, tokenCount: 3 }],
    serviceTier: 'standard',
  }
  const { usage } = read(chunk([{ text: 'a' }], {}, { usageMetadata: { promptTokenCount: 100 } }), { ...stop, usageMetadata })
  assert.deepEqual(usage, {
    input: { total: 107, fresh: 47, cacheRead: 60, audio: 20 },
    output: { total: 40, reasoning: 30, audio: 3 },
    serviceTier: 'default',
    raw: usageMetadata,
  })
  assert.equal(read({ ...stop, usageMetadata: { trafficType: 'ON_DEMAND' } }).usage, undefined)
})

test('usage behind the finish reason still counts', () => {
  const { usage } = read(stop, { usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 4 } })
  assert.deepEqual([usage?.input.total, usage?.output.total], [3, 4])
})

test('finish reasons are told in our words, by name or by number, unknown ones as they are', () => {
  const finish = (finishReason: string | number) => read(chunk([{ text: 'a' }], { finishReason })).finish
  assert.deepEqual(finish('MAX_TOKENS'), { reason: 'length', raw: 'MAX_TOKENS' })
  assert.deepEqual(finish(2), { reason: 'length', raw: 'MAX_TOKENS' })
  assert.deepEqual(finish('SAFETY'), { reason: 'filtered', raw: 'SAFETY' })
  assert.deepEqual(finish('RECITATION').reason, 'filtered')
  assert.deepEqual(finish('BRAND_NEW'), { reason: 'other', raw: 'BRAND_NEW' })
  assert.deepEqual(finish(77), { reason: 'other', raw: '77' })
})

test('an answer that the provider broke off is an error, not an empty answer', () => {
  const broken = failure(chunk([], { finishReason: 'MALFORMED_FUNCTION_CALL', finishMessage: 'print(' }))
  assert.equal(broken.kind, 'error_in_stream')
  assert.deepEqual(broken.details.upstream, { type: 'MALFORMED_FUNCTION_CALL', message: 'print(' })
  for (const reason of ['UNEXPECTED_TOOL_CALL', 'MISSING_THOUGHT_SIGNATURE', 'TOO_MANY_TOOL_CALLS', 'MALFORMED_RESPONSE'])
    assert.equal(failure(chunk([{ text: 'a' }], { finishReason: reason })).kind, 'error_in_stream')
})

test('a blocked prompt is a filtered answer without content', () => {
  const body = { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: { promptTokenCount: 5 }, responseId: 'r-1' }
  const expected = { reason: 'filtered', raw: 'PROHIBITED_CONTENT' }
  assert.deepEqual([read(body).finish, read(body).parts], [expected, []])
  assert.deepEqual(decodeResponse(body).finish, expected)
})

test('a stream that ends without a finish reason has ended early', () => {
  assert.equal(failure(chunk([{ text: 'a' }])).kind, 'ended_early')
  assert.equal(failure(chunk([{ text: 'a' }], { finishReason: 'FINISH_REASON_UNSPECIFIED' })).kind, 'ended_early')
  assert.equal(failure().kind, 'ended_early')
})

test('errors inside a stream and bodies that are no answers are failures', () => {
  const overloaded = failure(chunk([{ text: 'a' }]), { error: { code: 503, message: 'Overloaded.', status: 'UNAVAILABLE' } })
  assert.equal(overloaded.kind, 'overloaded')
  const decoder = createStreamDecoder()
  assert.equal(decoder.push({ data: 'not JSON' }).at(-1)?.type, 'error')
  assert.deepEqual(decoder.end(), [])
  assert.throws(
    () => decodeResponse({ hello: 1 }),
    (error: Failure) => error.kind === 'bad_response',
  )
  assert.throws(
    () => decodeResponse({ error: { code: 429, message: 'Slow down.', status: 'RESOURCE_EXHAUSTED' } }),
    (error: Failure) => error.kind === 'rate_limited',
  )
})

test('oddities are taken: nulls, empty parts, other candidates, blocks of unknown kinds', () => {
  const answer = read(
    { candidates: null, usageMetadata: null, responseId: null },
    { candidates: [{ index: 1, content: { parts: [{ text: 'another' }] } }] },
    { candidates: [{ content: null }] },
    { candidates: [{ content: { parts: null } }] },
    chunk([{}, { text: 'a' }, { novelty: { x: 1 } }, { text: 'b' }]),
    stop,
  )
  assert.deepEqual(answer.parts, [
    { type: 'text', text: 'a' },
    { type: 'opaque', wire: 'gemini', kind: 'novelty', value: { novelty: { x: 1 } } },
    { type: 'text', text: 'b' },
  ])
})

test('images are parts of the answer, unless they were only thought of', () => {
  const image = { inlineData: { mimeType: 'image/png', data: 'AAAA' } }
  const { parts } = read(
    chunk([
      { ...image, thought: true },
      { ...image, thoughtSignature: 'c2ln' },
    ]),
    stop,
  )
  assert.deepEqual(parts, [
    { type: 'opaque', wire: 'gemini', kind: 'inlineData', value: { ...image, thought: true } },
    { type: 'media', kind: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' } },
    { type: 'reasoning', text: '', seal: { domain: 'google', kind: 'signature', data: 'c2ln' } },
  ])
})

test('grounding becomes citations in UTF-16 offsets, and stays as it is for a Google client', () => {
  const first = { groundingChunks: [{ web: { uri: 'https://a.example', title: 'A' } }], webSearchQueries: ['q'] }
  const second = {
    groundingChunks: [{ web: { uri: 'https://b.example', title: 'B' } }],
    // "Grüße 🛃" is 6 + 2 and 4 bytes more than its characters.
    groundingSupports: [{ segment: { startIndex: 8, endIndex: 12 }, groundingChunkIndices: [1] }],
  }
  const { parts, finish } = read(
    chunk([{ text: 'Grüße 🛃' }], { groundingMetadata: first }),
    chunk([{ text: '', thoughtSignature: 'c2ln' }], { groundingMetadata: second, finishReason: 'STOP' }),
  )
  assert.deepEqual(parts[0], {
    type: 'text',
    text: 'Grüße 🛃',
    citations: [
      { url: 'https://b.example', title: 'B', start: 6, end: 8 },
      { url: 'https://a.example', title: 'A' },
    ],
  })
  assert.deepEqual(finish.ext, {
    gemini: {
      groundingMetadata: {
        ...second,
        groundingChunks: [...first.groundingChunks, ...second.groundingChunks],
        webSearchQueries: ['q'],
      },
    },
  })
})

test('what has no word is kept for a Google client: of the candidate with the finish, of the answer with the answer', () => {
  const safetyRatings = [{ category: 'A', probability: 'LOW' }]
  const answer = read(chunk([{ text: 'a' }], { safetyRatings }), { ...stop, modelStatus: { message: 'old' } })
  assert.deepEqual([answer.finish.ext, answer.ext], [{ gemini: { safetyRatings } }, { gemini: { modelStatus: { message: 'old' } } }])
})

test('probabilities of tokens belong to the text', () => {
  const logprobsResult = {
    chosenCandidates: [{ token: 'Hi', logProbability: -0.5, tokenId: 7 }],
    topCandidates: [
      {
        candidates: [
          { token: 'Hi', logProbability: -0.5 },
          { token: 'Ho', logProbability: -1.5 },
        ],
      },
    ],
  }
  const { parts } = read(chunk([{ text: 'Hi' }], { logprobsResult, finishReason: 'STOP' }))
  assert.deepEqual(parts[0], {
    type: 'text',
    text: 'Hi',
    logprobs: [
      {
        token: 'Hi',
        logprob: -0.5,
        top: [
          { token: 'Hi', logprob: -0.5 },
          { token: 'Ho', logprob: -1.5 },
        ],
      },
    ],
  })
})
