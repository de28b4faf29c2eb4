// The official SDKs of OpenAI and Anthropic behind a provider that fails after content: each sees an error, and none a clean end.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import type { ClientWire } from '#ir'
import type { JsonObject } from '#kernel'
import { providerOf } from '#test/client-scripts.ts'
import { answerOf, faultCases, type FaultCase } from '#test/fault-cases.ts'
import { startTest, testKey, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

const cases = faultCases.filter(({ ending }) => ending === 'interrupted')
const slugOf = ({ number }: FaultCase): string => `f${number}`

let upstream: ScriptedUpstream
let turnpike: TestTurnpike
let openai: OpenAI
let anthropic: Anthropic

before(async () => {
  upstream = await createUpstream()
  const providers: JsonObject = {}
  for (const one of cases) {
    upstream.route(
      ({ url }) => url.startsWith(`/${slugOf(one)}/`),
      () => answerOf(one),
    )
    providers[slugOf(one)] = {
      ...providerOf(one.provider, `${upstream.origin}/${slugOf(one)}`),
      timeouts: { connect_ms: 10_000, first_token_ms: 20_000, idle_ms: 20_000, ...one.cell.timeouts },
    }
  }
  turnpike = await startTest({}, { declared: { providers } })
  openai = new OpenAI({ baseURL: `${turnpike.url}/v1`, apiKey: testKey, maxRetries: 0 })
  anthropic = new Anthropic({ baseURL: turnpike.url, apiKey: testKey, maxRetries: 0 })
})
after(async () => {
  await turnpike.end()
  await upstream.close()
})

const messages = [{ role: 'user' as const, content: 'Say hello.' }]
const body = (model: string) => ({ model, messages, max_tokens: 100 })

/** Ways to read a stream to its end; each gives the text that it has seen to `heard`. */
const readers: Partial<Record<ClientWire, Readonly<Record<string, (model: string, heard: (text: string) => void) => Promise<unknown>>>>> = {
  'openai-chat': {
    async iterated(model, heard) {
      for await (const chunk of await openai.chat.completions.create({ ...body(model), stream: true })) {
        const [choice] = chunk.choices
        heard(choice?.delta.content ?? '')
        assert.ok(typeof choice?.finish_reason !== 'string', 'no chunk has a finish reason')
      }
    },
    async helper(model, heard) {
      const stream = openai.chat.completions.stream(body(model))
      stream.on('content', (text) => heard(text))
      return stream.finalChatCompletion()
    },
  },
  'openai-responses': {
    async iterated(model, heard) {
      for await (const event of await openai.responses.create({ model, input: 'Say hello.', stream: true })) {
        if (event.type === 'response.output_text.delta') heard(event.delta)
        assert.notEqual(event.type, 'response.completed')
        // The SDK hands errors out as events, and leaves it to its user to see them.
        if (event.type === 'error' || event.type === 'response.failed') throw new Error(event.type)
      }
    },
    async helper(model, heard) {
      const stream = openai.responses.stream({ model, input: 'Say hello.' })
      stream.on('response.output_text.delta', ({ delta }) => heard(delta))
      const response = await stream.finalResponse()
      if (response.status !== 'completed') throw new Error(response.status)
    },
  },
  'anthropic-messages': {
    async iterated(model, heard) {
      for await (const event of await anthropic.messages.create({ ...body(model), stream: true })) {
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') heard(event.delta.text)
        assert.ok(event.type !== 'message_stop' && event.type !== 'message_delta')
      }
    },
    async helper(model, heard) {
      const stream = anthropic.messages.stream(body(model))
      stream.on('text', (text) => heard(text))
      return stream.finalMessage()
    },
  },
}

for (const client of Object.keys(readers) as ClientWire[]) {
  describe(`the SDK of ${client}`, { concurrency: 16 }, () => {
    for (const one of cases.filter((one) => one.client === client)) {
      for (const [how, read] of Object.entries(readers[client]!)) {
        test(`${how}: a ${one.provider} provider ${one.cell.name}`, async () => {
          let text = ''
          let failed: unknown
          try {
            await read(`${slugOf(one)}/model-1`, (piece) => (text += piece))
          } catch (error) {
            failed = error
          }
          assert.ok(failed instanceof Error, 'it did not end as if it were complete')
          assert.ok(!(failed instanceof assert.AssertionError), failed)
          assert.match(text, /^Hello/, 'and what had come was heard')
        })
      }
    }
  })
}
