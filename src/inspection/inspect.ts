// What must be known of a request before it can be routed, read from where it lies: the prompt is not parsed.
import { invalidRequest, isObject, type JsonObject } from '#kernel'
import { kindOf, ownProviderKey, sessionHeader, sessionOf, withOwnHeaders } from '#policy'
import type { Wire } from '#ir'
import type { RequestKind } from '#store'
import type { WireCodec } from '#wires'
import type { InspectedArrival } from './arrival.ts'
import { metadataOf, option, timeoutOf, traceOf } from './own-headers.ts'
import { bodyOf, type InspectedBody } from './request-body.ts'
import type { RequestView } from './request-view.ts'

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

/**
 * Throws `Failure('invalid_request')` that names the field or header. `doubtful`: the body must be parsed, and is large; `rewrite` it where
 * nobody waits, and come again with that.
 */
export function inspect(arrival: InspectedArrival, codec: WireCodec, view: RequestView): Inspected | 'doubtful'
export function inspect(arrival: InspectedArrival, codec: WireCodec, view: RequestView, rewritten: Buffer): Inspected
export function inspect(arrival: InspectedArrival, codec: WireCodec, view: RequestView, rewritten?: Buffer): Inspected | 'doubtful' {
  const { bodyStart, bodyEnd, headers } = arrival
  const own = withOwnHeaders(headers)
  const body = bodyOf(arrival, view, rewritten)
  if (body === 'doubtful') return body
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
