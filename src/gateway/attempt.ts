// One try at one target: builds the call, reads the answer in whatever form it comes, and tells the exchange what it became.
import { largeBodyBytes } from '#inspection'
import { ByteCollector, Failure } from '#kernel'
import { explode, type Finish, type Response, type StreamEvent, type Usage } from '#ir'
import type { PlannedTarget } from '#routing'
import { decodeAnswer, ownNamesIn, withOwnNames, type ToolNames } from '#translation'
import type { UpstreamCall, UpstreamHandler } from '#upstream'
import {
  createSseParser,
  isFailureBody,
  parseObject,
  providerCodecOf,
  type FrameParser,
  type Framing,
  type ProviderCodec,
  type StreamDecoder,
} from '#wires'
import { bytesWithoutSecrets, failureWithoutSecrets } from './echoes.ts'
import { emptyCompletion, endsAsIfDone, mayBeEmpty, saysNothing } from './empty.ts'
import { FoldReader } from './fold-reader.ts'
import { isFiltered, wantsPlainFinish, withPlainFinish } from './filtered.ts'
import { peekAnswer, writeCost } from './peeked-answer.ts'
import { isStream, looksLikeEventStream, markersOf, sniffedBytes } from './stream-form.ts'
import { PassReader, TranslateReader, type StreamReader, type StreamSink } from './streams.ts'
import type { AttemptHost, Try, WholeAnswer } from './try.ts'
import { asFailure, errorOf, isJson, tooLarge, wholeBodyBytes } from './whole-answers.ts'

const errorBodyBytes = 64 << 10

type Mode = 'waiting' | 'error' | 'whole' | 'stream' | 'over'

export class Attempt implements UpstreamHandler, StreamSink, Try {
  readonly exchange: AttemptHost
  readonly target: PlannedTarget
  readonly codec: ProviderCodec
  readonly #framing: Framing | undefined
  readonly startedMs: number
  readonly startedAtMs: number
  status = 0
  headMs: number | undefined
  contentMs: number | undefined
  /** Whether the provider's bytes reach the client as they are. */
  passes: boolean
  /** Tools that this provider knows by another name than the client; set before it is asked. */
  toolNames: ToolNames | undefined
  readonly #endsPlainly: boolean
  #mode: Mode = 'waiting'
  /** The stream is not server-sent events: no chunk of it may pass unread. */
  #framed = false
  #call: UpstreamCall | undefined
  #ended = false
  #headers: Readonly<Record<string, string>> = {}
  #collector: ByteCollector | undefined
  #reader: StreamReader | undefined
  #parser: FrameParser | undefined

  constructor(exchange: AttemptHost, target: PlannedTarget) {
    this.exchange = exchange
    this.target = target
    this.codec = providerCodecOf(target.wire)
    this.#framing = this.codec.egress.framing?.(target.provider.dialect)
    this.passes = target.lane === 'pass' && !exchange.headIsOurs
    this.#endsPlainly = wantsPlainFinish(exchange.arrival.key)
    this.startedMs = performance.now()
    this.startedAtMs = exchange.arrival.atMs + Math.round(this.startedMs - exchange.arrival.readyMs)
  }

  send(body: Buffer, headers: readonly string[]): void {
    const { provider, credential } = this.target
    const upstream = provider.simulated ? this.exchange.deps.simulator : this.exchange.deps.network
    const request = {
      origin: provider.origin,
      path: this.exchange.inspected.stream ? this.target.streamPath : this.target.path,
      method: 'POST',
      headers,
      body,
      connectMs: this.target.timeouts.connectMs,
      allowPrivateNetwork: provider.allowPrivateNetwork,
      account: credential.account,
    } as const
    this.#call = upstream.send(request, this)
    // The handler may have failed before `send` returned.
    if (this.#mode === 'over') this.#call.abort()
  }

  get over(): boolean {
    return this.#mode === 'over'
  }

  /** True when nothing will read the request's body any more. */
  get bodySent(): boolean {
    return this.#call === undefined || this.#call.bodySent()
  }

  abort(): void {
    this.#mode = 'over'
    this.#collector?.release()
    this.#call?.abort()
  }

  pause(): void {
    this.#call?.pause()
  }

  resume(): void {
    this.#call?.resume()
  }

  // What the provider says.

  head(status: number, headers: Readonly<Record<string, string>>): void {
    if (this.over) return
    this.exchange.touched(0)
    this.status = status
    this.#headers = headers
    this.headMs = performance.now() - this.startedMs
    if (status < 200 || status >= 300) {
      this.#collect('error', errorBodyBytes)
      return
    }
    if (isStream(headers['content-type'], this.#framing)) this.#startStream(this.#framing)
    else this.#collect('whole', wholeBodyBytes)
  }

  data(chunk: Buffer): void {
    this.exchange.touched(chunk.length)
    switch (this.#mode) {
      case 'stream':
        // Parts of it are kept: a frame that is not whole, the tail until the record is written, everything while the client reads slowly.
        this.#streamData(Buffer.from(chunk))
        return
      case 'whole': {
        const collector = this.#collector!
        const before = collector.length
        if (!collector.push(chunk)) this.failed(tooLarge())
        // Some servers stream without saying so.
        else if (before < sniffedBytes && looksLikeEventStream(before === 0 ? chunk : collector.bytes())) {
          const begun = Buffer.from(collector.bytes())
          this.#startStream()
          this.#streamData(begun)
        }
        return
      }
      case 'error':
        // What is larger says nothing more, and may have no end.
        if (!this.#collector!.push(chunk)) this.#errorBody()
        return
      case 'waiting':
      case 'over':
        return
      default:
        this.#mode satisfies never
    }
  }

  end(): void {
    this.#ended = true
    switch (this.#mode) {
      case 'error':
        this.#errorBody()
        return
      case 'whole':
        this.#wholeBody()
        return
      case 'stream':
        try {
          this.#parser!.end((frame) => this.#reader!.frame(frame))
          this.#reader!.end()
        } catch (error) {
          this.#thrown(error)
        }
        return
      case 'waiting':
        this.failed(new Failure('empty_response', 'The provider closed its answer before it began.'))
        return
      case 'over':
        this.exchange.closed()
        return
      default:
        this.#mode satisfies never
    }
  }

  error(failure: Failure): void {
    if (this.over) this.exchange.closed()
    else this.failed(failure)
  }

  /** What the provider sent was wrong; or, once its answer is over, something of ours is. */
  #thrown(error: unknown): void {
    if (this.over) this.exchange.broke(error)
    else this.failed(asFailure(error))
  }

  // What a stream reader says.

  committed(): void {
    this.contentMs = performance.now() - this.startedMs
    this.exchange.committed(this)
  }

  write(bytes: Uint8Array | string): void {
    this.exchange.write(bytes)
  }

  learned(id: string | undefined, model: string | undefined): void {
    this.exchange.learned(id, model)
  }

  usage(usage: Usage, text?: string): number | undefined {
    return this.exchange.priced(usage, this, text)
  }

  refusesEmpty(finish: Finish): boolean {
    return endsAsIfDone(finish) && this.exchange.couldMoveOn
  }

  complete(finish: Finish | undefined, tail: Uint8Array | string): void {
    if (this.over) return
    this.#mode = 'over'
    this.exchange.streamed(this, finish, tail)
  }

  failed(failure: Failure, body?: Buffer): void {
    if (this.over) return
    this.#mode = 'over'
    this.#collector?.release()
    this.#call?.abort()
    this.exchange.attemptFailed(this, failureWithoutSecrets(failure, this.target, this.#call?.secrets), body)
  }

  /** The exchange had to begin the answer itself: what has been held so far goes through its encoder instead. */
  headTaken(): void {
    this.passes = false
    if (this.#mode !== 'stream' || !(this.#reader instanceof PassReader)) return
    const held = this.#reader.held
    this.#reader = this.#translateReader()
    for (const frame of held) this.#reader.frame(frame)
    this.#reader.flush()
  }

  // Streams.

  #startStream(framing?: Framing): void {
    this.#collector?.release()
    this.#collector = undefined
    this.#mode = 'stream'
    this.#framed = framing !== undefined
    this.#parser = framing?.createParser() ?? createSseParser()
    if (!this.exchange.inspected.stream) this.#reader = new FoldReader(this.#decoder(), (response) => this.#translated(response))
    else if (this.passes) this.#reader = this.#passReader()
    else this.#reader = this.#translateReader()
  }

  #streamData(chunk: Buffer): void {
    if (!this.#framed && this.#parser!.idle && this.#reader!.pass(chunk)) return
    try {
      this.#parser!.push(chunk, (frame) => this.#reader!.frame(frame))
      this.#reader!.flush()
    } catch (error) {
      this.#thrown(error)
    }
  }

  #passReader(): StreamReader {
    const pass = this.exchange.codec.passThrough
    const watch = pass.createWatch(this.target.provider.dialect)
    const knows = this.#endsPlainly ? pass.knowsFinish : undefined
    return new PassReader(this, watch, markersOf(pass, this.#endsPlainly), this.exchange.streamUsage, pass.terminator, knows)
  }

  #translateReader(): TranslateReader {
    const decoder = this.#decoder()
    const { deps, conversation } = this.exchange
    return new TranslateReader(this, followed(decoder, deps.seals.follow(conversation)), this.exchange.encoder(), this.#endsPlainly)
  }

  #decoder(): StreamDecoder {
    const decoder = this.codec.egress.createStreamDecoder(this.target.provider.dialect)
    return this.toolNames === undefined ? decoder : withOwnNames(decoder, this.toolNames)
  }

  // Whole bodies.

  #collect(mode: 'error' | 'whole', limitBytes: number): void {
    this.#mode = mode
    this.#collector = new ByteCollector(this.exchange.deps.buffers, limitBytes)
  }

  #errorBody(): void {
    const body = bytesWithoutSecrets(Buffer.from(this.#collector!.bytes()), this.target, this.#call?.secrets)
    const failure = errorOf(this.codec, this.status, this.#headers, body)
    this.failed(failure, this.passes && isJson(this.#headers['content-type']) ? body : undefined)
  }

  #wholeBody(): void {
    const body = this.#collector!.bytes()
    try {
      if (body.length === 0) throw new Failure('empty_response', 'The provider answered 200 with an empty body.')
      if (this.passes && !this.exchange.inspected.stream) this.#passWhole(body)
      else this.#translateWhole(body)
    } catch (error) {
      this.#thrown(error)
    }
  }

  get #wireOfAnswer() {
    return { wire: this.target.wire, dialect: this.target.provider.dialect } as const
  }

  /** Large ones are parsed by another thread: no other stream waits meanwhile. */
  #translateWhole(body: Buffer): void {
    const answer = this.#wireOfAnswer
    const decoded = (response: Response): void => {
      if (!this.over) this.#translated(this.toolNames === undefined ? response : ownNamesIn(response, this.toolNames))
    }
    if (body.length < largeBodyBytes) {
      decoded(decodeAnswer(answer, body))
      return
    }
    this.exchange.deps.translator
      .decodeAnswer(answer, body)
      .then(decoded)
      .catch((error: unknown) => this.#thrown(error))
  }

  /** Some say what went wrong in a 200, and in a shape of their own. What has no usage, or no end, is read before it is believed. */
  #mayBeNoAnswer(finish: Finish | undefined, usage: Usage | undefined, { length }: Buffer): boolean {
    const isGeneration = this.exchange.arrival.operation === 'generate'
    return (finish === undefined || usage === undefined) && isGeneration && length < largeBodyBytes
  }

  /** The body goes out as it came, with the cost written into its usage. */
  #passWhole(body: Buffer): void {
    const { codec } = this.exchange
    const pass = codec.passThrough
    const peeked = peekAnswer(pass, body)
    if (peeked === undefined || isFailureBody(peeked.fields)) {
      // Doubtful bytes, or an error inside a 200: the decoder has the last word.
      if (peeked !== undefined || isFailureBody(parseObject(body)))
        throw this.codec.egress.decodeError(this.status, this.#headers, body.toString('utf8'))
      this.#translateWhole(body)
      return
    }
    const watched = pass.readResponse(peeked.fields, this.target.provider.dialect, body)
    if (watched.error !== undefined) throw watched.error
    const finish = watched.finish ?? pass.finishIn?.(body)
    if (this.#endsPlainly && finish !== undefined && (isFiltered(finish) || !pass.knowsFinish(finish))) {
      this.#translateWhole(body)
      return
    }
    const mayRefuse = finish !== undefined && mayBeEmpty(watched.usage) && this.refusesEmpty(finish)
    if (mayRefuse || this.#mayBeNoAnswer(finish, watched.usage, body)) {
      const said = decodeAnswer(this.#wireOfAnswer, body)
      if (mayRefuse && saysNothing(said)) throw emptyCompletion()
    }
    this.exchange.learned(watched.id, watched.model)
    const costUsd =
      watched.usage === undefined
        ? undefined
        : this.usage(
            watched.usage,
            pass.costField !== undefined && watched.usage.raw === peeked.fields[pass.costField] ? peeked.usageText : undefined,
          )
    const answer = this.#collector!
    if (costUsd !== undefined) writeCost(answer, peeked, costUsd)
    this.#answered({ body: answer, finish })
  }

  /** The response goes out in the client's wire, as a stream if that is what was asked for. */
  #translated(response: Response): void {
    this.passes = false
    this.exchange.deps.seals.remember(this.exchange.conversation, response)
    if (this.exchange.inspected.stream) {
      const reader = this.#translateReader()
      reader.events(explode(response))
      reader.flush()
      return
    }
    if (this.refusesEmpty(response.finish) && saysNothing(response)) {
      this.failed(emptyCompletion())
      return
    }
    this.exchange.learned(response.id, response.model)
    const costUsd = response.usage === undefined ? undefined : this.usage(response.usage)
    const shown = this.#endsPlainly ? withPlainFinish(response) : response
    this.#collector?.release()
    this.#collector = undefined
    const context = this.exchange.answerContext()
    const send = (text: Buffer): void => {
      if (this.over) return
      const body = new ByteCollector(this.exchange.deps.buffers, Infinity)
      body.push(text)
      this.#answered({ body, finish: response.finish })
    }
    if (charactersOf(shown) < largeBodyBytes) {
      send(Buffer.from(JSON.stringify(this.exchange.codec.ingress.encodeResponse(shown, context, costUsd))))
      return
    }
    this.exchange.deps.translator
      .encodeAnswer({ wire: this.exchange.codec.wire, response: shown, context: { ...context, request: context.request!() }, costUsd })
      .then(send)
      .catch((error: unknown) => this.#thrown(error))
  }

  #answered(answer: WholeAnswer): void {
    this.#mode = 'over'
    this.contentMs = performance.now() - this.startedMs
    this.#collector = undefined
    this.exchange.answered(this, this.#ended ? answer : { ...answer, open: true })
  }
}

/** Somebody reads along. */
function followed(decoder: StreamDecoder, follow: (event: StreamEvent) => void): StreamDecoder {
  const told = (events: StreamEvent[]): StreamEvent[] => {
    for (const event of events) follow(event)
    return events
  }
  return { push: (frame) => told(decoder.push(frame)), end: () => told(decoder.end()) }
}

/** About how long the text of an answer is. */
function charactersOf({ parts }: Response): number {
  let characters = 0
  for (const part of parts) characters += part.type === 'tool-call' ? part.args.length : 'text' in part ? part.text.length : 0
  return characters
}
