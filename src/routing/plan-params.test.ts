// Defaults, overrides and what is left out, in the client's wire; what has no place there is said.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RoutingLeaf } from '#config'
import type { JsonObject } from '#kernel'
import { createParamReader, withoutPart } from './plan-params.ts'

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

test('a path is a part that is left out, items from behind so that the places of the others hold', () => {
  const { edits, removals } = createParamReader(
    'openai-chat',
    'generate',
  )(leaf({ dropParams: ['seed', 'messages[0]', 'tools[*].function.strict', 'messages[10].name', 'messages[2]'] }))!
  assert.deepEqual(edits, [{ field: 'seed', value: undefined }])
  assert.deepEqual(removals, [
    { field: 'messages', steps: ['10', 'name'] },
    { field: 'messages', steps: ['2'] },
    { field: 'messages', steps: ['0'] },
    { field: 'tools', steps: ['*', 'function', 'strict'] },
  ])
})

test('a part goes and everything else stays, also where there is no such part', () => {
  const tools = [{ function: { name: 'a', strict: true } }, { type: 'web' }, { function: { name: 'b', strict: false } }]
  const before = structuredClone(tools)
  assert.deepEqual(withoutPart(tools, ['*', 'function', 'strict']), [
    { function: { name: 'a' } },
    { type: 'web' },
    { function: { name: 'b' } },
  ])
  assert.deepEqual(withoutPart(tools, ['1']), [tools[0], tools[2]])
  assert.deepEqual(withoutPart(tools, ['*']), [])
  assert.deepEqual(withoutPart({ a: { b: [[{ c: 1, d: 2 }], []] } }, ['a', 'b', '*', '*', 'c']), { a: { b: [[{ d: 2 }], []] } })
  assert.deepEqual(withoutPart({ type: 'json_schema', json_schema: {} }, ['json_schema']), { type: 'json_schema' })
  for (const steps of [
    ['3'],
    ['0', 'name'],
    ['*', 'function', 'none'],
    ['function'],
    ['length'],
    ['0', 'constructor'],
    ['*', 'type', 'x'],
  ]) {
    assert.equal(withoutPart(tools, steps), tools, steps.join('.'))
  }
  assert.equal(withoutPart('text', ['length']), 'text')
  assert.equal(withoutPart(null, ['0']), null)
  const [odd, own] = [JSON.parse('{"__proto__":{"x":1,"y":2}}') as JsonObject, '{"__proto__":{"y":2}}']
  assert.equal(JSON.stringify(withoutPart(odd, ['__proto__', 'x'])), own)
  assert.deepEqual(tools, before)
})
