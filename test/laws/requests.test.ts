// Laws of every provider wire's encoder, over arbitrary requests: it writes JSON, loses nothing silently, and throws nothing but named faults.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { AssistantPart, Note, Request, ToolCallPart, UserPart, Wire } from '#ir'
import { Failure, isObject, type JsonObject, type JsonValue } from '#kernel'
import { anyRequest } from '#test/arbitrary-requests.ts'
import { skipWithoutCorpus } from '#test/corpus.ts'
import { targetOf } from '#test/pairs.ts'
import { wires, type ProviderCodec } from '#wires'
import { requestCheck, type Complaint } from '../conformance/published-specs.ts'
import { modelsOf } from '../conformance/translations.ts'

const requestAndModel = (codec: ProviderCodec) => fc.tuple(anyRequest, fc.constantFrom(...modelsOf[codec.wire]))

/** What the encoder makes of it; undefined when it says which field is in the way. */
function encode(codec: ProviderCodec, request: Request, model: string): { body: JsonObject; notes: readonly Note[] } | undefined {
  try {
    return codec.egress.encodeRequest(request, targetOf(codec.wire, model))
  } catch (error) {
    assert.ok(error instanceof Failure && error.fault === 'client', error instanceof Error ? error.stack : String(error))
    assert.ok(error.details.param !== undefined, `it names no field: ${error.message}`)
    return undefined
  }
}

for (const codec of wires.values()) {
  test(`${codec.wire}: any request is written as JSON, or refused with the field that is in the way`, () => {
    fc.assert(
      fc.property(requestAndModel(codec), ([request, model]) => {
        const before = JSON.stringify(request)
        const encoded = encode(codec, request, model)
        assert.equal(JSON.stringify(request), before, 'the request was changed')
        if (encoded !== undefined) assert.deepEqual(JSON.parse(JSON.stringify(encoded.body)), encoded.body)
      }),
      { numRuns: 300 },
    )
  })

  test(`${codec.wire}: every note is about something that is in the request, and has a reason`, () => {
    fc.assert(
      fc.property(requestAndModel(codec), ([request, model]) => {
        for (const { path, why } of encode(codec, request, model)?.notes ?? []) {
          assert.ok(isIn(request, path), `${path}: ${why}`)
          assert.ok(why.length > 5)
        }
      }),
      { numRuns: 300 },
    )
  })

  test(`${codec.wire}: every word, picture, call and result of a request arrives, or a note says that it didn't`, () => {
    fc.assert(
      fc.property(requestAndModel(codec), ([request, model]) => {
        const encoded = encode(codec, request, model)
        if (encoded === undefined) return
        const written = strings(encoded.body)
        const noted = encoded.notes.map(({ path }) => path)
        for (const [path, content] of contents(request, codec.wire)) {
          const said = noted.some(
            (note) => path === note || path.startsWith(`${note}.`) || path.startsWith(`${note}[`) || note.startsWith(`${path}.`),
          )
          const uncallable = path.startsWith('tools') && noted.includes('toolChoice')
          assert.ok(
            said || uncallable || (content !== undefined && written.has(content)),
            `${path} is lost without a note: ${JSON.stringify(content)}`,
          )
        }
      }),
      { numRuns: 300 },
    )
  })

  test(`${codec.wire}: any request, translated, is valid by the published spec`, { skip: skipWithoutCorpus }, () => {
    const check = requestCheck(codec.wire)
    fc.assert(
      fc.property(requestAndModel(codec), ([request, model]) => {
        const encoded = encode(codec, withoutOwn(request, codec.wire), model)
        if (encoded === undefined) return
        const complaints = check(JSON.parse(JSON.stringify(encoded.body)) as JsonObject)
        assert.equal(complaints.length, 0, `${deepest(complaints)} in ${JSON.stringify(encoded.body)}`)
      }),
      { numRuns: 300 },
    )
  })
}

/**
 * Without what a client of the wire wrote in the wire's own words: it goes as it came, right or wrong. OpenAI itself takes no video and two
 * kinds of sound, compatible providers more: an error there is no loss.
 */
function withoutOwn(request: Request, wire: Wire): Request {
  const isOwn = (value: JsonObject) => (value['type'] === 'opaque' || value['type'] === 'hosted') && value['wire'] === wire
  const isCompatible = (value: JsonObject) => wire === 'openai-chat' && (value['kind'] === 'video' || value['kind'] === 'audio')
  return JSON.parse(JSON.stringify(request), (key, value: unknown): unknown => {
    if (Array.isArray(value))
      return value.filter((each) => !isObject(each) || (!isOwn(each) && !isCompatible(each) && each['type'] !== 'custom'))
    if (key === 'ext' && isObject(value)) return Object.fromEntries(Object.entries(value).filter(([name]) => name !== wire))
    return value
  }) as Request
}

/** The complaints that go deepest: those of alternatives that weren't meant end sooner. */
function deepest(complaints: readonly Complaint[]): string {
  const depth = Math.max(...complaints.map(({ path }) => path.split('/').length))
  return complaints
    .filter(({ path }) => path.split('/').length === depth)
    .map(({ path, message }) => `${path} ${message}`)
    .slice(0, 3)
    .join('; ')
}

/** Whether a path like `tools[2].strict` leads somewhere in the request. Its last field may be what is missing there. */
function isIn(request: Request, path: string): boolean {
  let at: unknown = request
  for (const [, name, index] of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    if (index !== undefined) {
      if (!Array.isArray(at) || Number(index) >= at.length) return false
      at = at[Number(index)] as unknown
    } else {
      if (typeof at !== 'object' || at === null || Array.isArray(at)) return false
      at = Object.hasOwn(at, name!) ? (at as Readonly<Record<string, unknown>>)[name!] : undefined
    }
  }
  return path !== ''
}

/** The strings of a body, those inside strings of JSON too: arguments and results travel as text. */
class Written {
  readonly #whole = new Set<string>()
  readonly #long: string[] = []

  add(text: string): void {
    if (this.#whole.has(text)) return
    this.#whole.add(text)
    this.#long.push(text)
    try {
      const inner: unknown = JSON.parse(text)
      if (typeof inner === 'object' && inner !== null) addStrings(inner as JsonValue, this)
    } catch {
      // Not JSON.
    }
  }

  /** As a string of its own, or within one: texts are joined, data URLs hold bytes. */
  has(text: string): boolean {
    return this.#whole.has(text) || this.#long.some((each) => each.includes(text))
  }
}

function strings(body: JsonObject): Written {
  const written = new Written()
  addStrings(body, written)
  return written
}

function addStrings(value: JsonValue, to: Written): void {
  if (typeof value === 'string') to.add(value)
  else if (Array.isArray(value)) for (const each of value) addStrings(each, to)
  else if (isObject(value)) for (const each of Object.values(value)) addStrings(each, to)
}

/** What must not get lost, by its path: texts, bytes, addresses and names; without a content, what cannot arrive. Blank text is nothing to anybody. */
function* contents(request: Request, wire: Wire): Generator<[path: string, content: string | undefined]> {
  for (const [i, turn] of request.turns.entries()) {
    for (const [j, part] of (turn.parts as readonly (UserPart | AssistantPart)[]).entries())
      yield* ofPart(part, `turns[${i}].parts[${j}]`, wire)
  }
  for (const [i, tool] of (request.tools ?? []).entries()) {
    if (tool.type === 'function') yield [`tools[${i}].name`, tool.name]
    else if (tool.type === 'hosted' && tool.wire !== wire) yield [`tools[${i}]`, undefined]
  }
}

function* ofPart(part: UserPart | AssistantPart, path: string, wire: Wire): Generator<[string, string | undefined]> {
  switch (part.type) {
    case 'text':
    case 'refusal':
      if (part.text.trim() !== '') yield [path, part.text]
      return
    case 'media':
      if (part.source.type !== 'base64') yield [path, part.source.type === 'url' ? part.source.url : part.source.id]
      // A text file may be told as the text that it is.
      else if (!part.source.mediaType.startsWith('text/')) yield [path, part.source.data]
      return
    case 'tool-call':
      yield* ofCall(part, path)
      return
    case 'tool-result':
      for (const [i, output] of part.output.entries()) yield* ofPart(output, `${path}.output[${i}]`, wire)
      return
    case 'opaque':
      if (part.wire !== wire) yield [path, undefined]
      return
    case 'reasoning':
      // Nobody can open this seal; what else arrives, the encoders' own tests say.
      if (part.seal?.domain === 'nobody') yield [path, undefined]
      return
    default:
      part satisfies never
  }
}

function* ofCall(call: ToolCallPart, path: string): Generator<[string, string]> {
  if (call.ranBy === 'client') yield [path, call.name]
}
