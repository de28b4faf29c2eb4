// Whom a request asks: each target of its plan in turn, or the same one again, until one commits or nobody is left.
import { Failure } from '#kernel'
import type { Note } from '#ir'
import { nextStep, retryWait, type Plan, type PlannedTarget } from '#routing'
import type { AttemptRecord } from '#store'
import { Attempt } from './attempt.ts'
import type { Try } from './try.ts'
import { EmbeddingAttempt, type EmbeddingHost } from './embedding-attempt.ts'
import { FailedTargets, failureOf, type Verdict } from './failed-targets.ts'
import { requestHeaders } from './heads.ts'
import { isHurried, Patience } from './patience.ts'
import { attemptRecord } from './record.ts'
import type { Spending } from './spending.ts'

/** The exchange, as seen from here. */
export interface FailoverHost extends EmbeddingHost {
  readonly plan: Plan
  readonly notes: Note[]
  /** What it holds of its limits; undefined: it has none. */
  readonly spending: Spending | undefined
  /** The client reads slower than the provider sends: the provider waits for it, and its silence is not its fault. */
  readonly clientBehind: boolean
  /** An attempt begins. */
  began(): void
  /** Nobody is left to ask. */
  exhausted(verdict: Verdict): void
  /** To be asked again at this time, on the clock of `performance.now()`. */
  checkAt(atMs: number): void
}

export class Failover {
  /** Of the latest attempt. */
  target: PlannedTarget | undefined
  /** The latest attempt. */
  current: Try | undefined
  readonly records: AttemptRecord[] = []
  /** Attempts begun. */
  tries = 0
  /** `performance.now()` of the first dispatch; 0 before. */
  dispatchedMs = 0
  readonly #host: FailoverHost
  readonly #patience = new Patience()
  #position = -1
  /** Which one is tried as soon as the current one has been left; -1: none. */
  #next = -1
  #isTrying = false
  /** How often the step at this position was tried again. */
  #retried = 0
  /** When the same target is tried again; 0: no such wait. */
  #retryAtMs = 0
  /** How long the latest such wait is, or was. */
  #retryWaitMs = 0
  #failed: FailedTargets | undefined

  constructor(host: FailoverHost) {
    this.#host = host
  }

  /** From now on its time counts. Nobody is asked yet. */
  begin(): void {
    const { arrival, inspected, plan } = this.#host
    this.#patience.begin(arrival.readyMs, inspected.timeoutMs, plan.steps[0]!.target)
  }

  start(): void {
    this.begin()
    this.#try(0)
  }

  /** On the clock of `performance.now()`. */
  get totalDueMs(): number {
    return this.#patience.totalDueMs
  }

  get couldMoveOn(): boolean {
    return this.#host.plan.steps[this.#position]!.exits.some(({ on }) => on !== 'credential')
  }

  /** Bytes came from the provider. */
  touched(bytes: number): void {
    this.#patience.touched(this.#host.deps.deadlines.nowMs, bytes)
  }

  /** What fails before it is sent (a field that has no place there, a limit) fails within this: thousands may, and none on top of the other. */
  #try(position: number): void {
    this.#next = position
    if (this.#isTrying) return
    this.#isTrying = true
    try {
      while (this.#next >= 0) {
        const next = this.#next
        this.#next = -1
        this.#tryOne(next)
      }
    } finally {
      this.#isTrying = false
    }
  }

  #tryOne(position: number): void {
    if (position !== this.#position) this.#retried = 0
    this.#position = position
    this.#retryAtMs = 0
    const host = this.#host
    const { target } = host.plan.steps[position]!
    const limited = host.spending?.at(target, Date.now())
    if (limited !== undefined) {
      this.#passOver(target, limited)
      return
    }
    this.tries++
    this.target = target
    if (target.embeds === undefined) {
      const attempt = new Attempt(host, target)
      this.#ask(
        attempt,
        () => host.outgoing.bodyFor(target),
        ({ body, toolNames }) => {
          attempt.toolNames = toolNames
          attempt.send(body, requestHeaders(target, host.arrival, host.inspected.stream))
        },
      )
    } else {
      const attempt = new EmbeddingAttempt(host, target)
      this.#ask(
        attempt,
        () => host.outgoing.callsFor(target),
        ({ calls }) => attempt.send(calls, requestHeaders(target, host.arrival, false)),
      )
    }
  }

  #ask<Written extends { readonly notes: readonly Note[] }>(
    attempt: Try,
    write: () => Written | Promise<Written>,
    send: (written: Written) => void,
  ): void {
    this.#began(attempt)
    const dispatch = (written: Written): void => {
      if (attempt.over) return
      this.#note(written.notes, attempt.target)
      if (this.dispatchedMs === 0) this.dispatchedMs = performance.now()
      send(written)
    }
    try {
      const written = write()
      if (written instanceof Promise) written.then(dispatch).catch((error: unknown) => attempt.failed(failureOf(error)))
      else dispatch(written)
    } catch (error) {
      attempt.failed(failureOf(error))
    }
  }

  #began(attempt: Try): void {
    const { target, startedMs } = attempt
    this.current = attempt
    this.#host.began()
    target.vitals.began(startedMs)
    this.#patience.began(target, startedMs, this.#host.inspected.stream && this.couldMoveOn)
    this.scheduleCheck()
  }

  /** A limit of the provider, or for its model, is reached: it is not asked. */
  #passOver(target: PlannedTarget, limited: Failure): void {
    const host = this.#host
    host.notes.push({ code: 'observed', path: target.route === '' ? target.provider.slug : target.route, why: limited.message })
    this.#keep(target, limited, undefined)
    this.#leave(limited)
  }

  #keep(target: PlannedTarget, failure: Failure, body: Buffer | undefined): void {
    this.#failed ??= new FailedTargets()
    this.#failed.add(target, failure, body)
  }

  #leave(failure: Failure): void {
    const { plan, inspected } = this.#host
    const next = nextStep(plan, this.#position, failure)
    if (next !== undefined && performance.now() < this.totalDueMs) this.#try(next)
    else this.#host.exhausted(this.#failed!.verdict(inspected.ownKey !== undefined))
  }

  /** Every loss is said; to a strict request it is an error instead. */
  #note(notes: readonly Note[], target: PlannedTarget): void {
    if (notes.length === 0) return
    const host = this.#host
    if (host.inspected.strict) throw unsupported(notes[0]!, target.provider.slug)
    // One for each message of a long conversation may be thousands.
    const known = new Set(host.notes.map(nameOfNote))
    for (const note of notes) {
      const name = nameOfNote(note)
      if (known.has(name)) continue
      known.add(name)
      host.notes.push(note)
    }
  }

  /** An attempt is over. `failure`: why, if it did not answer. */
  ended(attempt: Try, failure: Failure | undefined): void {
    const totalMs = performance.now() - attempt.startedMs
    const hurried = isHurried(attempt.target, failure)
    attempt.target.vitals.ended(attempt.startedMs + totalMs, { failure, firstTokenMs: attempt.contentMs, totalMs, hurried })
    this.records.push(attemptRecord(attempt, this.#reasonOf(attempt), failure, totalMs))
  }

  /** Called before another wait begins. */
  #reasonOf({ target: { retry } }: Try): string {
    if (this.#retried === 0) return this.#host.plan.steps[this.#position]!.reason
    return `retry ${this.#retried} of ${retry!.attempts}, after ${Math.round(this.#retryWaitMs)} ms`
  }

  /** After an attempt that failed, and of whose answer nothing was sent. `body`: the provider's own JSON error, which may be passed on. */
  moveOn({ target }: Try, failure: Failure, body: Buffer | undefined): void {
    this.#keep(target, failure, body)
    const nowMs = performance.now()
    const { retry } = target
    const waitMs =
      retry === undefined ? undefined : retryWait(retry, this.#retried, failure, this.#host.deps.draw(), this.totalDueMs - nowMs)
    if (waitMs === undefined) {
      this.#leave(failure)
      return
    }
    this.#retried++
    this.#retryWaitMs = waitMs
    this.#retryAtMs = nowMs + waitMs
    this.scheduleCheck(nowMs)
  }

  // Time.

  /** True: an attempt began or ended by this, and there is nothing else to look after. */
  due(nowMs: number): boolean {
    if (this.#retryAtMs > 0) {
      if (nowMs < this.#retryAtMs) return false
      this.#try(this.#position)
      return true
    }
    const attempt = this.current!
    if (attempt.over) return true
    const late = this.#patience.late(nowMs, attempt.contentMs !== undefined, !this.#host.clientBehind)
    if (late === undefined) return false
    attempt.failed(late)
    return true
  }

  scheduleCheck(nowMs = this.#host.deps.deadlines.nowMs): void {
    const hasContent = this.current!.contentMs !== undefined
    const dueMs = this.#retryAtMs > 0 ? this.#retryAtMs : this.#patience.dueMs(hasContent, !this.#host.clientBehind)
    this.#host.checkAt(Math.max(Math.min(dueMs, nowMs + checkMs), nowMs + 1))
  }
}

/** A running request is looked after at least so often. */
const checkMs = 1000

function nameOfNote({ code, path }: Note): string {
  return `${code} ${path}`
}

function unsupported(note: Note, provider: string): Failure {
  return new Failure('unsupported_feature', `x-turnpike-strict: \`${note.path}\` cannot be carried to ${provider}: ${note.why}.`, {
    param: note.path,
  })
}
