// How a provider is doing, as the admin API says it: from the rows that the gateway keeps.
import type { ProviderView } from '#control'
import type { HealthRow } from '#routing'
import type { ProviderHealth } from './contract.ts'

/** As they are now; undefined: no gateway runs here. */
export type HealthPort = (() => readonly HealthRow[]) | undefined

/** Models may be many; those in trouble come first. */
const mostRows = 200

export function healthOf({ slug, credentials }: ProviderView, all: readonly HealthRow[] | undefined): ProviderHealth | null {
  if (all === undefined) return null
  const rows = all.filter(({ provider }) => provider === slug)
  const asked = rows.filter(({ askedAgoMs, state }) => askedAgoMs !== undefined || state !== 'closed')
  const shared = asked.filter(({ scope }) => scope === undefined)
  const wellCount = shared.filter(isWell).length
  const nowMs = Date.now()
  const names = new Set([...credentials.map(({ name }) => name), ...asked.map(({ credential }) => credential)])
  const latencies = shared.flatMap(({ latencyMs }) => latencyMs ?? []).toSorted((a, b) => a - b)
  return {
    state: shared.length === 0 ? 'unknown' : wellCount === shared.length ? 'well' : wellCount === 0 ? 'down' : 'degraded',
    latency_p50_ms: latencies.length === 0 ? null : Math.round(latencies[latencies.length >> 1]!),
    credentials: [...names].map((name) => {
      const own = shared.filter(({ credential }) => credential === name)
      return { name, state: own.some((row) => row.credentialRejected) ? 'rejected' : own.length === 0 ? 'unknown' : 'well' }
    }),
    targets: asked
      .toSorted((a, b) => Number(isWell(a)) - Number(isWell(b)))
      .slice(0, mostRows)
      .map((row) => targetOf(row, nowMs)),
  }
}

function isWell({ state }: HealthRow): boolean {
  return state === 'closed'
}

function targetOf(row: HealthRow, nowMs: number): ProviderHealth['targets'][number] {
  const ago = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(nowMs - ms).toISOString())
  return {
    credential: row.credential,
    model: row.model,
    config: row.scope ?? null,
    state: row.state,
    since: ago(row.lastedMs),
    until: row.forMs > 0 ? new Date(nowMs + row.forMs).toISOString() : null,
    running: row.running,
    window: { attempts: row.attempts, failures: row.failures },
    latency_p50_ms: row.latencyMs === undefined ? null : Math.round(row.latencyMs),
    last_failure: row.lastFailure === undefined ? null : { class: row.lastFailure, at: ago(row.lastFailureAgoMs)! },
    asked_at: ago(row.askedAgoMs),
  }
}
