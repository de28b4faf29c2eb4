// What one provider serves, by every name its models answer to. Names are indexed once for each set of models, however many snapshots share it.
import type { ModelEntry, Provider } from '#config'
import { createGlob } from './glob.ts'

export type ModelCandidate = { readonly provider: Provider; readonly model: ModelEntry }

export const maxNameCharacters = 256

/** Vendors write claude-sonnet-4.5 and claude-sonnet-4-5 for one model, and Qwen3 and qwen3. */
export function plainName(name: string): string {
  return name.slice(0, maxNameCharacters).toLowerCase().replaceAll('.', '-')
}

/** `gpt-4.1` of `openai/gpt-4.1`. */
export function bareName(canonical: string): string {
  return canonical.slice(canonical.indexOf('/') + 1)
}

export type Shelf = {
  readonly provider: Provider
  /** By its own id, its canonical or bare name, in any spelling; `plain` is the name's plain form, where it is asked of many. */
  find(name: string, plain?: string): ModelEntry | undefined
  /** What the provider's allow- and deny-list say. */
  allows(id: string): boolean
}

export function createShelf(provider: Provider): Shelf {
  let names: ReadonlyMap<string, ModelEntry> | undefined
  const allow = provider.allow?.map(createGlob)
  const deny = provider.deny?.map(createGlob)
  return {
    provider,
    find(name, plain = plainName(name)) {
      names ??= namesOf(provider.models)
      return names.get(name) ?? (plain === name ? undefined : names.get(plain))
    },
    allows: (id) => (allow === undefined || allow.some((matches) => matches(id))) && !(deny?.some((matches) => matches(id)) ?? false),
  }
}

const indexed = new WeakMap<ReadonlyMap<string, ModelEntry>, ReadonlyMap<string, ModelEntry>>()

function namesOf(models: ReadonlyMap<string, ModelEntry>): ReadonlyMap<string, ModelEntry> {
  const known = indexed.get(models)
  if (known !== undefined) return known
  const names = new Map<string, ModelEntry>()
  const add = (name: string, model: ModelEntry): void => {
    if (!names.has(name)) names.set(name, model)
  }
  // A provider's own ids come first, then shared names, then other spellings. Two ids of one canonical name are one model in two
  // deployments (`x`, `x-fp8`), and the data has them in this order: the first one keeps the shared name.
  for (const [id, model] of models) names.set(id, model)
  for (const model of models.values()) {
    if (model.canonical === undefined) continue
    add(model.canonical, model)
    add(bareName(model.canonical), model)
  }
  for (const [id, model] of models) {
    add(plainName(id), model)
    if (model.canonical === undefined) continue
    add(plainName(model.canonical), model)
    add(plainName(bareName(model.canonical)), model)
  }
  indexed.set(models, names)
  return names
}
