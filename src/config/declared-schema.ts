// The shapes of turnpike.yaml and of the admin API's bodies, which are one: same fields, same bounds; unknown fields are errors.
import { embeddingFormNames, parseNanoUsd, wireNames } from '#ir'
import { z } from 'zod'
import { alerts, alertsBody } from './alert-schema.ts'
import { budgets, instanceBudgets, rateLimits } from './limit-schema.ts'
import { price } from './price-schema.ts'
import { list, metadata, patterns, text } from './schema-words.ts'
import { maxSecretCharacters, secretFault } from './secrets.ts'

const maxEntries = 1000
const maxModels = 10_000
/** Of anything that has no closer bound: an address, a header, a secret. */
const maxCharacters = 4096

const slugPattern = /^[a-z0-9][a-z0-9._-]{0,62}$/
const slug = z
  .string()
  .regex(
    slugPattern,
    'is not a slug: lower-case letters, digits, dots, dashes and underscores, at most 63, beginning with a letter or digit',
  )
const label = text(128)
  .min(1, 'is empty')
  .regex(/^[^\p{Cc}]*$/u, 'contains a control character')
const modelName = text(256)
  .min(1, 'is empty')
  .regex(/^[^\s\p{Cc}]+$/u, 'contains white space or a control character')
const secret = text(maxCharacters)
  .min(1, 'is empty')
  .regex(/^[!-~]+$/, 'contains white space or characters that no header can carry')
/** What a provider is called with: a key, or the JSON of an account. */
const providerSecret = text(maxSecretCharacters)
  .min(1, 'is empty')
  .superRefine((written, issues) => {
    const fault = secretFault(written)
    if (fault !== undefined) issues.addIssue(fault)
  })
const variable = text(256).regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is not the name of an environment variable')
const count = z.int('is not a whole number').min(1, 'is less than 1')
/** USD as decimal text; a plain YAML number is taken by its shortest decimal form. */
const amount = z
  .union([text(64), z.number()])
  .transform(String)
  .refine((written) => parseNanoUsd(written) !== undefined, 'is not a decimal number of at least 0, such as "0.15"')
const milliseconds = z.int('is not a whole number of milliseconds').min(1, 'is less than 1 ms').max(86_400_000, 'is more than a day')
const url = text(maxCharacters).refine(
  isBaseUrl,
  'is not an http or https address without a user, query or fragment, such as https://api.example.com/v1',
)
const wire = z.enum(wireNames)
const path = text(1024).regex(/^(?:\/|(?:\.\.\/)+)[^\s#]*$/, 'is not a path below base_url, such as /chat/completions')

const credentialFields = { name: label.optional(), value: providerSecret.optional(), env: variable.optional() }
const credential = z
  .strictObject(credentialFields)
  .refine((one) => (one.value === undefined) !== (one.env === undefined), 'needs either `value` or `env`')
/** Where a secret may be stored already: its name alone keeps it. */
const keptCredential = z
  .strictObject(credentialFields)
  .refine((one) => one.value === undefined || one.env === undefined, 'has both `value` and `env`, and takes either one or the other')
  .refine(
    (one) => one.value !== undefined || one.env !== undefined || one.name !== undefined,
    'needs `value` or `env`, or the `name` of a credential whose stored value stays',
  )

const customModel = z.strictObject({
  id: modelName,
  name: label.optional(),
  context_window: count.optional(),
  max_output_tokens: count.optional(),
  capabilities: list(label, 100).optional(),
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
  strip: list(label, maxEntries).optional(),
})

const connectionHeaders: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
const headers = z
  .record(
    text(256)
      .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'is not a header name')
      .refine((name) => !connectionHeaders.has(name.toLowerCase()), 'is a header of the connection, which the gateway writes itself'),
    text(maxCharacters).regex(/^[\t\u0020-\u007e]*$/, 'is not a header value'),
  )
  .refine((all) => Object.keys(all).length <= 100, 'has more than 100 entries')
  .refine(
    (all) => new Set(Object.keys(all).map((name) => name.toLowerCase())).size === Object.keys(all).length,
    'has one header twice (upper and lower case are the same)',
  )

const provider = z.strictObject({
  vendor: slug.optional(),
  base_url: url.optional(),
  credentials: list(credential, 100).optional(),
  wires: z
    .union([
      list(wire, 10)
        .min(1, 'is empty')
        .refine((wires) => new Set(wires).size === wires.length, 'has one wire twice'),
      z.partialRecord(wire, path).refine((wires) => Object.keys(wires).length > 0, 'is empty'),
    ])
    .optional(),
  embeddings: z.strictObject({ form: z.enum(embeddingFormNames), path: path.optional() }).optional(),
  headers: headers.optional(),
  models: z
    .strictObject({ allow: patterns.optional(), deny: patterns.optional(), custom: list(customModel, maxModels).optional() })
    .optional(),
  allow_private_network: z.boolean().optional(),
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
  budgets: budgets.optional(),
  rate_limits: rateLimits.optional(),
})

const ownerSentence = 'has a `user`, but a service key belongs to nobody: leave `user` out, or set `type: user`'
const instant = text(64).refine(isInstant, 'is not a time with its zone, such as 2027-01-31T12:00:00Z')

const loopGuard = z.strictObject({
  mode: z.enum(['off', 'observe', 'enforce']),
  repeats: z.int('is not a whole number').min(2, 'is less than 2').max(10_000, 'is more than 10000').optional(),
  requests: z.int('is not a whole number').min(1, 'is less than 1').max(1_000_000, 'is more than 1000000').optional(),
  window_seconds: z.int('is not a whole number of seconds').min(1, 'is less than 1').max(86_400, 'is more than a day').optional(),
})

const keyFields = {
  name: label,
  type: z.enum(['user', 'service']).optional(),
  user: label.optional(),
  team: label.optional(),
  metadata: metadata.optional(),
  models: patterns.optional(),
  client: z.enum(['openclaw']).optional(),
  stream_usage: z.enum(['always', 'on_request']).optional(),
  expires_at: instant.optional(),
  config: slug.optional(),
  allow_config_override: z.boolean().optional(),
  loop_guard: loopGuard.optional(),
  budgets: budgets.optional(),
  rate_limits: rateLimits.optional(),
}

const gatewayKey = z
  .strictObject({
    ...keyFields,
    value: secret.min(16, 'has fewer than 16 characters: too easy to guess').optional(),
    env: variable.optional(),
    hash: text(64)
      .regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 in 64 lower-case hex digits')
      .optional(),
  })
  .refine(
    (key) => [key.value, key.env, key.hash].filter((one) => one !== undefined).length === 1,
    'needs exactly one of `value`, `env` and `hash`',
  )
  .refine(belongsToType, ownerSentence)

const ownerFields = { name: label, budgets: budgets.optional(), rate_limits: rateLimits.optional(), prepaid: z.boolean().optional() }
const ownerChange = {
  name: label.optional(),
  budgets: budgets.nullable().optional(),
  rate_limits: rateLimits.nullable().optional(),
  prepaid: z.boolean().nullable().optional(),
}

const scalar = z.union([text(maxCharacters), z.number()])
const settings = z.strictObject({
  host: scalar.optional(),
  port: scalar.optional(),
  public_url: scalar.optional(),
  admin_token: text(maxCharacters).optional(),
  logging: scalar.optional(),
  retention_days: scalar.optional(),
  log_max_bytes: scalar.optional(),
  cache_max_bytes: scalar.optional(),
  log_level: scalar.optional(),
  time_zone: scalar.optional(),
})

export const fileSchema = z.strictObject({
  providers: z.record(slug, provider).optional(),
  keys: z.array(gatewayKey).optional(),
  aliases: z.record(modelName, modelName).optional(),
  /** Checked by the parser of routing configs. */
  configs: z.record(slug, z.unknown()).optional(),
  sim: z.boolean().optional(),
  /** Of the whole instance. */
  budgets: instanceBudgets.optional(),
  alerts: alerts.optional(),
  settings: settings.optional(),
})

/** Bodies of the admin API; a provider's, a key's and a price's are what the file has. */
/** A request that nobody sent, for dry runs and drills. */
const sampleRequest = z.strictObject({
  endpoint: text(1024).optional(),
  headers: z.record(z.string(), text(65_536)).optional(),
  body: z.record(z.string(), z.unknown()),
  key: text(200).optional(),
})

export const bodySchemas = {
  provider: provider.extend({ credentials: list(keptCredential, 100).optional() }),
  key: z.strictObject(keyFields).refine(belongsToType, ownerSentence),
  /** null takes a field away. */
  keyChange: z.strictObject({
    name: label.optional(),
    type: keyFields.type,
    user: label.nullable().optional(),
    team: label.nullable().optional(),
    metadata: metadata.nullable().optional(),
    models: patterns.nullable().optional(),
    client: keyFields.client.unwrap().nullable().optional(),
    stream_usage: keyFields.stream_usage,
    expires_at: instant.nullable().optional(),
    config: slug.nullable().optional(),
    allow_config_override: z.boolean().nullable().optional(),
    loop_guard: loopGuard.nullable().optional(),
    budgets: budgets.nullable().optional(),
    rate_limits: rateLimits.nullable().optional(),
  }),
  user: z.strictObject({ ...ownerFields, team: label.optional() }),
  team: z.strictObject(ownerFields),
  userChange: z.strictObject({ ...ownerChange, team: label.nullable().optional() }),
  teamChange: z.strictObject(ownerChange),
  keyRotation: z.strictObject({
    overlap_seconds: z.int('is not a whole number of seconds').min(0, 'is less than 0').max(31_536_000, 'is more than a year').optional(),
  }),
  config: z.strictObject({ config: z.record(z.string(), z.unknown()), comment: text(1000).optional() }),
  dryRun: z
    .strictObject({
      config: z.record(z.string(), z.unknown()).optional(),
      slug: text(100).optional(),
      request: sampleRequest.optional(),
      request_id: text(64).optional(),
    })
    .refine(({ config, slug: named }) => config === undefined || named === undefined, 'has both `config` and `slug`; send one of them')
    .refine(
      ({ request, request_id: id }) => (request === undefined) !== (id === undefined),
      'needs either `request` ({endpoint?, headers?, body, key?}) or `request_id`',
    ),
  drill: z
    .strictObject({
      config: z.record(z.string(), z.unknown()).optional(),
      slug: text(100).optional(),
      request: sampleRequest.partial({ body: true }).optional(),
      faults: z
        .array(z.enum(['429', '500', 'stall', 'cut', 'error']))
        .min(1, 'is empty')
        .optional(),
    })
    .refine(({ config, slug: named }) => config === undefined || named === undefined, 'has both `config` and `slug`; send one of them')
    .refine(
      ({ config, slug: named, request }) => config !== undefined || named !== undefined || request?.body !== undefined,
      'needs `config`, `slug`, or a `request` with a body',
    ),
  configRollback: z.strictObject({ version: count, comment: text(1000).optional() }),
  alias: z.strictObject({ model: modelName }),
  price: z.strictObject({ price }),
  /** null takes back what was stored. */
  settings: z.strictObject({
    log_level: scalar.nullable().optional(),
    logging: scalar.nullable().optional(),
    retention_days: scalar.nullable().optional(),
    log_max_bytes: scalar.nullable().optional(),
    time_zone: scalar.nullable().optional(),
    budgets: instanceBudgets.nullable().optional(),
    alerts: alertsBody.nullable().optional(),
    sim: z.boolean().nullable().optional(),
  }),
  slug,
  modelName,
} as const

export type DeclaredModel = z.infer<typeof customModel>
export type DeclaredProvider = z.infer<typeof provider>
export type DeclaredLoopGuard = z.infer<typeof loopGuard>
export type DeclaredKey = z.infer<typeof gatewayKey>
export type ProviderBody = z.infer<typeof bodySchemas.provider>
export type KeyBody = z.infer<typeof bodySchemas.key>
/** Of a user; a team's has no `team`. */
export type OwnerBody = z.infer<typeof bodySchemas.user>
export type OwnerChange = z.infer<typeof bodySchemas.userChange>
export type KeyChange = z.infer<typeof bodySchemas.keyChange>
export type DeclaredFile = z.infer<typeof fileSchema>

function belongsToType(key: { readonly type?: 'user' | 'service' | undefined; readonly user?: string | undefined }): boolean {
  return key.type !== 'service' || key.user === undefined
}

function isInstant(written: string): boolean {
  return /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)$/.test(written) && !Number.isNaN(Date.parse(written))
}

function isBaseUrl(written: string): boolean {
  const parsed = URL.parse(written)
  return (
    parsed !== null &&
    (parsed.protocol === 'http:' || parsed.protocol === 'https:') &&
    parsed.username === '' &&
    parsed.password === '' &&
    parsed.search === '' &&
    parsed.hash === ''
  )
}
