// What must be known of a body before it can be routed, read from where it lies: the prompt is not parsed.
import type { IncomingHttpHeaders } from 'node:http'
import {
  createPeek,
  createSplicer,
  invalidRequest,
  isObject,
  parseBody,
  readValue,
  type JsonObject,
  type JsonValue,
  type Peek,
  type Peeked,
  type Splicer,
} from '#kernel'
import { kindOf, ownProviderKey, sessionOf, withOwnHeaders, type ConversationBytes, type CredentialHeaders } from '#policy'
import type { RequestKind } from '#store'
import type { RequestEdit, WireCodec } from '#wires'
import { minHistoryBytes, type Histories, type Turn } from './histories.ts'
import type { Arrival } from './port.ts'

/** Small top-level fields of both wires, read by value; the conversation is only located. */
const smallFields = ['model', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'prompt_cache_key', 'metadata'] as const
export const requestPeek = createPeek({ fields: [...smallFields, 'messages', 'system'], lastElementOf: 'messages' })
const sharedResult = requestPeek.createResult()
/** How often the shared result has been written. */
let peeks = 0
const guarded = [...smallFields, 'messages', 'system']

type RequestPeeked = Exclude<ReturnType<typeof requestPeek.peek>, 'doubtful'>
type RequestField = keyof RequestPeeked['members']
export type RequestHistories = Histories<RequestField>
export type RequestTurn = Turn<RequestField>

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
  /** The client's own provider key, which came beside the gateway key. */
  readonly ownKey: string | undefined
  readonly body: InspectedBody
}

export interface InspectedBody {
  readonly fields: JsonObject
  readonly conversation: ConversationBytes
  /** The body with these edits applied; each call begins with the original again. */
  splice(edits: readonly RequestEdit[]): Buffer
  /** Those of the names that are top-level fields of the body. */
  present(names: readonly string[]): readonly string[]
  /** The whole body, parsed. */
  document(): JsonObject
  /** The bytes as they came. Edits are undone: a later splice begins with the original again. */
  original(): Buffer
  /** The original bytes again, for the histories; undefined when there is nothing to keep. Afterwards this body is not to be used. */
  retire(): RequestTurn | undefined
}

/** Throws `Failure('invalid_request')` that names the field or header. */
export function inspect(arrival: Arrival, codec: WireCodec, histories: RequestHistories): Inspected {
  const { bodyStart, bodyEnd, headers } = arrival
  const own = withOwnHeaders(headers)
  const body = bodyEnd - bodyStart < minHistoryBytes ? smallBody(arrival) : historyBody(arrival, histories)
  const { fields } = body
  const model = fields['model']
  if (model === undefined || model === null)
    throw invalidRequest(
      'model',
      'The field "model" is missing. Name the model to ask, for example "openai/gpt-5-mini"; GET /v1/models lists them.',
    )
  if (typeof model !== 'string' || model === '') throw invalidRequest('model', 'The field "model" must be a non-empty string.')
  const stream = fields['stream'] ?? false
  if (typeof stream !== 'boolean') throw invalidRequest('stream', 'The field "stream" must be true or false.')
  if (codec.wire === 'openai-chat' || codec.wire === 'anthropic-messages') requireMessages(body.conversation.messagesStart, fields)
  const provider = option(own, 'provider')?.replace(/^@/, '')
  if (option(own, 'config') !== undefined) {
    throw invalidRequest(
      'x-turnpike-config',
      'This version of the gateway has no routing configs, so the header x-turnpike-config cannot be honoured. Leave it out.',
    )
  }
  const streamOptions = fields['stream_options']
  return {
    model: provider === undefined || model.startsWith(`@${provider}/`) ? model : `@${provider}/${model}`,
    stream,
    asksForUsage: codec.wire !== 'openai-chat' || (isObject(streamOptions) && streamOptions['include_usage'] === true),
    fields,
    session: sessionOf(headers, fields, body.conversation, own),
    kind: kindOf(fields, body.conversation, bodyEnd - bodyStart),
    trace: traceOf(own, headers),
    metadata: metadataOf(own),
    timeoutMs: timeoutOf(own),
    storesBodies: option(own, 'debug') !== 'false',
    strict: option(own, 'strict') === 'true',
    ownKey: own === headers ? ownProviderKey(headers) : undefined,
    body,
  }
}

function smallBody(arrival: Arrival): InspectedBody {
  const peeked = requestPeek.peek(arrival.buffer, arrival.bodyStart, arrival.bodyEnd, sharedResult)
  return peeked === 'doubtful' ? parsedBody(arrival) : new PeekedBody(arrival, peeked, undefined)
}

function historyBody(arrival: Arrival, histories: RequestHistories): InspectedBody {
  const turn = histories.peek(arrival)
  return turn === 'doubtful' ? parsedBody(arrival) : new PeekedBody(arrival, turn.found, turn)
}

/** A body whose fields were found where they lie. */
class PeekedBody implements InspectedBody {
  readonly fields: JsonObject = {}
  readonly conversation: ConversationBytes
  readonly #arrival: Arrival
  #splicer: Splicer | undefined
  readonly #turn: RequestTurn | undefined
  /** Without a turn of its own, what was found is this body's only until another request is inspected. */
  readonly #peekedAs: number

  constructor(arrival: Arrival, peeked: RequestPeeked, turn: RequestTurn | undefined) {
    this.#arrival = arrival
    this.#turn = turn
    this.#peekedAs = turn === undefined ? ++peeks : 0
    const { buffer } = arrival
    for (const name of smallFields) {
      const member = peeked.members[name]
      if (member.start >= 0) this.fields[name] = readSmall(buffer, member.start, member.end)
    }
    const { messages, system } = peeked.members
    const { first, last, count } = peeked.elements
    this.conversation = {
      body: buffer,
      messagesStart: messages.start,
      messagesEnd: messages.end,
      openingEnd: count > 3 ? first[2]!.end : last.end,
      systemStart: system.start,
      systemEnd: system.end,
    }
  }

  splice(edits: readonly RequestEdit[]): Buffer {
    const { buffer, bodyStart, bodyEnd } = this.#arrival
    this.#splicer?.restore()
    if (edits.length === 0) return buffer.subarray(bodyStart, bodyEnd)
    const known = edits.every(({ field }) => field in requestNames)
    if (!known) return Buffer.from(JSON.stringify(applyEdits(this.document(), edits)))
    if (this.#turn === undefined && this.#peekedAs !== peeks) {
      peeks++
      requestPeek.peek(buffer, bodyStart, bodyEnd, sharedResult)
    }
    this.#splicer = createSplicer(buffer, bodyStart, bodyEnd, (this.#turn?.found ?? sharedResult) as Peeked)
    const spliced = this.#splicer.splice(
      edits.map(({ field, value }) => ({ field, json: value === undefined ? undefined : JSON.stringify(value) })),
    )
    return spliced.buffer.subarray(spliced.start, spliced.end)
  }

  present(names: readonly string[]): readonly string[] {
    const { buffer, bodyStart, bodyEnd } = this.#arrival
    this.#splicer?.restore()
    this.#splicer = undefined
    const found = presencePeek(names).peek(buffer, bodyStart, bodyEnd)
    // Doubtful here means that one of them is there twice or in another spelling: the parser decides.
    if (found === 'doubtful') return namesIn(this.document(), names)
    return names.filter((name) => found.members[name]!.start >= 0)
  }

  document(): JsonObject {
    const { buffer, bodyStart, bodyEnd } = this.#arrival
    this.#splicer?.restore()
    this.#splicer = undefined
    return JSON.parse(buffer.toString('utf8', bodyStart, bodyEnd)) as JsonObject
  }

  original(): Buffer {
    const { buffer, bodyStart, bodyEnd } = this.#arrival
    this.#splicer?.restore()
    this.#splicer = undefined
    return buffer.subarray(bodyStart, bodyEnd)
  }

  retire(): RequestTurn | undefined {
    if (this.#turn !== undefined) this.#splicer?.restore()
    return this.#turn
  }
}

const presencePeeks = new WeakMap<readonly string[], Peek>()

/** One for each list of names, which belongs to a provider's dialect. */
function presencePeek(names: readonly string[]): Peek {
  let known = presencePeeks.get(names)
  if (known === undefined) presencePeeks.set(names, (known = createPeek({ fields: [...names] })))
  return known
}

function namesIn(document: JsonObject, names: readonly string[]): readonly string[] {
  return names.filter((name) => document[name] !== undefined)
}

const requestNames: Record<string, true> = Object.fromEntries(guarded.map((name) => [name, true]))

/** Doubtful bytes are parsed as a whole, and what goes on is written anew from what was read. */
function parsedBody(arrival: Arrival): InspectedBody {
  const document = parseBody(arrival.buffer, arrival.bodyStart, arrival.bodyEnd, guarded)
  const text = Buffer.from(JSON.stringify(document))
  // What was written anew is never doubtful, but for keys that must be escaped or are another case of ours; those are parsed each time.
  const again = requestPeek.peek(text, 0, text.length)
  const fields: JsonObject = {}
  for (const name of smallFields) if (document[name] !== undefined) fields[name] = document[name]
  const located = again === 'doubtful' ? undefined : again.members
  return {
    fields,
    conversation: {
      body: text,
      messagesStart: located?.messages.start ?? (Array.isArray(document['messages']) ? 0 : -1),
      messagesEnd: located?.messages.end ?? text.length,
      openingEnd: located?.messages.end ?? text.length,
      systemStart: located?.system.start ?? -1,
      systemEnd: located?.system.end ?? -1,
    },
    splice: (edits) => (edits.length === 0 ? text : Buffer.from(JSON.stringify(applyEdits(document, edits)))),
    present: (names) => namesIn(document, names),
    document: () => document,
    original: () => arrival.buffer.subarray(arrival.bodyStart, arrival.bodyEnd),
    retire: () => undefined,
  }
}

function applyEdits(document: JsonObject, edits: readonly RequestEdit[]): JsonObject {
  const edited = { ...document }
  for (const { field, value } of edits) {
    if (value === undefined) delete edited[field]
    else edited[field] = value
  }
  return edited
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
      return Number(buffer.toString('latin1', start, end))
  }
}

function requireMessages(messagesStart: number, fields: JsonObject): void {
  if (messagesStart < 0)
    throw invalidRequest(
      'messages',
      `The field "messages" is missing${fields['input'] === undefined ? '' : ' (this looks like a body for /v1/responses)'}. Send the conversation as an array of messages.`,
    )
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
const responsePeeks = new WeakMap<WireCodec, ResponsePeek>()

export type PeekedResponse = {
  /** The top-level fields that the wire wants. */
  readonly fields: JsonObject
  /** The usage, as the provider wrote it; '' when there is none. */
  readonly usageText: string
  /** Where a cost goes into the usage; -1 when there is none. */
  readonly costAt: number
}

/** Undefined when the bytes are doubtful. */
export function peekResponse(codec: WireCodec, body: Buffer): PeekedResponse | undefined {
  let known = responsePeeks.get(codec)
  if (known === undefined) {
    const names = [...new Set([...codec.passThrough.responseFields, 'usage', 'error'])]
    responsePeeks.set(codec, (known = { names, peek: createPeek({ fields: names }) }))
  }
  const peeked = known.peek.peek(body, 0, body.length)
  if (peeked === 'doubtful') return undefined
  const fields: JsonObject = {}
  let usageText = ''
  for (const name of known.names) {
    const { start, end } = peeked.members[name]!
    if (start < 0) continue
    if (name === 'usage' && body[start] === 0x7b) {
      usageText = body.toString('utf8', start, end)
      fields[name] = JSON.parse(usageText) as JsonValue
    } else {
      fields[name] = readSmall(body, start, end)
    }
  }
  return { fields, usageText, costAt: usageText === '' ? -1 : peeked.members['usage']!.start + 1 }
}
