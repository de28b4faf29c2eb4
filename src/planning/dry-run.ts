// What would happen to a request: its plan, from the planner that live requests have. Nothing is sent, and nothing is remembered.
import { listedPrice } from '#catalog'
import type { CacheRule, DeclaredRates, GatewayKey, RoutingConfig } from '#config'
import { RequestView, endpointOf, inspect, modelPaths, type Inspected, type InspectedArrival } from '#inspection'
import { Failure, headroomBytes, tailroomBytes, type BufferPool, type JsonObject } from '#kernel'
import type { Exit, Plan, PlannedTarget, Step } from '#routing'
import { codecOf, embeddings, type WireCodec } from '#wires'
import type { Planner } from './planner.ts'

export type DryRunInput = {
  /** A config as it was read, or the slug of a stored one; absent: the one that the request's headers, its key or its model choose. */
  readonly config?: RoutingConfig | string
  /** The path: `/v1/chat/completions`. */
  readonly endpoint: string
  readonly body: JsonObject
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly key: GatewayKey
}

/** As the admin API says it. */
export type DryRun = {
  /** null: none. */
  readonly config: { readonly slug: string | null; readonly version: number | null } | null
  /** As it was asked for. */
  readonly model: string
  readonly steps: readonly DryRunStep[]
  readonly skipped: readonly { readonly target: string; readonly provider: string; readonly reason: string }[]
  /** Of the first step; null: its answers are not kept. */
  readonly cache: {
    /** Seconds. */
    readonly max_age: number
    readonly namespace: string | null
    readonly tools: boolean
    readonly single_flight: boolean
  } | null
}

export type DryRunStep = {
  /** Its place in the config; '' without one. */
  readonly target: string
  readonly provider: string
  readonly model: string
  readonly credential: string
  readonly lane: 'pass' | 'translate'
  readonly wire: string
  readonly reason: string
  /** In words: where it goes on, after which failures. */
  readonly exits: readonly string[]
  readonly retry: {
    readonly attempts: number
    readonly on_status_codes: readonly number[]
    readonly use_retry_after_header: boolean
  } | null
  readonly timeouts: {
    readonly connect_ms: number
    /** null: 60000 for streams while another target remains, else none. */
    readonly first_token_ms: number | null
    readonly idle_ms: number
    readonly request_timeout: number
    /** Bytes per second; null: none. */
    readonly floor: number | null
  }
  /** As everywhere in the admin API; null: unpriced. */
  readonly price: 'free' | DeclaredRates | null
  /** What of the config's parameters has no place in the client's wire. */
  readonly notes: readonly string[]
}

/** A request that nobody sent, as it would be seen. */
export type Sample = { readonly arrival: InspectedArrival; readonly inspected: Inspected; readonly codec: WireCodec }

export function sampleOf({ endpoint, body, headers = {}, key }: Omit<DryRunInput, 'config'>, buffers: BufferPool): Sample {
  const found = endpointOf(endpoint)
  if (found === undefined)
    throw new Failure(
      'unknown_url',
      `There is no endpoint ${JSON.stringify(endpoint.slice(0, 200))} for models. Name one of ${modelPaths.join(', ')}.`,
    )
  const text = Buffer.from(JSON.stringify(body))
  const buffer = Buffer.concat([Buffer.alloc(headroomBytes), text, Buffer.alloc(tailroomBytes)])
  const [bodyStart, bodyEnd] = [headroomBytes, headroomBytes + text.length]
  const arrival: InspectedArrival = { ...found, endpoint, headers, key, buffer, bodyStart, bodyEnd }
  const codec = codecOf(found.wire)
  const isConversation = found.operation !== 'embed'
  // A view of its own: what others remember of their conversations is not touched.
  const view = new RequestView(isConversation ? codec.ingress.shape : embeddings.shape, buffers, isConversation)
  return { arrival, codec, inspected: inspect(arrival, codec, view, text) }
}

/** Throws the `Failure` that the request would be refused with. */
export function createDryRun(planner: Planner, buffers: BufferPool): (input: DryRunInput) => DryRun {
  return (input) => {
    const sample = sampleOf(input, buffers)
    const { inspected } = sample
    const plan = planner.rehearse(sample, input.config)
    const { steps, skipped } = plan
    return {
      config: plan.config === undefined ? null : { slug: plan.config.slug ?? null, version: plan.config.version ?? null },
      model: inspected.model,
      steps: steps.map((step) => stepIn(step, plan)),
      skipped: skipped.map(({ route = '', provider, reason }) => ({ target: route, provider, reason })),
      cache: steps[0]?.target.cache === undefined ? null : cacheIn(steps[0].target.cache),
    }
  }
}

function stepIn({ target, reason, exits }: Step, plan: Plan): DryRunStep {
  const { route, provider, model, credential, lane, wire, retry, timeouts, params } = target
  return {
    target: route,
    provider: provider.slug,
    model: model.id,
    credential: credential.name,
    lane,
    wire,
    reason,
    exits: exits.map((exit) => exitIn(exit, plan)),
    retry:
      retry === undefined
        ? null
        : { attempts: retry.attempts, on_status_codes: [...retry.onStatusCodes], use_retry_after_header: retry.usesRetryAfter },
    timeouts: {
      connect_ms: timeouts.connectMs,
      first_token_ms: timeouts.firstTokenMs ?? null,
      idle_ms: timeouts.idleMs,
      request_timeout: timeouts.totalMs,
      floor: timeouts.floor ?? null,
    },
    price: priceIn(target),
    notes: (params?.notes ?? []).map(({ path, why }) => `${path}: ${why}`),
  }
}

function priceIn({ model: { free, price } }: PlannedTarget): DryRunStep['price'] {
  if (free === true) return 'free'
  return price === undefined ? null : listedPrice(price)
}

function exitIn({ to, on }: Exit, { steps }: Plan): string {
  const { route, provider, credential } = steps[to]!.target
  const where = `step ${to + 1} (${[route, provider.slug, credential.name].filter((part) => part !== '').join(', ')})`
  if (on === 'any') return `after any failure: ${where}`
  if (on === 'credential') return `after a failure of this credential: ${where}`
  return `after ${[...on].join(', ')}, or a failure without a status: ${where}`
}

function cacheIn({ maxAgeMs, namespace, tools, singleFlight }: CacheRule): DryRun['cache'] {
  return { max_age: Math.round(maxAgeMs / 1000), namespace: namespace ?? null, tools, single_flight: singleFlight }
}
