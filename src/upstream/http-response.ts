// Reads HTTP/1.1 responses (RFC 9112) as their bytes arrive. Strict where two readers could disagree about where an answer ends.

/** What a provider sent is not an HTTP/1.1 response; the message is for the log. */
export class HttpError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'HttpError'
  }
}

export interface ResponseListener {
  /** Of the final response: informational ones are skipped. Lower-case names; a header that came twice is joined by commas. */
  onHead(status: number, headers: Readonly<Record<string, string>>): void
  /** A slice of what was pushed, without the framing. */
  onBody(bytes: Buffer): void
}

type State =
  | 'head'
  | 'sized'
  | 'until-close'
  | 'chunk-size'
  | 'chunk-extension'
  | 'chunk-size-end'
  | 'chunk-data'
  | 'chunk-data-end-1'
  | 'chunk-data-end-2'
  | 'trailer'
  | 'complete'

const maxHeadBytes = 64 << 10
const maxExtensionBytes = 16 << 10
const maxTrailerBytes = 64 << 10
/** 2^48 bytes: what fits is exact in a double, and nobody sends more. */
const maxSizeDigits = 12
const cr = 0x0d
const lf = 0x0a
const endOfHead = Buffer.from('\r\n\r\n')
const nothing = Buffer.alloc(0)

export class ResponseParser {
  /** Set by whoever wants no more for now: `push` returns before the next piece. */
  stopped = false
  /** Of the head that was read last: whether its connection may carry another request, and for how long it is kept, if it said so. */
  keepAlive = false
  keepAliveSeconds: number | undefined
  readonly #listener: ResponseListener
  readonly #names: HeaderNames
  #state: State = 'complete'
  /** Of the body or of the present chunk. */
  #remaining = 0
  /** The beginning of a head that has not come whole. */
  #partial: Buffer = nothing
  #sizeDigits = 0
  #extensionBytes = 0
  #trailerBytes = 0
  #trailerLineBytes = 0

  constructor(listener: ResponseListener, names: HeaderNames) {
    this.#listener = listener
    this.#names = names
  }

  /** The response to a new request follows. */
  begin(): void {
    this.#state = 'head'
    this.#partial = nothing
    this.stopped = false
  }

  get complete(): boolean {
    return this.#state === 'complete'
  }

  /** The connection has ended. True when the response is complete by that. */
  end(): boolean {
    if (this.#state === 'until-close') this.#state = 'complete'
    return this.#state === 'complete'
  }

  /**
   * Reads the bytes from `start` to `end` and returns where it stopped: at `end`, or earlier when the response is complete or `stopped` was
   * set. Throws `HttpError`; whatever the listener throws passes.
   */
  push(buffer: Buffer, start: number, end: number): number {
    let i = start
    while (!this.stopped) {
      switch (this.#state) {
        case 'complete':
          return i
        case 'head':
          if (i === end) return i
          i = this.#head(buffer, i, end)
          break
        case 'sized': {
          if (this.#remaining === 0) {
            this.#state = 'complete'
            return i
          }
          if (i === end) return i
          const to = Math.min(end, i + this.#remaining)
          this.#remaining -= to - i
          const from = i
          i = to
          this.#listener.onBody(buffer.subarray(from, to))
          break
        }
        case 'until-close':
          if (i === end) return i
          this.#listener.onBody(buffer.subarray(i, end))
          return end
        default:
          if (i === end) return i
          i = this.#chunked(buffer, i, end)
      }
    }
    return i
  }

  // Chunks.

  #chunked(buffer: Buffer, start: number, end: number): number {
    let i = start
    switch (this.#state) {
      case 'chunk-size':
        for (; i < end; i++) {
          const digit = hexValue(buffer[i]!)
          if (digit < 0) break
          if (++this.#sizeDigits > maxSizeDigits) throw new HttpError('a chunk says that it is larger than anything')
          this.#remaining = this.#remaining * 16 + digit
        }
        if (i === end) return i
        if (this.#sizeDigits === 0) throw new HttpError('a chunk has no size')
        this.#extensionBytes = 0
        this.#state = 'chunk-extension'
        return i
      case 'chunk-extension':
        for (; i < end; i++) {
          const byte = buffer[i]!
          if (byte === cr) {
            this.#state = 'chunk-size-end'
            return i + 1
          }
          // The first byte after the size can only be white space or a semicolon.
          if (byte === lf || byte === 0 || (this.#extensionBytes === 0 && byte !== 0x3b && byte !== 0x20 && byte !== 0x09))
            throw new HttpError('the size of a chunk is followed by something else')
          if (++this.#extensionBytes > maxExtensionBytes) throw new HttpError('the extension of a chunk has no end')
        }
        return i
      case 'chunk-size-end':
        if (buffer[i] !== lf) throw new HttpError('the size of a chunk has no end')
        this.#state = this.#remaining === 0 ? 'trailer' : 'chunk-data'
        this.#trailerBytes = 0
        this.#trailerLineBytes = 0
        return i + 1
      case 'chunk-data': {
        const to = Math.min(end, i + this.#remaining)
        this.#remaining -= to - i
        if (this.#remaining === 0) this.#state = 'chunk-data-end-1'
        this.#listener.onBody(buffer.subarray(i, to))
        return to
      }
      case 'chunk-data-end-1':
        if (buffer[i] !== cr) throw new HttpError('a chunk is longer than its size')
        this.#state = 'chunk-data-end-2'
        return i + 1
      case 'chunk-data-end-2':
        if (buffer[i] !== lf) throw new HttpError('a chunk is longer than its size')
        this.#beginChunk()
        return i + 1
      default:
        return this.#trailer(buffer, i, end)
    }
  }

  #beginChunk(): void {
    this.#state = 'chunk-size'
    this.#remaining = 0
    this.#sizeDigits = 0
  }

  /** Trailers are read and dropped; an empty line ends them. */
  #trailer(buffer: Buffer, start: number, end: number): number {
    for (let i = start; i < end; i++) {
      const byte = buffer[i]!
      if (byte === lf) {
        if (this.#trailerLineBytes === 0) {
          this.#state = 'complete'
          return i + 1
        }
        this.#trailerLineBytes = 0
      } else if (byte !== cr) {
        this.#trailerLineBytes++
      }
      if (++this.#trailerBytes > maxTrailerBytes) throw new HttpError('the trailers are larger than 64 KB')
    }
    return end
  }

  // Heads.

  #head(buffer: Buffer, start: number, end: number): number {
    if (this.#partial.length === 0) {
      refuseOtherProtocols(buffer, start, end)
      const at = buffer.indexOf(endOfHead, start)
      // The buffer may be longer than what was read into it.
      if (at >= 0 && at + 4 <= end) {
        this.#parseHead(buffer.toString('latin1', start, at))
        return at + 4
      }
      this.#keepPartial(buffer.subarray(start, end))
      return end
    }
    const before = this.#partial.length
    this.#keepPartial(Buffer.concat([this.#partial, buffer.subarray(start, end)]))
    refuseOtherProtocols(this.#partial, 0, this.#partial.length)
    const at = this.#partial.indexOf(endOfHead, Math.max(0, before - 3))
    if (at < 0) return end
    const text = this.#partial.toString('latin1', 0, at)
    this.#partial = nothing
    this.#parseHead(text)
    return start + at + 4 - before
  }

  #keepPartial(bytes: Buffer): void {
    if (bytes.length > maxHeadBytes) throw new HttpError('the head is larger than 64 KB')
    this.#partial = Buffer.from(bytes)
  }

  /** `text`: the head without the empty line behind it. */
  #parseHead(text: string): void {
    const status = statusOf(text)
    if (notInHeads.test(text)) throw new HttpError('a header holds control characters')
    const headers = Object.create(null) as Record<string, string>
    for (let at = text.indexOf('\r\n'); at >= 0;) {
      const line = at + 2
      at = text.indexOf('\r\n', line)
      const colon = text.indexOf(':', line)
      const lineEnd = at < 0 ? text.length : at
      if (colon < 0 || colon >= lineEnd) throw new HttpError('a header line has no colon')
      const name = this.#names.lower(text, line, colon)
      const value = valueIn(text, colon + 1, lineEnd)
      const known = headers[name]
      headers[name] = known === undefined ? value : `${known}, ${value}`
    }
    if (status < 200) {
      if (status === 101) throw new HttpError('the provider changes the protocol, which nobody asked for')
      return
    }
    this.#frame(status, headers)
    const connection = headers['connection']
    this.keepAlive = text.charCodeAt(7) === 0x31 ? !hasToken(connection, 'close') : hasToken(connection, 'keep-alive')
    if (this.#state === 'until-close') this.keepAlive = false
    const hint = headers['keep-alive']
    this.keepAliveSeconds = hint === undefined ? undefined : secondsIn(hint)
    this.#listener.onHead(status, headers)
  }

  /** How the body ends: RFC 9112, section 6.3. */
  #frame(status: number, headers: Readonly<Record<string, string>>): void {
    const length = headers['content-length']
    const coding = headers['transfer-encoding']
    if (status === 204 || status === 304) {
      this.#state = 'complete'
    } else if (coding !== undefined) {
      if (length !== undefined) throw new HttpError('the head has both a content-length and a transfer-encoding')
      if (coding.toLowerCase() !== 'chunked') throw new HttpError('the transfer-encoding is not chunked')
      this.#beginChunk()
    } else if (length !== undefined) {
      if (!/^\d{1,15}$/.test(length)) throw new HttpError('the content-length is not a number')
      this.#remaining = Number(length)
      this.#state = 'sized'
    } else {
      this.#state = 'until-close'
    }
  }
}

/** Control characters, and line ends that are not CR LF: another reader would see another head. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const notInHeads = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/

const protocol = Buffer.from('HTTP/1.')

/** What cannot become an HTTP/1.1 head is refused at its first byte: a peer of another protocol may never send an empty line. */
function refuseOtherProtocols(buffer: Buffer, start: number, end: number): void {
  for (let i = 0; i < protocol.length && start + i < end; i++)
    if (buffer[start + i] !== protocol[i]) throw new HttpError('the answer does not begin as HTTP/1.1 does')
}

function statusOf(text: string): number {
  const found = /^HTTP\/1\.[01] ([1-5]\d\d)(?: |\r|$)/.exec(text)
  if (found === null) throw new HttpError('the status line is malformed')
  return Number(found[1])
}

const maxKnownNames = 2000

/** The header names of providers: each is checked and lowered once. Shared by parsers. */
export class HeaderNames {
  /** By a number that few names share: found without making a string of the name. */
  readonly #known = new Map<number, { readonly written: string; readonly name: string }>()

  /** The name from `start` to `end` of a head in lower case. Throws `HttpError` for what is no name. */
  lower(head: string, start: number, end: number): string {
    const sum = ((end - start) << 16) | (head.charCodeAt(start) << 8) | head.charCodeAt(end - 1)
    const known = this.#known.get(sum)
    if (known !== undefined && known.written.length === end - start && head.startsWith(known.written, start)) return known.name
    const written = head.slice(start, end)
    // White space before the colon, or a line that continues the one before: other readers read other names.
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(written)) throw new HttpError('a header has a name that is none')
    const name = written.toLowerCase()
    if (known !== undefined || this.#known.size < maxKnownNames) this.#known.set(sum, { written, name })
    return name
  }
}

/** Without the white space around it, usually one space. */
function valueIn(head: string, start: number, end: number): string {
  return head.slice(head.charCodeAt(start) === 0x20 ? start + 1 : start, end).trim()
}

function hasToken(list: string | undefined, token: string): boolean {
  if (list === undefined) return false
  return list
    .toLowerCase()
    .split(',')
    .some((one) => one.trim() === token)
}

function secondsIn(hint: string): number | undefined {
  const found = /(?:^|[,;\s])timeout\s*=\s*"?(\d{1,6})/i.exec(hint)
  return found === null ? undefined : Number(found[1])
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
