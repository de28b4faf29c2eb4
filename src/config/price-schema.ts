// What a model costs, as turnpike.yaml and the admin API write it.
import { freePrice, parseNanoUsd, scalePrice } from '#ir'
import { z } from 'zod'
import { list, text } from './schema-words.ts'

/** USD for a million tokens, or for one call: nobody asks more, and what a request may cost still fits into 64 bits of nano-USD. */
const maxUsd = 100_000n
/** As `priceOf` has it. */
const maxCases = 256

/** USD as decimal text, exact: a price is a whole number of pico-USD. A plain number is taken by its shortest decimal form. */
function usd(decimals: 6 | 12) {
  return z
    .union([text(64), z.number()])
    .transform(String)
    .superRefine((written, issues) => {
      const nano = parseNanoUsd(written)
      const say = (message: string): void => issues.addIssue({ code: 'custom', message })
      if (nano === undefined) return say('is not a decimal number of at least 0, such as "0.15"')
      if (nano > maxUsd * 1_000_000_000n) return say(`is more than ${maxUsd} USD`)
      if (decimalsOf(written) > decimals) say(`has more than ${decimals} decimals`)
    })
}

/** `0.150` has 2, `1.5e-7` has 8. */
function decimalsOf(decimal: string): number {
  const [digits = '', exponent = '0'] = decimal.toLowerCase().split('e')
  const [whole = '', fraction = ''] = digits.split('.')
  const significant = fraction.replace(/0+$/, '')
  const own = significant === '' ? -(/0*$/.exec(whole)?.[0].length ?? 0) : significant.length
  return /^0*$/.test(whole + significant) ? 0 : Math.max(0, own - Number(exponent))
}

const perMillion = usd(6)
const each = usd(12)
const label = text(64)
  .min(1, 'is empty')
  .regex(/^[\w.:-]+$/, 'is not a name of letters, digits, dots, dashes, colons and underscores')
const multiplier = z
  .union([text(64), z.number()])
  .transform(String)
  .refine(
    (written) => scalePrice(freePrice, written) !== undefined && Number(written) <= 1000,
    'is not a decimal number from 0 to 1000, such as "0.5"',
  )

const rates = {
  cache_read_per_million_usd: perMillion.optional(),
  cache_write_5m_per_million_usd: perMillion.optional(),
  cache_write_1h_per_million_usd: perMillion.optional(),
  reasoning_per_million_usd: perMillion.optional(),
  input_audio_per_million_usd: perMillion.optional(),
  output_audio_per_million_usd: perMillion.optional(),
  input_image_per_million_usd: perMillion.optional(),
  output_image_per_million_usd: perMillion.optional(),
  request_usd: each.optional(),
  search_usd: each.optional(),
  image_usd: each.optional(),
  calls_usd: few(z.record(label, each)).optional(),
}
const input = { input_per_million_usd: perMillion.optional(), output_per_million_usd: perMillion.optional() }
const tier = z.strictObject({
  above_input_tokens: z.int('is not a whole number').min(1, 'is less than 1').max(1_000_000_000, 'is more than 1000000000'),
  ...input,
  ...rates,
})
const change = { multiplier: multiplier.optional(), ...input, ...rates }
const tiers = list(tier, 8)
const windows = list(
  z.strictObject({
    utc: text(11).refine(isWindow, 'is not a time of the UTC day such as "16:30-00:30"'),
    days: list(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']), 7)
      .min(1, 'is empty')
      .optional(),
    ...change,
  }),
  8,
)
const rowFields = {
  ...rates,
  tiers: tiers.optional(),
  service_tiers: few(z.record(label, z.strictObject({ ...change, tiers: tiers.optional() }))).optional(),
  regions: few(z.record(label, z.strictObject(change))).optional(),
  windows: windows.optional(),
}
const instant = text(32).refine(
  (written) => !Number.isNaN(instantOf(written)),
  'is not a date or a time such as "2026-12-01" or "2026-12-01T08:00:00Z"',
)
const period = z
  .strictObject({ from: instant.optional(), until: instant.optional(), multiplier: multiplier.optional(), ...input, ...rowFields })
  .refine(({ from, until }) => from !== undefined || until !== undefined, 'needs `from` or `until`')
  .refine(
    ({ from, until }) => from === undefined || until === undefined || !(instantOf(until) <= instantOf(from)),
    'never counts: its `until` is not after `from`',
  )
  .refine(
    (one) => (one.multiplier === undefined) === (one.input_per_million_usd !== undefined && one.output_per_million_usd !== undefined),
    'needs either `multiplier`, or rates of its own with input_per_million_usd and output_per_million_usd',
  )

const row = z
  .strictObject({
    input_per_million_usd: perMillion,
    output_per_million_usd: perMillion,
    ...rowFields,
    periods: list(period, 8).optional(),
  })
  .refine(
    (one) => [one.input_per_million_usd, one.output_per_million_usd, one.request_usd ?? '0'].some((rate) => Number(rate) > 0),
    'is 0 throughout; write `price: free` if that is meant',
  )
  .refine(
    ({ tiers: own = [], service_tiers: services = {}, regions = {} }) =>
      (tierCount(own, services) + 1) * (Object.keys(services).length + 1) * (Object.keys(regions).length + 1) <= maxCases,
    `has more than ${maxCases} combinations of tiers, service tiers and regions`,
  )

function tierCount(own: readonly Above[], services: Readonly<Record<string, { readonly tiers?: readonly Above[] | undefined }>>): number {
  const all = [...own, ...Object.values(services).flatMap(({ tiers: more = [] }) => more)]
  return new Set(all.map(({ above_input_tokens: above }) => above)).size
}

type Above = { readonly above_input_tokens: number }

export const price = z.union([z.literal('free'), row])

export type DeclaredPrice = z.infer<typeof price>
export type DeclaredRates = z.infer<typeof row>

function few<Schema extends z.ZodType<Record<string, unknown>>>(schema: Schema): Schema {
  return schema.refine((all) => Object.keys(all).length <= 16, 'has more than 16 entries')
}

function isWindow(written: string): boolean {
  const [, from, until] = /^((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d|24:00)$/.exec(written) ?? []
  return from !== undefined && from !== (until === '24:00' ? '00:00' : until)
}

/** Milliseconds since 1970; NaN when there is no such time. UTC, where it names no zone. */
function instantOf(written: string): number {
  const match = /^(\d{4}-\d{2}-(\d{2}))(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/.exec(written)
  const [, date = '', day, time, zone] = match ?? []
  // The 30th of February would be the 2nd of March.
  if (new Date(date).getUTCDate() !== Number(day)) return Number.NaN
  return Date.parse(time !== undefined && zone === undefined ? `${written}Z` : written)
}
