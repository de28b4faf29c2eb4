// What the gateway adds to translation: a thread for large requests, seals for clients that strip them, and one answer to each request.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { longestParsed } from '#test/parsed.ts'
import { wireScripts } from '#test/scripts.ts'
import { startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike
before(async () => {
  upstream = await createUpstream()
  turnpike = await startTest({ one: { wire: 'anthropic-messages', origin: upstream.origin, more: { vendor: 'anthropic' } } })
})
after(async () => {
  await turnpike.end()
  await upstream.close()
})
beforeEach(() => upstream.clear())

const pixels = Buffer.alloc(4_500_000, 'turnpike').toString('base64')
const withImage = (data: string) => ({
  model: 'one/model-1',
  max_tokens: 50,
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is this?' },
        { type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } },
      ],
    },
  ],
})

test('an image of megabytes reaches a provider of another wire, and this thread parses nothing of that size', async () => {
  upstream.enqueue(wireScripts['anthropic-messages'].json({ text: ['A picture.'] }))
  const body = JSON.stringify(withImage(pixels))
  const longest = await longestParsed(async () => {
    const response = await turnpike.post('/v1/chat/completions', body)
    const answer = (await response.json()) as { choices: { message: { content: string } }[] }
    assert.equal(answer.choices[0]?.message.content, 'A picture.')
    const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
    assert.equal(record['outcome'], 'ok')
    assert.equal(record['lane'], 'translate')
  })
  assert.ok(longest < 256 << 10, `${longest} characters`)
  const sent = upstream.received[0]!.json() as {
    messages: { content: { type: string; source?: { data: string; media_type: string } }[] }[]
  }
  const image = sent.messages[0]!.content.find(({ type }) => type === 'image')
  assert.deepEqual([image?.source?.media_type, image?.source?.data === pixels], ['image/png', true])
})

test('what is wrong in it is named, in the words of the client’s wire', async () => {
  const body = { ...withImage(pixels), messages: [...withImage(pixels).messages, { role: 'assistant', content: 7 }] }
  const response = await turnpike.post('/v1/chat/completions', body)
  const { error } = (await response.json()) as { error: { code: string; param: string; message: string } }
  assert.deepEqual([response.status, error.code], [400, 'invalid_request'])
  assert.match(error.param, /^messages\[1\]/)
  assert.equal(upstream.received.length, 0)
})

test('a strict request is refused for what cannot be carried, and another notes it', async () => {
  const body = { ...withImage(pixels), seed: 7 }
  const strict = await turnpike.post('/v1/chat/completions', body, { headers: { 'x-turnpike-strict': 'true' } })
  assert.equal(strict.status, 400)
  assert.equal(((await strict.json()) as { error: { param: string } }).error.param, 'seed')
  upstream.enqueue(wireScripts['anthropic-messages'].json({ text: ['A picture.'] }))
  const lax = await turnpike.post('/v1/chat/completions', body)
  assert.equal(lax.status, 200, await lax.text())
  const record = await turnpike.record(lax.headers.get('x-turnpike-request-id')!)
  assert.deepEqual(
    (record['notes'] as { path: string }[]).map(({ path }) => path),
    ['seed'],
  )
})

test('a loss in each of 20 000 messages is noted, and nobody waits for that', async () => {
  upstream.enqueue(wireScripts['anthropic-messages'].json())
  const messages = Array.from({ length: 20_000 }, (_, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content: 'x', colour: 'blue' }))
  const startedMs = performance.now()
  const response = await turnpike.post('/v1/chat/completions', { model: 'one/model-1', max_tokens: 50, messages })
  assert.equal(response.status, 200, await response.text())
  // Each note compared with each: ten seconds.
  assert.ok(performance.now() - startedMs < 4000)
  const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
  assert.equal((record['notes'] as unknown[]).length, messages.length)
})

for (const { size, padding } of [
  { size: 'small', padding: '' },
  { size: 'large', padding: 'All of it. '.repeat(40_000) },
]) {
  test(`a client that strips the proof of reasoning gets on with its tool's result all the same (${size} requests)`, async () => {
    const headers = { 'x-turnpike-session-id': `seals-${size}` }
    const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }]
    const question = { role: 'user', content: `Is the sky blue? ${padding}` }
    const base = { model: 'one/model-1', max_tokens: 5000, reasoning_effort: 'low', tools }
    upstream.enqueue({
      status: 200,
      body: JSON.stringify({
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'model-1',
        content: [
          { type: 'thinking', thinking: 'I should look.', signature: 'proof-of-thought' },
          { type: 'tool_use', id: 'toolu_01', name: 'look', input: { at: 'sky' } },
        ],
        stop_reason: 'tool_use',
        stop_sequence: null,
        usage: { input_tokens: 10, output_tokens: 20 },
      }),
    })
    const first = await turnpike.post('/v1/chat/completions', { ...base, messages: [question] }, { headers })
    const { choices } = (await first.json()) as {
      choices: { message: { tool_calls: { id: string; function: { arguments: string } }[] } }[]
    }
    const call = choices[0]!.message.tool_calls[0]!
    upstream.enqueue(wireScripts['anthropic-messages'].json({ text: ['It is.'] }))
    const stripped = {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: call.id, type: 'function', function: { name: 'look', arguments: call.function.arguments } }],
    }
    const messages = [question, stripped, { role: 'tool', tool_call_id: call.id, content: 'Blue.' }]
    const second = await turnpike.post('/v1/chat/completions', { ...base, messages }, { headers })
    assert.equal(second.status, 200, await second.text())
    const sent = upstream.received[1]!.json() as { messages: { role: string; content: unknown[] }[] }
    assert.deepEqual(sent.messages[1]!.content, [
      { type: 'thinking', thinking: 'I should look.', signature: 'proof-of-thought' },
      { type: 'tool_use', id: call.id, name: 'look', input: { at: 'sky' } },
    ])
  })
}

test('several answers to one request are refused where only one can be given, in the client’s own word for it', async () => {
  const chat = await turnpike.post('/v1/chat/completions', { ...withImage('aGk='), n: 2 })
  assert.equal(chat.status, 400)
  assert.equal(((await chat.json()) as { error: { param: string } }).error.param, 'n')
  const body = { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }], generationConfig: { candidateCount: 2 } }
  const gemini = await turnpike.post('/v1beta/models/one/model-1:generateContent', body)
  assert.equal(gemini.status, 400)
  assert.match(((await gemini.json()) as { error: { message: string } }).error.message, /generationConfig\.candidateCount/)
  assert.equal(upstream.received.length, 0)
})

for (const stream of [false, true]) {
  test(`a fault of the gateway's own while it answers is told, and leaves nobody waiting (${stream ? 'stream' : 'whole'})`, async () => {
    const encode = globalThis.encodeURIComponent
    // What a head is made with, where a model's name is not ASCII.
    globalThis.encodeURIComponent = (text) => {
      if (String(text).includes('☃')) throw new Error('made to fail')
      return encode(text)
    }
    try {
      const scripts = wireScripts['anthropic-messages']
      upstream.enqueue(stream ? scripts.sse({ model: 'snow-☃' }) : scripts.json({ model: 'snow-☃' }))
      const response = await turnpike.post('/v1/chat/completions', { ...withImage('aGk='), stream })
      assert.equal(response.status, 500, await response.clone().text())
      assert.equal(((await response.json()) as { error: { code: string } }).error.code, 'internal_error')
      const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
      assert.equal(record['status'], 500)
    } finally {
      globalThis.encodeURIComponent = encode
    }
  })
}
