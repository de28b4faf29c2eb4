// Gemini's batchEmbedContents. https://ai.google.dev/api/embeddings (2026-11)
import { isObject } from '#kernel'
import { inCalls, textsOf } from './calls.ts'
import type { EmbeddingCodec } from './codec.ts'
import { MoreFields } from './more-fields.ts'
import { statedUsage } from './usage.ts'
import { readVectors } from './vectors.ts'

/** "at most 100 requests can be in one batch" */
const maxInputs = 100

export const gemini: EmbeddingCodec = {
  form: 'gemini',
  wire: 'gemini',
  encodeRequest(request, { model }) {
    const more = new MoreFields(request, 'gemini')
    const taskType = more.purpose('google')
    const title = more.take('title')
    const settings = {
      ...(taskType === undefined ? {} : { taskType }),
      ...(title === undefined ? {} : { title }),
      ...(request.dimensions === undefined ? {} : { outputDimensionality: request.dimensions }),
    }
    const calls = inCalls(textsOf(request), { inputs: maxInputs }, (texts) => ({
      requests: texts.map((text) => ({ model: `models/${model}`, content: { parts: [{ text }] }, ...settings })),
    }))
    return { calls, notes: more.finish() }
  },
  decodeAnswer(body) {
    const usage = body['usageMetadata']
    return {
      vectors: readVectors(body['embeddings'], 'values'),
      // Models before gemini-embedding-2 don't say.
      ...(isObject(usage) ? statedUsage(usage['promptTokenCount'], usage) : {}),
    }
  },
}
