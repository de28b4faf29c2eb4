// A provider that is silent for ten seconds: the head goes out early with a preamble, and what comes late, from it or from the next provider, still ends as it should.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { clientWireNames, type ClientWire } from '#ir'
import type { JsonObject } from '#kernel'
import type { RequestDetail } from '#store'
import { clientRequest, clientScripts, errorAtEnd, eventsIn, framesIn, looksComplete, providerOf, textIn } from '#test/client-scripts.ts'
import { pairs, type Pair } from '#test/fault-cases.ts'
import { pricedModel, startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createGate, createUpstream, cut, waitFor, write, type Answer, type ScriptedUpstream } from '#test/upstream.ts'

type Ending = 'whole' | 'cut' | 'rescued'
type Silence = 'before the head' | 'after the preamble'
type Case = Pair & { readonly silence: Silence; readonly ending: Ending; readonly model: string }

const cases: readonly Case[] = pairs
  .flatMap((pair) =>
    (['before the head', 'after the preamble'] as const).flatMap((silence) =>
      (['whole', 'cut', 'rescued'] as const).map((ending) => ({ ...pair, silence, ending })),
    ),
  )
  .map((one, number) => ({ ...one, model: `late-${number}` }))
const nextWire: ClientWire = 'anthropic-messages'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike

before(async () => {
  upstream = await createUpstream()
  const custom = (ids: readonly string[]): JsonObject => ({ allow: [...ids], custom: ids.map((id) => ({ ...pricedModel, id })) })
  const alive = clientWireNames.map((wire) => `alive-${wire}`)
  const providers = Object.fromEntries([
    ...clientWireNames.map((wire) => [`alive-${wire}`, { ...providerOf(wire, `${upstream.origin}/alive-${wire}`), models: custom(alive) }]),
    ...cases.map(({ provider, model }) => [
      model,
      { ...providerOf(provider, `${upstream.origin}/${model}`), models: custom([model]), priority: 1 },
    ]),
    [
      'next',
      {
        ...providerOf(nextWire, `${upstream.origin}/next`),
        models: custom(cases.filter(({ ending }) => ending === 'rescued').map(({ model }) => model)),
        priority: 2,
      },
    ],
  ]) as JsonObject
  turnpike = await startTest({}, { declared: { providers } })
  upstream.route(({ url }) => url.startsWith('/next/'), clientScripts[nextWire].sse())
})

after(async () => {
  await turnpike.end()
  await upstream.close()
})

/** Silent from the named moment until the gate opens; then the rest of the stream, or a cut. */
function lateAnswer(wire: ClientWire, silence: Silence, gate: Promise<void>, ending: Ending): Answer {
  const script = clientScripts[wire]
  const frames = script.frames()
  const headers = { 'content-type': 'text/event-stream' }
  const preamble = frames.slice(0, script.preambleFrames).map(write)
  const rest = ending === 'whole' ? frames.slice(script.preambleFrames).map(write) : [cut()]
  if (silence === 'before the head') return { headers, before: [waitFor(gate)], body: [...preamble, ...rest] }
  return { headers, body: [...preamble, waitFor(gate), ...rest] }
}

/** What begins an answer in each wire, and may be there only once. */
const beginnings: Readonly<Record<ClientWire, RegExp | undefined>> = {
  'openai-chat': /"role":"assistant"/g,
  'openai-responses': /event: response\.created/g,
  'anthropic-messages': /event: message_start/g,
  gemini: undefined,
}
const ids: Readonly<Record<ClientWire, RegExp>> = {
  'openai-chat': /"id":"[^"]*"/g,
  'openai-responses': /"id":"resp_[^"]*"/g,
  'anthropic-messages': /"id":"[^"]*"/g,
  gemini: /"responseId":"[^"]*"/g,
}

function assertOneAnswer(client: ClientWire, body: string): void {
  const beginning = beginnings[client]
  if (beginning !== undefined) assert.equal(body.match(beginning)?.length, 1, 'one start, ours; the late one does not collide with it')
  assert.ok(new Set(body.match(ids[client])).size <= 1, 'one id from the first byte to the last')
  if (client !== 'openai-responses') return
  const numbers = framesIn(body).map(({ data }) => (JSON.parse(data) as { sequence_number: number }).sequence_number)
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index),
    'events are counted without a gap',
  )
}

describe('ten seconds of silence', { concurrency: cases.length + clientWireNames.length + 1 }, () => {
  for (const { client, provider, silence, ending, model } of cases) {
    test(`${client} client, ${provider} provider, silent ${silence}: then ${ending}`, { timeout: 60_000 }, async () => {
      const gate = createGate()
      upstream.route(({ url }) => url.startsWith(`/${model}/`), lateAnswer(provider, silence, gate.opened, ending))
      const { path, body: asked } = clientRequest(client, model, true, 'Say hello.')
      const response = await turnpike.post(path, asked)
      // The head came although no provider has said anything of substance yet.
      assert.equal(response.status, 200)
      const reader = response.body!.getReader()
      let bytes = Buffer.from((await reader.read()).value)
      assert.equal(textIn(eventsIn(client, bytes.toString())), '')
      gate.open()
      let whole = true
      try {
        for (let next = await reader.read(); !next.done; next = await reader.read()) bytes = Buffer.concat([bytes, next.value])
      } catch {
        whole = false
      }
      const body = bytes.toString()
      const events = eventsIn(client, body)
      const id = response.headers.get('x-turnpike-request-id')!
      const record = (await turnpike.record(id)) as unknown as RequestDetail
      if (ending === 'cut') {
        assert.equal(whole, false)
        assert.ok(errorAtEnd(client, body) !== undefined, `the verdict is in-band: ${body}`)
        assert.equal(looksComplete(client, body), false)
        assert.equal(record.outcome, 'upstream_error')
        return
      }
      assertOneAnswer(client, body)
      assert.equal(whole, true)
      assert.equal(textIn(events), 'Hello, world!')
      assert.equal(events.at(-1)!.type, 'finish')
      assert.ok(looksComplete(client, body))
      assert.deepEqual([record.outcome, record.tokens.output], ['ok', 5])
      assert.deepEqual(
        record.attempt_list.map((attempt) => attempt.provider),
        ending === 'rescued' ? [model, 'next'] : [model],
      )
    })
  }

  const forms: Readonly<Record<ClientWire, RegExp>> = {
    'openai-chat': /^data: \{.*"delta":\{"content":""\}.*\}\n\n$/,
    'openai-responses': /^event: response\.in_progress\ndata: \{"type":"response\.in_progress","sequence_number":2,.*\}\n\n$/,
    'anthropic-messages': /^event: ping\ndata: \{"type":"ping"\}\n\n$/,
    gemini: /^data: \{"candidates":\[.*\{"text":""\}.*\}\n\n$/,
  }

  for (const client of clientWireNames) {
    test(`keep-alives follow the early head, in a form that counts for a ${client} client`, { timeout: 60_000 }, async () => {
      const gate = createGate()
      upstream.route(({ url }) => url.startsWith(`/alive-${client}/`), lateAnswer(client, 'before the head', gate.opened, 'whole'))
      const { path, body: asked } = clientRequest(client, `alive-${client}/alive-${client}`, true, 'Say hello.')
      const response = await turnpike.post(path, asked)
      const reader = response.body!.getReader()
      let body = Buffer.from((await reader.read()).value).toString()
      const second = Buffer.from((await reader.read()).value).toString()
      assert.match(second, forms[client])
      gate.open()
      body += second
      for (let next = await reader.read(); !next.done; next = await reader.read()) body += Buffer.from(next.value).toString()
      assertOneAnswer(client, body)
      assert.equal(textIn(eventsIn(client, body)), 'Hello, world!')
    })
  }

  test("Gemini's stream as an array is kept alive by elements with an empty text", { timeout: 60_000 }, async () => {
    const gate = createGate()
    upstream.route(({ body }) => body.includes('as an array'), lateAnswer('openai-chat', 'before the head', gate.opened, 'whole'))
    const response = await turnpike.post('/v1beta/models/alive-openai-chat%2Falive-gemini:streamGenerateContent', {
      contents: [{ role: 'user', parts: [{ text: 'as an array' }] }],
    })
    assert.match(response.headers.get('content-type')!, /^application\/json/)
    const reader = response.body!.getReader()
    let body = ''
    const element = /\{"candidates":\[.*\{"text":""\}.*\}$/
    for (let i = 0; i < 2; i++) {
      const said = Buffer.from((await reader.read()).value).toString()
      assert.match(said, element)
      body += said
    }
    gate.open()
    for (let next = await reader.read(); !next.done; next = await reader.read()) body += Buffer.from(next.value).toString()
    const chunks = JSON.parse(body) as { candidates: { content?: { parts: { text: string }[] } }[] }[]
    const text = chunks.map(({ candidates }) => candidates[0]?.content?.parts.map((part) => part.text).join('') ?? '').join('')
    assert.equal(text, 'Hello, world!')
  })
})
