// What a content filter does to an answer: passed on as it is, but for keys of OpenClaw, which shows such an answer as an error.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { JsonObject } from '#kernel'
import { createSseParser } from '#wires'
import { sseAnswer, wireScripts, type Saying, type ScriptedWire } from '#test/scripts.ts'
import { startTest, testKey, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, splitEvery, type ScriptedUpstream } from '#test/upstream.ts'

const openClawKey = 'tp-openclaw-0123456789abcdef'
const wireNames: readonly ScriptedWire[] = ['openai-chat', 'anthropic-messages']
const filteredWord = { 'openai-chat': 'content_filter', 'anthropic-messages': 'refusal' } as const
const plainWord = { 'openai-chat': 'stop', 'anthropic-messages': 'end_turn' } as const
const notice = /provider's content filter/

/** The target that filters, and the one behind it, of each wire. */
let filtering: ScriptedUpstream
let other: ScriptedUpstream
let turnpike: TestTurnpike

before(async () => {
  filtering = await createUpstream()
  other = await createUpstream()
  const chatModel = [{ id: 'chat-1', price: { input_per_million_usd: '2', output_per_million_usd: '10' } }]
  const claudeModel = [{ id: 'claude-1', price: { input_per_million_usd: '2', output_per_million_usd: '10' } }]
  turnpike = await startTest(
    {
      'chat-a': { wire: 'openai-chat', origin: filtering.origin, models: chatModel, more: { priority: 1 } },
      'chat-b': { wire: 'openai-chat', origin: other.origin, models: chatModel, more: { priority: 2 } },
      'claude-a': { wire: 'anthropic-messages', origin: filtering.origin, models: claudeModel, more: { priority: 1 } },
      'claude-b': { wire: 'anthropic-messages', origin: other.origin, models: claudeModel, more: { priority: 2 } },
    },
    {
      declared: {
        keys: [
          { name: 'test', value: testKey },
          { name: 'claw', value: openClawKey, client: 'openclaw' },
        ],
      },
    },
  )
})

after(async () => {
  await turnpike.end()
  await filtering.close()
  await other.close()
})

beforeEach(() => {
  filtering.clear()
  other.clear()
})

const modelOf = { 'openai-chat': 'chat-1', 'anthropic-messages': 'claude-1' } as const

type Answered = { readonly status: number; readonly id: string; readonly text: string; readonly finish: unknown; readonly body: string }

async function ask(client: ScriptedWire, provider: ScriptedWire, stream: boolean, key: string): Promise<Answered> {
  const response = await turnpike.post(
    wireScripts[client].path,
    { model: modelOf[provider], stream, max_tokens: 100, messages: [{ role: 'user', content: 'Say hello.' }] },
    { headers: { authorization: `Bearer ${key}` } },
  )
  const body = await response.text()
  const read = client === 'openai-chat' ? readChat : readMessages
  const documents: JsonObject[] = []
  if (stream && response.status === 200)
    createSseParser().push(Buffer.from(body), ({ data }) => {
      if (data !== undefined && data !== '[DONE]') documents.push(JSON.parse(data) as JsonObject)
    })
  else documents.push(JSON.parse(body) as JsonObject)
  return { status: response.status, id: response.headers.get('x-turnpike-request-id')!, body, ...read(documents) }
}

/** As OpenAI's documentation says that a client reads it. */
function readChat(documents: readonly JsonObject[]): { text: string; finish: unknown } {
  let text = ''
  let finish: unknown
  for (const { choices } of documents as { choices?: { delta?: JsonObject; message?: JsonObject; finish_reason: unknown }[] }[]) {
    for (const choice of choices ?? []) {
      const content = (choice.delta ?? choice.message)?.['content']
      if (typeof content === 'string') text += content
      finish = choice.finish_reason ?? finish
    }
  }
  return { text, finish }
}

/** As Anthropic's says; blocks come one after the other, each with a number of its own, and nothing comes outside of them. */
function readMessages(documents: readonly JsonObject[]): { text: string; finish: unknown } {
  let text = ''
  let finish: unknown
  let open: unknown
  let blocks = 0
  for (const event of documents as { type: string; index?: number; delta?: JsonObject; content?: JsonObject[]; stop_reason?: unknown }[]) {
    if (event.type === 'message') {
      text = (event.content ?? []).map((block) => (typeof block['text'] === 'string' ? block['text'] : '')).join('')
      finish = event.stop_reason
    } else if (event.type === 'content_block_start') {
      assert.equal(open, undefined)
      assert.equal(event.index, blocks++)
      open = event.index
    } else if (event.type === 'content_block_stop') {
      assert.equal(event.index, open)
      open = undefined
    } else if (event.type === 'content_block_delta') {
      assert.equal(event.index, open)
      if (typeof event.delta?.['text'] === 'string') text += event.delta['text']
    } else if (event.type === 'message_delta') {
      assert.equal(open, undefined)
      finish = event.delta?.['stop_reason']
    }
  }
  return { text, finish }
}

for (const client of wireNames) {
  for (const provider of wireNames) {
    for (const stream of [false, true]) {
      const how = `${client} client, ${provider} provider, ${stream ? 'stream' : 'whole'}`
      const answer = (saying: Saying) => (stream ? wireScripts[provider].sse(saying) : wireScripts[provider].json(saying))
      const filtered = (text: string[]) => answer({ text, finish: filteredWord[provider] })

      test(`${how}: filtered before content, the next target answers`, async () => {
        filtering.enqueue(filtered([]))
        other.enqueue(answer({ text: ['from the ', 'other'] }))
        const { status, id, text, finish } = await ask(client, provider, stream, openClawKey)
        assert.deepEqual([status, text, finish], [200, 'from the other', plainWord[client]])
        const record = (await turnpike.record(id)) as { attempt_list: { error: { class: string } | null }[] }
        assert.deepEqual(
          record.attempt_list.map(({ error }) => error?.class),
          ['request_refused', undefined],
        )
      })

      test(`${how}: filtered before content by every target, it is an error that says so`, async () => {
        filtering.enqueue(filtered([]))
        other.enqueue(filtered([]))
        const { status, body } = await ask(client, provider, stream, openClawKey)
        assert.equal(status, 400)
        assert.match(body, notice)
      })

      test(`${how}: filtered after content, a notice is added and it ends plainly, priced as ever`, async () => {
        filtering.enqueue(filtered(['Once ', 'upon']))
        const { status, id, text, finish, body } = await ask(client, provider, stream, openClawKey)
        assert.equal(status, 200)
        assert.match(text, /^Once upon\n\n\[/)
        assert.match(text, notice)
        assert.equal(finish, plainWord[client])
        // 12 tokens in at 2, 5 out at 10 USD per million.
        assert.match(body, /"cost":0\.000074\b/)
        const record = (await turnpike.record(id)) as { finish_reason: string; outcome: string }
        assert.deepEqual([record.outcome, record.finish_reason], ['ok', filteredWord[provider]])
        assert.equal(other.received.length, 0)
      })

      test(`${how}: to any other key it is passed on as the provider says it`, async () => {
        for (const text of [[], ['Once ', 'upon']]) {
          filtering.enqueue(filtered(text))
          const got = await ask(client, provider, stream, testKey)
          assert.deepEqual([got.status, got.text, got.finish], [200, text.join(''), filteredWord[client]])
        }
        assert.equal(other.received.length, 0)
      })
    }
  }
}

test('wherever the network cuts a filtered stream, OpenClaw gets the same answer', async () => {
  for (const wire of wireNames) {
    const { frames } = wireScripts[wire]
    const all = frames({
      text: ['Once'],
      toolCalls: [{ id: 'call_1', name: 'look', args: { at: 'it' } }],
      finish: filteredWord[wire],
    }).join('')
    for (const size of [1, 7, 64, 100_000]) {
      filtering.enqueue({ ...sseAnswer([]), body: splitEvery(all, size) })
      const { text, finish, body } = await ask(wire, wire, true, openClawKey)
      assert.match(text, /^Once\n\n\[/)
      assert.equal(finish, plainWord[wire])
      assert.match(body, /"cost":/)
    }
  }
})

test("a finish that is none of OpenAI's four words is one of them for OpenClaw, and its provider's own for others", async () => {
  for (const [said, told] of [
    ['eos', 'stop'],
    ['max_tokens', 'length'],
    ['insufficient_system_resource', 'stop'],
  ] as const) {
    for (const stream of [false, true]) {
      const answer = wireScripts['openai-chat'][stream ? 'sse' : 'json']({ finish: said })
      filtering.enqueue(answer, answer)
      const claw = await ask('openai-chat', 'openai-chat', stream, openClawKey)
      assert.deepEqual([claw.text, claw.finish], ['Hello, world!', told])
      assert.equal((await ask('openai-chat', 'openai-chat', stream, testKey)).finish, said)
    }
  }
})

test("to OpenClaw's keys a usual answer passes byte by byte", async () => {
  for (const wire of wireNames) {
    const usual = wireScripts[wire].frames({ usage: null }).join('')
    filtering.enqueue(wireScripts[wire].sse({ usage: null }))
    assert.equal((await ask(wire, wire, true, openClawKey)).body, usual)
  }
})
