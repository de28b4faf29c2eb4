// One request's story, from an arrival to its record.
import { RequestView, type Arrival, type Refusal } from '#inspection'
import { Crowd, type Failure } from '#kernel'
import { createDryRun, createPlanner, type DryRun, type DryRunInput } from '#planning'
import { createSealedCalls } from '#translation'
import { clientWires, embeddings } from '#wires'
import { Exchange } from './exchange.ts'
import { createLoopCheck } from './loop-check.ts'
import type { ExchangeDeps, GatewayDeps } from './port.ts'
import { refusalRecord } from './record.ts'

export { Exchange } from './exchange.ts'
export { Patience } from './patience.ts'
export type { ExchangeDeps, GatewayDeps } from './port.ts'

export interface Gateway {
  handle(arrival: Arrival): void
  /** Records a request that was refused at the door. */
  refused(refusal: Refusal, failure: Failure): void
  /** What would happen to a request, as things are now. Throws the `Failure` that it would be refused with. */
  dryRun(input: DryRunInput): DryRun
  /** Requests that have begun and not ended. */
  readonly running: number
  /** Resolves when none is running, at the latest at the deadline; what then still runs is cut. */
  drain(deadlineMs: number): Promise<void>
}

export function createGateway(given: GatewayDeps): Gateway {
  const deps: ExchangeDeps = {
    ...given,
    seals: createSealedCalls(() => given.deadlines.nowMs),
    loops: createLoopCheck(),
    draw: Math.random,
  }
  const running = new Crowd<'runningAt', Exchange>('runningAt')
  const views = new Map([...clientWires].map(([wire, { ingress }]) => [wire, new RequestView(ingress.shape, deps.buffers)]))
  const embeddingView = new RequestView(embeddings.shape, deps.buffers, false)
  let whenEmpty: (() => void) | undefined
  const planner = createPlanner({
    snapshot: given.snapshot,
    resolve: given.resolve,
    health: given.health,
    limits: given.limits,
    nowMs: () => given.deadlines.nowMs,
    random: Math.random,
  })
  const dryRun = createDryRun(planner, given.buffers)
  const planOf = (asked: Exchange) => planner.planOf(asked)

  function over(exchange: Exchange): void {
    running.remove(exchange)
    if (running.size === 0) whenEmpty?.()
  }

  return {
    handle(arrival) {
      const view = arrival.operation === 'embed' ? embeddingView : views.get(arrival.wire)!
      const exchange = new Exchange(deps, view, arrival, over)
      running.add(exchange)
      exchange.begin(planOf)
    },
    refused(refusal, failure) {
      deps.journal.finish(refusalRecord(refusal, failure, deps.headersText(refusal.headers)), (error) => {
        if (error !== undefined) deps.log.error({ err: error, request: refusal.id }, 'a record could not be written yet')
      })
    },
    dryRun,
    get running() {
      return running.size
    },
    async drain(deadlineMs) {
      if (running.size === 0) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          running.forEach((exchange) => exchange.cut())
        }, deadlineMs)
        whenEmpty = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      whenEmpty = undefined
    },
  }
}
