// What the response cache has to do with one request: whether it answers, whether another request's answer is waited for, what is kept.
import type { Finish, Usage } from '#ir'
import { Failure, type ByteCollector } from '#kernel'
import type { PlannedTarget } from '#routing'
import type { CacheState, Outcome } from '#store'
import type { AnswerContext, WireCodec } from '#wires'
import { answerToKeep } from './answer.ts'
import type { Landing } from './flights.ts'
import { cacheKeyFor, wantsRefresh, type CacheAsker } from './request.ts'
import type { CachedAnswer, ResponseCache } from './response-cache.ts'

/** The exchange, as its look into the cache sees it. */
export interface CacheHost extends CacheAsker {
  readonly deps: { readonly cache?: ResponseCache | undefined; readonly log: { warn(fields: object, message: string): void } }
  readonly codec: WireCodec
  /** Of the latest attempt. */
  readonly target: PlannedTarget | undefined
  readonly servedModel: string | undefined
  readonly pricedUsage: { readonly usage: Usage } | undefined
  /** The answer, as its client gets it. */
  readonly kept: ByteCollector
  answerContext(): AnswerContext
}

/** Told once: the answer, or undefined when this request must ask a provider itself. */
export type Landed = (answer: CachedAnswer | undefined) => void

/** undefined: no rule says that this request's answer may be cached. */
export function lookInCache(host: CacheHost): CacheLookup | undefined {
  const { cache } = host.deps
  const rule = host.plan.steps[0]?.target.cache
  if (cache === undefined || rule === undefined) return undefined
  const key = cacheKeyFor(host, rule)
  return key === undefined ? undefined : new CacheLookup(host, cache, key, rule)
}

export class CacheLookup {
  state: Exclude<CacheState, 'disabled'>
  readonly #host: CacheHost
  readonly #cache: ResponseCache
  readonly #key: string
  readonly #rule: NonNullable<PlannedTarget['cache']>
  #leads = false
  #over = false
  /** Set while another request's answer is waited for. */
  #follower: ((landing: Landing<CachedAnswer>) => void) | undefined

  constructor(host: CacheHost, cache: ResponseCache, key: string, rule: NonNullable<PlannedTarget['cache']>) {
    this.#host = host
    this.#cache = cache
    this.#key = key
    this.#rule = rule
    this.state = wantsRefresh(host) ? 'refresh' : 'miss'
  }

  /** undefined: a provider is to be asked. `waits`: another request asks, and `landed` is called once it has come to its end, in a later turn. */
  begin(landed: Landed): CachedAnswer | 'waits' | undefined {
    if (this.state === 'refresh') return undefined
    const answer = this.#cache.get(this.#key)
    if (answer !== undefined) {
      this.state = 'hit'
      return answer
    }
    if (!this.#rule.singleFlight) return undefined
    const follower = (landing: Landing<CachedAnswer>): void => {
      this.#follower = undefined
      this.#leads = landing === 'lead'
      if (typeof landing === 'object') this.state = 'hit'
      // The one who tells has an end of its own to come to.
      queueMicrotask(() => {
        if (!this.#over) landed(typeof landing === 'object' ? landing.answer : undefined)
      })
    }
    this.#leads = this.#cache.flights.join(this.#key, follower)
    if (this.#leads) return undefined
    this.#follower = follower
    return 'waits'
  }

  /** The request has come to its end, whichever, and `kept` has all of its answer that was kept. */
  over(outcome: Outcome, finish: Finish | undefined): void {
    if (this.#over) return
    this.#over = true
    const { flights } = this.#cache
    if (this.#follower !== undefined) {
      flights.leave(this.#key, this.#follower)
      return
    }
    const answer = outcome === 'ok' && this.state !== 'hit' ? this.#keep(finish) : undefined
    if (!this.#leads) return
    // Neither says anything of the answer: its client has left, or a limit of its own refused it.
    const isOwnEnd = outcome === 'cancelled' || outcome === 'denied'
    flights.settle(this.#key, answer !== undefined ? { answer } : isOwnEnd ? 'lead' : 'ask')
  }

  #keep(finish: Finish | undefined): CachedAnswer | undefined {
    const { arrival, codec, inspected, kept, pricedUsage, servedModel, target } = this.#host
    if (target === undefined || kept.droppedBytes > 0) return undefined
    try {
      const answer = answerToKeep(
        {
          codec,
          embeds: arrival.operation === 'embed',
          streamed: inspected.stream && arrival.operation !== 'embed',
          bytes: kept.bytes(),
          finish,
          usage: pricedUsage?.usage,
          provider: target.provider.slug,
          model: servedModel ?? target.model.id,
          context: this.#host.answerContext(),
        },
        this.#rule.tools,
      )
      if (answer !== undefined) this.#cache.put(this.#key, answer, this.#rule.maxAgeMs)
      return answer
    } catch (error) {
      // It passed as it was, and our own decoder refuses it: nothing to give to others.
      if (!(error instanceof Failure)) this.#host.deps.log.warn({ err: error, request: arrival.id }, 'an answer could not be cached')
      return undefined
    }
  }
}
