// What turnpike.yaml declares: providers, gateway keys, custom models, routing configs, the simulator, settings.
import { isObject } from '#kernel'
import type { DeclaredAlerts } from './alert-schema.ts'
import { ConfigError } from './config-error.ts'
import { declaredConfigs, type DeclaredConfig } from './declared-configs.ts'
import { dotted, explain } from './declared-errors.ts'
import { fileSchema, type DeclaredFile, type DeclaredKey, type DeclaredProvider } from './declared-schema.ts'
import type { Environment } from './environment.ts'
import type { DeclaredBudget } from './limit-schema.ts'
import { secretInEnvironment } from './secrets.ts'
import { readYamlFile, type YamlFile } from './yaml-file.ts'

/** As written in the file, by the names of `Settings`; `readSettings` checks them. */
export type DeclaredSettings = {
  readonly host?: string | number
  readonly port?: string | number
  readonly publicUrl?: string | number
  readonly adminToken?: string
  readonly logging?: string | number
  readonly retentionDays?: string | number
  readonly logMaxBytes?: string | number
  readonly cacheMaxBytes?: string | number
  readonly logLevel?: string | number
  readonly timeZone?: string | number
}

export type Declared = {
  /** By slug, in the file's order. Every `env` has been replaced by its `value`, named after the variable. */
  readonly providers: ReadonlyMap<string, DeclaredProvider>
  readonly keys: readonly DeclaredKey[]
  /** From an alias to the model it stands for. */
  readonly aliases: ReadonlyMap<string, string>
  /** By slug, in the file's order. */
  readonly configs: ReadonlyMap<string, DeclaredConfig>
  /** Routing configs that its keys name and it doesn't declare: they must be stored. `where`: `turnpike.yaml, line 4: keys[0].config`. */
  readonly storedConfigs: readonly { readonly slug: string; readonly where: string }[]
  /** undefined: only when nothing else is configured. */
  readonly sim: boolean | undefined
  /** Of the whole instance; undefined: the stored ones count. */
  readonly budgets: readonly DeclaredBudget[] | undefined
  /** undefined: the stored ones count. */
  readonly alerts: DeclaredAlerts | undefined
  readonly settings: DeclaredSettings
  /** Things that are allowed and probably not meant, each a sentence. */
  readonly hints: readonly string[]
}

export const nothingDeclared: Declared = Object.freeze({
  providers: new Map(),
  keys: [],
  aliases: new Map(),
  configs: new Map(),
  storedConfigs: [],
  sim: undefined,
  budgets: undefined,
  alerts: undefined,
  settings: {},
  hints: [],
})

/**
 * Reads and checks the declared state. Throws `ConfigError`: one sentence with the file's line, the path in it, the offending value
 * (unless it may be secret) and the nearest known key.
 */
export function readDeclared(fileName: string, env: Environment): Declared {
  const yaml = readYamlFile(fileName, env)
  if (yaml.value === null || yaml.value === undefined) return nothingDeclared
  const parsed = fileSchema.safeParse(yaml.value)
  if (!parsed.success) throw explain(parsed.error.issues[0]!, yaml)
  const { data } = parsed
  const hints: string[] = []
  const providers = new Map<string, DeclaredProvider>()
  for (const [name, declared] of Object.entries(data.providers ?? {})) {
    const credentials = declared.credentials?.map((one, index) => {
      const where = ['providers', name, 'credentials', index]
      return {
        name: one.name ?? one.env ?? `credential-${index + 1}`,
        value: one.value ?? credentialFromEnvironment(one.env!, env, yaml, where),
      }
    })
    refuseTwice(credentials?.map((one) => one.name) ?? [], yaml, ['providers', name, 'credentials'], 'name')
    refuseTwice(declared.models?.custom?.map((one) => one.id) ?? [], yaml, ['providers', name, 'models', 'custom'], 'id')
    const hint = baseUrlHint(name, declared)
    if (hint !== undefined) hints.push(`${yaml.locate(['providers', name, 'base_url'])}: ${hint}`)
    providers.set(name, { ...declared, ...(credentials === undefined ? {} : { credentials }) })
  }
  const keys = (data.keys ?? []).map((key, index) => {
    if (key.env === undefined) return key
    const value = keyFromEnvironment(key.env, env, yaml, ['keys', index])
    if (value.length < 16)
      throw new ConfigError(
        `keys[${index}]`,
        `${yaml.locate(['keys', index])}: the gateway key in ${key.env} has fewer than 16 characters; make it longer.`,
      )
    const { env: _, ...rest } = key
    return { ...rest, value }
  })
  refuseTwice(
    keys.map((key) => key.name),
    yaml,
    ['keys'],
    'name',
  )
  refuseTwice(
    keys.map((key) => key.value ?? key.hash ?? ''),
    yaml,
    ['keys'],
    undefined,
  )
  const aliases = new Map(Object.entries(data.aliases ?? {}))
  for (const [alias, model] of aliases) refuseAlias(alias, model, aliases, providers, yaml)
  const configs = declaredConfigs(data.configs ?? {}, writtenOf(yaml, 'configs'), yaml)
  const storedConfigs = keys.flatMap(({ config: slug }, index) => {
    const where = ['keys', index, 'config']
    return slug === undefined || configs.has(slug) ? [] : [{ slug, where: `${yaml.locate(where)}: ${dotted(where)}` }]
  })
  const written = data.settings ?? {}
  return Object.freeze({
    providers,
    keys,
    aliases,
    configs,
    storedConfigs,
    sim: data.sim,
    budgets: data.budgets,
    alerts: data.alerts,
    settings: camelKeys(written),
    hints,
  })
}

/** The settings alone, for those who only look for a gateway: what else the file says may need an environment that the gateway alone has. */
export function readDeclaredSettings(fileName: string, env: Environment): DeclaredSettings {
  const yaml = readYamlFile(fileName, env, 'settings')
  const written = isObject(yaml.value) ? yaml.value['settings'] : undefined
  const parsed = fileSchema.safeParse(written === undefined ? {} : { settings: written })
  if (!parsed.success) throw explain(parsed.error.issues[0]!, yaml)
  return camelKeys(parsed.data.settings ?? {})
}

/** A part of the file as it was before variables were filled in. */
function writtenOf({ written }: YamlFile, part: string): Readonly<Record<string, unknown>> {
  const found = isObject(written) ? written[part] : undefined
  return isObject(found) ? found : {}
}

function credentialFromEnvironment(name: string, env: Environment, yaml: YamlFile, where: readonly PropertyKey[]): string {
  const { secret, trouble } = secretInEnvironment(env, name)
  if (trouble !== undefined)
    throw new ConfigError(
      dotted(where),
      `${yaml.locate([...where, 'env'])}: ${dotted(where)}.env names ${name}, which ${trouble}; correct it.`,
    )
  return secret ?? missing(name, yaml, where)
}

function keyFromEnvironment(name: string, env: Environment, yaml: YamlFile, where: readonly PropertyKey[]): string {
  const value = env[name]
  if (value === undefined || value === '') return missing(name, yaml, where)
  const at = `${yaml.locate([...where, 'env'])}: ${dotted(where)}.env`
  if (/\s/.test(value)) throw new ConfigError(dotted(where), `${at} names ${name}, whose value contains white space; set it without.`)
  return value
}

function missing(name: string, yaml: YamlFile, where: readonly PropertyKey[]): never {
  const at = `${yaml.locate([...where, 'env'])}: ${dotted(where)}.env`
  throw new ConfigError(dotted(where), `${at} names ${name}, which is not set in the environment; set it or remove the entry.`)
}

/** What an alias may not be: see `aliasFault`. Whether its model is served is known only when the environment has been looked at. */
function refuseAlias(
  alias: string,
  model: string,
  aliases: ReadonlyMap<string, string>,
  slugs: ReadonlyMap<string, unknown>,
  yaml: YamlFile,
): void {
  const fault = aliasFault(alias, model, { aliases, slugs })
  if (fault !== undefined) throw new ConfigError(`aliases.${alias}`, `${yaml.locate(['aliases', alias])}: aliases.${alias} ${fault}`)
}

/** Why a name cannot be an alias of a model, as the rest of a sentence; undefined when it can. */
export function aliasFault(
  alias: string,
  model: string,
  known: { readonly aliases: ReadonlyMap<string, string>; readonly slugs: { has(slug: string): boolean } },
): string | undefined {
  if (alias.startsWith('@')) return 'begins with @, which always names a provider; choose another name.'
  if (alias === model) return 'stands for itself; name the model that it stands for.'
  if (alias.length > 128) return 'has more than 128 characters; choose a shorter name.'
  const slug = alias.slice(0, Math.max(0, alias.indexOf('/')))
  if (slug !== '' && known.slugs.has(slug))
    return `begins with the provider ${slug}, so ${JSON.stringify(alias)} already means a model there; choose another name.`
  const next = known.aliases.get(model)
  if (next !== undefined) return `stands for ${model}, which is an alias itself; name its model, ${next}.`
  return undefined
}

/** Two of the same are ambiguous. `field` undefined: the values are secrets and not shown. */
function refuseTwice(values: readonly string[], yaml: YamlFile, where: readonly PropertyKey[], field: string | undefined): void {
  const seen = new Map<string, number>()
  for (const [index, value] of values.entries()) {
    const first = seen.get(value)
    if (first !== undefined) {
      const what = field === undefined ? 'hold the same key' : `have the same ${field} ${JSON.stringify(value)}`
      throw new ConfigError(
        dotted([...where, index]),
        `${yaml.locate([...where, index])}: ${dotted([...where, first])} and ${dotted([...where, index])} ${what}; change or remove one.`,
      )
    }
    seen.set(value, index)
  }
}

/** Vendors whose own addresses have no path. */
const withoutPath: ReadonlySet<string> = new Set([
  'azure',
  'azure-deployments',
  'bedrock',
  'cohere',
  'deepseek',
  'gemini',
  'ollama',
  'perplexity',
])

/** OpenAI-like addresses nearly always end in a version; Anthropic's never do. Right or not, the provider decides, so it is a hint. */
function baseUrlHint(name: string, declared: DeclaredProvider): string | undefined {
  if (declared.base_url === undefined) return undefined
  const anthropic = declared.vendor === 'anthropic' || (declared.vendor === undefined && name === 'anthropic')
  const { pathname } = new URL(declared.base_url)
  if (!anthropic && declared.wires === undefined && pathname === '/' && !withoutPath.has(declared.vendor ?? name)) {
    return `providers.${name}.base_url has no path; OpenAI-like addresses usually end in /v1, since /chat/completions is appended to it.`
  }
  if (anthropic && /\/v1\/?$/.test(pathname))
    return `providers.${name}.base_url ends in /v1; for Anthropic's wire it ends before it, since /v1/messages is appended to it.`
  return undefined
}

function camelKeys(written: NonNullable<DeclaredFile['settings']>): DeclaredSettings {
  const entries = Object.entries(written).filter(([, value]) => value !== undefined)
  return Object.fromEntries(
    entries.map(([key, value]) => [key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), value]),
  )
}
