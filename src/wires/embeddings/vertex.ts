// Vertex AI's `:predict` for text embeddings. https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api (2026-11)
import { asCount, isObject, type JsonObject } from '#kernel'
import { inCalls, textsOf, type CallLimits } from './calls.ts'
import type { EmbeddingCodec } from './codec.ts'
import { MoreFields } from './more-fields.ts'
import { embeddingUsage } from './usage.ts'
import { notVectors, readList, readVector } from './vectors.ts'

/** 250 texts and 20,000 tokens a call; a token is two characters at least, in nearly every text. */
const usualLimits: CallLimits = { inputs: 250, characters: 40_000 }
/** "gemini-embedding-001 supports one instance per request" */
const geminiLimits: CallLimits = { inputs: 1 }

export const vertex: EmbeddingCodec = {
  form: 'vertex',
  wire: 'gemini',
  encodeRequest(request, { model }) {
    const more = new MoreFields(request, 'vertex')
    const taskType = more.purpose('google')
    const title = more.take('title')
    const autoTruncate = more.cutsAtEnd()
    const settings = {
      ...(taskType === undefined ? {} : { task_type: taskType }),
      ...(title === undefined ? {} : { title }),
    }
    const parameters: JsonObject = {
      ...(autoTruncate === undefined ? {} : { autoTruncate }),
      ...(request.dimensions === undefined ? {} : { outputDimensionality: request.dimensions }),
    }
    const limits = model.startsWith('gemini-') ? geminiLimits : usualLimits
    const calls = inCalls(textsOf(request), limits, (texts) => ({
      instances: texts.map((content) => ({ content, ...settings })),
      ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
    }))
    return { calls, notes: more.finish() }
  },
  decodeAnswer(body) {
    const embeddings = readList(body['predictions']).map((prediction) => {
      const found = isObject(prediction) ? prediction['embeddings'] : undefined
      if (!isObject(found)) throw notVectors('a prediction that has no vector')
      return found
    })
    const statistics = embeddings.map((one) => one['statistics'] ?? null)
    const counts = statistics.map((one) => (isObject(one) ? asCount(one['token_count']) : undefined))
    const stated = counts.filter((count) => count !== undefined)
    const tokens = stated.reduce((sum, count) => sum + count, 0)
    return {
      vectors: embeddings.map(({ values }) => readVector(values)),
      ...(stated.length < counts.length ? {} : { usage: embeddingUsage(tokens, { statistics }) }),
    }
  },
}
