// Errors of this wire as a client must see them. What providers send is read by `#wires/provider-errors`.
import type { Failure, JsonObject } from '#kernel'
import { contextSentence } from '#wires/context-length'

/**
 * `{error: {message, type, param, code}}`. OpenAI's `type` follows the status: 401, 403 and 404 are `invalid_request_error` too; its SDK
 * chooses the class by status alone. A refused request keeps the upstream's own words.
 */
export function encodeError(failure: Failure): JsonObject {
  const { kind, details } = failure
  const own = kind === 'request_refused' ? details.upstream : undefined
  return {
    error: {
      message: kind === 'context_length_exceeded' ? contextSentence(failure.message) : failure.message,
      type: own?.type ?? typeOf(failure),
      param: details.param ?? (kind === 'context_length_exceeded' ? 'messages' : null),
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

/** One frame, without `[DONE]` and without a finish reason: OpenAI's SDK throws on `error`. */
export function encodeStreamError(failure: Failure): string {
  return `data: ${JSON.stringify(encodeError(failure))}\n\n`
}
