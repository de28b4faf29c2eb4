// Errors of providers in the formats there are: read, and classified by status, codes and words.
import { asText, Failure, isObject, type FailureDetails, type FailureKind, type JsonObject, type JsonValue } from '#kernel'
import { contextSentence, isContextLength } from './context-length.ts'
import { present } from './present.ts'
import { retryAfterMs } from './retry-after.ts'

/** What an error body says, whatever its shape. */
export type SaidError = {
  readonly message: string
  readonly code: string
  readonly type: string
  /** An HTTP status inside the body: OpenRouter's and Google's numeric `code`, Azure's `status`. */
  readonly status?: number
}

/**
 * The error in a body or stream frame; undefined when it holds none. Shapes: OpenAI `{error: {message, type, code}}`, `{error: "..."}`
 * (Ollama), `{object: "error", message}` (vLLM), `{message, code | type}` (Mistral), `{id, message}` (Cohere), `{detail}` (FastAPI), `[{error}]` (Gemini),
 * `{errors: [..]}` (Cloudflare), `choices[0].error` (OpenRouter).
 */
export function findError(body: JsonValue): SaidError | undefined {
  if (Array.isArray(body)) return body.length > 0 ? findError(body[0]!) : undefined
  if (!isObject(body)) return undefined
  const error = body['error']
  if (isObject(error)) return read(error)
  if (typeof error === 'string' && error !== '')
    return { message: error, code: asText(body['code']) ?? '', type: asText(body['type']) ?? '' }
  const choices = body['choices']
  if (Array.isArray(choices)) {
    const choice = choices[0]
    return isObject(choice) && isObject(choice['error']) ? read(choice['error']) : undefined
  }
  if (body['object'] === 'error' || asText(body['message']) !== undefined) return read(body)
  if (Array.isArray(body['errors']) && isObject(body['errors'][0])) return read(body['errors'][0])
  const detail = body['detail']
  if (detail === undefined || detail === null) return undefined
  return { message: typeof detail === 'string' ? detail : JSON.stringify(detail), code: '', type: '' }
}

function read(error: JsonObject): SaidError {
  const code = error['code']
  const status = [error['status'], code, error['status_code']]
    .map(Number)
    .find((value) => Number.isInteger(value) && value >= 400 && value <= 599)
  const metadata = isObject(error['metadata']) ? error['metadata'] : {}
  // OpenRouter puts the words of the provider behind it into `metadata.raw`.
  const raw = asText(metadata['raw'])
  const message = typeof error['message'] === 'string' ? error['message'] : JSON.stringify(error['message'] ?? error)
  return {
    message: raw === undefined ? message : `${message}: ${raw}`,
    code: typeof code === 'number' ? String(code) : (asText(code) ?? ''),
    type: asText(error['type']) ?? asText(error['status']) ?? asText(metadata['error_type']) ?? '',
    ...(status === undefined ? {} : { status }),
  }
}

const maxMessage = 2_000

/** A non-2xx answer, or a body inside a 200 that is no answer: whose fault it is, and what it means for the next attempt. */
export function decodeError(status: number, headers: Readonly<Record<string, string>>, bodyText: string): Failure {
  const body = parse(bodyText)
  const said = body === undefined ? undefined : findError(body)
  if (status < 400) {
    if (said !== undefined) return streamFailure(said, bodyText)
    if (bodyText.trim() === '')
      return new Failure('empty_response', `The provider answered ${status} with an empty body.`, { upstream: { status } })
    const message = plainWords(bodyText)
    return new Failure('bad_response', `The provider answered ${status} with something that is not a chat completion.`, {
      upstream: { status, message },
    })
  }
  const error = said ?? { message: plainWords(bodyText), code: '', type: '' }
  return failureOf(classify(status, error), status, error, retryAfterMs(headers, error.message, body))
}

/** An error that came inside a 200: classified where its own words are clear, else `error_in_stream`. */
export function streamFailure(said: SaidError, bodyText = ''): Failure {
  const status = said.status ?? 0
  const kind = classify(status, said)
  return failureOf(kind === 'provider_error' ? 'error_in_stream' : kind, status, said, retryAfterMs({}, said.message, parse(bodyText)))
}

function parse(bodyText: string): JsonValue | undefined {
  try {
    return JSON.parse(bodyText) as JsonValue
  } catch {
    return undefined
  }
}

/** Words of a body that is not JSON: an HTML page's title, or its beginning. */
function plainWords(bodyText: string): string {
  const title = /<title[^>]*>([^<]*)<\/title>/i.exec(bodyText)?.[1]
  return (title ?? bodyText.replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ').trim().slice(0, 300)
}

const quotaCodes = new Set([
  'insufficient_quota',
  'billing_hard_limit_reached',
  'billing_not_active',
  'exceeded_current_quota_error',
  'insufficient_balance',
])
const quotaWords =
  /insufficient[ _](?:balance|quota|credits?|funds)|credit balance is too low|out of credits|used all available credits|monthly spending limit|limited to \d+ API calls \/ month/i
const credentialCodes = new Set([
  'invalid_api_key',
  'authentication_error',
  'permission_error',
  'api_key_invalid',
  'unauthenticated',
  'permission_denied',
])
const modelCodes = new Set(['model_not_found', 'deploymentnotfound', 'model_not_available'])
const rateCodes = new Set(['rate_limit_exceeded', 'rate_limit_error', 'too_many_requests', 'resource_exhausted', 'rate_limited'])
const overloadCodes = new Set([
  'overloaded_error',
  'overloaded',
  'unavailable',
  'service_unavailable',
  'server_overloaded',
  'provider_overloaded',
  'engine_overloaded',
])
const requestCodes = new Set(['content_filter', 'content_policy_violation'])

/** Status 0: inside a 200, only words count. */
function classify(status: number, { message, code, type }: SaidError): FailureKind {
  const words = [code.toLowerCase(), type.toLowerCase()]
  const says = (codes: ReadonlySet<string>) => words.some((word) => codes.has(word))
  if (status === 402 || says(quotaCodes) || (status < 500 && quotaWords.test(message))) return 'account_exhausted'
  if (status === 429) return 'rate_limited'
  if (status === 503 || status === 529 || status === 498) return 'overloaded'
  if (status >= 500) return says(overloadCodes) ? 'overloaded' : 'provider_error'
  if (isContextLength(message, code)) return 'context_length_exceeded'
  // OpenRouter's moderation answers 403; the request is at fault, not the account.
  if (status === 403 && (says(requestCodes) || /moderation|flagged/i.test(message))) return 'request_refused'
  if (status === 401 || status === 403 || says(credentialCodes) || (status === 400 && /api key not valid/i.test(message)))
    return 'credential_rejected'
  if (says(modelCodes) || status === 404 || status === 405 || status === 410) return 'target_not_found'
  if (says(rateCodes)) return 'rate_limited'
  if (says(overloadCodes)) return 'overloaded'
  if (status === 408 || status === 409 || status === 425) return 'provider_error'
  if (status >= 400 || says(requestCodes)) return 'request_refused'
  return 'provider_error'
}

const sentences: Partial<Record<FailureKind, string>> = {
  account_exhausted: "The operator's account at the provider is used up",
  rate_limited: 'The provider limits the rate of this account',
  overloaded: 'The provider is overloaded',
  credential_rejected: "The provider rejects the operator's credential",
  target_not_found: 'The provider does not know this model or path',
  provider_error: 'The provider failed',
  error_in_stream: 'The provider reported an error inside its answer',
}

function failureOf(kind: FailureKind, status: number, said: SaidError, waitMs: number | undefined): Failure {
  const message = said.message.slice(0, maxMessage)
  const details = present<FailureDetails>({
    // The provider's own 4xx is passed on only where the request is at fault.
    status: kind === 'request_refused' && status >= 400 && status < 500 ? status : undefined,
    retryAfterMs: waitMs,
    upstream: present<NonNullable<FailureDetails['upstream']>>({
      status: status === 0 ? undefined : status,
      code: said.code === '' ? undefined : said.code,
      type: said.type === '' ? undefined : said.type,
      message: message === '' ? undefined : message,
    }),
  })
  if (kind === 'context_length_exceeded') return new Failure(kind, contextSentence(message), details)
  if (kind === 'request_refused')
    return new Failure(kind, message === '' ? `The provider refused the request with status ${status}.` : message, details)
  return new Failure(kind, `${sentences[kind] ?? 'The provider failed'}${status === 0 ? '' : ` (status ${status})`}.`, details)
}
