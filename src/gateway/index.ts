// One request's story, from an arrival to its record.
import type { Snapshot } from '#config'
import { Crowd, Failure } from '#kernel'
import { planTargets, type Plan } from '#routing'
import { Exchange } from './exchange.ts'
import { createHistories } from './histories.ts'
import { requestPeek } from './inspect.ts'
import type { Arrival, GatewayDeps, Refusal, Resolution } from './port.ts'
import { refusalRecord } from './record.ts'

export type { Arrival, Client, ClientListener, GatewayDeps, Refusal, Resolution } from './port.ts'

export interface Gateway {
  handle(arrival: Arrival): void
  /** Records a request that was refused at the door. */
  refused(refusal: Refusal, failure: Failure): void
  /** Requests that have begun and not ended. */
  readonly running: number
  /** Resolves when none is running, at the latest at the deadline; what then still runs is cut. */
  drain(deadlineMs: number): Promise<void>
}

const maxCachedPlans = 2000

export function createGateway(deps: GatewayDeps): Gateway {
  const running = new Crowd<'runningAt', Exchange>('runningAt')
  const histories = createHistories(requestPeek, deps.buffers)
  let whenEmpty: (() => void) | undefined
  let plans = new Map<string, Plan>()
  let plansOf: Snapshot | undefined

  function planOf(exchange: Exchange): Plan {
    const snapshot = deps.snapshot()
    if (snapshot !== plansOf || plans.size >= maxCachedPlans) {
      plans = new Map()
      plansOf = snapshot
    }
    const { wire, operation, key } = exchange.arrival
    const { model } = exchange.inspected
    // A key with a list of models has plans of its own.
    const name = key.models === undefined ? `${operation} ${wire} ${model}` : `${operation} ${wire}\n${key.id}\n${model}`
    const known = plans.get(name)
    if (known !== undefined) return known
    const resolved = deps.resolve(snapshot, model, key)
    if (!resolved.ok) throw unknownModel(model, key.name, resolved)
    const plan = planTargets({ operation, wire, candidates: resolved.candidates })
    if (plan.targets.length === 0 && operation === 'generate') {
      const why = plan.skipped.map(({ provider, reason }) => `${provider}: ${reason}`).join('; ')
      throw new Failure('model_not_found', `No provider can be asked for ${quoted(model)} (${why}). Give it a credential.`, {
        param: 'model',
      })
    }
    plans.set(name, plan)
    return plan
  }

  function over(exchange: Exchange): void {
    running.remove(exchange)
    if (running.size === 0) whenEmpty?.()
  }

  return {
    handle(arrival) {
      const exchange = new Exchange(deps, histories, arrival, over)
      running.add(exchange)
      exchange.begin(planOf)
    },
    refused(refusal, failure) {
      deps.journal.finish(refusalRecord(refusal, failure, deps.headersText(refusal.headers)), (error) => {
        if (error !== undefined) deps.log.error({ err: error, request: refusal.id }, 'a record could not be written yet')
      })
    },
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

function unknownModel(model: string, keyName: string, { kind, nearest, alias, byKey }: Extract<Resolution, { ok: false }>): Failure {
  if (kind === 'model_not_allowed') {
    const sentence =
      byKey === true
        ? `The key ${quoted(keyName)} may not use the model ${quoted(model)}. GET /v1/models lists what it may use.`
        : `The model ${quoted(model)} is not allowed here: its provider's allow-list or deny-list excludes it.`
    return new Failure(kind, sentence, { param: 'model' })
  }
  if (alias !== undefined)
    return new Failure(
      kind,
      `${quoted(model)} is an alias of ${quoted(alias)}, which no provider of this gateway serves. Change the alias, or add a provider that does.`,
      { param: 'model' },
    )
  const hint = nearest.length === 0 ? '' : ` Did you mean ${nearest.map(quoted).join(' or ')}?`
  return new Failure(
    kind,
    `No provider of this gateway serves the model ${quoted(model)}.${hint} GET /v1/models lists what can be asked for.`,
    { param: 'model' },
  )
}

function quoted(model: string): string {
  return JSON.stringify(model.slice(0, 200))
}
