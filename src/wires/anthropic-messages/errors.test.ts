// Errors of this wire, both ways.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { Failure, type FailureKind } from '#kernel'
import { decodeError, encodeError, encodeStreamError } from './errors.ts'

const body = (type: string, message: string) => JSON.stringify({ type: 'error', error: { type, message }, request_id: 'req_1' })

test("a provider's error is classified by its type, its words and its status", () => {
  const cases: [number, string, FailureKind][] = [
    [529, body('overloaded_error', 'Overloaded'), 'overloaded'],
    [503, '', 'overloaded'],
    [429, body('rate_limit_error', 'This request would exceed the rate limit for your organization'), 'rate_limited'],
    [401, body('authentication_error', 'invalid x-api-key'), 'credential_rejected'],
    [403, body('permission_error', 'not allowed'), 'credential_rejected'],
    [404, body('not_found_error', 'model: claude-nope'), 'target_not_found'],
    [413, body('request_too_large', 'Request exceeds the maximum size'), 'request_refused'],
    [400, body('invalid_request_error', 'messages.0: Input does not match the expected shape.'), 'request_refused'],
    [400, body('invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'), 'account_exhausted'],
    [
      400,
      body('invalid_request_error', 'You have reached your specified API usage limits. You will regain access on 2026-12-01.'),
      'account_exhausted',
    ],
    [402, body('billing_error', 'pay'), 'account_exhausted'],
    [400, body('invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum'), 'context_length_exceeded'],
    [
      400,
      body('invalid_request_error', 'input length and `max_tokens` exceed context limit: 199000 + 4096 > 200000'),
      'context_length_exceeded',
    ],
    [500, body('api_error', 'Internal server error'), 'provider_error'],
    [502, '<html><body>Bad gateway</body></html>', 'provider_error'],
    [422, '', 'request_refused'],
    [405, '{"error":{"message":"Method Not Allowed"}}', 'target_not_found'],
    [410, '', 'target_not_found'],
    [409, '', 'provider_error'],
    [425, '', 'provider_error'],
    [200, body('api_error', 'oops'), 'error_in_stream'],
  ]
  for (const [status, text, kind] of cases) assert.equal(decodeError(status, {}, text).kind, kind, `${status} ${text}`)
})

test("the provider's own words are kept for the record, and a refused request keeps its status", () => {
  const failure = decodeError(413, {}, body('request_too_large', 'Request exceeds the maximum size'))
  assert.equal(failure.status, 413)
  assert.deepEqual(failure.details.upstream, { status: 413, type: 'request_too_large', message: 'Request exceeds the maximum size' })
  assert.equal(decodeError(502, {}, '<html>').details.upstream?.message, 'an HTML page')
})

test('an overflow says the counts in the sentence that clients look for', () => {
  const failure = decodeError(400, {}, body('invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum'))
  assert.match(failure.message, /maximum context length is 200000 tokens\. However, your messages resulted in 210000 tokens\./)
  const encoded = encodeError(failure, 'r')['error'] as { message: string }
  assert.equal(encoded.message, 'prompt is too long: 210000 tokens > 200000 maximum')
})

test('retry-after is read in seconds, milliseconds, or as a date against the date of the answer', () => {
  const wait = (headers: Record<string, string>) => decodeError(429, headers, body('rate_limit_error', 'slow')).details.retryAfterMs
  assert.equal(wait({ 'retry-after': '2' }), 2000)
  assert.equal(wait({ 'retry-after-ms': '150', 'retry-after': '2' }), 150)
  assert.equal(wait({ 'retry-after': 'Sat, 21 Nov 2026 10:00:30 GMT', date: 'Sat, 21 Nov 2026 10:00:00 GMT' }), 30_000)
  assert.equal(wait({ 'retry-after': 'soon' }), undefined)
  assert.equal(wait({}), undefined)
})

test("Anthropic's SDK throws its typed errors for ours", async () => {
  const cases: [FailureKind, { new (...args: never[]): Error }, string][] = [
    ['invalid_request', Anthropic.BadRequestError, 'invalid_request_error'],
    ['invalid_api_key', Anthropic.AuthenticationError, 'authentication_error'],
    ['forbidden', Anthropic.PermissionDeniedError, 'permission_error'],
    ['model_not_found', Anthropic.NotFoundError, 'not_found_error'],
    ['request_too_large', Anthropic.APIError, 'request_too_large'],
    ['rate_limited', Anthropic.RateLimitError, 'rate_limit_error'],
    ['all_targets_failed', Anthropic.InternalServerError, 'overloaded_error'],
    ['internal_error', Anthropic.InternalServerError, 'api_error'],
  ]
  for (const [kind, expected, type] of cases) {
    const failure = new Failure(kind, 'It failed.', { param: 'model', attempts: [{ target: 't', class: 'overloaded' }] })
    const client = new Anthropic({
      apiKey: 'k',
      maxRetries: 0,
      fetch: () => Promise.resolve(Response.json(encodeError(failure, 'req_9'), { status: failure.status })),
    })
    const thrown: unknown = await client.messages
      .create({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'x' }] })
      .catch((error: unknown) => error)
    assert.ok(thrown instanceof expected, kind)
    assert.ok(thrown instanceof Anthropic.APIError)
    assert.equal(thrown.type, type)
    const sent = thrown.error as { error: Record<string, unknown>; request_id: string }
    assert.equal(sent.error['code'], kind)
    assert.equal(sent.error['param'], 'model')
    assert.deepEqual(sent.error['attempts'], [{ target: 't', class: 'overloaded' }])
    assert.equal(sent.request_id, 'req_9')
  }
})

test("Anthropic's SDK sends the whole conversation again when no provider keeps it", async () => {
  const sent: Record<string, unknown>[] = []
  const client = new Anthropic({
    apiKey: 'k',
    maxRetries: 0,
    fetch: async (_, init) => {
      const body = JSON.parse(String(init?.body)) as Record<string, unknown>
      sent.push(body)
      const failure = new Failure('invalid_request', 'Not here.', { param: 'thread' })
      if (body['thread'] !== undefined) return Response.json(encodeError(failure, 'req_9'), { status: failure.status })
      const content = [{ type: 'text', text: 'Hello.' }]
      return Response.json({ id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content, stop_reason: 'end_turn', usage: {} })
    },
  })
  const messages = [{ role: 'user' as const, content: 'Hi' }]
  await client.beta.messages.toolRunner({ model: 'm', max_tokens: 1, messages, tools: [] })
  assert.deepEqual(sent.map(({ thread, messages }) => [thread, messages]), [[{ type: 'create' }, messages], [undefined, messages]]) // prettier-ignore
})

test('an error in a stream is an error event', () => {
  const frame = encodeStreamError(new Failure('interrupted', 'The provider failed.'), 'req_1')
  assert.match(frame, /^event: error\ndata: \{"type":"error",.*\}\n\n$/)
  assert.doesNotMatch(frame, /message_stop|message_delta/)
})

test('a budget that is used up is a limit, and only an empty wallet a matter of billing', () => {
  const typeOf = (kind: 'budget_exceeded' | 'insufficient_balance' | 'budget_reserved') =>
    (encodeError(new Failure(kind, 'x'), 'req_1') as { error: { type: string } }).error.type
  assert.equal(typeOf('budget_exceeded'), 'rate_limit_error')
  assert.equal(typeOf('budget_reserved'), 'rate_limit_error')
  assert.equal(typeOf('insufficient_balance'), 'billing_error')
})
