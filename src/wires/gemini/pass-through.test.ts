// What is read and rewritten of answers whose bytes pass.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '#kernel'
import { passThrough } from './pass-through.ts'

const frame = (value: JsonObject) => ({ data: JSON.stringify(value) })
const chunk = (parts: JsonObject[], candidate: JsonObject = {}) => ({ candidates: [{ content: { parts, role: 'model' }, ...candidate }] })
const watch = () => passThrough.createWatch({})

test('content begins with text, thoughts, calls, media or code, not with an empty text', () => {
  const begins = (part: JsonObject) => watch().frame(frame(chunk([part]))).content
  assert.equal(begins({ text: '' }), undefined)
  assert.equal(begins({ text: '', thought: true }), undefined)
  for (const part of [
    { text: 'a' },
    { text: 'a', thought: true },
    { text: '', thoughtSignature: 'c2ln' },
    { functionCall: { name: 'f' } },
    { inlineData: { mimeType: 'image/png', data: 'A' } },
    { executableCode: { code: '1' } },
  ])
    assert.equal(begins(part), true, JSON.stringify(part))
})

test('nothing is terminal: a stream that ends after its finish reason has ended well', () => {
  const seen = watch().frame(frame(chunk([{ text: 'a' }], { finishReason: 'STOP' })))
  assert.deepEqual([seen.finish, seen.terminal], [{ reason: 'stop', raw: 'STOP' }, undefined])
  assert.equal(passThrough.terminator, '')
})

test('every frame that tells something holds a marker', () => {
  for (const value of [
    { usageMetadata: { promptTokenCount: 1 } },
    chunk([], { finishReason: 'STOP' }),
    { promptFeedback: { blockReason: 'SAFETY' } },
    { error: { code: 500, message: 'x' } },
  ]) {
    const { data } = frame(value)
    assert.ok(Object.keys(watch().frame({ data })).length > 0)
    assert.ok(
      passThrough.markers.some((marker) => data.includes(marker)),
      data,
    )
  }
})

test('a call in an earlier chunk decides the finish', () => {
  const reader = watch()
  reader.frame(frame(chunk([{ functionCall: { name: 'f' } }])))
  assert.equal(reader.frame(frame(chunk([{ text: '' }], { finishReason: 'STOP' }))).finish?.reason, 'tool-calls')
})

test('a blocked prompt is a finish, an error is an error', () => {
  assert.deepEqual(watch().frame(frame({ promptFeedback: { blockReason: 'SAFETY' } })).finish, { reason: 'filtered', raw: 'SAFETY' })
  const { error } = watch().frame(frame({ error: { code: 503, message: 'x', status: 'UNAVAILABLE' } }))
  assert.equal(error?.kind, 'overloaded')
  assert.equal(watch().frame({ data: '<html>' }).error?.kind, 'bad_response')
})

test('the cost is written into the last usage and nothing else changes', () => {
  const content = '{"parts":[{"text":"\\"usageMetadata\\":{"}]}'
  const data = `{"candidates":[{"content":${content},"finishReason":"STOP"}], "usageMetadata" : {"promptTokenCount": 1}, "x": 1}`
  const costly = (text: string) => text.replace('{"promptTokenCount"', '{"cost":0.5,"promptTokenCount"')
  assert.equal(watch().withCost({ data }, 0.5), `data: ${costly(data)}\n\n`)
  const raw = `: hi\r\ndata: ${data}\r\n\r\n`
  const frame = { data, raw: Buffer.from(raw), incomplete: false }
  assert.equal(watch().withCost(frame, 0.5), costly(raw))
  // Before the finish reason usage is not final.
  assert.equal(watch().withCost({ data: '{"candidates":[],"usageMetadata":{"promptTokenCount":1}}' }, 0.5), undefined)
  assert.equal(watch().withCost({ data: '{"candidates":[{"finishReason":"STOP"}]}' }, 0.5), undefined)
})

test('a finish that the client does not know is replaced, behind a notice', () => {
  const data = JSON.stringify({ ...chunk([{ text: 'a' }], { finishReason: 'SAFETY', finishMessage: 'm', index: 0 }), responseId: 'r' })
  const [only, ...others] = watch().withFinish({ data }, { reason: 'stop' }, '[cut]')
  assert.deepEqual(others, [])
  assert.deepEqual(JSON.parse(only!.data), {
    candidates: [{ content: { role: 'model', parts: [{ text: 'a' }, { text: '[cut]' }] }, index: 0, finishReason: 'STOP' }],
    responseId: 'r',
  })
  assert.ok(passThrough.knowsFinish({ reason: 'other', raw: 'LANGUAGE' }))
  assert.ok(!passThrough.knowsFinish({ reason: 'other', raw: 'BRAND_NEW' }))
})

test('the finish of a whole answer is found in its bytes, not in its text', () => {
  const body = Buffer.from(
    '{"candidates":[{"content":{"parts":[{"text":"\\"finishReason\\": \\"SAFETY\\""}]},"finishReason" : "MAX_TOKENS"}],"modelVersion":"x"}',
  )
  assert.deepEqual(passThrough.finishIn!(body), { reason: 'length', raw: 'MAX_TOKENS' })
  assert.equal(passThrough.finishIn!(Buffer.from('{"candidates":[]}')), undefined)
})

test('a request passes as it is, without what the provider refuses', () => {
  assert.deepEqual(passThrough.edits({ contents: [] }, 'gemini-x', {}), { edits: [], notes: [] })
  const { edits, notes } = passThrough.edits({ serviceTier: 'flex' }, 'gemini-x', { strip: ['serviceTier'] })
  assert.deepEqual(edits, [{ field: 'serviceTier', value: undefined }])
  assert.equal(notes.length, 1)
})
