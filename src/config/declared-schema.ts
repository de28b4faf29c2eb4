// The shape of turnpike.yaml. Field names are the admin API's; unknown ones are errors.
import { parseNanoUsd } from '#ir'
import { z } from 'zod'

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

export const fileSchema = z.strictObject({
  providers: z.record(slug, provider).optional(),
  keys: z.array(gatewayKey).optional(),
  sim: z.boolean().optional(),
  settings: settings.optional(),
})

export type DeclaredPrice = z.infer<typeof price>
export type DeclaredModel = z.infer<typeof customModel>
export type DeclaredProvider = z.infer<typeof provider>
export type DeclaredKey = z.infer<typeof gatewayKey>
export type DeclaredFile = z.infer<typeof fileSchema>

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
