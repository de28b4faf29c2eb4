// What Anthropic insists on, for requests that were made for somebody else.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Request, Turn } from '#ir'
import type { JsonObject } from '#kernel'
import type { EncodeTarget } from '#wires/codec'
import { encodeRequest } from './encode-request.ts'

const sonnet: EncodeTarget = { model: 'claude-sonnet-4-5', dialect: {}, sealDomain: 'anthropic', defaultMaxOutputTokens: 4096 }
const opus: EncodeTarget = { ...sonnet, model: 'claude-opus-5' }
const user = (text: string): Turn => ({ role: 'user', parts: [{ type: 'text', text }] })
const least: Request = { model: 'm', turns: [user('Hi')], stream: false }
const call = (id: string, args = '{}') => ({ type: 'tool-call', id, name: 'f', args, ranBy: 'client' }) as const
const result = (id: string, text = 'ok') => ({ type: 'tool-result', id, output: [{ type: 'text', text }] }) as const

function encode(change: Partial<Request>, target = sonnet): { body: JsonObject; notes: string[] } {
  const { body, notes } = encodeRequest({ ...least, ...change }, target)
  return { body, notes: notes.map(({ code, path }) => `${code} ${path}`) }
}

const messages = (turns: readonly Turn[], target = sonnet) => {
  const { body, notes } = encode({ turns }, target)
  return { messages: body['messages'], system: body['system'], notes }
}

test('max_tokens is always there, and the model is the target’s', () => {
  assert.deepEqual(encode({}).body, {
    model: 'claude-sonnet-4-5',
    max_tokens: 4096,
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
  })
  assert.equal(encode({ maxOutputTokens: 7 }).body['max_tokens'], 7)
})

test('instructions at the start are `system`; later ones stay in their place as far as the model allows', () => {
  const instruct = (text: string): Turn => ({ role: 'system', authority: 'system', parts: [{ type: 'text', text }] })
  const turns = [instruct('One.'), instruct('Two.'), user('Hi'), instruct('Three.')]
  const older = messages(turns)
  assert.deepEqual(older.system, [
    { type: 'text', text: 'One.' },
    { type: 'text', text: 'Two.' },
  ])
  assert.deepEqual(older.messages, [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Hi' },
        { type: 'text', text: '<system>\nThree.\n</system>' },
      ],
    },
  ])
  assert.deepEqual(older.notes, ['approximated turns[3]'])
  const newer = messages(turns, opus)
  assert.deepEqual(newer.messages, [
    { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
    { role: 'system', content: [{ type: 'text', text: 'Three.' }] },
  ])
  assert.deepEqual(newer.notes, [])
  assert.deepEqual(messages([instruct('Alone.')]).messages, [{ role: 'user', content: [{ type: 'text', text: 'Alone.' }] }])
})

test('results come first in one user turn, each after its call', () => {
  const { messages: said, notes } = messages([
    user('Hi'),
    { role: 'assistant', parts: [call('a'), call('b')] },
    { role: 'user', parts: [result('b')] },
    user('and?'),
    { role: 'user', parts: [result('a')] },
  ])
  assert.deepEqual((said as JsonObject[])[2], {
    role: 'user',
    content: [
      { type: 'tool_result', tool_use_id: 'b', content: 'ok' },
      { type: 'tool_result', tool_use_id: 'a', content: 'ok' },
      { type: 'text', text: 'and?' },
    ],
  })
  assert.deepEqual(notes, ['approximated turns[4].parts[0]'])
})

test('a result without its call is said as text, a call without its result gets one that says so', () => {
  const { messages: said, notes } = messages([
    user('Hi'),
    { role: 'assistant', parts: [call('a')] },
    { role: 'user', parts: [result('z', 'stale')] },
  ])
  assert.deepEqual((said as JsonObject[])[2]?.['content'], [
    { type: 'tool_result', tool_use_id: 'a', content: 'This call has no recorded result.', is_error: true },
    { type: 'text', text: 'Result of the tool call z:' },
    { type: 'text', text: 'stale' },
  ])
  assert.deepEqual(notes, ['approximated turns[2].parts[0]', 'approximated turns[1].parts[0]'])
})

test('ids that Anthropic refuses are mapped alike in call and result, and two stay two', () => {
  const { messages: said, notes } = messages([
    user('Hi'),
    { role: 'assistant', parts: [call('call.1'), call('call:1'), call('call_1')] },
    { role: 'user', parts: [result('call.1', 'a'), result('call:1', 'b'), result('call_1', 'c')] },
  ])
  const ids = (i: number, key: string) => ((said as JsonObject[])[i]!['content'] as JsonObject[]).map((block) => block[key] as string)
  assert.deepEqual(ids(1, 'id'), ids(2, 'tool_use_id'))
  assert.equal(new Set(ids(1, 'id')).size, 3)
  for (const id of ids(1, 'id')) assert.match(id, /^[a-zA-Z0-9_-]+$/)
  assert.equal(ids(1, 'id')[2], 'call_1')
  assert.deepEqual(notes.filter((note) => note.startsWith('renamed')).length, 4)
})

test('sealed thinking goes back to Anthropic only; other reasoning never becomes text', () => {
  const parts = [
    { type: 'reasoning', text: 'mine', seal: { domain: 'anthropic', kind: 'signature', data: 's' } },
    { type: 'reasoning', text: '', seal: { domain: 'anthropic', kind: 'redacted', data: 'r' } },
    { type: 'reasoning', text: 'theirs', seal: { domain: 'openai', kind: 'encrypted', data: 'e' } },
    { type: 'reasoning', text: 'nobody’s' },
    { type: 'text', text: 'Yes' },
  ] as const
  const turns: Turn[] = [user('Hi'), { role: 'assistant', parts }, user('go on')]
  const own = messages(turns)
  assert.deepEqual((own.messages as JsonObject[])[1]?.['content'], [
    { type: 'thinking', thinking: 'mine', signature: 's' },
    { type: 'redacted_thinking', data: 'r' },
    { type: 'text', text: 'Yes' },
  ])
  assert.deepEqual(own.notes, ['dropped turns[1].parts[2]', 'dropped turns[1].parts[3]'])
  const { sealDomain: _none, ...foreign } = sonnet
  assert.deepEqual((messages(turns, foreign).messages as JsonObject[])[1]?.['content'], [{ type: 'text', text: 'Yes' }])
  assert.equal(messages(turns, foreign).notes.length, 4)
})

test('blank text is dropped, an opening assistant turn gets a user before it, a final one no trailing space', () => {
  const { messages: said, notes } = messages([
    { role: 'assistant', parts: [{ type: 'text', text: 'Hello' }] },
    {
      role: 'user',
      parts: [
        { type: 'text', text: ' \n' },
        { type: 'text', text: 'Hi' },
      ],
    },
    { role: 'assistant', parts: [{ type: 'text', text: 'It is \n' }] },
  ])
  assert.deepEqual(said, [
    { role: 'user', content: [{ type: 'text', text: '(The conversation begins with the assistant.)' }] },
    { role: 'assistant', content: [{ type: 'text', text: 'Hello' }] },
    { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
    { role: 'assistant', content: [{ type: 'text', text: 'It is' }] },
  ])
  assert.deepEqual(notes, ['dropped turns[1].parts[0]', 'approximated turns[0]', 'approximated turns[2]'])
  const prefill = messages([user('Hi'), { role: 'assistant', parts: [{ type: 'text', text: 'It' }] }], opus)
  assert.deepEqual((prefill.messages as JsonObject[]).at(-1), { role: 'user', content: [{ type: 'text', text: 'Continue.' }] })
})

test('effort becomes a budget below max_tokens, or an effort, as the model takes it', () => {
  const reasoning = { effort: 'high' }
  assert.deepEqual(encode({ reasoning, maxOutputTokens: 10_000 }).body['thinking'], { type: 'enabled', budget_tokens: 8_000 })
  assert.deepEqual(encode({ reasoning: { effort: 'minimal' }, maxOutputTokens: 2_000 }).body['thinking'], {
    type: 'enabled',
    budget_tokens: 1_024,
  })
  assert.deepEqual(encode({ reasoning, maxOutputTokens: 10_000 }).notes, ['approximated reasoning.effort'])
  const newer = encode({ reasoning }, opus)
  assert.deepEqual([newer.body['thinking'], newer.body['output_config'], newer.notes], [{ type: 'adaptive' }, { effort: 'high' }, []])
  assert.deepEqual(encode({ reasoning: { effort: 'none', mode: 'off' } }).body['thinking'], { type: 'disabled' })
  assert.deepEqual(encode({ reasoning, maxOutputTokens: 1_024 }).notes, ['dropped reasoning'])
  assert.deepEqual(encode({ reasoning }, { ...sonnet, model: 'claude-3-5-haiku-latest' }).notes, ['dropped reasoning'])
  assert.deepEqual(encode({ reasoning: { mode: 'on', budgetTokens: 9_000 }, maxOutputTokens: 5_000 }).body['thinking'], {
    type: 'enabled',
    budget_tokens: 4_999,
  })
  assert.deepEqual(encode({ reasoning: { mode: 'on', budgetTokens: 9_000 }, maxOutputTokens: 10_000 }, opus).body['output_config'], {
    effort: 'high',
  })
  const tools = [{ type: 'function', name: 'f' } as const]
  const forced = encode({ reasoning, tools, toolChoice: { mode: 'required' } })
  assert.deepEqual([forced.body['thinking'], forced.body['tool_choice']], [undefined, { type: 'any' }])
  const loop = encode({
    reasoning,
    tools,
    turns: [user('Hi'), { role: 'assistant', parts: [call('a')] }, { role: 'user', parts: [result('a')] }],
  })
  assert.deepEqual([loop.body['thinking'], loop.notes], [undefined, ['dropped reasoning']])
})

test('sampling parameters stay within what the model takes', () => {
  assert.equal(encode({ temperature: 1.7 }).body['temperature'], 1)
  const both = encode({ temperature: 0.2, topP: 0.9 })
  assert.deepEqual([both.body['temperature'], both.body['top_p'], both.notes], [0.2, undefined, ['dropped topP']])
  assert.deepEqual(encode({ temperature: 0.2, topP: 0.9, topK: 4 }, opus).notes, ['dropped temperature', 'dropped topP', 'dropped topK'])
  assert.deepEqual(encode({ temperature: 1, topP: 1 }, opus).notes, [])
  const thinking = encode({ temperature: 0.2, topK: 4, topP: 0.96, reasoning: { mode: 'on', budgetTokens: 1_024 } })
  assert.deepEqual([thinking.body['temperature'], thinking.body['top_k'], thinking.body['top_p']], [undefined, undefined, 0.96])
})

test('tools: a schema is an object, a choice needs tools, parallel calls can be turned off', () => {
  const tools = [
    { type: 'function', name: 'a' },
    { type: 'function', name: 'b', input: { properties: {} }, strict: true, cache: { type: 'ephemeral', ttl: '1h' } },
    { type: 'custom', name: 'c', value: { type: 'custom' } },
    { type: 'hosted', wire: 'openai-chat', kind: 'web_search', value: {} },
  ] as const
  const { body, notes } = encode({ tools, toolChoice: { mode: 'tool', name: 'a' }, parallelToolCalls: false })
  assert.deepEqual(body['tools'], [
    { name: 'a', input_schema: { type: 'object', properties: {} } },
    { name: 'b', input_schema: { type: 'object', properties: {} }, strict: true, cache_control: { type: 'ephemeral', ttl: '1h' } },
  ])
  assert.deepEqual(body['tool_choice'], { type: 'tool', name: 'a', disable_parallel_tool_use: true })
  assert.deepEqual(notes, ['dropped tools[2]', 'dropped tools[3]'])
  assert.deepEqual(encode({ toolChoice: { mode: 'required' } }).notes, ['dropped toolChoice'])
  assert.deepEqual(encode({ tools: [{ type: 'function', name: 'a' }], parallelToolCalls: false }).body['tool_choice'], {
    type: 'auto',
    disable_parallel_tool_use: true,
  })
  assert.deepEqual(
    encode({ tools: [{ type: 'function', name: 'a' }], toolChoice: { mode: 'none' }, parallelToolCalls: false }).body['tool_choice'],
    { type: 'none' },
  )
})

test('a schema is closed for models that enforce it, and an instruction for those that don’t', () => {
  const schema = {
    type: 'object',
    properties: {
      n: { type: 'integer', minimum: 1, description: 'How many.' },
      in: { type: 'array', items: { type: 'object', properties: {} } },
    },
  }
  const output = { type: 'json-schema', name: 'answer', schema, strict: true } as const
  assert.deepEqual(encode({ output }).body['output_config'], {
    format: {
      type: 'json_schema',
      schema: {
        type: 'object',
        properties: {
          n: { type: 'integer', description: 'How many. {minimum: 1}' },
          in: { type: 'array', items: { type: 'object', properties: {}, additionalProperties: false } },
        },
        additionalProperties: false,
      },
    },
  })
  const closed = { type: 'object', properties: {}, additionalProperties: false }
  assert.deepEqual(encode({ output: { type: 'json-schema', schema: closed } }).notes, [])
  const free = { type: 'object', additionalProperties: { type: 'string' } }
  const said = encode({ output: { type: 'json-schema', schema: free } })
  assert.equal(said.body['output_config'], undefined)
  assert.ok(JSON.stringify(said.body['system']).includes(JSON.stringify(JSON.stringify(free)).slice(1, -1)))
  assert.deepEqual(said.notes, ['approximated output.schema'])
  assert.deepEqual(encode({ output: { type: 'json' } }).notes, ['approximated output'])
})

test('media go as Anthropic takes them', () => {
  const media = [
    { type: 'media', kind: 'image', source: { type: 'url', url: 'https://x/y.png' }, detail: 'low' },
    { type: 'media', kind: 'document', source: { type: 'base64', mediaType: 'text/markdown', data: 'R3LDvMOfZQ==' }, name: 'a.md' },
    { type: 'media', kind: 'document', source: { type: 'file', id: 'file-openai' } },
    { type: 'media', kind: 'document', source: { type: 'base64', mediaType: 'application/zip', data: 'UEs=' } },
    { type: 'media', kind: 'audio', source: { type: 'base64', mediaType: 'audio/wav', data: 'UklG' } },
    { type: 'media', kind: 'image', source: { type: 'url', url: 'gs://bucket/a.png' } },
    { type: 'media', kind: 'image', source: { type: 'base64', mediaType: 'image/heic', data: 'aGk=' } },
  ] as const
  const { messages: said, notes } = messages([{ role: 'user', parts: media }])
  assert.deepEqual((said as JsonObject[])[0]?.['content'], [
    { type: 'image', source: { type: 'url', url: 'https://x/y.png' } },
    { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Grüße' }, title: 'a.md' },
  ])
  assert.deepEqual(notes, [
    'dropped turns[0].parts[0].detail',
    'dropped turns[0].parts[2]',
    'dropped turns[0].parts[3]',
    'dropped turns[0].parts[4]',
    'dropped turns[0].parts[5]',
    'dropped turns[0].parts[6]',
  ])
})

test('every word that this wire lacks is noted, and defaults are not', () => {
  const lost = encode({
    seed: 1,
    frequencyPenalty: 0.5,
    presencePenalty: 0.5,
    n: 2,
    verbosity: 'low',
    cacheKey: 'k',
    serviceTier: 'flex',
    stop: ['END', '\n\n'],
    ext: { 'openai-chat': { store: true } },
  })
  assert.deepEqual(lost.notes.toSorted(), [
    'dropped cacheKey',
    'dropped ext.openai-chat.store',
    'dropped frequencyPenalty',
    'dropped n',
    'dropped presencePenalty',
    'dropped seed',
    'dropped serviceTier',
    'dropped stop[1]',
    'dropped verbosity',
  ])
  assert.deepEqual(lost.body['stop_sequences'], ['END'])
  const kept = encode({ frequencyPenalty: 0, presencePenalty: 0, n: 1, verbosity: 'medium', user: 'u', serviceTier: 'default' })
  assert.deepEqual(kept.notes, [])
  assert.deepEqual([kept.body['metadata'], kept.body['service_tier']], [{ user_id: 'u' }, 'standard_only'])
})

test('fields that the provider refuses are stripped with a note', () => {
  const { body, notes } = encode({ user: 'u' }, { ...sonnet, dialect: { strip: ['metadata', 'speed'] } })
  assert.equal(body['metadata'], undefined)
  assert.deepEqual(notes, ['dropped metadata'])
})
