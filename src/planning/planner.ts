// From a request to the targets that may answer it. What depends on few things of a request is made once per snapshot.
import { createGlob, createProviderBuilder, vendorOfKey, vendors, type Resolution } from '#catalog'
import type { GatewayKey, Provider, RoutingConfig, Snapshot } from '#config'
import type { Inspected, InspectedArrival } from '#inspection'
import { invalidRequest } from '#kernel'
import type { Limits } from '#ledger'
import { isPlaceholderKey } from '#policy'
import {
  configTree,
  createSticky,
  planSteps,
  servedTree,
  type Health,
  type LeafCandidate,
  type Moment,
  type Plan,
  type RouteTree,
} from '#routing'
import { createConfigChooser, stored, usable } from './config-choice.ts'
import { RequestFacts, surelyFits } from './facts.ts'
import { createLeafResolver, ownCredentialName, type LeafRequest, type Resolve } from './leaves.ts'
import { nobodyToAsk, unknownModel } from './refusals.ts'

export type Asked = { readonly arrival: InspectedArrival; readonly inspected: Inspected }

export interface Planner {
  /** Throws a `Failure` when no target can be asked. Of `count-tokens`, a plan may be empty: then the gateway counts. */
  planOf(asked: Asked): Plan
  /** The same, and nothing is remembered of it. `config`: instead of the one that the request chooses; a slug of a stored one, or one as it was read. */
  rehearse(asked: Asked, config: RoutingConfig | string | undefined): Plan
}

export type PlannerDeps = {
  /** The snapshot that requests begin with from now on. */
  readonly snapshot: () => Snapshot
  readonly resolve: Resolve
  /** Told by attempts, asked by plans. */
  readonly health: Health
  /** Budgets, wallets and rate limits; absent: nothing is limited. */
  readonly limits?: Limits | undefined
  /** The clock of `Health`. */
  readonly nowMs: () => number
  /** From 0 to below 1, another one each time. */
  readonly random: () => number
}

/** Names of models and configs come from clients. */
const maxRemembered = 2000
const maxNameCharacters = 1000
/** Of all that is remembered. */
const maxTargets = 20_000

type Remembered = { readonly tree: RouteTree; fixed: Plan | undefined }

export function createPlanner(deps: PlannerDeps): Planner {
  const { health } = deps
  let remembered = new Map<string, Remembered>()
  let rememberedOf: Snapshot | undefined
  let latest: { readonly model: string; readonly wire: string; readonly operation: string; readonly entry: Remembered } | undefined
  let targets = 0
  const sticky = createSticky()
  const chooseConfig = createConfigChooser()
  const resolveLeaf = createLeafResolver(deps.resolve)
  const builder = createProviderBuilder({})
  /** Vendors that clients asked with their own key and that are not configured here. */
  const visited = new Map<string, Provider>()
  const vitalsOf = health.of.bind(health)

  function planOf(asked: Asked): Plan {
    const entry = entryOf(asked, undefined)
    if (entry.tree.isFixed && health.allWell && suitsAll(asked, entry.tree)) return (entry.fixed ??= follow(asked, entry.tree, true))
    return follow(asked, entry.tree, true)
  }

  function entryOf(asked: Asked, given: RoutingConfig | string | undefined): Remembered {
    const snapshot = deps.snapshot()
    if (snapshot !== rememberedOf || remembered.size >= maxRemembered) {
      remembered = new Map()
      latest = undefined
      targets = 0
      rememberedOf = snapshot
    }
    const { arrival, inspected } = asked
    const { wire, operation, key } = arrival
    const { model, ownKey } = inspected
    const isPlain =
      given === undefined && ownKey === undefined && key.models === undefined && key.config === undefined && inspected.config === undefined
    // Most requests ask for what the one before asked for.
    if (isPlain && latest !== undefined && latest.model === model && latest.wire === wire && latest.operation === operation)
      return latest.entry
    const config = given === undefined ? configOf(snapshot, asked) : usable(typeof given === 'string' ? stored(snapshot, given) : given)
    if (ownKey !== undefined) {
      const tree = config === undefined ? treeForOwnKey(snapshot, asked, ownKey) : configTreeForOwnKey(snapshot, asked, config, ownKey)
      if (tree !== undefined) return { tree, fixed: undefined }
    }
    // A rehearsal's tree is the operator's, who may do more than a client that brings the same config.
    if (config !== undefined && typeof given === 'object')
      return { tree: treeOfConfig(snapshot, asked, config, undefined, true), fixed: undefined }
    // A key with a list of models has plans of its own.
    let name = key.models === undefined ? `${operation} ${wire} ${model}` : `${operation} ${wire}\n${key.id}\n${model}`
    if (config !== undefined) name = `${config.slug ?? ''}\n${config.fingerprint}\n${name}`
    const known = remembered.get(name)
    if (known !== undefined) {
      if (isPlain) latest = { model, wire, operation, entry: known }
      return known
    }
    const tree = config === undefined ? plainTree(snapshot, asked) : treeOfConfig(snapshot, asked, config)
    const made: Remembered = { tree, fixed: undefined }
    if (name.length > maxNameCharacters || tree.size > maxTargets) return made
    targets += tree.size
    if (targets > maxTargets) {
      remembered = new Map()
      targets = tree.size
    }
    remembered.set(name, made)
    return made
  }

  function configOf(snapshot: Snapshot, { arrival: { key }, inspected }: Asked): RoutingConfig | undefined {
    return inspected.config === undefined && key.config === undefined ? undefined : chooseConfig(snapshot, key, inspected.config)
  }

  function follow(asked: Asked, tree: RouteTree, remembers: boolean): Plan {
    const nowMs = deps.nowMs()
    const moment: Moment = {
      nowMs,
      random: deps.random,
      facts: new RequestFacts(asked.arrival, asked.inspected, health, nowMs, deps.limits, deps.snapshot()),
      pinned: (key) => sticky.get(key, nowMs),
    }
    const { plan, pins } = planSteps(tree, moment)
    if (remembers) for (const pin of pins) sticky.pin(pin, nowMs)
    if (plan.steps.length === 0 && asked.arrival.operation !== 'count-tokens') throw nobodyToAsk(plan, asked.inspected.model, asked.arrival)
    return plan
  }

  // Trees.

  /** Without a config; or the name is a config's, and nothing else has that name. */
  function plainTree(snapshot: Snapshot, asked: Asked): RouteTree {
    const { arrival, inspected } = asked
    const { model } = inspected
    const resolved = deps.resolve(snapshot, model, arrival.key)
    if (resolved.ok) return servedTree({ ...arrival, vitalsOf }, resolved.candidates)
    const config = resolved.kind === 'model_not_found' ? snapshot.configs.get(model) : undefined
    if (config === undefined) throw unknownModel(model, arrival.key.name, resolved)
    return treeOfConfig(snapshot, asked, usable(config))
  }

  function treeOfConfig(
    snapshot: Snapshot,
    { arrival, inspected }: Asked,
    config: RoutingConfig,
    own?: OwnCredential,
    isRehearsed = false,
  ): RouteTree {
    const { model } = inspected
    const key = config.slug === model ? allowing(arrival.key, model) : arrival.key
    return configTree(config, { ...arrival, vitalsOf, isRehearsed }, resolveLeaf({ snapshot, key, model, config, own, isRehearsed }))
  }

  function candidatesOf(snapshot: Snapshot, { arrival, inspected }: Asked): readonly LeafCandidate[] {
    const resolved: Resolution = deps.resolve(snapshot, inspected.model, arrival.key)
    if (!resolved.ok) throw unknownModel(inspected.model, arrival.key.name, resolved)
    return resolved.candidates
  }

  // The client's own key. What happens with it says nothing to others.

  function treeForOwnKey(snapshot: Snapshot, asked: Asked, ownKey: string): RouteTree | undefined {
    const credentials = [{ name: ownCredentialName, secret: ownKey }]
    const candidates = candidatesForOwnKey(snapshot, asked, ownKey)?.map((one) => ({ ...one, credentials, unwatched: true }))
    return candidates === undefined ? undefined : servedTree({ ...asked.arrival, vitalsOf }, candidates)
  }

  /** Whom the client's own key may be shown to: the provider it names, or those of the vendor whose key it is. undefined: it is none. */
  function candidatesForOwnKey(snapshot: Snapshot, asked: Asked, ownKey: string): readonly LeafCandidate[] | undefined {
    const { model } = asked.inspected
    const slash = model.indexOf('/')
    const named = slash < 1 ? undefined : model.slice(model.startsWith('@') ? 1 : 0, slash)
    if (named !== undefined && snapshot.providers.has(named)) return candidatesOf(snapshot, asked)
    if (named !== undefined && asked.arrival.key.models === undefined) {
      const provider = providerOfVendor(named)
      if (provider !== undefined) {
        const id = model.slice(slash + 1)
        return [{ provider, model: provider.models.get(id) ?? { id } }]
      }
    }
    const vendor = vendorOfKey(ownKey)
    if (vendor !== undefined) {
      const theirs = candidatesOf(snapshot, asked).filter(({ provider }) => provider.vendor === vendor.id)
      if (theirs.length > 0) return theirs
      throw invalidRequest(
        'model',
        `The key in the request looks like one of ${vendor.name}, and no provider of that vendor serves ${JSON.stringify(model.slice(0, 200))} here. Name the provider: "@${vendor.id}/..." or x-turnpike-provider.`,
      )
    }
    if (isPlaceholderKey(ownKey)) return undefined
    throw invalidRequest(
      'x-turnpike-provider',
      'The request carries a key of its own beside the gateway key, and nothing says whose. Name the provider in x-turnpike-provider or as "@provider/model", or send the gateway key alone.',
    )
  }

  /** The config says who is asked: the client's key goes to its vendor only. undefined: it is none. */
  function configTreeForOwnKey(snapshot: Snapshot, asked: Asked, config: RoutingConfig, ownKey: string): RouteTree | undefined {
    const vendor = vendorOfKey(ownKey)
    if (vendor !== undefined)
      return treeOfConfig(snapshot, asked, config, { vendor: vendor.id, credential: { name: ownCredentialName, secret: ownKey } })
    if (isPlaceholderKey(ownKey)) return undefined
    throw invalidRequest(
      'x-turnpike-config',
      'The request carries a key of its own beside the gateway key, nothing says whose, and a routing config decides who is asked. Put it into the config as api_key, or send the gateway key alone.',
    )
  }

  function providerOfVendor(name: string): Provider | undefined {
    const known = visited.get(name)
    const vendor = vendors.get(name)
    if (known !== undefined || vendor?.baseUrl === undefined || vendor.local === true) return known
    // The credential is the client's, another one for each request.
    const provider = builder.fromEnvironment(name, { name: ownCredentialName, secret: '' })
    visited.set(name, provider)
    return provider
  }

  return { planOf, rehearse: (asked, config) => follow(asked, entryOf(asked, config).tree, false) }
}

/** Its models differ in nothing that this request may need. */
function suitsAll({ arrival }: Asked, { differences: { tools, images, contextWindow } }: RouteTree): boolean {
  return !tools && !images && (contextWindow === undefined || surelyFits(arrival.bodyEnd - arrival.bodyStart, contextWindow))
}

/** Whom the list of a key allows a config as a model, it allows whatever that stands for; as with an alias. */
function allowing(key: GatewayKey, model: string): GatewayKey {
  if (key.models?.some((pattern) => createGlob(pattern)(model)) !== true) return key
  const { models: _, ...open } = key
  return open
}

type OwnCredential = LeafRequest['own']
