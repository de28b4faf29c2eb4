// A provider's health as a line of a table and as lines of its own.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { healthLines, healthWords, type ProviderHealth } from './provider-health.ts'

const nowMs = Date.parse('2026-11-21T12:00:00.000Z')
const at = (ms: number): string => new Date(nowMs + ms).toISOString()

type Target = NonNullable<ProviderHealth>['targets'][number]
const target = (changes: Partial<Target>): Target => ({
  credential: 'main',
  model: 'gpt-4o',
  config: null,
  state: 'open',
  since: at(-90_000),
  until: at(12_000),
  last_failure: { class: 'provider_error', at: at(-5000) },
  ...changes,
})
const health = (state: NonNullable<ProviderHealth>['state'], targets: readonly Target[], rejected = false): ProviderHealth => ({
  state,
  latency_p50_ms: 420,
  credentials: [{ name: 'main', state: rejected ? 'rejected' : 'well' }],
  targets,
})

test('who is well says how fast; who was not asked says so; who does not run says nothing', () => {
  assert.equal(healthWords(health('well', [target({ state: 'closed', until: null })]), nowMs), 'well, 420 ms')
  assert.equal(healthWords({ ...health('well', [])!, latency_p50_ms: null }, nowMs), 'well')
  assert.equal(healthWords(health('unknown', []), nowMs), 'not asked lately')
  assert.equal(healthWords(null, nowMs), '-')
  assert.equal(healthWords(undefined, nowMs), '-')
  assert.deepEqual(healthLines(null, nowMs), [])
  assert.deepEqual(healthLines(health('well', [target({ state: 'closed' })]), nowMs), [])
})

test('what is wrong, and when it is asked again', () => {
  const sick = health('degraded', [
    target({}),
    target({ model: 'gpt-5', state: 'cooling', until: at(90_000) }),
    target({ model: 'x', state: 'half_open', until: null }),
  ])
  assert.equal(healthWords(sick, nowMs), 'degraded: gpt-4o fails, again in 12.0 s; 2 more')
  assert.deepEqual(healthLines(sick, nowMs), [
    'gpt-4o with key main fails, again in 12.0 s (last: provider_error, for 90.0 s)',
    'gpt-5 with key main is told to wait, again in 90.0 s (last: provider_error, for 90.0 s)',
    'x with key main is being tried (last: provider_error, for 90.0 s)',
  ])
})

test('a refused key is one trouble, however many models it has, and foreign names obey nobody', () => {
  const sick = health('down', [target({ state: 'rejected' }), target({ model: 'gpt-5', state: 'rejected' })], true)
  assert.equal(healthWords(sick, nowMs), 'down: key main refused or used up, again in 12.0 s')
  assert.match(
    healthWords(health('down', [target({ model: 'a\u{1b}[31mb', config: 'config.targets[1]' })]), nowMs),
    /^down: a\u{fffd}\[31mb in config\.targets\[1\] fails/u,
  )
  const model = 'm'.repeat(300)
  assert.ok(healthWords(health('down', [target({ model })]), nowMs).length < 70)
})
