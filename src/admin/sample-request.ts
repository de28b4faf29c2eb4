// What dry runs and drills are asked about: a config, and a request that nobody sent.
import { ConfigError, parseRoutingConfig, type GatewayKey, type RoutingConfig } from '#config'
import type { Control } from '#control'
import { AdminFailure, wrongParameter } from './failure.ts'

/** May do everything, and is attached to nothing. */
export const anyKey: GatewayKey = { id: '', name: 'any', hash: '', streamUsage: 'always' }

export const defaultEndpoint = '/v1/chat/completions'

/** A config as it is written, or the slug of a stored one that can be used; undefined when there is neither. */
export function readConfig(control: Control, value: object | undefined, slug: string | undefined): RoutingConfig | string | undefined {
  if (value === undefined) {
    // What is wrong with the slug, or with the config that is stored under it, control says.
    const trouble = slug === undefined ? undefined : control.configs.get(slug).trouble
    if (trouble !== undefined) throw new AdminFailure(409, 'conflict', `The routing config ${slug} cannot be used: ${trouble}`, 'slug')
    return slug
  }
  try {
    return parseRoutingConfig(value, {})
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw wrongParameter(error.subject, error.message)
  }
}

export function findKey(control: Control, wanted: string | undefined): GatewayKey {
  if (wanted === undefined) return anyKey
  const current = [...control.snapshot().keys.values()].filter((key) => key.replaced === undefined)
  const found = current.find(({ id }) => id === wanted) ?? current.find(({ name, revoked }) => name === wanted && revoked === undefined)
  if (found !== undefined) return found
  throw wrongParameter('request.key', 'request.key is neither the id nor the name of a gateway key of this instance; leave it out for any.')
}

export function withLowerCaseNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
