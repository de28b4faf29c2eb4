// Declared state and environment -> providers, each complete: address, key, wires, dialect, models with prices.
import { ConfigError, didYouMean, hashKey } from '#config'
import type {
  Credential,
  Declared,
  DeclaredModel,
  DeclaredProvider,
  Environment,
  GatewayKey,
  ModelEntry,
  Provider,
  Snapshot,
  Timeouts,
} from '#config'
import { freePrice, priceOf, scalePrice, type Dialect, type Price, type Wire } from '#ir'
import { nearestNames } from '#kernel'
import { createHash } from 'node:crypto'
import { readModelCatalog, type ModelCatalog } from './models.ts'
import { simModels, simSlug } from './sim.ts'
import { genericVendor, vendors, type Vendor } from './vendors.ts'

const defaultTimeouts: Timeouts = { connectMs: 5_000, firstTokenMs: undefined, idleMs: 60_000, totalMs: 600_000 }
const defaultPriority = 100
const defaultPaths = { 'openai-chat': '/chat/completions', 'anthropic-messages': '/v1/messages' } as const satisfies Record<Wire, string>

/**
 * The providers of this instance: first the declared ones in the file's order, then one for every vendor key in the environment (its
 * credential is named after the variable), and `sim` when it is asked for or nothing else is there. A declared provider replaces the
 * environment's of the same slug, and takes the environment's key when it has the vendor's own address and declares none. Throws
 * `ConfigError`.
 */
export function buildProviders({ declared, env }: { readonly declared: Declared; readonly env: Environment }): Provider[] {
  let catalog: ModelCatalog | undefined
  const modelsOf = (vendor: string): ReadonlyMap<string, ModelEntry> => (catalog ??= readModelCatalog()).modelsOf(vendor)
  const providers = [...declared.providers].map(([slug, wanted]) => declaredProvider(slug, wanted, env, modelsOf))
  const taken = new Set(declared.providers.keys())
  for (const vendor of vendors.values()) {
    const credential = taken.has(vendor.id) ? undefined : keyInEnvironment(vendor, env)
    if (credential !== undefined && vendor.baseUrl !== undefined) {
      providers.push(assemble(vendor.id, vendor, vendor.baseUrl, [credential], { models: modelsOf(vendor.id) }))
    }
  }
  if (declared.sim === true || (declared.sim === undefined && providers.length === 0)) providers.push(simProvider())
  return providers
}

/** The snapshot of an instance. Keys of the file and of the home are equal; one that is in both is the file's. */
export function buildSnapshot(from: {
  readonly version: number
  readonly declared: Declared
  readonly homeKeys: readonly GatewayKey[]
  readonly providers: readonly Provider[]
}): Snapshot {
  const keys = new Map<string, GatewayKey>(from.homeKeys.map((key) => [key.hash, key]))
  for (const declared of from.declared.keys) {
    const hash = declared.hash ?? hashKey(declared.value ?? '')
    keys.set(hash, {
      // From the name, so that a key that is replaced under its name keeps its history.
      id: `key_${createHash('sha256').update(declared.name).digest('base64url').slice(0, 12)}`,
      name: declared.name,
      hash,
      streamUsage: declared.stream_usage ?? 'always',
      ...(declared.client === undefined ? {} : { client: declared.client }),
    })
  }
  const bySlug = new Map(from.providers.map((provider) => [provider.slug, provider]))
  return Object.freeze({ version: from.version, keys, providers: bySlug, aliases: new Map<string, string>() })
}

function declaredProvider(
  slug: string,
  wanted: DeclaredProvider,
  env: Environment,
  modelsOf: (vendor: string) => ReadonlyMap<string, ModelEntry>,
): Provider {
  const where = `providers.${slug}`
  if (slug === simSlug)
    throw new ConfigError(
      where,
      `${where}: the name sim belongs to the built-in simulator; write \`sim: true\` to enable it, or choose another name.`,
    )
  const named = wanted.vendor ?? (vendors.has(slug) ? slug : genericVendor)
  const vendor = vendors.get(named)
  if (vendor === undefined) {
    const near = didYouMean(nearestNames(named, vendors.keys(), 1))
    throw new ConfigError(
      `${where}.vendor`,
      `${where}.vendor is ${JSON.stringify(named)}, which is not a vendor this version knows.${near} For any other server leave it out and give base_url.`,
    )
  }
  const baseUrl = wanted.base_url ?? vendor.baseUrl
  if (baseUrl === undefined) throw new ConfigError(where, `${where} has neither a known vendor nor a base_url; give one of them.`)
  const own = (wanted.credentials ?? []).map(({ name, value }, index): Credential => ({
    name: name ?? `credential-${index + 1}`,
    secret: value ?? '',
  }))
  const found = own.length === 0 && wanted.base_url === undefined ? keyInEnvironment(vendor, env) : undefined
  const credentials = found === undefined ? own : [found]
  if (credentials.length === 0 && wanted.base_url === undefined) {
    throw new ConfigError(
      `${where}.credentials`,
      `${where} has no key: give it credentials, or set ${vendor.keyVariables[0]} in the environment.`,
    )
  }
  return assemble(slug, vendor, baseUrl, credentials, {
    models: declaredModels(where, vendor.id, wanted, modelsOf(vendor.id)),
    // Whoever writes the file owns the machine.
    allowPrivateNetwork: true,
    ...(wanted.wires === undefined ? {} : { wires: declaredWires(wanted.wires) }),
    ...(wanted.headers === undefined ? {} : { headers: wanted.headers }),
    ...(wanted.models?.allow === undefined ? {} : { allow: wanted.models.allow }),
    ...(wanted.models?.deny === undefined ? {} : { deny: wanted.models.deny }),
    ...(wanted.priority === undefined ? {} : { priority: wanted.priority }),
    ...(wanted.timeouts === undefined ? {} : { timeouts: declaredTimeouts(wanted.timeouts) }),
    ...(wanted.dialect === undefined ? {} : { dialect: declaredDialect(wanted.dialect) }),
  })
}

type Particulars = {
  readonly models: ReadonlyMap<string, ModelEntry>
  readonly wires?: ReadonlyMap<Wire, string>
  readonly headers?: Readonly<Record<string, string>>
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
  readonly priority?: number
  readonly timeouts?: Timeouts
  readonly dialect?: Dialect
  readonly allowPrivateNetwork?: boolean
}

function assemble(slug: string, vendor: Vendor, baseUrl: string, credentials: readonly Credential[], own: Particulars): Provider {
  const url = new URL(baseUrl)
  const base = url.pathname.replace(/\/+$/, '')
  const wires = own.wires ?? vendor.wires
  const endpoints = new Map([...wires].map(([wire, path]) => [wire, below(base, path)]))
  const onlyMessages = !wires.has('openai-chat')
  const headers = new Map(Object.entries(vendor.headers))
  if (wires.has('anthropic-messages')) headers.set('anthropic-version', '2023-06-01')
  for (const [name, value] of Object.entries(own.headers ?? {})) headers.set(name.toLowerCase(), value)
  const auth = vendor.id === genericVendor && onlyMessages ? 'x-api-key' : vendor.auth
  return Object.freeze({
    slug,
    vendor: vendor.id,
    origin: url.origin,
    endpoints,
    auth: credentials.length === 0 ? 'none' : auth,
    credentials,
    headers: Object.freeze(Object.fromEntries(headers)),
    dialect: Object.freeze({ ...vendor.dialect, ...own.dialect }),
    ...(vendor.sealDomain === undefined ? {} : { sealDomain: vendor.sealDomain }),
    models: own.models,
    ...(own.allow === undefined ? {} : { allow: own.allow }),
    ...(own.deny === undefined ? {} : { deny: own.deny }),
    priority: own.priority ?? defaultPriority,
    timeouts: own.timeouts ?? defaultTimeouts,
    allowPrivateNetwork: own.allowPrivateNetwork ?? false,
    simulated: false,
  })
}

/** Anthropic's path begins with /v1; below an address that already ends in it (a server of both wires), once is enough. */
function below(base: string, path: string): string {
  return path.startsWith('/v1/') && base.endsWith('/v1') ? base + path.slice(3) : base + path
}

/** The first variable of the vendor that is set. */
function keyInEnvironment(vendor: Vendor, env: Environment): Credential | undefined {
  for (const variable of vendor.keyVariables) {
    const secret = env[variable]?.trim()
    if (secret === undefined || secret === '') continue
    if (/\s/.test(secret))
      throw new ConfigError(variable, `${variable} contains white space, which no ${vendor.name} key does; set it again, in one piece.`)
    return { name: variable, secret }
  }
  return undefined
}

function declaredModels(
  where: string,
  vendor: string,
  wanted: DeclaredProvider,
  known: ReadonlyMap<string, ModelEntry>,
): ReadonlyMap<string, ModelEntry> {
  const models = new Map(known)
  // Exact names in an allow-list say that the provider serves them, known to the catalog or not.
  for (const id of wanted.models?.allow ?? []) if (!id.includes('*') && !models.has(id)) models.set(id, { id })
  for (const custom of wanted.models?.custom ?? [])
    models.set(custom.id, { ...models.get(custom.id), ...customEntry(where, vendor, custom) })
  const multiplier = wanted.price_multiplier
  if (multiplier === undefined) return models
  return new Map(
    [...models].map(([id, entry]) => [
      id,
      entry.price === undefined || entry.free === true ? entry : { ...entry, ...priced(scalePrice(entry.price, multiplier)) },
    ]),
  )
}

function customEntry(where: string, vendor: string, custom: DeclaredModel): ModelEntry {
  const { price } = custom
  return {
    id: custom.id,
    ...(custom.name === undefined ? {} : { name: custom.name }),
    ...(custom.context_window === undefined ? {} : { contextWindow: custom.context_window }),
    ...(custom.max_output_tokens === undefined ? {} : { maxOutputTokens: custom.max_output_tokens }),
    ...(custom.capabilities === undefined ? {} : { capabilities: custom.capabilities }),
    ...(price === undefined
      ? {}
      : price === 'free'
        ? { price: freePrice, free: true }
        : {
            ...priced(
              priceOf(`${where}.models.custom ${vendor}/${custom.id}`, {
                input: price.input_per_million_usd,
                output: price.output_per_million_usd,
                cacheRead: price.cache_read_per_million_usd,
                cacheWrite: price.cache_write_5m_per_million_usd,
                cacheWrite1h: price.cache_write_1h_per_million_usd,
                reasoning: price.reasoning_per_million_usd,
                inputAudio: price.input_audio_per_million_usd,
                outputAudio: price.output_audio_per_million_usd,
                request: price.request_usd,
              }),
            ),
            free: false,
          }),
  }
}

function priced(price: Price | undefined): { readonly price?: Price } {
  return price === undefined ? {} : { price }
}

function declaredWires(wires: NonNullable<DeclaredProvider['wires']>): ReadonlyMap<Wire, string> {
  if (Array.isArray(wires)) return new Map(wires.map((wire) => [wire, defaultPaths[wire]]))
  return new Map(Object.entries(wires).filter((entry): entry is [Wire, string] => entry[1] !== undefined))
}

function declaredTimeouts(timeouts: NonNullable<DeclaredProvider['timeouts']>): Timeouts {
  return {
    connectMs: timeouts.connect_ms ?? defaultTimeouts.connectMs,
    firstTokenMs: timeouts.first_token_ms,
    idleMs: timeouts.idle_ms ?? defaultTimeouts.idleMs,
    totalMs: timeouts.request_timeout ?? defaultTimeouts.totalMs,
  }
}

function declaredDialect(dialect: NonNullable<DeclaredProvider['dialect']>): Dialect {
  return {
    ...(dialect.max_tokens_field === undefined ? {} : { maxTokensField: dialect.max_tokens_field }),
    ...(dialect.developer_role === undefined ? {} : { developerRole: dialect.developer_role }),
    ...(dialect.stream_options === undefined ? {} : { streamOptions: dialect.stream_options }),
    ...(dialect.cache_control === undefined ? {} : { cacheControl: dialect.cache_control }),
    ...(dialect.reasoning_field === undefined ? {} : { reasoningField: dialect.reasoning_field }),
    ...(dialect.reasoning_effort === undefined ? {} : { reasoningEffort: dialect.reasoning_effort }),
    ...(dialect.json_schema === undefined ? {} : { jsonSchema: dialect.json_schema }),
    ...(dialect.completion_excludes_reasoning === undefined ? {} : { completionExcludesReasoning: dialect.completion_excludes_reasoning }),
    ...(dialect.strip === undefined ? {} : { strip: dialect.strip }),
  }
}

function simProvider(): Provider {
  return Object.freeze({
    slug: simSlug,
    vendor: simSlug,
    origin: 'sim://built-in',
    endpoints: new Map<Wire, string>(Object.entries(defaultPaths) as [Wire, string][]),
    auth: 'none',
    credentials: [],
    headers: Object.freeze({}),
    dialect: Object.freeze({}),
    models: simModels(),
    priority: defaultPriority,
    timeouts: defaultTimeouts,
    allowPrivateNetwork: false,
    simulated: true,
  })
}
