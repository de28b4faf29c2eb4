// A body of OpenAI's `POST /v1/embeddings` -> the request. Facts: OpenAI's OpenAPI document (2026-08).
import type { EmbeddingInput, EmbeddingRequest, VectorEncoding } from '#ir'
import type { JsonObject, JsonValue } from '#kernel'
import { isGiven, optionalNumber, restOf, wrong } from '#wires/openai-fields'

/** OpenAI's own bound for an array of inputs, and for one of token ids. */
const maxInputs = 2048

const known: ReadonlySet<string> = new Set(['model', 'input', 'dimensions', 'encoding_format'])

/** Throws `Failure('invalid_request')` that names the field. */
export function decodeRequest(body: JsonObject): EmbeddingRequest {
  const dimensions = optionalNumber(body, 'dimensions')
  if (dimensions !== undefined && (!Number.isInteger(dimensions) || dimensions < 1)) wrong('dimensions', 'a whole number of at least 1')
  return {
    inputs: decodeInput(body['input']),
    ...(dimensions === undefined ? {} : { dimensions }),
    encoding: decodeEncoding(body['encoding_format']),
    more: restOf(body, known) ?? {},
  }
}

function decodeEncoding(value: JsonValue | undefined): VectorEncoding {
  if (!isGiven(value) || value === 'float') return 'float'
  return value === 'base64' ? 'base64' : wrong('encoding_format', '"float" or "base64"')
}

function decodeInput(value: JsonValue | undefined): readonly EmbeddingInput[] {
  if (typeof value === 'string') return [value]
  if (!Array.isArray(value)) wrong('input', 'a string, an array of strings, or arrays of token ids', value)
  if (value.length === 0) wrong('input', 'an array with at least one element')
  if (value.length > maxInputs) wrong('input', `an array of at most ${maxInputs} elements; this one has ${value.length}`)
  const [first] = value
  if (typeof first === 'number') return [tokenIds(value, 'input')]
  if (typeof first === 'string')
    return value.map((item, at) => (typeof item === 'string' ? item : wrong(`input[${at}]`, 'a string, as the first element is', item)))
  if (Array.isArray(first))
    return value.map((item, at) =>
      Array.isArray(item) ? tokenIds(item, `input[${at}]`) : wrong(`input[${at}]`, 'an array of token ids, as the first element is', item),
    )
  return wrong('input[0]', 'a string or an array of token ids', first)
}

function tokenIds(list: readonly JsonValue[], path: string): readonly number[] {
  if (list.length === 0) wrong(path, 'an array with at least one token id')
  return list.map((id, at) => (typeof id === 'number' && Number.isInteger(id) && id >= 0 ? id : wrong(`${path}[${at}]`, 'a token id', id)))
}
