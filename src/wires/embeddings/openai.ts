// OpenAI's /embeddings, as OpenAI and everybody compatible speaks it: bytes pass, and this reads along; and the whole answer, where they cannot pass.
import type { Dialect, VectorEncoding } from '#ir'
import { asText, isObject, type JsonObject } from '#kernel'
import type { RequestEdit } from '#wires/codec'
import { requestEdits } from '#wires/request-edits'
import type { EmbeddingAnswer, EmbeddingCodec, EmbeddingIngress } from './codec.ts'
import { decodeRequest } from './decode-request.ts'
import { closing, encodeVectors } from './encode-answer.ts'
import { foreignFields } from './more-fields.ts'
import { decodeUsage } from './usage.ts'
import { inOrder, notVectors, readList, readVector } from './vectors.ts'

export const embeddings: EmbeddingIngress = {
  shape: { turns: 'input', fields: ['model', 'encoding_format', 'dimensions', 'user', ...foreignFields] },
  foreignFields,
  edits: (fields, model, dialect) => requestEdits(fields, model, dialect, dimensionsEdits(fields, dialect)),
  decodeRequest,
  responseFields: ['id', 'model', 'usage'],
  costField: 'usage',
  readUsage(fields, answer, asked) {
    // Some servers ignore `encoding_format`, and OpenAI's SDKs read what they asked for without looking.
    return encodingOfFirst(answer) === asked ? decodeUsage(fields['usage']) : undefined
  },
  opening: '{"object":"list","data":[',
  encodeVectors,
  closing,
}

/** Mistral calls it `output_dimension`, and refuses the other name. */
function dimensionsEdits(fields: JsonObject, { dimensionsField: wanted = 'dimensions' }: Dialect): readonly RequestEdit[] {
  const { dimensions } = fields
  if (dimensions === undefined || wanted === 'dimensions') return []
  return [
    { field: 'dimensions', value: undefined },
    { field: wanted, value: dimensions },
  ]
}

const embeddingName = Buffer.from('"embedding"')

/** How the first vector of an answer is written, without parsing it; undefined when there is none. */
function encodingOfFirst(body: Buffer): VectorEncoding | undefined {
  for (let at = body.indexOf(embeddingName); at >= 0; at = body.indexOf(embeddingName, at + 1)) {
    let i = afterSpace(body, at + embeddingName.length)
    // The value of `object` is the same word, and no colon follows it.
    if (body[i] !== 0x3a) continue
    i = afterSpace(body, i + 1)
    if (body[i] === 0x5b) return 'float'
    return body[i] === 0x22 ? 'base64' : undefined
  }
  return undefined
}

function afterSpace(body: Buffer, at: number): number {
  let i = at
  while (body[i] === 0x20 || body[i] === 0x0a || body[i] === 0x0d || body[i] === 0x09) i++
  return i
}

export const openai: EmbeddingCodec = {
  form: 'openai',
  wire: 'openai-chat',
  decodeAnswer: decodeOpenaiAnswer,
}

export function decodeOpenaiAnswer(body: JsonObject): EmbeddingAnswer {
  const items = readList(body['data'])
  if (!items.every(isObject)) throw notVectors('something else in the place of a vector')
  const usage = decodeUsage(body['usage'])
  const id = asText(body['id'])
  const model = asText(body['model'])
  return {
    vectors: inOrder(items).map(({ embedding }) => readVector(embedding)),
    ...(usage === undefined ? {} : { usage }),
    ...(id === undefined ? {} : { id }),
    ...(model === undefined ? {} : { model }),
  }
}
