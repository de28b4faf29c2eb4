// Health as it is counted: of the providers that are configured, whether they have been asked or not.
import type { Snapshot } from '#config'
import type { GatewayState } from '#telemetry'
import type { Health } from './health.ts'

type Configured = Pick<Snapshot, 'providers'>

export function targetStates(health: Health, { providers }: Configured, nowMs: number): Pick<GatewayState, 'targets' | 'credentials'> {
  const targets = health.rows(nowMs).filter(({ provider }) => providers.has(provider))
  const rejected = new Set(targets.flatMap((row) => (row.credentialRejected ? nameOf(row.provider, row.credential) : [])))
  const credentials = [...providers.values()].flatMap(({ slug, credentials: all }) =>
    all.map(({ name }) => ({ provider: slug, credential: name, isRejected: rejected.has(nameOf(slug, name)) })),
  )
  return { targets, credentials }
}

/** How many providers there are, and how many of them would be asked in their place. */
export function providerCounts(
  health: Health,
  { providers }: Configured,
  nowMs: number,
): { readonly configured: number; readonly available: number } {
  const available = [...providers.keys()].filter((slug) => health.provider(slug, nowMs).available).length
  return { configured: providers.size, available }
}

function nameOf(provider: string, credential: string): string {
  return `${provider}\n${credential}`
}
