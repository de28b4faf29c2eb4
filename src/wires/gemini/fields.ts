// Readers of foreign request fields: each throws a Failure that names the field by its path, `contents[0].parts[1].functionCall.name`.
import { invalidRequest, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Ext, Seal } from '#ir'

export const wire = 'gemini'

/** Vendor whose models open the seals of this wire; the same for Google's OpenAI-compatible endpoint. */
export const sealDomain = 'google'

/**
 * Google's documented stand-in for the signature of a call that Google's models didn't make
 * (https://ai.google.dev/gemini-api/docs/thought-signatures, read 2026-11).
 */
export const foreignSignature = 'skip_thought_signature_validator'

/** Both of Google's stand-ins, and as SDKs write them that hold signatures as bytes. */
const standIns: ReadonlySet<string> = new Set(
  [foreignSignature, 'context_engineering_is_the_way_to_go'].flatMap((word) => [word, Buffer.from(word).toString('base64')]),
)

/** undefined for a stand-in: it proves nothing. */
export function sealOf(signature: string): Seal | undefined {
  return signature === '' || standIns.has(signature) ? undefined : { domain: sealDomain, kind: 'signature', data: signature }
}

export function wrong(path: string, expected: string): never {
  throw invalidRequest(path, `Invalid value at '${path}': ${expected}.`)
}

/** Null is absence, as for every JSON form of a protobuf message. */
export function isGiven(value: JsonValue | undefined): value is Exclude<JsonValue, null> {
  return value !== undefined && value !== null
}

export function readText(value: JsonValue | undefined, path: string): string {
  return typeof value === 'string' ? value : wrong(path, isGiven(value) ? 'it must be a string' : 'it is required')
}

export function readName(value: JsonValue | undefined, path: string): string {
  const text = readText(value, path)
  return text === '' ? wrong(path, 'it must not be empty') : text
}

export function readArray(value: JsonValue | undefined, path: string): JsonValue[] {
  return Array.isArray(value) ? value : wrong(path, isGiven(value) ? 'it must be an array' : 'it is required')
}

/** An object whose keys mean what they say: arguments, a JSON Schema. */
export function readObject(value: JsonValue | undefined, path: string): JsonObject {
  return isObject(value) ? value : wrong(path, isGiven(value) ? 'it must be an object' : 'it is required')
}

/** A protobuf message, whose fields may be spelled `likeThis` or `like_this`: with the former. */
export function readMessage(value: JsonValue | undefined, path: string): JsonObject {
  const object = readObject(value, path)
  if (!Object.keys(object).some((key) => key.includes('_'))) return object
  const message: JsonObject = {}
  for (const [key, member] of Object.entries(object)) {
    const name = key.replace(/(?<=.)_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
    if (Object.hasOwn(message, name)) wrong(`${path === '' ? '' : `${path}.`}${name}`, 'it is there twice, in both spellings')
    message[name] = member
  }
  return message
}

/** Numbers may come as strings: so protobuf writes 64-bit ones. */
export function readNumber(value: JsonValue | undefined, path: string): number | undefined {
  if (!isGiven(value)) return undefined
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  // JSON can hold numbers beyond a double's range; they would go on as null.
  return typeof number === 'number' && Number.isFinite(number) ? number : wrong(path, 'it must be a number')
}

export function readInteger(value: JsonValue | undefined, path: string): number | undefined {
  const number = readNumber(value, path)
  return number === undefined || Number.isInteger(number) ? number : wrong(path, 'it must be a whole number')
}

export function readCount(value: JsonValue | undefined, path: string): number | undefined {
  const count = readInteger(value, path)
  return count === undefined || count >= 0 ? count : wrong(path, 'it must be at least 0')
}

export function readFlag(value: JsonValue | undefined, path: string): boolean | undefined {
  if (!isGiven(value)) return undefined
  return typeof value === 'boolean' ? value : wrong(path, 'it must be true or false')
}

/** The fields of an object that are not in `known`; undefined when there are none. */
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

export function asExt(rest: JsonObject | undefined): { ext?: Ext } {
  return rest === undefined || Object.keys(rest).length === 0 ? {} : { ext: { [wire]: rest } }
}

export function ownExt(ext: Ext | undefined): JsonObject {
  return ext?.[wire] ?? {}
}

export function listOf(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

export function objectOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {}
}
