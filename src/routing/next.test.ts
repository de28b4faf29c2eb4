// Where a request goes after each kind of failure, and who is blamed.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Failure, failureTable, type FailureKind } from '#kernel'
import { blamesRequest, nextStep } from './next.ts'
import type { Exit, Plan, Step } from './plan.ts'

/** Only the exits decide. */
const planOf = (...exits: readonly (readonly Exit[])[]): Plan => ({
  steps: exits.map((one) => ({ exits: one }) as unknown as Step),
  skipped: [],
})
const failure = (kind: FailureKind) => new Failure(kind, 'x')
const kinds = Object.keys(failureTable) as FailureKind[]

// One provider with three credentials, then one with one.
const plan = planOf(
  [
    { to: 1, on: 'credential' },
    { to: 3, on: 'any' },
  ],
  [
    { to: 2, on: 'credential' },
    { to: 3, on: 'any' },
  ],
  [{ to: 3, on: 'any' }],
  [],
)

const ofTheCredential: readonly FailureKind[] = ['rate_limited', 'account_exhausted', 'credential_rejected']
/** Verdicts about a request, of a provider or of its codec, which another target may see differently. */
const ofTheRequest: readonly FailureKind[] = ['request_refused', 'context_length_exceeded', 'unsupported_feature', 'invalid_request']
const final: readonly FailureKind[] = [
  'invalid_api_key',
  'key_expired',
  'key_revoked',
  'forbidden',
  'unknown_url',
  'loop_detected',
  'insufficient_balance',
  'method_not_allowed',
  'model_not_found',
  'model_not_allowed',
  'generation_not_found',
  'upload_timeout',
  'request_too_large',
  'unsupported_media_type',
  'headers_too_large',
  'client_closed',
  'internal_error',
  'draining',
  'store_unavailable',
]

describe('after a failure', () => {
  for (const kind of ofTheCredential) {
    test(`${kind}: the next credential of the same provider is tried, then the next provider`, () => {
      assert.deepEqual(
        [0, 1, 2].map((position) => nextStep(plan, position, failure(kind))),
        [1, 2, 3],
      )
    })
  }

  for (const kind of kinds.filter((one) => !final.includes(one) && !ofTheCredential.includes(one))) {
    test(`${kind}: another credential would not help, so the next provider is tried`, () => {
      assert.deepEqual(
        [0, 1, 2].map((position) => nextStep(plan, position, failure(kind))),
        [3, 3, 3],
      )
    })
  }

  for (const kind of final) {
    test(`${kind}: nobody else is asked`, () => assert.equal(nextStep(plan, 0, failure(kind)), undefined))
  }
})

test('behind the last target there is none, whatever failed', () => {
  for (const kind of kinds) assert.equal(nextStep(plan, 3, failure(kind)), undefined, kind)
  assert.equal(nextStep(planOf([{ to: 1, on: 'credential' }], []), 0, failure('provider_error')), undefined, 'only credentials are left')
})

test("the request is blamed by its client's kinds only, and never for the operator's account", () => {
  for (const kind of ofTheRequest) assert.ok(blamesRequest(failure(kind)), kind)
  for (const kind of [...ofTheCredential, 'provider_error', 'timeout', 'target_not_found', 'cut', 'internal_error'] as const) {
    assert.ok(!blamesRequest(failure(kind)), kind)
  }
})
