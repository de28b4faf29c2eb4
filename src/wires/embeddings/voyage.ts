// Voyage's /v1/embeddings: OpenAI's shape with other names in it. https://docs.voyageai.com/reference/embeddings-api (2026-11)
import { inCalls, textsOf } from './calls.ts'
import type { EmbeddingCodec } from './codec.ts'
import { MoreFields } from './more-fields.ts'
import { decodeOpenaiAnswer } from './openai.ts'

/** Texts a call. Its bounds on tokens depend on the model and the account; it says which one was passed. */
const maxInputs = 1000

export const voyage: EmbeddingCodec = {
  form: 'voyage',
  wire: 'openai-chat',
  encodeRequest(request, { model }) {
    const more = new MoreFields(request, 'voyage')
    const purpose = more.purpose('voyage')
    const truncation = more.cutsAtEnd()
    const type = more.take('output_dtype')
    const settings = {
      ...(purpose === undefined ? {} : { input_type: purpose }),
      ...(truncation === undefined ? {} : { truncation }),
      ...(request.dimensions === undefined ? {} : { output_dimension: request.dimensions }),
      // Its base64 has the bytes of that type, OpenAI's clients read floats: of other types the numbers are asked for.
      ...(type === undefined ? (request.encoding === 'base64' ? { encoding_format: 'base64' } : {}) : { output_dtype: type }),
    }
    const calls = inCalls(textsOf(request), { inputs: maxInputs }, (texts) => ({ model, input: [...texts], ...settings }))
    return { calls, notes: more.finish() }
  },
  decodeAnswer: decodeOpenaiAnswer,
}
