// Every recorded response, decoded, says what the corpus' canon says; what it is written as again says the same, and its requests keep their words.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { createGrammar, explode, fold, type Dialect, type Response, type StreamEvent } from '#ir'
import { Failure, isObject, type JsonObject } from '#kernel'
import { corpusPath, readCanon, readCorpus, readExchanges, skipWithoutCorpus, type Canon, type Exchange } from '#test/corpus.ts'
import { codecOf, createSseParser, type AnswerContext, type RawFrame } from '#wires'

const { ingress, egress, passThrough } = codecOf('openai-responses')
const skip = skipWithoutCorpus
const context: AnswerContext = { requestId: 'req_1', model: 'm', createdSeconds: 1_700_000_000, streamUsage: true }

const recorded = (): Exchange[] => [
  ...readExchanges((exchange) => exchange.api === 'responses' && exchange.resp.status === 200 && exchange.resp.kind !== 'base64'),
]
const streams = () => recorded().filter(({ resp }) => resp.kind === 'sse')

/** Fixtures that are no responses: a chat completion, errors, and a stream whose objects lack their ends. */
const otherFixtures = /deepseek|error\.|temperature-error|parallel-tool-call-wrapper\.1\.chunks/

/** Streams whose publishers left deltas out. */
const abridgedFixtures = /openai-phase|shell-container/

/** Responses of OpenAI, Azure, xAI, GitHub Copilot and LM Studio, as one body or one JSON event a line. */
function* fixtures(): Generator<{ name: string; whole?: JsonObject; stream?: string; dialect: Dialect }> {
  for (const folder of ['openai/responses', 'azure', 'xai/responses', 'open-responses/responses']) {
    for (const file of readdirSync(corpusPath('vercel-ai-fixtures', ...folder.split('/'))!).sort()) {
      if (otherFixtures.test(file)) continue
      const text = readCorpus('vercel-ai-fixtures', ...folder.split('/'), file).toString('utf8')
      const name = `${folder}/${file}`
      const dialect = folder.startsWith('xai') ? { hostedCustomCalls: true, sealDomain: 'xai' } : {}
      if (file.endsWith('.json')) yield { name, whole: JSON.parse(text) as JsonObject, dialect }
      else {
        const lines = text.split('\n').filter((line) => line.trim() !== '')
        yield { name, stream: lines.map((line) => `data: ${line}\n\n`).join(''), dialect }
      }
    }
  }
}

function framesOf(body: string, chunkBytes = 1_400): RawFrame[] {
  const bytes = Buffer.from(body)
  const parser = createSseParser()
  const frames: RawFrame[] = []
  for (let at = 0; at < bytes.length; at += chunkBytes) parser.push(bytes.subarray(at, at + chunkBytes), (frame) => frames.push(frame))
  parser.end((frame) => frames.push(frame))
  return frames
}

function eventsOf(body: string, chunkBytes = 1_400, dialect: Dialect = {}): StreamEvent[] {
  const decoder = egress.createStreamDecoder(dialect)
  const events = framesOf(body, chunkBytes).flatMap((frame) => (frame.data === undefined ? [] : decoder.push(frame)))
  return [...events, ...decoder.end()]
}

function answerOf({ resp }: Exchange): Response {
  return resp.kind === 'sse' ? fold(eventsOf(resp.body)) : egress.decodeResponse(JSON.parse(resp.body) as JsonObject, {})
}

/** The canon's words for ours. */
const finishWords = new Map([
  ['tool-calls', 'tool'],
  ['filtered', 'filter'],
])

function asCanon(response: Response) {
  const join = (type: string) => response.parts.map((part) => (part.type === type && 'text' in part ? part.text : '')).join('')
  const { usage } = response
  return {
    text: join('text'),
    reasoning: join('reasoning'),
    tool_calls: response.parts.flatMap((part) => (part.type === 'tool-call' ? [{ id: part.id, name: part.name, args: part.args }] : [])),
    finish: finishWords.get(response.finish.reason) ?? response.finish.reason,
    usage:
      usage === undefined
        ? {}
        : {
            in: usage.input.total,
            out: usage.output.total,
            cache_read: usage.input.cacheRead ?? 0,
            reasoning: usage.output.reasoning ?? 0,
          },
  }
}

function ofCanon({ text, reasoning, tool_calls, finish, usage }: Canon) {
  return {
    text: text ?? '',
    reasoning: reasoning ?? '',
    tool_calls: (tool_calls ?? []).map(({ id, name, args }) => ({ id, name, args })),
    finish,
    usage:
      usage === undefined || usage === null || Object.keys(usage).length === 0
        ? {}
        : { in: usage['in'], out: usage['out'], cache_read: usage['cache_read'] ?? 0, reasoning: usage['reasoning'] ?? 0 },
  }
}

test('every recorded response decodes to the canon: text, reasoning, tool calls, finish and usage', { skip }, () => {
  const canon = readCanon()
  let compared = 0
  for (const exchange of recorded()) {
    const truth = canon.get(exchange.id)
    assert.ok(truth, exchange.id)
    assert.deepEqual(asCanon(answerOf(exchange)), ofCanon(truth), exchange.id)
    compared++
  }
  assert.equal(compared, 199)
})

test('every recorded stream is grammatical, and says the same byte by byte', { skip }, () => {
  const all = [
    ...streams().map(({ id, resp }) => ({ name: id, stream: resp.body, dialect: {} })),
    ...[...fixtures()].flatMap(({ name, stream, dialect }) => (stream === undefined ? [] : [{ name, stream, dialect }])),
  ]
  assert.ok(all.length > 110, `${all.length} streams`)
  for (const [at, { name, stream, dialect }] of all.entries()) {
    const events = eventsOf(stream, 1_400, dialect)
    const grammar = createGrammar()
    for (const event of events) assert.equal(grammar.check(event), undefined, name)
    assert.equal(events.at(-1)?.type, 'finish', name)
    if (at % 10 === 0) assert.deepEqual(eventsOf(stream, 1, dialect), events, name)
  }
})

test('a recorded stream that is cut anywhere before its last event is an error, never a clean stop', { skip }, () => {
  for (const { id, resp } of streams()) {
    const last = Math.max(resp.body.lastIndexOf('event: response.'), resp.body.lastIndexOf('data: {'))
    for (const end of [last, Math.floor(last / 2)]) assert.equal(eventsOf(resp.body.slice(0, end)).at(-1)?.type, 'error', id)
  }
})

test('the event that ends a stream holds the answer that its events told', { skip }, () => {
  let compared = 0
  const check = (name: string, stream: string, dialect: Dialect) => {
    if (abridgedFixtures.test(name)) return
    const told = fold(eventsOf(stream, 1_400, dialect))
    const end = framesOf(stream).find((frame) => frame.data?.includes('"response.completed"'))
    if (end?.data === undefined) return
    const { response } = JSON.parse(end.data) as { response: JsonObject }
    if (!Array.isArray(response['output']) || response['output'].length === 0) return
    const whole = egress.decodeResponse(response, dialect)
    assert.deepEqual(asCanon(told), asCanon(whole), name)
    // In the order in which they ended, which is not always the order in which they began.
    const kinds = (answer: Response) => answer.parts.map((part) => (part.type === 'opaque' ? part.kind : part.type)).sort()
    assert.deepEqual(kinds(told), kinds(whole), name)
    compared++
  }
  for (const { id, resp } of streams()) check(id, resp.body, {})
  for (const { name, stream, dialect } of fixtures()) if (stream !== undefined) check(name, stream, dialect)
  assert.ok(compared > 100, `${compared} streams`)
})

/** An item without what is not its own: names and states that an encoder may choose. */
function bare(item: JsonObject): JsonObject {
  const { status: _status, ...rest } = item
  const kept = Object.entries(rest).filter(
    ([key, value]) => value !== null && !(key === 'content' && Array.isArray(value) && value.length === 0),
  )
  return Object.fromEntries(kept)
}

test('a whole response is written again item by item as it came: its ids, its hosted tools, its annotations', { skip }, () => {
  const bodies = [
    ...recorded().flatMap(({ id, resp }) =>
      resp.kind === 'json' ? [{ name: id, whole: JSON.parse(resp.body) as JsonObject, dialect: {} }] : [],
    ),
    ...[...fixtures()].flatMap(({ name, whole, dialect }) => (whole === undefined ? [] : [{ name, whole, dialect }])),
  ]
  let items = 0
  for (const { name, whole, dialect } of bodies) {
    const again = ingress.encodeResponse(egress.decodeResponse(whole, dialect), context, undefined)
    const [before, after] = [whole, again].map(({ output }) => (output as JsonObject[]).map((item) => bare(item)))
    for (const [at, item] of before!.entries()) {
      // Texts without annotations or probabilities get empty lists of them.
      if (item['type'] === 'message') {
        const contents = item['content'] as JsonObject[]
        item['content'] = contents.map((part) => (part['type'] === 'output_text' ? { annotations: [], logprobs: [], ...part } : part))
      }
      assert.deepEqual(after![at], item, name)
      items++
    }
    assert.equal(after!.length, before!.length, name)
    for (const field of ['id', 'status', 'previous_response_id', 'store'])
      assert.deepEqual(again[field], whole[field] ?? again[field], name)
  }
  assert.ok(items > 200, `${items} items`)
})

test('a stream that is written again says the same, with every event that its items need', { skip }, () => {
  for (const { id, resp } of streams()) {
    const events = eventsOf(resp.body)
    const encoder = ingress.createStreamEncoder(context)
    const written = events.map((event) => encoder.push(event)).join('')
    assert.deepEqual(asCanon(fold(eventsOf(written))), asCanon(fold(events)), id)
    const told = framesOf(written).map((frame) => JSON.parse(frame.data!) as JsonObject)
    assert.deepEqual(
      told.map((event) => event['sequence_number']),
      told.map((_, at) => at),
      id,
    )
    const kinds = (list: readonly JsonObject[]) => list.map((event) => String(event['type'])).filter((type) => !type.endsWith('.delta'))
    const original = framesOf(resp.body).flatMap((frame) =>
      frame.data === undefined || frame.data === '[DONE]' ? [] : [JSON.parse(frame.data) as JsonObject],
    )
    // OpenRouter leaves some events out; OpenAI's are all there, in its order.
    if (resp.body.includes('openrouter') || !resp.body.includes('event: ')) continue
    assert.deepEqual(kinds(told), kinds(original), id)
  }
})

test('what passes is watched: usage and finish are those of the decoded answer, and a cost changes nothing else', { skip }, () => {
  let watched = 0
  for (const { id, resp } of recorded()) {
    if (resp.kind === 'json') {
      const body = JSON.parse(resp.body) as JsonObject
      const { usage, finish } = egress.decodeResponse(body, {})
      const fields = Object.fromEntries(passThrough.responseFields.flatMap((name) => (name in body ? [[name, body[name]!]] : [])))
      const read = passThrough.readResponse(fields, {}, Buffer.from(resp.body))
      assert.deepEqual(read.usage, usage, id)
      assert.deepEqual(read.finish ?? passThrough.finishIn?.(Buffer.from(resp.body)), finish, id)
      continue
    }
    const { usage, finish } = fold(eventsOf(resp.body))
    const watch = passThrough.createWatch({})
    for (const frame of framesOf(resp.body)) {
      if (frame.data === undefined) continue
      const seen = watch.frame(frame)
      assert.equal(seen.error, undefined, id)
      if (seen.terminal !== true) continue
      assert.deepEqual([seen.usage, seen.finish], [usage, finish], id)
      const rewritten = watch.withCost(frame, 0.5)
      const [after] = framesOf(rewritten!)
      const event = JSON.parse(after!.data!) as { response: { usage: JsonObject } }
      assert.equal(event.response.usage['cost'], 0.5, id)
      const before = JSON.parse(frame.data) as { response: { usage: JsonObject } }
      if ('cost' in before.response.usage) before.response.usage['cost'] = 0.5
      else delete event.response.usage['cost']
      assert.deepEqual(event, before, id)
      watched++
    }
  }
  assert.equal(watched, streams().length)
})

function* requests(): Generator<{ name: string; body: JsonObject }> {
  for (const { id, req } of recorded())
    if (req.body_text !== null && req.body_text !== '') yield { name: id, body: JSON.parse(req.body_text) as JsonObject }
  for (const file of ['08-openai-responses-first.json', '09-openai-responses-after-tool.json'])
    yield { name: file, body: (JSON.parse(readCorpus('openclaw', file).toString('utf8')) as { body: JsonObject }).body }
}

test('every recorded request decodes, and its translation back keeps what it said', { skip }, () => {
  let decoded = 0
  let refused = 0
  const target = {
    dialect: { cacheControl: true, reasoningField: 'reasoning_content' as const },
    sealDomain: 'openai',
    defaultMaxOutputTokens: 4_096,
  }
  for (const { name, body } of requests()) {
    const stateful = ['previous_response_id', 'prompt', 'conversation'].find(
      (field) => isObject(body[field]) || typeof body[field] === 'string',
    )
    const references = Array.isArray(body['input']) && body['input'].some((item) => isObject(item) && item['type'] === 'item_reference')
    if (stateful !== undefined || references) {
      const said = (error: unknown) =>
        error instanceof Failure && error.kind === 'invalid_request' && (error.details.param === stateful || references)
      assert.throws(() => ingress.decodeRequest(body), said, name)
      refused++
      continue
    }
    const { request, notes } = ingress.decodeRequest(body)
    assert.deepEqual(notes, [])
    const encoded = egress.encodeRequest(request, { ...target, model: request.model })
    const lost = new Set(encoded.notes.map(({ path }) => path.split(/[.[]/)[0]!))
    const again = ingress.decodeRequest(JSON.parse(JSON.stringify(encoded.body)) as JsonObject).request
    for (const field of Object.keys(request) as (keyof typeof request)[])
      if (!lost.has(field)) assert.deepEqual(comparable(again[field]), comparable(request[field]), `${name} ${field}`)
    // Sampling of reasoning models, choices without tools, and calls of the history without an output.
    assert.deepEqual(
      [...lost].filter(
        (path) => !['temperature', 'topP', 'toolChoice', 'parallelToolCalls', 'reasoning', 'maxOutputTokens'].includes(path),
      ),
      [],
      `${name} ${JSON.stringify(encoded.notes)}`,
    )
    decoded++
  }
  assert.ok(decoded > 170, `${decoded} requests, ${refused} refused`)
  assert.ok(refused >= 10, `${refused} refused`)
})

/** A tool that doesn't say whether it is strict is told not to be. */
function comparable(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value ?? null, (key, each: unknown) => (key === 'strict' && each === false ? undefined : each)),
  ) as unknown
}

test('no published shape of an error in a stream looks like success', { skip }, () => {
  const shapes = JSON.parse(readCorpus('sse', 'midstream-error-shapes.json').toString()) as { api: string; sse?: string }[]
  const streamed = shapes.flatMap(({ api, sse }) => (api === 'responses' && sse !== undefined ? [sse] : []))
  const quota = readCorpus('vercel-ai-fixtures', 'openai', 'responses', 'openai-error.1.chunks.txt').toString('utf8')
  streamed.push(
    quota
      .split('\n')
      .map((line) => `data: ${line}\n\n`)
      .join(''),
  )
  for (const sse of streamed) {
    const last = eventsOf(sse, 10).at(-1)
    assert.equal(last?.type, 'error', sse)
    const watch = passThrough.createWatch({})
    assert.ok(framesOf(sse).some((frame) => frame.data !== undefined && watch.frame(frame).error !== undefined))
  }
  const [, exhausted] = streamed.map((sse) => eventsOf(sse).at(-1))
  assert.equal(exhausted?.type === 'error' ? exhausted.error.kind : undefined, 'account_exhausted')
})

test('an answer that came whole and is told as a stream has the same items', { skip }, () => {
  for (const { name, whole, dialect } of fixtures()) {
    if (whole === undefined) continue
    const response = egress.decodeResponse(whole, dialect)
    const encoder = ingress.createStreamEncoder(context)
    const written = explode(response)
      .map((event) => encoder.push(event))
      .join('')
    const last = JSON.parse(framesOf(written).at(-1)!.data!) as { response: { output: JsonObject[] } }
    const types = (output: readonly JsonObject[]) => output.map((item) => String(item['type'])).sort()
    assert.deepEqual(types(last.response.output), types(whole['output'] as JsonObject[]), name)
  }
})
