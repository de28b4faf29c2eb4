// What a failed attempt means for the rest of the plan. Pure.
import { failureTable, type Failure, type FailureKind } from '#kernel'
import type { Plan } from './plan.ts'

/** Failures that another credential of the same provider may not have. */
const credentialTrouble: ReadonlySet<FailureKind> = new Set(['rate_limited', 'account_exhausted', 'credential_rejected'])

/** The position of the next target to try after `position` failed; undefined when nothing is left or the failure is final. */
export function nextTarget(plan: Plan, position: number, failure: Failure): number | undefined {
  if (!failureTable[failure.kind].retryable || failure.fault === 'gateway') return undefined
  for (let next = position + 1; next < plan.targets.length; next++) {
    if (!plan.targets[next]!.sameProvider || credentialTrouble.has(failure.kind)) return next
  }
  return undefined
}

/** True when the request itself is blamed: if every target says so, the client gets the first verdict. */
export function blamesRequest(failure: Failure): boolean {
  return failureTable[failure.kind].fault === 'client'
}
