// Whose haste a timeout was.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure, type FailureKind } from '#kernel'
import type { PlannedTarget } from '#routing'
import { isHurried } from './patience.ts'

type Wanted = { readonly connectMs?: number; readonly firstTokenMs?: number | undefined; readonly idleMs?: number }

function hurried(kind: FailureKind | undefined, wanted: Wanted, own: Wanted = {}): boolean {
  const usual = { connectMs: 5000, firstTokenMs: undefined, idleMs: 60_000, totalMs: 600_000 }
  const target = { timeouts: { ...usual, ...wanted, floor: undefined }, provider: { timeouts: { ...usual, ...own } } }
  return isHurried(target as unknown as PlannedTarget, kind === undefined ? undefined : new Failure(kind, 'x'))
}

test("a timeout that a config has shortened is the config's haste, and any other is not", () => {
  assert.ok(hurried('connect_timeout', { connectMs: 100 }))
  assert.ok(!hurried('connect_timeout', { idleMs: 100 }))
  assert.ok(!hurried('connect_timeout', {}))
  assert.ok(hurried('idle_timeout', { idleMs: 1000 }))
  assert.ok(hurried('first_token_timeout', { firstTokenMs: 3000 }), 'the default is a minute')
  assert.ok(hurried('first_token_timeout', { firstTokenMs: 3000 }, { firstTokenMs: 4000 }))
  assert.ok(!hurried('first_token_timeout', { firstTokenMs: 3000 }, { firstTokenMs: 3000 }), "the provider's own setting")
  assert.ok(!hurried('first_token_timeout', {}))
  assert.ok(!hurried('cut', { connectMs: 1, firstTokenMs: 1, idleMs: 1 }))
  assert.ok(!hurried(undefined, { connectMs: 1 }))
})
