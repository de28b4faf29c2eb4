// The snapshot of an instance from its parts.
import type { Declared, DeclaredBudget, GatewayKey, Owner, OwnerBody, Provider, RoutingConfig, Snapshot } from '#config'
import { declaredKeys } from './gateway-keys.ts'
import { budgetRules, limitsOf } from './limit-rules.ts'

type Owners = ReadonlyMap<string, Owner>

/** Keys of the file and stored ones are equal; one that is in both is the file's, and so is an alias. */
export function buildSnapshot(from: {
  readonly version: number
  readonly declared: Declared
  readonly storedKeys: readonly GatewayKey[]
  readonly storedAliases?: ReadonlyMap<string, string>
  readonly providers: readonly Provider[]
  readonly configs?: ReadonlyMap<string, RoutingConfig>
  readonly brokenConfigs?: ReadonlyMap<string, string>
  /** By id. */
  readonly users?: ReadonlyMap<string, OwnerBody>
  readonly teams?: ReadonlyMap<string, OwnerBody>
  readonly budgets?: readonly DeclaredBudget[]
  readonly timeZone?: string
}): Snapshot {
  const users = ownersOf(from.users)
  const teams = ownersOf(from.teams)
  const keys = new Map<string, GatewayKey>()
  for (const key of [...from.storedKeys, ...declaredKeys(from.declared)]) keys.set(key.hash, attached(key, users))
  const providers = new Map(from.providers.map((provider) => [provider.slug, provider]))
  const aliases = new Map([...(from.storedAliases ?? []), ...from.declared.aliases])
  const { version, configs = new Map<string, RoutingConfig>(), brokenConfigs = new Map<string, string>() } = from
  const { timeZone = 'UTC' } = from
  const budgets = budgetRules(from.budgets ?? [])
  return Object.freeze({ version, keys, providers, aliases, configs, brokenConfigs, users, teams, budgets, timeZone })
}

function ownersOf(bodies: ReadonlyMap<string, OwnerBody> = new Map()): Owners {
  return new Map([...bodies].map(([id, body]) => [id, ownerOf(id, body)]))
}

function ownerOf(id: string, body: OwnerBody): Owner {
  return {
    id,
    name: body.name,
    ...(body.team === undefined ? {} : { teamId: body.team }),
    ...limitsOf(body),
    ...(body.prepaid === true ? { prepaid: true } : {}),
  }
}

/** A `user` that is the id of no user is a label. */
function attached(key: GatewayKey, users: Owners): GatewayKey {
  if (key.userId === undefined || users.has(key.userId)) return key
  const { userId: _, ...rest } = key
  return rest
}
