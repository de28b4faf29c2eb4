// A client inside the process, for drills: hears an answer as a socket would, and says what it understood.
import type { Client, ClientListener } from '#inspection'
import type { ClientWire } from '#ir'
import { asText, isObject } from '#kernel'
import { codecOf, createSseParser } from '#wires'

export type HeardAnswer = {
  readonly status: number
  /** False: the connection was closed without the mark of a complete answer. */
  readonly whole: boolean
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly text: string
  /** undefined: there was no error, or not in words. */
  readonly error: string | undefined
}

export class DrillClient implements Client {
  listener: ClientListener | undefined
  /** Resolves when the last byte is there. */
  readonly heard: Promise<HeardAnswer>
  readonly #wire: ClientWire
  readonly #chunks: Buffer[] = []
  readonly #headers = new Map<string, string>()
  #status = 0
  #resolve!: (heard: HeardAnswer) => void

  constructor(wire: ClientWire) {
    this.#wire = wire
    this.heard = new Promise((resolve) => (this.#resolve = resolve))
  }

  head(status: number, headers: readonly string[]): void {
    this.#status = status
    for (let at = 0; at + 1 < headers.length; at += 2) this.#headers.set(headers[at]!.toLowerCase(), headers[at + 1]!)
  }

  write(bytes: Uint8Array | string): boolean {
    this.#chunks.push(Buffer.from(bytes as Uint8Array))
    return true
  }

  end(bytes: Uint8Array | string = ''): void {
    this.write(bytes)
    this.#over(true)
  }

  cut(bytes: Uint8Array | string): void {
    this.write(bytes)
    this.#over(false)
  }

  flushed(): boolean {
    return true
  }

  #over(whole: boolean): void {
    const body = Buffer.concat(this.#chunks)
    const isStream = this.#headers.get('content-type')?.startsWith('text/event-stream') === true
    const { text, error } = isStream ? readStream(this.#wire, body) : readWhole(this.#wire, body)
    this.#resolve({ status: this.#status, whole, headers: this.#headers, text, error })
  }
}

type Understood = Pick<HeardAnswer, 'text' | 'error'>

function readStream(wire: ClientWire, body: Buffer): Understood {
  const decoder = codecOf(wire).egress.createStreamDecoder({})
  const parser = createSseParser()
  let text = ''
  try {
    parser.push(body, ({ event, data }) => {
      if (data === undefined) return
      for (const one of decoder.push(event === undefined ? { data } : { event, data })) if (one.type === 'part-delta') text += one.text
    })
  } catch (error) {
    // An error in-band is thrown by the decoder, as by the clients' SDKs.
    return { text, error: error instanceof Error ? error.message : String(error) }
  }
  return { text, error: undefined }
}

function readWhole(wire: ClientWire, body: Buffer): Understood {
  const document: unknown = JSON.parse(body.toString('utf8'))
  if (!isObject(document)) return { text: '', error: undefined }
  const { error } = document
  if (isObject(error)) return { text: '', error: asText(error['message']) }
  const { parts } = codecOf(wire).egress.decodeResponse(document, {})
  return { text: parts.map((part) => ('text' in part ? part.text : '')).join(''), error: undefined }
}
