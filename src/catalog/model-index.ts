// From the name a client writes to the providers that serve it. Built once per snapshot, and cheaply: nothing is indexed until it is asked for.
import type { GatewayKey, ModelEntry, Provider, RoutingNode, Snapshot } from '#config'
import { nearestNames } from '#kernel'
import { createGlob } from './glob.ts'
import { createModelLists, listedModel, type ListedModel, type ListedName, type ModelList } from './model-list.ts'
import { createNameFinder } from './nearest-models.ts'
import { vendorNamed } from './vendor-names.ts'
import { bareName, createShelf, maxNameCharacters, plainName, type ModelCandidate, type Shelf } from './shelf.ts'

export type Resolution =
  /** At least one; by priority, then price (unpriced last), then the order of registration. */
  | { readonly ok: true; readonly candidates: readonly ModelCandidate[] }
  | {
      readonly ok: false
      readonly kind: 'model_not_found' | 'model_not_allowed'
      readonly nearest: readonly string[]
      /** The name is an alias, and this is what it stands for. */
      readonly alias?: string
      /** Of what is not allowed: the key's list excludes it, and not a provider's. */
      readonly byKey?: true
    }

/** What a key may ask for; without `models`, everything. */
export type ModelPatterns = Pick<GatewayKey, 'models'>

export interface ModelIndex {
  /** One Map lookup for a name that was asked before, two for a key with a list. At most 256 characters of the client's name are looked at. */
  resolve(name: string, key?: ModelPatterns): Resolution
  /** Every name this key may use: aliases, bare, canonical, `slug/model` and `@slug/model`. Made in short slices when first asked for. */
  names(key: ModelPatterns): Promise<readonly ListedName[]>
  /** The same as the body of `GET /v1/models`. */
  list(key: ModelPatterns): Promise<ModelList>
  /** One row of the list, for `GET /v1/models/{id}`; undefined for a name that is only forwarded. */
  get(key: ModelPatterns, name: string): ListedModel | undefined
}

/** Foreign strings, so the memory of them is bounded. */
const maxRemembered = 4096
const maxNearest = 3
/** Of a config that is listed as a model. */
const maxCandidates = 200

export function createModelIndex(snapshot: Snapshot): ModelIndex {
  const shelves = new Map([...snapshot.providers].map(([slug, provider]) => [slug, createShelf(provider)]))
  const remembered = new Map<string, Resolution>()
  const restrictions = new WeakMap<readonly string[], Restriction>()
  const nearest = createNameFinder(sharedNames)

  function resolve(name: string, key?: ModelPatterns): Resolution {
    const patterns = key?.models
    const found = remembered.get(name) ?? remember(name)
    return patterns === undefined ? found : restricted(found, name, patterns)
  }

  function remember(name: string): Resolution {
    if (name.length > maxNameCharacters) return unknown(name)
    const resolution = resolveOnce(name)
    if (remembered.size >= maxRemembered) remembered.clear()
    remembered.set(name, resolution)
    return resolution
  }

  function resolveOnce(name: string): Resolution {
    const alias = snapshot.aliases.get(name)
    if (alias === undefined) return survey(name)
    const resolution = survey(alias)
    return resolution.ok ? resolution : { ...resolution, alias }
  }

  /** Without memory and aliases. */
  function survey(name: string): Resolution {
    const slash = name.indexOf('/')
    const shelf = slash < 1 ? undefined : shelves.get(name.startsWith('@') ? name.slice(1, slash) : name.slice(0, slash))
    if (shelf !== undefined && slash < name.length - 1) return resolveAt(shelf, name.slice(slash + 1), name)
    const sightings = sight(name)
    return sightings.length === 0 ? unknown(name) : verdict(sightings)
  }

  function resolveAt(shelf: Shelf, id: string, name: string): Resolution {
    const model = shelf.find(id) ?? (shelf.provider.simulated ? undefined : { id })
    return model === undefined ? unknown(name) : verdict([{ shelf, model }])
  }

  /** Everyone who has the name, and everyone who has the model that it means there, under whatever name. */
  function sight(name: string): Sighting[] {
    const models: (ModelEntry | undefined)[] = []
    const plain = plainName(name)
    let canonical: string | undefined
    let isOne = true
    for (const shelf of shelves.values()) {
      const model = shelf.find(name, plain)
      models.push(model)
      if (model?.canonical === undefined) continue
      if (canonical === undefined) canonical = model.canonical
      else if (canonical !== model.canonical) isOne = false
    }
    const sightings: Sighting[] = []
    let at = 0
    for (const shelf of shelves.values()) {
      const model = models[at++] ?? (canonical !== undefined && isOne ? sameModel(shelf, canonical) : undefined)
      if (model !== undefined) sightings.push({ shelf, model })
    }
    return sightings
  }

  function unknown(name: string): Resolution {
    return { ok: false, kind: 'model_not_found', nearest: name.length > maxNameCharacters ? [] : suggestions(name) }
  }

  function suggestions(name: string): readonly string[] {
    const slash = name.indexOf('/')
    const start = name.startsWith('@') ? 1 : 0
    const rest = name.slice(slash + 1)
    // A slug that is almost right, before a model that its provider has.
    const slugs = slash <= start ? [] : nearestNames(name.slice(start, slash), shelves.keys(), 1)
    const corrected = slugs
      .filter((slug) => shelves.get(slug)!.find(rest) !== undefined)
      .map((slug) => `${name.slice(0, start)}${slug}/${rest}`)
    const similar = nearest(name.slice(Math.max(name.lastIndexOf('/') + 1, start)), maxNearest)
    return [...new Set([...corrected, ...similar])].slice(0, maxNearest)
  }

  /** One short name for each model. */
  function sharedNames(): string[] {
    const names = new Set(snapshot.aliases.keys())
    for (const shelf of shelves.values()) {
      for (const [id, { canonical }] of shelf.provider.models) {
        if (!shelf.allows(id)) continue
        names.add(canonical === undefined ? id : bareName(canonical))
      }
    }
    return [...names]
  }

  function restricted(found: Resolution, name: string, patterns: readonly string[]): Resolution {
    let restriction = restrictions.get(patterns)
    if (restriction === undefined) restrictions.set(patterns, (restriction = { matches: matcherOf(patterns), remembered: new Map() }))
    const known = restriction.remembered.get(name)
    if (known !== undefined) return known
    const resolution = restrict(found, name, restriction.matches)
    if (restriction.remembered.size >= maxRemembered) restriction.remembered.clear()
    if (name.length <= maxNameCharacters) restriction.remembered.set(name, resolution)
    return resolution
  }

  function restrict(found: Resolution, name: string, matches: Matcher): Resolution {
    if (!found.ok) return { ...found, nearest: found.nearest.filter((near) => restrict(resolve(near), near, matches).ok) }
    // An alias that the list names is allowed with whatever it stands for.
    if (snapshot.aliases.has(name) && matches(name)) return found
    const open = found.candidates.filter((candidate) => mayUse(candidate, matches))
    if (open.length === found.candidates.length) return found
    return open.length === 0 ? { ok: false, kind: 'model_not_allowed', nearest: [], byKey: true } : { ok: true, candidates: open }
  }

  /** undefined where a name was looked at and left out, so that whoever takes them in slices can pause there, too. */
  function* listedNames(patterns: readonly string[] | undefined): Generator<ListedName | undefined> {
    const seen = new Set<string>()
    const matches = patterns === undefined ? undefined : matcherOf(patterns)
    function listed(id: string, resolution: Resolution): ListedName | undefined {
      seen.add(id)
      const open = matches === undefined ? resolution : restrict(resolution, id, matches)
      return open.ok ? { id, candidates: open.candidates } : undefined
    }
    for (const [alias, target] of snapshot.aliases) {
      yield listed(alias, survey(target))
    }
    for (const shelf of shelves.values()) {
      for (const [id, { canonical }] of shelf.provider.models) {
        if (!shelf.allows(id)) continue
        for (const name of canonical === undefined ? [id] : [id, canonical, bareName(canonical)]) {
          // A name whose first part is a slug means that provider alone: listed in that form below, when it has the model.
          if (seen.has(name) || shelves.has(name.slice(0, Math.max(name.indexOf('/'), 0)))) continue
          yield listed(name, survey(name))
        }
      }
    }
    for (const [slug, candidates] of virtualModels()) {
      if (seen.has(slug)) continue
      yield virtual(slug, candidates, matches)
      seen.add(slug)
    }
    for (const shelf of shelves.values()) {
      const { slug } = shelf.provider
      for (const [id, model] of shelf.provider.models) {
        if (!shelf.allows(id)) continue
        const only: Resolution = { ok: true, candidates: [{ provider: shelf.provider, model }] }
        for (const name of [`${slug}/${id}`, `@${slug}/${id}`]) {
          if (seen.has(name)) continue
          yield listed(name, only)
        }
      }
    }
  }

  // A config whose targets all name their models is a model, too, where nothing else has its name.

  function* virtualModels(): Generator<readonly [string, readonly ModelCandidate[]]> {
    for (const slug of snapshot.configs.keys()) {
      if (resolveOnce(slug).ok) continue
      const candidates = candidatesOf(slug)
      if (candidates !== undefined && candidates.length > 0) yield [slug, candidates]
    }
  }

  const ofConfigs = new Map<string, readonly ModelCandidate[] | undefined>()

  /** undefined: it is none, or a target of it names no model. */
  function candidatesOf(slug: string): readonly ModelCandidate[] | undefined {
    const config = snapshot.configs.get(slug)
    if (config === undefined || ofConfigs.has(slug)) return ofConfigs.get(slug)
    // Configs may name each other in a circle.
    ofConfigs.set(slug, [])
    const found = candidatesIn(config.root)
    const candidates = found === undefined ? undefined : [...new Set(found)].slice(0, maxCandidates)
    ofConfigs.set(slug, candidates)
    return candidates
  }

  function candidatesIn(node: RoutingNode): readonly ModelCandidate[] | undefined {
    if (node.kind === 'group') {
      const all = node.targets.map(candidatesIn)
      return all.every((some) => some !== undefined) ? all.flat() : undefined
    }
    const { model, provider } = node
    if (model === undefined) return undefined
    const shared = resolve(model)
    if (provider === undefined) return shared.ok ? shared.candidates : (candidatesOf(model) ?? [])
    const isSlug = shelves.has(provider)
    const known = shared.ok ? shared.candidates.filter((one) => isOf(one.provider, provider, isSlug)) : []
    if (known.length > 0 || !isSlug) return known
    const own = resolve(`@${provider}/${model}`)
    return own.ok ? own.candidates : []
  }

  function virtual(id: string, candidates: readonly ModelCandidate[], matches: Matcher | undefined): ListedName | undefined {
    const open = matches === undefined || matches(id) ? candidates : candidates.filter((candidate) => mayUse(candidate, matches))
    // One for each provider: what is listed is who serves it.
    const listed = open.filter(({ provider }, at) => open.findIndex((other) => other.provider === provider) === at)
    return listed.length === 0 ? undefined : { id, candidates: listed }
  }

  function virtualModel(name: string, patterns: readonly string[] | undefined): ListedName | undefined {
    const candidates = candidatesOf(name)
    if (candidates === undefined || candidates.length === 0) return undefined
    return virtual(name, candidates, patterns === undefined ? undefined : matcherOf(patterns))
  }

  const lists = createModelLists(listedNames)
  return {
    resolve,
    names: (key) => lists.names(key.models),
    list: (key) => lists.list(key.models),
    get(key, name) {
      const resolution = resolve(name, key)
      if (!resolution.ok) {
        const named = resolution.kind === 'model_not_found' ? virtualModel(name, key.models) : undefined
        return named === undefined ? undefined : listedModel(named)
      }
      const [{ provider, model }] = resolution.candidates as readonly [ModelCandidate]
      // A made-up id of a named provider is forwarded, and listed nowhere.
      return provider.models.get(model.id) === model ? listedModel({ id: name, candidates: resolution.candidates }) : undefined
    },
  }
}

/** By its slug; or by its vendor's name, where no provider has that slug. */
function isOf({ slug, vendor }: Provider, name: string, isSlug: boolean): boolean {
  return isSlug ? slug === name : vendor === vendorNamed(name)
}

type Sighting = { readonly shelf: Shelf; readonly model: ModelEntry }
type Matcher = (name: string) => boolean
type Restriction = { readonly matches: Matcher; readonly remembered: Map<string, Resolution> }

function sameModel(shelf: Shelf, canonical: string): ModelEntry | undefined {
  const model = shelf.find(canonical)
  return model?.canonical === canonical ? model : undefined
}

/** Spelling doesn't matter to a pattern, as it doesn't to a name. */
function matcherOf(patterns: readonly string[]): Matcher {
  const globs = patterns.map((pattern) => createGlob(plainName(pattern)))
  return (name) => {
    const plain = plainName(name)
    return globs.some((matches) => matches(plain))
  }
}

/** A pattern may mean the model by any of its names, or this provider's alone (`@work/*`). */
function mayUse({ provider, model }: ModelCandidate, matches: Matcher): boolean {
  return (
    matches(model.id) ||
    matches(`${provider.slug}/${model.id}`) ||
    matches(`@${provider.slug}/${model.id}`) ||
    (model.canonical !== undefined && (matches(model.canonical) || matches(bareName(model.canonical))))
  )
}

function verdict(sightings: readonly Sighting[]): Resolution {
  const open = sightings
    .filter(({ shelf, model }) => shelf.allows(model.id))
    .map(({ shelf, model }): ModelCandidate => ({ provider: shelf.provider, model }))
  if (open.length === 0) return { ok: false, kind: 'model_not_allowed', nearest: [] }
  return { ok: true, candidates: open.toSorted((a, b) => a.provider.priority - b.provider.priority || dearness(a.model, b.model)) }
}

/** Which of two prices is higher, by a token in and a token out; what has no price counts as the highest. */
function dearness(a: ModelEntry, b: ModelEntry): number {
  if (a.price === undefined || b.price === undefined) return Number(a.price === undefined) - Number(b.price === undefined)
  const difference = a.price.input + a.price.output - (b.price.input + b.price.output)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}
