// Reads HTTP/1.1 requests from raw socket bytes: head, then a body by length or in chunks. For test servers only: it trusts its client.

export type RequestHead = {
  readonly method: string
  readonly url: string
  /** Name, value, name, value, ... exactly as sent. */
  readonly rawHeaders: readonly string[]
  /** Lower-case names; repeated names joined by ", ". */
  readonly headers: ReadonlyMap<string, string>
}

export type RequestSink = {
  head(head: RequestHead): void
  body(bytes: Buffer): void
  end(): void
  malformed(why: string): void
}

type Phase = 'head' | 'length' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailers' | 'broken'

/** `push` accepts bytes cut anywhere; requests on one connection follow one another. */
export function createRequestReader(sink: RequestSink): { push(bytes: Buffer): void; readonly midRequest: boolean } {
  let pending: Buffer = Buffer.alloc(0)
  let phase: Phase = 'head'
  let remaining = 0

  function takeLine(): string | undefined {
    const end = pending.indexOf('\r\n')
    if (end < 0) return undefined
    const line = pending.toString('latin1', 0, end)
    pending = pending.subarray(end + 2)
    return line
  }

  function takeBody(): boolean {
    const bytes = pending.subarray(0, remaining)
    if (bytes.length > 0) sink.body(bytes)
    pending = pending.subarray(bytes.length)
    remaining -= bytes.length
    return remaining === 0
  }

  function finish(): void {
    phase = 'head'
    sink.end()
  }

  function broken(why: string): false {
    phase = 'broken'
    sink.malformed(why)
    return false
  }

  /** Reads one element; false when more bytes are needed. */
  function step(): boolean {
    switch (phase) {
      case 'head': {
        const end = pending.indexOf('\r\n\r\n')
        if (end < 0) return false
        const head = parseHead(pending.toString('latin1', 0, end))
        pending = pending.subarray(end + 4)
        if (head === undefined) return broken('the request head is not HTTP/1.1')
        sink.head(head)
        const length = Number(head.headers.get('content-length') ?? '0')
        if (/\bchunked\b/i.test(head.headers.get('transfer-encoding') ?? '')) phase = 'chunk-size'
        else if (!Number.isSafeInteger(length) || length < 0) return broken('the content-length is not a count')
        else if (length === 0) finish()
        else {
          remaining = length
          phase = 'length'
        }
        return true
      }
      case 'length':
        if (!takeBody()) return false
        finish()
        return true
      case 'chunk-size': {
        const line = takeLine()
        if (line === undefined) return false
        remaining = Number.parseInt(line, 16)
        if (Number.isNaN(remaining)) return broken('a chunk size is not hexadecimal')
        phase = remaining === 0 ? 'trailers' : 'chunk-data'
        return true
      }
      case 'chunk-data':
        if (!takeBody()) return false
        phase = 'chunk-end'
        return true
      case 'chunk-end':
        if (takeLine() === undefined) return false
        phase = 'chunk-size'
        return true
      case 'trailers': {
        const line = takeLine()
        if (line === undefined) return false
        if (line === '') finish()
        return true
      }
      case 'broken':
        return false
      default:
        return phase satisfies never
    }
  }

  return {
    push(bytes) {
      if (phase === 'broken') return
      pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes])
      while (pending.length > 0 && step());
    },
    get midRequest() {
      return phase !== 'broken' && (phase !== 'head' || pending.length > 0)
    },
  }
}

function parseHead(text: string): RequestHead | undefined {
  const [requestLine = '', ...lines] = text.split('\r\n')
  const match = /^([A-Z]+) (\S+) HTTP\/1\.[01]$/.exec(requestLine)
  if (match === null) return undefined
  const rawHeaders: string[] = []
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon < 1) return undefined
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).trim()
    rawHeaders.push(name, value)
    const key = name.toLowerCase()
    const before = headers.get(key)
    headers.set(key, before === undefined ? value : `${before}, ${value}`)
  }
  return { method: match[1]!, url: match[2]!, rawHeaders, headers }
}
