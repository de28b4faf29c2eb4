// How long things may take: a request under its deadline, each attempt under its target's timeouts, a stream between two chunks.
import { Failure } from '#kernel'
import type { PlannedTarget } from '#routing'

/** While somebody else could answer, a stream that brings no content is given up after this time. */
const defaultFirstTokenMs = 60_000
/** A target's speed is measured over at least so long. */
const floorWindowMs = 10_000
/** What one request may take in all, unless it says so, or a target may take longer. */
const usualTotalMs = 600_000

export class Patience {
  /** All on the clock of `performance.now()`. */
  totalDueMs = Infinity
  #target!: PlannedTarget
  #startedMs = 0
  #lastByteMs = 0
  /** Since when these bytes are counted; -1: none came yet. */
  #countedMs = -1
  #bytes = 0
  #firstTokenMs = Infinity

  /** A request begins. `wantedMs`: its own deadline. */
  begin(readyMs: number, wantedMs: number | undefined, first: PlannedTarget): void {
    this.totalDueMs = readyMs + (wantedMs ?? Math.max(usualTotalMs, first.timeouts.totalMs))
  }

  /** An attempt begins. `couldMoveOn`: it is a stream, and another target remains. A slow model is not a dead one: without a setting, only then is silence an end. */
  began(target: PlannedTarget, startedMs: number, couldMoveOn: boolean): void {
    this.#target = target
    this.#startedMs = startedMs
    this.#lastByteMs = startedMs
    this.#countedMs = -1
    this.#firstTokenMs = target.timeouts.firstTokenMs ?? (couldMoveOn ? defaultFirstTokenMs : Infinity)
  }

  /** Bytes came. */
  touched(nowMs: number, bytes: number): void {
    this.#lastByteMs = nowMs
    if (this.#countedMs < 0) {
      this.#countedMs = nowMs
      this.#bytes = 0
    }
    this.#bytes += bytes
  }

  /** The attempt's failure, if it is too late. `awaitsBytes`: content has begun, and the client is not the one who is slow. */
  late(nowMs: number, hasContent: boolean, awaitsBytes: boolean): Failure | undefined {
    const { timeouts, provider } = this.#target
    const { slug } = provider
    if (nowMs >= this.totalDueMs) return new Failure('total_timeout', `The request's deadline passed while ${slug} was answering.`)
    if (nowMs - this.#startedMs >= timeouts.totalMs)
      return new Failure('total_timeout', `${slug} was not done within ${seconds(timeouts.totalMs)}.`)
    if (!hasContent) {
      if (nowMs - this.#startedMs >= this.#firstTokenMs)
        return new Failure('first_token_timeout', `${slug} sent no content within ${seconds(this.#firstTokenMs)}.`)
      return this.#slow(nowMs)
    }
    if (awaitsBytes && nowMs - this.#lastByteMs >= timeouts.idleMs)
      return new Failure('idle_timeout', `${slug} went silent for ${seconds(timeouts.idleMs)} in the middle of its answer.`)
    return undefined
  }

  /** When `late` may say something else, if nothing happens until then. */
  dueMs(hasContent: boolean, awaitsBytes: boolean): number {
    const { timeouts } = this.#target
    const dueMs = Math.min(this.totalDueMs, this.#startedMs + timeouts.totalMs)
    if (!hasContent) return Math.min(dueMs, this.#startedMs + this.#firstTokenMs)
    return awaitsBytes ? Math.min(dueMs, this.#lastByteMs + timeouts.idleMs) : dueMs
  }

  /** Below the floor that its config sets. Each window is measured by itself. */
  #slow(nowMs: number): Failure | undefined {
    const { floor } = this.#target.timeouts
    if (floor === undefined || this.#countedMs < 0 || nowMs - this.#countedMs < floorWindowMs) return undefined
    const perSecond = (this.#bytes * 1000) / (nowMs - this.#countedMs)
    if (perSecond < floor)
      return new Failure(
        'too_slow',
        `${this.#target.provider.slug} sent ${Math.floor(perSecond)} bytes a second, less than the ${floor} that its config asks for.`,
      )
    this.#countedMs = nowMs
    this.#bytes = 0
    return undefined
  }
}

/** Whether it was given up sooner than the provider's own timeouts say: then it says nothing about the provider to anybody else. */
export function isHurried({ timeouts, provider }: PlannedTarget, failure: Failure | undefined): boolean {
  const usual = provider.timeouts
  switch (failure?.kind) {
    case 'connect_timeout':
      return timeouts.connectMs < usual.connectMs
    case 'first_token_timeout':
      return (timeouts.firstTokenMs ?? defaultFirstTokenMs) < (usual.firstTokenMs ?? defaultFirstTokenMs)
    case 'idle_timeout':
      return timeouts.idleMs < usual.idleMs
    default:
      return false
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}
