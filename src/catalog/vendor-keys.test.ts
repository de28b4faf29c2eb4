// A pasted key is known by its look, or said to be unknown.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyShapes } from '#telemetry'
import { vendorOfKey } from './vendor-keys.ts'
import { vendors } from './vendors.ts'

const random = 'Zk3vTq8LmWx0aBcD4eFgH5iJkL6mNoP7qRs'

test('the vendor of a key is known by its documented prefix', () => {
  const expected: readonly (readonly [key: string, vendor: string])[] = [
    [`sk-ant-api03-${random}`, 'anthropic'],
    [`sk-proj-${random}`, 'openai'],
    [`sk-svcacct-${random}`, 'openai'],
    [`sk-or-v1-${random}`, 'openrouter'],
    [`gsk_${random}`, 'groq'],
    [`xai-${random}`, 'xai'],
    [`pplx-${random}`, 'perplexity'],
    [`AIzaSy${random}`, 'gemini'],
    [`nvapi-${random}`, 'nvidia'],
    [` hf_${random}\n`, 'huggingface'],
  ]
  for (const [key, vendor] of expected) assert.equal(vendorOfKey(key)?.id, vendor, key.slice(0, 12))
})

test('a look that several vendors share, or none has, is nobody’s', () => {
  for (const key of [`sk-${random}`, random, '', 'sk-', 'hello', `tp-${random}`, `AKIA${random}`]) assert.equal(vendorOfKey(key), undefined)
})

test('every vendor that a look names is in the catalog, under a name that begins with its owner', () => {
  for (const { vendor, owner, prefix } of keyShapes) {
    if (vendor !== undefined) assert.ok(vendors.get(vendor)?.name.startsWith(owner), `${prefix} ${vendor}`)
  }
})
