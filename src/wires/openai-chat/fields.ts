// What the fields of this wire's objects have in common; the readers of OpenAI's wires are shared.
import { isObject, type JsonObject } from '#kernel'
import type { CacheMark, Ext } from '#ir'

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

export const wire = 'openai-chat'

export function cacheOf(object: JsonObject): { cache?: CacheMark } {
  const mark = object['cache_control']
  return isObject(mark) ? { cache: mark } : {}
}

export function asExt(rest: JsonObject | undefined): { ext?: Ext } {
  return rest === undefined ? {} : { ext: { [wire]: rest } }
}
