// What must be known of a body before it can be routed, read from where it lies: the prompt is not parsed.
import type { IncomingHttpHeaders } from 'node:http'
import {
  canPeekAt,
  createPeek,
  createSplicer,
  invalidRequest,
  isObject,
  readValue,
  type JsonObject,
  type JsonValue,
  type Peek,
  type Peeked,
  type BufferPool,
  type ByteRange,
  type Splicer,
} from '#kernel'
import {
  kindOf,
  ownProviderKey,
  sessionHeader,
  sessionOf,
  withOwnHeaders,
  type ConversationBytes,
  type CredentialHeaders,
  type LatestTurns,
} from '#policy'
import type { Wire } from '#ir'
import type { RequestKind } from '#store'
import type { PassThrough, RequestEdit, RequestShape, WireCodec } from '#wires'
import { createHistories, minHistoryBytes, type Histories, type Turn } from './histories.ts'
import type { Arrival } from './port.ts'
import { edited, rewrite } from './translation.ts'
import { largeBodyBytes } from './translator.ts'

/** How requests of one wire are looked at: small fields are read by value, the conversation is only located. */
export class RequestView {
  readonly smallFields: readonly string[]
  readonly turns: string
  readonly instructions: string | undefined
  /** Every name that is looked for. */
  readonly names: readonly string[]
  readonly peek: Peek
  readonly histories: Histories
  /** Bodies from here on are compared with earlier ones of their conversation. */
  readonly historyBytes: number
  /** Inputs to be embedded are none. */
  readonly isConversation: boolean
  readonly sharedResult: Peeked
  /** How often the shared result has been written. */
  peeks = 0

  constructor({ turns, instructions, fields }: RequestShape, buffers: BufferPool, isConversation = true) {
    this.smallFields = fields
    this.turns = turns
    this.instructions = instructions
    this.names = [...fields, turns, ...(instructions === undefined ? [] : [instructions])]
    this.peek = createPeek({ fields: this.names, lastElementOf: turns })
    this.sharedResult = this.peek.createResult()
    this.histories = createHistories(this.peek, buffers)
    this.isConversation = isConversation
    this.historyBytes = isConversation ? minHistoryBytes : Infinity
  }
}

/** What is looked at of an arrival. */
export type InspectedArrival = Pick<
  Arrival,
  'operation' | 'wire' | 'path' | 'endpoint' | 'headers' | 'key' | 'buffer' | 'bodyStart' | 'bodyEnd'
>

export type Inspected = {
  /** As the client wrote it, with the provider of `x-turnpike-provider` in front if that was sent. */
  readonly model: string
  readonly stream: boolean
  readonly asksForUsage: boolean
  readonly fields: JsonObject
  readonly session: string
  readonly kind: RequestKind
  readonly trace: string
  /** '' or a JSON object of strings. */
  readonly metadata: string
  readonly timeoutMs: number | undefined
  readonly storesBodies: boolean
  readonly strict: boolean
  /** A header of the gateway's own, or Portkey's, is there. */
  readonly hasOwnHeaders: boolean
  /** The client's own provider key, which came beside the gateway key. */
  readonly ownKey: string | undefined
  /** The slug of the routing config that the client wants, or a config as JSON text. */
  readonly config: string | undefined
  readonly body: InspectedBody
}

export interface InspectedBody {
  readonly fields: JsonObject
  readonly conversation: ConversationBytes
  /** The body with these edits applied; each call begins with the original again. */
  splice(edits: readonly RequestEdit[]): Buffer
  /** Those of the names that are top-level fields of the body. */
  present(names: readonly string[]): readonly string[]
  /** The value of a top-level field, read from where it lies; undefined: it is not there. */
  member(name: string): JsonValue | undefined
  /** The whole body, parsed. */
  document(): JsonObject
  /** Until another request is inspected. */
  latestTurns(): LatestTurns
  /** The bytes as they came. Edits are undone: a later splice begins with the original again. */
  original(): Buffer
  /** The original bytes again, for the histories; undefined when there is nothing to keep. Afterwards this body is not to be used. */
  retire(): Turn | undefined
}

/**
 * Throws `Failure('invalid_request')` that names the field or header. `doubtful`: the body must be parsed, and is large; `rewrite` it where
 * nobody waits, and come again with that.
 */
export function inspect(arrival: InspectedArrival, codec: WireCodec, view: RequestView): Inspected | 'doubtful'
export function inspect(arrival: InspectedArrival, codec: WireCodec, view: RequestView, rewritten: Buffer): Inspected
export function inspect(arrival: InspectedArrival, codec: WireCodec, view: RequestView, rewritten?: Buffer): Inspected | 'doubtful' {
  const { bodyStart, bodyEnd, headers } = arrival
  const own = withOwnHeaders(headers)
  const length = bodyEnd - bodyStart
  const seen = rewritten !== undefined ? 'doubtful' : length < view.historyBytes ? smallBody(arrival, view) : historyBody(arrival, view)
  if (seen === 'doubtful' && rewritten === undefined && length >= largeBodyBytes) return 'doubtful'
  const body = seen === 'doubtful' ? rewrittenBody(arrival, view, rewritten ?? rewrite(bytesOf(arrival), view.names)) : seen
  const { fields } = body
  const model = arrival.path?.model ?? fields['model']
  if (model === undefined || model === null)
    throw invalidRequest(
      'model',
      'The field "model" is missing. Name the model to ask, for example "openai/gpt-5-mini"; GET /v1/models lists them.',
    )
  if (typeof model !== 'string' || model === '') throw invalidRequest('model', 'The field "model" must be a non-empty string.')
  const stream = arrival.path?.stream ?? fields['stream'] ?? false
  if (typeof stream !== 'boolean') throw invalidRequest('stream', 'The field "stream" must be true or false.')
  if (view.isConversation) requireTurns(body, codec.wire, view.turns)
  else requireInput(body, view.turns)
  const provider = option(own, 'provider')?.replace(/^@/, '')
  const streamOptions = fields['stream_options']
  return {
    model: provider === undefined || model.startsWith(`@${provider}/`) ? model : `@${provider}/${model}`,
    stream,
    asksForUsage: codec.wire !== 'openai-chat' || (isObject(streamOptions) && streamOptions['include_usage'] === true),
    fields,
    session: view.isConversation ? sessionOf(headers, fields, body.conversation, own) : (sessionHeader(headers, own) ?? ''),
    kind: view.isConversation ? kindOf(fields, body.conversation, bodyEnd - bodyStart) : 'user',
    trace: traceOf(own, headers),
    metadata: metadataOf(own),
    timeoutMs: timeoutOf(own),
    storesBodies: option(own, 'debug') !== 'false',
    strict: option(own, 'strict') === 'true',
    hasOwnHeaders: own === headers,
    ownKey: own === headers ? ownProviderKey(headers) : undefined,
    config: option(own, 'config'),
    body,
  }
}

function smallBody(arrival: InspectedArrival, view: RequestView): InspectedBody | 'doubtful' {
  const peeked = view.peek.peek(arrival.buffer, arrival.bodyStart, arrival.bodyEnd, view.sharedResult)
  return peeked === 'doubtful' ? peeked : new PeekedBody(arrival, arrival, view, peeked, undefined)
}

function historyBody(arrival: InspectedArrival, view: RequestView): InspectedBody | 'doubtful' {
  const turn = view.histories.peek(arrival)
  return turn === 'doubtful' ? turn : new PeekedBody(arrival, arrival, view, turn.found, turn)
}

type BodyBytes = Pick<Arrival, 'buffer' | 'bodyStart' | 'bodyEnd'>

/** A body whose fields were found where they lie. */
class PeekedBody implements InspectedBody {
  readonly fields: JsonObject = {}
  readonly conversation: ConversationBytes
  /** What is looked at and spliced: as it came, or written anew. */
  readonly #bytes: BodyBytes
  readonly #sent: BodyBytes
  #splicer: Splicer | undefined
  readonly #view: RequestView
  readonly #turn: Turn | undefined
  /** Without a turn of its own, what was found is this body's only until another request is inspected. */
  readonly #peekedAs: number

  constructor(bytes: BodyBytes, sent: BodyBytes, view: RequestView, peeked: Peeked, turn: Turn | undefined) {
    this.#bytes = bytes
    this.#sent = sent
    this.#view = view
    this.#turn = turn
    this.#peekedAs = turn === undefined ? ++view.peeks : 0
    const { buffer } = bytes
    for (const name of view.smallFields) {
      const member = peeked.members[name]!
      if (member.start >= 0) this.fields[name] = readSmall(buffer, member.start, member.end)
    }
    const messages = peeked.members[view.turns]!
    const system = view.instructions === undefined ? nowhere : peeked.members[view.instructions]!
    const { first, last, count } = peeked.elements
    this.conversation = {
      body: buffer,
      messagesStart: messages.start,
      messagesEnd: messages.end,
      // Without elements (a string, an empty array) the opening is the whole.
      openingEnd: count > 3 ? first[2]!.end : count > 0 ? last.end : messages.end,
      systemStart: system.start,
      systemEnd: system.end,
    }
  }

  splice(edits: readonly RequestEdit[]): Buffer {
    const { buffer, bodyStart, bodyEnd } = this.#bytes
    this.#splicer?.restore()
    if (edits.length === 0) return buffer.subarray(bodyStart, bodyEnd)
    const view = this.#view
    const known = edits.every(({ field }) => view.names.includes(field))
    const found = known
      ? this.#found()
      : peekFields(
          edits.map(({ field }) => field),
          buffer,
          [bodyStart, bodyEnd],
        )
    // Doubtful here means that a field which only this target touches is there twice or in another spelling: the parser decides.
    if (found === 'doubtful') return Buffer.from(JSON.stringify(edited(this.document(), edits)))
    this.#splicer = createSplicer(buffer, bodyStart, bodyEnd, found)
    const spliced = this.#splicer.splice(
      edits.map(({ field, value }) => ({ field, json: value === undefined ? undefined : JSON.stringify(value) })),
    )
    return spliced.buffer.subarray(spliced.start, spliced.end)
  }

  #found(): Peeked {
    const view = this.#view
    if (this.#turn !== undefined) return this.#turn.found
    if (this.#peekedAs !== view.peeks) {
      view.peeks++
      view.peek.peek(this.#bytes.buffer, this.#bytes.bodyStart, this.#bytes.bodyEnd, view.sharedResult)
    }
    return view.sharedResult
  }

  present(names: readonly string[]): readonly string[] {
    const found = this.#peek(names)
    // Doubtful here means that one of them is there twice or in another spelling: the parser decides.
    if (found === 'doubtful') return namesIn(this.document(), names)
    return names.filter((name) => found.members[name]!.start >= 0)
  }

  member(name: string): JsonValue | undefined {
    if (this.#view.smallFields.includes(name)) return this.fields[name]
    const found = this.#peek([name])
    if (found === 'doubtful') return this.document()[name]
    const { start, end } = found.members[name]!
    return start < 0 ? undefined : readSmall(this.#bytes.buffer, start, end)
  }

  document(): JsonObject {
    this.#restore()
    const { buffer, bodyStart, bodyEnd } = this.#bytes
    return JSON.parse(buffer.toString('utf8', bodyStart, bodyEnd)) as JsonObject
  }

  latestTurns(): LatestTurns {
    this.#restore()
    const { count, fromEnd } = this.#found().elements
    return { buffer: this.#bytes.buffer, count, fromEnd }
  }

  original(): Buffer {
    this.#restore()
    return this.#sent.buffer.subarray(this.#sent.bodyStart, this.#sent.bodyEnd)
  }

  /** The original is whole again. */
  #restore(): void {
    this.#splicer?.restore()
    this.#splicer = undefined
  }

  #peek(names: readonly string[]): Peeked | 'doubtful' {
    this.#restore()
    const { buffer, bodyStart, bodyEnd } = this.#bytes
    return peekFields(names, buffer, [bodyStart, bodyEnd])
  }

  retire(): Turn | undefined {
    if (this.#turn !== undefined) this.#splicer?.restore()
    return this.#turn
  }
}

/** For lists of names that belong to a provider's dialect or to a config; such configs may be a client's, so they are bounded. */
const fieldsPeeks = new Map<string, Peek | undefined>()
const maxFieldsPeeks = 256

/** Doubtful, too, when a name is one that nobody can peek at. */
function peekFields(names: readonly string[], buffer: Buffer, [start, end]: readonly [number, number]): Peeked | 'doubtful' {
  const list = JSON.stringify(names)
  if (!fieldsPeeks.has(list)) {
    if (fieldsPeeks.size >= maxFieldsPeeks) fieldsPeeks.clear()
    fieldsPeeks.set(list, canPeekAt(names) ? createPeek({ fields: names }) : undefined)
  }
  return fieldsPeeks.get(list)?.peek(buffer, start, end) ?? 'doubtful'
}

function namesIn(document: JsonObject, names: readonly string[]): readonly string[] {
  return names.filter((name) => document[name] !== undefined)
}

function bytesOf({ buffer, bodyStart, bodyEnd }: BodyBytes): Buffer {
  return buffer.subarray(bodyStart, bodyEnd)
}

function rewrittenBody(arrival: InspectedArrival, view: RequestView, text: Buffer): InspectedBody {
  const bytes: BodyBytes = { buffer: text, bodyStart: 0, bodyEnd: text.length }
  const again = view.peek.peek(text, 0, text.length, view.sharedResult)
  return again === 'doubtful' ? parsedBody(arrival, view, text) : new PeekedBody(bytes, arrival, view, again, undefined)
}

/** What was written anew is never doubtful, but for keys that must be escaped or are another case of ours. */
function parsedBody(arrival: InspectedArrival, view: RequestView, text: Buffer): InspectedBody {
  const document = JSON.parse(text.toString('utf8')) as JsonObject
  const fields: JsonObject = {}
  for (const name of view.smallFields) if (document[name] !== undefined) fields[name] = document[name]
  return {
    fields,
    conversation: {
      body: text,
      messagesStart: document[view.turns] === undefined ? -1 : 0,
      messagesEnd: text.length,
      openingEnd: text.length,
      systemStart: -1,
      systemEnd: -1,
    },
    splice: (edits) => (edits.length === 0 ? text : Buffer.from(JSON.stringify(edited(document, edits)))),
    present: (names) => namesIn(document, names),
    member: (name) => (Object.hasOwn(document, name) ? document[name] : undefined),
    document: () => document,
    latestTurns: () => ({ buffer: text, count: -1, fromEnd: () => undefined }),
    original: () => arrival.buffer.subarray(arrival.bodyStart, arrival.bodyEnd),
    retire: () => undefined,
  }
}

/** A peeked value. Strings without escapes, the usual case, need no parser. */
function readSmall(buffer: Buffer, start: number, end: number): JsonValue {
  switch (buffer[start]) {
    case 0x74:
      return true
    case 0x66:
      return false
    case 0x6e:
      return null
    case 0x22: {
      const text = buffer.toString('utf8', start + 1, end - 1)
      return text.includes('\\') ? readValue(buffer, { start, end }) : text
    }
    case 0x7b:
    case 0x5b:
      return readValue(buffer, { start, end })
    default:
      return numberAt(buffer, start, end)
  }
}

/** Counts, the usual case, need no text. */
function numberAt(buffer: Buffer, start: number, end: number): number {
  let count = 0
  if (end - start <= maxDigits) {
    let i = start
    for (; i < end; i++) {
      const digit = buffer[i]! - 0x30
      if (digit < 0 || digit > 9) break
      count = count * 10 + digit
    }
    if (i === end) return count
  }
  return Number(buffer.toString('latin1', start, end))
}

/** No number of so many digits is rounded. */
const maxDigits = 15

const nowhere: ByteRange = { start: -1, end: -1 }

/** Wires whose requests may have no conversation of their own: they go on with one that the provider keeps. */
const turnsOptional: ReadonlySet<Wire> = new Set(['openai-responses'])
/** What a body of another endpoint has instead. */
const otherTurns = [
  { field: 'messages', endpoint: '/v1/chat/completions' },
  { field: 'input', endpoint: '/v1/responses' },
  { field: 'contents', endpoint: '/v1beta/models/{model}:generateContent' },
]

const otherFields = otherTurns.map(({ field }) => field)

function requireTurns(body: InspectedBody, wire: Wire, turns: string): void {
  if (body.conversation.messagesStart >= 0) return
  const there = body.present(otherFields)
  const other = otherTurns.find(({ field }) => there.includes(field) && field !== turns)
  if (turnsOptional.has(wire) && other === undefined) return
  throw invalidRequest(
    turns,
    `The field "${turns}" is missing${other === undefined ? '' : ` (this looks like a body for ${other.endpoint})`}. Send the conversation as an array.`,
  )
}

/** What is wrong at a glance; the elements are the provider's to judge, or the decoder's. */
function requireInput({ conversation: { body, messagesStart, messagesEnd } }: InspectedBody, field: string): void {
  if (messagesStart < 0) throw invalidRequest(field, `The field "${field}" is missing. Send a string, or an array of strings.`)
  const first = body[messagesStart]
  const isText = first === 0x22
  // At 0 the whole body stands for what could not be found in it.
  if (!isText && first !== 0x5b && messagesStart > 0)
    throw invalidRequest(field, `The field "${field}" must be a string, an array of strings, or arrays of token ids.`)
  if (first === 0x5b && /^\[\s*\]$/.test(body.toString('latin1', messagesStart, Math.min(messagesEnd, messagesStart + 64))))
    throw invalidRequest(field, `The field "${field}" is an empty array. Send at least one text.`)
}

// Headers.

const optionNames = {
  provider: ['x-turnpike-provider', 'x-portkey-provider'],
  config: ['x-turnpike-config', 'x-portkey-config'],
  debug: ['x-turnpike-debug', 'x-portkey-debug'],
  strict: ['x-turnpike-strict', 'x-portkey-strict'],
  'trace-id': ['x-turnpike-trace-id', 'x-portkey-trace-id'],
  metadata: ['x-turnpike-metadata', 'x-portkey-metadata'],
  'request-timeout': ['x-turnpike-request-timeout', 'x-portkey-request-timeout'],
} as const
type OptionName = keyof typeof optionNames

function option(own: CredentialHeaders, name: OptionName): string | undefined {
  const [ours, alias] = optionNames[name]
  const value = own[ours] ?? own[alias]
  return typeof value === 'string' && value !== '' ? value : undefined
}

function traceOf(own: CredentialHeaders, headers: IncomingHttpHeaders): string {
  const trace = option(own, 'trace-id')
  if (trace !== undefined) return trace.slice(0, 128)
  const parent = headers['traceparent']
  return typeof parent === 'string' ? (/^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/.exec(parent)?.[1] ?? '') : ''
}

const maxMetadataCharacters = 128

function metadataOf(own: CredentialHeaders): string {
  const text = option(own, 'metadata')
  if (text === undefined) return ''
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw invalidRequest(
      'x-turnpike-metadata',
      'The header x-turnpike-metadata is not JSON. Send an object of strings, for example {"team":"blue"}.',
    )
  }
  if (!isObject(value)) throw invalidRequest('x-turnpike-metadata', 'The header x-turnpike-metadata must be a JSON object of strings.')
  for (const [name, one] of Object.entries(value)) {
    if (typeof one !== 'string' || one.length > maxMetadataCharacters) {
      throw invalidRequest(
        'x-turnpike-metadata',
        `The metadata ${JSON.stringify(name.slice(0, 40))} must be a string of at most ${maxMetadataCharacters} characters.`,
      )
    }
  }
  return JSON.stringify(value)
}

function timeoutOf(own: CredentialHeaders): number | undefined {
  const text = option(own, 'request-timeout')
  if (text === undefined) return undefined
  const ms = Number(text)
  if (!Number.isInteger(ms) || ms < 1 || ms > 86_400_000)
    throw invalidRequest(
      'x-turnpike-request-timeout',
      'The header x-turnpike-request-timeout must be whole milliseconds from 1 to 86400000.',
    )
  return ms
}

// Responses.

type ResponsePeek = { readonly names: readonly string[]; readonly peek: ReturnType<typeof createPeek<string>> }
/** What is read of a whole answer that passes. */
export type AnswerFields = Pick<PassThrough, 'responseFields' | 'costField'>
const responsePeeks = new WeakMap<AnswerFields, ResponsePeek>()

export type PeekedResponse = {
  /** The top-level fields that the wire wants. */
  readonly fields: JsonObject
  /** The usage, as the provider wrote it, where a cost goes into it; '' when there is none. */
  readonly usageText: string
  /** Where a cost goes into the usage; -1 when there is none. */
  readonly costAt: number
}

/** Undefined when the bytes are doubtful. */
export function peekResponse(wanted: AnswerFields, body: Buffer): PeekedResponse | undefined {
  let known = responsePeeks.get(wanted)
  if (known === undefined) {
    const names = [...new Set([...wanted.responseFields, 'error'])]
    responsePeeks.set(wanted, (known = { names, peek: createPeek({ fields: names }) }))
  }
  const peeked = known.peek.peek(body, 0, body.length)
  if (peeked === 'doubtful') return undefined
  const fields: JsonObject = {}
  let usageText = ''
  for (const name of known.names) {
    const { start, end } = peeked.members[name]!
    if (start < 0) continue
    if (name === wanted.costField && body[start] === 0x7b) {
      usageText = body.toString('utf8', start, end)
      fields[name] = JSON.parse(usageText) as JsonValue
    } else {
      fields[name] = readSmall(body, start, end)
    }
  }
  return { fields, usageText, costAt: usageText === '' ? -1 : peeked.members[wanted.costField!]!.start + 1 }
}
