// Readers of foreign request fields: each throws a Failure that names the field in Anthropic's own style, `messages.0.content.1.text`.
import { invalidRequest, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Ext } from '#ir'

export const wire = 'anthropic-messages'

export function wrong(path: string, expected: string): never {
  throw invalidRequest(path, `${path}: ${expected}`)
}

/** Absent and null are the same on this wire. */
export function isGiven(value: JsonValue | undefined): value is Exclude<JsonValue, null> {
  return value !== undefined && value !== null
}

export function readText(value: JsonValue | undefined, path: string): string {
  if (typeof value === 'string') return value
  return wrong(path, isGiven(value) ? 'must be a string' : 'this field is required')
}

export function readName(value: JsonValue | undefined, path: string): string {
  const text = readText(value, path)
  return text === '' ? wrong(path, 'must not be empty') : text
}

export function readObject(value: JsonValue | undefined, path: string): JsonObject {
  if (isObject(value)) return value
  return wrong(path, isGiven(value) ? 'must be an object' : 'this field is required')
}

export function readArray(value: JsonValue | undefined, path: string): JsonValue[] {
  if (Array.isArray(value)) return value
  return wrong(path, isGiven(value) ? 'must be an array' : 'this field is required')
}

export function readNumber(value: JsonValue | undefined, path: string): number | undefined {
  if (!isGiven(value)) return undefined
  // JSON can hold numbers beyond a double's range; they would go on as null.
  return typeof value === 'number' && Number.isFinite(value) ? value : wrong(path, 'must be a number')
}

export function readCount(value: JsonValue | undefined, path: string): number | undefined {
  const count = readNumber(value, path)
  if (count === undefined) return undefined
  return Number.isInteger(count) && count >= 0 ? count : wrong(path, 'must be a whole number of at least 0')
}

export function readFlag(value: JsonValue | undefined, path: string): boolean | undefined {
  if (!isGiven(value)) return undefined
  return typeof value === 'boolean' ? value : wrong(path, 'must be true or false')
}

/** The fields of an object that are not in `known`, as `ext` of this wire; null is absence. */
export function restOf(object: JsonObject, known: ReadonlySet<string>): { ext?: Ext } {
  let rest: JsonObject | undefined
  for (const key of Object.keys(object)) {
    if (known.has(key) || object[key] === null) continue
    rest ??= {}
    rest[key] = object[key]!
  }
  return rest === undefined ? {} : { ext: { [wire]: rest } }
}

/** The `type` of a block or event; '' when it has none. */
export function typeOf(object: JsonObject): string {
  return typeof object['type'] === 'string' ? object['type'] : ''
}

export function textOf(object: JsonObject, key: string): string {
  const value = object[key]
  return typeof value === 'string' ? value : ''
}

export function ownExt(ext: Ext | undefined): JsonObject | undefined {
  return ext?.[wire]
}

export const sealDomain = 'anthropic'
