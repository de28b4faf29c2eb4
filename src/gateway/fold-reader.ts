// A stream that nobody asked for: its events are gathered and become one body, which is whole with its last event.
import { fold, type Response, type StreamEvent } from '#ir'
import type { RawFrame, StreamDecoder } from '#wires'
import type { StreamReader } from './streams.ts'
import { tooLarge, wholeBodyBytes } from './whole-answers.ts'

export class FoldReader implements StreamReader {
  readonly #decoder: StreamDecoder
  readonly #tell: (response: Response) => void
  readonly #events: StreamEvent[] = []
  #bytes = 0
  #told = false

  /** `tell` is called once. */
  constructor(decoder: StreamDecoder, tell: (response: Response) => void) {
    this.#decoder = decoder
    this.#tell = tell
  }

  pass(): boolean {
    return this.#told
  }

  frame({ event, data, raw }: RawFrame): void {
    if (this.#told || data === undefined) return
    this.#bytes += raw.length
    if (this.#bytes > wholeBodyBytes) throw tooLarge()
    this.#events.push(...this.#decoder.push(event === undefined ? { data } : { event, data }))
    const last = this.#events.at(-1)?.type
    if (last === 'finish' || last === 'error') this.#whole()
  }

  flush(): void {}

  end(): void {
    if (this.#told) return
    this.#events.push(...this.#decoder.end())
    this.#whole()
  }

  #whole(): void {
    this.#told = true
    this.#tell(fold(this.#events))
  }
}
