// A price as the admin API and `GET /v1/models` write it: the same fields that it can be set with.
import type { DeclaredRates } from '#config'
import { formatPicoUsd, formatUsdPerMillion, type Price, type PriceCase, type PriceRates, type PriceTime } from '#ir'

type Tier = NonNullable<DeclaredRates['tiers']>[number]
type Service = NonNullable<DeclaredRates['service_tiers']>[string]
type Region = NonNullable<DeclaredRates['regions']>[string]
type Window = NonNullable<DeclaredRates['windows']>[number]
type Period = NonNullable<DeclaredRates['periods']>[number]
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

/** Rates that the base rates already say are left out. What applies together is listed where it was told: not for a region in a service tier. */
export function listedPrice(price: Price): DeclaredRates {
  const { cases = [], times = [] } = price
  const windows = times.flatMap((time) => windowOf(time))
  const periods = times.filter(({ window }) => window === undefined).map(periodOf)
  return {
    ...listedRates(price),
    ...nonEmpty('tiers', tiersIn(cases, undefined)),
    ...nonEmpty('service_tiers', serviceTiersIn(cases)),
    ...nonEmpty('regions', regionsIn(cases)),
    ...nonEmpty('windows', windows),
    ...nonEmpty('periods', periods),
  }
}

function listedRates(
  price: PriceRates,
): Omit<Tier, 'above_input_tokens'> & { input_per_million_usd: string; output_per_million_usd: string } {
  const { web_search: search, image_generation: image, ...others } = price.calls ?? {}
  const calls = Object.fromEntries(Object.entries(others).map(([kind, each]) => [kind, formatPicoUsd(each)]))
  return {
    input_per_million_usd: formatUsdPerMillion(price.input),
    output_per_million_usd: formatUsdPerMillion(price.output),
    ...(price.cacheRead === price.input ? {} : { cache_read_per_million_usd: formatUsdPerMillion(price.cacheRead) }),
    ...(price.cacheWrite === price.input ? {} : { cache_write_5m_per_million_usd: formatUsdPerMillion(price.cacheWrite) }),
    ...(price.cacheWrite === price.input ? {} : { cache_write_1h_per_million_usd: formatUsdPerMillion(price.cacheWrite1h) }),
    ...(price.reasoning === price.output ? {} : { reasoning_per_million_usd: formatUsdPerMillion(price.reasoning) }),
    ...(price.inputAudio === price.input ? {} : { input_audio_per_million_usd: formatUsdPerMillion(price.inputAudio) }),
    ...(price.outputAudio === price.output ? {} : { output_audio_per_million_usd: formatUsdPerMillion(price.outputAudio) }),
    ...(price.inputImage === undefined ? {} : { input_image_per_million_usd: formatUsdPerMillion(price.inputImage) }),
    ...(price.outputImage === undefined ? {} : { output_image_per_million_usd: formatUsdPerMillion(price.outputImage) }),
    ...(price.request === 0n ? {} : { request_usd: formatPicoUsd(price.request) }),
    ...(search === undefined ? {} : { search_usd: formatPicoUsd(search) }),
    ...(image === undefined ? {} : { image_usd: formatPicoUsd(image) }),
    ...nonEmpty('calls_usd', calls),
  }
}

/** Fees are the plain row's where they are not said. */
function changedRates(price: PriceRates): Omit<Tier, 'above_input_tokens'> {
  const { request_usd: _, search_usd: __, image_usd: ___, calls_usd: ____, ...tokens } = listedRates(price)
  return tokens
}

function tiersIn(cases: readonly PriceCase[], serviceTier: string | undefined): Tier[] {
  return cases
    .filter((one) => one.aboveInput !== undefined && one.region === undefined && one.serviceTier === serviceTier)
    .map(({ aboveInput, price }) => ({ above_input_tokens: aboveInput!, ...changedRates(price) }))
    .toSorted((a, b) => a.above_input_tokens - b.above_input_tokens)
}

function serviceTiersIn(cases: readonly PriceCase[]): Record<string, Service> {
  const plain = cases.filter((one) => one.serviceTier !== undefined && one.aboveInput === undefined && one.region === undefined)
  return Object.fromEntries(
    plain.map(({ serviceTier, price }) => [serviceTier!, { ...changedRates(price), ...nonEmpty('tiers', tiersIn(cases, serviceTier)) }]),
  )
}

function regionsIn(cases: readonly PriceCase[]): Record<string, Region> {
  const plain = cases.filter((one) => one.region !== undefined && one.aboveInput === undefined && one.serviceTier === undefined)
  return Object.fromEntries(plain.map(({ region, price }) => [region!, changedRates(price)]))
}

function windowOf({ window, price }: PriceTime): Window[] {
  if (window === undefined) return []
  const { fromMinute, untilMinute, days } = window
  return [
    {
      utc: `${clock(fromMinute)}-${clock(untilMinute)}`,
      ...(days === undefined ? {} : { days: days.map((day) => dayNames[day]!) }),
      ...changedRates(price),
    },
  ]
}

function periodOf({ fromMs, untilMs, price }: PriceTime): Period {
  return {
    ...(fromMs === undefined ? {} : { from: new Date(fromMs).toISOString() }),
    ...(untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() }),
    ...listedPrice(price),
  }
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
}

function nonEmpty<Name extends string, All extends object>(name: Name, all: All): { [One in Name]?: All } {
  return (Object.keys(all).length === 0 ? {} : { [name]: all }) as { [One in Name]?: All }
}
