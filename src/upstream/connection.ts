// One socket to a provider: connects at its first request, carries one request at a time, and says what became of it.
import net, { isIP, type Socket } from 'node:net'
import tls from 'node:tls'
import { encodeRequest, type HeadCache, type RequestBytes } from './http-request.ts'
import { HttpError, ResponseParser, type HeaderNames, type ResponseListener } from './http-response.ts'
import type { UpstreamRequest } from './port.ts'
import { isPrivateAddress, privateAddressError, publicLookup } from './private-network.ts'

/** Idle sockets are closed after this time; servers that say less in `keep-alive` are believed. */
export const keepAliveMs = 55_000
/** Before the server's own time is over, so that it doesn't close the socket while a request is on its way. */
const keepAliveMarginMs = 1000
const tlsReadBytes = 16 << 10
const nothing = Buffer.alloc(0)

/** Calls come in order: onHead? onBody* (onComplete | onError), and nothing after them. */
export interface ConnectionUser extends ResponseListener {
  onComplete(): void
  onError(error: Error): void
}

/** Where connections of one origin lead, and what they share. */
export type Place = {
  /** As the `host` header has it. */
  readonly host: string
  /** Name or address to connect to. */
  readonly hostname: string
  readonly port: number
  readonly secure: boolean
  /** May not be a private address. */
  readonly publicOnly: boolean
  readonly names: HeaderNames
  readonly heads: HeadCache
  /** Plain sockets read into one buffer, since what they read is used before the next one reads. */
  readonly readBuffer: Buffer
  /** TLS' own ticket of an earlier connection: the next handshake is shorter. */
  session: Buffer | undefined
}

export class Connection {
  /** Requests answered. */
  served = 0
  lastUsedMs = 0
  /** Bytes have come since the last request was sent. */
  answering = false
  /** How long it may stay idle. */
  idleMs = keepAliveMs
  readonly #place: Place
  readonly #parser: ResponseParser
  #socket: Socket | undefined
  #user: ConnectionUser | undefined
  #request: UpstreamRequest | undefined
  /** The request has been handed to the socket. */
  #written = false
  #connected = false
  #closed = false
  #reading = false
  #paused = false
  /** Read before a pause, to be told after it. */
  #held: Buffer | undefined
  #error: Error | undefined

  constructor(place: Place) {
    this.#place = place
    // The parser's listener is whoever uses the connection.
    this.#parser = new ResponseParser(
      { onHead: (status, headers) => this.#user!.onHead(status, headers), onBody: (bytes) => this.#user?.onBody(bytes) },
      place.names,
    )
  }

  /** Connected, unused, and able to carry a request. */
  get reusable(): boolean {
    return !this.#closed && this.#connected && this.#user === undefined
  }

  get closed(): boolean {
    return this.#closed
  }

  /** True once the request's body has left this process, or was copied. */
  get bodySent(): boolean {
    return this.#written && (this.#request === undefined || this.#socket!.writableLength === 0)
  }

  /** Only when nobody uses it. The user may hear an error before this returns. */
  send(request: UpstreamRequest, user: ConnectionUser): void {
    this.#user = user
    this.#request = request
    this.#written = false
    this.#paused = false
    this.answering = false
    this.#parser.begin()
    if (this.#socket === undefined) this.#connect(request.connectMs)
    else this.#write()
  }

  pause(): void {
    this.#paused = true
    this.#parser.stopped = true
    this.#socket?.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#parser.stopped = false
    // Inside a read, the rest of it follows by itself.
    if (this.#reading || this.#user === undefined) return
    const held = this.#held ?? nothing
    this.#held = undefined
    // Even without bytes: the answer may have been complete but for saying so.
    this.#read(held, held.length)
    if (!this.#paused) this.#socket?.resume()
  }

  /** Closes it at once; its user hears nothing more. */
  destroy(): void {
    this.#closed = true
    this.#user = undefined
    this.#parser.stopped = true
    this.#socket?.destroy()
  }

  #connect(connectMs: number): void {
    const { hostname, port, secure, publicOnly, readBuffer } = this.#place
    // A number is not looked up.
    if (publicOnly && isPrivateAddress(hostname)) {
      this.#fail(privateAddressError(hostname, hostname))
      return
    }
    const onread = {
      buffer: secure ? Buffer.allocUnsafeSlow(tlsReadBytes) : readBuffer,
      callback: (length: number, buffer: Uint8Array) => {
        this.#read(buffer as Buffer, length)
        return true
      },
    }
    const options = {
      host: hostname,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
      onread,
      ...(publicOnly ? { lookup: publicLookup } : {}),
    }
    const socket = secure ? tls.connect({ ...options, ...this.#tlsOptions() }) : net.connect(options)
    this.#socket = socket
    const timer = setTimeout(() => socket.destroy(Object.assign(new Error('connect timeout'), { code: connectTimeout })), connectMs)
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer)
      this.#connected = true
      if (this.#user !== undefined) this.#write()
    })
    if (secure) socket.on('session', (session: Buffer) => (this.#place.session = session))
    socket.on('error', (error) => (this.#error = error))
    // The provider has ended its side: what is idle is useless, what is under way is complete or cut.
    socket.on('end', () => this.#ended())
    socket.on('close', () => {
      clearTimeout(timer)
      this.#ended()
    })
  }

  #tlsOptions(): tls.ConnectionOptions {
    const { hostname, session } = this.#place
    return {
      ALPNProtocols: ['http/1.1'],
      // An address has no name to ask for.
      servername: isIP(hostname) === 0 ? hostname : '',
      ...(session === undefined ? {} : { session }),
    }
  }

  #write(): void {
    const socket = this.#socket!
    let bytes: RequestBytes
    try {
      bytes = encodeRequest(this.#request!, this.#place.host, this.#place.heads)
    } catch (error) {
      this.#fail(error as Error)
      return
    }
    const { head, body } = bytes
    this.#written = true
    if (body === undefined) {
      // It was copied.
      this.#request = undefined
      socket.write(head)
      return
    }
    socket.cork()
    socket.write(head)
    socket.write(body)
    socket.uncork()
  }

  #read(buffer: Buffer, length: number): void {
    if (this.#user === undefined) {
      // Nobody asked: bytes behind an answer, or an idle server's last words.
      this.destroy()
      return
    }
    this.answering = true
    let at: number
    this.#reading = true
    try {
      at = this.#parser.push(buffer, 0, length)
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)))
      return
    } finally {
      this.#reading = false
    }
    if (this.#closed) return
    if (this.#parser.complete) {
      // More than an answer: whose answer the rest is, nobody knows.
      this.#complete(at === length)
    } else if (at < length) {
      this.#held = Buffer.from(buffer.subarray(at, length))
    }
  }

  #complete(alone: boolean): void {
    const user = this.#user!
    this.#user = undefined
    this.served++
    const { keepAlive, keepAliveSeconds } = this.#parser
    if (keepAliveSeconds !== undefined) this.idleMs = Math.min(keepAliveMs, keepAliveSeconds * 1000 - keepAliveMarginMs)
    // An answer that came before its request was sent: the rest of the body must not follow, from a buffer that is about to be reused.
    if (!alone || !keepAlive || this.idleMs <= 0 || !this.bodySent) this.#shut()
    else this.#request = undefined
    user.onComplete()
  }

  #shut(): void {
    this.#closed = true
    this.#socket?.destroy()
  }

  #ended(): void {
    const user = this.#user
    if (user !== undefined && this.#held === undefined && this.#parser.end()) {
      this.#complete(true)
      return
    }
    this.#shut()
    if (user === undefined) return
    this.#user = undefined
    user.onError(this.#error ?? Object.assign(new Error('the provider closed the connection'), { code: connectionClosed }))
  }

  #fail(error: Error): void {
    const user = this.#user
    this.#user = undefined
    this.#shut()
    user?.onError(error)
  }
}

export const connectTimeout = 'CONNECT_TIMEOUT'
export const connectionClosed = 'CONNECTION_CLOSED'

/** The peer's fault, not the network's. */
export function isNotHttp(error: Error): boolean {
  return error instanceof HttpError
}
