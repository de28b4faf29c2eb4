// A config and who serves its targets -> a tree of routes, whose targets are made once and shared by every request that follows it.
import type { BreakerRule, Credential, Provider, RoutingConfig, RoutingLeaf, RoutingNode, RoutingStrategy } from '#config'
import type { ClientWire, Note } from '#ir'
import { invalidRequest, type JsonObject } from '#kernel'
import { createParamReader } from './plan-params.ts'
import { reach } from './plan-endpoints.ts'
import type { Candidate, Operation, Plan, PlannedTarget, Skipped, TargetParams, TargetTimeouts } from './plan.ts'
import type { Vitals } from './health.ts'

export type Route = RouteGroup | RouteProvider

/** `served`: everybody who serves the model, first choice first. */
export type RouteGroup = {
  readonly kind: 'group'
  readonly path: string
  readonly weight: number
  readonly strategy: RoutingStrategy | { readonly mode: 'served' }
  /** As many as the config has: one that nobody can answer is a group of none. */
  readonly children: readonly Route[]
}

/** One model of one provider: a target for each credential. */
export type RouteProvider = {
  readonly kind: 'provider'
  readonly path: string
  readonly weight: number
  readonly targets: readonly [PlannedTarget, ...PlannedTarget[]]
}

/** The needs of a request in which the models of a tree differ, as far as the catalog knows them. */
export type Differences = {
  readonly tools: boolean
  readonly images: boolean
  /** The smallest context window, where they are not all the same; undefined: none is known. */
  readonly contextWindow: number | undefined
}

export type RouteTree = {
  readonly root: Route
  readonly skipped: readonly Skipped[]
  readonly config: Plan['config']
  /** Tells what is remembered of this tree from what is remembered of others. */
  readonly scope: string
  readonly differences: Differences
  /** Nothing is drawn or asked of the request: while all is well, and nobody is skipped for what it needs, its plan is always the same. */
  readonly isFixed: boolean
  /** How many targets it has. */
  readonly size: number
}

export type LeafCandidate = Candidate & {
  /** Instead of the provider's. */
  readonly credentials?: readonly Credential[]
  /** Somebody else's key: what happens with it says nothing to others. */
  readonly unwatched?: boolean
}

/** Who answers a leaf. `virtual`: its model's name is a config of its own. */
export type ResolvedLeaf =
  | { readonly kind: 'served'; readonly candidates: readonly LeafCandidate[]; readonly skipped: readonly Omit<Skipped, 'route'>[] }
  | { readonly kind: 'virtual'; readonly config: RoutingConfig }

export type RouteRequest = {
  readonly operation: Operation
  readonly wire: ClientWire
  /** The operator tries a config that is not stored: it may what a stored one may. */
  readonly isRehearsed?: boolean
  /** How a target is doing; absent: nobody keeps it. */
  readonly vitalsOf?: (
    provider: string,
    credential: string,
    model: string,
    own?: { readonly scope: string; readonly rule: BreakerRule },
  ) => Vitals
}

/** Of targets whose state nobody keeps: they are always asked in their place. */
const unwatched: Vitals = { trouble: () => undefined, began() {}, ended() {}, running: 0, latencyMs: () => undefined }

const noCredential: Credential = { name: 'none', secret: '' }

/** More than anybody writes; configs that name each other as models multiply. */
const mostTargets = 10_000
const mostDeep = 20

/** Without a config: whoever serves the model. */
export function servedTree(request: RouteRequest, candidates: readonly LeafCandidate[]): RouteTree {
  const skipped: Skipped[] = []
  const children = providersOf({ kind: 'served', candidates, skipped: [] }, plainLeaf, request, skipped, undefined, undefined)
  return treeOf({ kind: 'group', path: '', weight: 1, strategy: { mode: 'served' }, children }, skipped, undefined, '')
}

/** `resolve` says who serves a leaf. Throws `Failure('invalid_request')` for configs that name each other in a circle. */
export function configTree(
  config: RoutingConfig,
  request: RouteRequest,
  resolve: (leaf: RoutingLeaf, config: RoutingConfig) => ResolvedLeaf,
): RouteTree {
  const skipped: Skipped[] = []
  const readParams = createParamReader(request.wire, request.operation)
  let targets = 0

  function count(more: number): void {
    targets += more
    if (targets > mostTargets)
      throw invalidRequest('config', `The routing config${named(config)} means more than ${mostTargets} targets. Name fewer.`)
  }

  function build(node: RoutingNode, within: Within): Route {
    if (node.kind === 'group')
      return {
        kind: 'group',
        path: placeOf(node, within),
        weight: node.weight,
        strategy: node.strategy,
        children: node.targets.map((child) => build(child, within)),
      }
    const leaf = heir(node, within)
    count(1)
    const resolved = resolve(leaf, within.config)
    if (resolved.kind === 'virtual') return inner(leaf, resolved.config, within)
    const children = providersOf(resolved, leaf, request, skipped, readParams(leaf), within.config)
    for (const child of children) count(child.targets.length)
    const [only] = children
    if (children.length === 1) return { ...only!, weight: node.weight }
    return { kind: 'group', path: leaf.path, weight: node.weight, strategy: { mode: 'served' }, children }
  }

  function inner(leaf: RoutingLeaf, next: RoutingConfig, within: Within): Route {
    const trail = [...within.trail, next.slug ?? '']
    const isCircle = within.trail.includes(next.slug ?? '')
    if (isCircle || trail.length > mostDeep)
      throw invalidRequest(
        'config',
        `The routing configs name each other as models ${isCircle ? 'in a circle' : 'too often'} (${trail.join(' -> ')}), so no provider is reached. Name a provider's model in one of them.`,
      )
    const { weight } = leaf
    return { ...build(next.root, { config: next, prefix: `${leaf.path} > `, trail, above: leaf }), weight }
  }

  const root = build(config.root, { config, prefix: '', trail: config.slug === undefined ? [] : [config.slug], above: undefined })
  const { slug, version } = config
  const said = { ...(slug === undefined ? {} : { slug }), ...(version === undefined ? {} : { version }) }
  return treeOf(root, skipped, said, config.fingerprint)
}

/** Where a node is built: in which config, reached by which models' names, below which leaf. */
type Within = {
  readonly config: RoutingConfig
  readonly prefix: string
  readonly trail: readonly string[]
  readonly above: RoutingLeaf | undefined
}

/** A leaf of a config that another config's leaf names as its model: that one is its parent. */
function heir(leaf: RoutingLeaf, within: Within): RoutingLeaf {
  const { above } = within
  if (above === undefined) return leaf
  const path = placeOf(leaf, within)
  const { retry = above.retry, cache = above.cache, breaker = above.breaker } = leaf
  return {
    ...leaf,
    path,
    defaultParams: { ...above.defaultParams, ...leaf.defaultParams },
    overrideParams: { ...above.overrideParams, ...leaf.overrideParams },
    dropParams: [...new Set([...above.dropParams, ...leaf.dropParams])],
    timeouts: { ...above.timeouts, ...leaf.timeouts },
    ...(retry === undefined ? {} : { retry }),
    ...(cache === undefined ? {} : { cache }),
    ...(breaker === undefined ? {} : { breaker }),
  }
}

/** `config.targets[0] > cheap.targets[1]`, behind a model's name that is a config's. */
function placeOf({ path }: RoutingNode, { prefix, config }: Within): string {
  return prefix === '' ? path : prefix + (config.slug ?? 'config') + path.slice('config'.length)
}

const nothing: JsonObject = Object.freeze({})
const plainLeaf: RoutingLeaf = {
  kind: 'leaf',
  path: '',
  weight: 1,
  defaultParams: nothing,
  overrideParams: nothing,
  dropParams: [],
  timeouts: {},
}

function scopeOf({ slug, fingerprint }: RoutingConfig): string {
  return slug ?? `inline ${fingerprint}`
}

function named({ slug }: RoutingConfig): string {
  return slug === undefined ? '' : ` ${JSON.stringify(slug)}`
}

const noParams: TargetParams = { defaults: [], edits: [], notes: [] }
const notForwarded: Note = {
  code: 'dropped',
  path: 'forward_headers',
  why: 'the config came with the request, and the key is one of the gateway',
}

/** What of a leaf each of its targets has. */
function providersOf(
  { candidates, skipped: without }: Extract<ResolvedLeaf, { readonly kind: 'served' }>,
  leaf: RoutingLeaf,
  { operation, wire, vitalsOf, isRehearsed = false }: RouteRequest,
  skipped: Skipped[],
  params: TargetParams | undefined,
  config: RoutingConfig | undefined,
): RouteProvider[] {
  const { path, retry, cache, breaker, forwardHeaders: forwards } = leaf
  const place = path === '' ? {} : { route: path }
  const own = breaker === undefined || config === undefined ? undefined : { scope: `${scopeOf(config)} ${path}`, rule: breaker }
  skipped.push(...without.map((one) => ({ ...one, ...place })))
  const found: RouteProvider[] = []
  for (const candidate of candidates) {
    const { provider, model } = candidate
    const reached = reach(candidate, operation, wire)
    if ('reason' in reached) {
      skipped.push({ provider: provider.slug, ...reached, ...place })
      continue
    }
    // Headers choose organizations and projects: what a client's own config sends on, it sends with a key of its own.
    const mayForward = forwards !== undefined && (isRehearsed || config?.slug !== undefined || candidate.credentials !== undefined)
    const told =
      forwards === undefined || mayForward ? params : { ...(params ?? noParams), notes: [...(params?.notes ?? []), notForwarded] }
    const targets = credentialsOf(candidate).map((credential): PlannedTarget => ({
      route: path,
      provider,
      model,
      ...reached,
      credential,
      timeouts: timeoutsOf(provider, leaf),
      ...(told === undefined ? {} : { params: told }),
      ...(mayForward ? { forwards } : {}),
      ...(retry === undefined ? {} : { retry }),
      ...(cache === undefined ? {} : { cache }),
      vitals: (candidate.unwatched === true ? undefined : vitalsOf?.(provider.slug, credential.name, model.id, own)) ?? unwatched,
    }))
    if (isNotEmpty(targets)) found.push({ kind: 'provider', path, weight: 1, targets })
    else skipped.push({ provider: provider.slug, reason: 'it has no credential', ...place })
  }
  return found
}

function isNotEmpty(targets: PlannedTarget[]): targets is [PlannedTarget, ...PlannedTarget[]] {
  return targets.length > 0
}

function credentialsOf({ provider, credentials }: LeafCandidate): readonly Credential[] {
  if (provider.auth !== 'none') return credentials ?? provider.credentials
  return provider.credentials.length > 0 ? provider.credentials : (credentials ?? [noCredential])
}

function timeoutsOf({ timeouts }: Provider, leaf: RoutingLeaf): TargetTimeouts {
  return { floor: undefined, ...timeouts, ...leaf.timeouts }
}

// What is known of a whole tree.

function treeOf(root: Route, skipped: readonly Skipped[], config: Plan['config'], scope: string): RouteTree {
  const providers = [...providersIn(root)]
  return {
    root,
    skipped,
    config,
    scope,
    differences: differencesIn(providers.map(({ targets }) => targets[0].model)),
    isFixed: isFixed(root),
    size: providers.reduce((sum, { targets }) => sum + targets.length, 0),
  }
}

function* providersIn(route: Route): Generator<RouteProvider> {
  if (route.kind === 'provider') yield route
  else for (const child of route.children) yield* providersIn(child)
}

function isFixed(route: Route): boolean {
  if (route.kind === 'provider') return true
  const { mode } = route.strategy
  return mode !== 'conditional' && mode !== 'loadbalance' && route.children.every(isFixed)
}

function differencesIn(models: readonly Candidate['model'][]): Differences {
  const some = (cannot: (model: Candidate['model']) => boolean): boolean => models.some(cannot) && !models.every(cannot)
  const windows = models.map(({ contextWindow }) => contextWindow ?? Infinity)
  const least = Math.min(...windows)
  return {
    tools: some(takesNoTools),
    images: some(takesNoImages),
    contextWindow: windows.some((window) => window > least) ? least : undefined,
  }
}

/** Only what the catalog says: of a model that it doesn't know, nothing is sure. */
export function takesNoTools({ capabilities }: Candidate['model']): boolean {
  return capabilities?.includes('tools') === false
}

export function takesNoImages({ inputModalities }: Candidate['model']): boolean {
  return inputModalities?.includes('image') === false
}
