// Google's other form of a stream: the events of a stream as the elements of one JSON array, for clients that don't ask for `alt=sse`.
import { createArrayStream } from '#wires'
import { Answer } from './answer.ts'

export class ArrayAnswer extends Answer {
  readonly #array = createArrayStream()
  /** The answer is a stream; errors before it are bodies of their own. */
  #streams = false
  /** Characters may be cut between writes. */
  readonly #decoder = new TextDecoder()

  override head(status: number, headers: readonly string[]): void {
    const at = headers.findIndex((line, i) => i % 2 === 0 && line === 'content-type')
    this.#streams = at >= 0 && headers[at + 1]!.startsWith('text/event-stream')
    super.head(status, this.#streams ? headers.with(at + 1, 'application/json; charset=utf-8') : headers)
  }

  override write(bytes: Uint8Array | string): boolean {
    return super.write(this.#streams ? this.#elements(bytes) : bytes)
  }

  override end(bytes?: Uint8Array | string): void {
    super.end(this.#streams ? this.#elements(bytes ?? '') + this.#array.end() : bytes)
  }

  /** An array that is not closed: no reader takes it for a complete answer. */
  override cut(bytes: Uint8Array | string): void {
    super.cut(this.#streams ? this.#elements(bytes) : bytes)
  }

  #elements(bytes: Uint8Array | string): string {
    return this.#array.push(typeof bytes === 'string' ? bytes : this.#decoder.decode(bytes, { stream: true }))
  }
}
