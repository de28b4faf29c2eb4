// A provider's health as the admin API answers it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProviderView } from '#control'
import type { HealthRow } from '#routing'
import { providerHealth } from './contract.ts'
import { healthOf } from './health.ts'

const view = { slug: 'p', credentials: [{ name: 'main' }, { name: 'spare' }] } as unknown as ProviderView
const row = (changes: Partial<HealthRow> = {}): HealthRow => ({
  provider: 'p',
  credential: 'main',
  model: 'm',
  scope: undefined,
  state: 'closed',
  credentialRejected: false,
  forMs: 0,
  lastedMs: undefined,
  running: 0,
  askedAgoMs: 1000,
  attempts: 3,
  failures: 0,
  latencyMs: 120.4,
  lastFailure: undefined,
  lastFailureAgoMs: undefined,
  ...changes,
})
const open = { state: 'open', forMs: 5000, lastedMs: 2000, failures: 3, lastFailure: 'cut', lastFailureAgoMs: 10 } as const

function health(...rows: readonly HealthRow[]) {
  return providerHealth.parse(healthOf(view, rows))
}

test("well, degraded, down or not asked: by what everybody has seen, and by nobody else's breaker", () => {
  assert.equal(healthOf(view, undefined), null)
  assert.equal(health().state, 'unknown')
  assert.equal(health(row({ provider: 'other', ...open })).state, 'unknown')
  assert.equal(health(row({ askedAgoMs: undefined })).state, 'unknown', 'only planned')
  assert.equal(health(row()).state, 'well')
  assert.equal(health(row(), row({ model: 'n', ...open })).state, 'degraded')
  assert.equal(health(row(open), row({ model: 'n', ...open })).state, 'down')
  assert.equal(health(row(), row({ scope: 'safe config.targets[0]', ...open })).state, 'well')
  assert.equal(
    health(row({ latencyMs: 100 }), row({ model: 'n', latencyMs: 300 }), row({ model: 'o', latencyMs: 200 })).latency_p50_ms,
    200,
  )
})

test('each credential, whether it was asked or not; one that may not use a model is not refused', () => {
  assert.deepEqual(health(row({ state: 'rejected', credentialRejected: true })).credentials, [
    { name: 'main', state: 'rejected' },
    { name: 'spare', state: 'unknown' },
  ])
  assert.deepEqual(health(row({ state: 'rejected' })).credentials[0], { name: 'main', state: 'well' })
  assert.deepEqual(health(row({ credential: 'none' })).credentials.at(-1), { name: 'none', state: 'well' })
})

test('what is in trouble comes first, with since when, until when and why; two hundred at most', () => {
  const { targets } = health(
    ...Array.from({ length: 300 }, (_, i) => row({ model: `m-${i}` })),
    row({ model: 'sick', scope: 's', ...open }),
  )
  assert.equal(targets.length, 200)
  const [sick, next] = targets
  const ago = (text: string | null | undefined): number => Math.round((Date.now() - Date.parse(text!)) / 500) * 500
  assert.deepEqual([sick!.model, sick!.config, sick!.state, sick!.window], ['sick', 's', 'open', { attempts: 3, failures: 3 }])
  assert.deepEqual([ago(sick!.since), ago(sick!.until), sick!.last_failure?.class, ago(sick!.asked_at)], [2000, -5000, 'cut', 1000])
  assert.deepEqual([next!.since, next!.until, next!.last_failure, next!.latency_p50_ms], [null, null, null, 120])
})
