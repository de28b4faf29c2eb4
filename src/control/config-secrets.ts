// A config that was shown, edited and sent back has `[secret]` where its keys were: they stay what they are, if they go where they went.
import { isDeepStrictEqual } from 'node:util'
import { parseRoutingConfig, withoutSecrets, type RoutingLeaf, type RoutingNode } from '#config'
import { isObject, type JsonObject } from '#kernel'
import { Refusal } from './refusal.ts'

type Key = string | number

const maxMasks = 1000
/** What stands for a secret wherever a config is shown. */
const mask: unknown = withoutSecrets({ api_key: 'any' })['api_key']

/**
 * The config with its secrets filled in from the version before; `before` is asked only when that is needed, and undefined says that there is
 * none. Both can be parsed. Throws a `Refusal` for a mask that stands for nothing, or for a key that would now go to another place.
 */
export function withKeptSecrets(sent: JsonObject, before: () => JsonObject | undefined): JsonObject {
  const masked = secretMasksIn(sent)
  if (masked.length === 0) return sent
  if (masked.length > maxMasks) throw refusal(masked[maxMasks]!, `a config has at most ${maxMasks} of them`)
  const old = before()
  const shown = old === undefined ? undefined : withoutSecrets(old)
  const leavesNow = leavesOf(sent)
  const leavesBefore = old === undefined ? new Map<string, RoutingLeaf>() : leavesOf(old)
  const filled = structuredClone(sent)
  for (const keys of masked) {
    const secret = valueAt(old, keys)
    if (secret === undefined || valueAt(shown, keys) !== mask) throw refusal(keys, 'no key is stored in this place')
    if (!goesWhereItWent(keys)) throw refusal(keys, 'the stored one was given for another place')
    setAt(filled, keys, secret)
  }
  return filled

  /** A target's key goes to its provider, at its address; anything else stays within an object that says the same as before. */
  function goesWhereItWent(keys: readonly Key[]): boolean {
    const around = keys.slice(0, -1)
    const now = leavesNow.get(pathOf(around))
    const past = leavesBefore.get(pathOf(around))
    if (now !== undefined || past !== undefined) return now?.provider === past?.provider && now?.customHost === past?.customHost
    return isDeepStrictEqual(valueAt(sent, around), valueAt(shown, around))
  }
}

function refusal(keys: readonly Key[], why: string): Refusal {
  const path = pathOf(keys)
  return new Refusal(
    'invalid_request',
    `${path} is ${JSON.stringify(mask)}, which stands for a key that is not shown, and ${why}; send the key itself.`,
    path,
  )
}

/** Those in the place of a secret: what requests carry may be that text. */
function secretMasksIn(sent: JsonObject): (readonly Key[])[] {
  const found = [...masksIn(sent, [])]
  if (found.length === 0) return found
  const probe = structuredClone(sent)
  for (const keys of found) setAt(probe, keys, 'any')
  const shown = withoutSecrets(probe)
  return found.filter((keys) => valueAt(shown, keys) === mask)
}

function* masksIn(value: unknown, keys: readonly Key[]): Generator<readonly Key[]> {
  if (value === mask) yield keys
  else if (Array.isArray(value)) for (const [index, item] of value.entries()) yield* masksIn(item, [...keys, index])
  else if (isObject(value)) for (const [key, member] of Object.entries(value)) yield* masksIn(member, [...keys, key])
}

function leavesOf(config: JsonObject): ReadonlyMap<string, RoutingLeaf> {
  return new Map([...within(parseRoutingConfig(config).root)].map((leaf) => [leaf.path, leaf]))
}

function* within(node: RoutingNode): Generator<RoutingLeaf> {
  if (node.kind === 'leaf') yield node
  else for (const target of node.targets) yield* within(target)
}

/** As the parser calls it: `config.targets[1].api_key`. */
function pathOf(keys: readonly Key[]): string {
  return keys.reduce<string>((path, key) => (typeof key === 'number' ? `${path}[${key}]` : `${path}.${key}`), 'config')
}

function valueAt(value: unknown, keys: readonly Key[]): unknown {
  let at = value
  for (const key of keys) {
    if (typeof at !== 'object' || at === null) return undefined
    at = Object.getOwnPropertyDescriptor(at, key)?.value
  }
  return at
}

function setAt(root: JsonObject, keys: readonly Key[], value: unknown): void {
  const holder = valueAt(root, keys.slice(0, -1)) as Record<Key, unknown>
  holder[keys.at(-1)!] = value
}
