// What a Google client reads of an answer, whole and in chunks.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explode, fold, type Response, type StreamEvent } from '#ir'
import { Failure, type JsonObject } from '#kernel'
import type { AnswerContext } from '#wires/codec'
import { createArrayStream } from './array-stream.ts'
import { createStreamDecoder } from './decode-stream.ts'
import { encodeResponse } from './encode-response.ts'
import { createStreamEncoder } from './encode-stream.ts'
import { encodeModel, pageOfModels } from './model-list.ts'

const context: AnswerContext = { requestId: 'req_1', model: 'served', createdSeconds: 1, streamUsage: false }
const answer: Response = {
  parts: [
    { type: 'reasoning', text: 'Hm' },
    { type: 'text', text: 'Hello' },
    { type: 'tool-call', id: 'call_1', name: 'f', args: '{"a":1}', ranBy: 'client' },
  ],
  finish: { reason: 'tool-calls' },
  usage: { input: { total: 10, fresh: 8, cacheRead: 2 }, output: { total: 5, reasoning: 3 }, serviceTier: 'default', raw: {} },
}

const encode = (events: readonly StreamEvent[], of: AnswerContext = context) => {
  const encoder = createStreamEncoder(of)
  return events.map((event) => encoder.push(event)).join('')
}
const chunks = (text: string) => [...text.matchAll(/^data: (.*)$/gm)].map((found) => JSON.parse(found[1]!) as JsonObject)
const partsOf = (text: string) =>
  chunks(text).flatMap(({ candidates }) => (candidates as { content: { parts: JsonObject[] } }[]).flatMap(({ content }) => content.parts))
const decode = (text: string) => {
  const decoder = createStreamDecoder()
  return fold([...chunks(text).flatMap((chunk) => decoder.push({ data: JSON.stringify(chunk) })), ...decoder.end()])
}

test('a stream is chunks that each stand for themselves; the last one has the finish and the usage', () => {
  const encoder = createStreamEncoder(context)
  encoder.setCost(0.25)
  const written = explode(answer)
    .map((event) => encoder.push(event))
    .join('')
  const all = chunks(written)
  const head = { modelVersion: 'served', responseId: 'req_1' }
  const part = (inner: JsonObject) => ({ candidates: [{ content: { parts: [inner], role: 'model' }, index: 0 }], ...head })
  assert.deepEqual(all.slice(0, -1), [
    part({ text: 'Hm', thought: true }),
    part({ text: 'Hello' }),
    part({ functionCall: { id: 'call_1', name: 'f', args: { a: 1 } } }),
  ])
  assert.deepEqual(all.at(-1), {
    candidates: [{ content: { parts: [{ text: '' }], role: 'model' }, finishReason: 'STOP', index: 0 }],
    usageMetadata: {
      promptTokenCount: 10,
      cachedContentTokenCount: 2,
      candidatesTokenCount: 2,
      thoughtsTokenCount: 3,
      totalTokenCount: 15,
      serviceTier: 'standard',
      cost: 0.25,
    },
    ...head,
  })
})

test('a call is told only when it is whole', () => {
  const encoder = createStreamEncoder(context)
  const told = [
    { type: 'start' },
    { type: 'part-start', index: 0, part: { type: 'tool-call', id: 'a', name: 'f', ranBy: 'client' } },
    { type: 'part-delta', index: 0, text: '{"x":' },
    { type: 'part-delta', index: 0, text: '"y"}' },
  ] as const
  assert.equal(told.map((event) => encoder.push(event)).join(''), '')
  assert.deepEqual(partsOf(encoder.push({ type: 'part-end', index: 0 })), [{ functionCall: { id: 'a', name: 'f', args: { x: 'y' } } }])
})

test('thoughts are shown to a client that asked for them, and to no other', () => {
  const asking = (thinkingConfig: JsonObject | undefined): AnswerContext => ({
    ...context,
    request: () => ({ contents: [], ...(thinkingConfig === undefined ? {} : { generation_config: { thinking_config: thinkingConfig } }) }),
  })
  const shown = (of: AnswerContext) => [
    partsOf(encode(explode(answer), of)).some((part) => part['thought'] === true),
    JSON.stringify(encodeResponse(answer, of, undefined)).includes('"thought"'),
  ]
  assert.deepEqual(shown(asking({ includeThoughts: true })), [true, true])
  assert.deepEqual(shown(asking({ include_thoughts: true })), [true, true])
  assert.deepEqual(shown(asking({ thinkingBudget: 5 })), [false, false])
  assert.deepEqual(shown(asking(undefined)), [false, false])
  assert.deepEqual(shown(context), [true, true])
})

test('signatures of other vendors stay out', () => {
  const sealed = (domain: string): Response => ({
    ...answer,
    parts: [
      { type: 'reasoning', text: 'Hm', seal: { domain, kind: 'signature', data: 'c2ln' } },
      { type: 'tool-call', id: 'a', name: 'f', args: '{}', ranBy: 'client', seal: { domain, kind: 'signature', data: 'c2ln' } },
    ],
  })
  for (const [domain, count] of [
    ['google', 2],
    ['anthropic', 0],
  ] as const) {
    const whole = JSON.stringify(encodeResponse(sealed(domain), context, undefined))
    assert.equal(whole.split('"thoughtSignature"').length - 1, count)
    assert.equal(encode(explode(sealed(domain))).split('"thoughtSignature"').length - 1, count)
  }
})

test('what a provider ran itself has no place in the answer, what Google ran comes back as it was', () => {
  const code = { executableCode: { language: 'PYTHON', code: '1' } }
  const ran: Response = {
    parts: [
      { type: 'tool-call', id: 'a', name: 'web_search', args: '{}', ranBy: 'provider' },
      { type: 'opaque', wire: 'anthropic-messages', kind: 'web_search_tool_result', value: {} },
      { type: 'opaque', wire: 'gemini', kind: 'executableCode', value: code },
    ],
    finish: { reason: 'stop', ext: { gemini: { safetyRatings: [] } } },
    ext: { gemini: { modelStatus: {} }, 'openai-chat': { system_fingerprint: 'x' } },
  }
  const whole = encodeResponse(ran, context, undefined)
  const [candidate] = whole['candidates'] as JsonObject[]
  assert.deepEqual(candidate, { content: { parts: [code], role: 'model' }, safetyRatings: [], finishReason: 'STOP', index: 0 })
  assert.deepEqual(Object.keys(whole), ['candidates', 'modelStatus', 'modelVersion', 'responseId'])
  assert.deepEqual(partsOf(encode(explode(ran))), [code, { text: '' }])
})

test('a refusal is text, and the finish reason says that it is one', () => {
  const refused: Response = { parts: [{ type: 'refusal', text: 'No.' }], finish: { reason: 'stop' } }
  const { candidates } = encodeResponse(refused, context, undefined) as { candidates: JsonObject[] }
  assert.deepEqual(candidates, [{ content: { parts: [{ text: 'No.' }], role: 'model' }, finishReason: 'SAFETY', index: 0 }])
  assert.ok(encode(explode(refused)).includes('"finishReason":"SAFETY"'))
})

test('sources of other wires become grounding, in bytes', () => {
  const cited: Response = {
    parts: [
      {
        type: 'text',
        text: 'Grüße 🛃',
        citations: [{ url: 'https://a.example', title: 'A', start: 6, end: 8 }, { url: 'https://b.example' }],
      },
    ],
    finish: { reason: 'stop' },
  }
  const grounding = {
    groundingChunks: [{ web: { uri: 'https://a.example', title: 'A' } }, { web: { uri: 'https://b.example' } }],
    groundingSupports: [
      { segment: { startIndex: 8, endIndex: 12, text: '🛃' }, groundingChunkIndices: [0] },
      { segment: { startIndex: 0, endIndex: 12, text: 'Grüße 🛃' }, groundingChunkIndices: [1] },
    ],
  }
  const [whole] = encodeResponse(cited, context, undefined)['candidates'] as JsonObject[]
  assert.deepEqual(whole!['groundingMetadata'], grounding)
  const written = encode(explode(cited))
  assert.deepEqual((chunks(written).at(-1)!['candidates'] as JsonObject[])[0]!['groundingMetadata'], grounding)
  const [first] = cited.parts[0]?.type === 'text' ? cited.parts[0].citations! : []
  assert.deepEqual(decode(written).parts, [
    { type: 'text', text: 'Grüße 🛃', citations: [first, { url: 'https://b.example', start: 0, end: 8 }] },
  ])
})

test('what is said of a text comes at the latest with the call behind it, and the last chunk has all sources', () => {
  const cited = (text: string, page: string): Response['parts'][number] => ({
    type: 'text',
    text,
    citations: [{ url: `https://${page}.example`, title: page, start: 1, end: 3 }],
    logprobs: [{ token: text, logprob: -1, top: [] }],
  })
  const both: Response = {
    parts: [cited('Grüße', 'a'), { type: 'tool-call', id: 'call_1', name: 'f', args: '{}', ranBy: 'client' }, cited('Hello', 'b')],
    finish: { reason: 'tool-calls' },
  }
  const written = encode(explode(both))
  const candidates = chunks(written).map((chunk) => (chunk['candidates'] as JsonObject[])[0]!)
  const sourcesOf = (candidate: JsonObject) =>
    ((candidate['groundingMetadata'] as JsonObject | undefined)?.['groundingChunks'] as { web: { title: string } }[] | undefined)?.map(
      ({ web }) => web.title,
    )
  const tokensOf = (candidate: JsonObject) =>
    ((candidate['logprobsResult'] as JsonObject | undefined)?.['chosenCandidates'] as JsonObject[] | undefined)?.map(({ token }) => token)
  assert.deepEqual(candidates.map(sourcesOf), [undefined, ['a'], undefined, ['a', 'b']])
  assert.deepEqual(candidates.map(tokensOf), [undefined, ['Grüße'], undefined, ['Hello']])
  assert.deepEqual(decode(written).parts, both.parts)
  const whole = encodeResponse(both, context, undefined)
  const citationsIn = ({ parts }: Response) => parts.flatMap((part) => (part.type === 'text' ? [part.citations] : []))
  assert.deepEqual(citationsIn(decode(`data: ${JSON.stringify(whole)}`)), citationsIn(both))
})

test('preamble and keep-alive are chunks with an empty text, as every one of Google’s SDKs reads them', () => {
  const encoder = createStreamEncoder(context)
  const text = encoder.preamble() + encoder.keepAlive()
  assert.deepEqual(partsOf(text), [{ text: '' }, { text: '' }])
  assert.ok(chunks(text).every((chunk) => chunk['modelVersion'] === 'served' && chunk['responseId'] === 'req_1'))
})

test('nothing follows an error', () => {
  const encoder = createStreamEncoder(context)
  encoder.push({ type: 'start' })
  const text = encoder.push({ type: 'error', error: new Failure('interrupted', 'Cut.') })
  assert.ok(text.startsWith('data: {"error":{"code":502,"message":"Cut.","status":"UNAVAILABLE"'))
  assert.equal(encoder.push({ type: 'finish', finish: { reason: 'stop' } }), '')
})

test('a stream without alt=sse is one JSON array, however its frames are cut', () => {
  const written = encode(explode(answer))
  for (const text of [written, written.replaceAll('\n', '\r\n'), `: comment\n\n${written}`]) {
    for (const size of [1, 2, 7, 100_000]) {
      const array = createArrayStream()
      let out = ''
      for (let at = 0; at < text.length; at += size) out += array.push(text.slice(at, at + size))
      out += array.end()
      assert.deepEqual(JSON.parse(out), chunks(written), `${size}`)
    }
  }
})

test('an array whose stream was cut stays open, and one without frames is empty', () => {
  const array = createArrayStream()
  const out = array.push('data: {"a":1}\n\ndata: {"error":{}}\n\n')
  assert.equal(out, '[{"a":1},\r\n{"error":{}}')
  assert.throws(() => JSON.parse(out))
  assert.equal(createArrayStream().end(), '[]')
  const late = createArrayStream()
  assert.equal(late.push('data: {"a":1}') + late.end(), '[{"a":1}]')
})

test('models are listed in Google’s words, page by page', () => {
  assert.deepEqual(encodeModel({ id: 'openai/gpt-5', inputTokenLimit: 400_000 }), {
    name: 'models/openai/gpt-5',
    displayName: 'openai/gpt-5',
    inputTokenLimit: 400_000,
    supportedGenerationMethods: ['generateContent', 'streamGenerateContent', 'countTokens'],
  })
  assert.deepEqual(encodeModel({ id: 'e', embeds: true })['supportedGenerationMethods'], ['embedContent'])
  const models = ['a', 'b', 'c'].map((id) => ({ id }))
  const first = pageOfModels(models, '2')
  assert.deepEqual(first.models, models.slice(0, 2))
  assert.deepEqual(pageOfModels(models, '2', first.nextPageToken), { models: models.slice(2) })
  assert.deepEqual(pageOfModels(models), { models })
  assert.throws(
    () => pageOfModels(models, 'x'),
    (error: Failure) => error.details.param === 'pageSize',
  )
  assert.throws(
    () => pageOfModels(models, '1', 'nonsense'),
    (error: Failure) => error.details.param === 'pageToken',
  )
})
