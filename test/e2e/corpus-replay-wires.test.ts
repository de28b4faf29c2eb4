// Recorded answers of every provider wire through a real Turnpike, on sockets, read by a client of every wire: each says what the canon says.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { fold, type ClientWire } from '#ir'
import type { JsonObject } from '#kernel'
import { skipWithoutCorpus } from '#test/corpus.ts'
import { eventsOfStream, expectedFor, readAnswered, readRefused, reduce, type Recorded, type Refused } from '#test/pairs.ts'
import { replay } from '#test/scripts.ts'
import { pricedModel, startTest, type TestProvider, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'
import { clientWires, codecOf } from '#wires'

const skip = skipWithoutCorpus
const atOnce = 12

type Exception = { readonly client: ClientWire; readonly api: string; readonly form: string; readonly id: string }
const exceptions = JSON.parse(readFileSync(new URL('../conformance/exceptions.json', import.meta.url), 'utf8')) as Exception[]

/** The provider that speaks each API, and how many of its recorded answers are asked for (chat has a test of its own). */
const providers: Readonly<
  Record<string, { readonly vendor: string; readonly wire: string; readonly base: string; readonly every: number }>
> = {
  chat: { vendor: 'openai', wire: 'openai-chat', base: '/v1', every: 4 },
  responses: { vendor: 'openai', wire: 'openai-responses', base: '/v1', every: 1 },
  messages: { vendor: 'anthropic', wire: 'anthropic-messages', base: '', every: 1 },
  invoke: { vendor: 'bedrock', wire: 'anthropic-messages', base: '', every: 1 },
  generateContent: { vendor: 'gemini', wire: 'gemini', base: '', every: 1 },
  converse: { vendor: 'bedrock', wire: 'bedrock-converse', base: '', every: 1 },
  'cohere-v2-chat': { vendor: 'cohere', wire: 'cohere-chat', base: '', every: 1 },
  'ollama-chat': { vendor: 'ollama', wire: 'ollama-chat', base: '', every: 1 },
}

let upstream: ScriptedUpstream
let turnpike: TestTurnpike
/** What is answered for each model; its number stands behind the name. */
const byName = new Map<string, Recorded | Refused>()
const nameOf = new Map<Recorded | Refused, string>()

before(async () => {
  if (skip !== false) return
  for (const each of [...readAnswered(), ...readRefused()]) {
    const family = each.exchange.api === 'invoke' ? 'anthropic.claude' : 'model'
    const name = `${family}-${byName.size}`
    byName.set(name, each)
    nameOf.set(each, name)
  }
  upstream = await createUpstream()
  upstream.route(/./, (request) => {
    const named = /\/models?\/([^/:]+)[/:]/.exec(request.url)?.[1] ?? String(request.json()['model'])
    return replay(byName.get(decodeURIComponent(named))!.exchange)
  })
  turnpike = await startTest(
    Object.fromEntries(
      Object.entries(providers).map(([api, { vendor, wire, base }]): [string, TestProvider] => [
        api.toLowerCase(),
        {
          wire: 'openai-chat',
          origin: upstream.origin,
          models: [pricedModel],
          more: { vendor, base_url: `${upstream.origin}/${api.toLowerCase()}${base}`, wires: [wire] },
        },
      ]),
    ),
  )
})
after(async () => {
  if (skip !== false) return
  await turnpike.end()
  await upstream.close()
})

for (const client of clientWires.keys()) {
  for (const [api, { every }] of Object.entries(providers)) {
    test(`${client} client, ${api}: every recorded answer reads as the canon says, and is recorded`, { skip }, async () => {
      const list = answersOf(api).filter((_, at) => at % every === 0)
      assert.ok(list.length >= 15)
      const different = await inParallel(list, async (each) => {
        const stream = each.exchange.resp.kind !== 'json'
        const response = await ask(client, each, stream)
        const body = await response.text()
        assert.equal(response.status, 200, body)
        assert.match(response.headers.get('content-type')!, stream ? /^text\/event-stream/ : /^application\/json/)
        const answer = stream
          ? fold(eventsOfStream(client, body))
          : codecOf(client).egress.decodeResponse(JSON.parse(body) as JsonObject, {})
        const ours = reduce(answer)
        assert.deepEqual(ours, expectedFor(client, each, ours))
        await checkRecord(each, client, response.headers.get('x-turnpike-request-id')!)
      })
      const known = new Set(exceptions.filter((each) => each.client === client && each.api === api).map(({ id }) => id))
      assert.deepEqual(
        [...different].filter(([id]) => !known.has(id)).map(([id, why]) => `${id}: ${why}`),
        [],
      )
    })

    test(`${client} client, ${api}: every recorded refusal is told in the client's wire`, { skip }, async () => {
      const list = readRefused().filter(({ exchange }) => exchange.api === api)
      const different = await inParallel(list, async (each) => {
        const response = await ask(client, each, false)
        const body = await response.text()
        const { error } = JSON.parse(body) as { error: JsonObject }
        const { status } = each.exchange.resp
        const blamed = status === 400 && !/model_not_found|model identifier is invalid/.test(each.exchange.resp.body)
        assert.equal(response.status, blamed ? 400 : 503, body)
        assert.equal(typeof error['message'], 'string', body)
        if (!blamed) assert.doesNotMatch(body, /credit|balance|quota|billing|api key|security token|sk-/i)
        const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
        assert.equal(record['outcome'], blamed ? 'client_error' : 'upstream_error')
      })
      assert.deepEqual([...different], [])
    })
  }
}

/** Google's stream without `alt=sse` is one array, which Turnpike never asks for. */
const answersOf = (api: string) => readAnswered().filter(({ exchange }) => exchange.api === api && !/^\s*\[/.test(exchange.resp.body))

function ask(client: ClientWire, each: Recorded | Refused, stream: boolean): Promise<Response> {
  const model = `@${each.exchange.api.toLowerCase()}/${nameOf.get(each)!}`
  const user = [{ role: 'user', content: 'Say hello.' }]
  switch (client) {
    case 'openai-chat':
      return turnpike.post('/v1/chat/completions', {
        model,
        messages: user,
        stream,
        ...(stream ? { stream_options: { include_usage: true } } : {}),
      })
    case 'openai-responses':
      return turnpike.post('/v1/responses', { model, input: 'Say hello.', stream })
    case 'anthropic-messages':
      return turnpike.post('/v1/messages', { model, max_tokens: 4_000, messages: user, stream })
    case 'gemini': {
      const method = stream ? 'streamGenerateContent?alt=sse' : 'generateContent'
      // Thoughts are shown only to those who ask for them.
      const body = {
        contents: [{ role: 'user', parts: [{ text: 'Say hello.' }] }],
        generationConfig: { thinkingConfig: { includeThoughts: true } },
      }
      return turnpike.post(`/v1beta/models/${encodeURIComponent(model)}:${method}`, body)
    }
    default:
      return client satisfies never
  }
}

/** Where the provider counted nothing, the gateway counts itself. */
async function checkRecord({ exchange, wire, canon }: Recorded, client: ClientWire, id: string): Promise<void> {
  const record = await turnpike.record(id)
  const { outcome, status, lane, provider } = record
  assert.deepEqual(
    { outcome, status, lane, provider },
    { outcome: 'ok', status: 200, lane: client === wire ? 'pass' : 'translate', provider: exchange.api.toLowerCase() },
  )
  const tokens = record['tokens'] as Readonly<Record<string, number | null>>
  const usage = canon.usage ?? {}
  for (const [said, recorded] of [
    [usage['in'], tokens['input']],
    [usage['out'], tokens['output']],
  ]) {
    // A provider that says it wrote nothing, beside what it wrote, has told nothing.
    if (said === 0 && recorded !== 0) assert.notEqual(record['cost_source'], 'computed')
    else if (said !== null && said !== undefined) assert.equal(recorded, said)
  }
}

/** What differs, by id; a few exchanges at a time. */
async function inParallel<Each extends Recorded | Refused>(
  list: readonly Each[],
  check: (each: Each) => Promise<void>,
): Promise<Map<string, string>> {
  const different = new Map<string, string>()
  const rest = list.values()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const each of rest) {
        try {
          await check(each)
        } catch (error) {
          different.set(each.exchange.id, (error as Error).message)
        }
      }
    }),
  )
  return different
}
