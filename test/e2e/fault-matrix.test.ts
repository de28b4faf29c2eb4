// The fault matrix: whatever a provider does wrong, the next one answers inside the same request; after content, and where there is no next one, the client is told, and nothing looks complete. docs/fault-matrix.md is its table.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { clientWireNames, type ClientWire } from '#ir'
import type { JsonObject } from '#kernel'
import type { RequestDetail } from '#store'
import { codecOf } from '#wires'
import {
  clientRequest,
  clientScripts,
  errorAtEnd,
  eventsIn,
  hear,
  looksComplete,
  providerOf,
  textIn,
  type Heard,
} from '#test/client-scripts.ts'
import { answerOf, faultCases, writePassed, type FaultCase } from '#test/fault-cases.ts'
import { longText, oddText, type Place } from '#test/fault-cells.ts'
import { refusedPort, silentPort, type FailingPort } from '#test/ports.ts'
import { startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type Received, type ScriptedUpstream } from '#test/upstream.ts'

/** The wire of the next provider is another one than the first's, so that answers change lanes in between. */
const nextWire: Readonly<Record<ClientWire, ClientWire>> = {
  'openai-chat': 'anthropic-messages',
  'openai-responses': 'openai-chat',
  'anthropic-messages': 'openai-chat',
  gemini: 'openai-chat',
}
const lenient = { connect_ms: 10_000, first_token_ms: 20_000, idle_ms: 20_000, request_timeout: 30_000 }

const endings: Readonly<Record<FaultCase['ending'], string>> = {
  rescued: 'the next one answers',
  verdict: 'the client is told',
  interrupted: 'the client is told in-band',
  stopped: 'the provider is stopped',
  arrives: 'the answer arrives',
}

let upstream: ScriptedUpstream
let refused: FailingPort
let silent: FailingPort
let plain: Server
const passed: FaultCase[] = []
/** The first request that the provider of a case gets. */
const arrivals = faultCases.map(() => Promise.withResolvers<Received>())

before(async () => {
  upstream = await createUpstream()
  refused = await refusedPort()
  silent = await silentPort()
  // Speaks plain HTTP at once, whatever is said to it: no partner for TLS.
  plain = createServer((socket) => {
    socket.on('error', () => {})
    socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n')
  }).listen(0, '127.0.0.1')
  await once(plain, 'listening')
  for (const one of faultCases) {
    if (one.cell.answer === undefined) continue
    upstream.route(
      ({ url }) => url.startsWith(`/${slugOf(one)}/`),
      (request) => {
        arrivals[one.number]!.resolve(request)
        return answerOf(one)
      },
    )
  }
  for (const wire of clientWireNames) {
    upstream.route(
      ({ url }) => url.startsWith(`/next-${wire}/`),
      (request) => goodAnswer(wire, request),
    )
  }
})

after(async () => {
  await upstream.close()
  await refused.close()
  await silent.close()
  plain.close()
  writePassed('matrix', passed)
})

function goodAnswer(wire: ClientWire, request: Received) {
  const streams = request.url.includes(':stream') || request.json()['stream'] === true
  return clientScripts[wire][streams ? 'sse' : 'json']()
}

/** A provider of its own for each case: what one case teaches of a provider's health is no other's. */
function slugOf({ number }: FaultCase): string {
  return `f${number}`
}

function modelOf({ number }: FaultCase): string {
  return `case-${number}`
}

function originOf(place: Place | undefined): string {
  switch (place) {
    case 'refused':
      return refused.origin
    case 'silent':
      return silent.origin
    case 'nowhere':
      return 'http://does-not-exist.invalid'
    case 'plain':
      return `https://127.0.0.1:${(plain.address() as AddressInfo).port}`
    case undefined:
      return upstream.origin
  }
}

function priced(id: string): JsonObject {
  return { id, max_output_tokens: 1000, price: { input_per_million_usd: '2', output_per_million_usd: '10' } }
}

function startFor(cases: readonly FaultCase[]): Promise<TestTurnpike> {
  const providers: JsonObject = {}
  for (const one of cases) {
    const { cell, provider } = one
    providers[slugOf(one)] = {
      ...providerOf(provider, `${originOf(cell.place)}/${slugOf(one)}`),
      models: { allow: [modelOf(one)], custom: [priced(modelOf(one))] },
      timeouts: { ...lenient, ...cell.timeouts },
      priority: 1,
    }
  }
  for (const wire of clientWireNames) {
    const models = cases.filter((one) => one.ending !== 'verdict' && nextOf(one) === wire).map(modelOf)
    providers[`next-${wire}`] = {
      ...providerOf(wire, `${upstream.origin}/next-${wire}`),
      models: { allow: [...models, 'control'], custom: ['control', ...models].map(priced) },
      timeouts: lenient,
      priority: 2,
    }
  }
  return startTest({}, { declared: { providers } })
}

function nextOf({ provider }: FaultCase): ClientWire {
  return nextWire[provider]
}

for (const client of clientWireNames) {
  const cases = faultCases.filter((one) => one.client === client)
  let turnpike: TestTurnpike

  async function ask(model: string, stream: boolean): Promise<Heard> {
    const { path, body } = clientRequest(client, model, stream, 'Say hello.')
    return hear(await turnpike.post(path, body))
  }

  const detailOf = async (id: string): Promise<RequestDetail> => (await turnpike.record(id)) as unknown as RequestDetail

  const controls = new Map<string, Promise<Heard>>()
  /** What the next provider answers to a request that is its own from the start. */
  function control(provider: ClientWire, stream: boolean): Promise<Heard> {
    const name = `next-${provider}/control`
    const asked = controls.get(`${name} ${stream}`) ?? ask(name, stream)
    controls.set(`${name} ${stream}`, asked)
    return asked
  }

  const checks = {
    async rescued(one: FaultCase) {
      const heard = await ask(modelOf(one), one.mode === 'stream')
      const usual = await control(nextOf(one), one.mode === 'stream')
      assert.equal(heard.status, 200, heard.body)
      assert.equal(heard.whole, true)
      assert.equal(heard.headers.get('content-type'), usual.headers.get('content-type'))
      assert.equal(anonymous(heard.body), anonymous(usual.body), 'the client cannot tell that another provider failed before')
      const record = await detailOf(heard.id)
      assert.deepEqual([record.outcome, record.fallback, record.provider], ['ok', true, `next-${nextOf(one)}`])
      assert.deepEqual([record.tokens.input, record.tokens.output, record.cost_source], [12, 5, 'computed'])
      assertAttempts(one, record, [slugOf(one), `next-${nextOf(one)}`])
    },

    async verdict(one: FaultCase) {
      const { cell } = one
      const heard = await ask(modelOf(one), one.mode === 'stream')
      assert.equal(heard.status, cell.status ?? 503, heard.body)
      assert.equal(heard.whole, true)
      const error = errorOf(client, heard)
      const said = String(error['message'])
      const record = await detailOf(heard.id)
      if (cell.status === undefined || cell.status === 408) {
        assert.equal(record.error?.code, cell.status === 408 ? 'timeout' : 'all_targets_failed')
        assert.doesNotMatch(said, /credit|balance|quota|billing/i)
        assert.equal(record.outcome, 'upstream_error')
      } else {
        if (cell.class.includes('context_length_exceeded')) assert.match(said, /token/)
        else assert.match(said, /temperature is out of range/)
        assert.equal(record.outcome, 'client_error')
      }
      if (heard.status === 503) assert.match(heard.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
      assert.ok(record.cost_usd === null || Number(record.cost_usd) === 0, 'nothing was produced, so nothing is charged')
      assertAttempts(one, record, [slugOf(one)])
    },

    async interrupted(one: FaultCase) {
      const heard = await ask(modelOf(one), true)
      assert.equal(heard.status, 200)
      assert.equal(heard.whole, false, 'the connection closes without the mark of a complete answer')
      assert.equal(looksComplete(client, heard.body), false, heard.body)
      assert.ok(errorAtEnd(client, heard.body) !== undefined, `the error is in-band, in the words of the client: ${heard.body}`)
      const events = eventsIn(client, heard.body)
      assert.equal(events.at(-1)!.type, 'error')
      assert.match(textIn(events), /^Hello/, 'what had come before is there')
      const record = await detailOf(heard.id)
      assert.equal(record.outcome, 'interrupted')
      assert.equal(record.cost_source, 'estimated')
      assert.ok(Number(record.cost_usd) > 0, 'what was produced is counted')
      assertAttempts(one, record, [slugOf(one)])
    },

    async stopped(one: FaultCase) {
      const controller = new AbortController()
      const { path, body } = clientRequest(client, modelOf(one), one.mode === 'stream', 'Say hello.')
      const session = slugOf(one)
      const asked = turnpike.post(path, body, { signal: controller.signal, headers: { 'x-turnpike-session-id': session } })
      asked.catch(() => {})
      const received = await arrivals[one.number]!.promise
      if (one.cell.name.includes('after content')) await (await asked).body!.getReader().read()
      const left = performance.now()
      controller.abort()
      await received.aborted
      assert.ok(performance.now() - left < 1000, 'the provider is left within a second')
      const records = (await turnpike.records()).filter((record) => record['session'] === session)
      assert.equal(records.length, 1)
      const record = await detailOf(String(records[0]!['id']))
      assert.equal(record.outcome, 'cancelled')
      if (one.cell.name.includes('after content')) {
        assert.ok(Number(record.cost_usd) > 0, 'what was used is settled')
        assert.equal(record.cost_source, 'estimated')
      }
      assertAttempts(one, record, [slugOf(one)])
    },

    async arrives(one: FaultCase) {
      const streams = one.mode === 'stream'
      const heard = await ask(modelOf(one), streams)
      assert.equal(heard.status, 200, heard.body)
      assert.equal(heard.whole, true, heard.body)
      const text = (one.cell.name.includes('1 MB') ? longText : oddText).join('')
      const { egress } = codecOf(client)
      if (streams) {
        const events = eventsIn(client, heard.body)
        assert.equal(textIn(events), text)
        assert.equal(events.at(-1)!.type, 'finish')
        assert.ok(looksComplete(client, heard.body))
      } else {
        const { parts } = egress.decodeResponse(JSON.parse(heard.body) as JsonObject, {})
        assert.equal(parts.map((part) => (part.type === 'text' ? part.text : '')).join(''), text)
      }
      const record = await detailOf(heard.id)
      assert.deepEqual([record.outcome, record.tokens.input, record.tokens.output], ['ok', 12, 5])
      assertAttempts(one, record, [slugOf(one)])
    },
  }

  describe(`a ${client} client`, () => {
    before(async () => {
      turnpike = await startFor(cases)
    })
    after(() => turnpike.end())

    // What is timed is apart: many tests at once keep each other waiting.
    for (const [part, concurrency] of [
      ['that stays', 48],
      ['that leaves', 4],
    ] as const) {
      describe(part, { concurrency }, () => {
        for (const one of cases.filter(({ ending }) => (ending === 'stopped') === (part === 'that leaves'))) {
          test(titleOf(one), { timeout: 30_000 }, async () => {
            await checks[one.ending](one)
            passed.push(one)
          })
        }
      })
    }
  })
}

function titleOf({ cell, provider, mode, ending }: FaultCase): string {
  const fault = ending === 'stopped' ? `${provider} provider, ${cell.name}` : `a ${provider} provider ${cell.name}`
  return `${mode}: ${fault}: ${endings[ending]}`
}

function assertAttempts({ cell }: FaultCase, record: RequestDetail, providers: readonly string[]): void {
  const attempts = record.attempt_list
  assert.deepEqual(
    attempts.map(({ provider }) => provider),
    providers,
  )
  const first = attempts[0]!.error?.class
  if (cell.class.length === 0) assert.equal(first, undefined)
  else
    assert.ok(
      cell.class.some((kind) => kind === first),
      `${first} is none of ${cell.class.join(', ')}`,
    )
}

/** Without what differs between two requests: ids, times, and the model's name, which is the case's. */
function anonymous(body: string): string {
  return body
    .replaceAll(/"(?:id|responseId|item_id|requestId|request_id)":\s*"[^"]*"/g, '"id"')
    .replaceAll(/"(?:created|created_at|completed_at)":\s*\d+/g, '"created"')
    .replaceAll(/"createTime":\s*"[^"]*"/g, '"created"')
    .replaceAll(/case-\d+|control/g, 'model')
}

function errorOf(client: ClientWire, heard: Heard): JsonObject {
  const body = JSON.parse(heard.body) as { type?: string; error: JsonObject }
  if (client === 'anthropic-messages') assert.equal(body.type, 'error')
  return body.error
}
