// What of a routing config would not work with this instance as it is now. None of it is an error: a provider may come later.
import { vendorNamed, vendorOfKey, vendors } from '#catalog'
import { didYouMean, type Condition, type RoutingConfig, type RoutingGroup, type RoutingLeaf, type RoutingNode } from '#config'
import { nearestNames } from '#kernel'
import { visibleHeaders } from '#routing'
import type { Plane } from './plane.ts'

/** More would not be read. */
const maxWarnings = 100

type Known = Pick<Plane, 'configured' | 'index'>

export function warningsOf(config: RoutingConfig, known: Known): readonly string[] {
  const all = [...config.warnings, ...config.notYet.map(notYet)]
  for (const node of nodesOf(config.root)) {
    if (node.kind === 'group') all.push(...new Set(fieldsOf(node.strategy).flatMap((field) => unseen(field, node.path, known) ?? [])))
    const trouble = node.kind === 'leaf' ? troubleOf(node, known) : undefined
    if (trouble !== undefined) all.push(`${node.path}${trouble}`)
    if (all.length > maxWarnings) return [...all.slice(0, maxWarnings), `There are more: only ${maxWarnings} are shown.`]
  }
  return all
}

function notYet(path: string): string {
  return `${path} is stored and not available yet: a request that would use it is refused.`
}

function* nodesOf(node: RoutingNode): Generator<RoutingNode> {
  yield node
  if (node.kind === 'group') for (const target of node.targets) yield* nodesOf(target)
}

/** What a strategy looks at. */
function fieldsOf(strategy: RoutingGroup['strategy']): readonly string[] {
  if (strategy.mode === 'conditional') return strategy.conditions.flatMap(({ query }) => pathsIn(query))
  return strategy.mode === 'loadbalance' && strategy.sticky !== false ? (strategy.sticky?.hashFields ?? []) : []
}

function pathsIn(condition: Condition): readonly string[] {
  if ('path' in condition) return [condition.path]
  return condition.op === 'not' ? pathsIn(condition.of) : condition.of.flatMap(pathsIn)
}

/** A field that is missing of every request, which conditions take for granted. */
function unseen(field: string, path: string, { configured }: Known): string | undefined {
  const [root, ...names] = field.split('.')
  const name = names.join('.')
  if (root === 'headers' && !visibleHeaders.has(name.toLowerCase()))
    return `${path}.strategy asks for ${JSON.stringify(field)}, which is missing to it in every request: conditions see only headers that are known to carry no secret. Send it as metadata.`
  const slug = name.slice(0, Math.max(name.lastIndexOf('.'), 0))
  const { providers } = configured().snapshot
  if (root !== 'provider' || providers.has(slug)) return undefined
  return `${path}.strategy asks for ${JSON.stringify(field)}, and this instance has no such provider: the field is missing until it has.${didYouMean(nearestNames(slug, providers.keys(), 1))}`
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
