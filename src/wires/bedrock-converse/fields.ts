// Names of this wire, and readers of what a provider sends on it.
import type { JsonObject } from '#kernel'
import type { Ext } from '#ir'

export const wire = 'bedrock-converse'

/**
 * Claude's signatures and redacted thinking are the same on Bedrock, Vertex and Anthropic's own API ("Extended thinking: compatibility of
 * signatures across platforms"); of the models behind Converse only Claude seals.
 */
export const sealDomain = 'anthropic'

export function ownExt(ext: Ext | undefined): JsonObject | undefined {
  return ext?.[wire]
}

/** The fields of an object that are in `kept`, as `ext` of this wire. */
export function extOf(object: JsonObject, kept: readonly string[]): { ext?: Ext } {
  const found = kept.filter((key) => object[key] !== undefined && object[key] !== null)
  return found.length === 0 ? {} : { ext: { [wire]: Object.fromEntries(found.map((key) => [key, object[key]!])) } }
}
