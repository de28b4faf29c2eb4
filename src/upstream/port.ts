// One call to a provider, whatever carries it. Push interface from socket to socket: no promises, no streams.
import type { Account } from '#config'
import type { Failure } from '#kernel'

export type UpstreamRequest = {
  readonly origin: string
  readonly path: string
  readonly method: 'POST' | 'GET'
  /** Name, value, name, value, ... lower-case names. */
  readonly headers: readonly string[]
  readonly body: Uint8Array | undefined
  readonly connectMs: number
  /** Without it a private, loopback or link-local address is not connected to. */
  readonly allowPrivateNetwork: boolean
  /** Signs the call, or has a token fetched for it, which adds headers; a call that needs neither is sent at once. */
  readonly account?: Account | undefined
}

/** Calls come in order: head? data* (end | error). Nothing after `end`, `error` or an `abort()`. */
export interface UpstreamHandler {
  head(status: number, headers: Readonly<Record<string, string>>): void
  /** A slice of the socket's buffer, valid only during the call: copy what you keep. Already decompressed. */
  data(chunk: Buffer): void
  end(): void
  error(failure: Failure): void
}

export interface UpstreamCall {
  abort(): void
  pause(): void
  resume(): void
  /** True once the request's body has left this process: only then may its buffer be reused. */
  bodySent(): boolean
  /** What was sent for the account and must not be shown: its token or signature. */
  readonly secrets?: readonly string[]
}

export interface Upstream {
  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall
  close(): Promise<void>
}
