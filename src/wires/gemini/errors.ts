// Errors of this wire, both ways: Google's `{error: {code, message, status, details}}` (https://google.aip.dev/193).
import { asText, Failure, isObject, type FailureKind, type JsonObject, type JsonValue } from '#kernel'
import * as provider from '#wires/provider-errors'
import { listOf } from './fields.ts'

/** Classifies an answer that is an error. Header names are in lower case. */
export function decodeError(status: number, headers: Readonly<Record<string, string>>, bodyText: string): Failure {
  return withDetails(provider.decodeError(status, headers, bodyText), parsed(bodyText))
}

/** The failure that a chunk or a whole body describes; undefined when it is no error. */
export function failureIn(body: JsonObject): Failure | undefined {
  const { error } = body
  if (!isObject(error) && typeof error !== 'string') return undefined
  const said = provider.findError(body)
  return said === undefined ? undefined : withDetails(provider.streamFailure(said, JSON.stringify(body)), body)
}

/** Reasons of `google.rpc.ErrorInfo` that say more than the status. */
const kindOfReason: ReadonlyMap<JsonValue, FailureKind> = new Map<JsonValue, FailureKind>([
  ['API_KEY_INVALID', 'credential_rejected'],
  ['API_KEY_SERVICE_BLOCKED', 'credential_rejected'],
  ['ACCESS_TOKEN_EXPIRED', 'credential_rejected'],
  ['SERVICE_DISABLED', 'credential_rejected'],
  ['CONSUMER_SUSPENDED', 'credential_rejected'],
  ['BILLING_DISABLED', 'account_exhausted'],
])

/** What Google's details and words say beyond the status: a quota of a day is used up, one of a minute is a rate. */
function withDetails(failure: Failure, body: JsonValue | undefined): Failure {
  const first = Array.isArray(body) ? body[0] : body
  const error = isObject(first) && isObject(first['error']) ? first['error'] : {}
  const details = listOf(error['details'])
  const reason = details.map((detail) => kindOfReason.get(detail['reason'] ?? null)).find((kind) => kind !== undefined)
  const message = asText(error['message']) ?? ''
  if (reason !== undefined && reason !== failure.kind) return as(reason, failure)
  // A key without access in its country: no request of this account will do.
  if (error['status'] === 'FAILED_PRECONDITION' && /location is not supported|enable billing/i.test(message))
    return as('credential_rejected', failure)
  if (failure.kind === 'rate_limited' && isUsedUp(details, message)) return as('account_exhausted', failure)
  return failure
}

/** RetryInfo stands beside daily quotas too, with seconds that don't help. "limit: 0": the account's plan has no such model. */
function isUsedUp(details: readonly JsonObject[], message: string): boolean {
  const quotas = details.flatMap((detail) => listOf(detail['violations'])).map((violation) => asText(violation['quotaId']) ?? '')
  return quotas.some((quota) => /PerDay/i.test(quota)) || /limit: 0\b|prepayment credits are depleted/i.test(message)
}

const sentences: Partial<Record<FailureKind, string>> = {
  account_exhausted: "The operator's account at the provider is used up.",
  credential_rejected: "The provider rejects the operator's credential.",
}

function as(kind: FailureKind, { details }: Failure): Failure {
  const { retryAfterMs: _wait, status: _status, ...rest } = details
  return new Failure(kind, sentences[kind]!, rest)
}

function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    return undefined
  }
}

const words: ReadonlyMap<number, string> = new Map([
  [400, 'INVALID_ARGUMENT'],
  [401, 'UNAUTHENTICATED'],
  [402, 'FAILED_PRECONDITION'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [408, 'DEADLINE_EXCEEDED'],
  [409, 'ABORTED'],
  [413, 'INVALID_ARGUMENT'],
  [415, 'INVALID_ARGUMENT'],
  [429, 'RESOURCE_EXHAUSTED'],
  [499, 'CANCELLED'],
  [500, 'INTERNAL'],
  [502, 'UNAVAILABLE'],
  [503, 'UNAVAILABLE'],
  [504, 'DEADLINE_EXCEEDED'],
])

/** `error` is the first member, as Google's Python SDK looks for it in streams; our kind is the reason in the details. */
export function encodeError(failure: Failure, requestId: string): JsonObject {
  const { param, retryAfterMs, attempts } = failure.details
  const message = failure.kind === 'context_length_exceeded' ? tooLong(failure.message) : failure.message
  const details: JsonObject[] = [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: failure.kind.toUpperCase(),
      domain: 'turnpike',
      metadata: { requestId, ...(param === undefined ? {} : { param }) },
    },
  ]
  if (param !== undefined) {
    details.push({ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field: param, description: message }] })
  }
  if (retryAfterMs !== undefined) {
    details.push({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${Number((retryAfterMs / 1_000).toFixed(3))}s` })
  }
  return {
    error: {
      code: failure.status,
      message,
      status: words.get(failure.status) ?? (failure.status >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT'),
      details,
      ...(attempts === undefined ? {} : { attempts: attempts.map((attempt) => ({ target: attempt.target, class: attempt.class })) }),
    },
  }
}

/** Clients of this wire recognise an overflow by Google's own words. */
function tooLong(message: string): string {
  const counts = /maximum context length is (\d+) tokens.*?(\d+) tokens/s.exec(message)
  if (counts === null) return message.includes('input token count') ? message : `The input token count exceeds the maximum: ${message}`
  return `The input token count (${counts[2]}) exceeds the maximum number of tokens allowed (${counts[1]}).`
}

/** One chunk without a finish reason: @google/genai and google-genai throw on `error`. */
export function encodeStreamError(failure: Failure, requestId: string): string {
  return `data: ${JSON.stringify(encodeError(failure, requestId))}\n\n`
}
