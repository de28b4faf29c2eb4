// One of the calls that vectors are asked for with: gathers the answer, or what the provider says against it.
import { ByteCollector, Failure, type BufferPool } from '#kernel'
import type { Upstream, UpstreamCall, UpstreamHandler, UpstreamRequest } from '#upstream'

const errorBytes = 64 << 10
/** Two thousand vectors of three thousand numbers each, as text. */
const answerBytes = 256 << 20

/** Whoever made the calls. Nothing is told after one of the last three. */
export interface CallOwner {
  headCame(status: number): void
  /** Takes the bytes over. */
  answerCame(call: EmbeddingCall, answer: ByteCollector): void
  /** `body` is valid during the call only. */
  errorCame(call: EmbeddingCall, body: Buffer): void
  failed(failure: Failure): void
}

export class EmbeddingCall implements UpstreamHandler {
  /** Its inputs follow those of the calls in front of it. */
  readonly position: number
  status = 0
  headers: Readonly<Record<string, string>> = {}
  readonly #owner: CallOwner
  readonly #buffers: BufferPool
  #call: UpstreamCall | undefined
  #collector: ByteCollector | undefined
  #over = false

  constructor(owner: CallOwner, position: number, buffers: BufferPool) {
    this.#owner = owner
    this.position = position
    this.#buffers = buffers
  }

  send(upstream: Upstream, request: UpstreamRequest): void {
    this.#call = upstream.send(request, this)
    // It may have failed before `send` returned.
    if (this.#over) this.#call.abort()
  }

  abort(): void {
    if (this.#over) return
    this.#over = true
    this.#collector?.release()
    this.#call?.abort()
  }

  get bodySent(): boolean {
    return this.#call === undefined || this.#call.bodySent()
  }

  get secrets(): readonly string[] {
    return this.#call?.secrets ?? []
  }

  head(status: number, headers: Readonly<Record<string, string>>): void {
    if (this.#over) return
    this.status = status
    this.headers = headers
    this.#collector = new ByteCollector(this.#buffers, this.#isAnswer ? answerBytes : errorBytes)
    this.#owner.headCame(status)
  }

  data(chunk: Buffer): void {
    if (this.#over || this.#collector!.push(chunk) || !this.#isAnswer) return
    this.#owner.failed(new Failure('bad_response', `The provider's answer is larger than ${answerBytes >> 20} MB.`))
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    const collector = this.#collector
    if (collector === undefined) {
      this.#owner.failed(new Failure('empty_response', 'The provider closed its answer before it began.'))
    } else if (this.#isAnswer) {
      this.#owner.answerCame(this, collector)
    } else {
      this.#owner.errorCame(this, collector.bytes())
      collector.release()
    }
  }

  error(failure: Failure): void {
    if (this.#over) return
    this.abort()
    this.#owner.failed(failure)
  }

  get #isAnswer(): boolean {
    return this.status >= 200 && this.status < 300
  }
}
