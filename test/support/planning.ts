// A planner as the gateway has it, without the gateway: real providers, catalog, configs and health; a clock and a chance of the test's own.
import { createModelIndex, createProviderBuilder } from '#catalog'
import { hashKey, parseRoutingConfig, type DeclaredProvider, type GatewayKey, type RoutingConfig, type Snapshot } from '#config'
import { endpointOf, inspect, RequestView } from '#inspection'
import { createBufferPool, Failure, type FailureKind, type JsonObject } from '#kernel'
import { createDryRun, createPlanner, type DryRun } from '#planning'
import { createHealth, nextStep, type Health, type Plan, type PlannedTarget } from '#routing'
import { codecOf, embeddings } from '#wires'

export type Scene = {
  readonly providers: Readonly<Record<string, DeclaredProvider>>
  readonly configs?: Readonly<Record<string, unknown>>
  readonly aliases?: Readonly<Record<string, string>>
}

export type SceneRequest = {
  readonly body?: JsonObject
  readonly endpoint?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly key?: Partial<GatewayKey>
}

export type Planning = {
  readonly health: Health
  snapshot: Snapshot
  nowMs: number
  /** What `random` says next; afterwards it goes on by itself. */
  readonly chances: number[]
  /** As a live request is planned. Throws the `Failure` that it is refused with. */
  plan(request?: SceneRequest): Plan
  rehearse(request?: SceneRequest, config?: RoutingConfig | string): Plan
  dryRun(request?: SceneRequest, config?: RoutingConfig | string): DryRun
  /** The steps that a live request takes when its attempts end so, in turn; the last word is repeated. Health hears of them. */
  follow(plan: Plan, ends: (target: PlannedTarget) => FailureKind | number | undefined): string[]
}

export const plainKey: GatewayKey = { id: 'key-1', name: 'test', hash: hashKey('x'), streamUsage: 'always' }
export const chatPath = '/v1/chat/completions'

export function createPlanning({ providers, configs = {}, aliases = {} }: Scene): Planning {
  const builder = createProviderBuilder({})
  const built = Object.entries(providers).map(([slug, wanted]) =>
    builder.build({ slug, wanted, allowPrivateNetwork: true, named: (field = '') => `${slug}.${field}`, lacksCredentials: true }),
  )
  const health = createHealth()
  const chances: number[] = []
  let seed = 1
  const planning: Planning = {
    health,
    nowMs: 1000,
    chances,
    snapshot: snapshotOf({
      providers: new Map(built.map((provider) => [provider.slug, provider])),
      aliases: new Map(Object.entries(aliases)),
      configs: new Map(Object.entries(configs).map(([slug, value]) => [slug, parseRoutingConfig(value, { slug, version: 1 })])),
    }),
    plan: (request = {}) => planner.planOf(askedBy(request)),
    rehearse: (request = {}, config) => planner.rehearse(askedBy(request), config),
    dryRun: ({ body = plainBody, endpoint = chatPath, headers = {}, key = {} } = {}, config) =>
      createDryRun(
        planner,
        buffers,
      )({ body, endpoint, headers, key: { ...plainKey, ...key }, ...(config === undefined ? {} : { config }) }),
    follow(plan, ends) {
      const taken: string[] = []
      let position: number | undefined = 0
      while (position !== undefined && position < plan.steps.length) {
        const { target } = plan.steps[position]!
        taken.push(nameOf(target))
        const end = ends(target)
        target.vitals.began(planning.nowMs)
        const failure = end === undefined ? undefined : failureOf(end)
        target.vitals.ended(planning.nowMs, { failure, firstTokenMs: undefined, totalMs: 10 })
        position = failure === undefined ? undefined : nextStep(plan, position, failure)
      }
      return taken
    },
  }
  const buffers = createBufferPool()
  const indexes = new WeakMap<Snapshot, ReturnType<typeof createModelIndex>>()
  const planner = createPlanner({
    snapshot: () => planning.snapshot,
    resolve(snapshot, model, key) {
      let index = indexes.get(snapshot)
      if (index === undefined) indexes.set(snapshot, (index = createModelIndex(snapshot)))
      return index.resolve(model, key)
    },
    health,
    nowMs: () => planning.nowMs,
    // https://en.wikipedia.org/wiki/Lehmer_random_number_generator
    random: () => chances.shift() ?? (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647,
  })

  function askedBy({ body = plainBody, endpoint = chatPath, headers = {}, key = {} }: SceneRequest) {
    const text = Buffer.from(JSON.stringify(body))
    const found = endpointOf(endpoint)!
    const codec = codecOf(found.wire)
    const isEmbedding = found.operation === 'embed'
    const arrival = {
      ...found,
      endpoint,
      headers,
      key: { ...plainKey, ...key },
      buffer: text,
      bodyStart: 0,
      bodyEnd: text.length,
    }
    const view = new RequestView(isEmbedding ? embeddings.shape : codec.ingress.shape, buffers, !isEmbedding)
    return { arrival, inspected: inspect(arrival, codec, view, text) }
  }

  return planning
}

export function snapshotOf(parts: Partial<Snapshot>): Snapshot {
  return {
    version: 1,
    keys: new Map(),
    providers: new Map(),
    aliases: new Map(),
    configs: new Map(),
    users: new Map(),
    teams: new Map(),
    budgets: [],
    timeZone: 'UTC',
    ...parts,
  }
}

export const plainBody: JsonObject = { model: 'm', messages: [{ role: 'user', content: 'Hello' }] }

/** An OpenAI-compatible provider that serves one model. */
export function serving(...models: readonly (string | JsonObject)[]): DeclaredProvider {
  return {
    base_url: 'https://provider.test/v1',
    credentials: [{ name: 'main', value: 'sk-provider-1234567' }],
    models: { custom: models.map((one) => (typeof one === 'string' ? { id: one } : one)) },
  } as DeclaredProvider
}

export function nameOf({ provider, credential }: PlannedTarget): string {
  return credential.name === 'main' ? provider.slug : `${provider.slug}/${credential.name}`
}

/** The providers of a plan's steps, in order. */
export function order({ steps }: Plan): string[] {
  return steps.map(({ target }) => nameOf(target))
}

/** A kind of failure, or the status that a provider answered. */
export function failureOf(end: FailureKind | number): Failure {
  if (typeof end === 'string') return new Failure(end, 'x')
  const kind: FailureKind =
    end === 429 ? 'rate_limited' : end === 401 || end === 403 ? 'credential_rejected' : end >= 500 ? 'provider_error' : 'request_refused'
  return new Failure(kind, 'x', { upstream: { status: end } })
}

export function caught(run: () => unknown): Failure {
  try {
    run()
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
  throw new Error('nothing was refused')
}

// Configs, in short.

/** Three that serve the model `m`. */
export const abc = { a: serving('m'), b: serving('m'), c: serving('m') }
export const byMain = { headers: { 'x-turnpike-config': 'main' } }

export function to(provider: string, more: JsonObject = {}): JsonObject {
  return { provider, ...more }
}

export function fallback(...targets: JsonObject[]): JsonObject {
  return { strategy: { mode: 'fallback' }, targets }
}

export function balance(...targets: JsonObject[]): JsonObject {
  return { strategy: { mode: 'loadbalance' }, targets }
}

export function inline(config: unknown): Readonly<Record<string, string>> {
  return { 'x-turnpike-config': JSON.stringify(config) }
}

/** An item of `conditions`. (Written out, an object with a `then` looks like a promise.) */
export function rule(query: JsonObject, name: string): JsonObject {
  return JSON.parse(`{"query":${JSON.stringify(query)},"then":${JSON.stringify(name)}}`) as JsonObject
}

export function planningOf(config: unknown, more: Partial<Scene> = {}): Planning {
  return createPlanning({ providers: abc, configs: { main: config }, ...more })
}
