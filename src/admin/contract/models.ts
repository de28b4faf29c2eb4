// Models, their prices, and aliases.
import { z } from 'zod'
import { instant, list, pageOf, pageQuery, text } from './basics.ts'

/** In bodies; answers have text only. */
const amount = z
  .union([z.string().regex(/^\d+(\.\d+)?([eE][+-]?\d{1,2})?$/), z.number().nonnegative()])
  .describe('USD as decimal text; a number is taken by its shortest decimal form')

const rates = {
  input_per_million_usd: amount,
  output_per_million_usd: amount,
  cache_read_per_million_usd: amount.optional(),
  cache_write_5m_per_million_usd: amount.optional(),
  cache_write_1h_per_million_usd: amount.optional(),
  reasoning_per_million_usd: amount.optional(),
  input_audio_per_million_usd: amount.optional(),
  output_audio_per_million_usd: amount.optional(),
  request_usd: amount.optional(),
}

export const priceBody = z
  .union([z.literal('free'), z.strictObject(rates)])
  .describe('`free`, or USD per million tokens; a rate that is not given is that of input or output')

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

/** Prices of the catalog have rates that cannot be set here, such as those of long prompts. */
const shownPrice = z.union([z.literal('free'), z.record(z.string(), z.string())])

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
