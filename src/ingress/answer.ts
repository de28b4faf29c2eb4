// The client's end of the wire over node:http.
import type { ServerResponse } from 'node:http'
import type { Client, ClientListener } from '#inspection'

/** Time for the client to read the last word before its connection breaks: `fetch` throws away what nobody has read by then. */
const lastWordMs = 250
/** And to take what was sent before it. Who has stopped reading never does, and its socket would stay for ever. */
const lastBytesMs = 30_000

/** Listeners are shared functions that find their answer at the response. */
const answer = Symbol('answer')
type Answered = ServerResponse & { [answer]?: Answer }

function onClose(this: Answered): void {
  if (!this.writableFinished) this[answer]?.listener?.clientLeft()
}

function onDrain(this: Answered): void {
  this[answer]?.drained()
}

export class Answer implements Client {
  listener: ClientListener | undefined
  readonly #response: ServerResponse
  #waiting = false

  constructor(response: ServerResponse) {
    this.#response = response
    ;(response as Answered)[answer] = this
    response.on('close', onClose)
  }

  head(status: number, headers: readonly string[]): void {
    this.#response.writeHead(status, headers as string[])
  }

  write(bytes: Uint8Array | string): boolean {
    const room = this.#response.write(bytes)
    if (!room && !this.#waiting) {
      this.#waiting = true
      this.#response.once('drain', onDrain)
    }
    return room
  }

  drained(): void {
    this.#waiting = false
    this.listener?.clientCaughtUp()
  }

  end(bytes?: Uint8Array | string): void {
    if (bytes === undefined || bytes.length === 0) this.#response.end()
    else this.#response.end(bytes)
  }

  flushed(): boolean {
    const { socket } = this.#response
    return socket !== null && socket.writableLength === 0
  }

  cut(bytes: Uint8Array | string): void {
    const { socket } = this.#response
    if (bytes.length > 0) this.#response.write(bytes)
    // Without the last chunk's mark no client takes the body for complete.
    let timer = setTimeout(() => {
      socket?.destroySoon()
      timer = setTimeout(() => socket?.destroy(), lastBytesMs)
    }, lastWordMs)
    this.#response.once('close', () => clearTimeout(timer))
  }
}
