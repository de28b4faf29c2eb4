// Reasoning on this wire: plain text fields, and OpenRouter's `reasoning_details`, which carry seals. Both ways.
// https://openrouter.ai/docs/use-cases/reasoning-tokens (2026-11)
import { asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { ReasoningPart, Seal } from '#ir'

/** OpenRouter's `format` names who can open a seal. */
const domains: ReadonlyMap<string, string> = new Map([
  ['anthropic-claude-v1', 'anthropic'],
  ['openai-responses-v1', 'openai'],
  ['azure-openai-responses-v1', 'openai'],
  ['google-gemini-v1', 'google'],
  ['xai-responses-v1', 'xai'],
])
const formats: ReadonlyMap<string, string> = new Map([
  ['anthropic', 'anthropic-claude-v1'],
  ['openai', 'openai-responses-v1'],
  ['google', 'google-gemini-v1'],
  ['xai', 'xai-responses-v1'],
])

/** The reasoning text of a message or delta: `reasoning_content` (DeepSeek and most), or `reasoning` (OpenRouter, Groq, vLLM). */
export function plainReasoning(message: JsonObject): string {
  return asText(message['reasoning_content']) ?? asText(message['reasoning']) ?? ''
}

/** One entry of `reasoning_details`, read. An entry that is neither text nor sealed is undefined. */
export function decodeDetail(detail: JsonValue): ReasoningPart | undefined {
  if (!isObject(detail)) return undefined
  const domain = domains.get(asText(detail['format']) ?? '') ?? asText(detail['format']) ?? 'unknown'
  const item = asText(detail['id'])
  const itemId = item === undefined ? {} : { itemId: item }
  if (detail['type'] === 'reasoning.encrypted') {
    const data = asText(detail['data'])
    if (data === undefined) return undefined
    // Anthropic's redacted thinking travels under the same name.
    return { type: 'reasoning', text: '', seal: { domain, kind: domain === 'anthropic' ? 'redacted' : 'encrypted', data, ...itemId } }
  }
  const isSummary = detail['type'] === 'reasoning.summary'
  const text = asText(isSummary ? detail['summary'] : detail['text']) ?? ''
  const signature = asText(detail['signature'])
  if (text === '' && signature === undefined) return undefined
  const seal: { seal?: Seal } = signature === undefined ? {} : { seal: { domain, kind: 'signature', data: signature, ...itemId } }
  return { type: 'reasoning', text, ...(isSummary ? { summary: true } : {}), ...seal }
}

/** Entries of `reasoning_details` with a part's whole text, so that a client can send it back as it came: the words, and what is sealed. */
export function encodeDetails(
  part: { readonly text: string; readonly summary?: boolean; readonly seal?: Seal },
  index: number,
): JsonObject[] {
  const { seal } = part
  const id = seal?.itemId === undefined ? {} : { id: seal.itemId }
  const format = { format: seal === undefined ? 'unknown' : (formats.get(seal.domain) ?? seal.domain), index }
  const words = part.summary === true ? { type: 'reasoning.summary', summary: part.text } : { type: 'reasoning.text', text: part.text }
  if (seal === undefined) return [{ ...words, ...format }]
  if (seal.kind === 'signature') return [{ ...words, signature: seal.data, ...id, ...format }]
  const sealed = { type: 'reasoning.encrypted', data: seal.data, ...id, ...format }
  return part.text === '' ? [sealed] : [{ ...words, ...id, ...format }, sealed]
}

/** The reasoning of a whole message, in order. Details are the better partition of the text; without text of theirs, the plain field is. */
export function decodeReasoning(message: JsonObject): ReasoningPart[] {
  const plain = plainReasoning(message)
  const details = Array.isArray(message['reasoning_details']) ? message['reasoning_details'] : []
  const parts = details.map(decodeDetail).filter((part) => part !== undefined)
  if (plain === '' || parts.some((part) => part.text !== '')) return parts
  // Clients that drop the text of details keep the signature: it seals the plain text.
  const signed = parts.findIndex((part) => part.seal?.kind === 'signature')
  if (signed === -1) return [{ type: 'reasoning', text: plain }, ...parts]
  return parts.map((part, index) => (index === signed ? { ...part, text: plain } : part))
}
