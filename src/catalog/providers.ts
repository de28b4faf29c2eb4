// Declared state and environment -> providers, each complete: address, key, wires, dialect, models with prices.
import { ConfigError, didYouMean, secretInEnvironment } from '#config'
import type {
  Credential,
  Declared,
  DeclaredModel,
  DeclaredPrice,
  DeclaredProvider,
  EmbeddingEndpoint,
  Environment,
  ModelEntry,
  Provider,
  Timeouts,
} from '#config'
import { freePrice, scalePrice, type Dialect, type Price, type Wire } from '#ir'
import { nearestNames } from '#kernel'
import { isOwnKey } from '#telemetry'
import { withAccount } from './accounts.ts'
import { declaredPrice } from './declared-price.ts'
import { createGlob } from './glob.ts'
import { limitsOf } from './limit-rules.ts'
import { readModelCatalog, type ModelCatalog } from './models.ts'
import { simModels, simSlug } from './sim.ts'
import { embeddingPaths, vendorEmbeddings, type VendorEmbeddings } from './vendor-embeddings.ts'
import { genericVendor, vendors, type Vendor } from './vendors.ts'

const defaultTimeouts: Timeouts = { connectMs: 5_000, firstTokenMs: undefined, idleMs: 60_000, totalMs: 600_000 }
const defaultPriority = 100
/** Of a provider whose declaration says neither. */
export const providerDefaults = { priority: defaultPriority, timeouts: defaultTimeouts } as const
const defaultPaths = {
  'openai-chat': '/chat/completions',
  'openai-responses': '/responses',
  'anthropic-messages': '/v1/messages',
  gemini: '/models/{model}:{generateContent|streamGenerateContent?alt=sse}',
  'bedrock-converse': '/model/{model}/{converse|converse-stream}',
  'cohere-chat': '/v2/chat',
  'ollama-chat': '/api/chat',
} as const satisfies Record<Wire, string>
/** The wires that the simulator speaks. */
const simWires = ['openai-chat', 'anthropic-messages'] as const

/** What replaces a model's price, and the name under which records say so. */
export type PriceOverride = { readonly price: DeclaredPrice; readonly version: string }

export type ProviderPlan = {
  readonly slug: string
  readonly wanted: DeclaredProvider
  readonly prices?: ReadonlyMap<string, PriceOverride> | undefined
  /** What the owner of the machine wrote may be at any address. */
  readonly allowPrivateNetwork: boolean
  /** How sentences name a field of it, or all of it: `providers.work.vendor`. */
  readonly named: (field?: string) => string
  /** There are credentials, and this one or that cannot be used now: without any, it is built all the same, and skipped by every plan. */
  readonly lacksCredentials?: boolean
}

export interface ProviderBuilder {
  /** Throws `ConfigError`. */
  build(plan: ProviderPlan): Provider
  /** As turnpike.yaml declares it. Throws `ConfigError`. */
  fromFile(slug: string, wanted: DeclaredProvider, prices?: ReadonlyMap<string, PriceOverride>): Provider
  /** From a key in the environment. */
  fromEnvironment(slug: string, credential: Credential, prices?: ReadonlyMap<string, PriceOverride>): Provider
  sim(prices?: ReadonlyMap<string, PriceOverride>): Provider
}

/** Reads the catalog of models when the first provider needs it; to be dropped after a round of building. */
export function createProviderBuilder(env: Environment): ProviderBuilder {
  let catalog: ModelCatalog | undefined
  const modelsOf = (vendor: string): ReadonlyMap<string, ModelEntry> => (catalog ??= readModelCatalog()).modelsOf(vendor)
  return {
    build: (plan) => declaredProvider(plan, env, modelsOf),
    fromFile: (slug, wanted, prices) => declaredProvider(filePlan(slug, wanted, prices), env, modelsOf),
    fromEnvironment(slug, credential, prices) {
      const vendor = vendors.get(slug)!
      const baseUrl = baseUrlOf(vendor, env) ?? ''
      const context = { origin: new URL(baseUrl).origin, env, named: credential.name, setting: credential.name }
      const models = overridden(slug, servedAt(vendor, baseUrl, modelsOf(vendor.modelsOf ?? slug)), prices)
      return assemble(slug, vendor, baseUrl, [withAccount(credential, vendor.accounts, context)], { models })
    },
    sim: (prices) => simProvider(prices),
  }
}

/** The vendors whose key is in the environment, with it, in the order of the catalog. Throws `ConfigError`. */
export function keysInEnvironment(env: Environment): ReadonlyMap<string, Credential> {
  const found = new Map<string, Credential>()
  for (const vendor of vendors.values()) {
    if (baseUrlOf(vendor, env) === undefined) continue
    const credential = keyInEnvironment(vendor, vendor.registeredBy, env)
    if (credential !== undefined) found.set(vendor.id, credential)
  }
  return found
}

/**
 * The providers of an instance where nothing is stored: first the declared ones in the file's order, then one for every vendor key in the
 * environment (its credential is named after the variable), and `sim` when it is asked for or nothing else is there. A declared provider
 * replaces the environment's of the same slug, and takes the environment's key when it has the vendor's own address and declares none.
 * Throws `ConfigError`.
 */
export function buildProviders({ declared, env }: { readonly declared: Declared; readonly env: Environment }): Provider[] {
  const builder = createProviderBuilder(env)
  const providers = [...declared.providers].map(([slug, wanted]) => builder.fromFile(slug, wanted))
  for (const [slug, credential] of keysInEnvironment(env))
    if (!declared.providers.has(slug)) providers.push(builder.fromEnvironment(slug, credential))
  if (declared.sim === true || (declared.sim === undefined && providers.length === 0)) providers.push(builder.sim())
  return providers
}

/** The plan of a provider of turnpike.yaml. */
function filePlan(slug: string, wanted: DeclaredProvider, prices?: ReadonlyMap<string, PriceOverride>): ProviderPlan {
  const named = (field?: string): string => `providers.${slug}${field === undefined ? '' : `.${field}`}`
  return { slug, wanted, prices, allowPrivateNetwork: wanted.allow_private_network ?? true, named }
}

/** Where a vendor is: at its own address, or where the environment says that this account's is. */
function baseUrlOf(vendor: Vendor, env: Environment): string | undefined {
  return vendor.baseUrl ?? vendor.address?.in(env)
}

/** Where a provider is, before it is built: the vendor that its name or body means, its base URL and that one's origin. */
export function addressOf(
  slug: string,
  wanted: Pick<DeclaredProvider, 'vendor' | 'base_url'>,
  env: Environment,
): { readonly vendor: Vendor; readonly baseUrl: string | undefined; readonly origin: string | undefined } | undefined {
  const vendor = vendors.get(wanted.vendor ?? (vendors.has(slug) ? slug : genericVendor))
  if (vendor === undefined) return undefined
  const baseUrl = wanted.base_url ?? baseUrlOf(vendor, env)
  return { vendor, baseUrl, origin: baseUrl === undefined ? undefined : new URL(baseUrl).origin }
}

/** The environment's key for a provider that has the vendor's own address and no credentials; undefined when it takes none. */
export function keyFor(slug: string, wanted: Pick<DeclaredProvider, 'vendor' | 'base_url'>, env: Environment): Credential | undefined {
  const vendor = addressOf(slug, wanted, env)?.vendor
  return vendor === undefined || wanted.base_url !== undefined ? undefined : keyInEnvironment(vendor, vendor.keyVariables, env)
}

/** Paths below the base URL, by wire. */
export function wiresOf(slug: string, wanted: DeclaredProvider): ReadonlyMap<Wire, string> {
  const vendor = addressOf(slug, wanted, {})?.vendor
  return wanted.wires === undefined ? (vendor?.wires ?? new Map()) : declaredWires(wanted.wires, vendor)
}

function declaredProvider(
  { slug, wanted, prices, allowPrivateNetwork, named, lacksCredentials = false }: ProviderPlan,
  env: Environment,
  modelsOf: (vendor: string) => ReadonlyMap<string, ModelEntry>,
): Provider {
  if (slug === simSlug)
    throw new ConfigError(
      named(),
      `${named()}: the name sim belongs to the built-in simulator; write \`sim: true\` to enable it, or choose another name.`,
    )
  const address = addressOf(slug, wanted, env)
  if (address === undefined) {
    const vendorName = wanted.vendor ?? ''
    const near = didYouMean(nearestNames(vendorName, vendors.keys(), 1))
    throw new ConfigError(
      named('vendor'),
      `${named('vendor')} is ${JSON.stringify(vendorName)}, which is not a vendor this version knows.${near} For any other server leave it out and give base_url.`,
    )
  }
  const { vendor, baseUrl } = address
  if (baseUrl === undefined)
    throw new ConfigError(
      named('base_url'),
      vendor.baseUrlForm === undefined
        ? `${named()} has neither a known vendor nor a base_url; give one of them.`
        : `${named()} needs a base_url: every account of ${vendor.name} has its own, ${vendor.baseUrlForm}.${addressHint(vendor)}`,
    )
  const { origin } = new URL(baseUrl)
  const own = (wanted.credentials ?? []).map(({ name, value }, index): Credential => {
    const at = `${named('credentials')}[${index}]`
    const credential = { name: name ?? `credential-${index + 1}`, secret: value ?? '' }
    return withAccount(credential, vendor.accounts, { origin, env, named: at, setting: at })
  })
  const found = own.length === 0 && !lacksCredentials ? keyFor(slug, wanted, env) : undefined
  const credentials =
    found === undefined ? own : [withAccount(found, vendor.accounts, { origin, env, named: found.name, setting: found.name })]
  if (credentials.length === 0 && wanted.base_url === undefined && vendor.local !== true && !lacksCredentials) {
    const variable = vendor.keyVariables[0]
    throw new ConfigError(
      named('credentials'),
      `${named()} has no key: give it credentials${variable === undefined ? '' : `, or set ${variable} in the environment`}.`,
    )
  }
  const models = declaredModels(named, vendor.id, wanted, servedAt(vendor, baseUrl, modelsOf(vendor.modelsOf ?? vendor.id)))
  return assemble(slug, vendor, baseUrl, credentials, {
    models: overridden(slug, models, prices),
    allowPrivateNetwork,
    lacksCredentials,
    ...(wanted.wires === undefined ? {} : { wires: declaredWires(wanted.wires, vendor) }),
    isPathExact: wanted.wires !== undefined && !Array.isArray(wanted.wires),
    ...(wanted.embeddings === undefined ? {} : { embeddings: declaredEmbeddings(wanted.embeddings) }),
    ...(wanted.headers === undefined ? {} : { headers: wanted.headers }),
    ...(wanted.models?.allow === undefined ? {} : { allow: wanted.models.allow }),
    ...(wanted.models?.deny === undefined ? {} : { deny: wanted.models.deny }),
    ...(wanted.priority === undefined ? {} : { priority: wanted.priority }),
    ...(wanted.timeouts === undefined ? {} : { timeouts: declaredTimeouts(wanted.timeouts) }),
    ...(wanted.dialect === undefined ? {} : { dialect: declaredDialect(wanted.dialect) }),
    limits: limitsOf(wanted),
  })
}

/** The catalog's own Map where all of them are served: see `declaredModels`. */
function servedAt({ servesAt }: Vendor, baseUrl: string, models: ReadonlyMap<string, ModelEntry>): ReadonlyMap<string, ModelEntry> {
  if (servesAt === undefined) return models
  const { hostname } = new URL(baseUrl)
  return new Map([...models].filter(([id]) => servesAt(hostname, id)))
}

/** The models with their stored prices, which count as they are: no multiplier changes them. */
function overridden(
  slug: string,
  models: ReadonlyMap<string, ModelEntry>,
  prices: ReadonlyMap<string, PriceOverride> | undefined,
): ReadonlyMap<string, ModelEntry> {
  if (prices === undefined || prices.size === 0) return models
  const all = new Map(models)
  for (const [id, { price, version }] of prices) {
    const { price: _, free: __, ...entry } = all.get(id) ?? { id }
    all.set(id, { ...entry, ...modelPrice(`${version} ${slug}/${id}`, price) })
  }
  return all
}

type Particulars = {
  readonly models: ReadonlyMap<string, ModelEntry>
  readonly wires?: ReadonlyMap<Wire, string>
  /** The paths are as somebody wrote them for this base URL. */
  readonly isPathExact?: boolean
  readonly embeddings?: VendorEmbeddings
  readonly headers?: Readonly<Record<string, string>>
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
  readonly priority?: number
  readonly timeouts?: Timeouts
  readonly dialect?: Dialect
  readonly limits?: Pick<Provider, 'budgets' | 'rateLimits'>
  readonly allowPrivateNetwork?: boolean
  readonly lacksCredentials?: boolean
}

function assemble(slug: string, vendor: Vendor, baseUrl: string, credentials: readonly Credential[], own: Particulars): Provider {
  const url = new URL(baseUrl)
  const written = url.pathname.replace(/\/+$/, '')
  const wires = own.wires ?? vendor.wires
  const base = own.isPathExact === true ? written : above(written, wires)
  const endpoints = new Map([...wires].map(([wire, path]) => [wire, below(base, path)]))
  const onlyMessages = !wires.has('openai-chat')
  const headers = new Map(Object.entries(vendor.headers))
  for (const [name, value] of Object.entries(own.headers ?? {})) headers.set(name.toLowerCase(), value)
  const dialect: Dialect = Object.freeze({ ...vendor.dialect, ...own.dialect })
  const embeddings = embeddingEndpoint(base, vendor.id, dialect, own, wires.get('openai-chat'))
  const auth = vendor.id === genericVendor && onlyMessages ? 'x-api-key' : vendor.auth
  return Object.freeze({
    slug,
    vendor: vendor.id,
    origin: url.origin,
    endpoints,
    ...(vendor.wireModels === undefined ? {} : { wireModels: wireModels(vendor.wireModels) }),
    auth: credentials.length === 0 && own.lacksCredentials !== true ? 'none' : auth,
    ...(vendor.wireAuth === undefined ? {} : { wireAuth: vendor.wireAuth }),
    credentials,
    headers: Object.freeze(Object.fromEntries(headers)),
    ...(embeddings === undefined ? {} : { embeddings }),
    dialect,
    ...(vendor.sealDomain === undefined ? {} : { sealDomain: vendor.sealDomain }),
    ...(vendor.wireSealDomains === undefined ? {} : { wireSealDomains: vendor.wireSealDomains }),
    models: own.models,
    ...(own.allow === undefined ? {} : { allow: own.allow }),
    ...(own.deny === undefined ? {} : { deny: own.deny }),
    ...own.limits,
    priority: own.priority ?? defaultPriority,
    timeouts: own.timeouts ?? defaultTimeouts,
    allowPrivateNetwork: own.allowPrivateNetwork ?? false,
    simulated: false,
  })
}

/** Where it is declared, where the vendor has it, or beside the chat endpoint: servers of OpenAI's wire have both. */
function embeddingEndpoint(base: string, vendor: string, dialect: Dialect, own: Particulars, chat = ''): EmbeddingEndpoint | undefined {
  const known = vendorEmbeddings.get(vendor)
  const theirs = own.isPathExact === true && known?.path !== undefined ? undefined : known
  const beside = chat.replace(/\/chat\/completions(?=$|\?)/, '/embeddings')
  const { form, path = beside } = own.embeddings ?? theirs ?? inOpenaiForm
  if (path === chat) return undefined
  const { strip = [], ...flags } = (theirs?.form === form ? theirs.dialect : undefined) ?? {}
  return {
    form,
    path: below(base, path),
    dialect: Object.freeze({ ...dialect, ...flags, strip: [...new Set([...(dialect.strip ?? []), ...strip])] }),
  }
}

const inOpenaiForm: VendorEmbeddings = { form: 'openai' }

/** Each `../` leaves a segment of the base. Anthropic's path begins with /v1; below an address that already ends in it (a server of both wires), once is enough. */
function below(base: string, path: string): string {
  if (path.startsWith('../')) {
    const rest = path.slice(3)
    return below(base.slice(0, Math.max(base.lastIndexOf('/'), 0)), rest.startsWith('../') ? rest : `/${rest}`)
  }
  return path.startsWith('/v1/') && base.endsWith('/v1') ? base + path.slice(3) : base + path
}

/** The base that all of a vendor's paths are below, from one that ends where the SDK of one of its wires has it end. */
function above(base: string, wires: ReadonlyMap<Wire, string>): string {
  const ends = [...wires]
    .flatMap(([wire, path]) => (path.endsWith(defaultPaths[wire]) ? [path.slice(0, -defaultPaths[wire].length)] : []))
    .filter((end) => end.startsWith('/') && base.endsWith(end))
    .sort((a, b) => b.length - a.length)
  return base.slice(0, base.length - (ends[0] ?? '').length)
}

function wireModels(patterns: NonNullable<Vendor['wireModels']>): NonNullable<Provider['wireModels']> {
  return new Map(
    [...patterns].map(([wire, globs]) => {
      const [no, yes] = [true, false].map((negative) => globs.filter((glob) => glob.startsWith('!') === negative)) as [string[], string[]]
      const excluded = no.map((glob) => createGlob(glob.slice(1)))
      const included = yes.map(createGlob)
      return [
        wire,
        (model: string) =>
          !excluded.some((matches) => matches(model)) && (included.length === 0 || included.some((matches) => matches(model))),
      ]
    }),
  )
}

/** What a message says of the variables in which a vendor's address may be. */
function addressHint({ address }: Vendor): string {
  return address === undefined ? '' : ` Or set ${address.variables.join(' and ')} in the environment.`
}

/** The first of the variables that is set. A gateway key is a client's, and no vendor is shown it. */
function keyInEnvironment(vendor: Vendor, variables: readonly string[], env: Environment): Credential | undefined {
  for (const variable of variables) {
    const { secret, trouble } = secretInEnvironment(env, variable)
    if (trouble !== undefined) throw new ConfigError(variable, `${variable} ${trouble}; set it again, as ${vendor.name} gives it out.`)
    if (secret !== undefined && !isOwnKey(secret)) return { name: variable, secret }
  }
  return undefined
}

function declaredModels(
  named: ProviderPlan['named'],
  vendor: string,
  wanted: DeclaredProvider,
  known: ReadonlyMap<string, ModelEntry>,
): ReadonlyMap<string, ModelEntry> {
  const { allow, custom: customs } = wanted.models ?? {}
  // The catalog's own Map, when nothing changes it: whoever indexes models knows it again.
  if (
    wanted.price_multiplier === undefined &&
    (customs ?? []).length === 0 &&
    (allow ?? []).every((id) => id.includes('*') || known.has(id))
  )
    return known
  const models = new Map(known)
  // Exact names in an allow-list say that the provider serves them, known to the catalog or not.
  for (const id of allow ?? []) if (!id.includes('*') && !models.has(id)) models.set(id, { id })
  for (const custom of customs ?? []) models.set(custom.id, { ...models.get(custom.id), ...customEntry(named, vendor, custom) })
  const multiplier = wanted.price_multiplier
  if (multiplier === undefined) return models
  return new Map(
    [...models].map(([id, entry]) => [
      id,
      entry.price === undefined || entry.free === true ? entry : { ...entry, ...priced(scalePrice(entry.price, multiplier)) },
    ]),
  )
}

function customEntry(named: ProviderPlan['named'], vendor: string, custom: DeclaredModel): ModelEntry {
  return {
    id: custom.id,
    ...(custom.name === undefined ? {} : { name: custom.name }),
    ...(custom.context_window === undefined ? {} : { contextWindow: custom.context_window }),
    ...(custom.max_output_tokens === undefined ? {} : { maxOutputTokens: custom.max_output_tokens }),
    ...(custom.capabilities === undefined ? {} : { capabilities: custom.capabilities }),
    ...(custom.price === undefined ? {} : modelPrice(`${named('models.custom')} ${vendor}/${custom.id}`, custom.price)),
  }
}

/** `version` is what records name it by. */
function modelPrice(version: string, price: DeclaredPrice): Pick<ModelEntry, 'price' | 'free'> {
  if (price === 'free') return { price: freePrice, free: true }
  return { ...priced(declaredPrice(version, price)), free: false }
}

function priced(price: Price | undefined): { readonly price?: Price } {
  return price === undefined ? {} : { price }
}

function declaredWires(wires: NonNullable<DeclaredProvider['wires']>, vendor: Vendor | undefined): ReadonlyMap<Wire, string> {
  if (Array.isArray(wires)) return new Map(wires.map((wire) => [wire, vendor?.wires.get(wire) ?? defaultPaths[wire]]))
  return new Map(Object.entries(wires).filter((entry): entry is [Wire, string] => entry[1] !== undefined))
}

function declaredEmbeddings({ form, path = embeddingPaths[form] }: NonNullable<DeclaredProvider['embeddings']>): VendorEmbeddings {
  return { form, path }
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

function simProvider(prices?: ReadonlyMap<string, PriceOverride>): Provider {
  return Object.freeze({
    slug: simSlug,
    vendor: simSlug,
    origin: 'sim://built-in',
    endpoints: new Map<Wire, string>(simWires.map((wire) => [wire, defaultPaths[wire]])),
    embeddings: { form: 'openai' as const, path: embeddingPaths.openai, dialect: Object.freeze({}) },
    auth: 'none',
    credentials: [],
    headers: Object.freeze({}),
    dialect: Object.freeze({}),
    models: overridden(simSlug, simModels(), prices),
    priority: defaultPriority,
    timeouts: defaultTimeouts,
    allowPrivateNetwork: false,
    simulated: true,
  })
}
