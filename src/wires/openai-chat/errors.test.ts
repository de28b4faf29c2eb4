// Reading providers' errors and writing our own, in the shapes of this wire.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure, type FailureKind, type JsonObject } from '#kernel'
import { readCorpus, readJsonLines, skipWithoutCorpus } from '#test/corpus.ts'
import { decodeError } from '#wires/provider-errors'
import { encodeError, encodeStreamError } from './errors.ts'

const body = (error: JsonObject) => JSON.stringify({ error })

const classified: readonly [string, number, string, FailureKind][] = [
  [
    'a used-up OpenAI account',
    429,
    body({ message: 'You exceeded your current quota', type: 'insufficient_quota', code: 'insufficient_quota' }),
    'account_exhausted',
  ],
  ['a rate limit', 429, body({ message: 'Rate limit reached', type: 'tokens', code: 'rate_limit_exceeded' }), 'rate_limited'],
  [
    "Gemini's per-minute quota, which is a rate limit",
    429,
    body({
      code: 429,
      message: 'You exceeded your current quota, please check your plan and billing details.',
      status: 'RESOURCE_EXHAUSTED',
    }),
    'rate_limited',
  ],
  [
    'DeepSeek without money',
    402,
    body({ message: 'Insufficient Balance', type: 'unknown_error', code: 'invalid_request_error' }),
    'account_exhausted',
  ],
  [
    'a wrong key',
    401,
    body({ message: 'Incorrect API key provided', type: 'invalid_request_error', code: 'invalid_api_key' }),
    'credential_rejected',
  ],
  [
    'a key without rights',
    403,
    body({ message: 'You are not allowed to sample from this model', type: 'invalid_request_error', code: null }),
    'credential_rejected',
  ],
  [
    "Gemini's wrong key, a 400",
    400,
    body({ code: 400, message: 'API key not valid. Please pass a valid API key.', status: 'INVALID_ARGUMENT' }),
    'credential_rejected',
  ],
  [
    'an unknown model',
    404,
    body({ message: 'The model `x` does not exist', type: 'invalid_request_error', code: 'model_not_found' }),
    'target_not_found',
  ],
  [
    'an unknown model as a 400',
    400,
    body({ message: "The requested model 'x' does not exist.", type: 'invalid_request_error', code: 'model_not_found' }),
    'target_not_found',
  ],
  ['an unknown path in HTML', 404, '<html><head><title>404 Not Found</title></head></html>', 'target_not_found'],
  [
    'a context overflow',
    400,
    body({
      message: "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
      type: 'invalid_request_error',
      code: 'context_length_exceeded',
    }),
    'context_length_exceeded',
  ],
  [
    'a context overflow without a code',
    400,
    '{"object":"error","message":"This model\'s maximum context length is 4096 tokens.","code":400}',
    'context_length_exceeded',
  ],
  [
    'a wrong field',
    400,
    body({ message: "Unsupported parameter: 'max_tokens'", type: 'invalid_request_error', code: 'unsupported_parameter' }),
    'request_refused',
  ],
  ['a validation error of FastAPI', 422, '{"detail":[{"loc":["body","messages"],"msg":"field required"}]}', 'request_refused'],
  ['a body too large', 413, '', 'request_refused'],
  [
    "OpenRouter's moderation",
    403,
    body({ message: 'Your chosen model requires moderation and your input was flagged', code: 403 }),
    'request_refused',
  ],
  ['an overload', 503, body({ message: 'The server is overloaded' }), 'overloaded'],
  ['a 529', 529, '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', 'overloaded'],
  ['an error page', 502, '<html><body><h1>Bad Gateway</h1></body></html>', 'provider_error'],
  ['an empty 500', 500, '', 'provider_error'],
  ['an HTML page with status 200', 200, '<!doctype html><title>Welcome</title>', 'bad_response'],
  ['an empty 200', 200, ' \n', 'empty_response'],
  ['an error body with status 200', 200, body({ message: 'The server had an error', type: 'server_error' }), 'error_in_stream'],
  [
    'a context overflow with status 200',
    200,
    body({ message: 'Context length exceeded', code: 'CONTEXT_LENGTH_EXCEEDED' }),
    'context_length_exceeded',
  ],
]

for (const [what, status, text, kind] of classified) {
  test(`${what} (${status}) is ${kind}`, () => assert.equal(decodeError(status, {}, text).kind, kind))
}

test('a refusal keeps the status and words of the provider', () => {
  const text = body({ message: "Unknown parameter: 'x'.", type: 'invalid_request_error', code: 'unknown_parameter' })
  const failure = decodeError(422, {}, text)
  assert.equal(failure.status, 422)
  assert.deepEqual(encodeError(failure), {
    error: { message: "Unknown parameter: 'x'.", type: 'invalid_request_error', param: null, code: 'unknown_parameter' },
  })
})

test("the words of an operator's account never reach the message", () => {
  const failure = decodeError(401, {}, body({ message: 'Incorrect API key provided: sk-abc', code: 'invalid_api_key' }))
  assert.ok(!failure.message.includes('sk-abc'))
  assert.equal(failure.details.upstream?.message, 'Incorrect API key provided: sk-abc')
})

const waits: readonly [string, Record<string, string>, string, number | undefined][] = [
  ['retry-after-ms', { 'retry-after-ms': '250', 'retry-after': '1' }, '', 250],
  ['seconds', { 'retry-after': '2' }, '', 2_000],
  ['fractions of seconds', { 'retry-after': '0.5' }, '', 500],
  [
    "an HTTP date, against the answer's own",
    { 'retry-after': 'Fri, 21 Nov 2026 10:00:30 GMT', date: 'Fri, 21 Nov 2026 10:00:00 GMT' },
    '',
    30_000,
  ],
  ['an HTTP date with nothing to compare', { 'retry-after': 'Fri, 21 Nov 2026 10:00:30 GMT' }, '', undefined],
  ['6ms', {}, 'Please try again in 6ms. Contact us', 6],
  ['1.2s', {}, 'Please try again in 1.2s.', 1_200],
  ['1m3s', {}, 'Please try again in 1m3s.', 63_000],
  ['2h0m3.5s', {}, 'try again in 2h0m3.5s', 7_203_500],
  ['20 seconds', {}, 'Please try again in 20 seconds.', 20_000],
  ['Gemini in words', {}, 'Please retry in 34.074824224s.', 34_075],
  ['nothing', {}, 'Slow down', undefined],
]
for (const [what, headers, message, waitMs] of waits) {
  test(`how long to wait is read from ${what}`, () =>
    assert.equal(decodeError(429, headers, body({ message })).details.retryAfterMs, waitMs))
}

test("Gemini's RetryInfo says how long to wait", { skip: skipWithoutCorpus }, () => {
  const text = readCorpus('vercel-ai-fixtures', 'google', 'google-429-retry-info.json').toString()
  const failure = decodeError(429, {}, text)
  assert.equal(failure.kind, 'rate_limited')
  assert.ok(Math.abs(failure.details.retryAfterMs! - 34_400) < 500)
})

test('every recorded error of this wire is classified by its status, and keeps its words', { skip: skipWithoutCorpus }, () => {
  const kinds: Record<number, FailureKind[]> = {
    400: ['request_refused'],
    401: ['credential_rejected'],
    403: ['credential_rejected'],
    404: ['target_not_found'],
  }
  let seen = 0
  for (const { api, status, body: text } of readJsonLines<{ api: string; status: number; body: string }>('sse', 'recorded-errors.jsonl')) {
    if (api !== 'chat' && api !== 'completions') continue
    const failure = decodeError(status, {}, text)
    assert.ok(kinds[status]!.includes(failure.kind), `${status} ${text} was ${failure.kind}`)
    assert.equal(failure.details.upstream?.message, (JSON.parse(text) as { error: { message: string } }).error.message)
    seen++
  }
  assert.ok(seen > 20)
})

test("an error has OpenAI's shape: our kind as code, the attempts of a failover in it", () => {
  const attempts = [{ target: '@a/m', class: 'overloaded' as const }]
  assert.deepEqual(encodeError(new Failure('all_targets_failed', 'Every target failed.', { attempts })), {
    error: { message: 'Every target failed.', type: 'server_error', param: null, code: 'all_targets_failed', attempts },
  })
  assert.deepEqual(encodeError(new Failure('invalid_request', '`messages` must be an array.', { param: 'messages' })), {
    error: { message: '`messages` must be an array.', type: 'invalid_request_error', param: 'messages', code: 'invalid_request' },
  })
})

test("a context overflow reaches clients in OpenAI's sentence, whoever said it", () => {
  const said = (message: string) => (encodeError(new Failure('context_length_exceeded', message))['error'] as JsonObject)['message']
  const sentence = /^This model's maximum context length is 200000 tokens\. However, your messages resulted in 210000 tokens\./
  assert.match(said('prompt is too long: 210000 tokens > 200000 maximum') as string, sentence)
  assert.match(said(said('prompt is too long: 210000 tokens > 200000 maximum') as string) as string, sentence)
  assert.match(said('too long') as string, /^This model's maximum context length was exceeded/)
})

test('an error in a stream is one frame, without a clean end', () => {
  const frame = encodeStreamError(new Failure('interrupted', 'The provider failed.'))
  assert.match(frame, /^data: \{"error":\{.*\}\}\n\n$/)
  assert.ok(!frame.includes('[DONE]') && !frame.includes('finish_reason'))
})
