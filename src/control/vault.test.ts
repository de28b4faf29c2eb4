// A sealed text opens only with its key, in its place, and whole.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVault } from './vault.ts'

const vault = createVault('a master key of more than 32 characters')
const place = ['credential', 'openai', 'https://api.openai.com', 'main']

test('what was sealed is opened in its place, and says nothing of itself', () => {
  const sealed = vault.seal('sk-secret-0123456789', place)
  assert.equal(vault.open(sealed, place), 'sk-secret-0123456789')
  assert.ok(!sealed.includes('secret') && !Buffer.from(sealed.split('.')[2]!, 'base64url').includes('secret'))
  assert.notEqual(vault.seal('sk-secret-0123456789', place), sealed, 'never twice the same')
  assert.equal(createVault('a master key of more than 32 characters').open(sealed, place), 'sk-secret-0123456789', 'after a start')
})

test('in another place, with another key or changed by one bit it does not open', () => {
  const sealed = vault.seal('sk-secret-0123456789', place)
  for (const other of [
    ['credential', 'work', 'https://api.openai.com', 'main'],
    ['credential', 'openai', 'https://evil.example', 'main'],
    ['credential', 'openai', 'https://api.openai.com', 'spare'],
    ['headers', 'openai', 'https://api.openai.com', 'main'],
    ['credential', 'openaihttps://api.openai.com', 'main'],
  ])
    assert.equal(vault.open(sealed, other), undefined, other.join(' '))
  const stranger = createVault('another master key of more than 32 characters')
  assert.equal(stranger.open(sealed, place), undefined)
  assert.ok(vault.fits(sealed) && !stranger.fits(sealed))
  const [form, id, body] = sealed.split('.')
  const bytes = Buffer.from(body!, 'base64url')
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes)
    damaged[at]! ^= 1
    assert.equal(vault.open(`${form}.${id}.${damaged.toString('base64url')}`, place), undefined, `byte ${at}`)
  }
  for (const nothing of ['', 'v1', `v1.${id}.`, `v2.${id}.${body}`, sealed.slice(0, -8), `${sealed}.x`])
    assert.equal(vault.open(nothing, place), undefined, nothing)
})
