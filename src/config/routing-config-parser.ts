// From a config as it was written (ours, or in one of the forms that Portkey publishes) to a frozen RoutingConfig with everything that is
// inherited in its leaves.
import { createHash } from 'node:crypto'
import { Failure, isObject, nearestNames, parseBody, type JsonObject } from '#kernel'
import { ConfigError, didYouMean } from './config-error.ts'
import type {
  BreakerRule,
  CacheRule,
  LoadBalanceBy,
  RetryRule,
  RoutingConfig,
  RoutingGroup,
  RoutingLeaf,
  RoutingNode,
  RoutingStrategy,
  RoutingTimeouts,
  Stickiness,
} from './routing-config.ts'
import { conditionIn } from './routing-config-conditions.ts'
import { accountKeys, accountReason, guardrailKeys, honouredKeys, ignoredKeys, knownKeys, strategyKeys } from './routing-config-keys.ts'
import {
  breakerIn,
  cacheIn,
  codesUnlessEmpty,
  portkeyBreakerIn,
  requestTimeoutIn,
  retryIn,
  stickyIn,
  timeoutsIn,
  type Remarks,
} from './routing-config-rules.ts'
import { refuseUnreadable } from './routing-config-shape.ts'
import {
  copiedObject,
  fault,
  kindOf,
  listIn,
  membersOf,
  numberIn,
  quoted,
  textIn,
  textsIn,
  wordIn,
  type Written,
} from './routing-config-values.ts'

/** Of a config that comes as text; headers are smaller anyway. */
const mostTextBytes = 262_144
const mostTargets = 1000

type Members = ReadonlyMap<string, Written>
type Known = { readonly slug?: string; readonly version?: number }

/** What a target has from the configs around it. */
type Inherited = {
  readonly overrides: JsonObject
  readonly defaults: JsonObject
  readonly dropped: readonly string[]
  readonly model?: string
  readonly retry?: RetryRule
  readonly cache?: CacheRule
  readonly timeouts: RoutingTimeouts
  readonly requestTimeoutMs?: number
  readonly breaker?: BreakerRule
  readonly customHost?: string
}

type Parsing = Remarks & { targets: number }

/** Throws ConfigError: its subject is the path of what is wrong (`config.targets[1].retry.attempts`), its message one sentence without secrets. */
export function parseRoutingConfig(value: unknown, known: Known = {}): RoutingConfig {
  refuseUnreadable(value)
  const parsing: Parsing = { warnings: [], notYet: [], targets: 0 }
  const root = nodeIn({ path: 'config', value }, { overrides: {}, defaults: {}, dropped: [], timeouts: {} }, parsing)
  const { notYet, warnings } = parsing
  return frozen({ ...known, root, fingerprint: fingerprintOf([root, notYet]), notYet, warnings: [...new Set(warnings)] })
}

/** The same for JSON text, such as a header's. */
export function parseRoutingConfigText(text: string, known: Known = {}): RoutingConfig {
  const bytes = Buffer.from(text)
  if (bytes.length > mostTextBytes) throw fault('config', `has ${bytes.length} bytes, and at most ${mostTextBytes} are allowed.`)
  let value: JsonObject
  try {
    value = parseBody(bytes, 0, bytes.length, honouredKeys)
  } catch (error) {
    if (error instanceof Failure)
      throw new ConfigError('config', error.message.replaceAll('The body', 'The config').replace('in the body', 'in the config'))
    throw error
  }
  return parseRoutingConfig(value, known)
}

function nodeIn(written: Written, inherited: Inherited, parsing: Parsing): RoutingNode {
  const { path } = written
  if (++parsing.targets > mostTargets + 1) throw fault(path, `is one target too many: a config has at most ${mostTargets}.`)
  const members = membersOf(written, knownKeys, accountKeys)
  remark(members, parsing)
  const name = members.get('name')
  const weight = members.get('weight')
  const placed = {
    path,
    ...(name === undefined ? {} : { name: textIn(name, 256) }),
    weight: weight === undefined ? 1 : numberIn(weight, 0, Number.MAX_VALUE),
  }
  const said = strategyIn(members, parsing)
  const own = ownSettings(members, said.breaker, inherited, parsing)
  const targets = targetsOf(members)
  if (targets === undefined) {
    if (said.mode !== undefined && said.mode.word !== 'single')
      throw fault(`${path}.targets`, `is missing: ${said.mode.path} is ${quoted(said.mode.word)}, which is about targets.`)
    return leafOf(placed, members, own, inherited, parsing)
  }
  return groupOf(placed, members, targets, said, own, parsing)
}

/** What is known, and not there yet or not ours. */
function remark(members: Members, { warnings, notYet }: Remarks): void {
  for (const key of guardrailKeys) {
    const written = members.get(key)
    if (written === undefined) continue
    if (!Array.isArray(written.value)) throw fault(written.path, `is ${kindOf(written.value)}, which is not a list.`)
    for (const item of listIn(written)) {
      if (typeof item.value !== 'string' && !isObject(item.value))
        throw fault(item.path, `is ${kindOf(item.value)}, which is neither a name nor an object.`)
    }
    if (written.value.length > 0) notYet.push(written.path)
  }
  for (const [key, { path }] of members) {
    const reason = ignoredKeys.get(key) ?? (accountKeys.test(key) ? accountReason : undefined)
    if (reason !== undefined) warnings.push(`${path} does nothing: ${reason}.`)
  }
}

function targetsOf(members: Members): Written | undefined {
  const targets = members.get('targets')
  const options = members.get('options')
  if (targets !== undefined && options !== undefined) throw fault(options.path, `says the same as ${targets.path}; keep one of them.`)
  const written = targets ?? options
  if (written !== undefined && listIn(written).length === 0) throw fault(written.path, 'is empty: it needs at least one target.')
  return written
}

const modes = ['single', 'fallback', 'loadbalance', 'conditional'] as const
/** Portkey's first configs had these at the top; an A/B test balances by weight. */
const firstModes = [...modes, 'ab_test', 'proxy'] as const
type Mode = (typeof modes)[number]

type Strategy = {
  /** undefined: none is said. */
  readonly mode: { readonly word: Mode; readonly path: string } | undefined
  readonly members: Members
  readonly breaker: BreakerRule | undefined
}

function strategyIn(members: Members, parsing: Parsing): Strategy {
  const written = members.get('strategy')
  const first = members.get('mode')
  if (written === undefined) {
    const word = first === undefined ? undefined : wordIn(first, firstModes)
    const meant = word === 'ab_test' ? 'loadbalance' : word === 'proxy' ? 'single' : word
    return { mode: meant === undefined ? undefined : { word: meant, path: first!.path }, members: new Map(), breaker: undefined }
  }
  if (first !== undefined) throw fault(first.path, `says the same as ${written.path}.mode; keep one of them.`)
  if (typeof written.value === 'string') throw fault(written.path, 'is a string, which is not an object such as {"mode": "fallback"}.')
  const said = membersOf(written, strategyKeys)
  const mode = said.get('mode')
  return {
    mode: mode === undefined ? undefined : { word: wordIn(mode, modes), path: mode.path },
    members: said,
    breaker: breakerOf(said, parsing),
  }
}

function breakerOf(members: Members, parsing: Parsing): BreakerRule | undefined {
  const ours = members.get('breaker')
  const theirs = members.get('cb_config')
  if (ours !== undefined && theirs !== undefined) throw fault(theirs.path, `says the same as ${ours.path}; keep one of them.`)
  if (ours !== undefined) return breakerIn(ours, parsing)
  return theirs === undefined ? undefined : portkeyBreakerIn(theirs, parsing)
}

/** `override_params`, `default_params` and `drop_params` are added to what is inherited; everything else replaces it. */
function ownSettings(members: Members, strategyBreaker: BreakerRule | undefined, inherited: Inherited, parsing: Parsing): Inherited {
  const params = (key: string) => {
    const written = members.get(key)
    return written === undefined ? {} : withoutStream(written, copiedObject(written), parsing)
  }
  const { model: overridden, ...overrides } = params('override_params')
  const { model: byDefault, ...defaults } = params('default_params')
  if (byDefault !== undefined)
    parsing.warnings.push(`${members.get('default_params')!.path}.model does nothing: every request names a model.`)
  const plain = members.get('model')
  if (plain !== undefined && overridden !== undefined && plain.value !== overridden)
    parsing.warnings.push(`${plain.path} does nothing: override_params.model is another model.`)
  const named = overridden === undefined ? plain : { path: `${members.get('override_params')!.path}.model`, value: overridden }
  const model = named === undefined ? inherited.model : textIn(named, 256)
  const retry = members.has('retry') ? retryIn(members.get('retry')!, parsing) : inherited.retry
  const cache = members.has('cache') ? cacheIn(members.get('cache')!, parsing) : inherited.cache
  const { timeouts, requestTimeoutMs } = timesIn(members, inherited, parsing)
  const breaker = breakerOf(members, parsing)
  if (breaker !== undefined && strategyBreaker !== undefined)
    parsing.warnings.push(`${(members.get('breaker') ?? members.get('cb_config'))!.path} does nothing: the strategy has its own.`)
  const customHost = members.has('custom_host') ? hostIn(members.get('custom_host')!) : inherited.customHost
  return {
    overrides: { ...inherited.overrides, ...overrides },
    defaults: { ...inherited.defaults, ...defaults },
    dropped: [...new Set([...inherited.dropped, ...droppedIn(members.get('drop_params'), parsing)])],
    timeouts,
    ...(model === undefined ? {} : { model }),
    ...(retry === undefined ? {} : { retry }),
    ...(cache === undefined ? {} : { cache }),
    ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
    ...given('breaker', strategyBreaker ?? breaker ?? inherited.breaker),
    ...(customHost === undefined ? {} : { customHost }),
  }
}

/** `request_timeout` is a setting of its own, as Portkey has it, and a member of `timeouts`; the one that is nearest counts. */
function timesIn(members: Members, inherited: Inherited, parsing: Parsing): Pick<Inherited, 'timeouts' | 'requestTimeoutMs'> {
  const own = members.get('timeouts')
  const request = members.get('request_timeout')
  const timeouts = own === undefined ? inherited.timeouts : timeoutsIn(own)
  if (request === undefined) return { timeouts, ...given('requestTimeoutMs', inherited.requestTimeoutMs) }
  if (own !== undefined && timeouts.totalMs !== undefined)
    throw fault(request.path, `says the same as ${own.path}.request_timeout; keep one of them.`)
  const { totalMs: _, ...others } = timeouts
  return { timeouts: others, ...given('requestTimeoutMs', requestTimeoutIn(request, parsing)) }
}

function given<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: V })
}

/** A client that asked for a stream cannot read a whole answer, nor the reverse. */
function withoutStream({ path }: Written, params: JsonObject, { warnings }: Remarks): JsonObject {
  if (!('stream' in params)) return params
  warnings.push(`${path}.stream does nothing: whether it streams is for each request to say.`)
  const { stream: _, ...rest } = params
  return rest
}

function droppedIn(written: Written | undefined, { warnings }: Remarks): readonly string[] {
  if (written === undefined) return []
  const names = textsIn(written)
  const model = names.indexOf('model')
  if (model >= 0) throw fault(`${written.path}[${model}]`, 'is "model", which no request can do without.')
  if (names.includes('stream')) warnings.push(`${written.path} cannot drop stream: whether it streams is for each request to say.`)
  return names.filter((name) => name !== 'stream')
}

function hostIn(written: Written): string {
  const text = textIn(written)
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isBase =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    url.hash === '' &&
    url.search === ''
  if (!isBase)
    throw fault(written.path, 'is not an http or https address without a user, query or fragment, such as https://models.example.com/v1.')
  return text
}

type Placed = Pick<RoutingLeaf, 'path' | 'name' | 'weight'>

const ofLeavesOnly = ['provider', 'virtual_key', 'api_key', 'authorization'] as const

function groupOf(placed: Placed, members: Members, written: Written, said: Strategy, own: Inherited, parsing: Parsing): RoutingGroup {
  for (const key of ofLeavesOnly) {
    const useless = members.get(key)
    if (useless !== undefined) parsing.warnings.push(`${useless.path} does nothing beside ${written.path}: each target names its own.`)
  }
  const list = listIn(written)
  if (said.mode?.word === 'single' && list.length > 1)
    parsing.warnings.push(`${written.path} has ${list.length} targets, and only the first counts where the mode is "single".`)
  const targets = (said.mode?.word === 'single' ? list.slice(0, 1) : list).map((target) => nodeIn(target, own, parsing))
  return { kind: 'group', ...placed, strategy: strategyOf(members, written, said, targets, parsing), targets }
}

/** Which keys of a strategy a mode reads; the others are said to do nothing. */
const modeKeys: { readonly [M in Mode]: readonly string[] } = {
  single: [],
  fallback: ['on_status_codes'],
  loadbalance: ['by', 'sticky', 'sticky_session'],
  conditional: ['conditions', 'default'],
}

function strategyOf(
  members: Members,
  written: Written,
  { mode, members: said }: Strategy,
  targets: readonly RoutingNode[],
  parsing: Parsing,
): RoutingStrategy {
  // Targets without a word about them are tried in order.
  const word = mode?.word ?? 'fallback'
  const read = modeKeys[word]
  for (const [key, { path }] of said) {
    if (key !== 'mode' && key !== 'breaker' && key !== 'cb_config' && !read.includes(key))
      parsing.warnings.push(`${path} does nothing where the mode is ${quoted(word)}.`)
  }
  const outer = members.get('on_status_codes')
  if (outer !== undefined && word !== 'fallback') parsing.warnings.push(`${outer.path} does nothing where the mode is ${quoted(word)}.`)
  switch (word) {
    case 'single':
      return { mode: 'fallback' }
    case 'fallback': {
      const onStatusCodes = codesUnlessEmpty(said.get('on_status_codes') ?? outer, parsing.warnings, 'every failure goes on to the next')
      return { mode: 'fallback', ...given('onStatusCodes', onStatusCodes) }
    }
    case 'loadbalance': {
      if (targets.every(({ weight }) => weight === 0)) throw fault(written.path, 'has only weights of 0: no target would get a request.')
      const by = said.get('by')
      return { mode: 'loadbalance', by: by === undefined ? 'weight' : wordIn(by, balances), ...given('sticky', stickinessOf(said)) }
    }
    case 'conditional':
      return conditionalOf(written, said, targets, parsing)
  }
}

const balances: readonly LoadBalanceBy[] = ['weight', 'latency', 'cost', 'least_busy']

function stickinessOf(said: Members): Stickiness | false | undefined {
  const ours = said.get('sticky')
  const theirs = said.get('sticky_session')
  if (ours !== undefined && theirs !== undefined) throw fault(theirs.path, `says the same as ${ours.path}; keep one of them.`)
  const written = ours ?? theirs
  return written === undefined ? undefined : stickyIn(written)
}

const conditionKeys: ReadonlySet<string> = new Set(['query', 'then'])

function conditionalOf(written: Written, said: Members, targets: readonly RoutingNode[], { warnings }: Remarks): RoutingStrategy {
  const places = new Map<string, number>()
  for (const [index, { name, path }] of targets.entries()) {
    if (name === undefined) {
      warnings.push(`${path} has no name, so no condition can choose it.`)
      continue
    }
    const other = places.get(name)
    if (other !== undefined) throw fault(`${path}.name`, `is ${quoted(name)}, which is the name of ${targets[other]!.path} as well.`)
    places.set(name, index)
  }
  const placeOf = (target: Written): number => {
    const name = textIn(target, 256)
    const index = places.get(name)
    if (index !== undefined) return index
    const near = didYouMean(nearestNames(name, places.keys(), 1))
    throw fault(target.path, `is ${quoted(name)}, which is the name of no target in ${written.path}.${near}`)
  }
  const conditions = said.get('conditions')
  const otherwise = said.get('default')
  const list = conditions === undefined ? [] : listIn(conditions)
  if (list.length === 0 && otherwise === undefined) {
    const path = conditions?.path ?? `${said.get('mode')!.path.replace(/mode$/, '')}conditions`
    throw fault(path, conditions === undefined ? 'is missing.' : 'is empty, and there is no default: no request would match.')
  }
  return {
    mode: 'conditional',
    conditions: list.map((condition) => {
      const parts = membersOf(condition, conditionKeys)
      const query = parts.get('query')
      const then = parts.get('then')
      if (query === undefined) throw fault(`${condition.path}.query`, 'is missing.')
      if (then === undefined) throw fault(`${condition.path}.then`, 'is missing.')
      // oxlint-disable-next-line unicorn/no-thenable -- a number, by Portkey's name
      return { query: conditionIn(query), then: placeOf(then) }
    }),
    ...given('otherwise', otherwise === undefined ? undefined : placeOf(otherwise)),
  }
}

function leafOf(placed: Placed, members: Members, own: Inherited, inherited: Inherited, { warnings }: Remarks): RoutingLeaf {
  const codes = members.get('on_status_codes')
  if (codes !== undefined) warnings.push(`${codes.path} does nothing here: it belongs to the strategy of the targets around it.`)
  const { provider, model } = namesOf(placed, members, own, inherited, warnings)
  const apiKey = keyIn(members)
  if (own.customHost !== undefined && apiKey === undefined)
    warnings.push(`${placed.path} has a custom_host and no api_key: a provider's own key is never sent to another address.`)
  const { overrides, defaults, dropped, timeouts, requestTimeoutMs, retry, cache, breaker, customHost } = own
  const totalMs = timeouts.totalMs ?? requestTimeoutMs
  return {
    kind: 'leaf',
    ...placed,
    ...given('provider', provider),
    ...given('apiKey', apiKey),
    ...given('customHost', customHost),
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

function namesOf({ path }: Placed, members: Members, own: Inherited, inherited: Inherited, warnings: string[]) {
  const virtual = members.get('virtual_key')
  const named = virtual ?? members.get('provider')
  const provider = named === undefined ? undefined : slugIn(named)
  const { model } = own
  const [, slug, id] = /^@([^/]+)\/(.+)$/.exec(model ?? '') ?? []
  if (slug === undefined || (provider !== undefined && provider !== slug)) {
    // Cloudflare's own ids begin so.
    if (slug !== undefined && slug !== 'cf' && slug !== 'hf' && model !== inherited.model)
      warnings.push(`${path} asks the provider ${quoted(provider!)} for a model of another, ${quoted(model!)}.`)
    return { provider, model }
  }
  return { provider: slug, model: id }
}

function slugIn(written: Written): string {
  const slug = textIn(written, 256).trim().replace(/^@/, '')
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
