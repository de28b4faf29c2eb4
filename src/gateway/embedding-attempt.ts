// One try at one target for vectors: one call whose bytes pass, or as many as the provider needs for all inputs, a few at a time.
import { largeBodyBytes } from '#inspection'
import { ByteCollector, Failure } from '#kernel'
import type { Usage } from '#ir'
import type { PlannedTarget } from '#routing'
import { readAnswer, type AnswerToRead, type Piece, type WrittenCall } from '#translation'
import { embeddings, embeddingUsage, providerCodecOf, sumOfUsages, isFailureBody } from '#wires'
import type { AttemptHost, Try } from './try.ts'
import { bytesWithoutSecrets, failureWithoutSecrets } from './echoes.ts'
import { EmbeddingCall, type CallOwner } from './embedding-call.ts'
import type { Outgoing } from './outgoing.ts'
import { peekAnswer, writeCost } from './peeked-answer.ts'
import { asFailure, errorOf, isJson } from './whole-answers.ts'

/** Calls that run at once: providers limit the rate, and each holds an answer in memory. */
const atOnce = 4

export interface EmbeddingHost extends AttemptHost {
  readonly outgoing: Outgoing
  /** As `priced`, of a usage that no provider told. */
  estimated(usage: Usage, attempt: Try): number | undefined
}

export class EmbeddingAttempt implements Try, CallOwner {
  readonly exchange: EmbeddingHost
  readonly target: PlannedTarget
  readonly startedMs: number
  readonly startedAtMs: number
  status = 0
  headMs: number | undefined
  contentMs: number | undefined
  passes: boolean
  over = false
  #written: readonly WrittenCall[] = []
  #headers: readonly string[] = []
  readonly #calls: EmbeddingCall[] = []
  /** By call, in the order of the inputs. */
  readonly #pieces: Piece[] = []
  #answers = 0

  constructor(exchange: EmbeddingHost, target: PlannedTarget) {
    this.exchange = exchange
    this.target = target
    this.passes = target.lane === 'pass'
    this.startedMs = performance.now()
    this.startedAtMs = exchange.arrival.atMs + Math.round(this.startedMs - exchange.arrival.readyMs)
  }

  send(calls: readonly WrittenCall[], headers: readonly string[]): void {
    this.#written = calls
    this.#headers = headers
    for (let at = 0; at < Math.min(atOnce, calls.length) && !this.over; at++) this.#sendNext()
  }

  #sendNext(): void {
    const { simulator, network, buffers } = this.exchange.deps
    const { provider, credential, path } = this.target
    const call = new EmbeddingCall(this, this.#calls.length, buffers)
    this.#calls.push(call)
    call.send(provider.simulated ? simulator : network, {
      origin: provider.origin,
      path,
      method: 'POST',
      headers: this.#headers,
      body: this.#written[call.position]!.body,
      connectMs: this.target.timeouts.connectMs,
      allowPrivateNetwork: provider.allowPrivateNetwork,
      account: credential.account,
    })
  }

  get bodySent(): boolean {
    return this.#calls.every((call) => call.bodySent)
  }

  abort(): void {
    this.over = true
    for (const call of this.#calls) call.abort()
  }

  /** Nothing goes out before the answer is whole. */
  pause(): void {}
  resume(): void {}
  headTaken(): void {}

  failed(failure: Failure, body?: Buffer): void {
    if (this.over) return
    this.abort()
    this.exchange.attemptFailed(this, failureWithoutSecrets(failure, this.target, this.#secrets()), body)
  }

  #secrets(): readonly string[] {
    return this.#calls.flatMap(({ secrets }) => secrets)
  }

  // What a call says.

  headCame(status: number): void {
    this.exchange.touched(0)
    this.status = status
    this.headMs ??= performance.now() - this.startedMs
  }

  errorCame(call: EmbeddingCall, bytes: Buffer): void {
    const body = bytesWithoutSecrets(Buffer.from(bytes), this.target, this.#secrets())
    const failure = errorOf(providerCodecOf(this.target.wire), call.status, call.headers, body)
    this.failed(failure, this.passes && isJson(call.headers['content-type']) ? body : undefined)
  }

  answerCame(call: EmbeddingCall, answer: ByteCollector): void {
    try {
      if (answer.length === 0) throw new Failure('empty_response', 'The provider answered 200 with an empty body.')
      if (this.passes && this.#pass(answer)) return
      this.passes = false
      const reading = this.#readingOf(call)
      if (answer.length < largeBodyBytes) {
        this.#pieceCame(call, readAnswer(reading, answer.bytes()))
      } else {
        this.exchange.deps.translator.readAnswer(reading, answer.bytes()).then(
          (piece) => this.#pieceCame(call, piece),
          (error: unknown) => this.failed(asFailure(error)),
        )
      }
    } catch (error) {
      this.failed(asFailure(error))
    }
    answer.release()
  }

  #readingOf({ position, status, headers }: EmbeddingCall): AnswerToRead {
    const count = this.#written[position]!.count ?? this.exchange.outgoing.inputs?.length
    const from = this.#written.slice(0, position).reduce((sum, before) => sum + (before.count ?? 0), 0)
    return { form: this.target.embeds!, status, headers, encoding: this.exchange.outgoing.vectorEncoding, from, count }
  }

  #pieceCame(call: EmbeddingCall, piece: Piece): void {
    if (this.over) return
    this.exchange.learned(piece.id, piece.model)
    this.#pieces[call.position] = piece
    this.#answers++
    if (this.#calls.length < this.#written.length) this.#sendNext()
    else if (this.#answers === this.#written.length) this.#finish()
  }

  /** The bytes go out as they came, with the cost written into their usage. False: they cannot. */
  #pass(answer: ByteCollector): boolean {
    const body = answer.bytes()
    const peeked = peekAnswer(embeddings, body)
    if (peeked === undefined || isFailureBody(peeked.fields)) return false
    const { id, model } = peeked.fields
    const usage = embeddings.readUsage(peeked.fields, body, this.exchange.outgoing.vectorEncoding)
    if (usage === undefined) return false
    this.exchange.learned(typeof id === 'string' ? id : undefined, typeof model === 'string' ? model : undefined)
    const costUsd = this.exchange.priced(usage, this, peeked.usageText)
    if (costUsd !== undefined) writeCost(answer, peeked, costUsd)
    this.#answer(answer)
    return true
  }

  /** All calls are answered. */
  #finish(): void {
    const usage = sumOfUsages(this.#pieces.map((piece) => piece.usage))
    if (usage === undefined) this.#count()
    else this.#compose(usage, this.exchange.priced(usage, this))
  }

  /** The provider told no usage. */
  #count(): void {
    const counted = (tokens: number): void => {
      if (this.over) return
      const usage = embeddingUsage(tokens, {})
      this.#compose(usage, this.exchange.estimated(usage, this))
    }
    this.exchange.outgoing.countInputs().then(counted, (error: unknown) => this.failed(asFailure(error)))
  }

  #compose(usage: Usage, costUsd: number | undefined): void {
    const body = new ByteCollector(this.exchange.deps.buffers, Infinity)
    body.push(Buffer.from(embeddings.opening))
    for (const [at, { text }] of this.#pieces.entries()) {
      if (at > 0) body.push(comma)
      body.push(text)
    }
    body.push(Buffer.from(embeddings.closing(this.exchange.answerContext().model, usage.input.total, costUsd)))
    this.#answer(body)
  }

  #answer(body: ByteCollector): void {
    this.over = true
    this.contentMs = performance.now() - this.startedMs
    this.exchange.answered(this, { body, finish: undefined })
  }
}

const comma = Buffer.from(',')
