// A client's request in a provider's wire: decoded, given its seals back, encoded. Pure, so that a thread can do it for large bodies.
import type { ClientWire, Dialect, Note, Request, Response, Wire } from '#ir'
import { edited } from '#inspection'
import { invalidRequest, type Failure, type JsonObject } from '#kernel'
import { codecOf, parseObject, providerCodecOf, type EncodeTarget, type PathFields, type RequestEdit, type WireCodec } from '#wires'
import type { SealedCalls } from './seals.ts'
import { toolNamesFor, type ToolNames } from './tool-names.ts'

export type Translation = {
  readonly from: ClientWire
  readonly path: PathFields | undefined
  readonly to: Wire
  readonly target: EncodeTarget
  /** Whose seals are looked for. */
  readonly conversation: string
}

export type Decoded = { readonly request: Request; readonly notes: readonly Note[] }

export type Encoded = {
  readonly body: Buffer
  readonly notes: readonly Note[]
  /** Tools that the provider knows by another name. */
  readonly toolNames?: ToolNames
}

/** Throws `Failure('invalid_request')` that names the field. */
export function decodeFor(
  { from, path, conversation }: Omit<Translation, 'to' | 'target'>,
  document: JsonObject,
  seals: SealedCalls,
): Decoded {
  const { request, notes } = codecOf(from).ingress.decodeRequest(document, path)
  if (request.n !== undefined && request.n > 1) throw severalAnswers(from)
  return { request: seals.restore(conversation, request), notes }
}

/** The notes are those of encoding alone. */
export function encodeFor({ to, target }: Pick<Translation, 'to' | 'target'>, request: Request): Encoded {
  const { body, notes } = providerCodecOf(to).egress.encodeRequest(request, target)
  const toolNames = toolNamesFor(to, request)
  return { body: Buffer.from(JSON.stringify(body)), notes, ...(toolNames === undefined ? {} : { toolNames }) }
}

/** Whose whole answer it is. */
export type AnswerToDecode = { readonly wire: Wire; readonly dialect: Dialect }

/** Throws a `Failure` when it is no answer. */
export function decodeAnswer({ wire, dialect }: AnswerToDecode, body: Buffer): Response {
  return providerCodecOf(wire).egress.decodeResponse(parseObject(body), dialect)
}

/** A request without what this gateway wrote of another vendor's answer. */
export type Cleaned = { readonly body: Buffer; readonly notes: readonly Note[] }

/** undefined: nothing of that kind is in it. */
export function cleanedOf({ passThrough }: WireCodec, edits: readonly RequestEdit[], document: JsonObject): Cleaned | undefined {
  const { body, notes } = passThrough.own!.without(document)
  return notes.length === 0 ? undefined : { body: Buffer.from(JSON.stringify(edited(body, edits))), notes }
}

/** Everything of a request that a model reads as text, to be counted. */
export function promptOf({ tokenCounting }: WireCodec, document: JsonObject, path: PathFields | undefined): string {
  return promptText(tokenCounting!.decode(document, path))
}

/** What clients call the number of answers. */
const countFields: Partial<Record<ClientWire, string>> = { 'openai-chat': 'n', gemini: 'generationConfig.candidateCount' }

function severalAnswers(from: ClientWire): Failure {
  const field = countFields[from] ?? 'n'
  return invalidRequest(
    field,
    `The field "${field}" asks for several answers, and the provider of this model gives one. Send the request as often as you want answers, or name a provider of the client's own API.`,
  )
}

/** Everything of a request that a model reads as text. */
function promptText(request: Request): string {
  const texts: string[] = []
  for (const turn of request.turns) {
    for (const part of turn.parts) {
      if ('text' in part) texts.push(part.text)
      else if (part.type === 'tool-call') texts.push(part.name, part.args)
      else if (part.type === 'tool-result') for (const piece of part.output) if (piece.type === 'text') texts.push(piece.text)
    }
  }
  for (const tool of request.tools ?? [])
    texts.push(JSON.stringify(tool.type === 'function' ? [tool.name, tool.description, tool.input] : tool.value))
  return texts.join('\n')
}
