// Reads a request body into one buffer of the pool, with room around it so that fields can be replaced in place.
import type { IncomingMessage } from 'node:http'
import { Failure, headroomBytes, tailroomBytes, type BufferPool, type Deadlines, type Waiting } from '#kernel'

/** Larger bodies are refused: above what any provider accepts (images and documents inline). */
export const maxBodyBytes = 64 << 20
/** An upload may pause this long. */
const idleMs = 30_000
/** First buffer of a body that doesn't say how long it is. */
const unknownLengthBytes = 32 << 10
/** From here on, other threads get the body without another copy. */
const sharedFromBytes = 1 << 20

export interface BodyReceiver {
  /**
   * The body lies in `buffer` from `start` to `end`; whoever gets it gives the buffer back to the pool. `shared` is the same bytes again, in
   * memory that threads share and nobody writes to; of large bodies only.
   */
  received(buffer: Buffer, start: number, end: number, shared: Buffer | undefined): void
  failed(failure: Failure): void
}

/** Exactly one of the receiver's methods is called. */
export function receiveBody(request: IncomingMessage, pool: BufferPool, deadlines: Deadlines, receiver: BodyReceiver): void {
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity') {
    receiver.failed(
      new Failure(
        'unsupported_media_type',
        `The request body is encoded as ${JSON.stringify(encoding.slice(0, 40))}. Send it without a content-encoding.`,
      ),
    )
    return
  }
  const declared = request.headers['content-length']
  const length = declared === undefined ? undefined : Number(declared)
  if (length !== undefined && length > maxBodyBytes) {
    receiver.failed(tooLarge(`says that it has ${length} bytes`))
    return
  }
  new BodyReader(request, pool, deadlines, receiver, length).start()
}

/** Listeners are shared functions that find their reader at the request: a closure per request and event is not free. */
const reader = Symbol('reader')
type ReadRequest = IncomingMessage & { [reader]?: BodyReader }

function onData(this: ReadRequest, chunk: Buffer): void {
  this[reader]?.data(chunk)
}

function onEnd(this: ReadRequest): void {
  this[reader]?.ended()
}

function onClose(this: ReadRequest): void {
  this[reader]?.closed()
}

class BodyReader implements Waiting {
  dueMs = Infinity
  waitingAt = -1
  readonly #request: IncomingMessage
  readonly #pool: BufferPool
  readonly #deadlines: Deadlines
  readonly #receiver: BodyReceiver
  #buffer: Buffer
  /** Filled as the bytes come: a copy of all of them at once would hold up everybody else. */
  readonly #shared: Buffer | undefined
  #end = headroomBytes
  #over = false

  constructor(request: IncomingMessage, pool: BufferPool, deadlines: Deadlines, receiver: BodyReceiver, length: number | undefined) {
    this.#request = request
    this.#pool = pool
    this.#deadlines = deadlines
    this.#receiver = receiver
    this.#buffer = pool.take(headroomBytes + (length ?? unknownLengthBytes) + tailroomBytes)
    this.#shared = length !== undefined && length >= sharedFromBytes ? pool.share(length) : undefined
  }

  start(): void {
    // First: where nobody waited, the clock stood still until now.
    this.#deadlines.add(this)
    this.dueMs = this.#deadlines.nowMs + idleMs
    const request = this.#request as ReadRequest
    request[reader] = this
    request.on('data', onData)
    request.on('end', onEnd)
    request.on('close', onClose)
  }

  due(): void {
    this.#fail(
      new Failure(
        'upload_timeout',
        `The request body stopped arriving for ${idleMs / 1000} s after ${this.#end - headroomBytes} bytes. Send it again.`,
      ),
    )
  }

  data(chunk: Buffer): void {
    if (this.#over) return
    this.dueMs = this.#deadlines.nowMs + idleMs
    const end = this.#end + chunk.length
    if (end - headroomBytes > maxBodyBytes) {
      this.#fail(tooLarge('is larger'))
      return
    }
    if (end + tailroomBytes > this.#buffer.length) {
      const larger = this.#pool.take(Math.max(end + tailroomBytes, this.#buffer.length * 2))
      this.#buffer.copy(larger, headroomBytes, headroomBytes, this.#end)
      this.#pool.give(this.#buffer)
      this.#buffer = larger
    }
    this.#buffer.set(chunk, this.#end)
    // Not `set`: on shared memory V8 copies word by word.
    if (this.#shared !== undefined) chunk.copy(this.#shared, this.#end - headroomBytes)
    this.#end = end
  }

  ended(): void {
    if (this.#over) return
    this.#over = true
    this.#deadlines.remove(this)
    this.#receiver.received(this.#buffer, headroomBytes, this.#end, this.#shared)
  }

  closed(): void {
    if (this.#over) return
    const bytes = this.#end - headroomBytes
    this.#fail(new Failure('client_closed', `The client left while it was sending its request, after ${bytes} bytes.`))
  }

  #fail(failure: Failure): void {
    this.#stop()
    this.#receiver.failed(failure)
  }

  #stop(): void {
    this.#over = true
    this.#deadlines.remove(this)
    this.#pool.give(this.#buffer)
    // What still arrives is not read: the answer closes the connection.
    this.#request.pause()
  }
}

function tooLarge(how: string): Failure {
  return new Failure(
    'request_too_large',
    `The request body ${how}; this gateway accepts at most ${maxBodyBytes >> 20} MB. Send less, or link to files instead of inlining them.`,
  )
}
