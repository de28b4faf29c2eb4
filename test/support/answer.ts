// What a scripted upstream answers: a head, and a body as one piece or as steps that the test controls byte by byte.
import { STATUS_CODES } from 'node:http'
import { constants, createBrotliCompress, createDeflate, createGzip, createZstdCompress } from 'node:zlib'

/** A door that a step waits at until the test opens it. */
export type Gate = { readonly opened: Promise<void>; open(): void }

export type Step =
  /** One write to the socket, flushed before the next step: its own packet. */
  | { readonly kind: 'write'; readonly bytes: Buffer }
  /** Waits for the promise (or for the client to leave). */
  | { readonly kind: 'wait'; readonly until: Promise<unknown> }
  /** Holds the connection open, silently, until the client leaves or the upstream closes. */
  | { readonly kind: 'stall' }
  /** Closes the socket at once (FIN), whatever the framing promised. */
  | { readonly kind: 'cut' }
  /** Closes the socket with a reset (RST). */
  | { readonly kind: 'reset' }

export type Encoding = 'gzip' | 'br' | 'zstd' | 'deflate'

export type Answer = {
  /** 200 unless given. */
  readonly status?: number
  /** A content type is not added: say it here. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | readonly Step[]
  /**
   * How the body's end is known. Default: `length` for a body in one piece, `chunked` for steps. `close`: by the end of the connection.
   * A chunked write step is one chunk.
   */
  readonly framing?: 'length' | 'chunked' | 'close'
  /** Promises this length instead of the body's own: longer makes a half body (the connection is cut after it). */
  readonly contentLength?: number
  /** Compresses the body and says so; each write step is flushed, so it can be decoded when it arrives. */
  readonly encoding?: Encoding
  /** Steps before the head: `[stall()]` is no answer at all, `[cut()]` a connection that dies. */
  readonly before?: readonly Step[]
  /** Answers when the request's head has come, before its body. Default `body`. */
  readonly at?: 'head' | 'body'
  /** Sends these steps as they are instead of an HTTP answer, for heads that are not HTTP; the connection is closed after them. */
  readonly raw?: readonly Step[]
}

export function createGate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: () => resolve() }
}

export function write(bytes: string | Uint8Array): Step {
  return { kind: 'write', bytes: Buffer.from(bytes as string) }
}

export function waitFor(gate: Gate | Promise<unknown>): Step {
  return { kind: 'wait', until: 'opened' in gate ? gate.opened : gate }
}

export const stall = (): Step => ({ kind: 'stall' })
export const cut = (): Step => ({ kind: 'cut' })
export const reset = (): Step => ({ kind: 'reset' })

/** An SSE comment line: what OpenRouter and others send to keep a connection alive. */
export const keepAlive = (words = 'PROCESSING'): Step => write(`: ${words}\n\n`)

/** Writes of `size` bytes each, the last one shorter. */
export function splitEvery(body: string | Uint8Array, size: number): Step[] {
  const bytes = Buffer.from(body as string)
  const offsets: number[] = []
  for (let at = size; at < bytes.length; at += size) offsets.push(at)
  return splitAt(bytes, offsets)
}

/** Writes cut at these byte offsets (ascending). */
export function splitAt(body: string | Uint8Array, offsets: readonly number[]): Step[] {
  const bytes = Buffer.from(body as string)
  const steps: Step[] = []
  let from = 0
  for (const to of [...offsets, bytes.length]) {
    if (to > from) steps.push(write(bytes.subarray(from, to)))
    from = to
  }
  return steps
}

/** One write per server-sent event (LF, CRLF or CR blank lines), what is left over last. */
export function splitEvents(body: string): Step[] {
  return (body.match(/[^]*?(?:\r\n\r\n|\n\n|\r\r)|[^]+$/g) ?? []).map(write)
}

/** An answer as the connection plays it: header lines, then steps whose writes are already compressed and framed. */
export type AnswerPlan = {
  readonly status: number
  readonly headerLines: readonly string[]
  readonly steps: readonly Step[]
  /** The connection ends with the answer. */
  readonly closes: boolean
  /** The head promised more bytes than there are. */
  readonly endsShort: boolean
}

export async function planAnswer(answer: Answer, method: string): Promise<AnswerPlan> {
  const status = answer.status ?? 200
  const headerLines = Object.entries(answer.headers ?? {}).map(([name, value]) => `${name}: ${value}`)
  if (answer.raw !== undefined) return { status, headerLines, steps: answer.raw, closes: true, endsShort: false }
  const whole = typeof answer.body === 'string' || answer.body instanceof Uint8Array || answer.body === undefined
  const plain: readonly Step[] = whole ? (answer.body === undefined || answer.body.length === 0 ? [] : [write(answer.body)]) : answer.body
  const steps = answer.encoding === undefined ? plain : await compressSteps(plain, answer.encoding)
  if (answer.encoding !== undefined) headerLines.push(`content-encoding: ${answer.encoding}`)
  const length = steps.reduce((sum, step) => sum + (step.kind === 'write' ? step.bytes.length : 0), 0)
  const framing = answer.framing ?? (whole || answer.contentLength !== undefined ? 'length' : 'chunked')
  const saysClose = /^close$/i.test(answer.headers?.['connection'] ?? '')
  if (method === 'HEAD' || status === 204 || status === 304) return { status, headerLines, steps: [], closes: saysClose, endsShort: false }
  switch (framing) {
    case 'length': {
      const promised = answer.contentLength ?? length
      headerLines.push(`content-length: ${promised}`)
      return { status, headerLines, steps, closes: saysClose || promised !== length, endsShort: promised > length }
    }
    case 'chunked':
      headerLines.push('transfer-encoding: chunked')
      return {
        status,
        headerLines,
        steps: [...steps.filter((step) => step.kind !== 'write' || step.bytes.length > 0).map(asChunk), write('0\r\n\r\n')],
        closes: saysClose,
        endsShort: false,
      }
    case 'close':
      headerLines.push('connection: close')
      return { status, headerLines, steps, closes: true, endsShort: false }
  }
}

export function encodeHead(plan: AnswerPlan): Buffer {
  return Buffer.from(
    [`HTTP/1.1 ${plan.status} ${STATUS_CODES[plan.status] ?? 'Scripted'}`, ...plan.headerLines, '', ''].join('\r\n'),
    'latin1',
  )
}

function asChunk(step: Step): Step {
  if (step.kind !== 'write') return step
  return { kind: 'write', bytes: Buffer.concat([Buffer.from(`${step.bytes.length.toString(16)}\r\n`), step.bytes, Buffer.from('\r\n')]) }
}

/** Compresses the writes of a script, each flushed; the end of the compressed stream is a last write, unless the script is cut before. */
async function compressSteps(steps: readonly Step[], encoding: Encoding): Promise<Step[]> {
  const { stream, flushFlag } = createEncoder(encoding)
  let produced: Buffer[] = []
  stream.on('data', (chunk: Buffer) => produced.push(chunk))
  const taken = (): Step => {
    const bytes = Buffer.concat(produced)
    produced = []
    return write(bytes)
  }
  const out: Step[] = []
  for (const step of steps) {
    if (step.kind === 'write') {
      stream.write(step.bytes)
      await new Promise<void>((resolve) => stream.flush(flushFlag, resolve))
      out.push(taken())
    } else {
      out.push(step)
      if (step.kind !== 'wait') return out
    }
  }
  await new Promise<void>((resolve) => stream.once('end', resolve).end())
  out.push(taken())
  return out
}

function createEncoder(encoding: Encoding) {
  switch (encoding) {
    case 'gzip':
      return { stream: createGzip(), flushFlag: constants.Z_SYNC_FLUSH }
    case 'deflate':
      return { stream: createDeflate(), flushFlag: constants.Z_SYNC_FLUSH }
    case 'br':
      return { stream: createBrotliCompress(), flushFlag: constants.BROTLI_OPERATION_FLUSH }
    case 'zstd':
      return { stream: createZstdCompress(), flushFlag: constants.ZSTD_e_flush }
  }
}
