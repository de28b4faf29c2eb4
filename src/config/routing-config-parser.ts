// From a config as it was written (ours, or in one of the forms that Portkey publishes) to a frozen RoutingConfig with everything that is
// inherited in its leaves.
import { createHash } from 'node:crypto'
import { Failure, isObject, parseBody, type JsonObject } from '#kernel'
import { ConfigError } from './config-error.ts'
import type { RoutingConfig, RoutingGroup, RoutingLeaf, RoutingNode } from './routing-config.ts'
import { accountKeys, accountReason, guardrailKeys, honouredKeys, ignoredKeys, knownKeys } from './routing-config-keys.ts'
import { one } from './routing-config-rules.ts'
import { nothingInherited, ownSettings, type Inherited } from './routing-config-settings.ts'
import { refuseUnreadable } from './routing-config-shape.ts'
import { strategyIn, strategyOf, type Strategy } from './routing-config-strategy.ts'
import {
  fault,
  flagIn,
  given,
  kindOf,
  listIn,
  membersOf,
  quoted,
  textIn,
  weightIn,
  type Members,
  type Remarks,
  type Written,
} from './routing-config-values.ts'

/** Of a config that comes as text; headers are smaller anyway. */
const mostTextBytes = 262_144
const mostTargets = 1000
const maxNameCharacters = 256
const fallbackKeys: ReadonlySet<string> = new Set(['targets', 'on_status_codes'])
/** A header's name may be in any case. */
const saidOnce = honouredKeys.filter((key) => key !== 'authorization')

type Known = { readonly slug?: string; readonly version?: number }

/** Throws ConfigError: its subject is the path of what is wrong (`config.targets[1].retry.attempts`), its message one sentence without secrets. */
export function parseRoutingConfig(value: unknown, known: Known = {}): RoutingConfig {
  refuseUnreadable(value)
  const parsing: Remarks = { warnings: [], notYet: [], targets: 0, patterns: 0, programs: 0 }
  const root = nodeIn({ path: 'config', value }, nothingInherited, parsing)
  const { notYet, warnings } = parsing
  return frozen({ ...known, root, fingerprint: fingerprintOf([root, notYet]), notYet, warnings: [...new Set(warnings)] })
}

/** The same for JSON text, such as a header's. */
export function parseRoutingConfigText(text: string, known: Known = {}): RoutingConfig {
  const bytes = Buffer.from(text)
  if (bytes.length > mostTextBytes) throw fault('config', `has ${bytes.length} bytes, and at most ${mostTextBytes} are allowed.`)
  let value: JsonObject
  try {
    value = parseBody(bytes, 0, bytes.length, saidOnce)
  } catch (error) {
    if (error instanceof Failure)
      throw new ConfigError('config', error.message.replaceAll('The body', 'The config').replace('in the body', 'in the config'))
    throw error
  }
  return parseRoutingConfig(value, known)
}

/** `names`: of the targets of a `conditional`, where an `id` names a target as well; undefined: of anything else. */
function nodeIn(written: Written, inherited: Inherited, parsing: Remarks, names?: ReadonlySet<unknown>): RoutingNode {
  const { path } = written
  if (++parsing.targets > mostTargets + 1) throw fault(path, `is one target too many: a config has at most ${mostTargets}.`)
  const members = inFull(membersOf(written, knownKeys, accountKeys))
  const id = names === undefined || members.has('name') ? undefined : idIn(members, names)
  remark(members, id, parsing)
  const name = members.get('name') ?? id
  const weight = members.get('weight')
  const placed = {
    path,
    ...(name === undefined ? {} : { name: textIn(name, maxNameCharacters) }),
    weight: weight === undefined ? 1 : weightIn(weight),
  }
  const said = strategyIn(members, path, parsing)
  const own = ownSettings(members, said.breaker, inherited, parsing)
  const targets = targetsOf(members)
  if (targets === undefined) {
    if (said.mode !== undefined && said.mode !== 'single')
      throw fault(`${path}.targets`, `is missing: ${said.written.path} is ${quoted(String(said.written.value))}, which is about targets.`)
    return leafOf(placed, members, own, inherited, parsing)
  }
  return groupOf(placed, members, targets, said, own, parsing)
}

/** Portkey ignores an `id`: what could not be a name, or is another target's, is ignored here, too. */
function idIn(members: Members, names: ReadonlySet<unknown>): Written | undefined {
  const id = members.get('id')
  return typeof id?.value !== 'string' || id.value === '' || id.value.length > maxNameCharacters || names.has(id.value) ? undefined : id
}

/** What is known, and not there yet or not ours. */
function remark(members: Members, named: Written | undefined, { warnings, notYet }: Remarks): void {
  for (const key of guardrailKeys) {
    const written = members.get(key)
    if (written === undefined) continue
    if (key === 'guardrails' && isObject(written.value)) {
      if (Object.keys(written.value).length > 0) notYet.push(written.path)
      continue
    }
    if (!Array.isArray(written.value)) throw fault(written.path, `is ${kindOf(written.value)}, which is not a list.`)
    for (const item of listIn(written)) {
      if (typeof item.value !== 'string' && !isObject(item.value))
        throw fault(item.path, `is ${kindOf(item.value)}, which is neither a name nor an object.`)
    }
    if (written.value.length > 0) notYet.push(written.path)
  }
  for (const [key, written] of members) {
    const { path } = written
    if (written === named) continue
    const reason = ignoredKeys.get(key) ?? (accountKeys.test(key) ? accountReason : undefined)
    if (reason !== undefined) warnings.push(`${path} does nothing: ${reason}.`)
  }
}

/** `"fallback": {"targets": [...]}` of Portkey's guides is a strategy and its targets. */
function inFull(members: Members): Members {
  const short = members.get('fallback')
  if (short === undefined) return members
  const full = new Map(members)
  full.delete('fallback')
  full.set('mode', { path: short.path, value: 'fallback' })
  const said = membersOf(short, fallbackKeys)
  if (!said.has('targets')) throw fault(`${short.path}.targets`, 'is missing.')
  for (const [key, written] of said) full.set(key, written)
  for (const key of ['strategy', 'mode', 'targets', 'options', 'on_status_codes']) {
    const other = members.get(key)
    if (other !== undefined) throw fault(other.path, `says the same as ${short.path}; keep one of them.`)
  }
  return full
}

function targetsOf(members: Members): Written | undefined {
  const written = one(members, 'targets', 'options')
  if (written !== undefined && listIn(written).length === 0) throw fault(written.path, 'is empty: it needs at least one target.')
  return written
}

type Placed = Pick<RoutingLeaf, 'path' | 'name' | 'weight'>

const ofLeavesOnly = ['provider', 'virtual_key', 'api_key', 'authorization', 'passthrough'] as const

function groupOf(placed: Placed, members: Members, written: Written, said: Strategy, own: Inherited, parsing: Remarks): RoutingGroup {
  for (const key of ofLeavesOnly) {
    const useless = members.get(key)
    if (useless !== undefined) parsing.warnings.push(`${useless.path} does nothing beside ${written.path}: each target names its own.`)
  }
  const list = listIn(written)
  if (said.mode === 'single' && list.length > 1)
    parsing.warnings.push(`${written.path} has ${list.length} targets, and only the first counts where the mode is "single".`)
  const names = said.mode === 'conditional' ? new Set(list.map(({ value }) => (isObject(value) ? value['name'] : undefined))) : undefined
  const targets = (said.mode === 'single' ? list.slice(0, 1) : list).map((target) => nodeIn(target, own, parsing, names))
  return { kind: 'group', ...placed, strategy: strategyOf(members, written, said, targets, parsing), targets }
}

function leafOf(placed: Placed, members: Members, own: Inherited, inherited: Inherited, { warnings }: Remarks): RoutingLeaf {
  const codes = members.get('on_status_codes')
  if (codes !== undefined) warnings.push(`${codes.path} does nothing here: it belongs to the strategy of the targets around it.`)
  const { provider, model } = namesOf(placed, members, own, inherited, warnings)
  const passthrough = members.get('passthrough')
  const passes = passthrough !== undefined && flagIn(passthrough)
  if (passes && provider !== undefined)
    warnings.push(`${passthrough.path} does nothing: the target names its provider, ${quoted(provider)}.`)
  const apiKey = keyIn(members)
  if (own.customHost !== undefined && apiKey === undefined)
    warnings.push(
      `${placed.path} has a custom_host and no api_key: it is asked without a key, since a provider's own is never sent to another address.`,
    )
  const { overrides, defaults, dropped, timeouts, requestTimeoutMs, retry, cache, breaker, customHost, forwardHeaders } = own
  const totalMs = timeouts.totalMs ?? requestTimeoutMs
  return {
    kind: 'leaf',
    ...placed,
    ...given('provider', provider),
    ...(passes && provider === undefined ? { followsRequest: true } : {}),
    ...given('apiKey', apiKey),
    ...given('customHost', customHost),
    ...given('forwardHeaders', forwardHeaders),
    ...given('model', model),
    defaultParams: defaults,
    overrideParams: overrides,
    dropParams: dropped,
    ...given('retry', retry),
    ...given('cache', cache),
    timeouts: { ...timeouts, ...given('totalMs', totalMs) },
    ...given('breaker', breaker),
  }
}

/** Vendors' own ids begin like a provider's slug: Cloudflare's, and OpenRouter's presets. */
const ownPrefixes: ReadonlySet<string> = new Set(['cf', 'hf', 'preset'])

function namesOf({ path }: Placed, members: Members, own: Inherited, inherited: Inherited, warnings: string[]) {
  const virtual = members.get('virtual_key')
  const named = virtual ?? members.get('provider')
  const provider = named === undefined ? undefined : slugIn(named, virtual === undefined)
  const { model } = own
  const [, slug, id] = /^@([^/]+)\/(.+)$/.exec(model ?? '') ?? []
  if (slug === undefined) return { provider, model }
  if (named === undefined || provider === slug) return { provider: slug, model: id }
  if (ownPrefixes.has(slug) || model === inherited.model) return { provider, model }
  // Without an @ it is Portkey's name of a vendor, and the model names the account. A key of the config's own stays with its vendor.
  if (virtual === undefined && keyIn(members) === undefined && !String(named.value).trim().startsWith('@')) {
    warnings.push(`${named.path} does nothing: the model names its provider, ${quoted(slug)}.`)
    return { provider: slug, model: id }
  }
  warnings.push(`${path} asks the provider ${quoted(provider!)} for a model of another, ${quoted(model!)}.`)
  return { provider, model }
}

function slugIn(written: Written, mayNameModel: boolean): string {
  const text = textIn(written, 256).trim().replace(/^@/, '')
  const slash = mayNameModel ? text.indexOf('/') : -1
  const slug = slash < 0 ? text : text.slice(0, slash)
  if (slug === '') throw fault(written.path, 'names no provider after the @.')
  return slug
}

function keyIn(members: Members): string | undefined {
  const key = members.get('api_key')
  if (key !== undefined) return textIn(key, 100_000)
  const header = members.get('authorization')
  return header === undefined ? undefined : textIn(header, 100_000).replace(/^Bearer\s+/i, '')
}

/** Sets are lists, and functions say nothing that their source doesn't. */
function fingerprintOf(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (part instanceof Set) return [...(part as ReadonlySet<number>)].toSorted((a, b) => a - b)
    return isObject(part) ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1))) : part
  })
  return createHash('sha256').update(text).digest('base64url').slice(0, 24)
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  if (!(value instanceof Set)) for (const part of Object.values(value)) frozen(part)
  return Object.freeze(value)
}
