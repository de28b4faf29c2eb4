// Reading Anthropic clients' requests, and writing them again.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure, type JsonObject } from '#kernel'
import { tokenCounting } from './count-tokens.ts'
import { decodeRequest } from './decode-request.ts'
import { encodeRequest } from './encode-request.ts'

const least: JsonObject = { model: 'claude-sonnet-4-5', max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] }
const target = { model: 'claude-sonnet-4-5', dialect: {}, sealDomain: 'anthropic', defaultMaxOutputTokens: 4096 }

test('a wrong request is refused with the path of the field at fault', () => {
  const cases: [JsonObject, string][] = [
    [{ max_tokens: undefined! }, 'max_tokens'],
    [{ max_tokens: '10' }, 'max_tokens'],
    [{ max_tokens: -1 }, 'max_tokens'],
    [{ model: '' }, 'model'],
    [{ messages: 'Hi' }, 'messages'],
    [{ messages: [] }, 'messages'],
    [{ messages: ['Hi'] }, 'messages.0'],
    [{ messages: [{ role: 'robot', content: 'x' }] }, 'messages.0.role'],
    [{ messages: [{ role: 'user' }] }, 'messages.0.content'],
    [{ messages: [{ role: 'user', content: [{ text: 'x' }] }] }, 'messages.0.content.0.type'],
    [{ messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'messages.0.content.0.text'],
    [
      { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'base64', data: 'x' } }] }] },
      'messages.0.content.0.source.media_type',
    ],
    [{ messages: [{ role: 'user', content: [{ type: 'tool_result', content: 'x' }] }] }, 'messages.0.content.0.tool_use_id'],
    [
      { messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text' }] }] }] },
      'messages.0.content.0.content.0.text',
    ],
    [{ messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input: 'x' }] }] }, 'messages.0.content.0.input'],
    [{ system: 3 }, 'system'],
    [{ system: [{ type: 'image' }] }, 'system.0.type'],
    [{ stream: 'yes' }, 'stream'],
    [{ temperature: 'hot' }, 'temperature'],
    [{ tools: [{ input_schema: {} }] }, 'tools.0.name'],
    [{ tools: [{ name: 'f', input_schema: 'x' }] }, 'tools.0.input_schema'],
    [{ tool_choice: { type: 'maybe' } }, 'tool_choice.type'],
    [{ tool_choice: { type: 'tool' } }, 'tool_choice.name'],
    [{ stop_sequences: 'END' }, 'stop_sequences'],
    [{ thinking: true }, 'thinking'],
    [{ thinking: { type: 'enabled', budget_tokens: 'many' } }, 'thinking.budget_tokens'],
    [{ output_config: { format: { type: 'json_schema' } } }, 'output_config.format.schema'],
    [{ metadata: { user_id: 7 } }, 'metadata.user_id'],
    [{ thread: { type: 'continue', previous_message_id: 'msg_1' } }, 'thread'],
  ]
  for (const [change, param] of cases) {
    const body = JSON.parse(JSON.stringify({ ...least, ...change })) as JsonObject
    assert.throws(
      () => decodeRequest(body),
      (error) =>
        error instanceof Failure &&
        error.kind === 'invalid_request' &&
        error.details.param === param &&
        error.message.startsWith(`${param}: `),
      `${JSON.stringify(change)} should name ${param}`,
    )
  }
})

test('everything that the wire can say survives reading and writing', () => {
  const body: JsonObject = {
    model: 'claude-opus-4-6',
    max_tokens: 2000,
    stream: true,
    system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral', ttl: '1h' } }],
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'See', cache_control: { type: 'ephemeral' } },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
          { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' }, transformations: { x: 1 } },
          { type: 'image', source: { type: 'file', file_id: 'file_1' } },
          {
            type: 'document',
            source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERg==' },
            title: 'A',
            citations: { enabled: true },
            context: 'c',
          },
          { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Grüße' } },
          { type: 'document', source: { type: 'content', content: [{ type: 'text', text: 'inner' }] } },
          { type: 'search_result', source: 's', title: 't', content: [{ type: 'text', text: 'r' }] },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm', signature: 'c2ln' },
          { type: 'redacted_thinking', data: 'cmVk' },
          { type: 'text', text: 'I look', citations: [{ type: 'char_location', cited_text: 'x' }] },
          { type: 'server_tool_use', id: 's1', name: 'web_search', input: { query: 'q' } },
          { type: 'web_search_tool_result', tool_use_id: 's1', content: [] },
          { type: 'tool_use', id: 'toolu_1', name: 'look', input: { at: 1 }, cache_control: { type: 'ephemeral' } },
          { type: 'tool_use', id: 'toolu_2', name: 'look', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'toolu_1', content: 'ok', cache_control: { type: 'ephemeral', ttl: '5m' } },
          {
            type: 'tool_result',
            tool_use_id: 'toolu_2',
            content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } }],
            is_error: true,
          },
          { type: 'text', text: 'and?' },
        ],
      },
    ],
    tools: [
      {
        name: 'look',
        description: 'Looks.',
        input_schema: { type: 'object', properties: {} },
        strict: true,
        cache_control: { type: 'ephemeral' },
        defer_loading: true,
      },
      { type: 'web_search_20250305', name: 'web_search', max_uses: 3 },
    ],
    tool_choice: { type: 'auto', disable_parallel_tool_use: true },
    stop_sequences: ['END'],
    thinking: { type: 'adaptive', display: 'omitted' },
    output_config: {
      effort: 'medium',
      format: { type: 'json_schema', schema: { type: 'object', properties: {}, additionalProperties: false } },
      task_budget: { total: 5 },
    },
    metadata: { user_id: 'u1', department: 'x' },
    service_tier: 'standard_only',
    cache_control: { type: 'ephemeral' },
    context_management: { edits: [] },
    container: 'c1',
    inference_geo: 'eu',
  }
  const { request, notes } = decodeRequest(body)
  assert.deepEqual(notes, [])
  const again = encodeRequest(request, { ...target, model: 'claude-opus-4-6' })
  assert.deepEqual(again.notes, [])
  assert.deepEqual(again.body, body)
})

test('each kind of thinking comes back as it was written', () => {
  for (const [model, thinking] of [
    ['claude-sonnet-4-5', { type: 'enabled', budget_tokens: 1024, display: 'summarized' }],
    ['claude-sonnet-4-5', { type: 'disabled' }],
    ['claude-opus-5', { type: 'between_tools' }],
    ['claude-opus-5', { type: 'adaptive' }],
  ] as const) {
    const { request } = decodeRequest({ ...least, model, max_tokens: 5000, thinking: { ...thinking } })
    assert.deepEqual(encodeRequest(request, { ...target, model }).body['thinking'], thinking)
  }
  const effortOnly = decodeRequest({ ...least, output_config: { effort: 'low' } }).request
  const again = encodeRequest(effortOnly, { ...target, model: 'claude-opus-5' }).body
  assert.deepEqual([again['thinking'], again['output_config']], [undefined, { effort: 'low' }])
})

test('input that is no object came from text, and is that text again', () => {
  const call = { type: 'tool_use', id: 'a', name: 'f', input: { unparsed_arguments: '{"cut' } }
  const { request } = decodeRequest({ ...least, messages: [{ role: 'assistant', content: [call] }] })
  const part = request.turns[0]?.parts[0]
  assert.ok(part?.type === 'tool-call')
  assert.equal(part.args, '{"cut')
})

test('an empty signature is no seal', () => {
  const { request } = decodeRequest({
    ...least,
    messages: [{ role: 'assistant', content: [{ type: 'thinking', thinking: 'hm', signature: '' }] }],
  })
  assert.deepEqual(request.turns[0]?.parts, [{ type: 'reasoning', text: 'hm' }])
})

test('counting tokens takes a request without max_tokens', () => {
  const request = tokenCounting.decode({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], system: 'Be brief.' })
  assert.equal(request.turns.length, 2)
  assert.deepEqual(tokenCounting.encode(14), { input_tokens: 14 })
})
