// Response -> a whole message for an Anthropic client.
import type { JsonObject } from '#kernel'
import type { Response } from '#ir'
import type { AnswerContext } from '#wires/codec'
import { encodeAnswerPart } from './encode-blocks.ts'
import { ownExt } from './fields.ts'
import { encodeFinish } from './finish.ts'
import { encodeUsage } from './usage.ts'

export function encodeResponse(response: Response, context: AnswerContext, costUsd: number | undefined): JsonObject {
  const content: JsonObject[] = []
  for (const part of response.parts) {
    const block = encodeAnswerPart(part)
    if (block !== undefined) content.push(block)
  }
  const held = {
    toolCalls: response.parts.some((part) => part.type === 'tool-call' && part.ranBy === 'client'),
    refusal: response.parts.some((part) => part.type === 'refusal'),
  }
  return {
    id: response.id ?? messageId(context),
    type: 'message',
    role: 'assistant',
    model: response.model ?? context.model,
    content,
    ...encodeFinish(response.finish, held),
    usage: encodeUsage(response.usage, costUsd),
    ...ownExt(response.ext),
  }
}

export function messageId(context: AnswerContext): string {
  return `msg_${context.requestId}`
}
