// Cohere's v2 /embed, and the same models on Bedrock. https://docs.cohere.com/reference/embed (2026-11)
import type { EmbeddingRequest } from '#ir'
import { asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import { inCalls, textsOf } from './calls.ts'
import type { EmbeddingAnswer, EmbeddingCodec, EncodedCalls } from './codec.ts'
import { MoreFields } from './more-fields.ts'
import { statedUsage } from './usage.ts'
import { notVectors, readList, readVector } from './vectors.ts'

/** Texts a call, on Bedrock as well. */
const maxInputs = 96

export const cohere: EmbeddingCodec = {
  form: 'cohere',
  wire: 'cohere-chat',
  encodeRequest(request, { model }) {
    const more = new MoreFields(request, 'cohere')
    return encodeCohere(request, more, { model, embedding_types: [typeOf(more) ?? 'float'] })
  },
  decodeAnswer: decodeCohere,
}

/** `opening` are the fields that differ between Cohere's own address and Bedrock. */
export function encodeCohere(request: EmbeddingRequest, more: MoreFields, opening: JsonObject): EncodedCalls {
  let purpose = more.purpose('cohere')
  if (purpose === undefined) {
    purpose = 'search_document'
    more.approximated(
      'input_type',
      'Cohere must be told what the vectors are for, and the request does not say: search_document is assumed',
    )
  }
  const truncate = more.truncation()
  const settings: JsonObject = {
    input_type: purpose,
    ...(truncate === undefined ? {} : { truncate: truncate === true ? 'END' : truncate === false ? 'NONE' : truncate }),
    ...(request.dimensions === undefined ? {} : { output_dimension: request.dimensions }),
    ...more.same('max_tokens'),
    ...more.same('priority'),
  }
  const calls = inCalls(textsOf(request), { inputs: maxInputs }, (texts) => ({ ...opening, texts: [...texts], ...settings }))
  return { calls, notes: more.finish() }
}

/** What kind of numbers the client wants; an answer in OpenAI's form has room for one. */
export function typeOf(more: MoreFields): string | undefined {
  const wanted = more.take('embedding_types', 'output_dtype')
  const types = (Array.isArray(wanted) ? wanted : [wanted]).filter((type) => typeof type === 'string')
  if (types.length > 1) more.approximated('embedding_types', `an answer has room for one vector of each input: ${types[0]} is asked for`)
  return types[0]
}

/** `embeddings` is an object of lists by type, or on Bedrock, where no type was asked for, the list itself. */
export function decodeCohere(body: JsonObject): EmbeddingAnswer {
  const { embeddings, meta } = body
  const billed = isObject(meta) ? meta['billed_units'] : undefined
  const id = asText(body['id'])
  return {
    vectors: readList(isObject(embeddings) ? firstList(embeddings) : embeddings).map(readVector),
    ...(isObject(billed) ? statedUsage(billed['input_tokens'], billed) : {}),
    ...(id === undefined ? {} : { id }),
  }
}

function firstList(byType: JsonObject): JsonValue {
  const list = Object.values(byType).find(Array.isArray)
  if (list === undefined) throw notVectors('no vectors of any type')
  return list
}
