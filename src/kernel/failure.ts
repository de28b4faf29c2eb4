// The one error class: a closed set of kinds, and the one table that says what each kind means.

/** Whose fault a failure is. `credential` is the operator's account at a provider. */
export type Fault = 'client' | 'gateway' | 'provider' | 'credential'

export type FailureRow = {
  /** HTTP status when the failure reaches a client before the head went out. */
  readonly status: number
  /** Worth trying on another target (or later on this one). */
  readonly retryable: boolean
  readonly fault: Fault
  /** One sentence for the public error reference. */
  readonly means: string
}

/**
 * Every kind of failure. The first group reaches clients under its own name as `error.code`; the kinds with fault
 * `provider` or `credential` describe attempts, and reach clients only inside `all_targets_failed`.
 */
export const failureTable = {
  /** A target whose wire has a place for the field, or whose bytes pass, may take it. */
  invalid_request: row(400, true, 'client', 'The body is not JSON, or a field is missing, wrong or unknown; `param` names it.'),
  context_length_exceeded: row(400, true, 'client', 'The prompt does not fit the context window of the model.'),
  unpriced_model: row(400, true, 'client', 'The model has no price here, and the key has a budget: price it, or mark it as free.'),
  unsupported_feature: row(
    400,
    true,
    'client',
    'A part of the request cannot be carried to this target; with `x-turnpike-strict`, any part.',
  ),
  invalid_api_key: row(401, false, 'client', 'No gateway key was sent, or it is not one of this instance.'),
  key_expired: row(401, false, 'client', 'The gateway key was right, and its time is over, or a rotation has replaced it.'),
  key_revoked: row(401, false, 'client', 'The gateway key has been revoked.'),
  budget_exceeded: row(
    402,
    true,
    'client',
    'A budget of the key, its user, its team or the instance is used up; the message says which, and when it resets.',
  ),
  insufficient_balance: row(402, false, 'client', 'The prepaid balance that the key draws on does not cover the request.'),
  forbidden: row(403, false, 'client', 'The key may not do this.'),
  unknown_url: row(404, false, 'client', 'There is no such path; the message names the nearest one.'),
  method_not_allowed: row(405, false, 'client', 'The path exists, but not for this method.'),
  model_not_found: row(404, false, 'client', 'No provider of this instance serves that model; the message names the nearest names.'),
  generation_not_found: row(404, false, 'client', 'The key has no finished request of that id.'),
  model_not_allowed: row(404, false, 'client', 'The key or the provider does not allow that model.'),
  upload_timeout: row(408, false, 'client', 'The request body did not arrive in time.'),
  request_too_large: row(413, false, 'client', 'The request body is larger than this instance accepts.'),
  unsupported_media_type: row(415, false, 'client', 'The content encoding or type of the request body is not accepted.'),
  headers_too_large: row(431, false, 'client', 'The request headers are too large.'),
  budget_reserved: row(429, true, 'client', 'What is left of a budget is held by running requests; what they do not use comes back.'),
  rate_limit_exceeded: row(429, true, 'client', 'A limit of requests or tokens per time, or of requests at once; the message says which.'),
  loop_detected: row(429, false, 'client', 'This session runs in circles: the same tool calls again and again, or far too many requests.'),
  client_closed: row(499, false, 'client', 'The client left before the answer was complete.'),

  internal_error: row(500, false, 'gateway', 'A defect of the gateway; the request id finds it in the log.'),
  draining: row(503, true, 'gateway', 'The gateway is stopping; try again, another instance or the next start answers.'),
  store_unavailable: row(503, true, 'gateway', 'The record of this request could not be written, so it was not answered.'),
  timeout: row(408, true, 'provider', 'No first token in time, or the stream stalled; the message names the phase.'),
  all_targets_failed: row(503, true, 'provider', 'Every target failed; `error.attempts` has the class of each attempt.'),
  /** In-band only, after content: the answer is not complete. */
  interrupted: row(502, true, 'provider', 'The provider failed after part of the answer had been sent.'),

  dns_failed: row(502, true, 'provider', "The provider's host name does not resolve."),
  connect_failed: row(502, true, 'provider', 'No connection to the provider.'),
  private_address: row(502, true, 'provider', 'The provider is at a private address, and its configuration does not allow that.'),
  connect_timeout: row(504, true, 'provider', 'The provider did not accept a connection in time.'),
  tls_failed: row(502, true, 'provider', 'TLS to the provider failed.'),
  first_token_timeout: row(504, true, 'provider', 'The provider sent no content in time.'),
  idle_timeout: row(504, true, 'provider', 'The provider went silent in the middle of its answer.'),
  too_slow: row(504, true, 'provider', 'The provider sent fewer bytes a second than the floor of its routing config.'),
  total_timeout: row(504, true, 'provider', "The request's deadline passed."),
  cut: row(502, true, 'provider', 'The provider closed the connection before its answer was complete.'),
  ended_early: row(502, true, 'provider', 'The stream ended without its terminal event.'),
  error_in_stream: row(502, true, 'provider', 'The provider reported an error inside a 200 answer.'),
  bad_response: row(502, true, 'provider', 'The provider answered something that is not of its wire.'),
  empty_response: row(502, true, 'provider', 'The provider answered nothing.'),
  provider_error: row(502, true, 'provider', 'The provider answered a 5xx.'),
  overloaded: row(503, true, 'provider', 'The provider says that it is overloaded.'),
  rate_limited: row(429, true, 'provider', 'The provider limits the rate of this account.'),
  target_not_found: row(404, true, 'provider', 'The provider does not know this model or path.'),
  request_refused: row(400, true, 'client', 'The provider says that the request is at fault.'),
  credential_rejected: row(401, true, 'credential', "The provider rejects the operator's credential."),
  provider_limited: row(429, true, 'credential', 'A limit that the operator has set for the provider is reached; it was not asked.'),
  account_exhausted: row(429, true, 'credential', "The operator's account at the provider is used up."),
} as const satisfies Record<string, FailureRow>

export type FailureKind = keyof typeof failureTable

export type FailureDetails = {
  /** Overrides the table's status, where a provider's own 4xx is passed on. */
  readonly status?: number
  /** The field or setting at fault. */
  readonly param?: string
  readonly retryAfterMs?: number
  /** The provider's own words: for the record, never for another provider's client. */
  readonly upstream?: { readonly status?: number; readonly code?: string; readonly type?: string; readonly message?: string }
  /** Class of each attempt, for `all_targets_failed`. */
  readonly attempts?: readonly { readonly target: string; readonly class: FailureKind }[]
  readonly cause?: unknown
}

/** A failure with a known kind. `message` says what happened, whose fault, what to do; it never holds a secret. */
export class Failure extends Error {
  readonly kind: FailureKind
  readonly details: FailureDetails

  constructor(kind: FailureKind, message: string, details: FailureDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'Failure'
    this.kind = kind
    this.details = details
  }

  get status(): number {
    return this.details.status ?? failureTable[this.kind].status
  }

  get fault(): Fault {
    return failureTable[this.kind].fault
  }

  get retryable(): boolean {
    return failureTable[this.kind].retryable
  }
}

/** What to throw when a field of a request is wrong. */
export function invalidRequest(param: string | undefined, message: string): Failure {
  return new Failure('invalid_request', message, param === undefined ? {} : { param })
}

function row(status: number, retryable: boolean, fault: Fault, means: string): FailureRow {
  return { status, retryable, fault, means }
}
