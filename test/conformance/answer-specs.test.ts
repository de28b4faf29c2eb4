// Our answers, whole and streamed, are such as the published spec of the client's wire describes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fold, type ClientWire } from '#ir'
import { Failure, type JsonObject } from '#kernel'
import { skipWithoutCorpus } from '#test/corpus.ts'
import { bodyBytes, eventsOfExchange, framesOf, readAnswered, recordedRequest, translate, type Recorded } from '#test/pairs.ts'
import { clientWires, codecOf, wires, type AnswerContext, type RawFrame } from '#wires'
import { answerChecks } from './answer-specs.ts'
import type { Check } from './published-specs.ts'
import { readRelaxations } from './relaxations.ts'

const skip = skipWithoutCorpus

const answered = () => readAnswered().filter(({ wire }) => wires.has(wire))

for (const client of clientWires.keys()) {
  test(`every answer to a client of ${client} is valid by the published spec, whole and streamed`, { skip }, () => {
    const checks = answerChecks(client)
    const wrong = new Map<string, string>()
    const counts = { whole: 0, event: 0 }
    for (const each of answered()) {
      for (const { kind, body } of ourAnswers(each, client)) {
        counts[kind]++
        for (const { path, message } of checks[kind](body)) {
          const key = `${String(body['type'] ?? kind)} ${path.replaceAll(/\/\d+/g, '/*')} ${message}`
          if (!wrong.has(key)) wrong.set(key, each.exchange.id)
        }
      }
    }
    assert.deepEqual([...wrong], [])
    assert.ok(counts.whole > 1_300 && counts.event > 15_000, `${counts.whole} answers, ${counts.event} events`)
  })
}

test('each relaxation is needed: by what the publisher itself was recorded to answer, or by what it documents elsewhere', { skip }, () => {
  const all = readRelaxations()
  const idle = all.filter((relaxation) => {
    const clients = [...clientWires.keys()].filter((client) => specsOf[client].includes(relaxation.spec))
    return !clients.some((client) => {
      const checks = answerChecks(
        client,
        all.filter((each) => each !== relaxation),
      )
      const mine = answered().filter(({ wire }) => wire === client)
      return (
        mine.some((each) => recordedAnswers(each).some(({ kind, body }) => isRefused(checks[kind], body))) ||
        answered().some((each) => ourAnswers(each, client).some(({ kind, body }) => isRefused(checks[kind], body)))
      )
    })
  })
  assert.deepEqual(idle, [])
  for (const { reason } of all) assert.ok(reason.length > 20)
})

const specsOf: Readonly<Record<ClientWire, readonly string[]>> = {
  'openai-chat': ['openai'],
  'openai-responses': ['openai', 'openresponses'],
  'anthropic-messages': [],
  gemini: ['gemini'],
}

const isRefused = (check: Check, body: JsonObject) => check(body).length > 0

type Answer = { readonly kind: 'whole' | 'event'; readonly body: JsonObject }

/** As it was recorded, from a provider of the client's own wire. */
function recordedAnswers({ exchange, wire, dialect }: Recorded): Answer[] {
  if (exchange.resp.kind === 'json') return [{ kind: 'whole', body: JSON.parse(exchange.resp.body) as JsonObject }]
  return eventsIn(framesOf(wire, bodyBytes(exchange), dialect))
}

/** As a client of the wire gets it: in one piece, and as a stream. */
function ourAnswers(each: Recorded, client: ClientWire): Answer[] {
  const context = contextOf(each, client)
  const said = eventsOfExchange(each)
  const { ingress } = codecOf(client)
  const encoder = ingress.createStreamEncoder(context)
  const stream = said.map((event) => encoder.push(event)).join('')
  const body = overTheWire(ingress.encodeResponse(fold(said), context, 0.25))
  return [{ kind: 'whole', body }, ...eventsIn(framesOf(client, Buffer.from(stream)))]
}

const eventsIn = (frames: readonly RawFrame[]): Answer[] =>
  frames.flatMap(({ data }) => (data === undefined || data === '[DONE]' ? [] : [{ kind: 'event', body: JSON.parse(data) as JsonObject }]))

const overTheWire = (body: JsonObject) => JSON.parse(JSON.stringify(body)) as JsonObject

/** With the client's own request: the recorded one, or what it would have been on this wire; some cannot be. */
function contextOf(each: Recorded, client: ClientWire): AnswerContext {
  const asked = recordedRequest(each)
  let body: JsonObject = {}
  try {
    if (asked !== undefined)
      body = asked.wire === client ? asked.body : translate(asked.body, asked.wire, client, asked.model, asked.path).body
  } catch (error) {
    assert.ok(error instanceof Failure && error.kind === 'invalid_request', each.exchange.id)
  }
  return { requestId: 'req_1', model: 'm', createdSeconds: 1_700_000_000, streamUsage: true, request: () => body }
}
