// Plan first, act second: which targets a request may go to, in order, each with its reason. Pure: no I/O, clock or randomness.
import type { CacheRule, Credential, ModelEntry, Provider, RetryRule } from '#config'
import type { ClientWire, EmbeddingForm, Note, Wire } from '#ir'
import type { JsonValue } from '#kernel'
import { codecOf, embeddingCodecOf, endpointPath } from '#wires'
import type { Vitals } from './health.ts'

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
  /** How a target is doing; absent: nobody keeps it. */
  readonly vitalsOf?: (provider: string, credential: string, model: string) => Vitals
}

/** Bytes pass (`pass`), or are translated into another wire. */
export type Lane = 'pass' | 'translate'

/** Milliseconds; what a config says, else what the provider says. */
export type TargetTimeouts = {
  readonly connectMs: number
  /** undefined: the default applies (60 s, streams only, only while another target remains). */
  readonly firstTokenMs: number | undefined
  readonly idleMs: number
  /** Of one attempt, from its start to its last byte. */
  readonly totalMs: number
  /** Bytes per second before content; undefined: none. */
  readonly floor: number | undefined
}

/** One change of a request in the client's wire. */
export type ParamEdit = {
  readonly field: string
  /** undefined: it is left out. */
  readonly value: JsonValue | undefined
  /** The top-level object whose member the field is (Gemini's `generationConfig`); absent: it is a top-level field itself. */
  readonly within?: string
}

/** Of a default: other names of the same thing. Where the request has one of them, it has the field. */
export type ParamDefault = ParamEdit & { readonly synonyms?: readonly string[] }

export type TargetParams = {
  /** Added where the request has no such field. */
  readonly defaults: readonly ParamDefault[]
  /** Made whatever the request has; at most one of a field. */
  readonly edits: readonly ParamEdit[]
  /** What the client's wire has no place for. */
  readonly notes: readonly Note[]
}

export type PlannedTarget = {
  /** Its place in the config: `config.targets[1]`; '' without one. */
  readonly route: string
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
  readonly timeouts: TargetTimeouts
  readonly params?: TargetParams
  readonly retry?: RetryRule
  readonly cache?: CacheRule
  readonly vitals: Vitals
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
  readonly skipped: readonly Skipped[]
  /** The config that it follows; both are absent of one that came with the request. */
  readonly config?: { readonly slug?: string; readonly version?: number }
}

/** `route`: its place in the config; absent without one. `provider`: '' where no provider is named. */
export type Skipped = { readonly provider: string; readonly reason: string; readonly route?: string }

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
    const timeouts: TargetTimeouts = { ...provider.timeouts, floor: undefined }
    for (let i = 0; i < credentials.length; i++) {
      const position = steps.length
      const credential = credentials[i]!
      const vitals = request.vitalsOf?.(provider.slug, credential.name, model.id) ?? unwatched
      steps.push({
        target: { route: '', provider, model, ...reached, credential, timeouts, vitals },
        reason: i > 0 ? 'next credential of the same provider' : position === 0 ? 'first by priority' : 'next by priority',
        exits: i + 1 < credentials.length ? [{ to: position + 1, on: 'credential' }, next] : [next],
      })
    }
  }
  return { steps, skipped }
}

/** Of targets whose state nobody keeps: they are always asked in their place. */
export const unwatched: Vitals = { trouble: () => undefined, began() {}, ended() {}, running: 0, latencyMs: () => undefined }

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
