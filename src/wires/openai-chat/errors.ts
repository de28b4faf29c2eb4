// Errors of this wire as a client must see them. What providers send is read by `#wires/provider-errors`.
import type { Failure, JsonObject } from '#kernel'
import { encodeOpenaiError } from '#wires/openai-errors'

export function encodeError(failure: Failure): JsonObject {
  return encodeOpenaiError(failure, 'messages')
}

/** One frame, without `[DONE]` and without a finish reason: OpenAI's SDK throws on `error`. */
export function encodeStreamError(failure: Failure): string {
  return `data: ${JSON.stringify(encodeError(failure))}\n\n`
}
