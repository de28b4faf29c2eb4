// What a plan is: which targets a request may go to, in order, each with its reason, and where each failure leads.
import type { CacheRule, Credential, ModelEntry, Provider, RetryRule } from '#config'
import type { EmbeddingForm, Note, Wire } from '#ir'
import type { JsonValue } from '#kernel'
import type { Vitals } from './health.ts'

/** A provider that serves the model, as the catalog resolved it. */
export type Candidate = { readonly provider: Provider; readonly model: ModelEntry }

/** What is asked of a model: a turn of a conversation, how many tokens one has, or vectors. */
export type Operation = 'generate' | 'count-tokens' | 'embed'

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

/** A part of a field: names of members, places of items, `*` for each item. */
export type ParamRemoval = { readonly field: string; readonly steps: readonly string[] }

export type TargetParams = {
  /** Added where the request has no such field. */
  readonly defaults: readonly ParamDefault[]
  /** Made whatever the request has; at most one of a field. */
  readonly edits: readonly ParamEdit[]
  /** Left out after the edits, in this order; absent: nothing. */
  readonly removals?: readonly ParamRemoval[]
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
  /** Headers of the client, in lower case, that go on to the provider. */
  readonly forwards?: readonly string[]
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

export type Skipped = {
  /** '' where none is named. */
  readonly provider: string
  readonly reason: string
  /** Its place in the config; absent without one. */
  readonly route?: string
  /** Who says so, where the client is told: the key's list of models, a group whose conditions don't match, or the model's own kind. */
  readonly by?: 'key' | 'conditions' | 'kind'
}
