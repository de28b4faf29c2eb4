// Where a routing config's parameters end up in each client's request. Names and shapes are the vendors' own references'.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { clientWireNames, type ClientWire } from '#ir'
import type { JsonValue } from '#kernel'
import { placeParam, placesOf } from './client-params.ts'

/** `field=value`, `object.field=value`, or the sentence why not. */
function placed(wire: ClientWire, name: string, value: JsonValue, isEmbedding = false): string {
  const found = placeParam(wire, isEmbedding, name, value)
  if (typeof found === 'string') return `no: ${found}`
  return found.map((one) => `${one.within === undefined ? '' : `${one.within}.`}${one.field}=${JSON.stringify(one.value)}`).join(' ')
}

const none = (wire: ClientWire): string => `no: ${wire} has no such parameter`

// In the order chat, responses, messages, Gemini.
const rows: readonly (readonly [string, JsonValue, readonly [string, string, string, string]])[] = [
  ['max_tokens', 5, ['max_tokens=5', 'max_output_tokens=5', 'max_tokens=5', 'generationConfig.maxOutputTokens=5']],
  ['max_completion_tokens', 5, ['max_completion_tokens=5', 'max_output_tokens=5', 'max_tokens=5', 'generationConfig.maxOutputTokens=5']],
  ['max_output_tokens', 5, ['max_completion_tokens=5', 'max_output_tokens=5', 'max_tokens=5', 'generationConfig.maxOutputTokens=5']],
  ['temperature', 0.5, ['temperature=0.5', 'temperature=0.5', 'temperature=0.5', 'generationConfig.temperature=0.5']],
  ['top_p', 0.5, ['top_p=0.5', 'top_p=0.5', 'top_p=0.5', 'generationConfig.topP=0.5']],
  ['top_k', 3, ['top_k=3', none('openai-responses'), 'top_k=3', 'generationConfig.topK=3']],
  ['stop', 'END', ['stop="END"', none('openai-responses'), 'stop_sequences=["END"]', 'generationConfig.stopSequences=["END"]']],
  [
    'stop',
    ['A', 'B'],
    ['stop=["A","B"]', none('openai-responses'), 'stop_sequences=["A","B"]', 'generationConfig.stopSequences=["A","B"]'],
  ],
  ['seed', 7, ['seed=7', none('openai-responses'), none('anthropic-messages'), 'generationConfig.seed=7']],
  ['n', 1, ['n=1', none('openai-responses'), none('anthropic-messages'), 'generationConfig.candidateCount=1']],
  [
    'presence_penalty',
    1,
    ['presence_penalty=1', none('openai-responses'), none('anthropic-messages'), 'generationConfig.presencePenalty=1'],
  ],
  ['user', 'u', ['user="u"', 'user="u"', 'metadata.user_id="u"', none('gemini')]],
  ['reasoning_effort', 'low', ['reasoning_effort="low"', 'reasoning.effort="low"', 'output_config.effort="low"', none('gemini')]],
  ['verbosity', 'low', ['verbosity="low"', 'text.verbosity="low"', none('anthropic-messages'), none('gemini')]],
  ['logit_bias', { '50256': -100 }, ['logit_bias={"50256":-100}', none('openai-responses'), none('anthropic-messages'), none('gemini')]],
  ['thinking', { type: 'enabled' }, Array.from({ length: 4 }, () => 'thinking={"type":"enabled"}') as [string, string, string, string]],
]

describe('a parameter, by its name in OpenAI', () => {
  for (const [name, value, expected] of rows)
    test(`${name} ${JSON.stringify(value)}`, () => {
      assert.deepEqual(
        clientWireNames.map((wire) => placed(wire, name, value)),
        expected,
      )
    })
})

test('tools are written as each wire has them', () => {
  const tools = [{ type: 'function', function: { name: 'look', description: 'Looks', parameters: { type: 'object', properties: {} } } }]
  const at = (wire: ClientWire): JsonValue => {
    const found = placeParam(wire, false, 'tools', tools)
    assert.ok(typeof found !== 'string')
    assert.deepEqual(
      found.map(({ field }) => field),
      ['tools'],
    )
    return found[0]!.value
  }
  assert.deepEqual(at('openai-chat'), tools)
  assert.partialDeepStrictEqual(at('openai-responses'), [{ type: 'function', name: 'look', parameters: { type: 'object' } }])
  assert.partialDeepStrictEqual(at('anthropic-messages'), [{ name: 'look', description: 'Looks', input_schema: { type: 'object' } }])
  assert.partialDeepStrictEqual(at('gemini'), [{ functionDeclarations: [{ name: 'look', description: 'Looks' }] }])
})

test('the choice of a tool is written as each wire has it', () => {
  const choice = { type: 'function', function: { name: 'look' } }
  assert.equal(placed('openai-responses', 'tool_choice', choice), 'tool_choice={"type":"function","name":"look"}')
  assert.equal(placed('anthropic-messages', 'tool_choice', choice), 'tool_choice={"type":"tool","name":"look"}')
  assert.equal(placed('anthropic-messages', 'tool_choice', 'required'), 'tool_choice={"type":"any"}')
  assert.equal(placed('gemini', 'tool_choice', 'none'), 'toolConfig={"functionCallingConfig":{"mode":"NONE"}}')
})

test('a schema of the answer is written as each wire has it', () => {
  const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false }
  const format = { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } }
  assert.equal(placed('openai-chat', 'response_format', format), `response_format=${JSON.stringify(format)}`)
  assert.match(placed('openai-responses', 'response_format', format), /^text\.format=\{"type":"json_schema",.*"name":"x"/)
  assert.match(placed('anthropic-messages', 'response_format', format), /^output_config\.format=\{"type":"json_schema","schema"/)
  assert.match(
    placed('gemini', 'response_format', format),
    /^generationConfig\.responseMimeType="application\/json" generationConfig\.response(?:Json)?Schema=/,
  )
  assert.equal(
    placed('anthropic-messages', 'response_format', { type: 'json_object' }),
    'no: anthropic-messages has no place for this value of it',
  )
})

test("what is the wire's own already stays as it is", () => {
  const own = [{ name: 'look', input_schema: { type: 'object' } }]
  assert.equal(placed('anthropic-messages', 'tools', own), `tools=${JSON.stringify(own)}`)
})

test('chat knows its cap by two names, and no other wire does', () => {
  assert.deepEqual(placesOf('openai-chat', false, 'max_tokens'), { places: [{ field: 'max_tokens' }], synonyms: ['max_completion_tokens'] })
  assert.deepEqual(placesOf('anthropic-messages', false, 'max_tokens'), { places: [{ field: 'max_tokens' }], synonyms: [] })
})

test('embeddings have their own, and none of a conversation', () => {
  assert.equal(placed('openai-chat', 'dimensions', 256, true), 'dimensions=256')
  assert.equal(placed('openai-chat', 'user', 'u', true), 'user="u"')
  assert.equal(placed('openai-chat', 'input_type', 'query', true), 'input_type="query"')
  for (const name of ['max_tokens', 'temperature', 'tools'])
    assert.equal(placed('openai-chat', name, 1, true), 'no: embeddings have no such parameter')
})

test('whether it streams is for the client to say', () => {
  for (const wire of clientWireNames) assert.equal(placed(wire, 'stream', true), 'no: the client decides it')
})
