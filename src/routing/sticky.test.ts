// What is remembered of sessions ends, and does not grow.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSticky } from './sticky.ts'

test('a session is remembered until its time is over, counted from its latest request', () => {
  const sticky = createSticky()
  sticky.pin({ key: 's', route: 'config.targets[1]', ttlMs: 1000 }, 0)
  assert.equal(sticky.get('s', 999), 'config.targets[1]')
  assert.equal(sticky.get('s', 1000), undefined)
  sticky.pin({ key: 's', route: 'config.targets[0]', ttlMs: 1000 }, 900)
  assert.equal(sticky.get('s', 1899), 'config.targets[0]')
  assert.equal(sticky.get('t', 0), undefined)
})

test('so many are kept; who has not come for longest is forgotten first', () => {
  const sticky = createSticky(3)
  for (const key of ['a', 'b', 'c', 'a', 'd']) sticky.pin({ key, route: key, ttlMs: 1000 }, 0)
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((key) => sticky.get(key, 1)),
    ['a', undefined, 'c', 'd'],
  )
  assert.equal(sticky.size, 3)
})
