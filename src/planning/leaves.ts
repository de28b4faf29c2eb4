// Who answers a target of a routing config: which provider, which model, with whose key.
import { createProviderBuilder, vendorNamed, vendorOfKey, vendors, type ProviderBuilder, type Resolution } from '#catalog'
import {
  ConfigError,
  type Credential,
  type GatewayKey,
  type ModelEntry,
  type Provider,
  type RoutingConfig,
  type RoutingLeaf,
  type Snapshot,
} from '#config'
import type { LeafCandidate, ResolvedLeaf, Skipped } from '#routing'
import { usable } from './config-choice.ts'

/** Who serves a model, by a name that the key may use. */
export type Resolve = (snapshot: Snapshot, model: string, key: GatewayKey) => Resolution

/** In records, for a key that was the client's. */
export const ownCredentialName = 'client'

export type LeafRequest = {
  readonly snapshot: Snapshot
  readonly key: GatewayKey
  /** The model that the request names. */
  readonly model: string
  /** The config that the request follows; others are reached from it, as models. */
  readonly config: RoutingConfig
  /** The client's own key, for the providers of its vendor. */
  readonly own?: { readonly vendor: string; readonly credential: Credential } | undefined
  /** Nothing is sent: the operator asks what that config would do. */
  readonly isRehearsed?: boolean
}

export type LeafResolver = (request: LeafRequest) => (leaf: RoutingLeaf, config: RoutingConfig) => ResolvedLeaf

type Refused = Omit<Skipped, 'route'>

export function createLeafResolver(resolve: Resolve): LeafResolver {
  const builder = createProviderBuilder({})
  return (request) => (leaf, config) => new Resolving(resolve, builder, request, config).leaf(leaf)
}

class Resolving {
  readonly #resolve: Resolve
  readonly #builder: ProviderBuilder
  readonly #request: LeafRequest
  readonly #config: RoutingConfig

  constructor(resolve: Resolve, builder: ProviderBuilder, request: LeafRequest, config: RoutingConfig) {
    this.#resolve = resolve
    this.#builder = builder
    this.#request = request
    this.#config = config
  }

  leaf(leaf: RoutingLeaf): ResolvedLeaf {
    const model = leaf.model ?? this.#askedModel()
    if (model === undefined) {
      const reason = `it names no model, and ${JSON.stringify(this.#config.slug)}, which was asked for, is the config itself`
      return { kind: 'served', candidates: [], skipped: [{ provider: leaf.provider ?? '', reason }] }
    }
    if (leaf.customHost !== undefined) return this.#elsewhere(leaf, leaf.customHost, model)
    const named = leaf.provider ?? this.#followed(leaf) ?? (leaf.apiKey === undefined ? undefined : vendorOfKey(leaf.apiKey)?.id)
    if (named !== undefined) return this.#named(leaf, named, model)
    if (leaf.apiKey !== undefined)
      return skip('', 'its api_key does not look like one of a vendor that this version knows; name the provider')
    return this.#served(model)
  }

  /** undefined: this very config was asked for, as a model. */
  #askedModel(): string | undefined {
    const { model, snapshot, key, config } = this.#request
    if (this.#config !== config) return undefined
    if (model !== config.slug) return model
    return this.#resolve(snapshot, model, key).ok ? model : undefined
  }

  /** Of a target that leaves its provider to the request: whom that names beside its model. */
  #followed({ followsRequest, model }: RoutingLeaf): string | undefined {
    const asked = this.#request.model
    const slash = asked.indexOf('/')
    // Without a model of its own, the request's says it anyway.
    if (followsRequest !== true || model === undefined || slash < 1) return undefined
    if (asked.startsWith('@')) return asked.slice(1, slash)
    const name = asked.slice(0, slash)
    return this.#request.snapshot.providers.has(name) ? name : undefined
  }

  // Whoever serves the model.

  #served(model: string): ResolvedLeaf {
    const { snapshot, key } = this.#request
    const found = this.#resolve(snapshot, model, key)
    if (found.ok) return this.#withOwnKey(found.candidates, [])
    const config = found.kind === 'model_not_found' ? snapshot.configs.get(model) : undefined
    return config === undefined
      ? { kind: 'served', candidates: [], skipped: [refusal('', model, found)] }
      : { kind: 'virtual', config: usable(config) }
  }

  // A provider by its name.

  #named(leaf: RoutingLeaf, name: string, model: string): ResolvedLeaf {
    const { snapshot } = this.#request
    const slug = snapshot.providers.get(name)
    const theirs = vendorNamed(name)
    const providers = slug === undefined ? [...snapshot.providers.values()].filter(({ vendor }) => vendor === theirs) : [slug]
    if (providers.length === 0) {
      if (leaf.apiKey !== undefined) return this.#elsewhere(leaf, undefined, model)
      return skip(name, 'there is no provider of that name')
    }
    const candidates: LeafCandidate[] = []
    const skipped: Refused[] = []
    for (const provider of providers) {
      const found = this.#at(provider, model)
      if ('reason' in found) skipped.push(found)
      else candidates.push(found)
    }
    candidates.sort((one, other) => one.provider.priority - other.provider.priority || costOf(one) - costOf(other))
    if (leaf.apiKey === undefined) return this.#withOwnKey(candidates, skipped)
    const { apiKey } = leaf
    return { kind: 'served', candidates: candidates.map((one) => ({ ...one, ...this.#configsKey(leaf, apiKey) })), skipped }
  }

  /** The same model as the name means elsewhere, under this provider's id; a name that nobody knows is the provider's to know. */
  #at(provider: Provider, model: string): LeafCandidate | Refused {
    const { snapshot, key } = this.#request
    const shared = this.#resolve(snapshot, model, key)
    const known = shared.ok ? shared.candidates.find((one) => one.provider.slug === provider.slug) : undefined
    if (known !== undefined) return known
    const bare = this.#without(snapshot.aliases.get(model) ?? model, provider)
    const found = this.#resolve(snapshot, `@${provider.slug}/${bare}`, key)
    return found.ok ? found.candidates[0]! : refusal(provider.slug, bare, found)
  }

  /** Without the provider that the request named: the config names another. */
  #without(model: string, { vendor }: Pick<Provider, 'vendor'>): string {
    const slash = model.indexOf('/')
    if (slash < 1) return model
    const prefix = model.slice(model.startsWith('@') ? 1 : 0, slash)
    return model.startsWith('@') || prefix === vendor || this.#request.snapshot.providers.has(prefix) ? model.slice(slash + 1) : model
  }

  // A provider that is not one of this instance's, asked with the config's key.

  #elsewhere(leaf: RoutingLeaf, baseUrl: string | undefined, model: string): ResolvedLeaf {
    const { apiKey, provider: name = '' } = leaf
    if (apiKey === undefined && !this.#isOperators)
      return skip(name, 'its custom_host is only asked with an api_key of the config: keys of this gateway stay with their providers')
    if (this.#request.key.models !== undefined)
      return skip(name, 'the key has a list of models, and this is no provider of this gateway', 'key')
    const built = this.#build(leaf, baseUrl)
    if (typeof built === 'string') return skip(name, built)
    const id = this.#without(model, built)
    const entry: ModelEntry = built.models.get(id) ?? { id }
    // Without a key, too: its name keeps the health of this target apart from that of others.
    return { kind: 'served', candidates: [{ provider: built, model: entry, ...this.#configsKey(leaf, apiKey ?? '') }], skipped: [] }
  }

  /** Without anything of a provider of this instance: its headers may hold secrets, too. */
  #build(leaf: RoutingLeaf, baseUrl: string | undefined): Provider | string {
    const name = leaf.provider ?? 'custom'
    const configured = this.#request.snapshot.providers.get(name)?.vendor ?? vendorNamed(name)
    const vendor = vendors.get(configured)
    if (vendor === undefined && leaf.provider !== undefined && baseUrl === undefined) return 'there is no provider of that name'
    if (baseUrl === undefined && (vendor?.baseUrl === undefined || vendor.local === true))
      return 'it has no address of its own; give the target a custom_host'
    try {
      return this.#builder.build({
        slug: name,
        wanted: { ...(vendor === undefined ? {} : { vendor: vendor.id }), ...(baseUrl === undefined ? {} : { base_url: baseUrl }) },
        allowPrivateNetwork: this.#isOperators,
        named: (field) => `${leaf.path}${field === undefined ? '' : `.${field}`}`,
        // Without a key it is asked without one.
        lacksCredentials: leaf.apiKey !== undefined,
      })
    } catch (error) {
      if (error instanceof ConfigError) return error.message
      throw error
    }
  }

  get #isStored(): boolean {
    return this.#config.slug !== undefined
  }

  /** Written by whoever runs this gateway, and not by a client. */
  get #isOperators(): boolean {
    return this.#isStored || (this.#request.isRehearsed === true && this.#config === this.#request.config)
  }

  #configsKey({ path }: RoutingLeaf, secret: string): Pick<LeafCandidate, 'credentials' | 'unwatched'> {
    const { slug } = this.#config
    const name = slug === undefined ? ownCredentialName : path.replace(/^config/, slug)
    return { credentials: [{ name, secret }], unwatched: !this.#isStored }
  }

  // The client's own key.

  #withOwnKey(candidates: readonly LeafCandidate[], skipped: readonly Refused[]): ResolvedLeaf {
    const { own } = this.#request
    if (own === undefined) return { kind: 'served', candidates, skipped }
    return {
      kind: 'served',
      candidates: candidates.map((one) =>
        one.provider.vendor === own.vendor ? { ...one, credentials: [own.credential], unwatched: true } : one,
      ),
      skipped,
    }
  }
}

/** Of a token in and one out: exact enough to compare; without a price it comes last. */
function costOf({ model: { price } }: LeafCandidate): number {
  return price === undefined ? Number.MAX_VALUE : Number(price.input + price.output)
}

function skip(provider: string, reason: string, by?: Skipped['by']): ResolvedLeaf {
  return { kind: 'served', candidates: [], skipped: [{ provider, reason, ...(by === undefined ? {} : { by }) }] }
}

function refusal(provider: string, model: string, { kind, byKey }: Extract<Resolution, { ok: false }>): Refused {
  const quoted = JSON.stringify(model.slice(0, 200))
  if (kind === 'model_not_found') return { provider, reason: `no provider of this gateway serves ${quoted}` }
  if (byKey === true) return { provider, reason: `the key may not use ${quoted}`, by: 'key' }
  return { provider, reason: `the provider's allow-list or deny-list excludes ${quoted}` }
}
