// Google's errors as ours, and ours as Google's.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure, type JsonObject } from '#kernel'
import { readCorpus, skipWithoutCorpus } from '#test/corpus.ts'
import { decodeError, encodeError } from './errors.ts'

const google = (code: number, status: string, message: string, details: JsonObject[] = []) =>
  decodeError(code, {}, JSON.stringify({ error: { code, message, status, details } }))
const quota = (quotaId: string): JsonObject => ({ '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [{ quotaId }] })
const wait = (retryDelay: string): JsonObject => ({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay })
const reason = (word: string): JsonObject => ({ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: word })

test('whose fault an error is, by status, details and words', () => {
  const cases: readonly (readonly [Failure, Failure['kind']])[] = [
    [google(400, 'INVALID_ARGUMENT', 'Please use a valid role: user, model.'), 'request_refused'],
    [
      google(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [reason('API_KEY_INVALID')]),
      'credential_rejected',
    ],
    [google(400, 'INVALID_ARGUMENT', 'API key expired. Please renew the API key.', [reason('API_KEY_INVALID')]), 'credential_rejected'],
    [google(400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.'), 'credential_rejected'],
    [
      google(400, 'INVALID_ARGUMENT', 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).'),
      'context_length_exceeded',
    ],
    [google(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.'), 'credential_rejected'],
    [google(403, 'PERMISSION_DENIED', 'Billing is disabled.', [reason('BILLING_DISABLED')]), 'account_exhausted'],
    [google(403, 'PERMISSION_DENIED', 'Not allowed.'), 'credential_rejected'],
    [google(404, 'NOT_FOUND', 'models/x is not found for API version v1beta.'), 'target_not_found'],
    [google(429, 'RESOURCE_EXHAUSTED', 'Resource exhausted. Please try again later.'), 'rate_limited'],
    [google(500, 'INTERNAL', 'An internal error has occurred.'), 'provider_error'],
    [google(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.'), 'overloaded'],
    [google(504, 'DEADLINE_EXCEEDED', 'Deadline expired.'), 'provider_error'],
    [decodeError(502, {}, '<html><title>Bad gateway</title></html>'), 'provider_error'],
  ]
  for (const [failure, kind] of cases) assert.equal(failure.kind, kind, failure.details.upstream?.message)
})

test('a quota of a minute is a rate, one of a day is used up', () => {
  const message = 'You exceeded your current quota, please check your plan and billing details.'
  const minute = google(429, 'RESOURCE_EXHAUSTED', message, [quota('GenerateRequestsPerMinutePerProjectPerModel'), wait('34.4s')])
  assert.deepEqual([minute.kind, minute.details.retryAfterMs], ['rate_limited', 34_400])
  const day = google(429, 'RESOURCE_EXHAUSTED', message, [quota('GenerateRequestsPerDayPerProjectPerModel-FreeTier'), wait('20s')])
  assert.deepEqual([day.kind, day.details.retryAfterMs], ['account_exhausted', undefined])
  const none = google(429, 'RESOURCE_EXHAUSTED', `${message}\n* Quota exceeded for metric: requests, limit: 0, model: gemini-x`, [
    wait('5s'),
  ])
  assert.equal(none.kind, 'account_exhausted')
})

test('the recorded rate limit tells how long to wait', { skip: skipWithoutCorpus }, () => {
  const body = readCorpus('vercel-ai-fixtures', 'google', 'google-429-retry-info.json').toString('utf8')
  const failure = decodeError(429, {}, body)
  assert.deepEqual([failure.kind, failure.details.retryAfterMs], ['rate_limited', 34_400])
})

test('an error may stand in an array, as Google writes it for a stream that is one', () => {
  const body = JSON.stringify([{ error: { code: 429, message: 'Slow.', status: 'RESOURCE_EXHAUSTED', details: [wait('2s')] } }])
  assert.deepEqual([decodeError(429, {}, body).kind, decodeError(429, {}, body).details.retryAfterMs], ['rate_limited', 2_000])
})

test('ours have the status, the field and the wait where Google has them', () => {
  const failure = new Failure('rate_limited', 'Too many requests.', { status: 429, retryAfterMs: 1_500, param: 'contents[0]' })
  assert.deepEqual(encodeError(failure, 'req_1'), {
    error: {
      code: 429,
      message: 'Too many requests.',
      status: 'RESOURCE_EXHAUSTED',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          reason: 'RATE_LIMITED',
          domain: 'turnpike',
          metadata: { requestId: 'req_1', param: 'contents[0]' },
        },
        {
          '@type': 'type.googleapis.com/google.rpc.BadRequest',
          fieldViolations: [{ field: 'contents[0]', description: 'Too many requests.' }],
        },
        { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '1.5s' },
      ],
    },
  })
})

test('a prompt that is too long is said in Google’s words', () => {
  const sentence =
    "This model's maximum context length is 1000 tokens. However, your messages resulted in 1200 tokens. Please reduce the length of the messages."
  const { error } = encodeError(new Failure('context_length_exceeded', sentence), 'r') as { error: JsonObject }
  assert.equal(error['message'], 'The input token count (1200) exceeds the maximum number of tokens allowed (1000).')
  assert.equal(decodeError(400, {}, JSON.stringify({ error })).kind, 'context_length_exceeded')
})
