// Errors of this wire as a client must see them. What providers send is read by `#wires/provider-errors`.
import type { Failure, JsonObject } from '#kernel'
import { encodeOpenaiError } from '#wires/openai-errors'
import { emptyResponse } from './response-object.ts'

/** `{error: {message, type, param, code}}`, as every endpoint of OpenAI's has it. */
export function encodeError(failure: Failure): JsonObject {
  return encodeOpenaiError(failure, 'input')
}

/**
 * The `error` event in both published forms at once: OpenAI's document has its fields at the top, OpenAI's servers and OpenResponses have
 * them in `error`, which is where OpenAI's SDK looks.
 */
export function errorEvent(failure: Failure, sequence: number): string {
  const { error } = encodeError(failure) as { error: JsonObject }
  const { message, code, param } = error
  return frame('error', { type: 'error', sequence_number: sequence, code: code!, message: message!, param: param!, error })
}

export function frame(event: string, data: JsonObject): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

/** Codex reads only `response.failed`, and knows these codes; OpenAI's document has no others. */
export function responseError(failure: Failure): JsonObject {
  const { message } = (encodeError(failure) as { error: { message: string } }).error
  switch (failure.kind) {
    case 'context_length_exceeded':
      return { code: 'context_length_exceeded', message }
    case 'rate_limited':
    case 'loop_detected':
      return { code: 'rate_limit_exceeded', message }
    case 'invalid_request':
    case 'unsupported_feature':
    case 'request_refused':
      return { code: 'invalid_prompt', message }
    default:
      return { code: 'server_error', message }
  }
}

/** Behind bytes of another's stream: its numbers are not known here, and nobody counts after an error. */
export function encodeStreamError(failure: Failure, requestId: string): string {
  const response = { ...emptyResponse(requestId), status: 'failed', error: responseError(failure) }
  return errorEvent(failure, 0) + frame('response.failed', { type: 'response.failed', sequence_number: 1, response })
}
