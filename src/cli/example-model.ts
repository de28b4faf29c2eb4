// The model of the `curl` that `up` prints: one that will answer, and cheaply.
import type { ModelEntry, Provider, Snapshot } from '#config'

/**
 * `provider/model`: the cheapest model for conversations of the first provider that has one for certain, else the simulator's echo.
 * undefined: no provider's models are known.
 */
export function exampleModel(snapshot: Snapshot): string | undefined {
  const providers = [...snapshot.providers.values()].sort((a, b) => a.priority - b.priority)
  for (const provider of providers.filter(({ simulated }) => !simulated)) {
    const cheapest = [...provider.models.values()].filter((model) => isForTalk(model) && isAllowed(provider, model.id)).sort(byPrice)[0]
    if (cheapest !== undefined) return `${provider.slug}/${cheapest.id}`
    // A server of one's own: what it can is known to nobody here, but it was declared to be asked.
    const own = [...provider.models.values()].find((model) => isUnknown(model) && isAllowed(provider, model.id))
    if (own !== undefined) return `${provider.slug}/${own.id}`
    const [first] = provider.allow?.filter((id) => !id.includes('*')) ?? []
    if (first !== undefined && isAllowed(provider, first)) return `${provider.slug}/${first}`
  }
  const sim = providers.find(({ simulated }) => simulated)
  return sim === undefined ? undefined : `${sim.slug}/echo`
}

/** Tools and text: what embedding, speech and image models lack. */
function isForTalk({ capabilities, outputModalities, price }: ModelEntry): boolean {
  return price !== undefined && capabilities?.includes('tools') === true && outputModalities?.every((kind) => kind === 'text') !== false
}

function isUnknown({ capabilities, outputModalities }: ModelEntry): boolean {
  return capabilities === undefined && outputModalities === undefined
}

/** Patterns are not tried: whatever one might exclude is left out. */
function isAllowed({ allow, deny }: Provider, id: string): boolean {
  if (deny?.some((pattern) => pattern === id || pattern.includes('*')) === true) return false
  return allow === undefined || allow.includes(id)
}

function byPrice(a: ModelEntry, b: ModelEntry): number {
  const difference = a.price!.input + a.price!.output - (b.price!.input + b.price!.output)
  return difference === 0n ? a.id.length - b.id.length : difference < 0n ? -1 : 1
}
