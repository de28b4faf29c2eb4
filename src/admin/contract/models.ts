// Models, their prices, and aliases.
import { z } from 'zod'
import { instant, list, pageOf, pageQuery, text } from './basics.ts'

/** In bodies; answers have text only. */
const amount = z
  .union([z.string().regex(/^\d+(\.\d+)?([eE][+-]?\d{1,2})?$/), z.number().nonnegative()])
  .describe('USD as decimal text; a number is taken by its shortest decimal form')

const rates = {
  cache_read_per_million_usd: amount.optional(),
  cache_write_5m_per_million_usd: amount.optional(),
  cache_write_1h_per_million_usd: amount.optional(),
  reasoning_per_million_usd: amount.optional(),
  input_audio_per_million_usd: amount.optional(),
  output_audio_per_million_usd: amount.optional(),
  input_image_per_million_usd: amount.optional().describe('Tokens of images, where they differ from input'),
  output_image_per_million_usd: amount.optional().describe('Tokens of images, where they differ from output'),
  request_usd: amount.optional().describe('Each request'),
  search_usd: amount.optional().describe('Each web search that the provider runs'),
  image_usd: amount.optional().describe('Each image that the provider generates by a tool of its own'),
  calls_usd: z
    .record(z.string(), amount)
    .optional()
    .describe('Each call of other tools that the provider runs, by kind: `{"file_search": "0.0025"}`'),
}
const bothRates = { input_per_million_usd: amount, output_per_million_usd: amount, ...rates }
const anyRates = { input_per_million_usd: amount.optional(), output_per_million_usd: amount.optional(), ...rates }
const multiplier = amount.optional().describe('The rates of tokens times this, where none of their own are given')

/** Without their order of writing: shown prices have the same fields, and their amounts are text. */
const tiers = z
  .array(z.strictObject({ above_input_tokens: z.number().int().min(1), ...anyRates }))
  .describe('When the input (cached tokens included) has more tokens than this, the whole request costs these rates')
const conditions = {
  tiers: tiers.optional(),
  service_tiers: z
    .record(z.string(), z.strictObject({ multiplier, ...anyRates, tiers: tiers.optional() }))
    .optional()
    .describe('By the tier that the answer says it was served with, else the one that was asked for: `flex`, `priority`, `batch`'),
  regions: z
    .record(z.string(), z.strictObject({ multiplier, ...anyRates }))
    .optional()
    .describe('By where the answer says it was computed: `us`'),
  windows: z
    .array(
      z.strictObject({
        utc: z.string(),
        days: z.array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])).optional(),
        multiplier,
        ...anyRates,
      }),
    )
    .optional()
    .describe('By the UTC time at which the request came: `{"utc": "16:30-00:30", "multiplier": "0.5"}`'),
}
const periods = z
  .array(z.strictObject({ from: z.string().optional(), until: z.string().optional(), multiplier, ...anyRates, ...conditions }))
  .describe('Rates from one date or time until before another, UTC: a price of its own, or this one times `multiplier`')
const row = z.strictObject({ ...bothRates, ...conditions, periods: periods.optional() })

export const priceBody = z
  .union([z.literal('free'), row])
  .describe(
    '`free`, or USD per million tokens; a rate that is not given is that of input or output. In tiers, service tiers, regions and windows, a rate that is not given changes as input or output does',
  )

export const priceMultiplier = amount.describe('Every price of this provider times this')

export const customModel = z
  .strictObject({
    id: z.string().min(1).max(256),
    name: z.string().min(1).max(128).optional(),
    context_window: z.number().int().min(1).optional(),
    max_output_tokens: z.number().int().min(1).optional(),
    capabilities: z.array(z.string()).optional(),
    price: priceBody.optional(),
  })
  .meta({ id: 'CustomModel' })

/** As it can be written. */
export const shownPrice = z.union([z.literal('free'), row])

export const price = z.object({ provider: text, model: text, price: shownPrice, updated_at: instant }).meta({ id: 'Price' })

/** Wrapped, so that the body of every write is an object. */
export const priceWrite = z.strictObject({ price: priceBody }).meta({ id: 'PriceBody' })

export const model = z
  .object({
    provider: text,
    id: text.describe("The provider's own id"),
    canonical: text.nullable().describe('`vendor/model`: the same model under the ids of other providers'),
    name: text.nullable(),
    context_window: z.number().int().nullable(),
    max_output_tokens: z.number().int().nullable(),
    input_modalities: list(text),
    output_modalities: list(text),
    capabilities: list(text),
    price: shownPrice.nullable().describe('null: unpriced'),
    price_source: z.enum(['catalog', 'custom', 'override']).nullable(),
    allowed: z.boolean().describe("By the provider's allow and deny lists"),
  })
  .meta({ id: 'Model' })

export const modelList = pageOf(model, 'ModelList')

export const modelQuery = z.object({
  ...pageQuery.shape,
  limit: pageQuery.shape.limit.unwrap().default(100).describe('How many at most'),
  provider: z.string().max(128, 'must have at most 128 characters').optional().describe('Slug of a provider'),
  q: z.string().min(1, 'must not be empty').max(200, 'must have at most 200 characters').optional().describe('Part of an id or a name'),
})

export const aliasBody = z
  .strictObject({ model: z.string().min(1).describe('The model name that it stands for') })
  .meta({ id: 'AliasBody' })

export const alias = z
  .object({ name: text, model: text, origin: z.enum(['file', 'stored', 'environment', 'built-in']), updated_at: instant.nullable() })
  .meta({ id: 'Alias' })

export const aliasList = pageOf(alias, 'AliasList')

export type Model = z.output<typeof model>
export type Alias = z.output<typeof alias>
