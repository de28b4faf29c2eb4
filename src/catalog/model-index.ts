// From the name a client writes to the providers that serve it, and back to the list of all names. Built once per snapshot.
import type { GatewayKey, ModelEntry, Provider, Snapshot } from '#config'
import { formatPicoUsd, formatUsdPerMillion, type Price } from '#ir'
import { createGlob } from './glob.ts'
import { createNameFinder } from './nearest-models.ts'

export type ModelCandidate = { readonly provider: Provider; readonly model: ModelEntry }

export type Resolution =
  /** At least one; by priority, then price (unpriced last), then the order of registration. */
  | { readonly ok: true; readonly candidates: readonly ModelCandidate[] }
  | { readonly ok: false; readonly kind: 'model_not_found' | 'model_not_allowed'; readonly nearest: readonly string[] }

/** A row of `GET /v1/models`, ready to be sent. */
export type ListedModel = {
  readonly id: string
  readonly object: 'model'
  readonly created: number
  readonly owned_by: string
  readonly name?: string
  readonly context_window?: number
  readonly max_output_tokens?: number
  readonly input_modalities?: readonly string[]
  readonly output_modalities?: readonly string[]
  readonly capabilities?: readonly string[]
  /** As the admin API writes prices; null: unpriced. */
  readonly price: 'free' | Readonly<Record<string, string>> | null
  /** Slugs of the providers that serve it under this name, first choice first. */
  readonly providers: readonly string[]
}

export interface ModelIndex {
  /** One Map lookup for a name that was asked before or is known. The client's name, at most 256 characters of it are looked at. */
  resolve(name: string): Resolution
  /** Every name this key may use: bare, canonical, `slug/model` and `@slug/model`. */
  list(key: GatewayKey): readonly ListedModel[]
  /** One row of the list, for `GET /v1/models/{id}`. */
  get(key: GatewayKey, name: string): ListedModel | undefined
}

const maxNameCharacters = 256
/** Names that no catalog knows, asked of a named provider: foreign strings, so the memory of them is bounded. */
const maxForwarded = 4096

export function createModelIndex(snapshot: Snapshot): ModelIndex {
  const shelves = new Map([...snapshot.providers].map(([slug, provider]) => [slug, createShelf(provider)]))
  const known = new Map<string, Resolution>()
  for (const [name, candidates] of gather(shelves.values())) known.set(name, verdict(candidates))
  const forwarded = new Map<string, Resolution>()
  const nearest = createNameFinder(() => [...rows().keys()].filter((name) => !name.startsWith('@')))
  let listed: ReadonlyMap<string, ListedModel> | undefined

  function resolve(name: string): Resolution {
    const slash = name.indexOf('/')
    const shelf = slash < 1 ? undefined : shelves.get(name.startsWith('@') ? name.slice(1, slash) : name.slice(0, slash))
    if (shelf === undefined || slash === name.length - 1) return known.get(name) ?? known.get(plain(name)) ?? unknown(name)
    const remembered = forwarded.get(name)
    if (remembered !== undefined) return remembered
    const resolution = name.length > maxNameCharacters ? unknown(name) : resolveAt(shelf, name.slice(slash + 1), name)
    if (forwarded.size >= maxForwarded) forwarded.clear()
    forwarded.set(name, resolution)
    return resolution
  }

  function resolveAt(shelf: Shelf, id: string, name: string): Resolution {
    const model = shelf.find(id) ?? (shelf.provider.simulated ? undefined : { id })
    if (model === undefined) return unknown(name)
    return verdict([{ provider: shelf.provider, model, allowed: shelf.allows(model.id) }])
  }

  function unknown(name: string): Resolution {
    return { ok: false, kind: 'model_not_found', nearest: nearest(name) }
  }

  function rows(): ReadonlyMap<string, ListedModel> {
    listed ??= listAll(known, shelves)
    return listed
  }

  // Keys have no model lists of their own in this version: every key may use what the providers allow.
  let all: readonly ListedModel[] | undefined
  return {
    resolve,
    list: (_key) => (all ??= [...rows().values()]),
    get: (_key, name) => rows().get(name),
  }
}

type Sighting = ModelCandidate & { readonly allowed: boolean }

type Shelf = {
  readonly provider: Provider
  /** Every name a model of this provider answers to. */
  readonly names: ReadonlyMap<string, ModelEntry>
  find(name: string): ModelEntry | undefined
  allows(id: string): boolean
}

function createShelf(provider: Provider): Shelf {
  const names = new Map<string, ModelEntry>()
  // A provider's own ids come first, then shared names. Two ids of one canonical name are a model and its variant (`x`, `x:free`), and
  // the data has them in this order: the first one keeps the shared name.
  for (const [id, model] of provider.models) names.set(id, model)
  for (const model of provider.models.values()) {
    if (model.canonical === undefined) continue
    const bare = model.canonical.slice(model.canonical.indexOf('/') + 1)
    for (const name of [model.canonical, bare, plain(model.canonical), plain(bare)]) if (!names.has(name)) names.set(name, model)
  }
  const allow = provider.allow?.map(createGlob)
  const deny = provider.deny?.map(createGlob)
  return {
    provider,
    names,
    find: (name) => names.get(name) ?? names.get(plain(name)),
    allows: (id) => (allow === undefined || allow.some((matches) => matches(id))) && !(deny?.some((matches) => matches(id)) ?? false),
  }
}

/** Vendors write claude-sonnet-4.5 and claude-sonnet-4-5 for one model. */
function plain(name: string): string {
  return name.slice(0, maxNameCharacters).toLowerCase().replaceAll('.', '-')
}

function gather(shelves: Iterable<Shelf>): Map<string, Sighting[]> {
  const all = new Map<string, Sighting[]>()
  for (const shelf of shelves) {
    for (const [name, model] of shelf.names) {
      const sightings = all.get(name)
      const sighting = { provider: shelf.provider, model, allowed: shelf.allows(model.id) }
      if (sightings === undefined) all.set(name, [sighting])
      else sightings.push(sighting)
    }
  }
  return all
}

function verdict(sightings: readonly Sighting[]): Resolution {
  const open = sightings.filter((one) => one.allowed).map(({ provider, model }): ModelCandidate => ({ provider, model }))
  if (open.length === 0) return { ok: false, kind: 'model_not_allowed', nearest: [] }
  return { ok: true, candidates: open.toSorted((a, b) => a.provider.priority - b.provider.priority || dearness(a.model, b.model)) }
}

/** Which of two prices is higher, by a token in and a token out; what has no price counts as the highest. */
function dearness(a: ModelEntry, b: ModelEntry): number {
  if (a.price === undefined || b.price === undefined) return Number(a.price === undefined) - Number(b.price === undefined)
  const difference = a.price.input + a.price.output - (b.price.input + b.price.output)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

function listAll(known: ReadonlyMap<string, Resolution>, slugs: ReadonlyMap<string, Shelf>): ReadonlyMap<string, ListedModel> {
  const rows = new Map<string, ListedModel>()
  const add = (name: string, candidates: readonly ModelCandidate[]): void => {
    if (!rows.has(name)) rows.set(name, listedModel(name, candidates))
  }
  for (const shelf of slugs.values()) {
    for (const [id, model] of shelf.provider.models) {
      if (!shelf.allows(id)) continue
      const bare = model.canonical?.slice(model.canonical.indexOf('/') + 1)
      for (const name of [id, model.canonical, bare]) {
        // A name whose first part is a slug means that provider alone: listed in that form below, when it has the model.
        if (name === undefined || slugs.has(name.slice(0, Math.max(name.indexOf('/'), 0)))) continue
        const resolution = known.get(name)
        if (resolution?.ok === true) add(name, resolution.candidates)
      }
    }
  }
  for (const shelf of slugs.values()) {
    for (const [id, model] of shelf.provider.models) {
      if (!shelf.allows(id)) continue
      const only = [{ provider: shelf.provider, model }]
      add(`${shelf.provider.slug}/${id}`, only)
      add(`@${shelf.provider.slug}/${id}`, only)
    }
  }
  return rows
}

function listedModel(id: string, candidates: readonly ModelCandidate[]): ListedModel {
  const { provider, model } = candidates[0]!
  return {
    id,
    object: 'model',
    created: model.createdSeconds ?? 0,
    owned_by: model.canonical === undefined ? provider.vendor : model.canonical.slice(0, model.canonical.indexOf('/')),
    ...(model.name === undefined ? {} : { name: model.name }),
    ...(model.contextWindow === undefined ? {} : { context_window: model.contextWindow }),
    ...(model.maxOutputTokens === undefined ? {} : { max_output_tokens: model.maxOutputTokens }),
    ...(model.inputModalities === undefined ? {} : { input_modalities: model.inputModalities }),
    ...(model.outputModalities === undefined ? {} : { output_modalities: model.outputModalities }),
    ...(model.capabilities === undefined ? {} : { capabilities: model.capabilities }),
    price: model.free === true ? 'free' : model.price === undefined ? null : listedPrice(model.price),
    providers: candidates.map((candidate) => candidate.provider.slug),
  }
}

/** Rates that the base rates already say are left out. */
function listedPrice(price: Price): Readonly<Record<string, string>> {
  return {
    input_per_million_usd: formatUsdPerMillion(price.input),
    output_per_million_usd: formatUsdPerMillion(price.output),
    ...(price.cacheRead === price.input ? {} : { cache_read_per_million_usd: formatUsdPerMillion(price.cacheRead) }),
    ...(price.cacheWrite === price.input ? {} : { cache_write_5m_per_million_usd: formatUsdPerMillion(price.cacheWrite) }),
    ...(price.cacheWrite === price.input ? {} : { cache_write_1h_per_million_usd: formatUsdPerMillion(price.cacheWrite1h) }),
    ...(price.reasoning === price.output ? {} : { reasoning_per_million_usd: formatUsdPerMillion(price.reasoning) }),
    ...(price.request === 0n ? {} : { request_usd: formatPicoUsd(price.request) }),
  }
}
