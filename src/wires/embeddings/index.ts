// Embeddings: clients ask in OpenAI's form, providers answer in theirs.
import type { EmbeddingForm } from '#ir'
import { bedrock } from './bedrock.ts'
import type { EmbeddingCodec } from './codec.ts'
import { cohere } from './cohere.ts'
import { gemini } from './gemini.ts'
import { ollama } from './ollama.ts'
import { openai } from './openai.ts'
import { vertex } from './vertex.ts'
import { voyage } from './voyage.ts'

const forms = { openai, gemini, vertex, cohere, bedrock, voyage, ollama } satisfies Record<EmbeddingForm, EmbeddingCodec>

export function embeddingCodecOf(form: EmbeddingForm): EmbeddingCodec {
  return forms[form]
}

export type * from './codec.ts'
export { embeddings } from './openai.ts'
export { embeddingUsage, sumOfUsages } from './usage.ts'
