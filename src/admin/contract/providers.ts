// Providers: what PUT takes, what is answered, what a test of one says; vendors that are known by name.
import { z } from 'zod'
import { embeddingFormNames, wireNames } from '#ir'
import { anyObject, count, instant, list, ms, pageOf, text } from './basics.ts'
import { budgets, budgetsBody, rateLimits, rateLimitsBody } from './limits.ts'
import { customModel, priceMultiplier } from './models.ts'

export const origins = ['file', 'stored', 'environment', 'built-in'] as const

export const origin = z
  .enum(origins)
  .describe(
    'Where it comes from. `file` (turnpike.yaml) and `built-in` are read-only here; `environment`: made of a vendor key that was found',
  )

const millisecondsOf = (what: string) => z.number().int().min(1).max(86_400_000).optional().describe(`${what}, ms`)
const patterns = z.array(z.string().min(1)).optional()

const dialect = z
  .strictObject({
    max_tokens_field: z.enum(['max_tokens', 'max_completion_tokens']).optional(),
    developer_role: z.boolean().optional(),
    stream_options: z.boolean().optional(),
    cache_control: z.boolean().optional(),
    reasoning_field: z.enum(['none', 'reasoning_content', 'reasoning']).optional(),
    reasoning_effort: z.boolean().optional(),
    json_schema: z.boolean().optional(),
    completion_excludes_reasoning: z.boolean().optional(),
    strip: z.array(z.string()).optional().describe('Fields of the request that it does not accept'),
  })
  .describe("How the provider's dialect of its wire differs")

export const providerBody = z
  .strictObject({
    vendor: z
      .string()
      .optional()
      .describe('Which row of GET /vendors; by default the slug, if it is one of them, else `openai-compatible`'),
    base_url: z
      .string()
      .optional()
      .describe(
        "Where the vendor's SDK has it end: with /v1 for OpenAI-like servers, without for Anthropic's wire. By default the vendor's",
      ),
    credentials: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(128).optional(),
          value: z.string().min(1).optional().meta({
            description: 'The secret: a key, or the JSON of an account (`accounts` of the vendor); kept encrypted and never answered',
            writeOnly: true,
          }),
          env: z
            .string()
            .optional()
            .describe(
              'The environment variable that holds it, instead of `value`. AWS_ACCESS_KEY_ID and AZURE_CLIENT_SECRET stand for the account that they and the variables beside them make, GOOGLE_APPLICATION_CREDENTIALS for the file that it names',
            ),
        }),
      )
      .optional()
      .describe('Tried in this order. Without `value` and `env`, the value that is stored under the name stays'),
    wires: z
      .union([z.array(z.enum(wireNames)).min(1), z.partialRecord(z.enum(wireNames), z.string())])
      .optional()
      .describe('Wires that it speaks, the preferred one first; as an object: with the path of each below base_url'),
    embeddings: z
      .strictObject({ form: z.enum(embeddingFormNames), path: z.string().optional() })
      .optional()
      .describe("In which form it makes embeddings, and where below base_url. By default the vendor's, or beside /chat/completions"),
    headers: z.record(z.string(), z.string()).optional().describe('Sent with every request to it'),
    models: z
      .strictObject({
        allow: patterns.describe('Only these (`*` for anything)'),
        deny: patterns.describe('Never these'),
        custom: z.array(customModel).optional(),
      })
      .optional(),
    priority: z.number().int().min(0).max(1_000_000).optional().describe('Lower comes first'),
    price_multiplier: priceMultiplier.optional(),
    timeouts: z
      .strictObject({
        connect_ms: millisecondsOf('Until the connection stands'),
        first_token_ms: millisecondsOf('Until the first content'),
        idle_ms: millisecondsOf('Between two pieces of a stream'),
        request_timeout: millisecondsOf('The whole answer'),
      })
      .optional(),
    dialect: dialect.optional(),
    budgets: budgetsBody.optional(),
    rate_limits: rateLimitsBody.optional(),
    allow_private_network: z.boolean().optional().describe('May be at a loopback, private or link-local address'),
  })
  .meta({ id: 'ProviderBody' })

const targetHealth = z.object({
  credential: text,
  model: text.describe("The provider's id of the model"),
  config: text.nullable().describe("A config's own breaker: where it stands; null: everybody's"),
  state: z
    .enum(['closed', 'open', 'half_open', 'cooling', 'rejected'])
    .describe(
      '`closed`: it is asked in its place. `open`: its breaker. `half_open`: one request at a time tries. `cooling`: the provider said to wait. `rejected`: the credential is refused or used up. Those that are not closed are asked after the others',
    ),
  since: instant.nullable().describe('When it left `closed`'),
  until: instant.nullable().describe('When it is asked again; null: it is'),
  running: count.describe('Attempts that run now'),
  window: z.object({ attempts: count, failures: count }).describe("What the breaker's window holds"),
  latency_p50_ms: ms.nullable().describe('Median time to the first token of the latest answers, of whole ones to their end; null: too few'),
  last_failure: z.object({ class: text, at: instant }).nullable(),
  asked_at: instant.nullable().describe('Latest attempt; null: none yet'),
})

export const providerHealth = z
  .object({
    state: z
      .enum(['well', 'degraded', 'down', 'unknown'])
      .describe('`degraded`: some models or credentials are in trouble; `down`: all that were asked lately; `unknown`: none was'),
    latency_p50_ms: ms.nullable(),
    credentials: list(
      z.object({
        name: text,
        state: z.enum(['well', 'rejected', 'unknown']).describe('`rejected`: refused, or its account is used up; tried again now and then'),
      }),
    ),
    targets: list(targetHealth).describe('Asked within the last hour, or in trouble; 200 at most, those in trouble first'),
  })
  .meta({ id: 'ProviderHealth' })

export const provider = z
  .object({
    slug: text,
    origin,
    vendor: text,
    base_url: text,
    wires: z.record(z.string(), z.string()).describe('Path of each wire below base_url'),
    credentials: list(
      z.object({
        name: text,
        source: z.enum(['value', 'env']),
        env: text.optional(),
        last4: text.nullable().describe('Of the secret; null when it is not known or short'),
        trouble: text.optional().describe('Why it cannot be used'),
      }),
    ),
    headers: z.record(z.string(), z.string()),
    models: z.object({
      allow: list(text).optional(),
      deny: list(text).optional(),
      custom: list(anyObject).optional(),
      known: count.describe('How many models it is known to serve'),
    }),
    priority: z.number().int(),
    price_multiplier: text.optional(),
    timeouts: z.object({ connect_ms: ms, first_token_ms: ms.nullable(), idle_ms: ms, request_timeout: ms }),
    dialect: anyObject,
    budgets: budgets.optional(),
    rate_limits: rateLimits.optional(),
    allow_private_network: z.boolean(),
    updated_at: instant.nullable(),
    trouble: text.optional().describe('Why it cannot be used at all'),
    health: providerHealth.nullable().describe('What its latest attempts have shown; null: no gateway runs'),
  })
  .meta({ id: 'Provider' })

export const providerList = pageOf(provider, 'ProviderList')

export const probeReport = z
  .object({
    ok: z.boolean().describe('Every credential works'),
    ms,
    credentials: list(
      z.object({
        name: text,
        ok: z.boolean(),
        status: z.number().int().nullable().describe('HTTP status; null: there was no answer'),
        ms,
        models: count.nullable().describe('How many models it lists; null: none, or the provider has no list'),
        trouble: text.nullable().describe('What is wrong, and what to do'),
      }),
    ),
    models_found: count.nullable().describe('Different ids in the lists'),
    model_ids: list(text).describe('The first thousand'),
    trouble: text.nullable(),
  })
  .meta({ id: 'ProbeReport' })

export const vendor = z
  .object({
    id: text,
    name: text,
    base_url: text.nullable().describe('null: a provider of this vendor must bring its own'),
    base_url_form: text.nullable().describe('How that one looks, its parts in angle brackets'),
    address_variables: list(text).describe('Environment variables that its address is made of, where all are set'),
    key_variables: list(text).describe('Environment variables in which its key is looked for, in this order'),
    accounts: z
      .enum(['aws', 'google', 'entra'])
      .nullable()
      .describe(
        "Accounts that a credential may be instead of a key, as JSON: AWS keys, one of Google's cloud, an application of Microsoft Entra",
      ),
    wires: z.record(z.string(), z.string()).describe('Path of each wire below base_url, the preferred one first'),
  })
  .meta({ id: 'Vendor' })

export const vendorList = pageOf(vendor, 'VendorList')

export type ProviderBody = z.input<typeof providerBody>
export type Provider = z.output<typeof provider>
export type ProviderHealth = z.output<typeof providerHealth>
export type ProbeReport = z.output<typeof probeReport>
export type Vendor = z.output<typeof vendor>
