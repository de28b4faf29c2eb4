// What the end of an attempt says about who was asked: the provider, its account, or nothing.
import type { BreakerRule } from '#config'
import type { Failure } from '#kernel'
import type { Ended } from './health.ts'

/** `fault`: the provider's; `busy`: it said to wait; `refused`: the credential is of no use now; `nothing`: it is not about the target. */
export type Verdict = 'answered' | 'fault' | 'busy' | 'refused' | 'nothing'

/** A request's own deadline may be as short as its client likes: only a longer silence is the provider's. */
const patienceMs = 60_000

/** For everybody's breaker. */
export function verdictOf({ failure, firstTokenMs, totalMs, hurried }: Ended): Verdict {
  if (failure === undefined) return 'answered'
  switch (failure.kind) {
    case 'rate_limited':
      return 'busy'
    case 'credential_rejected':
    case 'account_exhausted':
      return 'refused'
    // The name was wrong, or is of a model that this account does not have. Or it is too slow for one config.
    case 'target_not_found':
    case 'too_slow':
      return 'nothing'
    case 'total_timeout':
      return firstTokenMs === undefined && totalMs >= patienceMs ? 'fault' : 'nothing'
    default:
      return failure.fault === 'provider' && hurried !== true ? 'fault' : 'nothing'
  }
}

/** For a config's own, which says itself what counts. */
export function countsAsFault(rule: BreakerRule, how: Ended): boolean {
  const { failure } = how
  if (failure === undefined || failure.fault === 'gateway' || failure.kind === 'client_closed') return false
  const status = statusOf(failure)
  if (status !== undefined) return rule.onStatusCodes === undefined ? status >= 500 : rule.onStatusCodes.has(status)
  // Whoever wrote its timeouts wants them counted; a client's own deadline is not among them.
  return failure.kind === 'total_timeout' ? verdictOf(how) === 'fault' : failure.fault === 'provider'
}

/** Of an error that the provider answered; a failure inside a 200 has none. */
export function statusOf(failure: Failure): number | undefined {
  const { status } = failure.details.upstream ?? {}
  return status === undefined || status < 400 ? undefined : status
}
