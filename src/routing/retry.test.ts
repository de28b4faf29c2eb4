// Which failures are worth another try at the same target, and how long it waits for that.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RetryRule } from '#config'
import { Failure, type FailureDetails, type FailureKind } from '#kernel'
import { retryWait } from './retry.ts'

const rule: RetryRule = { attempts: 3, onStatusCodes: new Set([429, 500, 503]), usesRetryAfter: true }
const failure = (kind: FailureKind, status?: number, more: FailureDetails = {}) =>
  new Failure(kind, 'x', { ...more, ...(status === undefined ? {} : { upstream: { status } }) })
const wait = (what: Failure, retried = 0, leftMs = 60_000, draw = 1) => retryWait(rule, retried, what, draw, leftMs)

test('the statuses of the rule are tried again, others are not', () => {
  for (const status of [429, 500, 503]) assert.equal(wait(failure('provider_error', status)), 500, String(status))
  for (const status of [400, 401, 404, 502]) assert.equal(wait(failure('provider_error', status)), undefined, String(status))
})

test('what has no status is tried again: no connection, a cut, an answer that nobody can read, an error inside a 200', () => {
  for (const kind of ['connect_failed', 'cut', 'ended_early', 'bad_response', 'error_in_stream'] as const)
    assert.equal(wait(failure(kind)), 500, kind)
  assert.equal(wait(failure('bad_response', 200)), 500)
})

test('a timeout is tried again only by a rule that names 408', () => {
  for (const kind of ['first_token_timeout', 'total_timeout'] as const) {
    assert.equal(wait(failure(kind)), undefined, kind)
    assert.equal(retryWait({ ...rule, onStatusCodes: new Set([408]) }, 0, failure(kind), 1, 60_000), 500, kind)
  }
})

test('what is our own fault, or final, is not tried again', () => {
  for (const kind of ['internal_error', 'draining', 'invalid_request', 'client_closed'] as const)
    assert.equal(wait(failure(kind)), undefined, kind)
})

test('what this gateway could not write for a target is not tried there again; what its provider refused is, by a rule that says so', () => {
  for (const kind of ['unsupported_feature', 'context_length_exceeded', 'provider_limited'] as const)
    assert.equal(wait(failure(kind)), undefined, kind)
  const refused = failure('request_refused', 400)
  assert.equal(wait(refused), undefined)
  assert.equal(retryWait({ ...rule, onStatusCodes: new Set([400]) }, 0, refused, 1, 60_000), 500)
})

test('so many times and no more', () => {
  assert.deepEqual(
    [0, 1, 2, 3].map((retried) => wait(failure('cut'), retried) !== undefined),
    [true, true, true, false],
  )
})

test('waits double from half a second to eight, and the draw takes any part of them', () => {
  const patient: RetryRule = { ...rule, attempts: 9 }
  const waits = [0, 1, 2, 3, 4, 5, 6].map((retried) => retryWait(patient, retried, failure('cut'), 1, 60_000))
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 8000, 8000])
  assert.equal(wait(failure('cut'), 1, 60_000, 0.25), 250)
  assert.equal(wait(failure('cut'), 0, 60_000, 0), 0)
})

test("a provider's own word counts where the rule says so, and never beyond the request's deadline", () => {
  const asked = failure('rate_limited', 429, { retryAfterMs: 1234 })
  assert.equal(wait(asked), 1234)
  assert.equal(retryWait({ ...rule, usesRetryAfter: false }, 0, asked, 1, 60_000), 500)
  assert.equal(wait(asked, 0, 1000), undefined)
  assert.equal(wait(failure('cut'), 2, 1500), undefined)
})
