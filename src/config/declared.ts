// What turnpike.yaml declares: providers, gateway keys, custom models, the simulator, settings. Field names are the admin API's.
import { nearestNames } from '#kernel'
import { parseNanoUsd } from '#ir'
import { z } from 'zod'
import { ConfigError, didYouMean } from './config-error.ts'
import type { Environment } from './environment.ts'
import { readYamlFile, type YamlFile } from './yaml-file.ts'

const slugPattern = /^[a-z0-9][a-z0-9._-]{0,62}$/
const slug = z
  .string()
  .regex(
    slugPattern,
    'is not a slug: lower-case letters, digits, dots, dashes and underscores, at most 63, beginning with a letter or digit',
  )
const label = z.string().min(1, 'is empty').max(128, 'has more than 128 characters')
const secret = z.string().min(1, 'is empty').regex(/^\S+$/, 'contains white space')
const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is not the name of an environment variable')
const count = z.int('is not a whole number').min(1, 'is less than 1')
/** USD as decimal text; a plain YAML number is taken by its shortest decimal form. */
const amount = z
  .union([z.string(), z.number()])
  .transform(String)
  .refine((text) => parseNanoUsd(text) !== undefined, 'is not a decimal number of at least 0, such as "0.15"')
const milliseconds = z.int('is not a whole number of milliseconds').min(1, 'is less than 1 ms').max(86_400_000, 'is more than a day')
const url = z
  .string()
  .refine(isBaseUrl, 'is not an http or https address without a user, query or fragment, such as https://api.example.com/v1')
const wire = z.enum(['openai-chat', 'anthropic-messages'])
const path = z.string().regex(/^\/[^\s?#]*$/, 'is not a path below base_url, such as /chat/completions')
const patterns = z.array(z.string().min(1, 'is empty'))

const oneSecret = (value: { value?: string | undefined; env?: string | undefined }): boolean =>
  (value.value === undefined) !== (value.env === undefined)

const credential = z
  .strictObject({ name: label.optional(), value: secret.optional(), env: variable.optional() })
  .refine(oneSecret, 'needs either `value` or `env`')

const price = z.union([
  z.literal('free'),
  z
    .strictObject({
      input_per_million_usd: amount,
      output_per_million_usd: amount,
      cache_read_per_million_usd: amount.optional(),
      cache_write_5m_per_million_usd: amount.optional(),
      cache_write_1h_per_million_usd: amount.optional(),
      reasoning_per_million_usd: amount.optional(),
      input_audio_per_million_usd: amount.optional(),
      output_audio_per_million_usd: amount.optional(),
      request_usd: amount.optional(),
    })
    .refine(
      (rates) => [rates.input_per_million_usd, rates.output_per_million_usd, rates.request_usd ?? '0'].some((rate) => Number(rate) > 0),
      'is 0 throughout; write `price: free` if that is meant',
    ),
])

const customModel = z.strictObject({
  id: label,
  name: label.optional(),
  context_window: count.optional(),
  max_output_tokens: count.optional(),
  capabilities: z.array(label).optional(),
  price: price.optional(),
})

const dialect = z.strictObject({
  max_tokens_field: z.enum(['max_tokens', 'max_completion_tokens']).optional(),
  developer_role: z.boolean().optional(),
  stream_options: z.boolean().optional(),
  cache_control: z.boolean().optional(),
  reasoning_field: z.enum(['none', 'reasoning_content', 'reasoning']).optional(),
  reasoning_effort: z.boolean().optional(),
  json_schema: z.boolean().optional(),
  completion_excludes_reasoning: z.boolean().optional(),
  strip: z.array(label).optional(),
})

const provider = z.strictObject({
  vendor: slug.optional(),
  base_url: url.optional(),
  credentials: z.array(credential).optional(),
  wires: z.union([z.array(wire).min(1, 'is empty'), z.partialRecord(wire, path)]).optional(),
  headers: z
    .record(
      z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'is not a header name'),
      z.string().regex(/^[\t\u0020-\u007e]*$/, 'is not a header value'),
    )
    .optional(),
  models: z.strictObject({ allow: patterns.optional(), deny: patterns.optional(), custom: z.array(customModel).optional() }).optional(),
  priority: z.int('is not a whole number').min(0, 'is less than 0').max(1_000_000, 'is more than 1000000').optional(),
  price_multiplier: amount.optional(),
  timeouts: z
    .strictObject({
      connect_ms: milliseconds.optional(),
      first_token_ms: milliseconds.optional(),
      idle_ms: milliseconds.optional(),
      request_timeout: milliseconds.optional(),
    })
    .optional(),
  dialect: dialect.optional(),
})

const gatewayKey = z
  .strictObject({
    name: label,
    value: secret.min(16, 'has fewer than 16 characters: too easy to guess').optional(),
    env: variable.optional(),
    hash: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 in 64 lower-case hex digits')
      .optional(),
    stream_usage: z.enum(['always', 'on_request']).optional(),
    client: z.enum(['openclaw']).optional(),
  })
  .refine(
    (key) => [key.value, key.env, key.hash].filter((one) => one !== undefined).length === 1,
    'needs exactly one of `value`, `env` and `hash`',
  )

const scalar = z.union([z.string(), z.number()])
const settings = z.strictObject({
  host: scalar.optional(),
  port: scalar.optional(),
  public_url: scalar.optional(),
  admin_token: z.string().optional(),
  logging: scalar.optional(),
  retention_days: scalar.optional(),
  log_max_bytes: scalar.optional(),
  log_level: scalar.optional(),
})

const file = z.strictObject({
  providers: z.record(slug, provider).optional(),
  keys: z.array(gatewayKey).optional(),
  sim: z.boolean().optional(),
  settings: settings.optional(),
})

export type DeclaredPrice = z.infer<typeof price>
export type DeclaredModel = z.infer<typeof customModel>
export type DeclaredProvider = z.infer<typeof provider>
export type DeclaredKey = z.infer<typeof gatewayKey>
/** As written in the file, by the names of `Settings`; `readSettings` checks them. */
export type DeclaredSettings = {
  readonly host?: string | number
  readonly port?: string | number
  readonly publicUrl?: string | number
  readonly adminToken?: string
  readonly logging?: string | number
  readonly retentionDays?: string | number
  readonly logMaxBytes?: string | number
  readonly logLevel?: string | number
}

export type Declared = {
  /** By slug, in the file's order. Every `env` has been replaced by its `value`, named after the variable. */
  readonly providers: ReadonlyMap<string, DeclaredProvider>
  readonly keys: readonly DeclaredKey[]
  /** undefined: only when nothing else is configured. */
  readonly sim: boolean | undefined
  readonly settings: DeclaredSettings
  /** Things that are allowed and probably not meant, each a sentence. */
  readonly hints: readonly string[]
}

export const nothingDeclared: Declared = Object.freeze({ providers: new Map(), keys: [], sim: undefined, settings: {}, hints: [] })

/**
 * Reads and checks the declared state. Throws `ConfigError`: one sentence with the file's line, the path in it, the offending value
 * (unless it may be secret) and the nearest known key.
 */
export function readDeclared(fileName: string, env: Environment): Declared {
  const yaml = readYamlFile(fileName, env)
  if (yaml.value === null || yaml.value === undefined) return nothingDeclared
  const parsed = file.safeParse(yaml.value)
  if (!parsed.success) throw explain(parsed.error.issues[0]!, yaml)
  const { data } = parsed
  const hints: string[] = []
  const providers = new Map<string, DeclaredProvider>()
  for (const [name, declared] of Object.entries(data.providers ?? {})) {
    const credentials = declared.credentials?.map((one, index) => {
      const where = ['providers', name, 'credentials', index]
      return { name: one.name ?? one.env ?? `credential-${index + 1}`, value: one.value ?? fromEnvironment(one.env!, env, yaml, where) }
    })
    refuseTwice(credentials?.map((one) => one.name) ?? [], yaml, ['providers', name, 'credentials'], 'name')
    refuseTwice(declared.models?.custom?.map((one) => one.id) ?? [], yaml, ['providers', name, 'models', 'custom'], 'id')
    const hint = baseUrlHint(name, declared)
    if (hint !== undefined) hints.push(`${yaml.locate(['providers', name, 'base_url'])}: ${hint}`)
    providers.set(name, { ...declared, ...(credentials === undefined ? {} : { credentials }) })
  }
  const keys = (data.keys ?? []).map((key, index) => {
    if (key.env === undefined) return key
    const value = fromEnvironment(key.env, env, yaml, ['keys', index])
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
  const written = data.settings ?? {}
  return Object.freeze({ providers, keys, sim: data.sim, settings: camelKeys(written), hints })
}

function fromEnvironment(name: string, env: Environment, yaml: YamlFile, where: readonly PropertyKey[]): string {
  const value = env[name]
  const at = `${yaml.locate([...where, 'env'])}: ${dotted(where)}.env`
  if (value === undefined || value === '')
    throw new ConfigError(dotted(where), `${at} names ${name}, which is not set in the environment; set it or remove the entry.`)
  if (/\s/.test(value)) throw new ConfigError(dotted(where), `${at} names ${name}, whose value contains white space; set it without.`)
  return value
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

/** OpenAI-like addresses nearly always end in a version; Anthropic's never do. Right or not, the provider decides, so it is a hint. */
function baseUrlHint(name: string, declared: DeclaredProvider): string | undefined {
  if (declared.base_url === undefined) return undefined
  const anthropic = declared.vendor === 'anthropic' || (declared.vendor === undefined && name === 'anthropic')
  const { pathname } = new URL(declared.base_url)
  if (!anthropic && declared.wires === undefined && pathname === '/') {
    return `providers.${name}.base_url has no path; OpenAI-like addresses usually end in /v1, since /chat/completions is appended to it.`
  }
  if (anthropic && /\/v1\/?$/.test(pathname))
    return `providers.${name}.base_url ends in /v1; for Anthropic's wire it ends before it, since /v1/messages is appended to it.`
  return undefined
}

function isBaseUrl(text: string): boolean {
  const parsed = URL.parse(text)
  return (
    parsed !== null &&
    (parsed.protocol === 'http:' || parsed.protocol === 'https:') &&
    parsed.username === '' &&
    parsed.password === '' &&
    parsed.search === '' &&
    parsed.hash === ''
  )
}

type Issue = z.core.$ZodIssue

/** One sentence for the first thing that is wrong. */
function explain(issue: Issue, yaml: YamlFile): ConfigError {
  const { path: where } = issue
  const at = (deeper: readonly PropertyKey[] = where): string => `${yaml.locate(deeper)}: ${dotted(deeper) || 'the file'}`
  if (issue.code !== 'unrecognized_keys' && valueAt(yaml.written, where) === undefined)
    return new ConfigError(dotted(where), `${at()} is missing.`)
  switch (issue.code) {
    case 'unrecognized_keys': {
      const key = issue.keys[0]!
      const full = [...where, key]
      const near = didYouMean(nearestNames(key, knownKeys(where), 1))
      return new ConfigError(dotted(full), `${at(full)} is not known here.${near || ` Known: ${knownKeys(where).join(', ')}.`}`)
    }
    case 'invalid_union': {
      // The alternative that came furthest says most: the one whose first issue lies deepest.
      const alternatives = issue.errors.flatMap((list) => list.slice(0, 1)).toSorted((a, b) => b.path.length - a.path.length)
      const best = alternatives.find((one) => one.path.length > 0 || one.code === 'unrecognized_keys')
      if (best !== undefined) return explain({ ...best, path: [...where, ...best.path] }, yaml)
      return new ConfigError(dotted(where), `${at()} is ${shown(where, yaml)}, which is not ${expectedAt(where)}.`)
    }
    case 'invalid_type':
      return new ConfigError(dotted(where), `${at()} is ${shown(where, yaml)}, which is not ${article(issue.expected)}.`)
    case 'invalid_value':
      return new ConfigError(dotted(where), `${at()} is ${shown(where, yaml)}, which is not ${oneOf(issue.values)}.`)
    case 'invalid_key': {
      const inner = issue.issues[0]?.message ?? 'is not allowed'
      const near = didYouMean(nearestNames(String(where.at(-1)), knownKeys(where.slice(0, -1)), 1))
      return new ConfigError(dotted(where), `${at()}: the key ${JSON.stringify(String(where.at(-1)))} ${inner}.${near}`)
    }
    case 'custom':
    case 'invalid_element':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'too_big':
    case 'too_small':
      return new ConfigError(dotted(where), `${at()} is ${shown(where, yaml)}: it ${issue.message}.`)
  }
}

/** Keys of a schema whose values are secrets, or may hold one. */
const secretKeys = new Set(['value', 'admin_token', 'headers', 'hash', 'credentials', 'base_url', 'public_url'])

function shown(where: readonly PropertyKey[], yaml: YamlFile): string {
  const value = valueAt(yaml.written, where)
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  if (where.some((part) => typeof part === 'string' && secretKeys.has(part))) return 'set to something'
  return JSON.stringify(typeof value === 'string' ? value.slice(0, 200) : value)
}

function expectedAt(where: readonly PropertyKey[]): string {
  const field = where.at(-1)
  if (field === 'price') return '"free" or a mapping with input_per_million_usd and output_per_million_usd'
  return field === 'wires' ? 'a list of wires (openai-chat, anthropic-messages) or a mapping of wires to paths' : 'text or a number'
}

function article(expected: string): string {
  const words = new Map([
    ['object', 'a mapping'],
    ['record', 'a mapping'],
    ['array', 'a list'],
    ['string', 'text (quote it if it looks like a number)'],
    ['boolean', 'true or false'],
    ['int', 'a whole number'],
    ['number', 'a number'],
  ])
  return words.get(expected) ?? expected
}

function oneOf(values: readonly unknown[]): string {
  const texts = values.map(String)
  return texts.length === 1 ? JSON.stringify(texts[0]) : `one of ${texts.join(', ')}`
}

/** The keys that the schema knows at a path; [] where keys are free. */
function knownKeys(where: readonly PropertyKey[]): string[] {
  let schemas: z.core.$ZodType[] = [file]
  for (const part of where) schemas = schemas.flatMap((schema) => below(schema, part))
  return [...new Set(schemas.flatMap(unwrap).flatMap((schema) => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : [])))]
}

function below(schema: z.core.$ZodType, part: PropertyKey): z.core.$ZodType[] {
  return unwrap(schema).flatMap((one) => {
    if (one instanceof z.ZodObject) {
      const next = new Map<PropertyKey, z.core.$ZodType>(Object.entries(one.shape)).get(part)
      return next === undefined ? [] : [next]
    }
    if (one instanceof z.ZodRecord) return [one.valueType]
    return one instanceof z.ZodArray ? [one.element] : []
  })
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType[] {
  if (schema instanceof z.ZodOptional) return unwrap(schema.unwrap())
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(unwrap)
  return [schema]
}

function valueAt(value: unknown, where: readonly PropertyKey[]): unknown {
  let at = value
  for (const part of where) {
    if (typeof at !== 'object' || at === null) return undefined
    at = Object.getOwnPropertyDescriptor(at, part)?.value
  }
  return at
}

/** `providers.openai.credentials[0].env` */
function dotted(where: readonly PropertyKey[]): string {
  return where.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`),
    '',
  )
}

function camelKeys(written: z.infer<typeof settings>): DeclaredSettings {
  const entries = Object.entries(written).filter(([, value]) => value !== undefined)
  return Object.fromEntries(
    entries.map(([key, value]) => [key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), value]),
  )
}
