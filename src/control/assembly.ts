// From what is declared, stored and in the environment to the snapshot: the file's comes first, then the store's, then the environment's.
import {
  addressOf,
  buildSnapshot,
  createProviderBuilder,
  keyFor,
  keysInEnvironment,
  type PriceOverride,
  type ProviderBuilder,
} from '#catalog'
import {
  ConfigError,
  secretInEnvironment,
  type Credential,
  type Declared,
  type DeclaredConfig,
  type DeclaredProvider,
  type Environment,
  type GatewayKey,
  type Provider,
  type ProviderBody,
  type DeclaredBudget,
  type Snapshot,
} from '#config'
import type { StoredConfig, StoredCredential, StoredPrice, StoredProvider } from '#store'
import { lastFour, timeText } from './bodies.ts'
import { configuredConfig, type ConfiguredConfig } from './config-document.ts'
import { gatewayKeysOf } from './key-document.ts'
import { ownerBodies } from './owner-document.ts'
import type { CredentialView, Origin } from './port.ts'
import type { Stored } from './state.ts'
import type { Vault } from './vault.ts'

/** A stored provider's document. Secrets are in its credentials; headers may hold some, so they are sealed. */
export type ProviderDocument = {
  readonly body: Omit<ProviderBody, 'credentials' | 'headers'>
  /** The one that its secrets were given for. */
  readonly origin: string
  readonly headers?: string
}

export type ConfiguredProvider = {
  readonly slug: string
  readonly origin: Origin
  readonly wanted: DeclaredProvider
  /** undefined: it cannot be built any more; `trouble` says why. */
  readonly provider: Provider | undefined
  readonly trouble: string | undefined
  readonly credentials: readonly CredentialView[]
  readonly updatedAt: string | null
}

export type Configured = {
  readonly snapshot: Snapshot
  /** By slug, those of the snapshot and those that cannot be built. */
  readonly providers: ReadonlyMap<string, ConfiguredProvider>
  /** By slug, those of the snapshot and those that cannot be used. */
  readonly configs: ReadonlyMap<string, ConfiguredConfig>
}

export type Assembler = {
  /**
   * `timeZone`: the one that counts. `strict`: the slug of a provider that must be complete: then what is missing throws a
   * `ConfigError`.
   */
  assemble(from: { readonly declared: Declared; readonly stored: Stored; readonly timeZone: string }, strict?: string): Configured
}

export type AssemblerDeps = {
  readonly env: Environment
  readonly vault: Vault
}

export function placeOfCredential(slug: string, origin: string, name: string): readonly string[] {
  return ['credential', slug, origin, name]
}

export function placeOfHeaders(slug: string, origin: string): readonly string[] {
  return ['headers', slug, origin]
}

type Prices = ReadonlyMap<string, PriceOverride>
/** What a provider was made of: the same things make the same provider. */
type Made = { readonly from: readonly unknown[]; readonly made: ConfiguredProvider }

export function createAssembler({ env, vault }: AssemblerDeps): Assembler {
  const environmentKeys = keysInEnvironment(env)
  let remembered = new Map<string, Made>()
  const readConfigs = new WeakMap<StoredConfig, ConfiguredConfig>()
  let last: Snapshot | undefined
  let version = 0

  function assemble({ declared, stored, timeZone }: Parameters<Assembler['assemble']>[0], strict?: string): Configured {
    const builder = createProviderBuilder(env)
    const pricesOf = groupPrices(stored.prices.values())
    const made = new Map<string, Made>()
    const make = (slug: string, source: unknown, build: (prices: Prices) => ConfiguredProvider): void => {
      const rows = pricesOf.get(slug) ?? []
      const from = [source, ...rows]
      const known = remembered.get(slug)
      const same = slug !== strict && known?.from.length === from.length && from.every((one, index) => one === known.from[index])
      made.set(slug, same ? known : { from, made: build(overrides(rows)) })
    }

    for (const [slug, wanted] of declared.providers)
      make(slug, wanted, (prices) => declaredProvider(builder.fromFile(slug, wanted, prices), wanted))
    for (const row of sorted(stored.providers.values(), ({ slug }) => slug))
      if (!made.has(row.slug)) make(row.slug, row, (prices) => storedProvider(builder, row, prices, strict === row.slug))
    for (const [slug, credential] of environmentKeys)
      if (!made.has(slug) && !stored.dismissed.has(slug))
        make(slug, credential, (prices) => environmentProvider(builder.fromEnvironment(slug, credential, prices), credential))
    const wantsSim = declared.sim ?? stored.settings.get('sim')?.value
    if (wantsSim === true || (wantsSim !== false && made.size === 0)) make('sim', 'sim', (prices) => builtIn(builder.sim(prices)))

    const configs = configsOf(declared, stored)
    const providers = new Map([...made].map(([slug, one]) => [slug, one.made]))
    const snapshot = share(
      buildSnapshot({
        version: version + 1,
        declared,
        storedKeys: storedKeys(stored),
        storedAliases: new Map(sorted(stored.aliases.values(), ({ name }) => name).map(({ name, model }) => [name, model])),
        providers: [...providers.values()].flatMap(({ provider }) => provider ?? []),
        configs: present(configs, ({ config }) => config),
        brokenConfigs: present(configs, ({ trouble }) => trouble),
        users: ownerBodies(stored.owners.values(), 'user'),
        teams: ownerBodies(stored.owners.values(), 'team'),
        budgets: instanceBudgets(declared, stored),
        timeZone,
      }),
      last,
    )
    version++
    remembered = made
    last = snapshot
    return { snapshot, providers, configs }
  }

  /** The file's, then the stored ones; each is read once. */
  function configsOf(declared: Declared, stored: Stored): Map<string, ConfiguredConfig> {
    const configs = new Map([...declared.configs].map(([slug, one]) => [slug, declaredConfig(slug, one)]))
    for (const row of sorted(stored.configs.values(), ({ slug }) => slug)) {
      if (configs.has(row.slug)) continue
      const read = readConfigs.get(row) ?? configuredConfig(vault, row)
      readConfigs.set(row, read)
      configs.set(row.slug, read)
    }
    return configs
  }

  function storedProvider(builder: ProviderBuilder, row: StoredProvider, prices: Prices, strict: boolean): ConfiguredProvider {
    const { slug } = row
    const document = row.document as ProviderDocument
    const { vendor, origin } = addressOf(slug, document.body, env) ?? {}
    const opened = row.credentials.map((credential) => openCredential(slug, document.origin, origin, credential))
    const usable = opened.flatMap(({ view, secret }) => (secret === undefined ? [] : [{ name: view.name, value: secret }]))
    const headers = openHeaders(slug, document, origin)
    const wanted: DeclaredProvider = { ...document.body, credentials: usable, ...(headers === undefined ? {} : { headers }) }
    const isBare = row.credentials.length === 0 && document.body.base_url === undefined
    const taken = isBare ? keyFor(slug, document.body, env) : undefined
    const isKeyless = isBare && taken === undefined && vendor?.local !== true
    const about = {
      slug,
      origin: 'stored' as const,
      wanted,
      credentials: taken === undefined ? opened.map(({ view }) => view) : [environmentView(taken)],
      updatedAt: timeText(row.updatedAtMs),
    }
    try {
      const provider = builder.build({
        slug,
        wanted,
        prices,
        allowPrivateNetwork: mayBePrivate(slug, document.body),
        named: (field) => field ?? 'The provider',
        lacksCredentials: (row.credentials.length > 0 && usable.length === 0) || (isKeyless && !strict),
      })
      return { ...about, provider, trouble: undefined }
    } catch (error) {
      if (strict || !(error instanceof ConfigError)) throw error
      return { ...about, provider: undefined, trouble: error.message }
    }
  }

  function openCredential(
    slug: string,
    storedFor: string,
    origin: string | undefined,
    { name, env: variable, sealed, last4 }: StoredCredential,
  ): { readonly view: CredentialView; readonly secret: string | undefined } {
    if (variable !== null) {
      const { secret, trouble: fault } = secretInEnvironment(env, variable)
      const view = { name, source: 'env' as const, env: variable, last4: secret === undefined ? null : lastFour(secret) }
      if (secret !== undefined) return { view, secret }
      const trouble =
        fault === undefined
          ? `${variable} is not set in the environment of this process. Set it where Turnpike is started (a service doesn't see a shell's variables), and start it again.`
          : `${variable} ${fault}. Correct it, and start Turnpike again.`
      return { view: { ...view, trouble }, secret: undefined }
    }
    const secret = origin === storedFor ? vault.open(sealed ?? '', placeOfCredential(slug, storedFor, name)) : undefined
    const view = { name, source: 'value' as const, last4 }
    if (secret !== undefined) return { view, secret }
    const trouble =
      origin !== storedFor
        ? `It was stored for ${storedFor}, and this version of Turnpike knows the provider at another address. Send its value again.`
        : vault.fits(sealed ?? '')
          ? 'What is stored of it is damaged. Send its value again.'
          : vault.hasKey
            ? 'It was stored with another master key. Start Turnpike with that key, or send its value again.'
            : 'The master key that it was stored with is missing. Start Turnpike with that key, or remove the provider and add it again.'
    return { view: { ...view, trouble }, secret: undefined }
  }

  function openHeaders(slug: string, document: ProviderDocument, origin: string | undefined): Record<string, string> | undefined {
    if (document.headers === undefined || origin !== document.origin) return undefined
    const text = vault.open(document.headers, placeOfHeaders(slug, document.origin))
    return text === undefined ? undefined : (JSON.parse(text) as Record<string, string>)
  }

  return { assemble }
}

/** What was not said: a server of one's own at its usual address is in one's own network. */
export function mayBePrivate(slug: string, body: ProviderDocument['body']): boolean {
  return body.allow_private_network ?? (body.base_url === undefined && addressOf(slug, body, {})?.vendor.local === true)
}

function declaredConfig(slug: string, { config, document }: DeclaredConfig): ConfiguredConfig {
  const unversioned = { version: null, comment: null, updatedAt: null, updatedBy: null, trouble: undefined }
  return { slug, origin: 'file', config, document, ...unversioned }
}

function declaredProvider(provider: Provider, wanted: DeclaredProvider): ConfiguredProvider {
  const isTaken = (wanted.credentials ?? []).length === 0
  const credentials = provider.credentials.map(isTaken ? environmentView : valueView)
  return { slug: provider.slug, origin: 'file', wanted, provider, trouble: undefined, credentials, updatedAt: null }
}

function environmentProvider(provider: Provider, credential: Credential): ConfiguredProvider {
  const credentials = [environmentView(credential)]
  return { slug: provider.slug, origin: 'environment', wanted: {}, provider, trouble: undefined, credentials, updatedAt: null }
}

function builtIn(provider: Provider): ConfiguredProvider {
  return { slug: provider.slug, origin: 'built-in', wanted: {}, provider, trouble: undefined, credentials: [], updatedAt: null }
}

/** Named after its variable. */
function environmentView({ name, secret }: Credential): CredentialView {
  return { name, source: 'env', env: name, last4: lastFour(secret) }
}

function valueView({ name, secret }: Credential): CredentialView {
  return { name, source: 'value', last4: lastFour(secret) }
}

function groupPrices(rows: Iterable<StoredPrice>): Map<string, StoredPrice[]> {
  return Map.groupBy(
    sorted(rows, ({ model }) => model),
    ({ provider }) => provider,
  )
}

function overrides(rows: readonly StoredPrice[]): Prices {
  return new Map(
    rows.map(({ model, price, updatedAtMs }) => [
      model,
      { price: price as PriceOverride['price'], version: `override ${new Date(updatedAtMs).toISOString()}` },
    ]),
  )
}

/** Of the whole instance: the file's, where it has any, else the stored ones. */
export function instanceBudgets(declared: Declared, stored: Stored): readonly DeclaredBudget[] {
  return declared.budgets ?? (stored.settings.get('budgets')?.value as readonly DeclaredBudget[] | undefined) ?? []
}

function storedKeys(stored: Stored): GatewayKey[] {
  return [...stored.keys.values()].flatMap(gatewayKeysOf)
}

/** By code units: the same order whatever the order in which they were written. */
function sorted<T>(rows: Iterable<T>, name: (row: T) => string): T[] {
  return [...rows].sort((a, b) => (name(a) < name(b) ? -1 : name(a) > name(b) ? 1 : 0))
}

/** What entries have, under their names; without those that have it not. */
function present<Entry, Part>(entries: ReadonlyMap<string, Entry>, part: (entry: Entry) => Part | undefined): Map<string, Part> {
  const found = new Map<string, Part>()
  for (const [name, entry] of entries) {
    const value = part(entry)
    if (value !== undefined) found.set(name, value)
  }
  return found
}

/** Maps that a change has not touched stay the same ones, so that what was made from them stays good. */
function share(snapshot: Snapshot, before: Snapshot | undefined): Snapshot {
  if (before === undefined) return snapshot
  return Object.freeze({
    ...snapshot,
    providers: sameEntries(snapshot.providers, before.providers) ? before.providers : snapshot.providers,
    aliases: sameEntries(snapshot.aliases, before.aliases) ? before.aliases : snapshot.aliases,
    configs: sameEntries(snapshot.configs, before.configs) ? before.configs : snapshot.configs,
  })
}

function sameEntries<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>): boolean {
  if (a.size !== b.size) return false
  const others = b.entries()
  for (const [name, value] of a) {
    const [otherName, other] = others.next().value!
    if (name !== otherName || value !== other) return false
  }
  return true
}
