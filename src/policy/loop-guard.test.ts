// When a session is stopped, and when it is not: under a clock of our own.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { GatewayKey } from '#config'
import { createLoopGuard, loopRuleOf, type LoopRule, type LoopVerdict, type ModelTurn } from './loop-guard.ts'

const rule: LoopRule = { mode: 'enforce', repeats: 4, requests: 1000, windowMs: 60_000 }
const minuteMs = 60_000

/** A session whose requests come a second apart unless said otherwise. */
function scene(own: Partial<LoopRule> = {}) {
  const guard = createLoopGuard()
  let nowMs = 1_000_000
  const ask = (turn: ModelTurn | undefined, { session = 'one', afterMs = 1000 } = {}): LoopVerdict | undefined => {
    nowMs += afterMs
    return guard.check({ ...rule, ...own }, session, turn, nowMs)
  }
  /** The model called the tool once more: the conversation grew by its turn and the result. */
  const call = (round: number, calls = 'read a', options = {}) => ask({ index: 2 * round, calls }, options)
  return { guard, ask, call }
}

const refused = (verdict: LoopVerdict | undefined) => verdict?.failure?.message

describe('the same tool call', () => {
  test('is noted from half of the threshold on, and stopped at it', () => {
    const { call } = scene()
    const seen = [1, 2, 3, 4, 5].map((round) => call(round))
    assert.deepEqual(
      seen.map((verdict) => verdict?.seen),
      [
        undefined,
        'the same tool call 2 times in a row; a session is stopped at 4',
        'the same tool call 3 times in a row; a session is stopped at 4',
        'the session repeated the same tool call 4 times',
        'the session repeated the same tool call 4 times',
      ],
    )
    const failure = seen[3]?.failure
    assert.equal(failure?.message, 'This session repeated the same tool call 4 times. Try again in 10 minutes.')
    assert.deepEqual([failure?.kind, failure?.status, failure?.details.retryAfterMs], ['loop_detected', 429, 600_000])
  })

  test('counts once, however often its request is tried again, or has words of the user behind it', () => {
    const { call } = scene()
    for (let round = 1; round < 4; round++) for (let again = 0; again < 5; again++) assert.equal(refused(call(round)), undefined)
    assert.notEqual(refused(call(4)), undefined)
  })

  test('counts anew after another call, after an answer in words, and after a history that was cut', () => {
    const { ask, call } = scene()
    const three = (from: number) => {
      for (let round = from; round < from + 3; round++) assert.equal(refused(call(round)), undefined)
    }
    three(1)
    assert.equal(call(4, 'read b'), undefined)
    three(5)
    assert.equal(ask({ index: 16, calls: '' }), undefined)
    three(9)
    three(1)
    assert.notEqual(refused(call(4)), undefined)
  })

  test('counts on past requests of another conversation under the same name', () => {
    const { ask, call } = scene()
    for (let round = 5; round < 8; round++) {
      assert.equal(refused(call(round)), undefined)
      // A title, a summary: no model turn, or an early one.
      assert.equal(refused(ask({ index: -1, calls: '' })), undefined)
      assert.equal(refused(ask({ index: 3, calls: '' })), undefined)
    }
    assert.notEqual(refused(call(8)), undefined)
  })

  test('is neither counted nor forgotten where it cannot be seen', () => {
    const { ask, call } = scene()
    for (const round of [1, 2, 3]) {
      call(round)
      assert.equal(refused(ask(undefined)), undefined)
    }
    assert.notEqual(refused(call(4)), undefined)
  })
})

describe('a stopped session', () => {
  const stopped = (own?: Partial<LoopRule>) => {
    const one = scene(own)
    for (const round of [1, 2, 3, 4]) one.call(round)
    return one
  }

  test('is refused for ten minutes, with a wait that clients take for a limit to the last, and then begins anew', () => {
    const { call } = stopped()
    assert.equal(
      refused(call(4, 'read a', { afterMs: 4.5 * minuteMs })),
      'This session repeated the same tool call 4 times. Try again in 6 minutes.',
    )
    const last = call(4, 'read a', { afterMs: 5.4 * minuteMs })
    assert.equal(last?.failure?.details.retryAfterMs, 61_000)
    assert.match(last.failure.message, /Try again in 2 minutes\.$/)
    assert.equal(call(4, 'read a', { afterMs: minuteMs }), undefined)
    for (const round of [5, 6, 7]) assert.equal(refused(call(round)), undefined)
    assert.notEqual(refused(call(8)), undefined)
  })

  test('goes on at once with another tool call or an answer in words', () => {
    for (const calls of ['read b', '']) {
      const { ask, call } = stopped()
      assert.equal(ask({ index: 10, calls }), undefined)
      assert.equal(call(6), undefined)
    }
  })

  test('may still have its conversation summed up, and is stopped all the same', () => {
    const { ask, call } = stopped()
    assert.equal(ask({ index: -1, calls: '' }), undefined)
    assert.notEqual(refused(call(4)), undefined)
    assert.notEqual(refused(ask(undefined)), undefined)
    assert.notEqual(refused(call(1)), undefined, 'the loop in a history that was cut')
  })

  test('is alone in it', () => {
    const { call } = stopped()
    assert.equal(call(5, 'read a', { session: 'two' }), undefined)
  })

  test('is let go when the rule only observes', () => {
    const { guard } = stopped()
    assert.equal(guard.check({ ...rule, mode: 'observe' }, 'one', { index: 8, calls: 'read a' }, 1_005_000)?.failure, undefined)
  })
})

describe('requests', () => {
  const talk = (round: number): ModelTurn => ({ index: round, calls: '' })

  test('more of them than the window allows stop the session, and each is counted', () => {
    const { ask } = scene({ requests: 10 })
    const seen = Array.from({ length: 12 }, () => ask(talk(1)))
    assert.deepEqual(
      seen.map((verdict) => verdict !== undefined),
      Array.from({ length: 12 }, (_, index) => index >= 5),
    )
    assert.equal(seen[5]?.seen, '6 requests within 1 minute; a session is stopped at 11')
    assert.deepEqual(
      seen.map((verdict) => refused(verdict) !== undefined),
      Array.from({ length: 12 }, (_, index) => index >= 10),
    )
    assert.equal(refused(seen[10]), 'This session made more than 10 requests in 1 minute. Try again in 10 minutes.')
    assert.match(refused(ask({ index: 5, calls: 'something else' }))!, /more than 10 requests/, 'another call is no reason to go on')
    assert.equal(ask(talk(1), { afterMs: 10 * minuteMs }), undefined)
  })

  test('of an earlier window count no more', () => {
    const { ask } = scene({ requests: 10 })
    for (let round = 0; round < 60; round++) assert.equal(refused(ask(talk(1), { afterMs: 6000 })), undefined, String(round))
  })

  test('the length of the window is said in words', () => {
    const { ask } = scene({ windowMs: 90_000, requests: 1 })
    ask(talk(1))
    assert.match(refused(ask(talk(1)))!, /more than 1 requests in 90 seconds/)
  })
})

test('a guard that observes notes everything and stops nothing', () => {
  const { call } = scene({ mode: 'observe' })
  const seen = Array.from({ length: 30 }, (_, round) => call(round))
  assert.ok(seen.every((verdict) => verdict?.failure === undefined))
  assert.equal(seen[29]?.seen, 'the same tool call 30 times in a row; only observed; the threshold is 4')
})

test('sessions are forgotten when they are idle, and when they are too many', () => {
  const { guard, call, ask } = scene()
  for (const round of [1, 2, 3]) call(round)
  for (let idle = 0; idle < 4; idle++) ask(undefined, { session: 'another', afterMs: 10 * minuteMs })
  assert.equal(refused(call(4)), undefined)
  for (let n = 0; n < 50_000; n++) ask(undefined, { session: `flood ${n}`, afterMs: 0 })
  assert.ok(guard.size <= 20_000, String(guard.size))
})

test("a key's rule is OpenClaw's default, its own, or none", () => {
  const key = (more: Partial<GatewayKey>): GatewayKey => ({ id: 'k', name: 'k', hash: '', streamUsage: 'always', ...more })
  const defaults = { mode: 'enforce', repeats: 25, requests: 300, windowMs: 120_000 }
  assert.equal(loopRuleOf(key({})), undefined)
  assert.equal(loopRuleOf(key({ client: 'openclaw', loopGuard: { mode: 'off' } })), undefined)
  assert.deepEqual(loopRuleOf(key({ client: 'openclaw' })), defaults)
  assert.deepEqual(loopRuleOf(key({ loopGuard: { mode: 'observe', repeats: 5 } })), { ...defaults, mode: 'observe', repeats: 5 })
})
