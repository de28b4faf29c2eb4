// Plan first, act second: which targets a request may go to, in order, each with its reason. Pure: no I/O, clock or randomness.
import type { Credential, ModelEntry, Provider } from '#config'
import type { Wire } from '#ir'

/** A provider that serves the model, as the catalog resolved it. */
export type Candidate = { readonly provider: Provider; readonly model: ModelEntry }

/** What of a request decides where it can go. */
export type PlanRequest = {
  readonly operation: 'generate' | 'count-tokens'
  readonly wire: Wire
  readonly candidates: readonly Candidate[]
  /** The client's own: used instead of the providers'. */
  readonly credential?: Credential
}

/** Bytes pass (`pass`), or are translated into another wire. */
export type Lane = 'pass' | 'translate'

export type PlannedTarget = {
  readonly provider: Provider
  readonly model: ModelEntry
  readonly wire: Wire
  readonly path: string
  readonly lane: Lane
  readonly credential: Credential
  /** Another credential of the same provider as the target before it: tried only when that credential was the trouble. */
  readonly sameProvider: boolean
  readonly reason: string
}

export type Plan = {
  readonly targets: readonly PlannedTarget[]
  readonly skipped: readonly { readonly provider: string; readonly reason: string }[]
}

const noCredential: Credential = { name: 'none', secret: '' }

export function planTargets(request: PlanRequest): Plan {
  const targets: PlannedTarget[] = []
  const skipped: { provider: string; reason: string }[] = []
  for (const { provider, model } of request.candidates) {
    const wire = provider.endpoints.has(request.wire) ? request.wire : firstWire(provider)
    if (request.operation === 'count-tokens' && (wire !== request.wire || provider.simulated)) {
      skipped.push({ provider: provider.slug, reason: 'it does not count tokens' })
      continue
    }
    if (wire === undefined) {
      skipped.push({ provider: provider.slug, reason: 'it has no endpoint for conversations' })
      continue
    }
    const credentials = credentialsFor(provider, request.credential)
    if (credentials.length === 0) {
      skipped.push({ provider: provider.slug, reason: 'it has no credential' })
      continue
    }
    for (let i = 0; i < credentials.length; i++) {
      targets.push({
        provider,
        model,
        wire,
        path: request.operation === 'count-tokens' ? `${provider.endpoints.get(wire)!}/count_tokens` : provider.endpoints.get(wire)!,
        lane: wire === request.wire ? 'pass' : 'translate',
        credential: credentials[i]!,
        sameProvider: i > 0,
        reason: i > 0 ? 'next credential of the same provider' : targets.length === 0 ? 'first by priority' : 'next by priority',
      })
    }
  }
  return { targets, skipped }
}

function credentialsFor(provider: Provider, own: Credential | undefined): readonly Credential[] {
  if (own !== undefined && provider.auth !== 'none') return [own]
  return provider.auth === 'none' && provider.credentials.length === 0 ? [noCredential] : provider.credentials
}

function firstWire(provider: Provider): Wire | undefined {
  for (const wire of provider.endpoints.keys()) return wire
  return undefined
}
