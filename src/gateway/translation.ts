// A client's request in a provider's wire: decoded, given its seals back, encoded. Pure, so that a thread can do it for large bodies.
import type { ClientWire, Note, Request, Wire } from '#ir'
import { invalidRequest, type Failure, type JsonObject } from '#kernel'
import { codecOf, providerCodecOf, type EncodeTarget, type PathFields } from '#wires'
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

/** What clients call the number of answers. */
const countFields: Partial<Record<ClientWire, string>> = { 'openai-chat': 'n', gemini: 'generationConfig.candidateCount' }

function severalAnswers(from: ClientWire): Failure {
  const field = countFields[from] ?? 'n'
  return invalidRequest(
    field,
    `The field "${field}" asks for several answers, and the provider of this model gives one. Send the request as often as you want answers, or name a provider of the client's own API.`,
  )
}
