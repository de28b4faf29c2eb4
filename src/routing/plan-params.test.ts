// Defaults, overrides and what is left out, in the client's wire; what has no place there is said.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RoutingLeaf } from '#config'
import { createParamReader } from './plan-params.ts'

function leaf(more: Partial<RoutingLeaf>): RoutingLeaf {
  return { kind: 'leaf', path: 'config', weight: 1, defaultParams: {}, overrideParams: {}, dropParams: [], timeouts: {}, ...more }
}

test('a leaf that says nothing changes nothing, and counting tokens needs no parameters', () => {
  assert.equal(createParamReader('openai-chat', 'generate')(leaf({})), undefined)
  assert.equal(createParamReader('anthropic-messages', 'count-tokens')(leaf({ overrideParams: { temperature: 1 } })), undefined)
})

test('leaves that say the same share one object', () => {
  const read = createParamReader('openai-chat', 'generate')
  const overrideParams = { temperature: 0 }
  assert.equal(read(leaf({ overrideParams })), read(leaf({ overrideParams: { temperature: 0 } })))
  assert.notEqual(read(leaf({ overrideParams })), read(leaf({ overrideParams: { temperature: 1 } })))
})

test("the two names of chat's cap are one: a default is not added beside the other, an override replaces it, and dropping one drops both", () => {
  const read = createParamReader('openai-chat', 'generate')
  assert.deepEqual(read(leaf({ defaultParams: { max_tokens: 5 } })), {
    defaults: [{ field: 'max_tokens', value: 5, synonyms: ['max_completion_tokens'] }],
    edits: [],
    notes: [],
  })
  assert.deepEqual(read(leaf({ overrideParams: { max_tokens: 5 } }))!.edits, [
    { field: 'max_completion_tokens', value: undefined },
    { field: 'max_tokens', value: 5 },
  ])
  assert.deepEqual(read(leaf({ dropParams: ['max_tokens'] }))!.edits, [
    { field: 'max_tokens', value: undefined },
    { field: 'max_completion_tokens', value: undefined },
  ])
})

test('what is left out is left out, whatever is overridden; one edit of a field at most', () => {
  const { edits } = createParamReader('gemini', 'generate')(leaf({ overrideParams: { stop: 'x', temperature: 1 }, dropParams: ['stop'] }))!
  assert.deepEqual(edits, [
    { field: 'stopSequences', value: undefined, within: 'generationConfig' },
    { field: 'temperature', value: 1, within: 'generationConfig' },
  ])
})

test('what the wire has no place for is a note that names it; nothing is there to leave out', () => {
  const said = leaf({ defaultParams: { seed: 1 }, overrideParams: { logit_bias: {}, stream: true }, dropParams: ['n'] })
  assert.deepEqual(createParamReader('anthropic-messages', 'generate')(said), {
    defaults: [],
    edits: [],
    notes: [
      { code: 'dropped', path: 'default_params.seed', why: 'anthropic-messages has no such parameter' },
      { code: 'dropped', path: 'override_params.logit_bias', why: 'anthropic-messages has no such parameter' },
      { code: 'dropped', path: 'override_params.stream', why: 'the client decides it' },
    ],
  })
})
