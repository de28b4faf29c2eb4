// What a form of embeddings is: how a provider is asked for vectors, and how they are read from its answers. Synchronous and pure.
import type { Dialect, EmbeddingForm, EmbeddingRequest, Note, Usage, Vector, VectorEncoding, Wire } from '#ir'
import type { JsonObject } from '#kernel'
import type { RequestEdits, RequestShape } from '#wires/codec'

/** Where a request goes. */
export type EmbeddingTarget = {
  /** The provider's own id of the model. */
  readonly model: string
  readonly dialect: Dialect
}

/** One request to the provider, for `count` inputs that follow those of the calls before it. */
export type EmbeddingCall = { readonly body: JsonObject; readonly count: number }

export type EncodedCalls = { readonly calls: readonly EmbeddingCall[]; readonly notes: readonly Note[] }

/** What one call brought: a vector for each of its inputs, in their order. */
export type EmbeddingAnswer = {
  readonly vectors: readonly Vector[]
  /** Absent: the provider doesn't say. */
  readonly usage?: Usage
  readonly id?: string
  /** The model that really answered, as the provider names it. */
  readonly model?: string
}

export interface EmbeddingCodec {
  readonly form: EmbeddingForm
  /** The wire of the same vendors: errors look as there, and a key is sent as there. */
  readonly wire: Wire
  /**
   * More inputs than a call may have are several calls. Throws a `Failure` for what this form cannot carry at all. Absent: it is the form
   * that clients write, and their bytes pass.
   */
  encodeRequest?(request: EmbeddingRequest, target: EmbeddingTarget): EncodedCalls
  /** Throws `Failure('bad_response')` when the body is no answer of this form. `headers` have lower-case names. */
  decodeAnswer(body: JsonObject, headers: Readonly<Record<string, string>>): EmbeddingAnswer
}

/** The client's half: OpenAI's form. */
export interface EmbeddingIngress {
  /** What is looked for in a request's bytes; inputs are no conversation. */
  readonly shape: RequestShape
  /** Names of vendors' own fields, which OpenAI itself refuses. */
  readonly foreignFields: readonly string[]
  /** The edits for one target of the same form; see `PassThrough.edits`. */
  edits(fields: JsonObject, model: string, dialect: Dialect): RequestEdits
  /** Throws `Failure('invalid_request')` that names the field. */
  decodeRequest(body: JsonObject): EmbeddingRequest
  /** Top-level fields that are read of an answer that passes, and the one into whose object the cost is written. */
  readonly responseFields: readonly string[]
  readonly costField: string
  /** What such an answer counts; undefined when its bytes cannot pass: it doesn't say, or its vectors are not encoded as was asked for. */
  readUsage(fields: JsonObject, answer: Buffer, asked: VectorEncoding): Usage | undefined
  /** An answer's text is the opening, the vectors of each call with commas between, and the closing. */
  readonly opening: string
  /** The first vector's index is `from`. */
  encodeVectors(vectors: readonly Vector[], from: number, encoding: VectorEncoding): string
  closing(model: string, tokens: number, costUsd: number | undefined): string
}
