// A routing config after it has been checked: what is inherited is resolved, so that each leaf says all that counts for it. Plain, frozen data.
import type { JsonObject, JsonValue } from '#kernel'

/** A config and what it is known by; `slug` and `version` are absent where it came inline with a request. */
export type RoutingConfig = {
  readonly slug?: string
  readonly version?: number
  readonly root: RoutingNode
  /** The same for two configs that say the same; another for any other. */
  readonly fingerprint: string
  /** Paths of what is known and not there yet (guardrails): such a config is kept, and a request that would use it is refused. */
  readonly notYet: readonly string[]
  /** Sentences about what was accepted and does not do what it says: keys of other gateways, values that were bounded. */
  readonly warnings: readonly string[]
}

export type RoutingNode = RoutingGroup | RoutingLeaf

type Placed = {
  /** `config`, `config.targets[1]`, `config.targets[1].targets[0]`: in headers, records and sentences. */
  readonly path: string
  readonly name?: string
  /** Its share among its neighbours of a `loadbalance`; 0: only where no other can be asked. */
  readonly weight: number
}

export type RoutingGroup = Placed & {
  readonly kind: 'group'
  readonly strategy: RoutingStrategy
  /** At least one. */
  readonly targets: readonly RoutingNode[]
}

export type RoutingStrategy =
  /** In order. `onStatusCodes`: of failures that have a provider's status, only these move on. */
  | { readonly mode: 'fallback'; readonly onStatusCodes?: ReadonlySet<number> }
  | { readonly mode: 'loadbalance'; readonly by: LoadBalanceBy; readonly sticky?: Stickiness | false }
  /** `then`, `otherwise`: indexes of `targets`. `otherwise` absent: no match is an error. */
  | {
      readonly mode: 'conditional'
      readonly conditions: readonly { readonly query: Condition; readonly then: number }[]
      readonly otherwise?: number
    }

export type LoadBalanceBy = 'weight' | 'latency' | 'cost' | 'least_busy'

/** Without hash fields: the session. Absent altogether: only of requests that name their session, for an hour. */
export type Stickiness = { readonly hashFields?: readonly string[]; readonly ttlMs: number }

/** A target that is a provider, or whoever serves the model. */
export type RoutingLeaf = Placed & {
  readonly kind: 'leaf'
  /** A slug, or a vendor's name where no provider has it; absent: every provider that serves the model, by priority and price. */
  readonly provider?: string
  /** Its provider is the one that the request's model names, where it names one. */
  readonly followsRequest?: true
  /** A key of the config's own, used instead of the provider's. A secret. */
  readonly apiKey?: string
  /** Another base URL, only ever asked with `apiKey`. */
  readonly customHost?: string
  /** Of the client's headers, those that go on to the provider; in lower case, at least one. */
  readonly forwardHeaders?: readonly string[]
  /** Instead of the request's. */
  readonly model?: string
  /** Top-level fields, by OpenAI's names: where the request has none, instead of the request's, and those to leave out. `model` is not among them. */
  readonly defaultParams: JsonObject
  readonly overrideParams: JsonObject
  /** Or paths into one: `tools[*].function.strict`. */
  readonly dropParams: readonly string[]
  readonly retry?: RetryRule
  readonly cache?: CacheRule
  readonly timeouts: RoutingTimeouts
  /** Its own thresholds; its state is then apart from everybody else's. */
  readonly breaker?: BreakerRule
}

export type RetryRule = {
  /** After the first try: 1 to 5. */
  readonly attempts: number
  /** Of failures that have a provider's status, only these are tried again; those without one (connection, cut, unreadable) always are. */
  readonly onStatusCodes: ReadonlySet<number>
  readonly usesRetryAfter: boolean
}

export type CacheRule = {
  readonly maxAgeMs: number
  /** Shared by every key that uses the config; absent: a key's own. */
  readonly namespace?: string
  /** Requests with tools, too. */
  readonly tools: boolean
  /** Concurrent identical misses make one call. */
  readonly singleFlight: boolean
}

/** Milliseconds; absent: the provider's. */
export type RoutingTimeouts = {
  readonly connectMs?: number
  readonly firstTokenMs?: number
  readonly idleMs?: number
  /** Of one attempt, from its start to its last byte. */
  readonly totalMs?: number
  /** Bytes per second, measured before content over at least ten seconds; slower targets are given up. */
  readonly floor?: number
}

export type BreakerRule = {
  /** Opens at this share of failures in the window, 0 to 1, ... */
  readonly errorRate: number
  /** ... among at least so many attempts; or at `failures` in a row or in all, where that is given. */
  readonly minRequests: number
  readonly failures?: number
  readonly windowMs: number
  /** How long it stays open before one request may probe. */
  readonly coolMs: number
  /** Which answers count as failures; absent: 5xx and everything that has no status. */
  readonly onStatusCodes?: ReadonlySet<number>
}

/**
 * Whether a text has a match anywhere. `spare`: what all expressions of a request may look at together, states times characters; what is
 * looked at is taken from it, and what is behind its end is not looked at.
 */
export type LinearPattern = (text: string, spare: { steps: number }) => boolean

export type ComparisonOperator = '$eq' | '$ne' | '$gt' | '$gte' | '$lt' | '$lte' | '$in' | '$nin' | '$contains' | '$exists'

/** Siblings of a query are one `all`. */
export type Condition =
  | { readonly op: 'all' | 'any'; readonly of: readonly Condition[] }
  | { readonly op: 'not'; readonly of: Condition }
  | { readonly op: ComparisonOperator; readonly path: string; readonly value: JsonValue }
  /** Of a list, and never of anything else: how many items it has. */
  | { readonly op: '$length'; readonly path: string; readonly of: Condition }
  /** In linear time, whatever the text. */
  | { readonly op: '$regex'; readonly path: string; readonly source: string; readonly matches: LinearPattern }
