// What the objects of this wire have in common; the readers of OpenAI's wires are shared.
import type { JsonObject } from '#kernel'
import type { Ext } from '#ir'

export {
  isGiven,
  optionalCount,
  optionalFlag,
  optionalNumber,
  optionalText,
  readArray,
  readName,
  readObject,
  readText,
  restOf,
  wrong,
} from '#wires/openai-fields'

export const wire = 'openai-responses'

export function asExt(rest: JsonObject | undefined): { ext?: Ext } {
  return rest === undefined || Object.keys(rest).length === 0 ? {} : { ext: { [wire]: rest } }
}

export function ownExt(ext: Ext | undefined): JsonObject | undefined {
  return ext?.[wire]
}

/** The `type` of an item, part or event; '' when it has none. */
export function typeOf(object: JsonObject): string {
  return typeof object['type'] === 'string' ? object['type'] : ''
}

export function textOf(object: JsonObject, field: string): string {
  const value = object[field]
  return typeof value === 'string' ? value : ''
}
