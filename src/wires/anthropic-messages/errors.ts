// Errors of this wire, both ways: a provider's into our kinds, ours into the bodies that Anthropic's SDKs turn into typed errors.
import { asText, Failure, isObject, type FailureKind, type JsonObject, type JsonValue } from '#kernel'
import { decodeAwsError } from '#wires/aws-errors'
import { retryAfterMs } from '#wires/retry-after'

/** Classifies an answer that is an error: by the body's own type first, then by status. Header names are in lower case. */
export function decodeError(status: number, headers: Readonly<Record<string, string>>, bodyText: string): Failure {
  let body: JsonValue | undefined
  try {
    body = JSON.parse(bodyText) as JsonValue
  } catch {
    body = undefined
  }
  const error = isObject(body) ? (isObject(body['error']) ? body['error'] : body) : undefined
  const message = asText(error?.['message']) ?? describeText(bodyText)
  const waitMs = retryAfterMs(headers, message, body)
  // Bedrock's own errors, as against those that it passes on.
  if (headers['x-amzn-errortype'] !== undefined && !(isObject(body) && isObject(body['error'])))
    return decodeAwsError(status, headers, bodyText)
  return failureOf(status, asText(error?.['type']), message, waitMs)
}

const kindOfType = new Map<string, FailureKind>([
  ['overloaded_error', 'overloaded'],
  ['rate_limit_error', 'rate_limited'],
  ['authentication_error', 'credential_rejected'],
  ['permission_error', 'credential_rejected'],
  ['billing_error', 'account_exhausted'],
  ['not_found_error', 'target_not_found'],
  ['request_too_large', 'request_refused'],
  ['invalid_request_error', 'request_refused'],
  ['timeout_error', 'provider_error'],
])

/**
 * `status` is absent for an error inside a 200. An account that is used up is a 400 `invalid_request_error` whose words alone tell it:
 * "Your credit balance is too low ...", "You have reached your specified API usage limits ...".
 */
export function failureOf(status: number | undefined, type: string | undefined, message: string, waitMs: number | undefined): Failure {
  const kind = kindOf(status, type, message)
  const refusedStatus = kind === 'request_refused' && status !== undefined && status >= 400 && status < 500 ? { status } : {}
  return new Failure(kind, sentenceOf(kind, status, type, message), {
    ...(kind === 'request_refused' && type === 'request_too_large' ? { status: 413 } : refusedStatus),
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    upstream: { ...(status === undefined ? {} : { status }), ...(type === undefined ? {} : { type }), message },
  })
}

function kindOf(status: number | undefined, type: string | undefined, message: string): FailureKind {
  if (/credit balance is too low|reached your specified (?:workspace )?api usage limits|spend(?:ing)? limit/i.test(message))
    return 'account_exhausted'
  const known = type === undefined ? undefined : kindOfType.get(type)
  if (known === 'request_refused' && isTooLong(message)) return 'context_length_exceeded'
  if (known !== undefined) return known
  if (status === undefined || status < 400) return 'error_in_stream'
  switch (status) {
    case 401:
    case 403:
      return 'credential_rejected'
    case 402:
      return 'account_exhausted'
    case 404:
    // Of servers that are not Anthropic's: the path is none of theirs, or the model is gone.
    case 405:
    case 410:
      return 'target_not_found'
    case 429:
      return 'rate_limited'
    case 503:
    case 529:
      return 'overloaded'
    default:
      if (status >= 500 || status === 408 || status === 409 || status === 425) return 'provider_error'
      return isTooLong(message) ? 'context_length_exceeded' : 'request_refused'
  }
}

function isTooLong(message: string): boolean {
  return /prompt is too long|exceed(?:s|ed)? (?:the )?(?:model'?s? )?context (?:window|limit|length)|maximum context length/i.test(message)
}

function sentenceOf(kind: FailureKind, status: number | undefined, type: string | undefined, message: string): string {
  if (kind === 'context_length_exceeded') return tooLongSentence(message)
  const how = status === undefined ? 'reported an error inside its answer' : `answered ${status}`
  if (kind === 'request_refused') return `The provider refuses the request: ${message}`
  return `The provider ${how}${type === undefined ? '' : ` (${type})`}.`
}

/** OpenAI's sentence, because clients look for it; Anthropic's says "210000 tokens > 200000 maximum" or "A + B > C". */
function tooLongSentence(message: string): string {
  const plain = /(\d+) tokens > (\d+)/.exec(message)
  const sum = /(\d+) \+ (\d+) > (\d+)/.exec(message)
  const limit = plain?.[2] ?? sum?.[3]
  const asked = plain?.[1] ?? (sum === null ? undefined : String(Number(sum[1]) + Number(sum[2])))
  if (limit === undefined || asked === undefined) {
    return "This model's maximum context length is exceeded. Please reduce the length of the messages."
  }
  return `This model's maximum context length is ${limit} tokens. However, your messages resulted in ${asked} tokens. Please reduce the length of the messages.`
}

function describeText(text: string): string {
  const trimmed = text.trim()
  if (trimmed === '') return 'an empty body'
  return trimmed.startsWith('<') ? 'an HTML page' : trimmed.slice(0, 500)
}

/** Milliseconds from `retry-after-ms` or `retry-after` (seconds, or a date, which is read against the answer's own `date`). */
const typeOfStatus = new Map<number, string>([
  [401, 'authentication_error'],
  [402, 'billing_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [408, 'timeout_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [500, 'api_error'],
  [503, 'overloaded_error'],
  [504, 'timeout_error'],
  [529, 'overloaded_error'],
])

/** `{"type":"error","error":{type, message, code, ...},"request_id"}`: Anthropic's type for the status, our kind as `code`. */
export function encodeError(failure: Failure, requestId: string): JsonObject {
  const { param, attempts } = failure.details
  return {
    type: 'error',
    error: {
      type: typeOf(failure),
      message: failure.kind === 'context_length_exceeded' ? promptTooLong(failure.message) : failure.message,
      code: failure.kind,
      ...(param === undefined ? {} : { param }),
      // What makes the SDKs' tool runner go on with the whole conversation (@anthropic-ai/sdk, lib/internal/threads, 2026-11).
      ...(param === 'thread' ? { details: { error_code: 'thread_unsupported_request', unsupported: ['thread'] } } : {}),
      ...(attempts === undefined ? {} : { attempts: attempts.map((attempt) => ({ target: attempt.target, class: attempt.class })) }),
    },
    request_id: requestId,
  }
}

/** A budget's own limit is nothing of an account: clients take `billing_error` for the end of everything behind this address. */
function typeOf({ kind, status }: Failure): string {
  if (kind === 'budget_exceeded') return 'rate_limit_error'
  return typeOfStatus.get(status) ?? (status >= 500 ? 'api_error' : 'invalid_request_error')
}

/** Clients of this wire recognise an overflow by Anthropic's own words. */
function promptTooLong(message: string): string {
  const counts = /maximum context length is (\d+) tokens.*?(\d+) tokens/s.exec(message)
  return counts === null ? `prompt is too long: ${message}` : `prompt is too long: ${counts[2]} tokens > ${counts[1]} maximum`
}

/** An `error` event: the SDKs throw on it, and nothing after it looks like a clean end. */
export function encodeStreamError(failure: Failure, requestId: string): string {
  return `event: error\ndata: ${JSON.stringify(encodeError(failure, requestId))}\n\n`
}
