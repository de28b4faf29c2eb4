// Response -> a chat completion.
import type { JsonObject, JsonValue } from '#kernel'
import type { ReasoningPart, Response, ToolCallPart } from '#ir'
import type { AnswerContext } from '#wires/codec'
import { imageUrl } from './encode-parts.ts'
import { wire } from './fields.ts'
import { encodeFinish } from './finish.ts'
import { encodeDetail } from './reasoning-details.ts'
import { encodeUsage } from './usage.ts'

export function encodeResponse(response: Response, context: AnswerContext, costUsd: number | undefined): JsonObject {
  const ext = response.ext?.[wire] ?? {}
  const { annotations, ...top } = ext
  const choice = response.finish.ext?.[wire] ?? {}
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
        logprobs: null,
        ...choice,
        finish_reason: encodeFinish(response.finish),
      },
    ],
    ...(response.usage === undefined ? {} : { usage: encodeUsage(response.usage, costUsd) }),
    ...(serviceTier === undefined ? {} : { service_tier: serviceTier }),
  }
}

/** Parts by kind: a message has one place for each, in this order. Tools that the provider ran itself have none. */
function encodeMessage(response: Response, annotations: JsonValue | undefined): JsonObject {
  const { parts } = response
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
    ...(reasoning.some((part) => part.seal !== undefined) ? { reasoning_details: reasoning.map(encodeDetail) } : {}),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(encodeToolCall) }),
    ...(images.length === 0 ? {} : { images }),
    ...(audio?.type === 'opaque' ? { audio: audio.value } : {}),
    ...(annotations === undefined ? {} : { annotations }),
  }
}

export function encodeToolCall(part: ToolCallPart): JsonObject {
  const google = part.seal?.domain === 'google' ? { extra_content: { google: { thought_signature: part.seal.data } } } : {}
  const ext = part.ext?.[wire]
  return part.kind === 'custom'
    ? { ...ext, id: part.id, type: 'custom', custom: { name: part.name, input: part.args }, ...google }
    : { ...ext, id: part.id, type: 'function', function: { name: part.name, arguments: part.args }, ...google }
}
