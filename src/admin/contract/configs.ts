// Routing configs: what PUT, rollback and a dry run take, what is answered.
import { z } from 'zod'
import { anyObject, instant, list, pageOf, pageQuery, text } from './basics.ts'
import { shownPrice } from './models.ts'

const comment = z.string().max(1000).optional().describe('Why, for whoever reads the versions')
const config = anyObject.describe('The routing config, in the JSON of docs/configs.md')

export const configBody = z.strictObject({ config, comment }).meta({ id: 'ConfigBody' })

export const rollbackBody = z
  .strictObject({ version: z.number().int().min(1).describe('What that version says counts again, as a new version'), comment })
  .meta({ id: 'RollbackBody' })

const actor = z.enum(['admin', 'cli', 'start'])
const shown = anyObject.describe('As it was written, without secrets')
const version = z.number().int().min(1)

export const routingConfig = z
  .object({
    slug: text,
    origin: z.enum(['file', 'stored']),
    version: version.nullable().describe('null: declared in the file, which has no versions'),
    config: shown,
    comment: text.nullable(),
    keys: list(z.object({ id: text, name: text })).describe('Gateway keys that it is attached to'),
    warnings: list(text).describe('What would not work with this instance as it is now, a sentence each'),
    updated_at: instant.nullable(),
    updated_by: actor.nullable(),
    trouble: text.optional().describe('Why it cannot be used: requests that need it are refused'),
  })
  .meta({ id: 'Config' })

export const configList = pageOf(routingConfig, 'ConfigList')

export const configVersion = z
  .object({ version, config: shown, comment: text.nullable(), created_at: instant, created_by: actor })
  .meta({ id: 'ConfigVersion' })

export const configVersionList = pageOf(configVersion, 'ConfigVersionList')

export const configVersionQuery = z.object({
  ...pageQuery.shape,
  limit: pageQuery.shape.limit.unwrap().default(50).describe('How many at most'),
})

const sampleRequest = z.strictObject({
  endpoint: text.optional().describe('Default: `/v1/chat/completions`'),
  headers: z.record(z.string(), z.string()).optional().describe('As the client would send them'),
  body: anyObject,
  key: text.optional().describe('Id or name of the gateway key that it comes with; default: one that may do everything'),
})

export const dryRunBody = z
  .strictObject({
    config: config.optional(),
    slug: text.optional().describe('Of a stored config, instead of `config`; without both, what the request itself chooses'),
    request: sampleRequest.optional(),
    request_id: text.optional().describe('Of a recorded request whose body is stored, instead of `request`'),
  })
  .meta({ id: 'DryRunBody' })

const ms = z.number()
const dryRunStep = z.object({
  target: text.describe('Its place in the config; empty without one'),
  provider: text,
  model: text,
  credential: text.describe('Its name'),
  lane: z.enum(['pass', 'translate']).describe("Whether bytes pass as they are, or are translated into the provider's wire"),
  wire: text,
  reason: text.describe('Why it stands in this place'),
  exits: list(text).describe('Where it goes on, after which failures'),
  retry: z.object({ attempts: z.number().int(), on_status_codes: list(z.number().int()), use_retry_after_header: z.boolean() }).nullable(),
  timeouts: z.object({
    connect_ms: ms,
    first_token_ms: ms.nullable().describe('null: 60000 for streams while another target remains, else none'),
    idle_ms: ms,
    request_timeout: ms,
    floor: z.number().nullable().describe('Bytes per second; null: none'),
  }),
  price: shownPrice.nullable().describe('null: unpriced'),
  notes: list(text).describe("What of the config's parameters has no place in the client's wire"),
})

export const dryRun = z
  .object({
    config: z.object({ slug: text.nullable(), version: z.number().int().nullable() }).nullable().describe('null: none'),
    model: text.describe('As it was asked for'),
    steps: list(dryRunStep).describe('In order'),
    skipped: list(z.object({ target: text, provider: text, reason: text })).describe('What can never answer this request'),
    cache: z
      .object({ max_age: z.number().describe('Seconds'), namespace: text.nullable(), tools: z.boolean(), single_flight: z.boolean() })
      .nullable()
      .describe('Of the first step; null: its answers are not kept'),
  })
  .meta({ id: 'DryRun' })

const drillFault = z.enum(['429', '500', 'stall', 'cut', 'error'])

export const drillBody = z
  .strictObject({
    config: config.optional(),
    slug: text.optional().describe('Of a stored config, instead of `config`; without both, what the request itself chooses'),
    request: sampleRequest
      .extend({ body: anyObject.optional().describe('Default: a short streamed conversation with a model of the first target') })
      .optional(),
    faults: list(drillFault).optional().describe('Default: all. `stall`: silence; `cut`, `error`: before content, inside a 200'),
  })
  .meta({ id: 'DrillBody' })

const number = z.number().int()
const drillRun = z.object({
  fault: drillFault,
  failing: number.describe('The first so many targets fail, the others answer'),
  attempts: list(z.object({ target: number.describe('From 1'), class: text.describe('How it failed; empty when it answered') })),
  answered_by: number.nullable().describe('null: nobody, and the client gets an error'),
  after_ms: number.describe('Timeouts, and waits between tries of a middling length; what providers themselves take comes on top'),
  client: z.object({
    status: number,
    provider: text.nullable(),
    model: text.nullable(),
    text: text.describe('The beginning of what was said'),
    error: z.object({ code: text, message: text }).nullable(),
    retry_after: z.number().nullable().describe('Seconds'),
  }),
})

export const drill = z
  .object({
    config: z.object({ slug: text.nullable(), version: number.nullable() }).nullable().describe('null: none'),
    model: text.describe('As it was asked for'),
    stream: z.boolean(),
    targets: list(z.object({ target: text, provider: text, model: text, credentials: list(text) })).describe('In order'),
    skipped: list(z.object({ target: text, provider: text, reason: text })),
    runs: list(drillRun),
    covered: z.boolean().describe('Whichever way the first target alone fails, another one answers'),
  })
  .meta({ id: 'Drill' })

export type ConfigBody = z.input<typeof configBody>
export type Config = z.output<typeof routingConfig>
export type ConfigVersion = z.output<typeof configVersion>
export type DryRunBody = z.input<typeof dryRunBody>
