// Vectors in the two encodings that clients know, and readers for those of providers.
import type { Vector, VectorEncoding } from '#ir'
import { Failure, isObject, type JsonObject, type JsonValue } from '#kernel'

const bytesPerFloat = 4

export function encodeBase64(vector: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(vector.length * bytesPerFloat)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let i = 0; i < vector.length; i++) view.setFloat32(i * bytesPerFloat, vector[i]!, true)
  return bytes.toString('base64')
}

/** Throws `Failure('bad_response')` when the text is not base64 of whole floats. */
export function decodeBase64(text: string): number[] {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length % bytesPerFloat !== 0 || bytes.length !== Math.floor((text.replace(/=+$/, '').length * 3) / 4))
    throw notVectors('a vector that is no base64 of 32-bit floats')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: bytes.length / bytesPerFloat }, (_, i) => view.getFloat32(i * bytesPerFloat, true))
}

/** The vector as the client wants it, ready for JSON. */
export function inEncoding(vector: Vector, encoding: VectorEncoding): Vector {
  if (encoding === 'base64') return typeof vector === 'string' ? vector : encodeBase64(vector)
  return typeof vector === 'string' ? decodeBase64(vector) : vector
}

/** Throws `Failure('bad_response')` when it is none. */
export function readVector(value: JsonValue | undefined): Vector {
  if (typeof value === 'string' && value !== '') return value
  if (!Array.isArray(value) || value.length === 0) throw notVectors('something else in the place of a vector')
  for (const number of value) if (typeof number !== 'number') throw notVectors('a vector with something else than numbers in it')
  return value as number[]
}

/** Of the objects in a list, the vector each has under `name`. */
export function readVectors(list: JsonValue | undefined, name: string): Vector[] {
  return readList(list).map((item) => readVector(isObject(item) ? item[name] : undefined))
}

export function readList(list: JsonValue | undefined): JsonValue[] {
  if (!Array.isArray(list)) throw notVectors('no list of vectors')
  return list
}

/** Those that say which input is theirs are put where it is. */
export function inOrder(items: readonly JsonObject[]): readonly JsonObject[] {
  const indexes = items.map(({ index }) => index)
  if (!indexes.every((index) => typeof index === 'number')) return items
  return items.toSorted((a, b) => (a['index'] as number) - (b['index'] as number))
}

export function notVectors(what: string): Failure {
  return new Failure('bad_response', `The provider answered 200 with ${what}.`)
}
