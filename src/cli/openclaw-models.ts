// From what the instance serves to what OpenClaw lists: names to ask for, limits, prices, and which to take when nobody says.
import type { DeclaredRates } from '#config'
import type { ModelView, ProviderView } from '#control'
import type { JsonObject } from '#kernel'

/** A model under the name that OpenClaw asks for. */
export type Offer = {
  readonly name: string
  readonly model: ModelView
  /** Slugs, in the order they are tried. */
  readonly providers: readonly string[]
}

/**
 * Models for conversations, first choice first: by provider priority, then price, the dearest first, then name, the highest number first
 * (free ones as they are listed). A model has the name that it shares with other providers, so that each of them is tried.
 */
export function offersOf(models: readonly ModelView[], providers: readonly ProviderView[]): readonly Offer[] {
  const order = new Map(providers.toSorted((a, b) => a.priority - b.priority).map(({ slug }, place) => [slug, place]))
  const placeOf = (slug: string): number => order.get(slug) ?? order.size
  const simulated = new Set(providers.filter(({ origin }) => origin === 'built-in').map(({ slug }) => slug))
  const byName = new Map<string, { model: ModelView; providers: string[] }>()
  // The simulator's other models are faults to rehearse.
  const talking = models.filter((model) => isForTalk(model) && (!simulated.has(model.provider) || model.id === 'echo'))
  for (const model of talking.toSorted((a, b) => placeOf(a.provider) - placeOf(b.provider))) {
    const name = nameOf(model, order)
    const offer = byName.get(name)
    if (offer === undefined) byName.set(name, { model, providers: [model.provider] })
    else if (!offer.providers.includes(model.provider)) offer.providers.push(model.provider)
  }
  return [...byName]
    .map(([name, offer]) => ({ name, ...offer }))
    .sort((a, b) => {
      const difference = placeOf(a.providers[0]!) - placeOf(b.providers[0]!) || outputUsd(b) - outputUsd(a)
      return difference !== 0 || outputUsd(a) === 0 ? difference : b.name.localeCompare(a.name, 'en', { numeric: true })
    })
}

function isForTalk({ allowed, output_modalities: output, capabilities }: ModelView): boolean {
  return allowed && output.every((kind) => kind === 'text') && (capabilities.length === 0 || capabilities.includes('tools'))
}

function nameOf({ provider, id, canonical }: ModelView, slugs: ReadonlyMap<string, unknown>): string {
  // Without the canonical name's first part: that may be a provider's slug, and would then mean that provider alone.
  const shared = canonical === null ? id : canonical.slice(canonical.indexOf('/') + 1)
  return slugs.has(shared.slice(0, Math.max(shared.indexOf('/'), 0))) ? `${provider}/${id}` : shared
}

function outputUsd({ model: { price } }: Offer): number {
  return price === null || price === 'free' ? 0 : Number(price['output_per_million_usd'] ?? 0)
}

/** A primary that nobody chose costs no more than this for a million tokens of its answers. */
const usualOutputUsd = 15

/** The dearest of the usual price (price is the best hint at strength that every model has), else the first. */
export function usualPrimary(offers: readonly Offer[]): Offer | undefined {
  return offers.find((offer) => outputUsd(offer) > 0 && outputUsd(offer) <= usualOutputUsd) ?? offers[0]
}

/** The same of another provider, so that one company's bad hour leaves something; none when there is no other. */
export function usualFallback(offers: readonly Offer[], primary: Offer): Offer | undefined {
  const others = offers.filter(({ providers }) => !providers.some((slug) => primary.providers.includes(slug)))
  return others.length === 0 ? undefined : usualPrimary(others)
}

/** For a list: those of the usual price first, so that a cut at its end loses the unusual. */
export function usualFirst(offers: readonly Offer[]): readonly Offer[] {
  const isUsual = (offer: Offer): boolean => outputUsd(offer) <= usualOutputUsd
  return [...offers.filter(isUsual), ...offers.filter((offer) => !isUsual(offer))]
}

/** A row of `models.providers.<id>.models`. What is not known is left to OpenClaw's defaults. */
export function openClawModel({ name, model }: Offer): JsonObject {
  return {
    id: name,
    name: model.name ?? name,
    reasoning: model.capabilities.includes('reasoning'),
    input: ['text', ...(model.input_modalities.includes('image') ? ['image'] : [])],
    ...(model.context_window === null ? {} : { contextWindow: model.context_window }),
    ...(model.max_output_tokens === null ? {} : { maxTokens: model.max_output_tokens }),
    ...(model.price === null ? {} : { cost: costOf(model.price) }),
    compat: { supportsUsageInStreaming: true, supportsPromptCacheKey: true, sendSessionAffinityHeaders: true },
  }
}

/** USD for a million tokens, as numbers. A rate that is not written is the input's, as prices are written here. */
function costOf(price: 'free' | DeclaredRates): JsonObject {
  if (price === 'free') return { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }
  const rate = (
    name: 'input_per_million_usd' | 'output_per_million_usd' | 'cache_read_per_million_usd' | 'cache_write_5m_per_million_usd',
    otherwise: number,
  ): number => (price[name] === undefined ? otherwise : Number(price[name]))
  const input = rate('input_per_million_usd', 0)
  return {
    input,
    output: rate('output_per_million_usd', 0),
    cacheRead: rate('cache_read_per_million_usd', input),
    cacheWrite: rate('cache_write_5m_per_million_usd', input),
  }
}
