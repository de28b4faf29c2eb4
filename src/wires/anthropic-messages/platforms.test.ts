// Claude on Bedrock and Vertex: what the pass-through lane edits, and what a translated body looks like there.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dialect, Request } from '#ir'
import type { JsonObject } from '#kernel'
import { encodeRequest } from './encode-request.ts'
import { passThrough } from './pass-through.ts'
import { bedrockFraming } from './bedrock-stream.ts'
import { anthropicMessages } from './index.ts'

const bedrock: Dialect = { anthropicVersion: 'bedrock-2023-05-31' }
const vertex: Dialect = { anthropicVersion: 'vertex-2023-10-16' }
const sonnet = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'

function edited(fields: JsonObject, dialect: Dialect, beta?: string, model = sonnet) {
  const { edits, notes } = passThrough.edits(fields, model, dialect, beta === undefined ? {} : { 'anthropic-beta': beta })
  const body: Record<string, unknown> = { ...fields }
  for (const { field, value } of edits) body[field] = value
  return { body: JSON.parse(JSON.stringify(body)) as JsonObject, notes: notes.map(({ path }) => path), edits }
}

test('model and stream leave the body, the version enters it', () => {
  for (const dialect of [bedrock, vertex]) {
    const { body, notes } = edited({ model: 'claude-sonnet-4-5', stream: true, max_tokens: 10 }, dialect)
    assert.deepEqual(body, { max_tokens: 10, anthropic_version: dialect.anthropicVersion! })
    assert.deepEqual(notes, [])
  }
})

test('each field is edited once, and a body that is right already keeps its version', () => {
  const { edits } = edited(
    { model: 'm', anthropic_version: 'bedrock-2023-05-31', metadata: { user_id: 'u' }, max_tokens: 1 },
    { ...bedrock, strip: ['metadata', 'model'] },
  )
  assert.deepEqual(edits.map(({ field }) => field).sort(), ['metadata', 'model'])
})

test('fields that a platform refuses stay behind, each with a note if it said something', () => {
  const fields = { model: 'm', max_tokens: 1, metadata: { user_id: 'u' }, service_tier: 'auto', container: 'c' }
  assert.deepEqual(edited(fields, bedrock).notes, ['service_tier', 'container'])
  assert.deepEqual(edited(fields, vertex).body, { max_tokens: 1, metadata: { user_id: 'u' }, anthropic_version: 'vertex-2023-10-16' })
})

test('whose request it is stays behind without a note, other metadata with one', () => {
  const withMetadata = (metadata: JsonObject) => edited({ model: 'm', metadata }, bedrock)
  assert.deepEqual(withMetadata({ user_id: 'u' }).notes, [])
  assert.equal('metadata' in withMetadata({ user_id: 'u' }).body, false)
  assert.deepEqual(withMetadata({ user_id: 'u', team: 'x' }).notes, ['metadata'])
})

test("on Bedrock the header's betas enter the body, under the names that Bedrock has", () => {
  const { body, notes } = edited(
    { model: 'm', anthropic_beta: ['context-1m-2025-08-07'] },
    bedrock,
    'claude-code-20250219,interleaved-thinking-2025-05-14, advanced-tool-use-2025-11-20,fast-mode-2026-02-01,context-1m-2025-08-07',
  )
  assert.deepEqual(body['anthropic_beta'], [
    'context-1m-2025-08-07',
    'interleaved-thinking-2025-05-14',
    'tool-search-tool-2025-10-19',
    'tool-examples-2025-10-29',
  ])
  assert.deepEqual(notes, ['anthropic-beta.fast-mode-2026-02-01'])
})

test('betas that ask for nothing are left out without a word, and an empty list is no list', () => {
  const betas = 'claude-code-20250219,oauth-2025-04-20'
  assert.equal('anthropic_beta' in edited({ model: 'm' }, bedrock, betas).body, false)
  const adaptive = edited({ model: 'm' }, bedrock, 'effort-2025-11-24,interleaved-thinking-2025-05-14', 'global.anthropic.claude-opus-4-7')
  assert.equal('anthropic_beta' in adaptive.body, false)
  assert.deepEqual(adaptive.notes, [])
  assert.equal('anthropic_beta' in edited({ model: 'm' }, vertex, 'context-1m-2025-08-07').body, false)
})

test("Anthropic's own API is spoken as before", () => {
  assert.deepEqual(edited({ model: 'a', stream: true, metadata: {} }, {}, 'some-beta').body, { model: sonnet, stream: true, metadata: {} })
})

test('a translated body has the version, and neither model nor stream nor what the platform refuses', () => {
  const request: Request = {
    model: 'x',
    stream: true,
    turns: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
    user: 'u-1',
    serviceTier: 'default',
    maxOutputTokens: 5,
  }
  const target = (dialect: Dialect) => ({ model: sonnet, dialect, sealDomain: 'anthropic', defaultMaxOutputTokens: 100 })
  const onBedrock = encodeRequest(request, target(bedrock))
  assert.deepEqual(onBedrock.body, {
    anthropic_version: 'bedrock-2023-05-31',
    max_tokens: 5,
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
  })
  assert.deepEqual(
    onBedrock.notes.map(({ path }) => path),
    ['user', 'serviceTier'],
  )
  assert.deepEqual(encodeRequest(request, target(vertex)).body['metadata'], { user_id: 'u-1' })
  assert.equal('model' in encodeRequest(request, target({})).body, true)
})

test("only Bedrock's streams are binary", () => {
  assert.equal(anthropicMessages.egress.framing?.(bedrock), bedrockFraming)
  assert.equal(anthropicMessages.egress.framing?.(vertex), undefined)
  assert.equal(anthropicMessages.egress.framing?.({}), undefined)
})

test('errors of Bedrock are told by their header, those that it passes on by their body', () => {
  const errorType = { 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/' }
  const decode = anthropicMessages.egress.decodeError
  assert.equal(decode(429, errorType, '{"message":"Too many tokens, please wait before trying again."}').kind, 'rate_limited')
  const validation = { 'x-amzn-errortype': 'ValidationException' }
  assert.equal(decode(400, validation, '{"message":"Input is too long for requested model."}').kind, 'context_length_exceeded')
  assert.equal(decode(400, validation, '{"message":"The provided model identifier is invalid."}').kind, 'target_not_found')
  const passedOn = '{"type":"error","error":{"type":"invalid_request_error","message":"invalid beta flag"}}'
  assert.equal(decode(400, validation, passedOn).details.upstream?.type, 'invalid_request_error')
})
