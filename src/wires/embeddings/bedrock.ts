// Models on Bedrock that embed, by InvokeModel: each maker has a body of its own. https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html (2026-11)
import type { EmbeddingRequest } from '#ir'
import { isObject, type JsonObject } from '#kernel'
import { inCalls, textsOf } from './calls.ts'
import type { EmbeddingCodec, EncodedCalls } from './codec.ts'
import { decodeCohere, encodeCohere, typeOf } from './cohere.ts'
import { MoreFields } from './more-fields.ts'
import { statedUsage } from './usage.ts'
import { readVector, readVectors } from './vectors.ts'

/** Of every answer, whichever the model. Cohere's bodies say nothing of tokens. */
const tokenHeader = 'x-amzn-bedrock-input-token-count'

export const bedrock: EmbeddingCodec = {
  form: 'bedrock',
  wire: 'bedrock-converse',
  encodeRequest(request, { model }) {
    const more = new MoreFields(request, 'bedrock')
    // `us.cohere.embed-v4:0`: an inference profile has its region in front.
    if (/(^|\.)cohere\./.test(model)) {
      const type = typeOf(more)
      return encodeCohere(request, more, type === undefined ? {} : { embedding_types: [type] })
    }
    return /(^|\.)nova-/.test(model) ? encodeNova(request, more) : encodeTitan(request, more, model)
  },
  decodeAnswer(body, headers) {
    const counted = headers[tokenHeader]
    const tokens = counted === undefined ? body['inputTextTokenCount'] : Number(counted)
    const usage = statedUsage(tokens, counted === undefined ? { inputTextTokenCount: tokens ?? null } : { [tokenHeader]: counted })
    if (Array.isArray(body['embedding'])) return { vectors: [readVector(body['embedding'])], ...usage }
    const { embeddings } = body
    // Nova's are objects, Cohere's are lists, or lists by type.
    if (Array.isArray(embeddings) && isObject(embeddings[0])) return { vectors: readVectors(embeddings, 'embedding'), ...usage }
    return { ...decodeCohere(body), ...usage }
  },
}

/** One text a call. Version 1 takes nothing but the text; the image model has the dimensions elsewhere. */
function encodeTitan(request: EmbeddingRequest, more: MoreFields, model: string): EncodedCalls {
  const { dimensions } = request
  const settings: JsonObject = {
    ...(dimensions === undefined
      ? {}
      : model.includes('titan-embed-image')
        ? { embeddingConfig: { outputEmbeddingLength: dimensions } }
        : { dimensions }),
    ...more.same('normalize'),
  }
  return { calls: inCalls(textsOf(request), { inputs: 1 }, ([inputText = '']) => ({ inputText, ...settings })), notes: more.finish() }
}

/** One text a call. */
function encodeNova(request: EmbeddingRequest, more: MoreFields): EncodedCalls {
  const purpose = more.purpose('nova') ?? 'GENERIC_INDEX'
  const truncation = more.truncation()
  const truncationMode = truncation === false ? 'NONE' : truncation === 'START' ? 'START' : 'END'
  const calls = inCalls(textsOf(request), { inputs: 1 }, ([value = '']) => ({
    taskType: 'SINGLE_EMBEDDING',
    singleEmbeddingParams: {
      embeddingPurpose: purpose,
      ...(request.dimensions === undefined ? {} : { embeddingDimension: request.dimensions }),
      text: { truncationMode, value },
    },
  }))
  return { calls, notes: more.finish() }
}
