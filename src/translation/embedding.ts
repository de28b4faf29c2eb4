// Embeddings in a provider's form: the calls that ask for them, and the vectors of an answer. Pure, so that a thread can do it for large bodies.
import type { EmbeddingForm, EmbeddingRequest, Note, Usage, VectorEncoding } from '#ir'
import { Failure } from '#kernel'
import { embeddingCodecOf, embeddings, isFailureBody, parseObject, providerCodecOf, type EmbeddingTarget } from '#wires'

export type CallsWanted = { readonly form: EmbeddingForm; readonly target: EmbeddingTarget }

/** A call's body, and how many inputs are in it; of bytes that pass, nobody has counted. */
export type WrittenCall = { readonly body: Buffer; readonly count: number | undefined }
export type WrittenCalls = { readonly calls: readonly WrittenCall[]; readonly notes: readonly Note[] }

/** One body for each call that the provider needs. Throws a `Failure` of the codec. */
export function writeCalls({ form, target }: CallsWanted, request: EmbeddingRequest): WrittenCalls {
  const { calls, notes } = embeddingCodecOf(form).encodeRequest!(request, target)
  return { calls: calls.map(({ body, count }) => ({ body: Buffer.from(JSON.stringify(body)), count })), notes }
}

export type AnswerToRead = {
  readonly form: EmbeddingForm
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** As the client wants them. */
  readonly encoding: VectorEncoding
  /** The index of the first vector. */
  readonly from: number
  /** How many there must be. */
  readonly count: number | undefined
}

/** What a call has become, in the client's form. */
export type Piece = {
  readonly text: Buffer
  readonly usage: Usage | undefined
  readonly id: string | undefined
  readonly model: string | undefined
}

/** Throws a `Failure` when the body is no answer. */
export function readAnswer({ form, status, headers, encoding, from, count }: AnswerToRead, body: Buffer): Piece {
  const { wire, decodeAnswer } = embeddingCodecOf(form)
  const document = parseObject(body)
  if (isFailureBody(document)) throw providerCodecOf(wire).egress.decodeError(status, headers, body.toString('utf8'))
  const { vectors, usage, id, model } = decodeAnswer(document, headers)
  if (count !== undefined && vectors.length !== count)
    throw new Failure('bad_response', `The provider answered ${vectors.length} vectors for ${count} inputs.`)
  return { text: Buffer.from(embeddings.encodeVectors(vectors, from, encoding)), usage, id, model }
}
