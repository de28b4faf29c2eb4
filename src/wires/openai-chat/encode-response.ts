// Response -> a chat completion.
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import type { AssistantPart, Finish, ReasoningPart, Response, ToolCallPart } from '#ir'
import type { AnswerContext } from '#wires/codec'
import { tierOf } from '#wires/openai-usage'
import { encodeTokenLogprobs } from '#wires/token-logprobs'
import { encodeAnnotations } from './annotations.ts'
import { imageUrl } from './encode-parts.ts'
import { wire } from './fields.ts'
import { encodeFinish } from './finish.ts'
import { encodeDetails } from './reasoning-details.ts'
import { encodeUsage } from './usage.ts'

export function encodeResponse(response: Response, context: AnswerContext, costUsd: number | undefined): JsonObject {
  const ext = response.ext?.[wire] ?? {}
  const { annotations, ...top } = ext
  const serviceTier = response.usage?.serviceTier
  return {
    ...top,
    id: response.id ?? context.requestId,
    object: 'chat.completion',
    created: response.created ?? context.createdSeconds,
    model: response.model ?? context.model,
    choices: [
      {
        index: 0,
        message: encodeMessage(response, annotations),
        ...response.finish.ext?.[wire],
        logprobs: encodeLogprobs(response.parts, response.finish),
        finish_reason: encodeFinish(response.finish),
      },
    ],
    ...(response.usage === undefined ? {} : { usage: encodeUsage(response.usage, costUsd) }),
    ...(serviceTier === undefined ? {} : { service_tier: tierOf(serviceTier) }),
  }
}

/** Of the texts, in one list; null when there are none. What came without a text (of a refusal) is in `ext`, as it was. */
function encodeLogprobs(parts: readonly AssistantPart[], finish: Finish): JsonValue {
  const content: JsonValue[] = parts.flatMap((part) => (part.type === 'text' ? encodeTokenLogprobs(part.logprobs ?? []) : []))
  const stray = finish.ext?.[wire]?.['logprobs']
  if (content.length === 0) return stray ?? null
  if (!isObject(stray)) return { content, refusal: null }
  return { ...stray, content: Array.isArray(stray['content']) ? [...content, ...stray['content']] : content }
}

/** Annotations of all texts, at their places in the joined content, and those that had no text. */
function allAnnotations(parts: readonly AssistantPart[], stray: JsonValue | undefined): JsonValue[] {
  let base = 0
  const annotations: JsonValue[] = []
  for (const part of parts) {
    if (part.type !== 'text') continue
    for (const each of encodeAnnotations(part.citations, base, part.text.length)) annotations.push(each)
    base += part.text.length
  }
  return Array.isArray(stray) ? [...annotations, ...stray] : annotations
}

/** Parts by kind: a message has one place for each, in this order. Tools that the provider ran itself have none. */
function encodeMessage(response: Response, strayAnnotations: JsonValue | undefined): JsonObject {
  const { parts } = response
  const annotations = allAnnotations(parts, strayAnnotations)
  const join = (type: 'text' | 'refusal' | 'reasoning') => parts.map((part) => (part.type === type ? part.text : '')).join('')
  const text = join('text')
  const refusal = join('refusal')
  const reasoning = parts.filter((part): part is ReasoningPart => part.type === 'reasoning')
  const reasoningText = join('reasoning')
  const calls = parts.filter((part): part is ToolCallPart => part.type === 'tool-call' && part.ranBy === 'client')
  const images = parts.flatMap((part) => (part.type === 'media' && part.kind === 'image' ? (imageUrl(part) ?? []) : []))
  const audio = parts.find((part) => part.type === 'opaque' && part.wire === wire && part.kind === 'audio')
  return {
    role: 'assistant',
    content: text === '' && (calls.length > 0 || refusal !== '' || audio !== undefined) ? null : text,
    refusal: refusal === '' ? null : refusal,
    ...(reasoningText === '' ? {} : { reasoning_content: reasoningText }),
    ...(reasoning.some((part) => part.seal !== undefined) ? { reasoning_details: reasoning.flatMap(encodeDetails) } : {}),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(encodeToolCall) }),
    ...(images.length === 0 ? {} : { images }),
    ...(audio?.type === 'opaque' ? { audio: audio.value } : {}),
    ...(annotations.length === 0 ? {} : { annotations }),
  }
}

export function encodeToolCall(part: ToolCallPart): JsonObject {
  const google = part.seal?.domain === 'google' ? { extra_content: { google: { thought_signature: part.seal.data } } } : {}
  const ext = part.ext?.[wire]
  return part.kind === 'custom'
    ? { ...ext, id: part.id, type: 'custom', custom: { name: part.name, input: part.args }, ...google }
    : { ...ext, id: part.id, type: 'function', function: { name: part.name, arguments: part.args }, ...google }
}
