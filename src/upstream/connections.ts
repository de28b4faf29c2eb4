// Connections to providers, kept on a last-in-first-out stack per origin: the least used grow old and go.
import { HeaderNames } from './http-response.ts'
import { Connection, type Place } from './connection.ts'

/** Old connections are kept this long at most beyond their time. */
const pruneEveryMs = 30_000
const readBytes = 64 << 10

type Pool = { readonly place: Place; readonly idle: Connection[] }

export interface Connections {
  take(origin: string): Connection
  /** A connection that nobody has used. */
  fresh(origin: string): Connection
  /** What was taken, once it is not used; kept if it can be used again. */
  give(origin: string, connection: Connection): void
  drop(connection: Connection): void
  close(): void
}

/** `publicOnly`: none leads to a private address. */
export function createConnections({ publicOnly = false }: { readonly publicOnly?: boolean } = {}): Connections {
  const pools = new Map<string, Pool>()
  const all = new Set<Connection>()
  const names = new HeaderNames()
  const heads: Place['heads'] = new WeakMap()
  const readBuffer = Buffer.allocUnsafeSlow(readBytes)

  const pruning = setInterval(() => {
    const now = performance.now()
    for (const { idle } of pools.values()) {
      const kept = idle.filter((connection) => !connection.closed && now - connection.lastUsedMs < connection.idleMs)
      for (const connection of idle) if (!kept.includes(connection)) drop(connection)
      idle.splice(0, idle.length, ...kept)
    }
  }, pruneEveryMs)
  pruning.unref()

  function poolOf(origin: string): Pool {
    let pool = pools.get(origin)
    if (pool === undefined) {
      const { protocol, host, hostname, port } = new URL(origin)
      const secure = protocol === 'https:'
      const place: Place = {
        host,
        hostname: hostname.replace(/^\[|\]$/g, ''),
        port: port === '' ? (secure ? 443 : 80) : Number(port),
        secure,
        publicOnly,
        names,
        heads,
        readBuffer,
        session: undefined,
      }
      pools.set(origin, (pool = { place, idle: [] }))
    }
    return pool
  }

  function fresh(origin: string): Connection {
    const connection = new Connection(poolOf(origin).place)
    all.add(connection)
    return connection
  }

  function drop(connection: Connection): void {
    all.delete(connection)
    connection.destroy()
  }

  return {
    fresh,
    drop,
    take(origin) {
      const { idle } = poolOf(origin)
      for (let connection = idle.pop(); connection !== undefined; connection = idle.pop()) {
        if (connection.reusable && performance.now() - connection.lastUsedMs < connection.idleMs) return connection
        drop(connection)
      }
      return fresh(origin)
    },
    give(origin, connection) {
      if (!connection.reusable) {
        drop(connection)
        return
      }
      connection.lastUsedMs = performance.now()
      poolOf(origin).idle.push(connection)
    },
    close() {
      clearInterval(pruning)
      for (const connection of all) connection.destroy()
      all.clear()
      pools.clear()
    },
  }
}
