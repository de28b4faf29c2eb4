// What a start leaves behind is given back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getHeapSpaceStatistics } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { collectStartGarbage } from './start-garbage.ts'

const youngBytes = () => getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? Number.NaN

test('memory that the young generation has grown to is given back, and scripts see no door to the collector', () => {
  const before = youngBytes()
  for (let kept: object[] = [], n = 0; youngBytes() <= 4 * before && n < 50_000_000; n++) {
    kept.push({ n })
    if (kept.length > 200_000) kept = []
  }
  const grown = youngBytes()
  assert.ok(grown > 2 * before, `${before} -> ${grown}`)
  collectStartGarbage()
  assert.ok(youngBytes() <= grown / 2, `${grown} -> ${youngBytes()}`)
  assert.equal((globalThis as { gc?: unknown }).gc, undefined)
  assert.equal(runInNewContext('typeof gc'), 'undefined')
})
