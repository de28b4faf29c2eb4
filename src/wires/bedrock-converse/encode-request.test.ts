// What is asked of Converse, by its published API; and what each loss is called.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FunctionTool, Request, ToolCallPart, ToolResultPart, Turn, UserPart } from '#ir'
import type { JsonObject } from '#kernel'
import { encodeRequest } from './encode-request.ts'

const sonnet45 = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
const opus46 = 'global.anthropic.claude-opus-4-6-v1'
const haiku3 = 'anthropic.claude-3-haiku-20240307-v1:0'
const nova = 'us.amazon.nova-lite-v1:0'
const nova2 = 'us.amazon.nova-2-lite-v1:0'
const llama = 'us.meta.llama3-3-70b-instruct-v1:0'
const gptOss = 'openai.gpt-oss-120b-1:0'

const ask: Turn = { role: 'user', parts: [{ type: 'text', text: 'Hi' }] }

function encode(request: Partial<Request>, model = sonnet45, sealDomain?: string) {
  const { body, notes } = encodeRequest(
    { model: 'asked', turns: [ask], stream: false, ...request },
    { model, dialect: {}, defaultMaxOutputTokens: 4_096, ...(sealDomain === undefined ? {} : { sealDomain }) },
  )
  return { body, notes: notes.map(({ code, path }) => `${code} ${path}`) }
}

const user = (...parts: UserPart[]): Turn => ({ role: 'user', parts })
const call = (id: string, name = 'look', args = '{"at":1}'): ToolCallPart => ({ type: 'tool-call', id, name, args, ranBy: 'client' })
const result = (id: string, text: string): ToolResultPart => ({ type: 'tool-result', id, output: [{ type: 'text', text }] })
const look: FunctionTool = { type: 'function', name: 'look', description: 'Looks', input: { type: 'object', properties: { at: {} } } }

const messagesOf = (body: JsonObject) => body['messages'] as { role: string; content: JsonObject[] }[]

test('neither model nor stream stands in the body; what is not asked for is left out', () => {
  assert.deepEqual(encode({ stream: true }), { body: { messages: [{ role: 'user', content: [{ text: 'Hi' }] }] }, notes: [] })
})

test('instructions, sampling, stop sequences and the cap have their places', () => {
  const { body, notes } = encode({
    turns: [{ role: 'system', authority: 'system', parts: [{ type: 'text', text: 'Be brief.' }] }, ask],
    maxOutputTokens: 100,
    temperature: 1.5,
    stop: ['END', ' '],
    topK: 5,
  })
  assert.deepEqual(body['system'], [{ text: 'Be brief.' }])
  assert.deepEqual(body['inferenceConfig'], { maxTokens: 100, temperature: 1, stopSequences: ['END'] })
  assert.deepEqual(body['additionalModelRequestFields'], { top_k: 5 })
  assert.deepEqual(body['additionalModelResponseFieldPaths'], ['/stop_sequence', '/delta/stop_sequence'])
  assert.deepEqual(notes, ['approximated temperature', 'dropped stop[1]'])
})

test('top_k goes where the model has it, and nowhere else', () => {
  assert.deepEqual(encode({ topK: 5 }, nova).body['additionalModelRequestFields'], { inferenceConfig: { topK: 5 } })
  assert.deepEqual(encode({ topK: 5 }, llama).notes, ['dropped topK'])
})

test('tools, their choice and a round of calls', () => {
  const { body, notes } = encode({
    tools: [
      { ...look, strict: true },
      { type: 'function', name: 'bare' },
    ],
    toolChoice: { mode: 'tool', name: 'look' },
    turns: [
      ask,
      { role: 'assistant', parts: [{ type: 'text', text: 'I look.' }, call('c1'), call('c2')] },
      user({ ...result('c1', 'one') }, { ...result('c2', ''), failed: true }),
    ],
  })
  assert.deepEqual(body['toolConfig'], {
    tools: [
      {
        toolSpec: {
          name: 'look',
          description: 'Looks',
          inputSchema: { json: { type: 'object', properties: { at: {} } } },
          strict: true,
        },
      },
      { toolSpec: { name: 'bare', inputSchema: { json: { type: 'object', properties: {} } } } },
    ],
    toolChoice: { tool: { name: 'look' } },
  })
  assert.deepEqual(messagesOf(body).slice(1), [
    {
      role: 'assistant',
      content: [
        { text: 'I look.' },
        { toolUse: { toolUseId: 'c1', name: 'look', input: { at: 1 } } },
        { toolUse: { toolUseId: 'c2', name: 'look', input: { at: 1 } } },
      ],
    },
    {
      role: 'user',
      content: [
        { toolResult: { toolUseId: 'c1', content: [{ text: 'one' }] } },
        { toolResult: { toolUseId: 'c2', content: [{ text: '(no output)' }], status: 'error' } },
      ],
    },
  ])
  assert.deepEqual(notes, [])
  assert.deepEqual((encode({ tools: [look], toolChoice: { mode: 'required' } }).body['toolConfig'] as JsonObject)['toolChoice'], {
    any: {},
  })
  assert.deepEqual((encode({ tools: [look], toolChoice: { mode: 'auto' } }).body['toolConfig'] as JsonObject)['toolChoice'], { auto: {} })
})

test('without tools, or where none may be called, the calls of the history are text: Converse refuses them there', () => {
  const turns: Turn[] = [ask, { role: 'assistant', parts: [call('c1')] }, user(result('c1', 'one'), { type: 'text', text: 'Well?' })]
  for (const request of [{ turns }, { turns, tools: [look], toolChoice: { mode: 'none' } as const }]) {
    const { body, notes } = encode(request)
    assert.equal('toolConfig' in body, false)
    assert.deepEqual(messagesOf(body).slice(1), [
      { role: 'assistant', content: [{ text: 'Called the tool look (c1) with {"at":1}' }] },
      { role: 'user', content: [{ text: 'Result of the tool call c1:' }, { text: 'one' }, { text: 'Well?' }] },
    ])
    assert.ok(notes.includes('approximated tools'))
  }
  assert.deepEqual(encode({ tools: [look], toolChoice: { mode: 'none' } }).notes, ['approximated toolChoice'])
})

test('turns alternate, begin with the user, and each call has its one result right behind it', () => {
  const { body, notes } = encode({
    tools: [look],
    turns: [
      { role: 'assistant', parts: [{ type: 'text', text: 'Hello' }] },
      user({ type: 'text', text: 'a' }),
      user({ type: 'text', text: 'b' }),
      { role: 'assistant', parts: [call('c1'), call('c2')] },
      user({ type: 'text', text: 'wait' }, result('c2', 'two'), result('c9', 'nobody')),
    ],
  })
  const messages = messagesOf(body)
  assert.deepEqual(
    messages.map(({ role }) => role),
    ['user', 'assistant', 'user', 'assistant', 'user'],
  )
  assert.deepEqual(messages[2]!.content, [{ text: 'a' }, { text: 'b' }])
  assert.deepEqual(messages[4]!.content, [
    { toolResult: { toolUseId: 'c2', content: [{ text: 'two' }] } },
    { toolResult: { toolUseId: 'c1', content: [{ text: 'This call has no recorded result.' }], status: 'error' } },
    { text: 'wait' },
    { text: 'Result of the tool call c9:' },
    { text: 'nobody' },
  ])
  assert.equal(notes.length, 4)
})

test('ids and names that Bedrock refuses are mapped the same way wherever they stand', () => {
  const long = `mcp__${'x'.repeat(70)}`
  const { body, notes } = encode({
    tools: [{ type: 'function', name: long }, look],
    toolChoice: { mode: 'tool', name: long },
    turns: [ask, { role: 'assistant', parts: [call('call.1|x', long)] }, user(result('call.1|x', 'one'))],
  })
  const config = body['toolConfig'] as { tools: { toolSpec: { name: string } }[]; toolChoice: { tool: { name: string } } }
  const name = config.tools[0]!.toolSpec.name
  assert.match(name, /^[a-zA-Z0-9_-]{1,64}$/)
  assert.equal(config.toolChoice.tool.name, name)
  const [, assistant, answer] = messagesOf(body)
  const use = assistant!.content[0]!['toolUse'] as JsonObject
  assert.equal(use['name'], name)
  assert.match(use['toolUseId'] as string, /^[a-zA-Z0-9_-]{1,64}$/)
  assert.equal((answer!.content[0]!['toolResult'] as JsonObject)['toolUseId'], use['toolUseId'])
  assert.ok(notes.includes('renamed tools[0].name') && notes.includes('renamed turns[1].parts[0].id'))
})

test('media are a format and bytes; names of documents are sanitised and unique; documents do not stand alone', () => {
  const pdf = { type: 'base64', mediaType: 'application/pdf', data: 'JVBERi0=' } as const
  const { body, notes } = encode({
    turns: [
      user(
        { type: 'media', kind: 'document', source: pdf, name: 'my report_v2.pdf' },
        { type: 'media', kind: 'document', source: pdf, name: 'a' },
        { type: 'media', kind: 'document', source: pdf, name: 'a' },
        { type: 'media', kind: 'document', source: { type: 'base64', mediaType: 'text/plain', data: 'aGk=' } },
        { type: 'media', kind: 'image', source: { type: 'base64', mediaType: 'image/jpg', data: 'AAAA' } },
        { type: 'media', kind: 'video', source: { type: 'url', url: 's3://bucket/clip.mp4' } },
        { type: 'media', kind: 'audio', source: { type: 'base64', mediaType: 'audio/wav', data: 'AAAA' } },
        { type: 'media', kind: 'image', source: { type: 'url', url: 'https://images.example/a.png' } },
        { type: 'media', kind: 'image', source: { type: 'base64', mediaType: 'image/tiff', data: 'AAAA' } },
      ),
    ],
  })
  const bytes = { bytes: 'JVBERi0=' }
  assert.deepEqual(messagesOf(body)[0]!.content, [
    { text: 'The documents:' },
    { document: { format: 'pdf', name: 'my report-v2-pdf', source: bytes } },
    { document: { format: 'pdf', name: 'a', source: bytes } },
    { document: { format: 'pdf', name: 'a (2)', source: bytes } },
    { document: { format: 'txt', name: 'document', source: { bytes: 'aGk=' } } },
    { image: { format: 'jpeg', source: { bytes: 'AAAA' } } },
    { video: { format: 'mp4', source: { s3Location: { uri: 's3://bucket/clip.mp4' } } } },
    { audio: { format: 'wav', source: { bytes: 'AAAA' } } },
  ])
  assert.deepEqual(notes, [
    'renamed turns[0].parts[0].name',
    'renamed turns[0].parts[2].name',
    'dropped turns[0].parts[7]',
    'dropped turns[0].parts[8]',
  ])
})

test('a result of a tool may hold images and documents; its failure is said to models that can hear it', () => {
  const turns: Turn[] = [
    ask,
    { role: 'assistant', parts: [call('c1')] },
    user({
      type: 'tool-result',
      id: 'c1',
      failed: true,
      output: [
        { type: 'media', kind: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' } },
        { type: 'media', kind: 'document', source: { type: 'base64', mediaType: 'text/csv', data: 'YSxi' }, name: 't' },
      ],
    }),
  ]
  const { body } = encode({ turns, tools: [look] })
  assert.deepEqual(messagesOf(body)[2]!.content, [
    {
      toolResult: {
        toolUseId: 'c1',
        content: [
          { image: { format: 'png', source: { bytes: 'AAAA' } } },
          { document: { format: 'csv', name: 't', source: { bytes: 'YSxi' } } },
        ],
        status: 'error',
      },
    },
  ])
  const { body: deaf, notes } = encode({ turns, tools: [look] }, llama)
  assert.equal(JSON.stringify(deaf).includes('status'), false)
  assert.deepEqual(notes, ['dropped turns[2].parts[0].failed'])
})

test("sealed reasoning goes back to Claude, in its own domain; others' and unsealed reasoning doesn't", () => {
  const turns: Turn[] = [
    ask,
    {
      role: 'assistant',
      parts: [
        { type: 'reasoning', text: 'hm', seal: { domain: 'anthropic', kind: 'signature', data: 'c2ln' } },
        { type: 'reasoning', text: '', seal: { domain: 'anthropic', kind: 'redacted', data: 'cmVk' } },
        { type: 'reasoning', text: 'plain' },
        { type: 'text', text: 'Yes' },
      ],
    },
    ask,
  ]
  const { body, notes } = encode({ turns }, sonnet45, 'anthropic')
  assert.deepEqual(messagesOf(body)[1]!.content, [
    { reasoningContent: { reasoningText: { text: 'hm', signature: 'c2ln' } } },
    { reasoningContent: { redactedContent: 'cmVk' } },
    { text: 'Yes' },
  ])
  assert.deepEqual(notes, ['dropped turns[1].parts[2]'])
  for (const [model, domain] of [[nova, 'anthropic'] as const, [sonnet45, 'openai'] as const, [sonnet45, undefined] as const])
    assert.deepEqual(messagesOf(encode({ turns }, model, domain).body)[1]!.content, [{ text: 'Yes' }])
})

test('cache marks become points behind the block, where the model has them', () => {
  const cache = { type: 'ephemeral', ttl: '1h' }
  const request: Partial<Request> = {
    tools: [{ ...look, cache: { type: 'ephemeral' } }],
    turns: [
      { role: 'system', authority: 'system', parts: [{ type: 'text', text: 'Long.', cache }] },
      user({ type: 'text', text: 'a', cache }, { type: 'text', text: 'b' }),
    ],
  }
  const point = { cachePoint: { type: 'default', ttl: '1h' } }
  const { body, notes } = encode(request)
  assert.deepEqual(body['system'], [{ text: 'Long.' }, point])
  assert.deepEqual(messagesOf(body)[0]!.content, [{ text: 'a' }, point, { text: 'b' }])
  assert.deepEqual((body['toolConfig'] as { tools: JsonObject[] }).tools[1], { cachePoint: { type: 'default' } })
  assert.deepEqual(notes, [])
  assert.deepEqual(encode(request, haiku3).notes, [
    'dropped tools[0].cache',
    'dropped turns[1].parts[0].cache',
    'dropped turns[0].parts[0].cache',
  ])
  assert.deepEqual(encode(request, nova).notes, [
    'dropped tools[0].cache',
    'approximated turns[1].parts[0].cache.ttl',
    'approximated turns[0].parts[0].cache.ttl',
  ])
})

test('reasoning is said in the words of each family', () => {
  const high = { reasoning: { effort: 'high' } }
  const budget = encode({ reasoning: { mode: 'on', budgetTokens: 2_048 } })
  assert.deepEqual(budget.body['additionalModelRequestFields'], { thinking: { type: 'enabled', budget_tokens: 2_048 } })
  assert.deepEqual(budget.body['inferenceConfig'], { maxTokens: 4_096 })
  const adaptive = encode(high, opus46)
  assert.deepEqual(adaptive.body['additionalModelRequestFields'], { thinking: { type: 'adaptive' } })
  assert.deepEqual(adaptive.body['outputConfig'], { effort: 'high' })
  assert.deepEqual(encode({ ...high, temperature: 0.5 }, nova2), {
    body: {
      messages: [{ role: 'user', content: [{ text: 'Hi' }] }],
      additionalModelRequestFields: { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'high' } },
    },
    notes: ['dropped temperature'],
  })
  const capped = encode({ ...high, maxOutputTokens: 100 }, nova2)
  assert.deepEqual(capped.body['additionalModelRequestFields'], { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'medium' } })
  assert.deepEqual(capped.notes, ['approximated reasoning.effort'])
  assert.deepEqual(encode({ reasoning: { effort: 'minimal' } }, gptOss).body['additionalModelRequestFields'], { reasoning_effort: 'low' })
  assert.deepEqual(encode(high, llama).notes, ['dropped reasoning'])
  assert.deepEqual(encode({ reasoning: { mode: 'off' } }, llama).notes, [])
})

test('a schema is enforced where the model can, asked for in words where it cannot', () => {
  const schema = { type: 'object', properties: { n: { type: 'number', minimum: 1 } } }
  const output = { type: 'json-schema', name: 'answer', schema } as const
  const { body, notes } = encode({ output })
  const textFormat = (body['outputConfig'] as { textFormat: { type: string; structure: { jsonSchema: { name: string; schema: string } } } })
    .textFormat
  assert.equal(textFormat.type, 'json_schema')
  assert.equal(textFormat.structure.jsonSchema.name, 'answer')
  assert.deepEqual(JSON.parse(textFormat.structure.jsonSchema.schema), {
    type: 'object',
    properties: { n: { type: 'number', description: '{minimum: 1}' } },
    additionalProperties: false,
  })
  assert.deepEqual(notes, ['approximated output.schema'])
  const told = encode({ output }, nova)
  assert.equal('outputConfig' in told.body, false)
  assert.match((told.body['system'] as { text: string }[])[0]!.text, /JSON Schema/)
  assert.deepEqual(encode({ output: { type: 'json' } }).notes, ['approximated output'])
})

test('tiers have the same names; what Converse lacks is noted', () => {
  assert.deepEqual(encode({ serviceTier: 'flex' }).body['serviceTier'], { type: 'flex' })
  assert.deepEqual(encode({ serviceTier: 'auto' }), encode({}))
  assert.deepEqual(
    encode({
      serviceTier: 'scale',
      seed: 1,
      user: 'u',
      logprobs: 2,
      n: 2,
      parallelToolCalls: false,
      tools: [look, { type: 'hosted', wire: 'anthropic-messages', kind: 'web_search', value: {} }],
    }).notes,
    [
      'dropped tools[1]',
      'dropped parallelToolCalls',
      'dropped serviceTier',
      'dropped seed',
      'dropped n',
      'dropped logprobs',
      'dropped user',
    ],
  )
})

test("fields of this wire's own go on as they are, beside ours", () => {
  const guardrailConfig = { guardrailIdentifier: 'g', guardrailVersion: '1' }
  const { body } = encode({
    topK: 3,
    ext: { 'bedrock-converse': { guardrailConfig, additionalModelRequestFields: { anthropic_beta: ['context-1m-2025-08-07'] } } },
  })
  assert.deepEqual(body['guardrailConfig'], guardrailConfig)
  assert.deepEqual(body['additionalModelRequestFields'], { anthropic_beta: ['context-1m-2025-08-07'], top_k: 3 })
})

test('models that continue no assistant turn are asked to go on', () => {
  const turns: Turn[] = [ask, { role: 'assistant', parts: [{ type: 'text', text: 'The answer is ' }] }]
  assert.deepEqual(messagesOf(encode({ turns }).body)[1]!.content, [{ text: 'The answer is' }])
  assert.deepEqual(messagesOf(encode({ turns }, llama).body)[2]!.content, [{ text: 'Continue.' }])
})
