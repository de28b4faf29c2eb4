// Calls to providers over HTTP/1.1.
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import type { Transform } from 'node:stream'
import type { Dispatcher } from 'undici'
import { Failure } from '#kernel'
import { createConnections, type Connection, type Connections } from './connections.ts'
import { connectionFailure } from './failures.ts'
import type { Upstream, UpstreamCall, UpstreamHandler, UpstreamRequest } from './port.ts'

export function createNetwork(): Upstream {
  const connections = createConnections()
  return {
    send(request, handler) {
      return new NetworkCall(connections, request, handler)
    },
    close: () => connections.close(),
  }
}

class NetworkCall implements UpstreamCall, Dispatcher.DispatchHandler {
  readonly #connections: Connections
  readonly #request: UpstreamRequest
  readonly #handler: UpstreamHandler
  #connection: Connection
  #controller: Dispatcher.DispatchController | undefined
  #decompressor: Transform | undefined
  #headSeen = false
  #retried = false
  #reusedSocket = false
  #over = false
  #paused = false

  constructor(connections: Connections, request: UpstreamRequest, handler: UpstreamHandler) {
    this.#connections = connections
    this.#request = request
    this.#handler = handler
    this.#connection = connections.take(request.origin, request.connectMs)
    this.#dispatch()
  }

  #dispatch(): void {
    const { path, method, headers, body } = this.#request
    this.#reusedSocket = this.#connection.served > 0 && this.#connection.socket !== undefined
    this.#connection.client.dispatch(
      { path, method, headers: headers as string[], body: (body as Buffer | undefined) ?? null, idempotent: false },
      this,
    )
  }

  abort(): void {
    if (this.#over) return
    this.#over = true
    this.#decompressor?.destroy()
    this.#controller?.abort(new Error('aborted'))
    this.#connections.drop(this.#connection)
  }

  pause(): void {
    this.#paused = true
    if (this.#decompressor === undefined) this.#controller?.pause()
    else this.#decompressor.pause()
  }

  resume(): void {
    this.#paused = false
    if (this.#decompressor === undefined) this.#controller?.resume()
    else this.#decompressor.resume()
  }

  bodySent(): boolean {
    const { socket } = this.#connection
    return socket !== undefined && socket.writableLength === 0
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#over) controller.abort(new Error('aborted'))
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>): void {
    if (status < 200 || this.#over) return
    this.#headSeen = true
    const encoding = headers['content-encoding']
    if (typeof encoding === 'string' && encoding !== '' && encoding !== 'identity') {
      this.#decompressor = createDecompressor(encoding)
      if (this.#decompressor === undefined) {
        this.#fail(new Failure('bad_response', `The provider answered in an encoding that was not asked for (${encoding.slice(0, 40)}).`))
        return
      }
      this.#pipeDecompressor(this.#decompressor, controller)
    }
    this.#handler.head(status, headers as Readonly<Record<string, string>>)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return
    if (this.#decompressor === undefined) this.#handler.data(chunk)
    else if (!this.#decompressor.write(chunk)) controller.pause()
  }

  onResponseEnd(): void {
    if (this.#over) {
      this.#release()
      return
    }
    if (this.#decompressor !== undefined) {
      this.#decompressor.end()
      return
    }
    this.#end()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#over) return
    // A kept-alive socket that the server closed while it was idle: nothing was answered, and the request is safe to send again once.
    if (!this.#headSeen && !this.#retried && this.#reusedSocket && isReset(error)) {
      this.#retried = true
      this.#connections.drop(this.#connection)
      this.#connection = this.#connections.fresh(this.#request.origin, this.#request.connectMs)
      this.#dispatch()
      if (this.#paused) this.pause()
      return
    }
    this.#decompressor?.destroy()
    this.#fail(connectionFailure(error, this.#headSeen))
  }

  #pipeDecompressor(decompressor: Transform, controller: Dispatcher.DispatchController): void {
    decompressor.on('data', (chunk: Buffer) => {
      if (!this.#over) this.#handler.data(chunk)
    })
    decompressor.on('drain', () => controller.resume())
    decompressor.on('end', () => {
      if (!this.#over) this.#end()
    })
    decompressor.on('error', () => {
      if (!this.#over) this.#fail(new Failure('bad_response', 'The provider sent a compressed answer that cannot be decompressed.'))
    })
  }

  #end(): void {
    this.#over = true
    this.#release()
    this.#handler.end()
  }

  #release(): void {
    if (!this.bodySent()) {
      // Answered before it was read: what is left of the body must not be sent from a buffer that is about to be reused.
      this.#connections.drop(this.#connection)
      return
    }
    this.#connection.served++
    this.#connections.give(this.#request.origin, this.#request.connectMs, this.#connection)
  }

  #fail(failure: Failure): void {
    this.#over = true
    this.#connections.drop(this.#connection)
    this.#handler.error(failure)
  }
}

function createDecompressor(encoding: string): Transform | undefined {
  switch (encoding.toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip()
    case 'br':
      return createBrotliDecompress()
    case 'deflate':
      return createInflate()
    case 'zstd':
      return createZstdDecompress()
    default:
      return undefined
  }
}

function isReset(error: Error): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE'
}
