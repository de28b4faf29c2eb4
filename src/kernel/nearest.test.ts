// Mistyped names find their neighbours, and strangers find none.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearestNames } from './nearest.ts'

test('a slip of the finger is near: a letter missing, doubled, wrong or swapped', () => {
  for (const slip of ['provder', 'providder', 'providwr', 'porvider', 'PROVIDER']) {
    assert.deepEqual(nearestNames(slip, ['model', 'provider', 'outcome']), ['provider'])
  }
})

test('a part of a name finds the whole, closest first, at most as many as asked for', () => {
  assert.deepEqual(nearestNames('gpt-4o', ['openai/gpt-4o', 'gpt-4o-mini', 'claude-opus-4'], 2), ['gpt-4o-mini', 'openai/gpt-4o'])
})

test('nothing is near a name that resembles nothing, or an empty one', () => {
  assert.deepEqual(nearestNames('zzzz', ['model', 'provider']), [])
  assert.deepEqual(nearestNames('', ['model', 'provider']), [])
})

test('a name of a megabyte is measured by its first 128 characters', () => {
  assert.deepEqual(nearestNames('q'.repeat(1_000_000), ['model', 'q'.repeat(128)]), ['q'.repeat(128)])
})
