// What is stored, by name, as the control plane holds it: each write makes a new one out of the old.
import type {
  ControlChange,
  ControlState,
  StoredAlias,
  StoredConfig,
  StoredKey,
  StoredOwner,
  StoredPrice,
  StoredProvider,
  StoredSetting,
} from '#store'

export type Stored = {
  readonly providers: ReadonlyMap<string, StoredProvider>
  /** Slugs of the environment's providers that were deleted. */
  readonly dismissed: ReadonlySet<string>
  readonly keys: ReadonlyMap<string, StoredKey>
  readonly aliases: ReadonlyMap<string, StoredAlias>
  /** By slug, each in its latest version. */
  readonly configs: ReadonlyMap<string, StoredConfig>
  /** The latest number of each slug, those that were removed included. */
  readonly configNumbers: ReadonlyMap<string, number>
  /** By `priceName`. */
  readonly prices: ReadonlyMap<string, StoredPrice>
  /** Users and teams, by id. */
  readonly owners: ReadonlyMap<string, StoredOwner>
  readonly settings: ReadonlyMap<string, StoredSetting>
}

export function storedOf(state: ControlState): Stored {
  return {
    providers: new Map(state.providers.map((one) => [one.slug, one])),
    dismissed: new Set(state.dismissed),
    keys: new Map(state.keys.map((one) => [one.id, one])),
    aliases: new Map(state.aliases.map((one) => [one.name, one])),
    configs: new Map(state.configs.map((one) => [one.slug, one])),
    configNumbers: state.configNumbers,
    prices: new Map(state.prices.map((one) => [priceName(one.provider, one.model), one])),
    owners: new Map(state.owners.map((one) => [one.id, one])),
    settings: new Map(state.settings.map((one) => [one.name, one])),
  }
}

export function priceName(provider: string, model: string): string {
  return `${provider} ${model}`
}

/** What the store will hold after these changes. */
export function changed(stored: Stored, changes: readonly ControlChange[]): Stored {
  const next = {
    providers: new Map(stored.providers),
    dismissed: new Set(stored.dismissed),
    keys: new Map(stored.keys),
    aliases: new Map(stored.aliases),
    configs: new Map(stored.configs),
    configNumbers: new Map(stored.configNumbers),
    prices: new Map(stored.prices),
    owners: new Map(stored.owners),
    settings: new Map(stored.settings),
  }
  for (const change of changes) apply(next, change)
  return next
}

type Draft = { -readonly [Table in keyof Stored]: Stored[Table] extends ReadonlyMap<string, infer Row> ? Map<string, Row> : Set<string> }

function apply(draft: Draft, change: ControlChange): void {
  if ('put' in change) {
    switch (change.put) {
      case 'provider':
        draft.providers.set(change.provider.slug, change.provider)
        return
      case 'dismissed':
        draft.dismissed.add(change.slug)
        return
      case 'key':
        draft.keys.set(change.key.id, change.key)
        return
      case 'alias':
        draft.aliases.set(change.alias.name, change.alias)
        return
      case 'config':
        draft.configs.set(change.config.slug, change.config)
        draft.configNumbers.set(change.config.slug, change.config.version)
        return
      case 'price':
        draft.prices.set(priceName(change.price.provider, change.price.model), change.price)
        return
      case 'owner':
        draft.owners.set(change.owner.id, change.owner)
        return
      case 'setting':
        draft.settings.set(change.setting.name, change.setting)
        return
      case 'note':
      case 'answer':
        return
      default:
        return change satisfies never
    }
  }
  switch (change.remove) {
    case 'provider':
      draft.providers.delete(change.slug)
      return
    case 'dismissed':
      draft.dismissed.delete(change.slug)
      return
    case 'key':
      draft.keys.delete(change.id)
      return
    case 'alias':
      draft.aliases.delete(change.name)
      return
    case 'config':
      draft.configs.delete(change.slug)
      return
    case 'price':
      draft.prices.delete(priceName(change.provider, change.model))
      return
    case 'owner':
      draft.owners.delete(change.id)
      return
    case 'setting':
      draft.settings.delete(change.name)
      return
    default:
      change satisfies never
  }
}
