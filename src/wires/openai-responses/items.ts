// Items of the Responses API that stand for something in the IR, and the words for those that don't.
import { asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { MediaPart, OpaquePart, Seal, ToolCallPart } from '#ir'
import { asExt, isGiven, restOf, wire } from './fields.ts'

/** Reasoning that a client shows us without our mark is of the vendor whose API this is. */
export const vendorDomain = 'openai'

/** A part of a message's content that the IR has no word for: told apart from items, which are opaque by their own type. */
const contentPrefix = 'content/'

export function opaqueItem(item: JsonObject): OpaquePart {
  return { type: 'opaque', wire, kind: asText(item['type']) ?? '', value: item }
}

export function opaqueContent(part: JsonObject): OpaquePart {
  return { type: 'opaque', wire, kind: `${contentPrefix}${asText(part['type']) ?? ''}`, value: part }
}

export function isContent(part: OpaquePart): boolean {
  return part.kind.startsWith(contentPrefix)
}

/** Argument text as it was written; some servers and clients send the object itself. */
export function argsText(value: JsonValue | undefined): string {
  if (typeof value === 'string') return value
  return isGiven(value) ? JSON.stringify(value) : ''
}

/** Gemini's calls are sealed, and the seal must come back: it travels as it does in chat completions. */
export function thoughtSignature(item: JsonObject): Seal | undefined {
  const extra = item['extra_content']
  const google = isObject(extra) ? extra['google'] : undefined
  const data = isObject(google) ? asText(google['thought_signature']) : undefined
  return data === undefined ? undefined : { domain: 'google', kind: 'signature', data }
}

export function sealedCall(seal: Seal | undefined): JsonObject {
  return seal?.domain === 'google' ? { extra_content: { google: { thought_signature: seal.data } } } : {}
}

/** The type and the argument field of a call. */
export function callShape(kind: ToolCallPart['kind']): { readonly type: string; readonly argument: 'arguments' | 'input' } {
  return kind === 'custom' ? { type: 'custom_tool_call', argument: 'input' } : { type: 'function_call', argument: 'arguments' }
}

const imageFields = new Set(['type', 'result'])

/** A generated image; undefined while there is none (it failed, or the result was left out). */
export function decodeImage(item: JsonObject): MediaPart | undefined {
  const result = asText(item['result'])
  if (result === undefined) return undefined
  const format = asText(item['output_format']) ?? 'png'
  const source = result.startsWith('http')
    ? ({ type: 'url', url: result } as const)
    : ({ type: 'base64', mediaType: `image/${format}`, data: result } as const)
  return { type: 'media', kind: 'image', source, ...asExt(restOf(item, imageFields)) }
}

/** undefined: this wire's answers hold no such media. An address stands there only where it came so. */
export function encodeImage(part: MediaPart, id: string): JsonObject | undefined {
  const { source } = part
  if (part.kind !== 'image' || source.type === 'file' || (source.type === 'url' && part.ext?.[wire] === undefined)) return undefined
  const result = source.type === 'url' ? source.url : source.data
  const own = part.ext?.[wire] ?? (source.type === 'base64' ? { output_format: source.mediaType.replace(/^image\//, '') } : {})
  return { id, type: 'image_generation_call', status: 'completed', ...own, result }
}
