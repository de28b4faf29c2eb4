// Readers of foreign request fields in OpenAI's manner: each throws a Failure that names the field by its path, `messages[2].content`.
import { invalidRequest, isObject, type JsonObject, type JsonValue } from '#kernel'

export function wrong(path: string, expected: string, value?: JsonValue): never {
  const got = value === undefined || value === null ? '' : `, got ${Array.isArray(value) ? 'an array' : article(typeof value)}`
  throw invalidRequest(path, `\`${path}\` must be ${expected}${got}.`)
}

function article(type: string): string {
  return type === 'object' ? 'an object' : `a ${type}`
}

/** OpenAI's SDKs send null for what was not set. */
export function isGiven(value: JsonValue | undefined): value is Exclude<JsonValue, null> {
  return value !== undefined && value !== null
}

export function readText(value: JsonValue | undefined, path: string): string {
  return typeof value === 'string' ? value : wrong(path, 'a string', value)
}

export function readName(value: JsonValue | undefined, path: string): string {
  return typeof value === 'string' && value !== '' ? value : wrong(path, 'a string that is not empty', value)
}

export function readObject(value: JsonValue | undefined, path: string): JsonObject {
  return isObject(value) ? value : wrong(path, 'an object', value)
}

export function readArray(value: JsonValue | undefined, path: string): JsonValue[] {
  return Array.isArray(value) ? value : wrong(path, 'an array', value)
}

export function optionalText(body: JsonObject, field: string): string | undefined {
  const value = body[field]
  return isGiven(value) ? readText(value, field) : undefined
}

export function optionalNumber(body: JsonObject, field: string): number | undefined {
  const value = body[field]
  if (!isGiven(value)) return undefined
  // JSON can hold numbers beyond a double's range; they would go on as null.
  return typeof value === 'number' && Number.isFinite(value) ? value : wrong(field, 'a number', value)
}

export function optionalCount(body: JsonObject, field: string): number | undefined {
  const value = optionalNumber(body, field)
  return value === undefined || (Number.isInteger(value) && value >= 0) ? value : wrong(field, 'a whole number of at least 0')
}

export function optionalFlag(body: JsonObject, field: string): boolean | undefined {
  const value = body[field]
  if (!isGiven(value)) return undefined
  return typeof value === 'boolean' ? value : wrong(field, 'true or false', value)
}

/** The fields of an object that are not in `known`; null is absence. */
export function restOf(object: JsonObject, known: ReadonlySet<string>): JsonObject | undefined {
  let rest: JsonObject | undefined
  for (const key of Object.keys(object)) {
    const value = object[key]
    if (known.has(key) || !isGiven(value)) continue
    rest ??= {}
    rest[key] = value
  }
  return rest
}
