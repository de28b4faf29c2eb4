// Plan first, act second: one request's way through a tree of routes. Pure: no I/O, clock or randomness.
import { createHash } from 'node:crypto'
import { holds, mostSteps } from './plan-conditions.ts'
import type { Moment, Pin } from './plan-facts.ts'
import { balanced, type Sized } from './plan-balance.ts'
import { takesNoImages, takesNoTools, type Route, type RouteGroup, type RouteProvider, type RouteTree } from './plan-route.ts'
import type { Trouble } from './health.ts'
import type { Exit, Plan, PlannedTarget, Skipped } from './plan.ts'

export type Planned = { readonly plan: Plan; readonly pins: readonly Pin[] }

/** A child of a group, in its turn; `reason`: why it is its turn. */
type Turn = { readonly route: Route; readonly reason: string }

export function planSteps(tree: RouteTree, moment: Moment): Planned {
  const planning = new Planning(tree, moment)
  const { config } = tree
  return {
    plan: { steps: planning.steps, skipped: planning.skipped, ...(config === undefined ? {} : { config }) },
    pins: planning.pins,
  }
}

class Planning {
  readonly steps: { target: PlannedTarget; reason: string; exits: Exit[] }[] = []
  readonly skipped: Skipped[]
  readonly pins: Pin[] = []
  readonly #tree: RouteTree
  readonly #moment: Moment
  /** What its expressions may look at, in all groups together. */
  #spare: { steps: number } | undefined
  /** Which child a conditional group chose. */
  readonly #chosen = new Map<RouteGroup, Turn | undefined>()
  /** Those that cannot do what the request needs, where another one can. */
  #unable: ReadonlySet<RouteProvider> = new Set()

  constructor(tree: RouteTree, moment: Moment) {
    this.#tree = tree
    this.#moment = moment
    this.skipped = [...tree.skipped]
    this.#unable = this.#findUnable()
    if (this.#isOpen(tree.root)) this.#visit(tree.root, '')
  }

  // Who can be asked at all.

  /** Something of it can be asked. */
  #isOpen(route: Route): boolean {
    if (route.kind === 'provider') return !this.#unable.has(route)
    return this.#reachable(route).some((child) => this.#isOpen(child))
  }

  #reachable(group: RouteGroup): readonly Route[] {
    if (group.strategy.mode !== 'conditional') return group.children
    const choice = this.#choice(group)
    return choice === undefined ? [] : [choice.route]
  }

  #choice(group: RouteGroup): Turn | undefined {
    const { strategy, children } = group
    if (strategy.mode !== 'conditional') return undefined
    if (this.#chosen.has(group)) return this.#chosen.get(group)
    const { facts } = this.#moment
    const spare = (this.#spare ??= { steps: mostSteps })
    const at = strategy.conditions.findIndex(({ query }) => holds(query, (path) => facts.value(path), spare))
    const then = at < 0 ? strategy.otherwise : strategy.conditions[at]!.then
    const reason = at < 0 ? 'no condition matches: the default' : `condition ${at + 1} matches`
    const choice = then === undefined ? undefined : { route: children[then]!, reason }
    if (choice === undefined)
      this.skipped.push({
        provider: '',
        route: group.path,
        reason: 'none of its conditions matches, and it has no default',
        by: 'conditions',
      })
    this.#chosen.set(group, choice)
    return choice
  }

  #findUnable(): ReadonlySet<RouteProvider> {
    const { tools, images, contextWindow } = this.#tree.differences
    if (!tools && !images && contextWindow === undefined) return this.#unable
    const inabilities = new Map<RouteProvider, string>()
    const able: RouteProvider[] = []
    for (const provider of this.#providers(this.#tree.root)) {
      const inability = this.#inability(provider.targets[0])
      if (inability === undefined) able.push(provider)
      else inabilities.set(provider, inability)
    }
    if (able.length === 0) return this.#unable
    for (const [{ path, targets }, reason] of inabilities)
      this.skipped.push({ provider: targets[0].provider.slug, reason, ...(path === '' ? {} : { route: path }) })
    return new Set(inabilities.keys())
  }

  *#providers(route: Route): Generator<RouteProvider> {
    if (route.kind === 'provider') yield route
    else for (const child of this.#reachable(route)) yield* this.#providers(child)
  }

  /** The body is looked into only for what its models differ in. */
  #inability({ model }: PlannedTarget): string | undefined {
    const { differences } = this.#tree
    const { needs } = this.#moment.facts
    if (differences.tools && takesNoTools(model) && needs.tools) return `${model.id} takes no tools, and the request has some`
    if (differences.images && takesNoImages(model) && needs.images) return `${model.id} takes no images, and the request has some`
    const { contextWindow: window } = model
    const tokens = differences.contextWindow === undefined || window === undefined ? undefined : needs.tokensBeyond(window)
    return tokens === undefined ? undefined : `the request has at least ${tokens} tokens, and ${model.id} takes ${window}`
  }

  // In which order.

  #visit(route: Route, given: string): void {
    if (route.kind === 'provider') this.#credentials(route, given)
    else this.#follow(this.#turns(route, given), this.#rule(route))
  }

  /** One after the other; after any failure of one that the rule takes, the next. What is inside of one comes before what follows it. */
  #follow(turns: readonly Turn[], on: Exit['on']): void {
    let from = this.steps.length
    for (const [i, { route, reason }] of turns.entries()) {
      this.#visit(route, reason)
      if (i + 1 < turns.length) this.#leave(from, on)
      from = this.steps.length
    }
  }

  /** The steps since `from` lead to the one that comes now. */
  #leave(from: number, on: Exit['on']): void {
    const to = this.steps.length
    for (let i = from; i < to; i++) {
      const { exits } = this.steps[i]!
      // Nothing gets past one that takes any failure.
      if (exits.at(-1)?.on !== 'any') exits.push({ to, on })
    }
  }

  #credentials({ targets }: RouteProvider, given: string): void {
    const ordered = wellFirst(targets, (target) => this.#troubleOf(target))
    for (const [i, target] of ordered.entries()) {
      if (i > 0) this.steps.at(-1)!.exits.push({ to: this.steps.length, on: 'credential' })
      const trouble = this.#troubleOf(target)
      const why = i > 0 ? 'next credential of the same provider' : given === '' ? 'the only target' : given
      const over = i > 0 || trouble !== undefined ? [] : targets.slice(0, targets.indexOf(target))
      const passed = this.#passed(over, (one) => [one.credential.name, this.#troubleOf(one)])
      this.steps.push({ target, reason: joined(why, passed, trouble === undefined ? '' : troubleWords[trouble.kind]), exits: [] })
    }
  }

  #rule({ strategy }: RouteGroup): Exit['on'] {
    return strategy.mode === 'fallback' ? (strategy.onStatusCodes ?? 'any') : 'any'
  }

  #turns(group: RouteGroup, given: string): readonly Turn[] {
    const { strategy } = group
    if (strategy.mode === 'conditional') {
      const { route, reason } = this.#choice(group)!
      return [{ route, reason: joined(given, reason) }]
    }
    const open = group.children.filter((child) => this.#isOpen(child))
    if (strategy.mode === 'loadbalance') return this.#balanced(group, open, given)
    const ordered = wellFirst(open, (child) => this.#troubleIn(child))
    const words = strategy.mode === 'served' ? servedWords : fallbackWords
    const first = (): string => joined(given, words.first, this.#sick(open.slice(0, open.indexOf(ordered[0]!))))
    return ordered.map((route, i) => ({ route, reason: i > 0 ? words.next : first() }))
  }

  #balanced(group: RouteGroup, open: readonly Route[], given: string): readonly Turn[] {
    const { strategy } = group
    if (strategy.mode !== 'loadbalance') return []
    const sized = open.map((route): Sized<Route> => {
      const trouble = this.#troubleIn(route)
      const measured = strategy.by === 'weight' ? unmeasured : this.#measured(route)
      return { one: route, weight: route.weight, isWell: trouble === undefined, ...measured }
    })
    const stuck = this.#stickyKey(group)
    const pinned = stuck === undefined ? undefined : this.#moment.pinned(stuck.key)
    const { first, rest, reason } = balanced(sized, strategy.by, this.#moment.random, (route) => route.path === pinned)
    if (stuck !== undefined && first.isWell) this.pins.push({ ...stuck, route: first.one.path })
    const sick = first.isWell ? this.#sick(sized.filter(({ isWell }) => !isWell).map(({ one }) => one)) : ''
    return [{ route: first.one, reason: joined(given, reason, sick) }, ...rest.map(({ one }) => ({ route: one, reason: 'stands by' }))]
  }

  #stickyKey(group: RouteGroup): { readonly key: string; readonly ttlMs: number } | undefined {
    const { strategy, path } = group
    if (strategy.mode !== 'loadbalance' || strategy.sticky === false) return undefined
    const { facts } = this.#moment
    const { hashFields, ttlMs } = strategy.sticky ?? { ttlMs: usualStickyMs, hashFields: undefined }
    if (strategy.sticky === undefined && !facts.namesSession) return undefined
    const known = hashFields === undefined ? facts.session : hashFields.map((field) => facts.value(field) ?? null)
    if (known === '' || (Array.isArray(known) && known.every((value) => value === null))) return undefined
    // What a client says may be long.
    const name = JSON.stringify([facts.tenant, this.#tree.scope, path, known])
    return { key: name.length <= mostKeyCharacters ? name : createHash('sha256').update(name).digest('base64url'), ttlMs }
  }

  // How they are doing.

  #troubleOf({ vitals }: PlannedTarget): Trouble | undefined {
    return vitals.trouble(this.#moment.nowMs)
  }

  /** Only if all of it is in trouble. */
  #troubleIn(route: Route): Trouble | undefined {
    let found: Trouble | undefined
    if (route.kind === 'provider') {
      for (const target of route.targets) {
        const trouble = this.#troubleOf(target)
        if (trouble === undefined) return undefined
        found ??= trouble
      }
      return found
    }
    for (const child of this.#reachable(route)) {
      if (!this.#isOpen(child)) continue
      const trouble = this.#troubleIn(child)
      if (trouble === undefined) return undefined
      found ??= trouble
    }
    return found
  }

  #sick(routes: readonly Route[]): string {
    return this.#passed(routes, (route) => [
      route.kind === 'provider' ? route.targets[0].provider.slug : route.path,
      this.#troubleIn(route),
    ])
  }

  /** Who is in trouble, and so has to wait until others were asked: whoever reads of those finds no attempt that says it. */
  #passed<T>(all: readonly T[], read: (one: T) => readonly [name: string, trouble: Trouble | undefined]): string {
    if (all.length === 0) return ''
    const [name, trouble] = read(all[0]!)
    const more = all.length === 1 ? '' : ` (and ${all.length - 1} more)`
    return trouble === undefined ? '' : `not ${name}${more}: ${troubleWords[trouble.kind]}`
  }

  /** Of the target that would be asked first there; `running` of all of them. */
  #measured(route: Route): Pick<Sized<Route>, 'latencyMs' | 'cost' | 'running'> {
    const { nowMs } = this.#moment
    let running = 0
    let first: PlannedTarget | undefined
    for (const { targets } of this.#providers(route))
      for (const target of targets) {
        running += target.vitals.running
        if (first === undefined || (this.#troubleOf(first) !== undefined && this.#troubleOf(target) === undefined)) first = target
      }
    const price = first?.model.price
    return {
      running,
      latencyMs: first?.vitals.latencyMs(nowMs),
      // Exact enough to compare: picodollars of one token in and one out.
      cost: price === undefined ? undefined : Number(price.input + price.output),
    }
  }
}

/** To be drawn by weight, nothing else must be known. */
const unmeasured = { latencyMs: undefined, cost: undefined, running: 0 }

/** Of requests that name their session, where the config doesn't say. */
const usualStickyMs = 3_600_000
const mostKeyCharacters = 400

/** Without how long: a dry run says of the next request what that will say. */
const troubleWords: Readonly<Record<Trouble['kind'], string>> = {
  open: 'its breaker is open',
  cooling: 'it asked to wait',
  rejected: 'its credential is refused',
}

const servedWords = { first: 'first by priority', next: 'next by priority' }
const fallbackWords = { first: 'first of the fallback', next: 'next of the fallback' }

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('; ')
}

/** Those in trouble behind the others; otherwise as they were. */
function wellFirst<T>(all: readonly T[], troubleOf: (one: T) => Trouble | undefined): readonly T[] {
  if (all.every((one) => troubleOf(one) === undefined)) return all
  return [...all.filter((one) => troubleOf(one) === undefined), ...all.filter((one) => troubleOf(one) !== undefined)]
}
