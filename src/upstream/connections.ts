// One undici Client per socket, kept on a last-in-first-out stack per origin.
// Why not undici's Pool: its lookup is linear in the number of sockets, and it doesn't say which socket carried a request, which we
// need twice: to retry once when a reused socket turned out to be dead, and to know when a body's buffer may be reused.
import type { Socket } from 'node:net'
import { buildConnector, Client } from 'undici'

/** Idle sockets are closed after this time; servers that say less in `keep-alive` are believed. */
const keepAliveMs = 55_000
/** Clients whose socket has gone are kept this long at most. */
const pruneEveryMs = 30_000

export class Connection {
  readonly client: Client
  /** The socket in use, undefined while there is none. */
  socket: Socket | undefined
  /** Requests answered on the present socket. */
  served = 0
  lastUsedMs = 0

  constructor(origin: string, connectMs: number) {
    // undici's own timer is coarse (up to a second late); this one is exact, and connecting is rare.
    const connect = buildConnector({ timeout: 0, allowH2: false, keepAlive: true })
    this.client = new Client(origin, {
      connect: (options, callback) => {
        const connecting = connect(options, (...result) => {
          clearTimeout(timer)
          // On an error undici calls back with that alone.
          const socket = result[1] as Socket | null | undefined
          if (socket != null) {
            this.socket = socket
            this.served = 0
            socket.setNoDelay(true)
          }
          callback(...result)
        }) as unknown as Socket
        const timer = setTimeout(
          () => connecting.destroy(Object.assign(new Error('connect timeout'), { code: 'UND_ERR_CONNECT_TIMEOUT' })),
          connectMs,
        )
      },
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: 600_000,
      // The gateway's own deadlines decide; undici's would only add timers.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: 64 << 10,
    })
    // Without a listener a connect error is still delivered to the request; this only keeps EventEmitter quiet.
    this.client.on('disconnect', () => {
      this.socket = undefined
    })
  }
}

export interface Connections {
  take(origin: string, connectMs: number): Connection
  /** A connection with a socket that nobody has used. */
  fresh(origin: string, connectMs: number): Connection
  give(origin: string, connectMs: number, connection: Connection): void
  drop(connection: Connection): void
  close(): Promise<void>
}

export function createConnections(): Connections {
  /** By origin, then by connect timeout, which a connection is made with. */
  const idle = new Map<string, Map<number, Connection[]>>()
  const all = new Set<Connection>()

  const pruning = setInterval(() => {
    const now = performance.now()
    for (const [origin, stacks] of idle) {
      for (const [connectMs, stack] of stacks) {
        // The least recently used lie at the bottom.
        const firstKept = stack.findIndex((connection) => now - connection.lastUsedMs < keepAliveMs)
        const stale = stack.splice(0, firstKept < 0 ? stack.length : firstKept)
        for (const connection of stale) {
          all.delete(connection)
          void connection.client.destroy()
        }
        if (stack.length === 0) stacks.delete(connectMs)
      }
      if (stacks.size === 0) idle.delete(origin)
    }
  }, pruneEveryMs)
  pruning.unref()

  function stackOf(origin: string, connectMs: number): Connection[] {
    let stacks = idle.get(origin)
    if (stacks === undefined) idle.set(origin, (stacks = new Map()))
    let stack = stacks.get(connectMs)
    if (stack === undefined) stacks.set(connectMs, (stack = []))
    return stack
  }

  function fresh(origin: string, connectMs: number): Connection {
    const connection = new Connection(origin, connectMs)
    all.add(connection)
    return connection
  }

  return {
    fresh,
    take(origin, connectMs) {
      return stackOf(origin, connectMs).pop() ?? fresh(origin, connectMs)
    },
    give(origin, connectMs, connection) {
      connection.lastUsedMs = performance.now()
      stackOf(origin, connectMs).push(connection)
    },
    drop(connection) {
      all.delete(connection)
      void connection.client.destroy()
    },
    async close() {
      clearInterval(pruning)
      idle.clear()
      await Promise.all([...all].map((connection) => connection.client.destroy()))
      all.clear()
    },
  }
}
