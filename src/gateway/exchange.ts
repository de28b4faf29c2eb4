// One request's story: inspect, plan, reserve, attempt until one commits, finish. Whom it asks is failover.ts; all other state of it is in this one shape.
import { lookInCache, streamOf, type CacheHost, type CacheLookup, type CachedAnswer } from '#cache'
import { inspect, type Arrival, type ClientListener, type Inspected, type RequestView } from '#inspection'
import { ByteCollector, Failure, type Waiting } from '#kernel'
import type { Finish, Note, Usage } from '#ir'
import type { Plan, PlannedTarget } from '#routing'
import type { AttemptRecord, Outcome, ReserveRecord } from '#store'
import { codecOf, type AnswerContext, type StreamEncoder, type WireCodec } from '#wires'
import type { Try, WholeAnswer } from './try.ts'
import { failureOf, internalError, interrupted, type Verdict } from './failed-targets.ts'
import { Failover, type FailoverHost } from './failover.ts'
import { bytesOf, Outgoing } from './outgoing.ts'
import type { ExchangeDeps } from './port.ts'
import { hasBudget, holdFor, type Spending } from './spending.ts'
import { keptLimit, recordAnswer, recordRequest } from './recorded-bodies.ts'
import { answerHead } from './heads.ts'
import { estimatedAnswer, freeAnswer, isDoubtful, priceAnswer, toldCostUsd, type Priced } from './answer-cost.ts'
import { finishRecord, outcomeOf, progressRecord, reserveRecord, type Told } from './record.ts'
import { SentContent, wordsSent } from './sent-words.ts'

/** The head of a stream goes out at the latest after this time, and keep-alives follow in the same rhythm. */
const earlyHeadMs = 10_000
const progressMs = 1000
/** How far apart their turns are, at least: that of the deadlines' clock. */
const progressStepMs = 50
/** How long a provider may take to close after its terminal event before its socket is dropped. */
const closeGraceMs = 1000
export class Exchange implements Waiting, FailoverHost, CacheHost, ClientListener, Told {
  readonly deps: ExchangeDeps
  readonly arrival: Arrival
  readonly codec: WireCodec
  readonly onOver: (exchange: Exchange) => void
  inspected!: Inspected
  /** What was journalled before the first attempt. */
  reserved: ReserveRecord | undefined
  plan: Plan = { steps: [], skipped: [] }
  dueMs = Infinity
  waitingAt = -1
  /** Kept by the gateway's crowd of running exchanges. */
  runningAt = -1
  /** The head went out before any provider had content: the answer is encoded by us from then on. */
  headIsOurs = false
  streamUsage = true
  /** What the client gets to know of who answered. */
  servedId: string | undefined
  servedModel: string | undefined
  /** What it holds of its limits; undefined: it has none. */
  spending: Spending | undefined
  /** What the response cache has to do with it; undefined: nothing. */
  cached: CacheLookup | undefined
  /** The answer that was kept of an earlier request. */
  hit: CachedAnswer | undefined
  readonly notes: Note[] = []
  kept: ByteCollector
  pricedUsage: Priced | undefined
  responseBytes = 0
  status = 0
  firstWriteMs = 0
  clientBehind = false
  readonly #failover = new Failover(this)
  /** An answered attempt whose provider has not closed yet. */
  #lingering: Try | undefined
  /** Another request's answer is waited for. */
  #awaitsAnother = false
  #outgoing!: Outgoing
  #encoder: StreamEncoder | undefined
  readonly #view: RequestView
  /** As it was set when the request came. */
  readonly #logsFully: boolean
  #committed = false
  #over = false
  #lastWriteMs = 0
  #lastProgressMs = 0
  #bufferGiven = false
  #sent: SentContent | undefined

  constructor(deps: ExchangeDeps, view: RequestView, arrival: Arrival, onOver: (exchange: Exchange) => void) {
    this.deps = deps
    this.#view = view
    this.arrival = arrival
    this.codec = codecOf(arrival.wire)
    this.onOver = onOver
    this.#logsFully = deps.storesPayloads()
    this.kept = new ByteCollector(deps.buffers, keptLimit(this.#logsFully))
  }

  begin(planOf: (exchange: Exchange) => Plan): void {
    this.arrival.client.listener = this
    try {
      const seen = inspect(this.arrival, this.codec, this.#view)
      if (seen === 'doubtful') this.#readElsewhere(planOf)
      else this.#go(seen, planOf)
    } catch (error) {
      this.#refuse(failureOf(error))
    }
  }

  /** Doubtful bytes are parsed, and these are many: another thread does it. */
  #readElsewhere(planOf: (exchange: Exchange) => Plan): void {
    this.deps.translator
      .rewrite(this.#view.names, bytesOf(this.arrival))
      .then((text) => {
        if (!this.#over) this.#go(inspect(this.arrival, this.codec, this.#view, text), planOf)
      })
      .catch((error: unknown) => {
        if (!this.#over) this.#refuse(failureOf(error))
      })
  }

  #go(inspected: Inspected, planOf: (exchange: Exchange) => Plan): void {
    this.inspected = inspected
    this.#outgoing = new Outgoing(this.deps, this.arrival, inspected, this.codec)
    this.streamUsage = this.arrival.key.streamUsage === 'always' || inspected.asksForUsage
    this.deps.loops.check(this.arrival, inspected, this.notes)
    this.plan = planOf(this)
    if (this.plan.steps.length === 0) {
      this.#countTokens()
      return
    }
    this.cached = lookInCache(this)
    // To be cached, all of it must be there.
    if (this.cached !== undefined) this.kept = new ByteCollector(this.deps.buffers, keptLimit(true))
    const found = this.cached?.begin((answer) => this.#landed(answer))
    if (found === undefined) this.#ask()
    else if (found === 'waits') this.#awaitAnother()
    else this.#replay(found)
  }

  // Answers of earlier requests.

  /** Another request asks for the same: its answer is this one's, too. Meanwhile the client is kept. */
  #awaitAnother(): void {
    this.#awaitsAnother = true
    this.#failover.begin()
    this.dueMs = Math.min(this.arrival.readyMs + earlyHeadMs, this.#failover.totalDueMs)
    this.deps.deadlines.add(this)
  }

  #landed(answer: CachedAnswer | undefined): void {
    if (this.#over) return
    this.#awaitsAnother = false
    this.deps.deadlines.remove(this)
    try {
      if (answer === undefined) this.#ask()
      else this.#replay(answer)
    } catch (error) {
      if (error instanceof Failure) this.#refuse(error)
      else this.broke(error)
    }
  }

  #replay(answer: CachedAnswer): void {
    this.hit = answer
    recordRequest(this)
    this.servedModel = answer.model
    this.pricedUsage = answer.usage === undefined ? undefined : freeAnswer(answer.usage)
    if (!this.inspected.stream || this.arrival.operation === 'embed') {
      const body = new ByteCollector(this.deps.buffers, Infinity)
      body.push(answer.body)
      this.#answerBody(body, answer.finish, undefined)
      return
    }
    const text = streamOf(this.codec, answer, this.encoder())
    if (!this.headIsOurs) this.#streamHead(undefined)
    this.#committed = true
    this.firstWriteMs ||= performance.now()
    this.#keep(text)
    this.#finish('ok', undefined, answer.finish, () => this.arrival.client.end(text))
  }

  // Asking a provider.

  #ask(): void {
    this.spending = holdFor(this.deps, this)
    if (this.spending?.clamp !== undefined) this.#outgoing.clampTo(this.spending.clamp)
    recordRequest(this)
    this.#outgoing.prepare(this.plan.steps[0]!.target)
    this.reserved = reserveRecord(this)
    this.deps.journal.reserve(this.reserved, (error) => {
      if (this.#over) return
      // What is not written down may be forgotten, and who has a budget would be let off: never free.
      if (error !== undefined && hasBudget(this.arrival.key, this.deps.snapshot()))
        this.exhausted({ failure: unwritten(error), body: undefined })
      else this.#start()
    })
  }

  /** No target of this model counts tokens itself: the gateway estimates. */
  #countTokens(): void {
    this.notes.push({
      code: 'approximated',
      path: 'input_tokens',
      why: 'no provider of this model counts tokens; estimated by the gateway',
    })
    this.#outgoing
      .promptText()
      .then((text) => this.deps.countTokens(text))
      .then((count) => {
        if (this.#over) return
        const body = new ByteCollector(this.deps.buffers, Infinity)
        body.push(Buffer.from(JSON.stringify(this.codec.tokenCounting!.encode(count))))
        this.#answerBody(body, undefined, undefined)
      })
      .catch((error: unknown) => {
        if (!this.#over) this.#refuse(failureOf(error))
      })
  }

  get storesPayloads(): boolean {
    return this.#logsFully && this.inspected.storesBodies
  }

  /** Made when the first progress is due: most answers end before. */
  get sent(): SentContent {
    return (this.#sent ??= new SentContent(this.codec))
  }

  get over(): boolean {
    return this.#over
  }

  // Attempts.

  #start(): void {
    this.deps.deadlines.add(this)
    this.#lastWriteMs = this.deps.deadlines.nowMs
    // Streams that began together are not all read in one turn of the clock.
    this.#lastProgressMs = this.#lastWriteMs - progressPhaseMs()
    this.#failover.start()
  }

  began(): void {
    if (!this.headIsOurs) this.#encoder = undefined
  }

  checkAt(atMs: number): void {
    this.dueMs = atMs
  }

  get couldMoveOn(): boolean {
    return this.#failover.couldMoveOn
  }

  get target(): PlannedTarget | undefined {
    return this.#failover.target
  }

  get attempts(): readonly AttemptRecord[] {
    return this.#failover.records
  }

  get tries(): number {
    return this.#failover.tries
  }

  get dispatchedMs(): number {
    return this.#failover.dispatchedMs
  }

  get outgoing(): Outgoing {
    return this.#outgoing
  }

  get conversation(): string {
    return this.#outgoing.conversation
  }

  // What an attempt says.

  /** Bytes came from the provider. */
  touched(bytes: number): void {
    this.#failover.touched(bytes)
  }

  /** A provider whose answer was complete has closed it. */
  closed(): void {
    this.#lingering = undefined
    if (this.#over) this.deps.deadlines.remove(this)
  }

  learned(id: string | undefined, model: string | undefined): void {
    this.servedId ??= id
    this.servedModel ??= model
  }

  /** Prices the usage so far; the cost to show the client in USD, undefined when there is none to add. */
  priced(usage: Usage, attempt: Try, text?: string): number | undefined {
    this.pricedUsage = priceAnswer(this, usage, attempt.target, text)
    // A cost that the provider wrote into its own bytes stays as it wrote it, where it is one.
    return attempt.passes && this.pricedUsage?.providerCostNanoUsd !== undefined ? undefined : toldCostUsd(this)
  }

  estimated(usage: Usage, attempt: Try): number | undefined {
    this.notes.push({ code: 'approximated', path: 'usage', why: 'the provider told none; counted by the gateway' })
    this.pricedUsage = priceAnswer(this, usage, attempt.target, '', true)
    return toldCostUsd(this)
  }

  answerContext(): AnswerContext {
    return {
      requestId: this.arrival.id,
      model: this.servedModel ?? this.#failover.current?.target.model.id ?? this.inspected.model,
      createdSeconds: Math.floor(this.arrival.atMs / 1000),
      streamUsage: this.streamUsage,
      request: this.#outgoing.request,
    }
  }

  /** The encoder of this attempt's answer; it outlives attempts once the head is ours. */
  encoder(): StreamEncoder {
    return (this.#encoder ??= this.codec.ingress.createStreamEncoder(this.answerContext()))
  }

  committed(attempt: Try): void {
    if (!this.headIsOurs) this.#streamHead(attempt)
    this.#committed = true
  }

  write(bytes: Uint8Array | string): void {
    if (this.firstWriteMs === 0) this.firstWriteMs = performance.now()
    this.#lastWriteMs = this.deps.deadlines.nowMs
    this.#keep(bytes)
    if (this.arrival.client.write(bytes)) return
    this.clientBehind = true
    this.#failover.current?.pause()
  }

  clientCaughtUp(): void {
    this.clientBehind = false
    this.touched(0)
    this.#failover.current?.resume()
  }

  /** A stream is complete but for its tail, which goes out once the record is written. */
  streamed(attempt: Try, finish: Finish | undefined, tail: Uint8Array | string): void {
    this.#failover.ended(attempt, undefined)
    this.#awaitClose(attempt)
    this.#keep(tail)
    this.status = 200
    this.#finish('ok', undefined, finish, () => this.arrival.client.end(tail))
  }

  #awaitClose(attempt: Try): void {
    this.#lingering = attempt
    this.dueMs = this.deps.deadlines.nowMs + closeGraceMs
  }

  /** A whole body is ready. */
  answered(attempt: Try, answer: WholeAnswer): void {
    this.#failover.ended(attempt, undefined)
    if (answer.open === true) this.#awaitClose(attempt)
    this.#answerBody(answer.body, answer.finish, attempt.target)
  }

  #answerBody(answer: ByteCollector, finish: Finish | undefined, target: PlannedTarget | undefined): void {
    this.kept.release()
    this.kept = answer
    this.responseBytes = answer.length
    const body = answer.bytes()
    this.status = 200
    const headers = answerHead(this, target, ['content-type', 'application/json', 'content-length', String(body.length)])
    this.#finish('ok', undefined, finish, () => {
      this.arrival.client.head(200, headers)
      this.arrival.client.end(body)
    })
  }

  attemptFailed(attempt: Try, failure: Failure, body: Buffer | undefined): void {
    if (this.#over) return
    this.#failover.ended(attempt, failure)
    if (failure.kind === 'internal_error')
      this.deps.log.error({ err: failure.details.cause, request: this.arrival.id }, 'an attempt failed inside the gateway')
    if (this.#committed) {
      this.#interrupt(failure)
      return
    }
    // What it said of its usage belongs to an answer that nobody gets.
    this.pricedUsage = undefined
    this.servedId = undefined
    this.servedModel = undefined
    this.#failover.moveOn(attempt, failure, body)
  }

  // Ends.

  /** Nothing of an answer was sent yet, and nothing will be. */
  exhausted({ failure, body }: Verdict): void {
    if (this.headIsOurs) this.#interrupt(failure)
    else this.#errorAnswer(failure, body)
  }

  /** Refused before any target was tried. */
  #refuse(failure: Failure): void {
    if (failure.kind === 'internal_error')
      this.deps.log.error({ err: failure.details.cause, request: this.arrival.id }, 'a request failed inside the gateway')
    this.#errorAnswer(failure, undefined)
  }

  #errorAnswer(failure: Failure, body: Buffer | undefined): void {
    this.status = failure.status
    const bytes = body ?? Buffer.from(JSON.stringify(this.codec.ingress.encodeError(failure, this.arrival.id)))
    this.#keep(bytes)
    const headers = answerHead(this, undefined, ['content-type', 'application/json', 'content-length', String(bytes.length)], failure)
    this.#finish(outcomeOf(failure), failure, undefined, () => {
      this.arrival.client.head(this.status, headers)
      this.arrival.client.end(bytes)
    })
  }

  /** The answer has begun and cannot be finished: the error goes in-band, and the connection closes without the mark of a complete answer. */
  #interrupt(failure: Failure): void {
    const shown = this.#committed ? interrupted(failure) : failure
    const bytes = this.codec.ingress.encodeStreamError(shown, this.arrival.id)
    this.#keep(bytes)
    this.#finish(this.#committed ? 'interrupted' : 'upstream_error', failure, undefined, () => this.arrival.client.cut(bytes))
  }

  /** Nobody waits for an answer that does not come: what could not be written is told as our fault, or breaks off. */
  broke(error: unknown): void {
    if (this.#over) {
      this.#abandon(error)
      return
    }
    this.deps.log.error({ err: error, request: this.arrival.id }, 'an answer failed inside the gateway')
    const failure = internalError(error)
    if (this.#committed || this.headIsOurs) this.#interrupt(failure)
    else this.#errorAnswer(failure, undefined)
  }

  /** There is nothing left to say it with. */
  #abandon(error: unknown): void {
    this.deps.log.error({ err: error, request: this.arrival.id }, 'an answer could not be sent')
    this.arrival.client.cut('')
  }

  /** The gateway stops and cannot wait any longer. */
  cut(): void {
    const attempt = this.#failover.current
    if (this.#over) return
    const stopping = new Failure('draining', 'This gateway is stopping. Try again in a few seconds.')
    if (attempt !== undefined && !attempt.over) attempt.failed(stopping)
    else this.exhausted({ failure: stopping, body: undefined })
  }

  clientLeft(): void {
    if (this.#over) return
    const attempt = this.#failover.current
    if (this.reserved !== undefined && attempt !== undefined && !attempt.over) {
      attempt.abort()
      this.#failover.ended(attempt, new Failure('client_closed', 'The client left.'))
    }
    if (this.status === 0) this.status = 499
    this.#finish('cancelled', new Failure('client_closed', 'The client left before the answer was complete.'), undefined, () => {})
  }

  /** Writes the record, then says the last word. Called exactly once. */
  #finish(outcome: Outcome, failure: Failure | undefined, finish: Finish | undefined, last: () => void): void {
    this.#over = true
    if (this.#lingering === undefined) this.deps.deadlines.remove(this)
    const endedMs = performance.now()
    // What was refused before anybody was asked has no answer worth keeping.
    const bodies = this.reserved === undefined && this.hit === undefined ? undefined : recordAnswer(this)
    // Without the provider's last word, what it said of its output so far is not the truth.
    const hasWords = this.arrival.operation === 'generate' && this.hit === undefined && (this.#committed || outcome === 'ok')
    const needsCounting = hasWords && (this.pricedUsage === undefined || outcome !== 'ok' || isDoubtful(this.pricedUsage))
    const record = finishRecord(this, { outcome, failure, finish, endedMs, bodies, kept: needsCounting ? wordsSent(this) : '' })
    this.spending?.over(this.attempts.length > 0, needsCounting ? estimatedAnswer(this) : this.pricedUsage, record, Date.now())
    this.deps.journal.finish(record, (error) => {
      if (error !== undefined) this.deps.log.error({ err: error, request: this.arrival.id }, 'a record could not be written yet')
      try {
        last()
      } catch (thrown) {
        this.#abandon(thrown)
      }
      this.cached?.over(outcome, finish)
      this.kept.release(this.arrival.client.flushed())
      this.#giveBuffer()
      this.onOver(this)
    })
  }

  #giveBuffer(): void {
    if (this.#bufferGiven) return
    this.#bufferGiven = true
    // A buffer whose bytes may still be on their way to a socket is left to the garbage collector.
    if (this.#failover.current?.bodySent === false) return
    // Nothing was inspected when the body was refused.
    const turn = (this.inspected as Inspected | undefined)?.body.retire()
    if (turn === undefined) this.deps.buffers.give(this.arrival.buffer)
    else this.#view.histories.keep(turn, performance.now())
  }

  // Time.

  due(nowMs: number): void {
    if (this.#over) {
      this.#lingering?.abort()
      this.closed()
      return
    }
    const attempt = this.#failover.current
    if (attempt === undefined) {
      if (this.#awaitsAnother) this.#dueWhileWaiting(nowMs)
      return
    }
    if (this.#failover.due(nowMs)) return
    if (this.inspected.stream && nowMs - this.#lastWriteMs >= earlyHeadMs) this.#keepAlive(attempt, nowMs)
    if (this.#committed && nowMs - this.#lastProgressMs >= progressMs) {
      this.#lastProgressMs = nowMs
      this.deps.journal.progress(progressRecord(this))
    }
    this.#failover.scheduleCheck(nowMs)
  }

  #dueWhileWaiting(nowMs: number): void {
    const { totalDueMs } = this.#failover
    if (nowMs >= totalDueMs) {
      const failure = new Failure(
        'timeout',
        'Timeout while the same request of another client was answered. Try again, or allow more time.',
      )
      this.exhausted({ failure, body: undefined })
      return
    }
    if (this.inspected.stream) this.#keepAlive(undefined, nowMs)
    this.dueMs = Math.min(nowMs + earlyHeadMs, totalDueMs)
  }

  #keepAlive(attempt: Try | undefined, nowMs: number): void {
    if (!this.headIsOurs) {
      // After content, the provider's silence is the client's silence: its bytes pass, and none of ours may come between.
      if (this.#committed) return
      this.headIsOurs = true
      this.#streamHead(attempt)
      this.write(this.encoder().preamble())
      attempt?.headTaken()
    } else {
      this.write(this.encoder().keepAlive())
    }
    this.#lastWriteMs = nowMs
  }

  // Small parts.

  #streamHead(attempt: Try | undefined): void {
    this.status = 200
    this.arrival.client.head(
      200,
      answerHead(this, attempt?.target, ['content-type', 'text/event-stream; charset=utf-8', 'cache-control', 'no-cache']),
    )
  }

  #keep(bytes: Uint8Array | string): void {
    const chunk = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
    this.responseBytes += chunk.length
    this.kept.push(chunk)
  }
}

let progressTurns = 0

/** From 0 to 1000 ms, another one each time. */
function progressPhaseMs(): number {
  progressTurns = (progressTurns + 1) % (progressMs / progressStepMs)
  return progressTurns * progressStepMs
}

function unwritten(cause: Error): Failure {
  return new Failure(
    'store_unavailable',
    'The gateway cannot write down what this request would cost, so it is not sent. Try again; the log of the gateway says why.',
    { cause },
  )
}
