// Errors of AWS as our kinds: by the exception's name, else by the status; a ValidationException also by its words.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeAwsError } from './aws-errors.ts'

const typed = (type: string) => ({ 'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/com.amazon.bedrock/` })
const body = (message: string) => JSON.stringify({ message })

test('the name of the exception decides, whatever the status', () => {
  const cases = [
    [429, 'ThrottlingException', 'Too many requests, please wait before trying again.', 'rate_limited'],
    [400, 'ServiceQuotaExceededException', 'Your request exceeds the service quota.', 'rate_limited'],
    [429, 'ModelNotReadyException', 'Model is not ready for inference.', 'overloaded'],
    [503, 'ServiceUnavailableException', 'Bedrock is unable to process your request.', 'overloaded'],
    [408, 'ModelTimeoutException', 'Model has timed out.', 'provider_error'],
    [424, 'ModelErrorException', 'The model failed.', 'provider_error'],
    [500, 'InternalServerException', 'The system encountered an unexpected error.', 'provider_error'],
    [403, 'AccessDeniedException', "You don't have access to the model with the specified model ID.", 'credential_rejected'],
    [403, 'UnrecognizedClientException', 'The security token included in the request is invalid.', 'credential_rejected'],
    [403, 'ExpiredTokenException', 'The security token included in the request is expired', 'credential_rejected'],
    [404, 'ResourceNotFoundException', 'Could not resolve the foundation model from the provided model identifier.', 'target_not_found'],
    [400, 'ValidationException', 'The provided model identifier is invalid.', 'target_not_found'],
    [
      400,
      'ValidationException',
      "Invocation of model ID anthropic.claude-3-7-sonnet-20250219-v1:0 with on-demand throughput isn't supported.",
      'target_not_found',
    ],
    [400, 'ValidationException', 'Operation not allowed', 'credential_rejected'],
    [400, 'ValidationException', 'A conversation must start with a user message.', 'request_refused'],
  ] as const
  for (const [status, type, message, kind] of cases) {
    const failure = decodeAwsError(status, typed(type), body(message))
    assert.equal(failure.kind, kind, message)
    assert.deepEqual(failure.details.upstream, { status, type, message })
    if (kind === 'request_refused') assert.equal(failure.status, 400)
  }
})

test('a prompt that is too long is known by the words of each vendor', () => {
  for (const message of [
    'Input is too long for requested model.',
    'The model returned the following errors: prompt is too long: 227255 tokens > 200000 maximum',
    'input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length or `max_tokens` and try again',
    'Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input to try again.',
    'Too many input tokens. Max input tokens: 8192, request input token count: 12000',
    "This model's maximum context length is 131072 tokens. Please reduce the length of the prompt",
  ]) {
    const failure = decodeAwsError(400, typed('ValidationException'), body(message))
    assert.equal(failure.kind, 'context_length_exceeded', message)
    assert.match(failure.message, /^This model's maximum context length/)
  }
})

test('without a header the body names the exception, and without a name the status does', () => {
  assert.equal(decodeAwsError(400, {}, '{"__type":"com.amazon.coral.service#ThrottlingException","Message":"x"}').kind, 'rate_limited')
  for (const [status, kind] of [
    [401, 'credential_rejected'],
    [403, 'credential_rejected'],
    [404, 'target_not_found'],
    [413, 'request_refused'],
    [429, 'rate_limited'],
    [500, 'provider_error'],
    [503, 'overloaded'],
  ] as const)
    assert.equal(decodeAwsError(status, {}, '<html>oops</html>').kind, kind)
})

test('how long to wait comes from the header', () => {
  assert.equal(decodeAwsError(429, { ...typed('ThrottlingException'), 'retry-after': '3' }, body('x')).details.retryAfterMs, 3_000)
})

test('an empty or foreign body with status 200 is no answer', () => {
  assert.equal(decodeAwsError(200, {}, '').kind, 'empty_response')
  assert.equal(decodeAwsError(200, {}, 'hello').kind, 'bad_response')
})
