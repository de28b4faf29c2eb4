// One try at one target for vectors: one call whose bytes pass, or as many as the provider needs for all inputs, a few at a time.
import { ByteCollector, Failure } from '#kernel'
import type { EmbeddingRequest, Usage } from '#ir'
import type { PlannedTarget } from '#routing'
import { embeddingCodecOf, embeddings, embeddingUsage, providerCodecOf, sumOfUsages } from '#wires'
import type { AttemptHost, Try } from './attempt.ts'
import { bytesWithoutSecrets, failureWithoutSecrets } from './echoes.ts'
import { EmbeddingCall, type CallOwner } from './embedding-call.ts'
import { peekResponse } from './inspect.ts'
import { asFailure, isFailureBody, isJson, parseObject } from './whole-bodies.ts'

/** Calls that run at once: providers limit the rate, and each holds an answer in memory. */
const atOnce = 4

export interface EmbeddingHost extends AttemptHost {
  /** Decoded when it is first needed: bytes that pass need it not. */
  embeddingRequest(): EmbeddingRequest
  /** As `priced`, of a usage that no provider told. */
  estimated(usage: Usage, attempt: Try): number | undefined
}

/** A call's body, and how many inputs are in it; of bytes that pass, nobody has counted. */
export type WrittenCall = { readonly body: Buffer; readonly count: number | undefined }

/** What a call has become, in the client's form. */
type Piece = { readonly text: string; readonly usage: Usage | undefined }

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
      connectMs: provider.timeouts.connectMs,
      allowPrivateNetwork: provider.allowPrivateNetwork,
      ...(credential.account === undefined ? {} : { account: credential.account }),
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
    this.exchange.touched()
    this.status = status
    this.headMs ??= performance.now() - this.startedMs
  }

  errorCame(call: EmbeddingCall, bytes: Buffer): void {
    const body = bytesWithoutSecrets(Buffer.from(bytes), this.target, this.#secrets())
    this.failed(this.#said(call, body), this.passes && isJson(call.headers['content-type']) ? body : undefined)
  }

  answerCame(call: EmbeddingCall, answer: ByteCollector): void {
    try {
      if (answer.length === 0) throw new Failure('empty_response', 'The provider answered 200 with an empty body.')
      if (this.passes && this.#pass(answer)) return
      this.#pieces[call.position] = this.#translated(call, answer.bytes())
      this.#answers++
    } catch (error) {
      this.failed(asFailure(error))
    }
    answer.release()
    if (this.over) return
    if (this.#calls.length < this.#written.length) this.#sendNext()
    else if (this.#answers === this.#written.length) this.#finish()
  }

  #said({ status, headers }: EmbeddingCall, body: Buffer): Failure {
    return providerCodecOf(this.target.wire).egress.decodeError(status, headers, body.toString('utf8'))
  }

  /** The bytes go out as they came, with the cost written into their usage. False: they cannot. */
  #pass(answer: ByteCollector): boolean {
    const body = answer.bytes()
    const peeked = peekResponse(embeddings, body)
    if (peeked === undefined || isFailureBody(peeked.fields)) return false
    const { id, model } = peeked.fields
    const usage = embeddings.readUsage(peeked.fields, body, this.exchange.inspected.fields['encoding_format'])
    if (usage === undefined) return false
    this.exchange.learned(typeof id === 'string' ? id : undefined, typeof model === 'string' ? model : undefined)
    const costUsd = this.exchange.priced(usage, this, peeked.usageText)
    if (costUsd !== undefined) answer.insert(peeked.costAt, Buffer.from(`"cost":${costUsd},`, 'latin1'))
    this.#answer(answer)
    return true
  }

  #translated(call: EmbeddingCall, body: Buffer): Piece {
    this.passes = false
    const document = parseObject(body)
    if (isFailureBody(document)) throw this.#said(call, body)
    const { vectors, usage, id, model } = embeddingCodecOf(this.target.embeds!).decodeAnswer(document, call.headers)
    const { inputs, encoding } = this.exchange.embeddingRequest()
    const count = this.#written[call.position]!.count ?? inputs.length
    if (vectors.length !== count) throw new Failure('bad_response', `The provider answered ${vectors.length} vectors for ${count} inputs.`)
    this.exchange.learned(id, model)
    const from = this.#written.slice(0, call.position).reduce((sum, { count: before = 0 }) => sum + before, 0)
    return { text: embeddings.encodeVectors(vectors, from, encoding), usage }
  }

  /** All calls are answered. */
  #finish(): void {
    const usage = sumOfUsages(this.#pieces.map((piece) => piece.usage))
    if (usage === undefined) this.#count()
    else this.#compose(usage, this.exchange.priced(usage, this))
  }

  /** The provider told no usage. */
  #count(): void {
    const { inputs } = this.exchange.embeddingRequest()
    const text = inputs.filter((input) => typeof input === 'string').join('\n')
    const ids = inputs.reduce((sum, input) => sum + (typeof input === 'string' ? 0 : input.length), 0)
    const counted = (tokens: number): void => {
      if (this.over) return
      const usage = embeddingUsage(ids + tokens, {})
      this.#compose(usage, this.exchange.estimated(usage, this))
    }
    const { countTokens, log } = this.exchange.deps
    countTokens(text).then(counted, (error: unknown) => {
      log.warn({ err: error, request: this.exchange.arrival.id }, 'tokens could not be counted; their number is guessed')
      counted(Math.ceil(text.length / charactersPerToken))
    })
  }

  #compose(usage: Usage, costUsd: number | undefined): void {
    const body = new ByteCollector(this.exchange.deps.buffers, Infinity)
    const push = (text: string): boolean => body.push(Buffer.from(text))
    push(embeddings.opening)
    for (const [at, { text }] of this.#pieces.entries()) push(at === 0 ? text : `,${text}`)
    push(embeddings.closing(this.exchange.answerContext().model, usage.input.total, costUsd))
    this.#answer(body)
  }

  #answer(body: ByteCollector): void {
    this.over = true
    this.contentMs = performance.now() - this.startedMs
    this.exchange.answered(this, { body, finish: undefined })
  }
}

/** Of an average text. */
const charactersPerToken = 4
