// A key is found wherever the clients of four vendors put it, and whoever sends a wrong one is told what is wrong with it.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { Failure } from '#kernel'
import type { GatewayKey } from '#config'
import { createKeyring, type CredentialHeaders } from './keyring.ts'

const plain = `tp-${'k'.repeat(43)}`
const adminToken = 'an-admin-token-that-looks-like-nothing-special'
const key: GatewayKey = { id: 'key_1', name: 'first', hash: createHash('sha256').update(plain).digest('hex'), streamUsage: 'always' }
const keyring = createKeyring({ keys: new Map([[key.hash, key]]), adminToken })

function refusal(headers: CredentialHeaders, queryKey?: string): string {
  const result = keyring.authenticate(headers, queryKey)
  assert.ok(result instanceof Failure, 'the key was accepted')
  assert.equal(result.kind, 'invalid_api_key')
  assert.equal(result.status, 401)
  assert.doesNotMatch(result.message, /credits|balance|quota|billing/i)
  return result.message
}

test('the key is accepted in each of the places clients use', () => {
  assert.equal(keyring.authenticate({ authorization: `Bearer ${plain}` }), key)
  assert.equal(keyring.authenticate({ authorization: `bearer  ${plain}` }), key)
  for (const name of ['x-api-key', 'x-goog-api-key', 'x-turnpike-api-key', 'x-portkey-api-key'])
    assert.equal(keyring.authenticate({ [name]: plain }), key, name)
  assert.equal(keyring.authenticate({}, plain), key)
})

test("with the gateway's own header, Authorization is the client's provider key; without, any valid credential is enough", () => {
  assert.equal(keyring.authenticate({ 'x-turnpike-api-key': plain, authorization: 'Bearer sk-own' }), key)
  assert.match(refusal({ 'x-turnpike-api-key': 'wrong', authorization: `Bearer ${plain}` }), /x-turnpike-api-key/)
  assert.equal(keyring.authenticate({ authorization: 'Bearer something-else', 'x-api-key': plain }), key)
})

test('what is wrong is said: missing, empty, unknown, quotes, white space, no Bearer', () => {
  assert.match(refusal({}), /^No API key was sent/)
  assert.match(refusal({ authorization: 'Bearer ' }), /is empty/)
  assert.match(refusal({ authorization: 'Bearer' }), /is empty/)
  assert.match(refusal({ 'x-api-key': 'tp-unknown-key' }), /^The x-api-key header holds a key that this gateway does not know/)
  assert.match(refusal({ authorization: `Bearer "${plain}"` }), /quotes around the key.*Without them it would be accepted/)
  assert.match(refusal({ 'x-api-key': ` ${plain}` }), /white space around the key.*would be accepted/)
  assert.match(refusal({}, `${plain}\n`), /^The key parameter has white space around/)
  assert.doesNotMatch(refusal({ authorization: 'Bearer "tp-wrong"' }), /would be accepted/)
  assert.match(refusal({ authorization: `Bearer ${plain.slice(0, 20)} ${plain.slice(20)}` }), /white space inside/)
  assert.match(refusal({ authorization: plain }), /without the word Bearer/)
  assert.match(refusal({ authorization: 'Basic dXNlcjpwYXNz' }), /not of the form "Bearer <key>"/)
  for (const placeholder of ['undefined', 'null', '$TURNPIKE_KEY', '${KEY}', '<key>', 'YOUR_API_KEY'])
    assert.match(refusal({ authorization: `Bearer ${placeholder}` }), /placeholder/, placeholder)
})

test("a provider's key and the admin token are recognised for what they are", () => {
  assert.match(refusal({ authorization: 'Bearer sk-ant-api03-0123456789abcdef' }), /provider's own key \(it looks like one of Anthropic\)/)
  assert.match(refusal({ 'x-goog-api-key': 'AIzaSy0123456789' }), /Google/)
  assert.match(refusal({ authorization: `Bearer ${adminToken}` }), /the admin token, which is for \/api\/v1 only/)
  assert.match(refusal({ authorization: 'Bearer tpa-0123456789abcdef' }), /an admin token/)
})

test('what was sent is never repeated', () => {
  const secret = 'zX9-secret-part'
  for (const sent of [secret, `"${secret}"`, ` ${secret}`, `sk-${secret}`, `${secret} ${secret}`, `tpa-${secret}`]) {
    assert.ok(!refusal({ authorization: `Bearer ${sent}` }).includes(secret), sent)
    assert.ok(!refusal({ 'x-api-key': sent }).includes(secret), sent)
  }
  assert.match(refusal({ 'x-api-key': 'x'.repeat(100_000) }), /more than any gateway key/)
})

test('names and hashes that JavaScript knows by itself open nothing', () => {
  for (const sent of ['__proto__', 'constructor', key.hash]) refusal({ authorization: `Bearer ${sent}` })
})

test('a revoked key, an expired one and one that a rotation has replaced are refused by name, wherever they are sent', () => {
  const secret = (letter: string): string => `tp-${letter.repeat(43)}`
  const make = (letter: string, more: Partial<GatewayKey>): [string, GatewayKey] => {
    const hash = createHash('sha256').update(secret(letter)).digest('hex')
    return [hash, { id: 'key_2', name: 'laptop', hash, streamUsage: 'always', ...more }]
  }
  let now = Date.parse('2026-05-01T00:00:00Z')
  const ring = createKeyring({
    keys: new Map([
      make('r', { revoked: true }),
      make('e', { expiresAtMs: now + 1000 }),
      make('p', { expiresAtMs: now + 1000, replaced: true }),
      [key.hash, key],
    ]),
    clock: () => now,
  })
  const ask = (letter: string) => ring.authenticate({ authorization: `Bearer ${secret(letter)}` })
  const failure = (letter: string): Failure => {
    const result = ask(letter)
    assert.ok(result instanceof Failure)
    assert.equal(result.status, 401)
    assert.ok(!result.message.includes(secret(letter)))
    return result
  }
  assert.equal(failure('r').kind, 'key_revoked')
  assert.match(failure('r').message, /^The gateway key "laptop" has been revoked\./)
  for (const letter of ['e', 'p']) assert.equal((ask(letter) as GatewayKey).id, 'key_2', 'before its time is over')
  now += 1000
  assert.equal(failure('e').kind, 'key_expired')
  assert.match(failure('e').message, /expired at 2026-05-01T00:00:01\.000Z/)
  assert.equal(failure('p').kind, 'key_expired')
  assert.match(failure('p').message, /replaced by a new one/)
  const elsewhere = ring.authenticate({ 'x-api-key': secret('r') })
  assert.ok(elsewhere instanceof Failure && elsewhere.kind === 'key_revoked')
  assert.equal(ring.authenticate({ authorization: `Bearer ${secret('r')}`, 'x-api-key': plain }), key, 'one that works is enough')
})
