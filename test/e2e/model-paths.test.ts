// Names of models that want to be paths, end to end: wherever the model stands in the path, the provider sees a path of its own endpoint.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { JsonObject } from '#kernel'
import { geminiScript } from '#test/gemini-script.ts'
import { pricedModel, startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

const tricks = [
  '..',
  '../..',
  '../../v1/secret',
  '..%2f..%2fv1%2fsecret',
  '%2e%2e/%2e%2e/secret',
  '..\\..\\secret',
  'a/../../../secret',
  'a%00b',
  'a\u0000b',
  'a b',
  'a\nx-evil: 1',
  'a\r\n\r\nGET /secret HTTP/1.1',
  '\ud800',
  'a?alt=json&key=mine',
  'a#fragment',
  'a:b:c',
  '//evil.example/secret',
  'http://evil.example/',
  'Ünï/🛃',
  '__proto__',
]

let upstream: ScriptedUpstream
let turnpike: TestTurnpike

before(async () => {
  upstream = await createUpstream()
  // None of the tricks is declared: a provider is asked for a model that only the client knows.
  const models = [pricedModel]
  turnpike = await startTest({
    gem: {
      wire: 'openai-chat',
      origin: upstream.origin,
      models,
      more: { vendor: 'gemini', base_url: `${upstream.origin}/gem`, wires: ['gemini'] },
    },
    aws: {
      wire: 'openai-chat',
      origin: upstream.origin,
      models,
      more: { vendor: 'bedrock', base_url: `${upstream.origin}/aws`, wires: ['bedrock-converse'] },
    },
  })
})
beforeEach(() => upstream.clear())
after(async () => {
  await turnpike.end()
  await upstream.close()
})

const converse: JsonObject = {
  output: { message: { role: 'assistant', content: [{ text: 'Hello' }] } },
  stopReason: 'end_turn',
  usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
}

/** Google's clients have the model in the path themselves; half a surrogate pair cannot stand there. */
const ask = {
  'openai-chat': (model: string) => turnpike.post('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'Hi' }] }),
  'openai-responses': (model: string) => turnpike.post('/v1/responses', { model, input: 'Hi' }),
  'anthropic-messages': (model: string) =>
    turnpike.post('/v1/messages', { model, max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] }),
  gemini: (model: string) =>
    turnpike.post(`/v1beta/models/${encodeURIComponent(model.toWellFormed())}:generateContent`, {
      contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
    }),
}

for (const [client, post] of Object.entries(ask)) {
  for (const [provider, head, tail] of [
    ['gem', '/gem/v1beta/models/', ':generateContent'],
    ['aws', '/aws/model/', '/converse'],
  ] as const) {
    test(`${client} client, ${provider}: a model's name stays one segment of the path`, async () => {
      upstream.route(/./, () =>
        provider === 'gem' ? geminiScript({}, false) : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(converse) },
      )
      for (const trick of tricks) {
        const before = upstream.received.length
        const response = await post(`@${provider}/${trick}`)
        const body = await response.text()
        assert.equal(response.status, 200, `${JSON.stringify(trick)}: ${body}`)
        assert.equal(upstream.received.length, before + 1)
        const { url, headers } = upstream.received[before]!
        assert.ok(url.startsWith(head) && url.endsWith(tail), `${JSON.stringify(trick)} was asked for at ${url}`)
        // As a server reads it, dot segments resolved.
        const { pathname, search } = new URL(url, 'http://provider.example')
        assert.equal(pathname, url)
        assert.equal(search, '')
        assert.equal(pathname.split('/').length, `${head}x${tail}`.split('/').length)
        assert.equal(headers.get('x-evil'), undefined)
      }
    })
  }
}
