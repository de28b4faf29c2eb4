// Vectors -> the body of OpenAI's answer, written piece by piece: the vectors of a call are text as soon as they are there.
import type { Vector, VectorEncoding } from '#ir'
import { inEncoding } from './vectors.ts'

/** The members of `data` for these vectors, the first one's index being `from`; commas between them, none around. */
export function encodeVectors(vectors: readonly Vector[], from: number, encoding: VectorEncoding): string {
  return vectors
    .map((vector, at) => `{"object":"embedding","index":${from + at},"embedding":${JSON.stringify(inEncoding(vector, encoding))}}`)
    .join(',')
}

/** What follows the last vector. */
export function closing(model: string, tokens: number, costUsd: number | undefined): string {
  const usage = { prompt_tokens: tokens, total_tokens: tokens, ...(costUsd === undefined ? {} : { cost: costUsd }) }
  return `],"model":${JSON.stringify(model)},"usage":${JSON.stringify(usage)}}`
}
