// Whether the same target is tried again, and after how long. Pure.
import type { RetryRule } from '#config'
import { failureTable, type Failure, type FailureKind } from '#kernel'

/** The first wait is at most this long, each further one twice as long, up to `maxWaitMs`. */
const firstWaitMs = 500
const maxWaitMs = 8000
/** To a rule these are a 408: who waited long once does not wait again without being told to. */
const timeouts: ReadonlySet<FailureKind> = new Set(['first_token_timeout', 'total_timeout', 'idle_timeout'])

/**
 * Milliseconds; undefined: it is not tried again. `retried`: how often it was already; `draw`: from 0 to 1, so that clients that failed
 * together don't come back together; `leftMs`: until the request's deadline, which no wait may pass.
 */
export function retryWait(rule: RetryRule, retried: number, failure: Failure, draw: number, leftMs: number): number | undefined {
  if (retried >= rule.attempts || !failureTable[failure.kind].retryable || failure.fault === 'gateway') return undefined
  const status = timeouts.has(failure.kind) ? 408 : (failure.details.upstream?.status ?? 0)
  // Nobody was asked: what cannot be carried there, or is over a limit of ours, is the same a moment later.
  if (status === 0 && failure.fault !== 'provider') return undefined
  if (status >= 400 && !rule.onStatusCodes.has(status)) return undefined
  const asked = rule.usesRetryAfter ? failure.details.retryAfterMs : undefined
  const waitMs = asked ?? draw * Math.min(maxWaitMs, firstWaitMs * 2 ** retried)
  return waitMs < leftMs ? waitMs : undefined
}
