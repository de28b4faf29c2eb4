// The admin API's words: what it accepts and answers, as zod schemas. A dashboard imports this file and nothing else.
import { z } from 'zod'
import { count, instant, ms, usd } from './contract/basics.ts'

export { errorBody, pageQuery, type ErrorBody } from './contract/basics.ts'
export {
  configBody,
  configList,
  configVersionList,
  configVersionQuery,
  drill,
  drillBody,
  dryRun,
  dryRunBody,
  rollbackBody,
  routingConfig,
  type Config,
  type ConfigBody,
  type ConfigVersion,
  type DryRunBody,
} from './contract/configs.ts'
export {
  alertTest,
  auditList,
  auditQuery,
  setting,
  settingList,
  settingsPatch,
  type AuditEntry,
  type Setting,
} from './contract/instance.ts'
export {
  account,
  accountList,
  adjustmentBody,
  creditBody,
  ledgerVerdict,
  refundBody,
  statement,
  statementQuery,
  transferList,
  transferMade,
  transferQuery,
} from './contract/ledger.ts'
export {
  key,
  keyBody,
  keyCreated,
  keyList,
  keyPatch,
  rotateBody,
  type Key,
  type KeyBody,
  type KeyCreated,
  type KeyPatch,
} from './contract/keys.ts'
export { shownTeam, shownUser, teamBody, teamList, teamPatch, userBody, userList, userPatch, type User } from './contract/owners.ts'
export { alias, aliasBody, aliasList, model, modelList, modelQuery, price, priceWrite, type Alias, type Model } from './contract/models.ts'
export {
  probeReport,
  provider,
  providerBody,
  providerHealth,
  providerList,
  vendor,
  vendorList,
  type ProbeReport,
  type Provider,
  type ProviderBody,
  type ProviderHealth,
  type Vendor,
} from './contract/providers.ts'

export const outcomes = ['ok', 'client_error', 'upstream_error', 'interrupted', 'cancelled', 'denied'] as const
export const requestKinds = ['user', 'heartbeat', 'cron', 'compaction', 'probe'] as const
export const costSources = ['computed', 'provider', 'estimated', 'unpriced'] as const
export const cacheStates = ['HIT', 'MISS', 'REFRESH', 'DISABLED'] as const
export const payloadParts = ['request', 'response'] as const

const rowFields = {
  id: z.string(),
  at: instant.meta({ format: 'date-time', description: 'When the request arrived' }),
  key: z.object({ id: z.string(), name: z.string() }),
  kind: z.enum(requestKinds),
  session: z.string(),
  trace: z.string(),
  client: z.string().describe('User agent'),
  wire: z.string().describe('Format the client spoke'),
  endpoint: z.string(),
  model: z.object({ asked: z.string(), served: z.string().nullable() }),
  provider: z.string().nullable(),
  config: z
    .object({ slug: z.string(), version: count })
    .optional()
    .describe('The routing config that decided; `inline` in version 0: it came with the request'),
  stream: z.boolean(),
  status: z.number().int().describe('HTTP status sent to the client; 499 when it left first'),
  outcome: z.enum(outcomes),
  error: z.object({ code: z.string(), class: z.string() }).optional(),
  attempts: count,
  fallback: z.boolean(),
  cache: z.enum(cacheStates).describe('What the response cache did'),
  tokens: z.object({
    input: count.nullable().describe('All input tokens, cached ones included; null: not known'),
    cached: count.nullable(),
    output: count.nullable().describe('All output tokens, reasoning included'),
    reasoning: count.nullable(),
  }),
  cost_usd: usd.nullable().describe('null: the model has no price'),
  cost_source: z.enum(costSources),
  ms: z.object({
    overhead: ms.describe("The gateway's own share"),
    first_token: ms.nullable(),
    total: ms,
  }),
  metadata: z.record(z.string(), z.unknown()),
}

export const requestRow = z.object(rowFields).meta({ id: 'RequestRow' })

export const attempt = z
  .object({
    provider: z.string(),
    model: z.string().describe("The provider's id of the model"),
    credential: z.string().describe('Name of the credential, never its value'),
    status: z.number().int().nullable().describe('HTTP status of the provider; null: it sent none'),
    error: z.object({ class: z.string(), message: z.string() }).nullable(),
    at: instant,
    ms: z.object({ head: ms.nullable(), first_token: ms.nullable(), total: ms }),
    reason: z.string().describe('Why this target, and what decided its end'),
    route: z.string().nullable().describe('Place of the target in the routing config, like config.targets[1]; null: without one'),
  })
  .meta({ id: 'Attempt' })

export const costLine = z
  .object({
    item: z.string().describe('input, cache_read, output, ...'),
    units: count,
    rate: z
      .string()
      .optional()
      .describe(
        "Which of the price's rates, where not the plain one: its tier, service tier, region or window; `no price`: nobody told what a call costs",
      ),
    unit_usd: usd.describe('Price of one unit when the request was made'),
    amount_usd: usd.describe('units x unit_usd, exact'),
  })
  .meta({ id: 'CostLine' })

export const requestDetail = z
  .object({
    ...rowFields,
    lane: z.enum(['pass', 'translate', 'none']).describe('Bytes passed through, translated, or nothing was sent'),
    finish_reason: z.string().nullable(),
    attempt_list: z.array(attempt),
    cost_lines: z.array(costLine),
    price_version: z.string().nullable().describe('Price row that the cost was computed with; null: unpriced'),
    provider_cost_usd: usd.nullable().describe('What the provider says it billed'),
    notes: z.array(z.object({ code: z.string(), path: z.string(), why: z.string() })).describe('What was lost in translation'),
    headers: z.record(z.string(), z.string()).describe('Request headers worth keeping, secrets redacted'),
    usage: z.record(z.string(), z.unknown()).nullable().describe("The provider's own usage object"),
    bytes: z.object({ request: count, response: count }),
    payloads: z.object({ request: z.boolean(), response: z.boolean() }).describe('Which bodies are stored'),
  })
  .meta({ id: 'RequestDetail' })

export const requestList = z
  .object({ data: z.array(requestRow), next_cursor: z.string().nullable().describe('null: nothing older') })
  .meta({ id: 'RequestList' })

const flag = z.enum(['true', 'false']).transform((value) => value === 'true')
const time = z
  .string()
  .refine((value) => /^\d{4}-\d\d-\d\d/.test(value) && !Number.isNaN(Date.parse(value)), 'must be a date or a date and time in ISO 8601')
  .describe('ISO 8601')

const named = (pattern: RegExp, message: string) => z.string().regex(pattern, message)

const filters = {
  from: time.optional(),
  to: time.optional(),
  id: z.string().optional(),
  key: z.string().optional().describe('Id or name of a gateway key'),
  kind: z.enum(requestKinds).optional(),
  session: z.string().optional(),
  trace: z.string().optional(),
  client: z.string().optional(),
  wire: z.string().optional(),
  endpoint: z.string().optional(),
  model: z.string().optional().describe('As asked for or as served'),
  model_asked: z.string().optional(),
  model_served: z.string().optional(),
  provider: z.string().optional(),
  stream: flag.optional(),
  status: named(/^[1-5](\d\d|xx)$/i, 'must be an HTTP status, or a class of them like 4xx')
    .optional()
    .describe('HTTP status that the client got, or a class: `4xx`'),
  outcome: z.enum(outcomes).optional(),
  error: z.string().optional().describe('Code or class of the error'),
  error_code: z.string().optional(),
  error_class: z.string().optional(),
  attempts: z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .min(0, 'must be at least 0')
    .max(1000, 'must be at most 1000')
    .optional(),
  cache: z
    .string()
    .transform((text) => text.toUpperCase())
    .pipe(z.enum(cacheStates))
    .optional(),
  config: z.string().optional().describe('Slug of a routing config; `inline`: those that came with their requests'),
  fallback: flag.optional(),
  cost_source: z.enum(costSources).optional(),
  min_cost_usd: named(/^\d{1,9}(\.\d{1,12})?$/, 'must be an amount of USD like 0.05').optional(),
  min_ms: z.coerce.number('must be milliseconds').nonnegative('must be milliseconds').max(1e12, 'must be at most a trillion').optional(),
  min_tokens: z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .nonnegative('must be at least 0')
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('Input and output together'),
  q: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe(
      'Part of a session, a value of metadata, a model, a provider, a client, an endpoint, a key or an error; or the beginning of an id or a trace',
    ),
}

/** What requests are filtered by everywhere, besides `metadata.<key>`. */
export const requestFilters = z.object(filters)

/** Query parameters of `GET /requests`, besides `metadata.<key>`. */
export const requestQuery = z.object({
  limit: z.coerce
    .number('must be a number from 1 to 1000')
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(1000, 'must be at most 1000')
    .default(50),
  cursor: z.string().max(512).optional().describe('next_cursor of the previous page'),
  ...filters,
})

/** Query parameters of `GET /requests/histogram`. */
export const histogramQuery = z.object({
  interval: named(/^\d{1,4}[mhd]$/, 'must be minutes, hours or days, like 5m, 1h or 1d')
    .optional()
    .describe('Length of a bucket: `5m`, `1h`, `1d`'),
  buckets: z.coerce
    .number('must be a number from 1 to 1000')
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(1000, 'must be at most 1000')
    .optional()
    .describe('Without an interval: at most so many buckets, by default 60'),
  ...filters,
})

export const requestHistogram = z
  .object({
    from: instant.describe('Beginning of the first bucket: what was asked, widened to whole buckets'),
    to: instant.describe('End of the last bucket'),
    interval_ms: count,
    source: z.enum(['rollups', 'rows']).describe('rollups: sums per minute, which are kept longer than rows'),
    data: z.array(
      z.object({
        at: instant.describe('Beginning of the bucket'),
        requests: count,
        outcomes: z.object({ ok: count, client_error: count, upstream_error: count, interrupted: count, cancelled: count, denied: count }),
        tokens: z.object({ input: count, cached: count, output: count, reasoning: count }),
        cost_usd: usd,
      }),
    ),
  })
  .meta({ id: 'RequestHistogram' })

export const facetFields = [
  'key',
  'kind',
  'client',
  'wire',
  'endpoint',
  'model_asked',
  'model_served',
  'provider',
  'stream',
  'status',
  'outcome',
  'error_code',
  'error_class',
  'cost_source',
  'cache',
  'fallback',
  'config',
] as const

/** Query parameters of `GET /requests/facets`. */
export const facetsQuery = z.object({
  fields: z
    .string()
    .optional()
    .describe(`Which, with commas between: ${facetFields.join(', ')}; by default all`),
  limit: z.coerce
    .number('must be a number from 1 to 200')
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(200, 'must be at most 200')
    .default(20)
    .describe('Values of a field, at most'),
  ...filters,
})

const facetValues = z.object({
  values: z.array(
    z.object({
      value: z.string().describe('As the filter of this name takes it'),
      label: z.string().optional().describe('A name for it'),
      requests: count,
    }),
  ),
  more: count.describe('Other values, which are left out'),
})

export const requestFacets = z
  .object({
    requests: count.describe('How many the filters select'),
    fields: z.partialRecord(z.enum(facetFields), facetValues).describe('Most frequent values first'),
  })
  .meta({ id: 'RequestFacets' })

export const payloadQuery = z.object({ part: z.enum(payloadParts) })

export type RequestRow = z.infer<typeof requestRow>
export type RequestDetail = z.infer<typeof requestDetail>
export type RequestList = z.infer<typeof requestList>
export type RequestFilterQuery = z.infer<typeof requestFilters>
export type RequestQuery = z.infer<typeof requestQuery>
export type RequestHistogram = z.infer<typeof requestHistogram>
export type RequestFacets = z.infer<typeof requestFacets>
export type PayloadPart = (typeof payloadParts)[number]
