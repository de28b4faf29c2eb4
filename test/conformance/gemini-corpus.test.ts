// Every recorded exchange of Google's generateContent: its answer says what the canon says, its request survives reading and writing.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { createGrammar, fold, type Response, type StreamEvent } from '#ir'
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import { corpusPath, readCorpus, skipWithoutCorpus } from '#test/corpus.ts'
import {
  eventsOfExchange,
  eventsOfStream,
  readAnswered,
  readRefused,
  recordedRequest,
  reduce,
  reduceCanon,
  throughResponse,
  throughStream,
  translate,
  type Recorded,
} from '#test/pairs.ts'
import { codecOf } from '#wires'
import { discoveryCheck } from './published-specs.ts'

const wire = 'gemini'
const skip = skipWithoutCorpus
const { ingress, egress, passThrough } = codecOf(wire)
const recorded = () => readAnswered().filter((each) => each.wire === wire)

/** The chunks of a streamed answer, as JSON texts: server-sent events, or the array that Google writes without `alt=sse`. */
function chunksOf({ exchange: { resp } }: Recorded): string[] {
  if (resp.kind === 'sse') return [...resp.body.matchAll(/^data: (.*?)\r?$/gm)].map((found) => found[1]!)
  const body = JSON.parse(resp.body) as JsonValue
  return Array.isArray(body) ? body.map((chunk) => JSON.stringify(chunk)) : []
}

const streams = () => recorded().filter((each) => chunksOf(each).length > 0)
/** As Google writes them. */
const written = (chunks: readonly string[]) => chunks.map((chunk) => `data: ${chunk}\r\n\r\n`).join('')

function assertGrammatical(events: readonly StreamEvent[], what: string): void {
  const grammar = createGrammar()
  for (const event of events) assert.equal(grammar.check(event), undefined, what)
  assert.ok(grammar.finished(), what)
}

test('every recorded answer decodes to the canon: text, thoughts, calls, finish and usage', { skip }, () => {
  const all = recorded()
  assert.equal(all.length, 101)
  for (const each of all) {
    const ours = reduce(fold(eventsOfExchange(each)))
    assert.deepEqual(ours, reduceCanon(each.canon, ours), each.exchange.id)
  }
})

test('no call of an answer shares its id with another one', { skip }, () => {
  const ids = recorded().flatMap((each) => reduce(fold(eventsOfExchange(each))).toolCalls.map(({ id }) => id))
  assert.ok(ids.length > 30, `${ids.length} calls`)
  assert.ok(ids.every((id) => /^[a-zA-Z0-9_-]{3,64}$/.test(id)))
  // The same answer may be in the corpus twice, recorded by two libraries.
  assert.ok(new Set(ids).size > ids.length * 0.9, `${new Set(ids).size} of ${ids.length}`)
})

test('every recorded stream is grammatical, and says the same byte by byte', { skip }, () => {
  const all = streams()
  assert.equal(all.length, 31)
  for (const each of all) {
    const bytes = written(chunksOf(each))
    const events = eventsOfStream(wire, bytes)
    assertGrammatical(events, each.exchange.id)
    assert.deepEqual(eventsOfStream(wire, bytes, {}, 1), events, each.exchange.id)
  }
})

test('a recorded stream that is cut anywhere before its finish reason is an error, never a clean stop', { skip }, () => {
  for (const each of streams()) {
    const chunks = chunksOf(each)
    const end = chunks.findIndex((chunk) => chunk.includes('"finishReason"'))
    assert.ok(end >= 0)
    for (const cut of new Set([0, 1, Math.floor(end / 2), end])) {
      const events = eventsOfStream(wire, written(chunks.slice(0, Math.min(cut, end))))
      assert.equal(events.at(-1)?.type, 'error', `${each.exchange.id} cut before chunk ${cut}`)
      assertGrammatical(events, each.exchange.id)
    }
  }
})

test('what the watcher of the pass-through lane learns is what the decoder reads', { skip }, () => {
  for (const each of streams()) {
    const watch = passThrough.createWatch({})
    const seen: Record<string, unknown> = {}
    let begun = false
    for (const data of chunksOf(each)) {
      // As the lane does: once the answer has begun, only frames with a marker are read.
      if (begun && !passThrough.markers.some((marker) => data.includes(marker))) continue
      const watched = watch.frame({ data })
      if (watched.content === true) begun = true
      Object.assign(seen, watched)
    }
    const { id, model, usage, finish } = fold(eventsOfStream(wire, written(chunksOf(each))))
    assert.deepEqual([seen['id'], seen['model'], seen['usage']], [id, model, usage], each.exchange.id)
    assert.deepEqual((seen['finish'] as typeof finish).reason, finish.reason, each.exchange.id)
    assert.equal(seen['content'], true)
  }
})

test('what is read of a whole answer that passes is what the decoder reads', { skip }, () => {
  for (const { exchange } of recorded()) {
    if (exchange.resp.kind !== 'json' || exchange.resp.body.trimStart().startsWith('[')) continue
    const body = JSON.parse(exchange.resp.body) as JsonObject
    const fields = Object.fromEntries(passThrough.responseFields.flatMap((name) => (name in body ? [[name, body[name]!]] : [])))
    const watched = passThrough.readResponse(fields, {})
    const response = egress.decodeResponse(body, {})
    assert.deepEqual([watched.id, watched.model, watched.usage], [response.id, response.model, response.usage], exchange.id)
    const finish = passThrough.finishIn!(Buffer.from(exchange.resp.body))
    // Enums as numbers are only for a client that asks for them; calls are not looked at.
    if (typeof (body['candidates'] as JsonObject[])[0]!['finishReason'] === 'string') assert.equal(finish?.raw, response.finish.raw)
  }
})

test('every recorded request, read and written to its own wire, means the same', { skip }, () => {
  let compared = 0
  const different: string[] = []
  for (const each of recorded()) {
    const asked = recordedRequest(each)
    if (asked === undefined) continue
    compared++
    const again = translate(asked.body, wire, wire, asked.model, asked.path)
    try {
      assert.deepEqual(meaningOf(again.body), meaningOf(asked.body))
      assert.deepEqual(again.notes, [])
    } catch (error) {
      different.push(`${each.exchange.id}: ${(error as Error).message}`)
    }
  }
  assert.ok(compared > 90, `${compared} requests`)
  assert.deepEqual(different, [])
})

test('every recorded request is accepted by the published schema once it is written again', { skip }, () => {
  const check = discoveryCheck('GenerateContentRequest')
  let checked = 0
  for (const each of recorded()) {
    const asked = recordedRequest(each)
    if (asked === undefined) continue
    const { body } = translate(asked.body, wire, wire, asked.model, asked.path)
    assert.deepEqual(check(JSON.parse(JSON.stringify(body)) as JsonObject), [], each.exchange.id)
    checked++
  }
  assert.ok(checked > 90)
})

test('every recorded refusal is the fault of the request or of its model', { skip }, () => {
  const refused = readRefused().filter((each) => each.wire === wire)
  assert.deepEqual(refused.map(({ exchange: { resp } }) => egress.decodeError(resp.status, {}, resp.body).kind).sort(), [
    'request_refused',
    'request_refused',
    'target_not_found',
  ])
})

test('answers of every wire, written for a Google client, are valid by the published schema', { skip }, () => {
  const check = discoveryCheck('GenerateContentResponse')
  const context = { requestId: 'r', model: 'm', createdSeconds: 1_700_000_000, streamUsage: true }
  let checked = 0
  for (const each of readAnswered()) {
    const events = eventsOfExchange(each)
    const bodies = [ingress.encodeResponse(fold(events), context, 0.5), ...streamed(events, context)]
    for (const body of bodies) {
      assert.deepEqual(check(published(JSON.parse(JSON.stringify(body)) as JsonObject)), [], each.exchange.id)
      checked++
    }
  }
  assert.ok(checked > 5_000, `${checked} bodies`)
})

function streamed(events: readonly StreamEvent[], context: Parameters<typeof ingress.createStreamEncoder>[0]): JsonObject[] {
  const encoder = ingress.createStreamEncoder(context)
  const text = events.map((event) => encoder.push(event)).join('')
  return [...text.matchAll(/^data: (.*)$/gm)].map((found) => JSON.parse(found[1]!) as JsonObject)
}

/** Without what Google's SDKs are known to leave aside: the cost, tokens written to a cache, and Vertex AI's own fields. */
function published(body: JsonObject): JsonObject {
  const { createTime: _created, usageMetadata: usage, ...rest } = body
  if (!isObject(usage)) return rest
  const { cost: _cost, cacheWriteTokenCount: _written, ...counts } = usage
  return { ...rest, usageMetadata: counts }
}

test('recorded chunks of newer models decode, arguments that come in pieces among them', { skip }, () => {
  const folder = corpusPath('vercel-ai-fixtures', 'google')
  assert.ok(folder !== undefined)
  const calls = new Map<string, unknown[]>()
  let read = 0
  for (const file of readdirSync(folder)) {
    if (!/\.(chunks\.txt|json)$/.test(file) || file.startsWith('google-429')) continue
    const text = readCorpus('vercel-ai-fixtures', 'google', file).toString('utf8')
    const chunks = file.endsWith('.json') ? [JSON.stringify(JSON.parse(text))] : text.split('\n').filter((line) => line.trim() !== '')
    const events = eventsOfStream(wire, written(chunks))
    assertGrammatical(events, file)
    const response = fold(events)
    assert.deepEqual(withoutUsage(throughStream(events, wire)), withoutUsage(response), file)
    assert.deepEqual(withoutUsage(throughResponse(events, wire)), withoutUsage(response), file)
    calls.set(
      file,
      response.parts.flatMap((part) => (part.type === 'tool-call' ? [[part.name, JSON.parse(part.args) as unknown]] : [])),
    )
    read++
  }
  assert.ok(read >= 14, `${read} fixtures`)
  assert.deepEqual(calls.get('google-stream-tool-call-arguments.chunks.txt'), [
    ['getWeather', { location: 'Boston' }],
    ['getWeather', { location: 'San Francisco' }],
  ])
  assert.deepEqual(calls.get('google-stream-no-args-tool-call.chunks.txt'), [
    ['read_theme', {}],
    ['read_screen', { id: 'A' }],
    ['read_screen', { id: 'B' }],
    ['read_screen', { id: 'C' }],
  ])
  const [[name, args]] = calls.get('google-stream-tool-call-array-arguments-missing-terminal-function-call.chunks.txt') as [
    [string, { operations: JsonObject[] }],
  ]
  assert.equal(name, 'writeItems')
  assert.deepEqual(args.operations[0], { action: 'add', description: 'Fresh red apple', itemid: 'apple_001', price: 0.5 })
  assert.ok(args.operations.length > 1)
})

/** Usage is compared elsewhere: the provider's own object has more than ours. */
function withoutUsage({ usage: _usage, ...rest }: Response): object {
  return rest
}

/**
 * One of the forms that mean the same on this wire: names are spelled like this, null and an empty text say nothing, base64 is of the
 * standard alphabet, Google's Schema is a JSON Schema (its types may be numbers), a role that is absent is the user's, instructions have
 * none, adjacent contents of a role are one, and calls without ids belong together by name.
 */
function meaningOf(body: JsonObject): JsonObject {
  const { contents, systemInstruction, tools, ...rest } = camel(body, new Set(['args', 'response', 'parameters', 'parametersJsonSchema']))
  const { generationConfig, safetySettings, toolConfig, ...others } = rest
  assert.deepEqual(Object.keys(others), [])
  return {
    contents: merged(contents as JsonObject[]),
    ...(isObject(systemInstruction) ? { system: systemInstruction['parts']! } : {}),
    ...(Array.isArray(tools) ? { tools: toolsOf(tools as JsonObject[]) } : {}),
    ...(isObject(generationConfig) && Object.keys(generationConfig).length > 0 ? { generationConfig: configOf(generationConfig) } : {}),
    ...(safetySettings === undefined ? {} : { safetySettings }),
    ...(toolConfig === undefined ? {} : { toolConfig }),
  }
}

function camel<T extends JsonValue>(value: T, verbatim: ReadonlySet<string>): T {
  if (Array.isArray(value)) return value.map((each) => camel(each, verbatim)) as T
  if (!isObject(value)) return value
  const entries = Object.entries(value).map(([key, member]): [string, JsonValue] => {
    const name = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    return [name, verbatim.has(name) ? member : camel(member, verbatim)]
  })
  return Object.fromEntries(entries.filter(([, member]) => member !== null)) as T
}

function merged(contents: readonly JsonObject[]): JsonObject[] {
  const all: { role: JsonValue; parts: JsonValue[] }[] = []
  for (const content of contents) {
    const role = content['role'] === 'model' ? 'model' : 'user'
    const parts = (content['parts'] as JsonObject[]).filter((part) => part['text'] !== '').map(partOf)
    const last = all.at(-1)
    if (last?.role === role) last.parts.push(...parts)
    else all.push({ role, parts })
  }
  return all
}

function partOf(part: JsonObject): JsonObject {
  const { functionCall: call, functionResponse: response, inlineData: blob, ...rest } = part
  const nameless = (value: JsonValue | undefined) => {
    if (!isObject(value)) return {}
    const { id: _id, ...named } = value
    return named
  }
  return {
    ...rest,
    ...(isObject(blob) ? { inlineData: { ...blob, data: String(blob['data']).replaceAll('-', '+').replaceAll('_', '/') } } : {}),
    ...(call === undefined ? {} : { functionCall: { args: {}, ...nameless(call) } }),
    ...(response === undefined ? {} : { functionResponse: nameless(response) }),
  }
}

function toolsOf(tools: readonly JsonObject[]): JsonValue[] {
  return tools.map(({ functionDeclarations: functions, ...hosted }) => ({
    ...hosted,
    ...(functions === undefined ? {} : { functions: (functions as JsonObject[]).map(functionOf) }),
  }))
}

function functionOf({ parameters, parametersJsonSchema, ...rest }: JsonObject): JsonObject {
  const schema = parametersJsonSchema ?? (parameters === undefined ? undefined : lower(parameters))
  return { ...rest, ...(schema === undefined ? {} : { schema }) }
}

function configOf({ responseSchema, responseJsonSchema, ...config }: JsonObject): JsonObject {
  const schema = responseJsonSchema ?? (responseSchema === undefined ? undefined : lower(responseSchema))
  return { ...config, ...(schema === undefined ? {} : { schema }) }
}

const types = ['', 'string', 'number', 'integer', 'boolean', 'array', 'object']

/** Google's types in lower case, without the order of properties. */
function lower(schema: JsonValue): JsonValue {
  if (Array.isArray(schema)) return schema.map(lower)
  if (!isObject(schema)) return schema
  return Object.fromEntries(
    Object.entries(schema).flatMap(([key, member]): [string, JsonValue][] => {
      if (key === 'propertyOrdering') return []
      if (key === 'type' && typeof member === 'number') return [[key, types[member]!]]
      return [[key, key === 'type' && typeof member === 'string' ? member.toLowerCase() : lower(member)]]
    }),
  )
}
