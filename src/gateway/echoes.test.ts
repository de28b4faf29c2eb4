// A provider that repeats what it was sent gives nothing away.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '#kernel'
import type { PlannedTarget } from '#routing'
import { bytesWithoutSecrets, failureWithoutSecrets } from './echoes.ts'

function target(secret: string, headers: Record<string, string> = {}): PlannedTarget {
  return { credential: { name: 'main', secret }, provider: { headers } } as unknown as PlannedTarget
}

test('a key and a long header go out of a body, as they are and as JSON writes them', () => {
  const to = target('key-"with\\quotes', { 'x-token': 'header-secret-0123456789', 'anthropic-version': '2023-06-01' })
  const body = JSON.stringify({ error: { message: 'Bearer key-"with\\quotes, header-secret-0123456789, 2023-06-01' } })
  assert.deepEqual(JSON.parse(bytesWithoutSecrets(Buffer.from(body), to).toString()), {
    error: { message: 'Bearer [redacted], [redacted], 2023-06-01' },
  })
})

test('a body without a secret stays the same bytes, valid UTF-8 or not', () => {
  const bytes = Buffer.from([0xff, 0x7b, 0x7d])
  assert.equal(bytesWithoutSecrets(bytes, target('sk-0123456789')), bytes)
})

test('a failure keeps everything but the secret', () => {
  const failure = new Failure('credential_rejected', 'The provider said: no sk-0123456789.', {
    status: 401,
    retryAfterMs: 5,
    upstream: { status: 401, code: 'bad', message: 'no sk-0123456789', type: 'sk-0123456789' },
    cause: new Error('sk-0123456789'),
  })
  const clean = failureWithoutSecrets(failure, target('sk-0123456789'))
  assert.equal(clean.kind, 'credential_rejected')
  assert.equal(clean.message, 'The provider said: no [redacted].')
  assert.deepEqual(clean.details, {
    status: 401,
    retryAfterMs: 5,
    upstream: { status: 401, code: 'bad', message: 'no [redacted]', type: '[redacted]' },
  })
  assert.equal(failureWithoutSecrets(failure, target('another-key')), failure)
})

test('a key as short as a word blanks out nothing', () => {
  const failure = new Failure('provider_error', 'The key is wrong.')
  assert.equal(failureWithoutSecrets(failure, target('key')), failure)
})
