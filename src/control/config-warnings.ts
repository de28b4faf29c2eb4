// What of a routing config would not work with this instance as it is now. None of it is an error: a provider may come later.
import { vendorNamed, vendorOfKey, vendors } from '#catalog'
import { didYouMean, type RoutingConfig, type RoutingLeaf, type RoutingNode } from '#config'
import { nearestNames } from '#kernel'
import type { Plane } from './plane.ts'

/** More would not be read. */
const maxWarnings = 100

type Known = Pick<Plane, 'configured' | 'index'>

export function warningsOf(config: RoutingConfig, known: Known): readonly string[] {
  const all = [...config.warnings, ...config.notYet.map(notYet)]
  for (const leaf of leavesOf(config.root)) {
    const trouble = troubleOf(leaf, known)
    if (trouble !== undefined) all.push(`${leaf.path}${trouble}`)
    if (all.length > maxWarnings) return [...all.slice(0, maxWarnings), `There are more: only ${maxWarnings} are shown.`]
  }
  return all
}

function notYet(path: string): string {
  return `${path} is stored and not available yet: a request that would use it is refused.`
}

function* leavesOf(node: RoutingNode): Generator<RoutingLeaf> {
  if (node.kind === 'leaf') yield node
  else for (const target of node.targets) yield* leavesOf(target)
}

/** What follows the path in a sentence, such as `.provider is ...`; undefined: it could be asked. */
function troubleOf({ provider: name, apiKey, customHost, model }: RoutingLeaf, { configured, index }: Known): string | undefined {
  const { providers, snapshot } = configured()
  if (customHost !== undefined) return undefined
  if (name === undefined) {
    if (apiKey !== undefined)
      return vendorOfKey(apiKey) === undefined
        ? '.api_key does not look like one of a vendor that this version knows: name the provider, or the target is skipped.'
        : undefined
    return model === undefined || snapshot.configs.has(model) ? undefined : modelTrouble(model, model, index)
  }
  const vendor = vendorNamed(name)
  const known = snapshot.providers.get(name)
  const usable = known === undefined ? [...snapshot.providers.values()].filter((one) => one.vendor === vendor) : [known]
  if (usable.length === 0) {
    if (apiKey !== undefined && vendors.has(vendor)) return undefined
    const trouble = providers.get(name)?.trouble
    if (trouble !== undefined) return `.provider is ${JSON.stringify(name)}, which cannot be used now: ${trouble}`
    const near = didYouMean(nearestNames(name, providers.keys(), 1))
    return `.provider is ${JSON.stringify(name.slice(0, 100))}, and this instance has no such provider: the target is skipped until it has.${near}`
  }
  if (apiKey === undefined && usable.every(({ credentials, auth }) => auth !== 'none' && credentials.length === 0))
    return `.provider is ${JSON.stringify(name)}, which has no credential that can be used: the target is skipped until it has.`
  return model === undefined || known === undefined ? undefined : modelTrouble(model, `@${name}/${model}`, index)
}

function modelTrouble(model: string, asked: string, index: Known['index']): string | undefined {
  const found = index().resolve(asked)
  if (found.ok) return undefined
  if (found.kind === 'model_not_allowed')
    return `'s model is ${JSON.stringify(model.slice(0, 200))}, which the allow-list or deny-list of its provider excludes.`
  return `'s model is ${JSON.stringify(model.slice(0, 200))}, which no provider of this instance serves.${didYouMean(found.nearest)}`
}
