// Each recorded or reported error of a provider, given to a client of each wire: classified, in that wire's shape, and discreet.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fold, type ClientWire, type Dialect, type Wire } from '#ir'
import { Failure, isObject, type FailureKind, type JsonObject, type JsonValue } from '#kernel'
import { readCorpus, readJsonLines, skipWithoutCorpus } from '#test/corpus.ts'
import { eventsOfStream, readRefused, wireOfApi } from '#test/pairs.ts'
import { clientWires, providerCodecOf, wires, type IngressCodec } from '#wires'

const skip = skipWithoutCorpus

type Said = {
  readonly what: string
  readonly api: string
  readonly wire: Wire
  readonly dialect: Dialect
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

type Recorded = { id: string; api: string; status: number; resp_headers: Record<string, string>; body: string }
type Reported = {
  provider: string
  status?: number
  headers?: Record<string, string>
  body?: JsonObject
  body_file?: string
  expect?: string
}

const wireOfProvider = new Map<string, Wire>([
  ['openai', 'openai-chat'],
  ['anthropic', 'anthropic-messages'],
  ['google', 'gemini'],
])

/** Refusals of the exchanges, those of the list of errors that are not among them, and what was reported from the field. */
function saidErrors(): Said[] {
  const said = new Map<string, Said>()
  for (const { exchange, wire, dialect } of readRefused()) {
    const { status, headers, body } = exchange.resp
    said.set(exchange.id, { what: exchange.id, api: exchange.api, wire, dialect, status, headers, body })
  }
  for (const { id, api, status, resp_headers: headers, body } of readJsonLines<Recorded>('sse', 'recorded-errors.jsonl')) {
    const wire = wireOfApi.get(api)
    if (wire !== undefined && /^\s*\{/.test(body)) said.set(id, { what: id, api, wire, dialect: {}, status, headers, body })
  }
  const reported = JSON.parse(readCorpus('sse', 'field-reported-errors.json').toString('utf8')) as Reported[]
  for (const { provider, status, headers = {}, body, body_file: file } of reported) {
    const wire = wireOfProvider.get(provider)
    if (wire === undefined || status === undefined) continue
    const text = file === undefined ? JSON.stringify(body) : readCorpus('sse', ...file.split('/')).toString('utf8')
    said.set(`${provider} ${status}`, { what: `${provider} ${status}`, api: 'reported', wire, dialect: {}, status, headers, body: text })
  }
  return [...said.values()].filter(({ wire }) => wires.has(wire))
}

/** What the providers' documentation says these answers mean. */
function meaningOf({ status, body }: Said): FailureKind {
  if (status === 401 || status === 403) return 'credential_rejected'
  // OpenAI's Responses and Bedrock say 400 for a model that isn't there.
  if (status === 404 || /"model_not_found"|model identifier is invalid/.test(body)) return 'target_not_found'
  if (status === 429) return 'rate_limited'
  if (status === 503 || status === 529) return 'overloaded'
  return 'request_refused'
}

const failureOf = ({ wire, status, headers, body }: Said) => {
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  return providerCodecOf(wire).egress.decodeError(status, lower, body)
}

/** The provider's own sentence, by any of the names that it has there. */
function sentenceIn(body: string): string {
  const value = JSON.parse(body) as JsonObject
  const error = value['error'] ?? value
  return String(isObject(error) ? (error['message'] ?? error['Message']) : error)
}

test('every recorded and reported error of a provider has the kind that its documentation gives it', { skip }, () => {
  const all = saidErrors()
  const wrong = all.filter((said) => failureOf(said).kind !== meaningOf(said))
  assert.deepEqual(
    wrong.map((said) => `${said.what}: ${failureOf(said).kind}, not ${meaningOf(said)}`),
    [],
  )
  assert.ok(all.length >= 27, `${all.length} errors`)
})

test('a provider that says when to come back is believed, to the millisecond', { skip }, () => {
  for (const said of saidErrors()) {
    const waitMs = new Map([
      ['openai 429', 6],
      ['google 429', 34_400],
    ]).get(said.what)
    if (waitMs === undefined) continue
    const given = failureOf(said).details.retryAfterMs!
    assert.ok(given >= waitMs && given < waitMs + 100, `${said.what}: ${given} ms`)
  }
})

test('what the provider blames on the request is told to the client; the operator’s account is not', { skip }, () => {
  for (const said of saidErrors()) {
    const failure = failureOf(said)
    for (const { wire, ingress } of clientWires.values()) {
      const text = JSON.stringify(ingress.encodeError(failure, 'req_1'))
      const sentence = JSON.stringify(sentenceIn(said.body)).slice(1, -1)
      if (failure.fault === 'client') {
        assert.ok(text.includes(sentence), `${wire}, ${said.what}: ${text}`)
        assert.equal(failure.status, said.status)
      } else {
        assert.ok(!text.includes(sentence), `${wire}, ${said.what}: ${text}`)
        assert.doesNotMatch(text, /sk-|bad-key|organization|billing|console|platform\.openai/i)
      }
    }
  }
})

// Shapes, as each API documents its errors.

type Shape = (body: JsonObject, failure: Failure) => void

const text = (value: JsonValue | undefined) => assert.ok(typeof value === 'string' && value !== '')
const openaiShape: Shape = ({ error }) => {
  assert.ok(isObject(error))
  text(error['message'])
  text(error['type'])
  assert.ok(error['param'] === null || typeof error['param'] === 'string')
  assert.ok(error['code'] === null || typeof error['code'] === 'string')
}
const anthropicTypes = [
  'invalid_request_error',
  'authentication_error',
  'billing_error',
  'permission_error',
  'not_found_error',
  'request_too_large',
  'rate_limit_error',
  'timeout_error',
  'api_error',
  'overloaded_error',
]
const googleStatus = [
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
]
const shapes: Readonly<Record<ClientWire, Shape>> = {
  'openai-chat': openaiShape,
  'openai-responses': openaiShape,
  'anthropic-messages': (body) => {
    assert.equal(body['type'], 'error')
    assert.ok(isObject(body['error']))
    text(body['error']['message'])
    assert.ok(anthropicTypes.includes(String(body['error']['type'])))
    text(body['request_id'])
  },
  gemini: ({ error }, failure) => {
    assert.ok(isObject(error))
    assert.equal(error['code'], failure.status)
    text(error['message'])
    assert.ok(googleStatus.includes(String(error['status'])))
    assert.ok(error['details'] === undefined || Array.isArray(error['details']))
  },
}

/** One of each kind that a client may be told, with everything it can carry. */
const kinds: readonly Failure[] = [
  new Failure('invalid_request', 'temperature: must be a number.', { param: 'temperature' }),
  new Failure('context_length_exceeded', "This model's maximum context length is 10 tokens. However, your messages resulted in 12 tokens."),
  new Failure('invalid_api_key', 'No key was sent.'),
  new Failure('forbidden', 'The key may not do this.'),
  new Failure('model_not_found', 'Nothing serves the model "x".', { param: 'model' }),
  new Failure('timeout', 'No first token in time.'),
  new Failure('request_too_large', 'The body is too large.'),
  new Failure('internal_error', 'A defect.'),
  new Failure('draining', 'The gateway is stopping.'),
  new Failure('all_targets_failed', 'Every target failed.', { status: 429, attempts: [{ target: 'a', class: 'rate_limited' }] }),
  new Failure('interrupted', 'The provider failed after part of the answer had been sent.'),
]

for (const { wire, ingress } of clientWires.values()) {
  test(`${wire}: every error has the shape that the API documents`, { skip }, () => {
    const all = [...kinds, ...saidErrors().map(failureOf)]
    for (const failure of all) shapes[wire](ingress.encodeError(failure, 'req_1'), failure)
    assert.equal(failuresOfStreams(wire, ingress, all), all.length)
  })

  test(`${wire}: a client that reads our own errors as a provider’s finds the same fault`, () => {
    const { egress } = providerCodecOf(wire)
    const read = (failure: Failure) => egress.decodeError(failure.status, {}, JSON.stringify(ingress.encodeError(failure, 'req_1')))
    assert.equal(read(kinds[0]!).kind, 'request_refused')
    assert.equal(read(kinds[1]!).kind, 'context_length_exceeded')
    assert.equal(read(kinds[2]!).kind, 'credential_rejected')
    assert.equal(read(kinds[4]!).kind, 'target_not_found')
    assert.equal(read(kinds[8]!).kind, 'overloaded')
    assert.equal(read(kinds[9]!).kind, 'rate_limited')
  })
}

/** How many of the failures, each told after the head of a stream, a client of the wire sees as an error. */
function failuresOfStreams(wire: ClientWire, ingress: IngressCodec, failures: readonly Failure[]): number {
  const context = { requestId: 'req_1', model: 'm', createdSeconds: 1_700_000_000, streamUsage: true }
  return failures.filter((failure) => {
    const encoder = ingress.createStreamEncoder(context)
    const begun =
      encoder.push({ type: 'start', id: 'a', model: 'm' }) +
      encoder.push({ type: 'part-start', index: 0, part: { type: 'text' } }) +
      encoder.push({ type: 'part-delta', index: 0, text: 'Hel' })
    assert.throws(() => fold(eventsOfStream(wire, begun + encoder.push({ type: 'error', error: failure }))), Failure)
    assert.throws(() => fold(eventsOfStream(wire, begun + ingress.encodeStreamError(failure, 'req_1'))), Failure)
    return true
  }).length
}
