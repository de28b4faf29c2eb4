// Errors of AWS's services: the answer to a call, or an exception inside a stream, as one of our kinds. Names and statuses as of 2026-11:
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors
import { asText, Failure, isObject, type FailureKind } from '#kernel'
import { contextSentence, isContextLength } from './context-length.ts'
import { retryAfterMs } from './retry-after.ts'

/** An answer with an error status: the exception's name stands in a header, or in the body as `__type`. */
export function decodeAwsError(status: number, headers: Readonly<Record<string, string>>, bodyText: string): Failure {
  let body: unknown
  try {
    body = JSON.parse(bodyText)
  } catch {
    body = undefined
  }
  const fields = isObject(body) ? body : {}
  const type = headers['x-amzn-errortype'] ?? asText(fields['__type']) ?? asText(fields['code'])
  if (status < 400 && type === undefined) {
    const [kind, what] =
      bodyText.trim() === '' ? (['empty_response', 'an empty body'] as const) : (['bad_response', "something that is not AWS's"] as const)
    return new Failure(kind, `The provider answered ${status} with ${what}.`, { upstream: { status, message: describe(bodyText) } })
  }
  const message = asText(fields['message']) ?? asText(fields['Message']) ?? describe(bodyText)
  return awsFailure(status, type, message, retryAfterMs(headers, message, undefined))
}

/** `status` is absent for an exception inside a stream, whose name begins with a small letter. */
export function awsFailure(status: number | undefined, type: string | undefined, message: string, waitMs?: number): Failure {
  const name = exceptionName(type)
  const kind = kindOf(status, name, message)
  const passes = kind === 'request_refused' && status !== undefined && status >= 400 && status < 500
  return new Failure(kind, sentenceOf(kind, status, name, message), {
    ...(passes ? { status } : {}),
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    upstream: { ...(status === undefined ? {} : { status }), ...(name === '' ? {} : { type: name }), message },
  })
}

/** `ValidationException:http://internal.amazon.com/coral/...`, `com.amazon.coral#ValidationException`, `validationException`. */
export function exceptionName(type: string | undefined): string {
  const name = (type ?? '').split(':')[0]!.split('#').at(-1)!.trim()
  return name.slice(0, 1).toUpperCase() + name.slice(1)
}

const kinds = new Map<string, FailureKind>([
  ['ThrottlingException', 'rate_limited'],
  ['TooManyRequestsException', 'rate_limited'],
  ['ServiceQuotaExceededException', 'rate_limited'],
  ['ModelNotReadyException', 'overloaded'],
  ['ServiceUnavailableException', 'overloaded'],
  ['InternalServerException', 'provider_error'],
  ['InternalFailure', 'provider_error'],
  ['ModelErrorException', 'provider_error'],
  ['ModelStreamErrorException', 'provider_error'],
  ['ModelTimeoutException', 'provider_error'],
  ['AccessDeniedException', 'credential_rejected'],
  ['ExpiredTokenException', 'credential_rejected'],
  ['IncompleteSignatureException', 'credential_rejected'],
  ['InvalidClientTokenId', 'credential_rejected'],
  ['InvalidSignatureException', 'credential_rejected'],
  ['MissingAuthenticationTokenException', 'credential_rejected'],
  ['NotAuthorized', 'credential_rejected'],
  ['OptInRequired', 'credential_rejected'],
  ['SignatureDoesNotMatch', 'credential_rejected'],
  ['UnrecognizedClientException', 'credential_rejected'],
  ['ResourceNotFoundException', 'target_not_found'],
  ['UnknownOperationException', 'target_not_found'],
  ['ValidationException', 'request_refused'],
])

/** What a ValidationException says when not the request is at fault but the model's id, or this account's access to it. */
const aboutModel =
  /model identifier is invalid|on-demand throughput isn.t supported|model (?:id )?.{0,80}(?:is|was) not (?:found|supported)/i
const aboutAccount = /^operation not allowed/i
/** Bedrock's own words beside those of the vendors whose models it serves: Nova, then Titan. */
const tooLong = /input tokens? exceed|number of input tokens exceeds|too many input tokens|exceed context limit/i

function kindOf(status: number | undefined, name: string, message: string): FailureKind {
  const known = kinds.get(name) ?? kindOfStatus(status)
  if (known !== 'request_refused') return known
  if (isContextLength(message, '') || tooLong.test(message)) return 'context_length_exceeded'
  if (aboutModel.test(message)) return 'target_not_found'
  return aboutAccount.test(message) ? 'credential_rejected' : known
}

function kindOfStatus(status: number | undefined): FailureKind {
  if (status === undefined || status < 400) return 'error_in_stream'
  switch (status) {
    case 401:
    case 403:
      return 'credential_rejected'
    case 404:
      return 'target_not_found'
    case 429:
      return 'rate_limited'
    case 503:
      return 'overloaded'
    default:
      return status >= 500 || status === 408 || status === 424 ? 'provider_error' : 'request_refused'
  }
}

function sentenceOf(kind: FailureKind, status: number | undefined, name: string, message: string): string {
  if (kind === 'context_length_exceeded') return contextSentence(message)
  if (kind === 'request_refused') return `The provider refuses the request: ${message}`
  const how = status === undefined ? 'reported an error inside its answer' : `answered ${status}`
  return `The provider ${how}${name === '' ? '' : ` (${name})`}.`
}

function describe(text: string): string {
  const trimmed = text.trim()
  if (trimmed === '') return 'an empty body'
  return trimmed.startsWith('<') ? 'an HTML page' : trimmed.slice(0, 500)
}
