// How a provider's stream ends, or does not: the last event alone, a connection that stays open behind it, events for ever.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { clientWireNames, type ClientWire } from '#ir'
import type { JsonObject } from '#kernel'
import type { RequestDetail } from '#store'
import { codecOf } from '#wires'
import { clientRequest, clientScripts, hear, providerOf } from '#test/client-scripts.ts'
import { sseAnswer } from '#test/scripts.ts'
import { startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, reset, stall, write, type Answer, type ScriptedUpstream } from '#test/upstream.ts'

/** Google's streams have no event that ends them. */
const endingWires = ['openai-chat', 'openai-responses', 'anthropic-messages'] as const

/** Says nothing, in events that are well-formed. */
const silentFrames: Readonly<Record<ClientWire, string>> = {
  'openai-chat': `data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n`,
  'openai-responses': `event: response.in_progress\ndata: {"type":"response.in_progress","response":{"id":"r1","status":"in_progress","output":[]}}\n\n`,
  'anthropic-messages': `event: ping\ndata: {"type":"ping"}\n\n`,
  gemini: `data: {"candidates":[{"content":{"parts":[],"role":"model"},"index":0}],"modelVersion":"m"}\r\n\r\n`,
}
const flood = (wire: ClientWire, megabytes: number): Answer => {
  const packet = write(silentFrames[wire].repeat(Math.ceil((1 << 20) / silentFrames[wire].length)))
  return { headers: { 'content-type': 'text/event-stream' }, body: [...Array.from({ length: megabytes }, () => packet), stall()] }
}

const answers: Readonly<Record<string, (wire: ClientWire) => Answer>> = {
  last: (wire) =>
    sseAnswer([wire === 'anthropic-messages' ? 'event: message_stop\ndata: {"type":"message_stop"}\n\n' : 'data: [DONE]\n\n']),
  open: (wire) => sseAnswer(clientScripts[wire].frames(), stall()),
  reset: (wire) => sseAnswer(clientScripts[wire].frames(), reset()),
  once: (wire) =>
    sseAnswer(wire === 'openai-responses' ? clientScripts[wire].frames().filter((frame) => /response\.completed/.test(frame)) : []),
  away: () => ({ status: 308, headers: { location: 'https://api.example.com/v2/answers?key=sk-1' }, body: '' }),
  flood: (wire) => flood(wire, 24),
  deluge: (wire) => flood(wire, 72),
}

let upstream: ScriptedUpstream
let turnpike: TestTurnpike

before(async () => {
  upstream = await createUpstream()
  const providers: JsonObject = {}
  const names: string[] = []
  const model = (id: string): JsonObject => ({ id, price: { input_per_million_usd: '2', output_per_million_usd: '10' } })
  // One for each client and mode: what one teaches of a provider's health is no other's.
  for (const wire of clientWireNames) {
    for (const [kind, answer] of Object.entries(answers)) {
      for (const name of clientWireNames.flatMap((client) => [`${kind}-${wire}-${client}-true`, `${kind}-${wire}-${client}-false`])) {
        names.push(name)
        providers[name] = {
          ...providerOf(wire, `${upstream.origin}/${name}`),
          models: { allow: [name], custom: [model(name)] },
          priority: 1,
        }
        upstream.route(
          ({ url }) => url.startsWith(`/${name}/`),
          () => answer(wire),
        )
      }
    }
  }
  providers['next'] = {
    ...providerOf('openai-chat', `${upstream.origin}/next`),
    models: { allow: names, custom: names.map(model) },
    priority: 2,
  }
  upstream.route(
    ({ url }) => url.startsWith('/next/'),
    (request) => clientScripts['openai-chat'][request.json()['stream'] === true ? 'sse' : 'json']({ text: ['From the next one.'] }),
  )
  turnpike = await startTest({}, { declared: { providers } })
})
after(async () => {
  await turnpike.end()
  await upstream.close()
})

async function ask(client: ClientWire, kind: string, stream: boolean) {
  const model = `${kind}-${client}-${stream}`
  const { path, body } = clientRequest(client, model, stream, 'Say hello.')
  const heard = await hear(await turnpike.post(path, body))
  const received = upstream.received.filter(({ url }) => url.startsWith(`/${model}/`))
  return { heard, received, record: (await turnpike.record(heard.id)) as unknown as RequestDetail }
}

for (const provider of ['openai-chat', 'anthropic-messages'] as const) {
  for (const client of clientWireNames) {
    for (const stream of [true, false]) {
      test(`a ${provider} provider whose only word is its last is no answer for a ${client} client (${stream ? 'stream' : 'whole'})`, async () => {
        const { heard, record } = await ask(client, `last-${provider}`, stream)
        assert.match(heard.body, /From the next one\./)
        assert.equal(record.attempt_list[0]!.error?.class, 'empty_response')
      })
    }
  }
}

test('a Responses stream that says all of it in its last event is an answer', async () => {
  for (const client of clientWireNames) {
    const { heard, record } = await ask(client, 'once-openai-responses', true)
    assert.match(heard.body, /Hello, /)
    assert.deepEqual([record.outcome, record.attempt_list.length], ['ok', 1])
  }
})

describe('a stream that nobody asked for', { concurrency: 12 }, () => {
  for (const provider of endingWires) {
    for (const client of clientWireNames) {
      for (const end of ['open', 'reset'] as const) {
        test(`a ${client} client has its whole answer when a ${provider} provider has streamed its last event, and leaves the connection ${end}`, async () => {
          const { heard, received, record } = await ask(client, `${end}-${provider}`, false)
          const { parts } = codecOf(client).egress.decodeResponse(JSON.parse(heard.body) as JsonObject, {})
          assert.equal(parts.map((part) => (part.type === 'text' ? part.text : '')).join(''), 'Hello, world!')
          assert.deepEqual([record.outcome, record.attempt_list.length, record.tokens.output], ['ok', 1, 5])
          // The socket does not stay for ever, although the provider would keep it.
          assert.equal(await received[0]!.closed, end === 'open' ? 'aborted' : 'cut')
        })
      }
    }
  }
})

for (const provider of clientWireNames) {
  test(`where a ${provider} provider sends to is nobody's to follow: the record says what to set`, async () => {
    const { received, record } = await ask('openai-chat', `away-${provider}`, false)
    assert.equal(received.length, 1)
    const { class: kind, message } = record.attempt_list[0]!.error!
    assert.equal(kind, 'bad_response')
    assert.match(message, /sends elsewhere \(status 308\).* Set base_url to https:\/\/api\.example\.com\.$/)
  })
}

for (const provider of clientWireNames) {
  for (const client of new Set([provider, 'openai-chat'] as const)) {
    test(`a ${provider} provider that sends events for ever and says nothing is given up for a ${client} client before they fill the memory`, async () => {
      const { heard, record } = await ask(client, `flood-${provider}`, true)
      assert.match(heard.body, /From the next one\./)
      assert.equal(record.attempt_list[0]!.error?.class, 'bad_response')
    })
  }
}

test('so is one that nobody asked for, and that has no end', async () => {
  const { heard, record } = await ask('openai-chat', 'deluge-openai-chat', false)
  assert.match(heard.body, /From the next one\./)
  assert.equal(record.attempt_list[0]!.error?.message, "The provider's answer is larger than 64 MB.")
})
