// A drill: each target of a request's plan fails in turn, and a client inside the process says what it saw. Nothing leaves the machine.
import type { RoutingConfig, RoutingNode, Snapshot } from '#config'
import { Exchange, type ExchangeDeps } from '#gateway'
import { RequestView, type Arrival } from '#inspection'
import { Failure, headroomBytes, invalidRequest, newRequestId, tailroomBytes, type JsonObject } from '#kernel'
import { createPlanner, sampleOf, type DryRunInput, type Sample } from '#planning'
import { createHealth, retryWait, type Plan } from '#routing'
import type { FinishRecord } from '#store'
import { createSealedCalls } from '#translation'
import { createSim, type Upstream } from '#upstream'
import { DrillClient, type HeardAnswer } from './client.ts'
import { averageDraw, groupTargets, silence, standIn, targetAt, type DrillTarget, type Grouped, type Silence } from './targets.ts'

/** How a target fails, and the simulator's model that does. */
const faults = {
  '429': 'status-429',
  '500': 'status-500',
  /** It accepts the request and says nothing. */
  stall: 'stall',
  /** The connection dies before content. */
  cut: 'cut-before-content',
  /** An error inside a 200, before content. */
  error: 'error-before-content',
} as const
export type DrillFault = keyof typeof faults
const drillFaults = Object.keys(faults) as readonly DrillFault[]

export type DrillInput = Omit<DryRunInput, 'body'> & {
  /** Absent: a short streamed conversation. */
  readonly body?: JsonObject
  /** Absent: all. */
  readonly faults?: readonly DrillFault[]
}

/** As the admin API says it. */
export type Drill = {
  readonly config: { readonly slug: string | null; readonly version: number | null } | null
  readonly model: string
  readonly stream: boolean
  /** In the order in which they are asked. */
  readonly targets: readonly {
    readonly target: string
    readonly provider: string
    readonly model: string
    readonly credentials: readonly string[]
  }[]
  readonly skipped: readonly { readonly target: string; readonly provider: string; readonly reason: string }[]
  readonly runs: readonly DrillRun[]
  /** Whichever single target fails, in whichever way: somebody else answers. */
  readonly covered: boolean
}

export type DrillRun = {
  readonly fault: DrillFault
  /** The first so many targets fail, the others answer. */
  readonly failing: number
  /** Number of the target from 1, and how it failed; '' when it answered. */
  readonly attempts: readonly { readonly target: number; readonly class: string }[]
  readonly answered_by: number | null
  /** Timeouts, and waits between tries of a middling length; what providers themselves take comes on top. */
  readonly after_ms: number
  readonly client: {
    readonly status: number
    readonly provider: string | null
    readonly model: string | null
    /** The beginning of what was said. */
    readonly text: string
    readonly error: { readonly code: string; readonly message: string } | null
    readonly retry_after: number | null
  }
}

const maxTargets = 32
const shownCharacters = 60
/** How long a silence is, for each attempt, where the last one is to last until the request's deadline. */
const silentMs = 200
const mostMs = 30_000
const question = 'Is anybody there?'

/** A drill needs no sockets, no journal and nobody's health. */
export type DrillDeps = Pick<ExchangeDeps, 'snapshot' | 'resolve' | 'deadlines' | 'buffers' | 'translator' | 'countTokens' | 'log'>

/** Rejects with the `Failure` that the sample request would be refused with. */
export function createDrill(given: DrillDeps): (input: DrillInput) => Promise<Drill> {
  const nowMs = () => performance.now()

  return async (input) => {
    const snapshot = given.snapshot()
    const body = input.body ?? { model: sampleModel(input.config, snapshot), stream: true, messages: [{ role: 'user', content: question }] }
    // Of its own: what others learned of the targets is not heeded, and they learn nothing of this.
    const planner = createPlanner({ snapshot: () => snapshot, resolve: given.resolve, health: createHealth(), nowMs, random: () => 0 })
    const sample = sampleOf({ ...input, body, headers: withoutStrictness(input.headers) }, given.buffers)
    if (sample.arrival.operation !== 'generate')
      throw invalidRequest('endpoint', 'A drill is a conversation: name an endpoint of one, such as /v1/chat/completions or /v1/messages.')
    const plan = planner.rehearse(sample, input.config)
    const grouped = groupTargets(plan.steps)
    const { targets } = grouped
    if (targets.length > maxTargets)
      throw invalidRequest(
        'config',
        `The request has ${targets.length} targets, and a drill is for at most ${maxTargets}. Drill a part of the config.`,
      )
    const wanted = (input.faults ?? drillFaults).flatMap((fault) => targets.map((_, index) => ({ fault, failing: index + 1 })))
    const runs = await Promise.all(wanted.map(async (one) => run(one, sample, plan, grouped)))
    return {
      config: plan.config === undefined ? null : { slug: plan.config.slug ?? null, version: plan.config.version ?? null },
      model: sample.inspected.model,
      stream: sample.inspected.stream,
      targets: targets.map(targetIn),
      skipped: plan.skipped.map(({ route = '', provider, reason }) => ({ target: route, provider, reason })),
      runs,
      covered: runs.every(({ failing, answered_by: answered }) => failing > 1 || answered !== null),
    }
  }

  async function run(
    { fault, failing }: Pick<DrillRun, 'fault' | 'failing'>,
    { arrival: asked, inspected, codec }: Sample,
    plan: Plan,
    grouped: Grouped,
  ): Promise<DrillRun> {
    const numberOf = (target: Plan['steps'][number]['target']) =>
      grouped.targetOf({ route: target.route, provider: target.provider.slug, model: target.model.id })
    const quiet =
      fault === 'stall' ? silence(plan, (target) => numberOf(target) < failing, inspected.stream, inspected.timeoutMs) : undefined
    const simulator = failingUpstream(fault, failing, quiet)
    const health = createHealth()
    let record: FinishRecord | undefined
    const deps: ExchangeDeps = {
      ...given,
      health,
      simulator,
      network: simulator,
      cache: undefined,
      storesPayloads: () => false,
      seals: createSealedCalls(nowMs),
      loops: { check() {} },
      draw: () => 0,
      headersText: () => '',
      journal: {
        reserve: (_, written) => setImmediate(written, undefined),
        progress() {},
        payload() {},
        finish(finished, written) {
          record = finished
          setImmediate(written, undefined)
        },
        async close() {},
      },
    }
    const steps = plan.steps.map(({ target, ...step }) => {
      const vitals = health.of(target.provider.slug, target.credential.name, target.model.id)
      return { ...step, target: standIn({ ...target, vitals }, numberOf(target), asked.wire) }
    })
    const client = new DrillClient(asked.wire)
    const length = asked.bodyEnd - asked.bodyStart
    const buffer = given.buffers.take(headroomBytes + length + tailroomBytes)
    asked.buffer.copy(buffer, headroomBytes, asked.bodyStart, asked.bodyEnd)
    const atMs = Date.now()
    const arrival: Arrival = {
      ...asked,
      id: newRequestId(atMs),
      atMs,
      // The attempts before the last one end at once, and the deadline leaves them time for that.
      readyMs: quiet?.reachesDeadline === true ? nowMs() - quiet.deadlineMs + silentMs * quiet.ends.length : nowMs(),
      buffer,
      bodyStart: headroomBytes,
      bodyEnd: headroomBytes + length,
      client,
    }
    new Exchange(deps, new RequestView(codec.ingress.shape, given.buffers), arrival, () => {}).begin(() => ({ ...plan, steps }))
    const heard = await inTime(client)
    await simulator.close()
    const { attempts, errorCode } = record!
    const numbers = attempts.map((attempt) => grouped.targetOf(attempt))
    const answered = attempts.at(-1)?.errorClass === '' && heard.whole
    const retryAfter = heard.headers.get('retry-after')
    return {
      fault,
      failing,
      attempts: attempts.map(({ errorClass }, index) => ({ target: numbers[index]! + 1, class: errorClass })),
      answered_by: answered ? numbers.at(-1)! + 1 : null,
      after_ms: Math.round(quiet?.reachesDeadline === true ? quiet.deadlineMs : durationMs(attempts, numbers, plan, grouped, quiet)),
      client: {
        status: heard.status,
        provider: heard.headers.get('x-turnpike-provider') ?? null,
        model: heard.headers.get('x-turnpike-model') ?? null,
        text: heard.text.slice(0, shownCharacters),
        error: heard.error === undefined ? null : { code: errorCode, message: heard.error },
        retry_after: retryAfter === undefined ? null : Number(retryAfter),
      },
    }
  }
}

/** The simulator, with the first targets failing. Silence ends at once, as it would end later. */
function failingUpstream(fault: DrillFault, failing: number, quiet: Silence | undefined): Upstream {
  const fails = (origin: string) => targetAt(origin) < failing
  const sim = createSim({ behaviour: ({ origin }) => (fails(origin) ? faults[fault] : 'echo') })
  let silences = 0
  return {
    send(request, handler) {
      if (!fails(request.origin)) return sim.send(request, handler)
      const call = sim.send(request, {
        // A provider that says how long to wait would be waited for.
        head: (status, { 'retry-after': _, ...headers }) => handler.head(status, headers),
        data: (chunk) => handler.data(chunk),
        end: () => handler.end(),
        error: (failure) => handler.error(failure),
      })
      const number = silences++
      const end = quiet?.ends[number]
      const isLast = quiet?.reachesDeadline === true && number === quiet.ends.length - 1
      if (end === undefined || isLast) return call
      const timer = setTimeout(() => {
        call.abort()
        handler.error(end.failure)
      }, 5)
      return {
        ...call,
        abort() {
          clearTimeout(timer)
          call.abort()
        },
      }
    },
    close: async () => sim.close(),
  }
}

/** An answer that never comes would be a defect of the gateway's: nobody waits for it. */
async function inTime(client: DrillClient): Promise<HeardAnswer> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      client.listener?.clientLeft()
      reject(new Failure('internal_error', `A drilled request had no answer within ${mostMs / 1000} s.`))
    }, mostMs)
  })
  try {
    return await Promise.race([client.heard, late])
  } finally {
    clearTimeout(timer)
  }
}

type RanAttempts = FinishRecord['attempts']

/** What the config adds: its timeouts, and waits between tries of a middling length. */
function durationMs(attempts: RanAttempts, numbers: readonly number[], plan: Plan, grouped: Grouped, quiet: Silence | undefined): number {
  let sumMs = 0
  let retried = 0
  for (const [index, attempt] of attempts.entries()) {
    sumMs += quiet?.ends[index]?.afterMs ?? 0
    const isAgain = numbers[index + 1] === numbers[index] && attempts[index + 1]!.credential === attempt.credential
    if (!isAgain) {
      retried = 0
      continue
    }
    const retry = plan.steps.find(
      ({ target }) => grouped.targetOf({ ...target, provider: target.provider.slug, model: target.model.id }) === numbers[index],
    )?.target.retry
    const anything = new Failure('cut', '')
    sumMs += retry === undefined ? 0 : (retryWait({ ...retry, usesRetryAfter: false }, retried, anything, averageDraw, Infinity) ?? 0)
    retried++
  }
  return sumMs
}

function targetIn({ route, ...target }: DrillTarget): Drill['targets'][number] {
  return { target: route, ...target }
}

/** Translated for the simulator, a request may lose what it keeps on its way to the real target. */
function withoutStrictness(headers: DrillInput['headers'] = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^x-(?:turnpike|portkey)-strict$/.test(name)))
}

/** A model that the config's targets can be asked for. */
function sampleModel(config: RoutingConfig | string | undefined, snapshot: Snapshot): string {
  const found = typeof config === 'string' ? snapshot.configs.get(config) : config
  if (found === undefined)
    throw invalidRequest('request', 'Without a config, a drill needs a request: {"body": {"model": ..., "messages": [...]}}.')
  const leaves = leavesOf(found.root)
  const open = leaves.filter(({ model }) => model === undefined)
  for (const { provider: slug } of open) {
    const served = slug === undefined ? [...snapshot.providers.values()] : [snapshot.providers.get(slug)]
    for (const provider of served) {
      for (const { id, outputModalities } of provider?.models.values() ?? []) if (outputModalities?.includes('text') !== false) return id
    }
  }
  return leaves.find(({ model }) => model !== undefined)?.model ?? 'a-model'
}

type Leaf = Extract<RoutingNode, { kind: 'leaf' }>

function leavesOf(node: RoutingNode): readonly Leaf[] {
  return node.kind === 'leaf' ? [node] : node.targets.flatMap(leavesOf)
}
