// The two ways a streamed answer reaches the client: its bytes pass and are watched, or its events are translated.
import { Failure } from '#kernel'
import type { Finish, StreamEvent, Usage } from '#ir'
import type { RawFrame, SseFrame, StreamDecoder, StreamEncoder, Watch } from '#wires'
import { emptyCompletion } from './empty.ts'
import { filteredBeforeContent, filterNotice, isFiltered, plainFinish } from './filtered.ts'

/** What a reader tells its attempt. Nothing is told after `complete` or `failed`. */
export interface StreamSink {
  /** The first content: the head goes out now. Called once, before the first `write`. */
  committed(): void
  write(bytes: Uint8Array | string): void
  learned(id: string | undefined, model: string | undefined): void
  /** The whole usage so far; answers with the cost in USD to write into it, undefined for none. */
  usage(usage: Usage): number | undefined
  /** Whether an answer that ends like this and says nothing is a failure. */
  refusesEmpty(finish: Finish): boolean
  /** The answer is complete; `tail` is what remains to be sent once the record is written. */
  complete(finish: Finish | undefined, tail: Uint8Array | string): void
  failed(failure: Failure): void
}

export interface StreamReader {
  /** Forwards a whole chunk unread, if that is safe; else false and the chunk must be framed. */
  pass(chunk: Buffer): boolean
  frame(frame: RawFrame): void
  /** Sends what the frames of one chunk produced. */
  flush(): void
  /** The provider's stream has ended. */
  end(): void
}

const lineFeed = 0x0a
/** White space before a colon, or more than one space after it. */
const oddSpacing = /"\s+:|":\s\s/
/** Who has sent so much and said nothing has nothing to say. */
const mostHeldBytes = 16 << 20
const blankLine = Buffer.from('\n\n')

/** Bytes pass: only frames that hold usage, a finish reason, an error or the terminator are read, once content has begun. */
export class PassReader implements StreamReader {
  /** Frames before the first content; handed to a translating reader when the head has to go out early. */
  readonly held: RawFrame[] = []
  #heldBytes = 0
  readonly #sink: StreamSink
  readonly #watch: Watch
  readonly #markers: RegExp
  readonly #showUsage: boolean
  readonly #terminator: string | undefined
  readonly #knows: ((finish: Finish) => boolean) | undefined
  #flowing = false
  #over = false
  /** JSON spaced as no marker is: then every frame is read. */
  #oddSpacing = false
  #finish: Finish | undefined
  #out: Uint8Array[] = []

  /**
   * `showUsage` false: a frame that holds nothing but usage is kept from a client that did not ask for it. `knows`: what the client
   * doesn't know, and what was filtered, ends in a plain finish; absent: it passes as it is.
   */
  constructor(
    sink: StreamSink,
    watch: Watch,
    markers: RegExp,
    showUsage: boolean,
    terminator: string | undefined,
    knows?: (finish: Finish) => boolean,
  ) {
    this.#sink = sink
    this.#watch = watch
    this.#markers = markers
    this.#showUsage = showUsage
    this.#terminator = terminator
    this.#knows = knows
  }

  pass(chunk: Buffer): boolean {
    if (!this.#flowing || this.#over || this.#oddSpacing) return this.#over
    const last = chunk.length - 1
    if (chunk[last] !== lineFeed || !(chunk[last - 1] === lineFeed || (chunk[last - 2] === lineFeed && chunk[last - 1] === 0x0d)))
      return false
    // One regular expression over latin-1 is ten times cheaper than searching the buffer for each marker.
    if (this.#markers.test(chunk.toString('latin1'))) return false
    this.#sink.write(chunk)
    return true
  }

  frame(frame: RawFrame): void {
    if (this.#over) return
    if (frame.data === undefined) {
      // Comments are the provider's keep-alives: they pass, but begin nothing.
      if (this.#flowing) this.#out.push(frame.raw)
      return
    }
    const watched = this.#watch.frame(frame)
    if (watched.error !== undefined) {
      this.flush()
      this.#fail(watched.error)
      return
    }
    if (watched.id !== undefined || watched.model !== undefined) this.#sink.learned(watched.id, watched.model)
    if (watched.finish !== undefined) this.#finish = watched.finish
    let bytes: Buffer = frame.incomplete ? Buffer.concat([frame.raw, blankLine]) : frame.raw
    let source: SseFrame = frame
    let before = ''
    if (watched.finish !== undefined && this.#knows !== undefined) {
      const filtered = isFiltered(watched.finish)
      if (filtered && !this.#flowing && watched.content !== true) {
        this.#fail(filteredBeforeContent())
        return
      }
      if (filtered || !this.#knows(watched.finish)) {
        const told = this.#watch.withFinish(frame, filtered ? plainFinish : watched.finish, filtered ? filterNotice : '')
        source = told.pop()!
        before = told.map(frameText).join('')
        bytes = Buffer.from(before + frameText(source))
      }
    }
    if (watched.finish !== undefined && !this.#flowing && watched.content !== true && this.#sink.refusesEmpty(watched.finish)) {
      this.#fail(emptyCompletion())
      return
    }
    if (watched.usage !== undefined) {
      const costUsd = this.#sink.usage(watched.usage)
      const rewritten = costUsd === undefined ? undefined : this.#watch.withCost(source, costUsd)
      if (rewritten !== undefined) bytes = Buffer.from(before + rewritten)
    }
    if (watched.terminal === true) {
      if (this.#flowing || watched.content === true || this.#finish !== undefined) this.#complete(bytes)
      else this.#fail(emptyCompletion())
      return
    }
    if (watched.usage !== undefined && !this.#showUsage && watched.finish === undefined && watched.content !== true) return
    if (this.#flowing) {
      this.#out.push(bytes)
      return
    }
    // Held frames outlive the socket buffer they are slices of.
    this.held.push(heldFrame(frame, bytes === frame.raw ? Buffer.from(bytes) : bytes))
    // A finish without content is an empty answer; where nobody else could answer, it goes out as it is.
    if (watched.content === true || watched.finish !== undefined) this.#commit()
    else if ((this.#heldBytes += bytes.length) > mostHeldBytes) this.#fail(noContent())
  }

  flush(): void {
    if (this.#out.length === 0) return
    const out = this.#out
    this.#out = []
    this.#sink.write(out.length === 1 ? out[0]! : Buffer.concat(out))
  }

  end(): void {
    if (this.#over) return
    this.flush()
    if (this.#finish !== undefined && this.#terminator !== undefined) {
      this.#complete(Buffer.from(this.#terminator))
      return
    }
    this.#fail(endedEarly())
  }

  #fail(failure: Failure): void {
    this.#over = true
    this.#sink.failed(failure)
  }

  #commit(): void {
    this.#flowing = true
    this.#oddSpacing = this.held.some(({ raw }) => oddSpacing.test(raw.toString('latin1')))
    this.#sink.committed()
    for (const held of this.held) this.#out.push(held.raw)
    this.held.length = 0
  }

  #complete(tail: Uint8Array): void {
    if (!this.#flowing) this.#commit()
    this.flush()
    this.#over = true
    this.#sink.complete(this.#finish, tail)
  }
}

/** Events are decoded from one wire and encoded in another (or in the same, behind an early head of the gateway's own). */
export class TranslateReader implements StreamReader {
  readonly #sink: StreamSink
  readonly #decoder: StreamDecoder
  readonly #encoder: StreamEncoder
  readonly #endsPlainly: boolean
  readonly #held: StreamEvent[] = []
  /** Of the frames before the first content. */
  #heldBytes = 0
  #flowing = false
  #over = false
  #costUsd: number | undefined
  #nextPart = 0
  #out = ''

  /** `endsPlainly`: what was filtered ends in a plain finish. */
  constructor(sink: StreamSink, decoder: StreamDecoder, encoder: StreamEncoder, endsPlainly: boolean) {
    this.#endsPlainly = endsPlainly
    this.#sink = sink
    this.#decoder = decoder
    this.#encoder = encoder
  }

  pass(): boolean {
    return this.#over
  }

  frame(frame: RawFrame): void {
    if (frame.data === undefined || this.#over) return
    this.events(this.#decoder.push(frame))
    if (!this.#flowing && (this.#heldBytes += frame.raw.length) > mostHeldBytes && !this.#over) this.#fail(noContent())
  }

  end(): void {
    this.events(this.#decoder.end())
    this.flush()
    if (this.#over) return
    this.#fail(endedEarly())
  }

  flush(): void {
    if (this.#out === '') return
    const out = this.#out
    this.#out = ''
    this.#sink.write(out)
  }

  events(events: readonly StreamEvent[]): void {
    for (const event of events) {
      if (this.#over) return
      this.#event(event)
    }
  }

  #event(event: StreamEvent): void {
    switch (event.type) {
      case 'error':
        this.flush()
        this.#fail(event.error)
        return
      case 'start':
        this.#sink.learned(event.id, event.model)
        break
      case 'usage':
        this.#costUsd = this.#sink.usage(event.usage)
        break
      case 'finish': {
        const filtered = this.#endsPlainly && isFiltered(event.finish)
        if (filtered && !this.#flowing) {
          this.#fail(filteredBeforeContent())
          return
        }
        if (!this.#flowing && this.#sink.refusesEmpty(event.finish)) {
          this.#fail(emptyCompletion())
          return
        }
        if (!this.#flowing) this.#commit()
        if (filtered) this.#say(filterNotice)
        this.flush()
        if (this.#costUsd !== undefined) this.#encoder.setCost(this.#costUsd)
        this.#over = true
        this.#sink.complete(event.finish, this.#encoder.push(filtered ? { type: 'finish', finish: plainFinish } : event))
        return
      }
      case 'part-start':
      case 'part':
        this.#nextPart = event.index + 1
        break
      case 'part-delta':
      case 'part-end':
        break
      default:
        event satisfies never
    }
    if (this.#flowing) {
      this.#out += this.#encoder.push(event)
      return
    }
    this.#held.push(event)
    if (isContent(event)) this.#commit()
  }

  #say(text: string): void {
    const index = this.#nextPart
    for (const event of [
      { type: 'part-start', index, part: { type: 'text' } },
      { type: 'part-delta', index, text },
      { type: 'part-end', index },
    ] as const)
      this.#out += this.#encoder.push(event)
  }

  #fail(failure: Failure): void {
    this.#over = true
    this.#sink.failed(failure)
  }

  #commit(): void {
    this.#flowing = true
    this.#sink.committed()
    for (const event of this.#held) this.#out += this.#encoder.push(event)
    this.#held.length = 0
  }
}

/** Text, reasoning, a refusal, a whole part, or the start of a tool call; a part that only begins is not content yet. */
function isContent(event: StreamEvent): boolean {
  return event.type === 'part-delta' || event.type === 'part' || (event.type === 'part-start' && event.part.type === 'tool-call')
}

/** Its data has no line breaks. */
function frameText({ event, data }: SseFrame): string {
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${data}\n\n`
}

/** A frame of one's own. The parser's reads its fields from `raw` when asked, which may be rewritten here. */
function heldFrame({ event, data }: SseFrame, raw: Buffer): RawFrame {
  return { ...(event === undefined ? {} : { event }), data, raw, incomplete: false }
}

function noContent(): Failure {
  return new Failure('bad_response', `The provider sent ${mostHeldBytes >> 20} MB of events without any content.`)
}

function endedEarly(): Failure {
  return new Failure('ended_early', 'The provider ended the stream before its answer was complete.')
}
