// The strategy of a config's targets: which mode, in Portkey's words of today and of its first configs, and what that mode needs.
import { nearestNames } from '#kernel'
import { didYouMean } from './config-error.ts'
import type { BreakerRule, LoadBalanceBy, RoutingNode, RoutingStrategy, Stickiness } from './routing-config.ts'
import { conditionIn } from './routing-config-conditions.ts'
import { strategyKeys } from './routing-config-keys.ts'
import { codesUnlessEmpty, one, stickyIn } from './routing-config-rules.ts'
import { breakerOf } from './routing-config-settings.ts'
import {
  fault,
  given,
  listIn,
  membersOf,
  quoted,
  textIn,
  wordIn,
  type Members,
  type Remarks,
  type Written,
} from './routing-config-values.ts'

const modes = ['single', 'fallback', 'loadbalance', 'conditional'] as const
type Mode = (typeof modes)[number]
/** Portkey's first configs had these two at their top, where an A/B test balances by weight; the last one is of its repository. */
const otherModes: ReadonlyMap<string, Mode> = new Map([
  ['ab_test', 'loadbalance'],
  ['proxy', 'single'],
  ['least_latency', 'loadbalance'],
])

export type Strategy = {
  /** undefined: none is said. */
  readonly mode: Mode | undefined
  /** Where it is written, and what it is called there. */
  readonly written: Written
  readonly members: Members
  readonly breaker: BreakerRule | undefined
}

export function strategyIn(members: Members, path: string, remarks: Remarks): Strategy {
  const written = members.get('strategy')
  const first = members.get('mode')
  if (written === undefined) {
    const mode = first ?? { path: `${path}.strategy.mode`, value: undefined }
    return { mode: first === undefined ? undefined : modeIn(first), written: mode, members: new Map(), breaker: undefined }
  }
  if (first !== undefined) throw fault(first.path, `says the same as ${written.path}.mode; keep one of them.`)
  // Guides leave the object out.
  if (typeof written.value === 'string') return { mode: modeIn(written), written, members: new Map(), breaker: undefined }
  const said = membersOf(written, strategyKeys)
  const mode = said.get('mode')
  return {
    mode: mode === undefined ? undefined : modeIn(mode),
    written: mode ?? { path: `${written.path}.mode`, value: undefined },
    members: said,
    breaker: breakerOf(said, remarks),
  }
}

function modeIn(written: Written): Mode {
  const { value } = written
  return (typeof value === 'string' ? otherModes.get(value) : undefined) ?? wordIn(written, modes)
}

const ofEveryMode: ReadonlySet<string> = new Set(['mode', 'breaker', 'cb_config'])

/** Which keys of a strategy a mode reads; the others are said to do nothing. */
const modeKeys: { readonly [M in Mode]: readonly string[] } = {
  single: [],
  fallback: ['on_status_codes'],
  loadbalance: ['by', 'sticky', 'sticky_session'],
  conditional: ['conditions', 'default'],
}

export function strategyOf(
  members: Members,
  written: Written,
  { mode, written: asWritten, members: said }: Strategy,
  targets: readonly RoutingNode[],
  remarks: Remarks,
): RoutingStrategy {
  // Targets without a word about them are tried in order.
  const word = mode ?? 'fallback'
  const read = modeKeys[word]
  for (const [key, { path }] of said) {
    if (!ofEveryMode.has(key) && !read.includes(key)) remarks.warnings.push(`${path} does nothing where the mode is ${quoted(word)}.`)
  }
  const outer = members.get('on_status_codes')
  if (outer !== undefined && word !== 'fallback') remarks.warnings.push(`${outer.path} does nothing where the mode is ${quoted(word)}.`)
  switch (word) {
    case 'single':
      return { mode: 'fallback' }
    case 'fallback': {
      const onStatusCodes = codesUnlessEmpty(said.get('on_status_codes') ?? outer, remarks.warnings, 'every failure goes on to the next')
      return { mode: 'fallback', ...given('onStatusCodes', onStatusCodes) }
    }
    case 'loadbalance': {
      if (targets.every(({ weight }) => weight === 0)) throw fault(written.path, 'has only weights of 0: no target would get a request.')
      const by = said.get('by')
      const usual = asWritten.value === 'least_latency' ? 'latency' : 'weight'
      return { mode: 'loadbalance', by: by === undefined ? usual : wordIn(by, balances), ...given('sticky', stickinessOf(said)) }
    }
    case 'conditional':
      return conditionalOf(written, said, asWritten, targets, remarks)
  }
}

const balances: readonly LoadBalanceBy[] = ['weight', 'latency', 'cost', 'least_busy']

function stickinessOf(said: Members): Stickiness | false | undefined {
  const written = one(said, 'sticky', 'sticky_session')
  return written === undefined ? undefined : stickyIn(written)
}

const conditionKeys: ReadonlySet<string> = new Set(['query', 'then'])

function conditionalOf(written: Written, said: Members, mode: Written, targets: readonly RoutingNode[], remarks: Remarks): RoutingStrategy {
  const places = new Map<string, number>()
  for (const [index, { name, path }] of targets.entries()) {
    if (name === undefined) {
      remarks.warnings.push(`${path} has no name, so no condition can choose it.`)
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
    const path = conditions?.path ?? `${mode.path.replace(/\.mode$/, '')}.conditions`
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
      return { query: conditionIn(query, remarks), then: placeOf(then) }
    }),
    ...given('otherwise', otherwise === undefined ? undefined : placeOf(otherwise)),
  }
}
