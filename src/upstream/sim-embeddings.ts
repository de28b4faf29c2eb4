// The simulator's vectors: the same for the same text, and near each other for texts that share words.
import type { EmbeddingInput } from '#ir'
import { Failure, type JsonObject } from '#kernel'
import { embeddings } from '#wires'

const defaultDimensions = 16
const maxDimensions = 4096

/** An answer in OpenAI's form, or what is wrong with the request. */
export function simVectors(model: string, body: JsonObject): string | Failure {
  try {
    const { inputs, encoding, dimensions = defaultDimensions } = embeddings.decodeRequest(body)
    if (dimensions > maxDimensions)
      return new Failure('invalid_request', `The simulator makes vectors of at most ${maxDimensions} dimensions.`, { param: 'dimensions' })
    const said = inputs.map(wordsOf)
    const vectors = said.map((words) => vectorOf(words, dimensions))
    const tokens = said.reduce((sum, words) => sum + words.length, 0)
    return embeddings.opening + embeddings.encodeVectors(vectors, 0, encoding) + embeddings.closing(model, tokens, undefined)
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
}

/** A token is a word, as in the simulator's other answers. */
function wordsOf(input: EmbeddingInput): readonly string[] {
  return typeof input === 'string' ? (input.toLowerCase().match(/\S+/g) ?? []) : input.map(String)
}

/** The sum of a direction for each word, of length 1. */
function vectorOf(words: readonly string[], dimensions: number): number[] {
  const sum = new Float64Array(dimensions)
  for (const word of words.length === 0 ? [''] : words) {
    let state = hash(word)
    for (let i = 0; i < dimensions; i++) {
      // xorshift32
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      sum[i]! += state / 0x8000_0000
    }
  }
  const length = Math.hypot(...sum) || 1
  return Array.from(sum, (number) => Math.fround(number / length))
}

/** FNV-1a, never 0. */
function hash(word: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < word.length; i++) value = Math.imul(value ^ word.charCodeAt(i), 0x01000193)
  return value | 1
}
