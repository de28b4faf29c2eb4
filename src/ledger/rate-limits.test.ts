// Rates: what is let through in any stretch of time, and what is said of the rest.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RateLimitRule } from '#config'
import { Pace, RateMeter, unitsToTake } from './rate-limits.ts'

const owner = { kind: 'key', id: 'k', name: 'k' } as const
const meterOf = (limit: number, of: RateLimitRule['of'] = 'requests', perMs = 60_000) => new RateMeter('m', owner, { of, limit, perMs })

function tryTake(meter: RateMeter, units: number, paceMs: number): boolean {
  if (meter.waitMs(units, paceMs) > 0) return false
  meter.take(units, paceMs)
  return true
}

test('as many as the limit pass at once, and then one whenever its time has passed', () => {
  for (const [limit, perMs] of [
    [3, 1000],
    [7, 60_000],
    [60, 60_000],
    [1, 86_400_000],
    [1000, 1000],
  ] as const) {
    const meter = meterOf(limit, 'requests', perMs)
    for (let count = 0; count < limit; count++) assert.ok(tryTake(meter, 1, 5), `${count} of ${limit}`)
    const waitMs = meter.waitMs(1, 5)
    assert.equal(waitMs, Math.ceil(perMs / limit))
    assert.ok(!tryTake(meter, 1, 5 + waitMs - 1))
    assert.ok(tryTake(meter, 1, 5 + waitMs))
  }
})

test('in no stretch of time more passes than the limit and what flows off meanwhile', () => {
  const moves = fc.array(fc.tuple(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 1, max: 4 })), { maxLength: 60 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.constantFrom(1000, 7000, 60_000), moves, (limit, perMs, asked) => {
      const meter = meterOf(limit, 'tokens', perMs)
      const passed: { atMs: number; units: number }[] = []
      let nowMs = 0
      for (const [afterMs, units] of asked) {
        nowMs += afterMs
        const waitMs = meter.waitMs(units, nowMs)
        if (waitMs > 0) {
          // What is said is true: then it would pass, and a millisecond before it would not.
          if (units <= limit) {
            assert.equal(replayed(meter, passed).waitMs(units, nowMs + waitMs), 0)
            if (waitMs > 1) assert.ok(replayed(meter, passed).waitMs(units, nowMs + waitMs - 1) > 0)
          }
          continue
        }
        meter.take(units, nowMs)
        passed.push({ atMs: nowMs, units })
      }
      for (let from = 0; from < passed.length; from++) {
        let sum = 0
        for (let to = from; to < passed.length; to++) {
          sum += passed[to]!.units
          assert.ok(sum <= limit + ((passed[to]!.atMs - passed[from]!.atMs) * limit) / perMs + 1e-9)
        }
      }
    }),
    { numRuns: 500 },
  )

  /** Asking what would be later moves a meter on: another one is asked, to which the same happened. */
  function replayed({ rule }: RateMeter, passed: readonly { atMs: number; units: number }[]): RateMeter {
    const meter = new RateMeter('again', owner, rule)
    for (const { atMs, units } of passed) meter.take(units, atMs)
    return meter
  }
})

test('tokens are taken as estimated and settled to the truth, either way', () => {
  const meter = meterOf(1000, 'tokens')
  meter.take(600, 0)
  assert.equal(meter.left(0), 400)
  meter.change(600, 100, 0)
  assert.equal(meter.left(0), 900)
  meter.take(500, 0)
  meter.change(500, 2000, 0)
  assert.equal(meter.left(0), -1100)
  assert.equal(meter.view(0).left, 0)
  // 1,200 too many flow off in 72 seconds, at 1,000 a minute.
  assert.equal(meter.waitMs(100, 0), 72_000)
  assert.equal(meter.waitMs(100, 72_000), 0)
  // What was given back late is not more than there ever was.
  meter.change(5000, 0, 200_000)
  assert.equal(meter.left(200_000), 1000)
})

test('of tokens at most half of what is left is taken in advance, and never less than a short answer', () => {
  const meter = meterOf(10_000, 'tokens')
  assert.equal(unitsToTake(meter, 500, 1000, 0), 1500)
  assert.equal(unitsToTake(meter, 500, 64_000, 0), 5000)
  meter.take(8000, 0)
  assert.equal(unitsToTake(meter, 500, 64_000, 0), 1524)
  assert.equal(unitsToTake(meter, 500, 100, 0), 600)
  // A prompt that is larger than the limit passes when all of it is there, and is waited for afterwards.
  assert.equal(unitsToTake(meter, 50_000, 100, 0), 10_000)
  assert.equal(unitsToTake(meterOf(5), 50_000, 100, 0), 1)
})

test('requests at once are counted, whatever time it is', () => {
  const meter = meterOf(2, 'concurrent', 0)
  assert.ok(tryTake(meter, 1, 0))
  assert.ok(tryTake(meter, 1, 0))
  assert.equal(meter.waitMs(1, 1e9), 1000)
  meter.change(1, 0, 1e9)
  assert.equal(meter.left(1e9), 1)
  assert.deepEqual([meter.view(1e9).resetMs, meter.view(1e9).left], [0, 1])
})

test('a limit of 0 lets nothing through', () => {
  for (const what of ['requests', 'tokens', 'concurrent'] as const)
    assert.equal(meterOf(0, what).waitMs(unitsToTake(meterOf(0, what), 5, 5, 0), 0), Infinity)
  assert.equal(meterOf(0).view(0).resetMs, 0)
})

test('the pace stands still while the clock goes back, and then goes on', () => {
  const pace = new Pace()
  const start = 1_000_000_000
  assert.equal(pace.at(start), 0)
  assert.equal(pace.at(start + 5000), 5000)
  // Held from when it began to come, and now it is all here. Nothing flows off twice.
  assert.equal(pace.at(start - 500_000), 5000)
  assert.equal(pace.at(start + 4995), 5000)
  assert.equal(pace.at(start + 5001), 5001)
  assert.equal(pace.at(start - 3_600_000), 5001)
  assert.equal(pace.at(start - 3_600_000 + 10), 5011)
})
