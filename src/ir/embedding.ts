// What a client asks of a model that embeds: vectors instead of words.
import type { JsonObject } from '#kernel'

/** The forms in which providers take inputs and give vectors. A form has a file of its own under `wires/embeddings/`. */
export const embeddingFormNames = ['openai', 'gemini', 'vertex', 'cohere', 'bedrock', 'voyage', 'ollama'] as const
export type EmbeddingForm = (typeof embeddingFormNames)[number]

/** A text, or a text as ids of the model's own tokens. */
export type EmbeddingInput = string | readonly number[]

/** Numbers as JSON has them, or little-endian float32 in base64. */
export type VectorEncoding = 'float' | 'base64'

export type EmbeddingRequest = {
  /** At least one. */
  readonly inputs: readonly EmbeddingInput[]
  readonly dimensions?: number
  readonly encoding: VectorEncoding
  /** Every other field that was given, by the name that the client wrote. */
  readonly more: JsonObject
}

/** Numbers, or a string: little-endian float32 in base64. */
export type Vector = readonly number[] | string
