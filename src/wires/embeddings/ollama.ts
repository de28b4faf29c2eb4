// Ollama's own /api/embed. https://docs.ollama.com/api/embed (2026-11)
import { asText } from '#kernel'
import { inCalls, textsOf } from './calls.ts'
import type { EmbeddingCodec } from './codec.ts'
import { MoreFields } from './more-fields.ts'
import { statedUsage } from './usage.ts'
import { readList, readVector } from './vectors.ts'

export const ollama: EmbeddingCodec = {
  form: 'ollama',
  wire: 'ollama-chat',
  encodeRequest(request, { model }) {
    const more = new MoreFields(request, 'ollama')
    const truncate = more.cutsAtEnd()
    const settings = {
      ...(truncate === undefined ? {} : { truncate }),
      ...(request.dimensions === undefined ? {} : { dimensions: request.dimensions }),
      ...more.same('options'),
      ...more.same('keep_alive'),
    }
    const calls = inCalls(textsOf(request), { inputs: Infinity }, (texts) => ({ model, input: [...texts], ...settings }))
    return { calls, notes: more.finish() }
  },
  decodeAnswer(body) {
    const count = body['prompt_eval_count']
    const model = asText(body['model'])
    return {
      vectors: readList(body['embeddings']).map(readVector),
      ...statedUsage(count, count === undefined ? {} : { prompt_eval_count: count }),
      ...(model === undefined ? {} : { model }),
    }
  },
}
