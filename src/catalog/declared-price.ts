// A price as it is declared -> the rates that prices are made of.
import type { DeclaredRates } from '#config'
import { priceOf, type Price, type Rates } from '#ir'

type Fields = NonNullable<DeclaredRates['tiers']>[number]
type FlatFields = Omit<Fields, 'above_input_tokens'>

/** `version` is what records name it by; undefined: it is 0 throughout. Throws RangeError on what the schema refuses. */
export function declaredPrice(version: string, declared: DeclaredRates): Price | undefined {
  return priceOf(version, ratesOf(declared))
}

function ratesOf(declared: DeclaredRates): Rates {
  return {
    ...rowOf(declared),
    periods: declared.periods?.map((one) => ({ from: one.from, until: one.until, multiplier: one.multiplier, ...rowOf(one) })),
  }
}

type Row = Omit<NonNullable<DeclaredRates['periods']>[number], 'from' | 'until'>

function rowOf(one: Row): Rates {
  return {
    ...flat(one),
    tiers: tiersOf(one.tiers),
    serviceTiers: mapped(one.service_tiers, (service) => ({
      multiplier: service.multiplier,
      ...flat(service),
      tiers: tiersOf(service.tiers),
    })),
    regions: mapped(one.regions, (region) => ({ multiplier: region.multiplier, ...flat(region) })),
    windows: one.windows?.map((window) => ({ utc: window.utc, days: window.days, multiplier: window.multiplier, ...flat(window) })),
  }
}

function tiersOf(declared: readonly Fields[] | undefined): Rates['tiers'] {
  return declared?.map((one) => ({ above: one.above_input_tokens, ...flat(one) }))
}

function flat(one: FlatFields): Omit<Rates, 'tiers' | 'serviceTiers' | 'regions' | 'windows' | 'periods'> {
  const calls = {
    ...one.calls_usd,
    ...(one.search_usd === undefined ? {} : { web_search: one.search_usd }),
    ...(one.image_usd === undefined ? {} : { image_generation: one.image_usd }),
  }
  return {
    input: one.input_per_million_usd,
    output: one.output_per_million_usd,
    cacheRead: one.cache_read_per_million_usd,
    cacheWrite: one.cache_write_5m_per_million_usd,
    cacheWrite1h: one.cache_write_1h_per_million_usd,
    reasoning: one.reasoning_per_million_usd,
    inputAudio: one.input_audio_per_million_usd,
    outputAudio: one.output_audio_per_million_usd,
    inputImage: one.input_image_per_million_usd,
    outputImage: one.output_image_per_million_usd,
    request: one.request_usd,
    ...(Object.keys(calls).length === 0 ? {} : { calls }),
  }
}

function mapped<From, To>(all: Readonly<Record<string, From>> | undefined, to: (one: From) => To): Record<string, To> | undefined {
  return all === undefined ? undefined : Object.fromEntries(Object.entries(all).map(([name, one]) => [name, to(one)]))
}
