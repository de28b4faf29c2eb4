// For drills: the targets of a plan as the client counts them, the simulator in their place, and when silence would end.
import type { Provider } from '#config'
import { Patience } from '#gateway'
import { nextStep, retryWait, type Plan, type PlannedTarget, type Step } from '#routing'
import type { Failure } from '#kernel'
import type { ClientWire, Wire } from '#ir'

/** A model at a provider, in one place of the config. Its credentials are steps of their own. */
export type DrillTarget = {
  readonly route: string
  readonly provider: string
  readonly model: string
  readonly credentials: readonly string[]
}

export type Grouped = {
  readonly targets: readonly DrillTarget[]
  /** Which of them a step of the plan is. */
  readonly targetOf: (step: { readonly route: string; readonly provider: string; readonly model: string }) => number
}

export function groupTargets(steps: readonly Step[]): Grouped {
  const numbers = new Map<string, number>()
  const targets: { route: string; provider: string; model: string; credentials: string[] }[] = []
  const nameOf = ({ route, provider, model }: { route: string; provider: string; model: string }): string =>
    `${route}\n${provider}\n${model}`
  for (const { target } of steps) {
    const one = { route: target.route, provider: target.provider.slug, model: target.model.id }
    const known = numbers.get(nameOf(one))
    if (known !== undefined) targets[known]!.credentials.push(target.credential.name)
    else {
      numbers.set(nameOf(one), targets.length)
      targets.push({ ...one, credentials: [target.credential.name] })
    }
  }
  return { targets, targetOf: (step) => numbers.get(nameOf(step))! }
}

/** What the simulator speaks. */
const paths = new Map<Wire, string>([
  ['openai-chat', '/v1/chat/completions'],
  ['anthropic-messages', '/v1/messages'],
])

const originScheme = 'drill:'

/** Which target a call to the simulator stands for. */
export function targetAt(origin: string): number {
  return Number(origin.slice(originScheme.length))
}

/** The same target, answered by the simulator: nothing of its address, account or keys is left. */
export function standIn(target: PlannedTarget, number: number, asked: ClientWire): PlannedTarget {
  const wire: Wire = paths.has(asked) ? asked : 'openai-chat'
  const path = paths.get(wire)!
  const { slug, vendor, models, priority, timeouts } = target.provider
  const provider: Provider = {
    slug,
    vendor,
    models,
    priority,
    timeouts,
    origin: `${originScheme}${number}`,
    endpoints: new Map([[wire, path]]),
    auth: 'none',
    credentials: [],
    headers: {},
    dialect: {},
    allowPrivateNetwork: false,
    simulated: true,
  }
  const { cache: _, ...rest } = target
  return {
    ...rest,
    provider,
    wire,
    path,
    streamPath: path,
    lane: wire === asked ? 'pass' : 'translate',
    credential: { name: target.credential.name, secret: '' },
  }
}

export type Silence = {
  /** How each silent attempt ends, in their order, and after how long. */
  readonly ends: readonly { readonly failure: Failure; readonly afterMs: number }[]
  /** True when the request's own deadline comes with the last of them: then nobody else is asked. */
  readonly reachesDeadline: boolean
  readonly deadlineMs: number
}

/** What becomes of a request while the targets that it is sent to say nothing, on a clock that has not to be waited for. */
export function silence(plan: Plan, isSilent: (target: PlannedTarget) => boolean, stream: boolean, wantedMs: number | undefined): Silence {
  const patience = new Patience()
  const ends: { failure: Failure; afterMs: number }[] = []
  patience.begin(0, wantedMs, plan.steps[0]!.target)
  const deadlineMs = patience.totalDueMs
  let nowMs = 0
  let position = 0
  let retried = 0
  for (;;) {
    const { target, exits } = plan.steps[position]!
    if (!isSilent(target)) return { ends, reachesDeadline: false, deadlineMs }
    patience.began(target, nowMs, stream && exits.some(({ on }) => on !== 'credential'))
    const dueMs = patience.dueMs(false, false)
    const failure = patience.late(dueMs, false, false)!
    ends.push({ failure, afterMs: dueMs - nowMs })
    nowMs = dueMs
    const leftMs = deadlineMs - nowMs
    if (leftMs <= 0) return { ends, reachesDeadline: true, deadlineMs }
    const waitMs = target.retry === undefined ? undefined : retryWait(target.retry, retried, failure, averageDraw, leftMs)
    if (waitMs !== undefined) {
      nowMs += waitMs
      retried++
      continue
    }
    const next = nextStep(plan, position, failure)
    if (next === undefined) return { ends, reachesDeadline: false, deadlineMs }
    position = next
    retried = 0
  }
}

/** Waits between tries are drawn; in the mean they are half of the longest. */
export const averageDraw = 0.5
