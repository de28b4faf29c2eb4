// What opens, cools and rejects a target, what probes it, and what says that it is well again: by a fake clock.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { BreakerRule } from '#config'
import { Failure, failureTable, type FailureDetails, type FailureKind } from '#kernel'
import type { Ended, Health, HealthRow, Vitals } from './health.ts'
import { createHealth } from './targets.ts'

const at = 1_000_000
const minute = 60_000

/** A target whose attempts take 100 ms. */
class Clock {
  readonly health: Health
  nowMs = at

  constructor(health: Health = createHealth()) {
    this.health = health
  }

  failure(vitals: Vitals, kind: FailureKind, details: FailureDetails = {}, how: Partial<Ended> = {}): void {
    vitals.began(this.nowMs)
    this.nowMs += 100
    vitals.ended(this.nowMs, { failure: new Failure(kind, 'x', details), firstTokenMs: undefined, totalMs: 100, ...how })
  }

  answer(vitals: Vitals, firstTokenMs = 50): void {
    vitals.began(this.nowMs)
    this.nowMs += 100
    vitals.ended(this.nowMs, { failure: undefined, firstTokenMs, totalMs: 100 })
  }

  row(model = 'm', scope?: string): HealthRow {
    const found = this.health.rows(this.nowMs).find((row) => row.model === model && row.scope === scope)
    assert.ok(found !== undefined)
    return found
  }
}

function setup(rule: Partial<BreakerRule> = {}) {
  const clock = new Clock(createHealth({ rule }))
  return { clock, health: clock.health, vitals: clock.health.of('p', 'c', 'm') }
}

/** Opened by three failures in a row; 300 ms have passed. */
function opened() {
  const made = setup()
  for (let i = 0; i < 3; i++) made.clock.failure(made.vitals, 'provider_error')
  assert.equal(made.vitals.trouble(made.clock.nowMs)?.kind, 'open')
  return made
}

describe('a breaker', () => {
  test('opens at three failures in a row while little is asked of it', () => {
    const { clock, vitals, health } = setup()
    clock.failure(vitals, 'provider_error')
    clock.failure(vitals, 'cut')
    clock.answer(vitals)
    clock.failure(vitals, 'connect_failed')
    clock.failure(vitals, 'first_token_timeout')
    assert.equal(vitals.trouble(clock.nowMs), undefined)
    assert.ok(health.allWell)
    clock.failure(vitals, 'error_in_stream')
    assert.deepEqual(vitals.trouble(clock.nowMs), { kind: 'open', untilMs: clock.nowMs + 15_000 })
    assert.ok(!health.allWell)
    assert.deepEqual(clock.row(), {
      provider: 'p',
      credential: 'c',
      model: 'm',
      scope: undefined,
      state: 'open',
      credentialRejected: false,
      forMs: 15_000,
      lastedMs: 0,
      running: 0,
      askedAgoMs: 0,
      attempts: 6,
      failures: 5,
      latencyMs: undefined,
      lastFailure: 'error_in_stream',
      lastFailureAgoMs: 0,
    })
  })

  test('does not open at failures that are ten minutes apart', () => {
    const { clock, vitals } = setup()
    for (let i = 0; i < 10; i++) {
      clock.failure(vitals, 'provider_error')
      clock.nowMs += 11 * minute
    }
    assert.equal(vitals.trouble(clock.nowMs), undefined)
  })

  test('opens at half of at least ten attempts in a minute, and not at less', () => {
    const { clock, vitals } = setup()
    for (let i = 0; i < 5; i++) {
      assert.equal(vitals.trouble(clock.nowMs), undefined, `${i * 2} attempts are too few`)
      clock.answer(vitals)
      clock.failure(vitals, 'provider_error')
    }
    assert.equal(vitals.trouble(clock.nowMs)?.kind, 'open')

    const seldom = setup()
    for (let i = 0; i < 100; i++) {
      for (let answers = 0; answers < 3; answers++) seldom.clock.answer(seldom.vitals)
      for (let failures = 0; failures < 2; failures++) seldom.clock.failure(seldom.vitals, 'provider_error')
    }
    assert.equal(seldom.vitals.trouble(seldom.clock.nowMs), undefined)
  })

  test('counts only what happened in its window', () => {
    const { clock, vitals } = setup({ errorRate: 0.5, minRequests: 4, windowMs: 10_000 })
    for (let i = 0; i < 2; i++) clock.failure(vitals, 'provider_error')
    clock.answer(vitals)
    clock.nowMs += 11_000
    assert.deepEqual([clock.row().attempts, clock.row().failures], [0, 0])
    clock.answer(vitals)
    clock.answer(vitals)
    clock.failure(vitals, 'provider_error')
    clock.answer(vitals)
    assert.equal(vitals.trouble(clock.nowMs), undefined)
    assert.deepEqual([clock.row().attempts, clock.row().failures], [4, 1])
  })

  test('lets one request at a time through when its time is over, and closes when that is answered', () => {
    const { clock, vitals, health } = opened()
    clock.nowMs += 15_000
    assert.equal(vitals.trouble(clock.nowMs), undefined)
    assert.equal(clock.row().state, 'half_open')
    assert.ok(!health.allWell, 'not every request may come yet')
    vitals.began(clock.nowMs)
    assert.equal(vitals.trouble(clock.nowMs)?.kind, 'open', 'a probe is running')
    assert.equal(clock.row().running, 1)
    clock.nowMs += 400
    vitals.ended(clock.nowMs, { failure: undefined, firstTokenMs: 10, totalMs: 400 })
    assert.equal(vitals.trouble(clock.nowMs), undefined)
    assert.ok(health.allWell)
    assert.equal(clock.row().state, 'closed')
    clock.failure(vitals, 'provider_error')
    clock.failure(vitals, 'provider_error')
    assert.ok(health.allWell, 'it began anew')
  })

  test('opens for twice as long after each failed probe, at most sixteen times as long, and for the first time again after an answer', () => {
    const { clock, vitals } = opened()
    for (const seconds of [30, 60, 120, 240, 240]) {
      clock.nowMs = vitals.trouble(clock.nowMs)!.untilMs
      clock.failure(vitals, 'provider_error')
      assert.deepEqual(vitals.trouble(clock.nowMs), { kind: 'open', untilMs: clock.nowMs + seconds * 1000 })
    }
    clock.nowMs = vitals.trouble(clock.nowMs)!.untilMs
    clock.answer(vitals)
    for (let i = 0; i < 3; i++) clock.failure(vitals, 'provider_error')
    assert.equal(vitals.trouble(clock.nowMs)?.untilMs, clock.nowMs + 15_000)
  })

  test('lets the next request probe when the client of the probe left, or when nothing was learned of it', () => {
    for (const kind of ['client_closed', 'request_refused', 'internal_error', 'draining', 'unsupported_feature'] as const) {
      const { clock, vitals } = opened()
      clock.nowMs += 15_000
      vitals.began(clock.nowMs)
      assert.equal(vitals.trouble(clock.nowMs)?.kind, 'open')
      clock.nowMs += 100
      vitals.ended(clock.nowMs, { failure: new Failure(kind, 'x'), firstTokenMs: undefined, totalMs: 100 })
      assert.equal(vitals.trouble(clock.nowMs), undefined, kind)
      assert.equal(clock.row().state, 'half_open')
    }
  })

  test('is closed by an answer that its client left in the middle, which counts as nothing else', () => {
    const { clock, vitals, health } = opened()
    clock.nowMs += 15_000
    clock.failure(vitals, 'client_closed', {}, { firstTokenMs: 40 })
    assert.ok(health.allWell)
    for (let i = 0; i < 3; i++) clock.failure(vitals, 'client_closed', {}, { firstTokenMs: 40 })
    assert.deepEqual([clock.row().attempts, clock.row().failures, clock.row().latencyMs], [0, 0, 40])
    clock.failure(vitals, 'cut')
    clock.failure(vitals, 'cut')
    clock.failure(vitals, 'client_closed', {}, { firstTokenMs: 40 })
    clock.failure(vitals, 'cut')
    assert.equal(vitals.trouble(clock.nowMs)?.kind, 'open', 'and breaks no row of failures')
  })

  test('lets another request probe when a probe says nothing for half a minute; the answer of the first still closes it', () => {
    const { clock, vitals, health } = opened()
    clock.nowMs += 15_000
    vitals.began(clock.nowMs)
    assert.equal(vitals.trouble(clock.nowMs + 29_999)?.untilMs, clock.nowMs + 30_000)
    assert.equal(vitals.trouble(clock.nowMs + 30_000), undefined)
    vitals.began(clock.nowMs + 30_000)
    assert.equal(vitals.trouble(clock.nowMs + 30_001)?.kind, 'open')
    vitals.ended(clock.nowMs + 40_000, { failure: undefined, firstTokenMs: 35_000, totalMs: 40_000 })
    assert.ok(health.allWell)
  })

  test('is not closed by the answer to a request that began before it opened, and not prolonged by such a failure', () => {
    const { clock, vitals } = setup()
    const began = clock.nowMs
    for (let i = 0; i < 5; i++) vitals.began(began)
    for (let i = 0; i < 3; i++) vitals.ended(began + 1000, { failure: new Failure('cut', 'x'), firstTokenMs: undefined, totalMs: 1000 })
    assert.equal(vitals.trouble(began + 1000)?.untilMs, began + 16_000)
    vitals.ended(began + 2000, { failure: undefined, firstTokenMs: 1, totalMs: 2000 })
    assert.equal(vitals.trouble(began + 2000)?.untilMs, began + 16_000)
    vitals.ended(began + 20_000, { failure: new Failure('cut', 'x'), firstTokenMs: undefined, totalMs: 20_000 })
    assert.equal(vitals.trouble(began + 20_000), undefined, 'it is still time for a probe')
  })

  test('is closed by the answer to a request that asked it last of all, and not prolonged by its failure', () => {
    const { clock, vitals, health } = opened()
    const { untilMs } = vitals.trouble(clock.nowMs)!
    clock.nowMs += 5000
    clock.failure(vitals, 'provider_error')
    assert.equal(vitals.trouble(clock.nowMs)?.untilMs, untilMs)
    clock.answer(vitals)
    assert.ok(health.allWell)
  })

  test('that nobody probes for ten minutes is forgotten, whoever looks', () => {
    const { clock, vitals, health } = opened()
    const other = health.of('other', 'c', 'm')
    const { untilMs } = vitals.trouble(clock.nowMs)!
    assert.equal(other.trouble(untilMs + 10 * minute - 1), undefined)
    assert.ok(!health.allWell)
    assert.equal(other.trouble(untilMs + 10 * minute), undefined)
    assert.ok(health.allWell)
  })

  test('is of one model with one credential: others are asked', () => {
    const { clock, vitals, health } = opened()
    assert.equal(health.of('p', 'c', 'm'), vitals)
    assert.equal(health.of('p', 'c', 'n').trouble(clock.nowMs), undefined)
    assert.equal(health.of('p', 'd', 'm').trouble(clock.nowMs), undefined)
    assert.equal(health.of('q', 'c', 'm').trouble(clock.nowMs), undefined)
    assert.ok(health.provider('p', clock.nowMs).available)
  })
})

/** Kinds that say something about the provider; every other one says nothing, at most about its account. */
const faults: readonly FailureKind[] = [
  'timeout',
  'all_targets_failed',
  'interrupted',
  'dns_failed',
  'connect_failed',
  'private_address',
  'connect_timeout',
  'tls_failed',
  'first_token_timeout',
  'idle_timeout',
  'cut',
  'ended_early',
  'error_in_stream',
  'bad_response',
  'empty_response',
  'provider_error',
  'overloaded',
]

describe('what counts', () => {
  for (const kind of Object.keys(failureTable) as FailureKind[]) {
    const counts = faults.includes(kind)
    test(`${kind} ${counts ? 'is a failure of the provider' : 'opens no breaker'}`, () => {
      const { clock, vitals } = setup()
      for (let i = 0; i < 30; i++) clock.failure(vitals, kind, { upstream: { status: failureTable[kind].status } })
      assert.equal(clock.row().failures > 0, counts)
      assert.equal(vitals.trouble(clock.nowMs)?.kind === 'open', counts)
    })
  }

  test("what is shown as the latest failure is the provider's or its account's", () => {
    const { clock, vitals } = setup()
    for (const kind of ['internal_error', 'draining', 'client_closed', 'request_refused'] as const) clock.failure(vitals, kind)
    assert.equal(clock.row().lastFailure, undefined)
    for (const kind of ['target_not_found', 'credential_rejected', 'rate_limited', 'cut'] as const) {
      clock.failure(vitals, kind)
      assert.equal(clock.row().lastFailure, kind)
    }
  })

  test('client errors between two failures do not break their row', () => {
    const { clock, vitals } = setup()
    for (let i = 0; i < 3; i++) {
      clock.failure(vitals, 'provider_error')
      clock.failure(vitals, 'request_refused', { upstream: { status: 400 } })
    }
    assert.equal(vitals.trouble(clock.nowMs)?.kind, 'open')
  })

  test("a request's own short deadline says nothing; a minute of silence does, and a long answer that ran out of time does not", () => {
    const { clock, vitals } = setup()
    const timedOut = (how: Partial<Ended>) => clock.failure(vitals, 'total_timeout', {}, how)
    for (let i = 0; i < 5; i++) timedOut({ totalMs: 1000 })
    for (let i = 0; i < 5; i++) timedOut({ totalMs: 600_000, firstTokenMs: 400 })
    assert.equal(clock.row().failures, 0)
    for (let i = 0; i < 3; i++) timedOut({ totalMs: 60_000 })
    assert.equal(vitals.trouble(clock.nowMs)?.kind, 'open')
  })

  test("what a config's own timeouts cut short is no verdict for others", () => {
    const { clock, vitals } = setup()
    for (let i = 0; i < 20; i++) clock.failure(vitals, 'first_token_timeout', {}, { hurried: true })
    assert.equal(vitals.trouble(clock.nowMs), undefined)
  })
})

describe('a credential', () => {
  for (const kind of ['credential_rejected', 'account_exhausted'] as const) {
    test(`${kind} rejects it with every model, for a growing time, and the answer to a probe ends that`, () => {
      const { clock, vitals, health } = setup()
      const other = health.of('p', 'c', 'other')
      clock.failure(vitals, kind, { upstream: { status: 401 } })
      for (const seconds of [30, 60, 120, 240, 480, 600, 600]) {
        assert.deepEqual(vitals.trouble(clock.nowMs), { kind: 'rejected', untilMs: clock.nowMs + seconds * 1000 })
        assert.deepEqual(other.trouble(clock.nowMs), vitals.trouble(clock.nowMs))
        assert.equal(health.of('p', 'second', 'm').trouble(clock.nowMs), undefined)
        assert.deepEqual([clock.row().state, clock.row('other').state], ['rejected', 'rejected'])
        assert.ok(clock.row('other').credentialRejected)
        clock.nowMs += seconds * 1000
        assert.equal(vitals.trouble(clock.nowMs), undefined)
        assert.equal(clock.row().state, 'half_open')
        other.began(clock.nowMs)
        assert.equal(vitals.trouble(clock.nowMs)?.kind, 'rejected', 'the other model is the probe')
        clock.nowMs += 100
        other.ended(clock.nowMs, { failure: new Failure(kind, 'x'), firstTokenMs: undefined, totalMs: 100 })
      }
      clock.answer(other)
      assert.equal(vitals.trouble(clock.nowMs), undefined)
      assert.ok(health.allWell)
    })
  }

  test('that worked a moment ago and gets a 403 may not use that model; one that never worked, or not lately, is rejected', () => {
    const { clock, vitals, health } = setup()
    const other = health.of('p', 'c', 'other')
    clock.answer(other)
    clock.failure(vitals, 'credential_rejected', { upstream: { status: 403 } })
    assert.equal(vitals.trouble(clock.nowMs)?.kind, 'rejected')
    assert.equal(other.trouble(clock.nowMs), undefined)
    clock.answer(other)
    assert.equal(vitals.trouble(clock.nowMs)?.kind, 'rejected', 'what others can do says nothing of this model')
    clock.nowMs += 11 * minute
    clock.failure(vitals, 'credential_rejected', { upstream: { status: 403 } })
    assert.equal(other.trouble(clock.nowMs)?.kind, 'rejected')
  })

  test('is not asked for as long as a used-up account says, ten minutes at most', () => {
    for (const [saidMs, heldMs] of [
      [90_000, 90_000],
      [86_400_000, 600_000],
      [-5, 30_000],
    ] as const) {
      const { clock, vitals } = setup()
      clock.failure(vitals, 'account_exhausted', { retryAfterMs: saidMs })
      assert.equal(vitals.trouble(clock.nowMs)?.untilMs, clock.nowMs + heldMs)
    }
  })

  test('whose probe is told to wait has been let in no further: the next request may try it', () => {
    const { clock, vitals } = setup()
    clock.failure(vitals, 'credential_rejected')
    clock.nowMs += 30_000
    clock.failure(vitals, 'rate_limited', { retryAfterMs: 2000 })
    assert.equal(vitals.trouble(clock.nowMs)?.kind, 'cooling')
    clock.nowMs += 2000
    assert.equal(vitals.trouble(clock.nowMs), undefined)
  })
})

describe('a provider that says to wait', () => {
  test('is not asked with that credential and model until then, and time alone ends that', () => {
    const { clock, vitals, health } = setup()
    clock.failure(vitals, 'rate_limited', { retryAfterMs: 20_000 })
    assert.deepEqual(vitals.trouble(clock.nowMs), { kind: 'cooling', untilMs: clock.nowMs + 20_000 })
    assert.equal(health.of('p', 'c', 'other').trouble(clock.nowMs), undefined)
    assert.deepEqual([clock.row().state, clock.row().forMs], ['cooling', 20_000])
    assert.ok(!health.allWell)
    clock.nowMs += 19_999
    assert.equal(vitals.trouble(clock.nowMs)?.kind, 'cooling')
    clock.nowMs += 1
    assert.equal(vitals.trouble(clock.nowMs), undefined)
    assert.ok(health.allWell)
  })

  test('is believed for an hour at most; who says nothing or nonsense, for five seconds, doubled up to a minute', () => {
    for (const [saidMs, heldMs] of [
      [365 * 86_400_000, 3_600_000],
      [-1000, 5000],
      [0, 5000],
      [Number.NaN, 5000],
      [undefined, 5000],
      [250, 250],
    ] as const) {
      const { clock, vitals } = setup()
      clock.failure(vitals, 'rate_limited', saidMs === undefined ? {} : { retryAfterMs: saidMs })
      assert.equal(vitals.trouble(clock.nowMs)?.untilMs, clock.nowMs + heldMs, String(saidMs))
    }
    const { clock, vitals } = setup()
    for (const seconds of [5, 10, 20, 40, 60, 60]) {
      clock.failure(vitals, 'rate_limited')
      assert.equal(vitals.trouble(clock.nowMs)?.untilMs, clock.nowMs + seconds * 1000)
      clock.nowMs += seconds * 1000
    }
    clock.answer(vitals)
    clock.failure(vitals, 'rate_limited')
    assert.equal(vitals.trouble(clock.nowMs)?.untilMs, clock.nowMs + 5000)
  })

  test('and says "in 6 ms" each time is believed four times in a row', () => {
    const { clock, vitals } = setup()
    const waits = [1, 2, 3, 4, 5, 6].map(() => {
      clock.failure(vitals, 'rate_limited', { retryAfterMs: 6 })
      const waitMs = vitals.trouble(clock.nowMs)!.untilMs - clock.nowMs
      clock.nowMs += waitMs
      return waitMs
    })
    assert.deepEqual(waits, [6, 6, 6, 6, 5000, 5000])
  })

  test('many at once grow nothing, and the longest word counts', () => {
    const { clock, vitals } = setup()
    for (let i = 0; i < 10; i++) vitals.began(clock.nowMs)
    const limited = (retryAfterMs?: number): void =>
      vitals.ended(clock.nowMs + 100, {
        failure: new Failure('rate_limited', 'x', retryAfterMs === undefined ? {} : { retryAfterMs }),
        firstTokenMs: undefined,
        totalMs: 100,
      })
    for (let i = 0; i < 8; i++) limited()
    assert.equal(vitals.trouble(clock.nowMs + 100)?.untilMs, clock.nowMs + 5100)
    limited(9000)
    limited(3000)
    assert.equal(vitals.trouble(clock.nowMs + 100)?.untilMs, clock.nowMs + 9100)
    assert.equal(vitals.running, 0)
  })
})

describe("a config's own breaker", () => {
  const rule: BreakerRule = {
    errorRate: 1,
    minRequests: 1000,
    failures: 2,
    windowMs: 10_000,
    coolMs: 1000,
    onStatusCodes: new Set([404, 503]),
  }

  test('counts the answers that it names and what has no status, in all or in a row', () => {
    const { clock, health, vitals } = setup()
    const own = health.of('p', 'c', 'm', { scope: 'slow.targets[0]', rule })
    clock.failure(own, 'provider_error', { upstream: { status: 500 } })
    clock.failure(own, 'provider_error', { upstream: { status: 500 } })
    assert.equal(own.trouble(clock.nowMs), undefined)
    clock.failure(own, 'target_not_found', { upstream: { status: 404 } })
    clock.answer(own)
    clock.failure(own, 'client_closed')
    clock.failure(own, 'internal_error')
    assert.equal(own.trouble(clock.nowMs), undefined)
    clock.failure(own, 'cut')
    assert.deepEqual(own.trouble(clock.nowMs), { kind: 'open', untilMs: clock.nowMs + 1000 })
    assert.equal(vitals.trouble(clock.nowMs), undefined, 'everybody else asks it')
    assert.deepEqual([clock.row('m', 'slow.targets[0]').state, clock.row().state], ['open', 'closed'])
    const other = health.of('p', 'c', 'm', { scope: 'other', rule })
    assert.equal(other.trouble(clock.nowMs), undefined)
    assert.equal(health.of('p', 'c', 'm', { scope: 'slow.targets[0]', rule: { ...rule } }), own)
  })

  test('knows what everybody learns of credential, wait, load and speed', () => {
    const { clock, health, vitals } = setup()
    const own = health.of('p', 'c', 'm', { scope: 's', rule })
    clock.failure(vitals, 'rate_limited', { retryAfterMs: 500 })
    assert.equal(own.trouble(clock.nowMs)?.kind, 'cooling')
    clock.failure(own, 'credential_rejected')
    assert.equal(vitals.trouble(clock.nowMs)?.kind, 'rejected')
    own.began(clock.nowMs)
    assert.equal(vitals.running, 1)
    for (let i = 0; i < 3; i++) clock.answer(own, 70)
    assert.equal(vitals.latencyMs(clock.nowMs), 70)
  })

  test('begins anew when its rule is another one', () => {
    const { clock, health } = setup()
    const own = health.of('p', 'c', 'm', { scope: 's', rule })
    for (let i = 0; i < 2; i++) clock.failure(own, 'cut')
    assert.ok(!health.allWell)
    const changed = health.of('p', 'c', 'm', { scope: 's', rule: { ...rule, failures: 3 } })
    assert.equal(changed.trouble(clock.nowMs), undefined)
    assert.ok(health.allWell)
  })

  test('counts 5xx where it names no answers, and not what the account is told', () => {
    const { clock, health } = setup()
    const { onStatusCodes: _codes, ...plain } = rule
    const own = health.of('p', 'c', 'm', { scope: 's', rule: plain })
    for (const [kind, status] of [
      ['rate_limited', 429],
      ['credential_rejected', 401],
      ['target_not_found', 404],
      ['request_refused', 400],
    ] as const)
      for (let i = 0; i < 3; i++) clock.failure(own, kind, { upstream: { status } })
    assert.equal(clock.row('m', 's').failures, 0)
    for (let i = 0; i < 2; i++) clock.failure(own, 'provider_error', { upstream: { status: 502 } })
    assert.equal(clock.row('m', 's').failures, 2)
  })
})

describe('latency', () => {
  test('is the median of the latest nine answers, unknown for fewer than three', () => {
    const { clock, vitals, health } = setup()
    clock.answer(vitals, 10)
    clock.answer(vitals, 30)
    assert.equal(vitals.latencyMs(clock.nowMs), undefined)
    clock.answer(vitals, 1000)
    assert.equal(vitals.latencyMs(clock.nowMs), 30)
    clock.answer(vitals, 40)
    assert.equal(vitals.latencyMs(clock.nowMs), 35)
    for (let i = 0; i < 9; i++) clock.answer(vitals, 200 + i)
    assert.equal(vitals.latencyMs(clock.nowMs), 204)
    assert.equal(health.provider('p', clock.nowMs).latencyMs, 204)
    clock.failure(vitals, 'cut')
    assert.equal(vitals.latencyMs(clock.nowMs), 204, 'failures are fast or slow for other reasons')
  })

  test('is that of a slowed target after five slow answers', () => {
    const { clock, vitals } = setup()
    for (let i = 0; i < 100; i++) clock.answer(vitals, 50)
    for (let i = 0; i < 4; i++) clock.answer(vitals, 5000)
    assert.equal(vitals.latencyMs(clock.nowMs), 50)
    clock.answer(vitals, 5000)
    assert.equal(vitals.latencyMs(clock.nowMs), 5000)
  })

  test('is unknown again two minutes later, so that the target is tried', () => {
    const { clock, vitals } = setup()
    for (let i = 0; i < 9; i++) clock.answer(vitals, 50)
    const { nowMs } = clock
    assert.equal(vitals.latencyMs(nowMs + 119_000), 50)
    assert.equal(vitals.latencyMs(nowMs + 120_000), undefined)
  })
})

describe('health', () => {
  test('of a provider: it is there while any of its targets is, or none is known', () => {
    const { clock, vitals, health } = setup()
    assert.deepEqual(health.provider('unknown', clock.nowMs), { available: true, latencyMs: undefined })
    const other = health.of('p', 'second', 'm')
    clock.failure(vitals, 'credential_rejected')
    assert.ok(health.provider('p', clock.nowMs).available)
    clock.failure(other, 'credential_rejected')
    assert.ok(!health.provider('p', clock.nowMs).available)
    assert.ok(health.provider('q', clock.nowMs).available)
  })

  test('of a provider that somebody has mended is forgotten, and what runs goes on', () => {
    const { clock, vitals, health } = setup()
    vitals.began(clock.nowMs)
    clock.failure(vitals, 'credential_rejected')
    clock.failure(health.of('q', 'c', 'm'), 'credential_rejected')
    health.reset('p')
    assert.equal(vitals.trouble(clock.nowMs), undefined)
    assert.equal(vitals.running, 1)
    assert.ok(!health.allWell, 'the other provider is not')
    health.reset('q')
    assert.ok(health.allWell)
  })

  test('keeps a bounded number of targets: idle ones go first, and vitals that a plan holds find the current one', () => {
    const clock = new Clock(createHealth({ mostTargets: 40 }))
    const { health } = clock
    const held = health.of('p', 'c', 'held')
    const busy = health.of('p', 'c', 'busy')
    busy.began(clock.nowMs)
    const sick = health.of('p', 'c', 'sick')
    for (let i = 0; i < 3; i++) clock.failure(sick, 'cut')
    for (let i = 0; i < 1000; i++) clock.answer(health.of('p', 'c', `foreign-${i}`))
    assert.ok(health.rows(clock.nowMs).length <= 40)
    assert.equal(health.of('p', 'c', 'busy'), busy)
    assert.equal(health.of('p', 'c', 'sick'), sick)
    const found = health.of('p', 'c', 'held')
    assert.notEqual(found, held)
    for (let i = 0; i < 3; i++) clock.failure(held, 'cut')
    assert.equal(found.trouble(clock.nowMs)?.kind, 'open')
    assert.equal(held.trouble(clock.nowMs)?.kind, 'open')
    busy.ended(clock.nowMs, { failure: undefined, firstTokenMs: 1, totalMs: 1 })
    assert.equal(clock.row('busy').running, 0)
  })

  test('has room even when all are in trouble, and breakers of inline configs are bounded', () => {
    const clock = new Clock(createHealth({ mostTargets: 20 }))
    for (let i = 0; i < 200; i++) {
      clock.failure(clock.health.of('p', 'c', `m-${i}`), 'rate_limited', { retryAfterMs: 1e9 })
      clock.failure(clock.health.of('p', `c-${i}`, 'm'), 'credential_rejected')
    }
    assert.ok(clock.health.rows(clock.nowMs).length <= 20)
    clock.health.reset('p')
    assert.ok(clock.health.allWell, "what was forgotten is in nobody's way")
    const rule: BreakerRule = { errorRate: 1, minRequests: 1, failures: 1, windowMs: 1e9, coolMs: 1e9 }
    for (let i = 0; i < 200; i++) clock.failure(clock.health.of('p', 'c', 'm', { scope: `s-${i}`, rule }), 'cut')
    assert.ok(clock.health.rows(clock.nowMs).length <= 60)
  })

  test('counts no end without a beginning', () => {
    const { clock, vitals } = setup()
    vitals.ended(clock.nowMs, { failure: undefined, firstTokenMs: 1, totalMs: 1 })
    assert.equal(vitals.running, 0)
  })

  test('forgets what nobody has asked for an hour', () => {
    const { clock, vitals, health } = setup()
    clock.answer(vitals)
    health.of('p', 'c', 'never asked')
    clock.nowMs += 59 * minute
    assert.equal(health.rows(clock.nowMs).length, 2)
    clock.nowMs += 2 * minute
    assert.deepEqual(health.rows(clock.nowMs), [])
    clock.answer(vitals)
    assert.equal(health.rows(clock.nowMs).length, 1)
  })
})

type Move =
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'begin'; readonly target: number }
  | { readonly do: 'end'; readonly which: number; readonly how: FailureKind | 'answer'; readonly retryAfterMs: number }

const targets = 4
const moves: fc.Arbitrary<Move[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('wait' as const), ms: fc.oneof(fc.nat(2000), fc.nat(400_000)) }),
    fc.record({ do: fc.constant('begin' as const), target: fc.nat(targets - 1) }),
    fc.record({
      do: fc.constant('end' as const),
      which: fc.nat(1000),
      how: fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom('provider_error', 'cut', 'credential_rejected', 'rate_limited') },
        { weight: 2, arbitrary: fc.constantFrom('answer', 'client_closed', 'request_refused') },
      ),
      retryAfterMs: fc.constantFrom(-1, 500, 1e12),
    }),
  ),
  { maxLength: 120 },
)

test('whatever happens: one probe at a time, nothing without cause, nothing below zero, and all is well exactly when nothing is in trouble', () => {
  fc.assert(
    fc.property(moves, (history) => {
      const health = createHealth()
      // Two models with each of two credentials.
      const all = Array.from({ length: targets }, (_, i) => health.of('p', `c${i >> 1}`, `m${i & 1}`))
      const running: { target: number; startedMs: number; isProbe: boolean }[] = []
      const failed = new Set<number>()
      let nowMs = at
      for (const move of history) {
        if (move.do === 'wait') nowMs += move.ms
        if (move.do === 'begin') {
          const vitals = all[move.target]!
          const isAskedInPlace = vitals.trouble(nowMs) === undefined
          const state = health
            .rows(nowMs)
            .find(({ credential, model }) => credential === `c${move.target >> 1}` && model === `m${move.target & 1}`)
          const isProbe = isAskedInPlace && state!.state === 'half_open'
          if (isProbe) {
            const others = running.filter((one) => one.isProbe && one.target === move.target && nowMs - one.startedMs < 30_000)
            assert.equal(others.length, 0, 'a second probe')
          }
          vitals.began(nowMs)
          running.push({ target: move.target, startedMs: nowMs, isProbe })
        }
        if (move.do === 'end' && running.length > 0) {
          const [ended] = running.splice(move.which % running.length, 1)
          const { target, startedMs } = ended!
          const failure = move.how === 'answer' ? undefined : new Failure(move.how, 'x', { retryAfterMs: move.retryAfterMs })
          if (failure !== undefined && failure.fault !== 'client') for (const one of [target, target ^ 1]) failed.add(one)
          all[target]!.ended(nowMs, { failure, firstTokenMs: failure === undefined ? 5 : undefined, totalMs: nowMs - startedMs })
        }
        const rows = health.rows(nowMs)
        for (const [i, vitals] of all.entries()) {
          assert.equal(vitals.running, running.filter(({ target }) => target === i).length)
          if (vitals.trouble(nowMs) !== undefined) assert.ok(failed.has(i), 'open without cause')
        }
        assert.equal(
          health.allWell,
          rows.every(({ state }) => state === 'closed'),
        )
        if (health.allWell) for (const vitals of all) assert.equal(vitals.trouble(nowMs), undefined)
      }
    }),
    { numRuns: 400 },
  )
})
