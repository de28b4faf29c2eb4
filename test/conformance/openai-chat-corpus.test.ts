// Every recorded chat exchange, decoded, says what the corpus' canon says.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGrammar, fold, type Dialect, type Response, type StreamEvent } from '#ir'
import { Failure, type JsonObject } from '#kernel'
import { readCanon, readCorpus, readExchanges, skipWithoutCorpus, type Canon, type Exchange } from '#test/corpus.ts'
import { codecOf, createSseParser } from '#wires'

const { ingress, egress } = codecOf('openai-chat')
const dialect: Dialect = {}

/** Exchanges whose answer differs from the canon, each with its reason. */
const exceptions: ReadonlyMap<string, string> = new Map()

const chats = (): Exchange[] => [...readExchanges((exchange) => exchange.api === 'chat')]
const has200 = (exchange: Exchange) => exchange.resp.status === 200 && (exchange.resp.kind === 'json' || exchange.resp.kind === 'sse')

function eventsOf(body: string, chunkBytes: number): StreamEvent[] {
  const bytes = Buffer.from(body)
  const parser = createSseParser()
  const decoder = egress.createStreamDecoder(dialect)
  const events: StreamEvent[] = []
  const onFrame = (frame: { event?: string; data: string | undefined }) => {
    if (frame.data !== undefined) events.push(...decoder.push({ ...frame, data: frame.data }))
  }
  for (let at = 0; at < bytes.length; at += chunkBytes) parser.push(bytes.subarray(at, at + chunkBytes), onFrame)
  parser.end(onFrame)
  return [...events, ...decoder.end()]
}

function answerOf(exchange: Exchange): Response {
  return exchange.resp.kind === 'sse'
    ? fold(eventsOf(exchange.resp.body, 1_400))
    : egress.decodeResponse(JSON.parse(exchange.resp.body) as JsonObject, dialect)
}

/** The canon's words for ours. It doesn't know where Together writes cached tokens, so none and 0 are the same here. */
const finishWords = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
  ['tool-calls', 'tool'],
  ['filtered', 'filter'],
])

function asCanon(response: Response) {
  const join = (type: string) => response.parts.map((part) => (part.type === type && 'text' in part ? part.text : '')).join('')
  const { usage } = response
  return {
    text: join('text'),
    reasoning: join('reasoning'),
    tool_calls: response.parts.flatMap((part) => (part.type === 'tool-call' ? [{ name: part.name, args: part.args }] : [])),
    finish: finishWords.get(response.finish.reason) ?? response.finish.reason,
    usage:
      usage === undefined
        ? {}
        : { in: usage.input.total, out: usage.output.total, cache_read: usage.input.cacheRead ?? 0, reasoning: usage.output.reasoning },
  }
}

function ofCanon(canon: Canon, ours: ReturnType<typeof asCanon>) {
  const usage = canon.usage ?? {}
  return {
    text: canon.text ?? '',
    reasoning: canon.reasoning ?? '',
    tool_calls: (canon.tool_calls ?? []).map(({ name, args }) => ({ name, args })),
    // Where the provider gave no reason the canon has none; ours says that the answer is whole.
    finish: canon.finish ?? ours.finish,
    usage:
      Object.keys(usage).length === 0
        ? {}
        : { in: usage['in'], out: usage['out'], cache_read: usage['cache_read'] ?? 0, reasoning: usage['reasoning'] },
  }
}

test('every recorded answer decodes to the canon: text, reasoning, tool calls, finish and usage', { skip: skipWithoutCorpus }, () => {
  const canon = readCanon()
  let compared = 0
  const different: string[] = []
  for (const exchange of chats().filter(has200)) {
    const truth = canon.get(exchange.id)
    if (truth === undefined) continue
    compared++
    const ours = asCanon(answerOf(exchange))
    try {
      assert.deepEqual(ours, ofCanon(truth, ours))
    } catch (error) {
      if (!exceptions.has(exchange.id)) different.push(`${exchange.id}: ${(error as Error).message}`)
    }
  }
  assert.ok(compared > 770, `${compared} exchanges compared`)
  assert.ok(exceptions.size / compared < 0.01)
  assert.deepEqual(different, [])
})

test('every recorded stream is grammatical, and says the same byte by byte', { skip: skipWithoutCorpus }, () => {
  const streams = chats().filter((exchange) => exchange.resp.kind === 'sse')
  assert.ok(streams.length > 190)
  for (const [at, { id, resp }] of streams.entries()) {
    const events = eventsOf(resp.body, 1_400)
    const grammar = createGrammar()
    for (const event of events) assert.equal(grammar.check(event), undefined, id)
    assert.equal(grammar.finished(), true, id)
    if (at % 10 === 0) assert.deepEqual(eventsOf(resp.body, 1), events, id)
  }
})

test('a recorded stream that is cut anywhere before its end is an error, never a clean stop', { skip: skipWithoutCorpus }, () => {
  for (const { id, resp } of chats().filter((exchange) => exchange.resp.kind === 'sse')) {
    const end = resp.body.search(/"finish_reason": ?"/)
    if (end === -1) continue
    const events = eventsOf(resp.body.slice(0, resp.body.lastIndexOf('data:', end)), 1_400)
    assert.equal(events.at(-1)?.type, 'error', id)
  }
})

test('every recorded request decodes, and its translation back keeps what it said', { skip: skipWithoutCorpus }, () => {
  let decoded = 0
  for (const exchange of chats()) {
    if (exchange.req.body_text === null || exchange.req.body_text === '') continue
    const body = JSON.parse(exchange.req.body_text) as JsonObject
    // OpenAI refused these two itself: no messages, no model.
    if (exchange.resp.status === 400 && Array.isArray(body['messages']) && body['messages'].length === 0) continue
    if (body['model'] === null || body['model'] === undefined) continue
    const { request } = ingress.decodeRequest(body)
    const target = {
      model: request.model,
      dialect: { developerRole: true, cacheControl: true, reasoningField: 'reasoning_content' as const },
      defaultMaxOutputTokens: 4_096,
    }
    const encoded = egress.encodeRequest(request, target)
    // What is noted is lost, and nothing else: here only a choice between tools that aren't there.
    const lost = new Set(encoded.notes.map((note) => note.path))
    assert.deepEqual(
      [...lost].filter((path) => path !== 'toolChoice'),
      [],
      exchange.id,
    )
    const { toolChoice, ...rest } = request
    const expected = lost.has('toolChoice') || toolChoice === undefined ? rest : { ...rest, toolChoice }
    assert.deepEqual(ingress.decodeRequest(encoded.body).request, expected, exchange.id)
    decoded++
  }
  assert.ok(decoded > 770, `${decoded} requests decoded`)
})

test('an error inside a recorded 200 is thrown as a failure', { skip: skipWithoutCorpus }, () => {
  const canon = readCanon()
  for (const exchange of chats().filter(has200)) {
    if (canon.has(exchange.id)) continue
    assert.throws(
      () => answerOf(exchange),
      (error) => error instanceof Failure,
      exchange.id,
    )
  }
})

test('no published shape of an error in a stream looks like success', { skip: skipWithoutCorpus }, () => {
  const shapes = JSON.parse(readCorpus('sse', 'midstream-error-shapes.json').toString()) as {
    api: string
    sse?: string
    json?: JsonObject
  }[]
  const chat = shapes.filter((shape) => shape.api === 'chat')
  assert.ok(chat.length >= 5)
  for (const { sse, json } of chat) {
    if (json !== undefined) assert.throws(() => egress.decodeResponse(json, dialect), Failure)
    else assert.equal(eventsOf(sse!, 10).at(-1)?.type, 'error', sse)
  }
})
