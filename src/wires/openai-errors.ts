// Errors as OpenAI's APIs write them.
import type { Failure, JsonObject } from '#kernel'
import { contextSentence } from './context-length.ts'

/**
 * `{error: {message, type, param, code}}`. OpenAI's `type` follows the status: 401, 403 and 404 are `invalid_request_error` too; its SDK
 * chooses the class by status alone. A refused request keeps the upstream's own words. `prompt` is the field
 * that a prompt which is too long stands in.
 */
export function encodeOpenaiError(failure: Failure, prompt: string): JsonObject {
  const { kind, details } = failure
  const own = kind === 'request_refused' ? details.upstream : undefined
  return {
    error: {
      message: kind === 'context_length_exceeded' ? contextSentence(failure.message) : failure.message,
      type: own?.type ?? typeOf(failure),
      param: details.param ?? (kind === 'context_length_exceeded' ? prompt : null),
      code: own === undefined ? kind : (own.code ?? null),
      ...(details.attempts === undefined
        ? {}
        : { attempts: details.attempts.map(({ target, class: kindOfAttempt }) => ({ target, class: kindOfAttempt })) }),
    },
  }
}

function typeOf(failure: Failure): string {
  if (failure.status === 429) return 'requests'
  return failure.status >= 500 || failure.fault !== 'client' ? 'server_error' : 'invalid_request_error'
}
