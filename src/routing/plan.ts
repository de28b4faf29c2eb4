// Plan first, act second: which targets a request may go to, in order, each with its reason. Pure: no I/O, clock or randomness.
import type { Credential, ModelEntry, Provider } from '#config'
import type { ClientWire, EmbeddingForm, Wire } from '#ir'
import { codecOf, embeddingCodecOf, endpointPath } from '#wires'

/** A provider that serves the model, as the catalog resolved it. */
export type Candidate = { readonly provider: Provider; readonly model: ModelEntry }

/** What is asked of a model: a turn of a conversation, how many tokens one has, or vectors. */
export type Operation = 'generate' | 'count-tokens' | 'embed'

/** What of a request decides where it can go. */
export type PlanRequest = {
  readonly operation: Operation
  readonly wire: ClientWire
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
  /** Below the origin: for a whole answer, and for a stream. */
  readonly path: string
  readonly streamPath: string
  readonly lane: Lane
  /** Set where vectors are asked for: the provider's form of it. `wire` is then the one whose errors it has. */
  readonly embeds?: EmbeddingForm
  readonly credential: Credential
}

/**
 * Where to go on after a failure. `credential`: only of failures that another credential may not have; a set: of failures that have a
 * provider's status, only those with one of these.
 */
export type Exit = { readonly to: number; readonly on: 'any' | 'credential' | ReadonlySet<number> }

export type Step = {
  readonly target: PlannedTarget
  readonly reason: string
  /** The first one that takes the failure counts; their positions are later ones. */
  readonly exits: readonly Exit[]
}

export type Plan = {
  readonly steps: readonly Step[]
  readonly skipped: readonly { readonly provider: string; readonly reason: string }[]
}

/** Why a model that is for something else is left out. */
export const otherKind = {
  generate: 'the model makes embeddings',
  'count-tokens': 'the model makes embeddings',
  embed: 'the model makes no embeddings',
} as const satisfies Record<Operation, string>

const noCredential: Credential = { name: 'none', secret: '' }

export function planTargets(request: PlanRequest): Plan {
  const steps: Step[] = []
  const skipped: { provider: string; reason: string }[] = []
  for (const candidate of request.candidates) {
    const { provider, model } = candidate
    const reached = request.operation === 'embed' ? vectorEndpoint(candidate) : wordEndpoint(candidate, request)
    if (typeof reached === 'string') {
      skipped.push({ provider: provider.slug, reason: reached })
      continue
    }
    const credentials = credentialsFor(provider, request.credential)
    if (credentials.length === 0) {
      skipped.push({ provider: provider.slug, reason: 'it has no credential' })
      continue
    }
    const next: Exit = { to: steps.length + credentials.length, on: 'any' }
    for (let i = 0; i < credentials.length; i++) {
      const position = steps.length
      steps.push({
        target: { provider, model, ...reached, credential: credentials[i]! },
        reason: i > 0 ? 'next credential of the same provider' : position === 0 ? 'first by priority' : 'next by priority',
        exits: i + 1 < credentials.length ? [{ to: position + 1, on: 'credential' }, next] : [next],
      })
    }
  }
  return { steps, skipped }
}

type Reached = Pick<PlannedTarget, 'wire' | 'path' | 'streamPath' | 'lane' | 'embeds'>

/** Where a candidate converses, or why it doesn't. */
function wordEndpoint({ provider, model }: Candidate, { operation, wire: asked }: PlanRequest): Reached | string {
  if (!makesWords(model)) return otherKind[operation]
  const wire = serves(provider, asked, model) ? asked : firstWire(provider, model)
  const template = wire === undefined ? undefined : provider.endpoints.get(wire)
  if (wire === undefined || template === undefined) return 'it has no endpoint for conversations'
  const endpoint = operation === 'generate' ? template : countingEndpoint(asked, wire, template)
  if (endpoint === undefined || (operation === 'count-tokens' && provider.simulated)) return 'it does not count tokens'
  return {
    wire,
    path: endpointPath(endpoint, model.id, false),
    streamPath: endpointPath(endpoint, model.id, true),
    lane: wire === asked ? 'pass' : 'translate',
  }
}

/** Where a candidate makes vectors, or why it doesn't. */
function vectorEndpoint({ provider, model }: Candidate): Reached | string {
  if (!makesVectors(model)) return otherKind.embed
  if (provider.embeddings === undefined) return 'it has no endpoint for embeddings'
  const { form, path: template } = provider.embeddings
  const path = endpointPath(template, model.id, false)
  return { wire: embeddingCodecOf(form).wire, path, streamPath: path, lane: form === 'openai' ? 'pass' : 'translate', embeds: form }
}

/** What the catalog says of a model; one that it doesn't know may do anything. */
function makesVectors({ outputModalities }: ModelEntry): boolean {
  return outputModalities?.includes('embeddings') !== false
}

function makesWords({ outputModalities }: ModelEntry): boolean {
  return outputModalities?.some((kind) => kind !== 'embeddings') !== false
}

function credentialsFor(provider: Provider, own: Credential | undefined): readonly Credential[] {
  if (own !== undefined && provider.auth !== 'none') return [own]
  return provider.auth === 'none' && provider.credentials.length === 0 ? [noCredential] : provider.credentials
}

function serves(provider: Provider, wire: Wire, model: ModelEntry): boolean {
  if (model.wires !== undefined && !model.wires.includes(wire)) return false
  return provider.endpoints.has(wire) && (provider.wireModels?.get(wire)?.(model.id) ?? true)
}

function firstWire(provider: Provider, model: ModelEntry): Wire | undefined {
  for (const wire of provider.endpoints.keys()) if (serves(provider, wire, model)) return wire
  return undefined
}

/** Where a provider of the client's own wire counts tokens; undefined: nowhere. */
function countingEndpoint(asked: ClientWire, wire: Wire, endpoint: string): string | undefined {
  return wire === asked ? codecOf(asked).tokenCounting?.endpoint(endpoint) : undefined
}
