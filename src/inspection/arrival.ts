// A request as it comes in: who asks, where, the bytes of its body, and the client's end of the wire.
import type { IncomingHttpHeaders } from 'node:http'
import type { GatewayKey } from '#config'
import type { ClientWire } from '#ir'
import type { Operation } from '#routing'
import type { PathFields } from '#wires'

/** The client's end of the wire. One head, any writes, then exactly one of `end` and `cut`. */
export interface Client {
  /** Name, value, name, value, ... */
  head(status: number, headers: readonly string[]): void
  /** False when the client reads slower than this is written: `clientCaughtUp` follows. */
  write(bytes: Uint8Array | string): boolean
  end(bytes?: Uint8Array | string): void
  /** Sends the bytes and closes the connection without the mark of a complete answer. */
  cut(bytes: Uint8Array | string): void
  /** True when everything written has left this process: only then may its buffers be reused. */
  flushed(): boolean
  /** Who hears of the client; an object, since a closure per request costs V8's collector dearly. */
  listener: ClientListener | undefined
}

export interface ClientListener {
  /** The client has read what was written. */
  clientCaughtUp(): void
  /** The client left before the answer was complete. */
  clientLeft(): void
}

/** An authenticated request whose body has arrived whole. */
export type Arrival = {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly atMs: number
  /** `performance.now()` when the last byte of the body was there. */
  readonly readyMs: number
  readonly operation: Operation
  readonly wire: ClientWire
  /** Absent: they are in the body. */
  readonly path?: PathFields | undefined
  readonly endpoint: string
  readonly headers: IncomingHttpHeaders
  readonly key: GatewayKey
  /** Leased from the buffer pool, with room around [bodyStart, bodyEnd); the gateway gives it back. */
  readonly buffer: Buffer
  readonly bodyStart: number
  readonly bodyEnd: number
  /** The body once more, in memory that threads share and nobody writes to; of large bodies, where it is at hand. */
  readonly shared?: Buffer | undefined
  readonly client: Client
}

/** What is looked at of an arrival. */
export type InspectedArrival = Pick<
  Arrival,
  'operation' | 'wire' | 'path' | 'endpoint' | 'headers' | 'key' | 'buffer' | 'bodyStart' | 'bodyEnd'
>

/** What is known of a request that was refused before its body was read. */
export type Refusal = {
  readonly id: string
  readonly atMs: number
  readonly endpoint: string
  readonly wire: string
  readonly headers: IncomingHttpHeaders
  readonly keyId: string
  readonly keyName: string
}
