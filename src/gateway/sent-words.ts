// What an answer said, from the bytes that the client was sent: for answers that tell no usage, or not all of it.
import type { Inspected } from '#inspection'
import type { StreamEvent } from '#ir'
import { isObject, type ByteCollector } from '#kernel'
import { createSseParser, type StreamDecoder, type WireCodec } from '#wires'

export interface Sent {
  readonly codec: WireCodec
  readonly inspected: Inspected | undefined
  /** All of it, in the client's wire. */
  readonly kept: ByteCollector
  /** Of a stream. */
  readonly sent: SentContent
}

/** Characters of an average token in an answer's text; Anthropic sends 5 tokens a piece in the median, OpenAI one. */
const charactersPerToken = 4.5

/** About how many tokens a stream of the client's wire has brought. Each byte is read once: a long answer's progress costs what is new. */
export class SentContent {
  tokens = 0
  #readBytes = 0
  readonly #parser = createSseParser()
  readonly #decoder: StreamDecoder

  constructor(codec: WireCodec) {
    this.#decoder = codec.egress.createStreamDecoder({})
  }

  /** `sent` is all of it, from the first byte. */
  read(sent: Buffer): void {
    // A frame that is not whole yet outlives the buffer it came in.
    const fresh = Buffer.from(sent.subarray(this.#readBytes))
    this.#readBytes = sent.length
    try {
      this.#parser.push(fresh, (frame) => {
        if (frame.data !== undefined) for (const event of this.#decoder.push(frame)) this.tokens += tokensIn(event)
      })
    } catch {
      // Words that our own decoder refuses: they passed all the same, and count nothing.
    }
  }
}

/** A piece of content is at least one token, and a long one as many as its text is likely to be. */
function tokensIn(event: StreamEvent): number {
  if (event.type === 'part-start') return event.part.type === 'tool-call' ? 1 : 0
  if (event.type !== 'part-delta') return 0
  return Math.max(1, Math.floor(event.text.length / charactersPerToken))
}

/** About how many tokens the answer has so far. */
export function tokensSent(exchange: Sent): number {
  if (exchange.inspected?.stream !== true) return Math.ceil(wordsSent(exchange).length / charactersPerToken)
  exchange.sent.read(exchange.kept.bytes())
  return exchange.sent.tokens
}

/** The words of an answer that never told its usage, from the bytes that were sent; in the client's wire or as plain text. */
export function wordsSent({ kept, codec, inspected }: Sent): string {
  const bytes = kept.bytes()
  const decoder = codec.egress.createStreamDecoder({})
  let text = ''
  const read = (data: string, event: string | undefined): void => {
    for (const one of decoder.push(event === undefined ? { data } : { event, data })) {
      if (one.type === 'part-delta') text += one.text
      else if (one.type === 'part-start' && one.part.type === 'tool-call') text += one.part.name
    }
  }
  try {
    if (inspected?.stream === true) {
      const parser = createSseParser()
      parser.push(bytes, (frame) => {
        if (frame.data !== undefined) read(frame.data, frame.event)
      })
    } else {
      const document: unknown = JSON.parse(bytes.toString('utf8'))
      if (isObject(document))
        for (const part of codec.egress.decodeResponse(document, {}).parts)
          text += part.type === 'tool-call' ? part.name + part.args : 'text' in part ? part.text : ''
    }
  } catch {
    // An answer that was cut in the middle of a frame: what could be read counts.
  }
  return text
}
