// What a failed attempt means for the rest of the plan. Pure.
import { failureTable, type Failure, type FailureKind } from '#kernel'
import type { Exit, Plan } from './plan.ts'

/** Failures that another credential of the same provider may not have. */
const credentialTrouble: ReadonlySet<FailureKind> = new Set(['rate_limited', 'account_exhausted', 'credential_rejected'])

/** The position of the next step after `position` failed; undefined when nothing is left or the failure is final. */
export function nextStep({ steps }: Plan, position: number, failure: Failure): number | undefined {
  if (!failureTable[failure.kind].retryable || failure.fault === 'gateway') return undefined
  return steps[position]!.exits.find(({ on }) => takes(on, failure))?.to
}

function takes(on: Exit['on'], failure: Failure): boolean {
  if (on === 'any') return true
  if (on === 'credential') return credentialTrouble.has(failure.kind)
  const { status } = failure.details.upstream ?? {}
  return status === undefined || status < 400 || on.has(status)
}

/** True when the request itself is blamed: if every target says so, the client gets the first verdict. */
export function blamesRequest(failure: Failure): boolean {
  return failureTable[failure.kind].fault === 'client'
}
