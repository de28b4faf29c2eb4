// Calls to providers over HTTP/1.1.
import type { Transform } from 'node:stream'
import { Failure } from '#kernel'
import type { Authorizer } from './authorizer.ts'
import { createAuthorizers } from './authorizers.ts'
import { connectionClosed, type Connection, type ConnectionUser } from './connection.ts'
import { createConnections, type Connections } from './connections.ts'
import { createDecompressor, encodingOf, type Encoding } from './decompression.ts'
import { connectionFailure } from './failures.ts'
import type { Upstream, UpstreamCall, UpstreamHandler, UpstreamRequest } from './port.ts'

export function createNetwork(): Upstream {
  // Apart, so that who may not be in a private network never gets a socket that leads there.
  const anywhere = createConnections()
  const publicOnly = createConnections({ publicOnly: true })
  const network: Upstream = {
    send(request, handler) {
      const { account, allowPrivateNetwork } = request
      const connections = allowPrivateNetwork ? anywhere : publicOnly
      return new NetworkCall(connections, request, handler, account === undefined ? undefined : authorizerOf(account))
    },
    async close() {
      anywhere.close()
      publicOnly.close()
    },
  }
  const authorizerOf = createAuthorizers(network)
  return network
}

const noLines: readonly string[] = []
const secretHeaders: ReadonlySet<string> = new Set(['authorization', 'x-amz-security-token'])

class NetworkCall implements UpstreamCall, ConnectionUser {
  readonly #connections: Connections
  readonly #handler: UpstreamHandler
  readonly #authorizer: Authorizer | undefined
  #request: UpstreamRequest
  /** What the authorizer added. */
  #lines = noLines
  /** undefined: what authorizes the call is still awaited. */
  #connection: Connection | undefined
  #encoding: Encoding | undefined
  /** From the first byte of a compressed body on: a body without any is not compressed, whatever its head says. */
  #decompressor: Transform | undefined
  #headSeen = false
  #retried = false
  #reusedSocket = false
  #over = false
  #paused = false

  constructor(connections: Connections, request: UpstreamRequest, handler: UpstreamHandler, authorizer: Authorizer | undefined) {
    this.#connections = connections
    this.#request = request
    this.#handler = handler
    this.#authorizer = authorizer
    const lines = authorizer === undefined ? noLines : authorizer.authorize(request)
    if (lines instanceof Promise) {
      lines.then(
        (awaited) => {
          if (!this.#over) this.#send(awaited)
        },
        (error: unknown) => {
          if (!this.#over) this.#fail(error instanceof Failure ? error : connectionFailure(error as Error, false))
        },
      )
    } else {
      this.#send(lines)
    }
  }

  #send(lines: readonly string[]): void {
    if (lines.length > 0) {
      this.#lines = lines
      this.#request = { ...this.#request, headers: [...this.#request.headers, ...lines] }
    }
    this.#connection = this.#connections.take(this.#request.origin)
    this.#reusedSocket = this.#connection.served > 0
    this.#connection.send(this.#request, this)
    if (this.#paused) this.pause()
  }

  get secrets(): readonly string[] {
    return this.#lines.flatMap((value, at) =>
      at % 2 === 1 && secretHeaders.has(this.#lines[at - 1]!) ? [value.replace(/^Bearer /, '')] : [],
    )
  }

  abort(): void {
    if (this.#over) return
    this.#over = true
    this.#decompressor?.destroy()
    if (this.#connection !== undefined) this.#connections.drop(this.#connection)
  }

  pause(): void {
    this.#paused = true
    if (this.#decompressor === undefined) this.#connection?.pause()
    else this.#decompressor.pause()
  }

  resume(): void {
    this.#paused = false
    if (this.#decompressor === undefined) this.#connection?.resume()
    else this.#decompressor.resume()
  }

  bodySent(): boolean {
    // One that was given up before it was sent will not be.
    return this.#connection === undefined ? this.#over : this.#connection.bodySent
  }

  onHead(status: number, headers: Readonly<Record<string, string>>): void {
    this.#headSeen = true
    if (status === 401) this.#authorizer?.refused(this.#lines)
    const encoding = encodingOf(headers['content-encoding'])
    if (encoding === 'other') {
      const named = headers['content-encoding']!.slice(0, 40)
      this.#fail(new Failure('bad_response', `The provider answered in an encoding that was not asked for (${named}).`))
      return
    }
    this.#encoding = encoding
    this.#handler.head(status, headers)
  }

  onBody(bytes: Buffer): void {
    if (this.#over) return
    if (this.#encoding === undefined) {
      this.#handler.data(bytes)
      return
    }
    if (bytes.length === 0) return
    const decompressor = (this.#decompressor ??= this.#startDecompressor(this.#encoding, bytes[0]!))
    // It reads later, when these bytes are others.
    if (!decompressor.write(Buffer.from(bytes))) this.#connection!.pause()
  }

  onComplete(): void {
    if (this.#decompressor !== undefined) {
      this.#decompressor.end()
      return
    }
    this.#end()
  }

  onError(error: Error): void {
    if (this.#over) return
    // A kept-alive socket that the server closed while it was idle: not a byte was answered, and the request is safe to send again once.
    if (!this.#connection!.answering && !this.#retried && this.#reusedSocket && isReset(error)) {
      this.#retried = true
      this.#connections.drop(this.#connection!)
      this.#connection = this.#connections.fresh(this.#request.origin)
      this.#connection.send(this.#request, this)
      if (this.#paused) this.pause()
      return
    }
    this.#decompressor?.destroy()
    this.#fail(connectionFailure(error, this.#headSeen))
  }

  #startDecompressor(encoding: Encoding, first: number): Transform {
    const decompressor = createDecompressor(encoding, first)
    decompressor.on('data', (chunk: Buffer) => {
      if (!this.#over) this.#handler.data(chunk)
    })
    decompressor.on('drain', () => this.#connection!.resume())
    decompressor.on('end', () => {
      if (!this.#over) this.#end()
    })
    decompressor.on('error', () => {
      if (!this.#over) this.#fail(new Failure('bad_response', 'The provider sent a compressed answer that cannot be decompressed.'))
    })
    return decompressor
  }

  #end(): void {
    this.#over = true
    this.#connections.give(this.#request.origin, this.#connection!)
    this.#handler.end()
  }

  #fail(failure: Failure): void {
    this.#over = true
    if (this.#connection !== undefined) this.#connections.drop(this.#connection)
    this.#handler.error(failure)
  }
}

function isReset(error: Error): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === connectionClosed || code === 'ECONNRESET' || code === 'EPIPE'
}
