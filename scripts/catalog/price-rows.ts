// The tables' rates -> the price of a catalog row: decimal text in USD per million tokens, with tiers, service tiers, regions and fees.

type Texts = Record<string, string>
type Tier = Record<string, string | number> & { above: number }
type Service = Record<string, string | Tier[]>

/** As `Rates` of src/ir/price.ts has it. */
export type PriceRow = Record<string, string | Texts | Tier[] | Record<string, Service>>

/** LiteLLM's names of rates, longest first where one begins with another. */
const litellmRates = [
  ['cache_creation_input_token_cost_above_1hr', 'cacheWrite1h'],
  ['cache_creation_input_token_cost', 'cacheWrite'],
  ['cache_read_input_token_cost', 'cacheRead'],
  ['input_cost_per_audio_token', 'inputAudio'],
  ['input_cost_per_image_token', 'inputImage'],
  ['input_cost_per_token', 'input'],
  ['output_cost_per_audio_token', 'outputAudio'],
  ['output_cost_per_image_token', 'outputImage'],
  ['output_cost_per_reasoning_token', 'reasoning'],
  ['output_cost_per_token', 'output'],
] as const
const litellmTiers: Readonly<Record<string, string>> = { batches: 'batch', flex: 'flex', priority: 'priority' }
const litellmSuffix = /^(?:_above_(\d+)k_tokens)?(?:_(batches|flex|priority))?$/

type Entry = Readonly<Record<string, unknown>>

/** What LiteLLM says a model costs; undefined: not input and output. */
export function litellmPrice(id: string, entry: Entry): PriceRow | undefined {
  const plain: Texts = {}
  const tiers = new Map<number, Texts>()
  const services = new Map<string, Texts & { tiers?: never }>()
  const serviceTiers = new Map<string, Map<number, Texts>>()
  for (const [key, value] of Object.entries(entry)) {
    const found = litellmRates.find(([name]) => key.startsWith(name))
    const suffix = found === undefined ? null : litellmSuffix.exec(key.slice(found[0].length))
    const rate = rateText(perMillion(value))
    if (found === undefined || suffix === null || rate === undefined) continue
    const [, thousands, word] = suffix
    const service = word === undefined ? undefined : litellmTiers[word]!
    const above = thousands === undefined ? undefined : Number(thousands) * 1000
    const rates =
      service === undefined
        ? above === undefined
          ? plain
          : in2(tiers, above)
        : above === undefined
          ? in2(services, service)
          : in2(in3(serviceTiers, service), above)
    rates[found[1]] = rate
  }
  const { input, output, cacheWrite1h, ...others } = plain
  if (input === undefined || output === undefined) return undefined
  // A row copied from a dearer model's (Claude 3 Haiku): an hour costs twice the input. Without it, that rule counts.
  const hour = cacheWrite1h === undefined || Number(cacheWrite1h) > 2.001 * Number(input) ? {} : { cacheWrite1h }
  const changes = new Map<string, Service>()
  for (const [service, rates] of services) {
    const own = tiersOf(serviceTiers.get(service) ?? new Map())
    if (isWhole(rates)) changes.set(service, { ...inOrder(rates), ...(own.length === 0 ? {} : { tiers: own }) })
  }
  // Anthropic's fast mode, and where it computed. https://platform.claude.com/docs/en/about-claude/pricing
  const specific = entry['provider_specific_entry']
  const times = (name: string): string | undefined =>
    typeof specific === 'object' && specific !== null && name in specific ? rateText((specific as Entry)[name]) : undefined
  const fast = times('fast')
  if (fast !== undefined) changes.set('fast', { multiplier: fast })
  const us = times('us')
  const calls = litellmCalls(id, entry)
  return {
    input,
    output,
    ...others,
    ...hour,
    ...(tiers.size === 0 || tiersOf(tiers).length === 0 ? {} : { tiers: tiersOf(tiers) }),
    ...(changes.size === 0 ? {} : { serviceTiers: Object.fromEntries(changes) }),
    ...(us === undefined ? {} : { regions: { us: { multiplier: us } } }),
    ...calls,
  }
}

/**
 * What the tables lack, by vendor: calls that cost alike whatever the model is. Searches are billed at OpenAI's newer tool's price
 * (https://platform.openai.com/docs/pricing, 2026-03); Anthropic's fetches have no fee (https://platform.claude.com/docs/en/about-claude/pricing).
 */
const vendorCalls: Readonly<Record<string, Texts>> = {
  openai: { web_search: '0.01', file_search: '0.0025' },
  azure: { web_search: '0.01', file_search: '0.0025' },
  anthropic: { web_search: '0.01', web_fetch: '0' },
}

/** The row with its vendor's fees for calls. */
export function withVendorCalls(vendor: string, price: PriceRow): PriceRow {
  const calls = vendorCalls[vendor]
  return calls === undefined ? price : { ...price, calls: { ...calls, ...(price['calls'] as Texts | undefined) } }
}

/** Searches, by how much they read where that makes a difference: of OpenAI's search models each request is one, of medium size unless it says other. */
function litellmCalls(id: string, entry: Entry): PriceRow {
  const bySize = entry['search_context_cost_per_query']
  const medium = typeof bySize === 'object' && bySize !== null ? (bySize as Entry)['search_context_size_medium'] : undefined
  const each = rateText(medium)
  if (each === undefined) return {}
  if (entry['litellm_provider'] !== 'openai') return { calls: { web_search: each } }
  // It says the same of models that don't search unless they have the tool.
  return id.includes('-search-') ? { request: each } : {}
}

/** models.dev's tiers: what the whole request costs above a size of its context. */
export function devTiers(tiers: unknown): { tiers?: Tier[] } {
  if (!Array.isArray(tiers)) return {}
  const rows = new Map<number, Texts>()
  for (const { tier, input, output, cache_read: cacheRead, cache_write: cacheWrite, input_audio: inputAudio } of tiers as Entry[]) {
    const above = (tier as Entry | undefined)?.['size']
    if (typeof above === 'number') rows.set(above, textsOf({ input, output, cacheRead, cacheWrite, inputAudio }))
  }
  const whole = tiersOf(rows)
  return whole.length === 0 ? {} : { tiers: whole }
}

/** The rates that are some, as text. A rate of 0 beside real ones is somebody's blank, too: left out, so that the dearer neighbour counts. */
export function textsOf(rates: Readonly<Record<string, unknown>>): Texts {
  const texts: Texts = {}
  for (const [name, rate] of Object.entries(rates)) {
    const text = rateText(rate)
    if (text !== undefined) texts[name] = text
  }
  return texts
}

/** A table's number as decimal text, without a float's noise; undefined where it is none, or 0. */
export function rateText(rate: unknown): string | undefined {
  const text =
    typeof rate === 'string'
      ? rate
      : typeof rate === 'number' && Number.isFinite(rate) && rate >= 0
        ? rate.toFixed(9).replace(/\.?0+$/, '')
        : ''
  return /^0*(\.0*)?$/.test(text) ? undefined : text
}

/** USD per token -> USD per million tokens. Tables write 1.25e-06; times a million in floats adds noise in the 16th digit, cut by `rateText`. */
export function perMillion(rate: unknown): number | undefined {
  return typeof rate === 'number' ? rate * 1e6 : undefined
}

function tiersOf(tiers: ReadonlyMap<number, Texts>): Tier[] {
  return [...tiers]
    .filter(([, rates]) => isWhole(rates))
    .toSorted(([a], [b]) => a - b)
    .map(([above, rates]) => ({ above, ...inOrder(rates) }))
}

function inOrder({ input = '', output = '', ...others }: Texts): Texts {
  return { input, output, ...others }
}

/** A table that has one of the two forgot the other. */
function isWhole(rates: Texts): boolean {
  return rates['input'] !== undefined && rates['output'] !== undefined
}

function in2<Key>(map: Map<Key, Texts>, key: Key): Texts {
  const known = map.get(key) ?? {}
  map.set(key, known)
  return known
}

function in3(map: Map<string, Map<number, Texts>>, key: string): Map<number, Texts> {
  const known = map.get(key) ?? new Map<number, Texts>()
  map.set(key, known)
  return known
}
