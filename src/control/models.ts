// Models as the instance knows them, and prices of its own for them.
import { createGlob, listedPrice } from '#catalog'
import { bodySchemas, type ModelEntry } from '#config'
import type { ConfiguredProvider } from './assembly.ts'
import { checked, timeText } from './bodies.ts'
import type { Plane } from './plane.ts'
import type { Control, ModelView, PriceView } from './port.ts'
import { unknownProvider } from './providers.ts'
import { Refusal } from './refusal.ts'
import { priceName } from './state.ts'

export function createModels(plane: Plane): Control['models'] {
  function find(slug: string): ConfiguredProvider {
    const found = plane.configured().providers.get(slug)
    if (found === undefined) throw unknownProvider(plane, slug)
    return found
  }

  function* rowsOf({ slug, wanted, provider }: ConfiguredProvider, query: string): Generator<ModelView> {
    if (provider === undefined) return
    const allow = provider.allow?.map(createGlob)
    const deny = provider.deny?.map(createGlob)
    const priced = new Set((wanted.models?.custom ?? []).filter(({ price }) => price !== undefined).map(({ id }) => id))
    for (const model of provider.models.values()) {
      const { id, canonical, name } = model
      if (query !== '' && ![id, canonical, name].some((text) => text?.toLowerCase().includes(query) === true)) continue
      const price = priceView(model)
      yield {
        provider: slug,
        id,
        canonical: canonical ?? null,
        name: name ?? null,
        context_window: model.contextWindow ?? null,
        max_output_tokens: model.maxOutputTokens ?? null,
        input_modalities: model.inputModalities ?? [],
        output_modalities: model.outputModalities ?? [],
        capabilities: model.capabilities ?? [],
        price,
        price_source:
          price === null ? null : plane.stored().prices.has(priceName(slug, id)) ? 'override' : priced.has(id) ? 'custom' : 'catalog',
        allowed: (allow === undefined || allow.some((matches) => matches(id))) && !(deny?.some((matches) => matches(id)) ?? false),
      }
    }
  }

  /** What the file says about a model's price stays the file's. */
  function refuseDeclared(slug: string, model: string): void {
    const custom = plane.declared.providers.get(slug)?.models?.custom?.find(({ id }) => id === model)
    if (custom?.price !== undefined)
      throw new Refusal(
        'read_only',
        `The price of ${slug}/${model} is declared in ${plane.fileName}; change it there, and have it read again (SIGHUP).`,
      )
  }

  return {
    list({ provider, q = '' }) {
      const shown = provider === undefined ? [...plane.configured().providers.values()] : [find(provider)]
      return shown.flatMap((one) => [...rowsOf(one, q.trim().toLowerCase())])
    },
    async putPrice(provider, model, body, actor) {
      checked(bodySchemas.modelName, model, 'model')
      const { price: sent } = checked(bodySchemas.price, body)
      // As it is stored and shown: what was left out is not there, at any depth.
      const price = sent === 'free' ? sent : (JSON.parse(JSON.stringify(sent)) as typeof sent)
      return plane.write(actor, (nowMs) => {
        find(provider)
        refuseDeclared(provider, model)
        return {
          changes: [{ put: 'price', price: { provider, model, price, updatedAtMs: nowMs } }],
          action: 'price.put',
          target: `${provider}/${model}`,
          detail: { price },
          result: (): PriceView => ({ provider, model, price, updated_at: timeText(nowMs)! }),
        }
      })
    },
    async removePrice(provider, model, actor) {
      await plane.write(actor, () => {
        find(provider)
        refuseDeclared(provider, model)
        if (!plane.stored().prices.has(priceName(provider, model)))
          throw new Refusal(
            'not_found',
            `${provider}/${model.slice(0, 256)} has no price of its own here; what it has is the catalog's or its custom model's.`,
          )
        return {
          changes: [{ remove: 'price', provider, model }],
          action: 'price.delete',
          target: `${provider}/${model}`,
          detail: {},
          result: () => undefined,
        }
      })
    },
  }
}

function priceView(model: ModelEntry): ModelView['price'] {
  if (model.free === true) return 'free'
  return model.price === undefined ? null : listedPrice(model.price)
}
