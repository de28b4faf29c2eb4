// GET /requests/stream: rows as server-sent events, in the order in which they come into the store.
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { CursorError, type RequestFilters } from '#store'
import { AdminFailure, wrongParameter } from './failure.ts'
import type { QueryPort } from './port.ts'
import { isInProcess } from './write.ts'

export type RequestStreams = {
  /** Answers with a stream that ends when the client leaves, or with `end`. Rejects before that with what the client did wrong. */
  serve(request: FastifyRequest, reply: FastifyReply, filters: RequestFilters): Promise<void>
  /** Gives every stream what has come until now, and ends it; later ones are refused. */
  end(): Promise<void>
}

export type StreamTimes = { readonly pollMs: number; readonly heartbeatMs: number; readonly patienceMs: number }

/** The writer commits about every 100 to 250 ms. */
const usualTimes: StreamTimes = { pollMs: 250, heartbeatMs: 15_000, patienceMs: 60_000 }
/** Rows that wait in memory for one client, at most. */
const rowsAtOnce = 100
const mostStreams = 50
const endMs = 1000

export function createRequestStreams(query: QueryPort, { pollMs, heartbeatMs, patienceMs }: StreamTimes = usualTimes): RequestStreams {
  const running = new Set<Promise<void>>()
  const ending = new AbortController()

  /** Resolves when the client is ready for more; rejects when it has left, or reads nothing for too long. */
  async function write(response: ServerResponse, text: string, left: AbortSignal): Promise<void> {
    if (response.write(text)) return
    await once(response, 'drain', { signal: AbortSignal.any([left, AbortSignal.timeout(patienceMs)]) })
  }

  async function run(response: ServerResponse, filters: RequestFilters, from: string, left: AbortSignal): Promise<void> {
    const stopped = AbortSignal.any([left, ending.signal])
    let position = from
    let saidMs = performance.now()
    await write(response, `retry: 1000\nid: ${position}\nevent: open\ndata: {}\n\n`, left)
    for (;;) {
      const last = ending.signal.aborted
      const page = await query.newer(filters, position, rowsAtOnce)
      position = page.position
      if (page.rows.length > 0) {
        await write(response, page.rows.map((row) => `id: ${row.position}\nevent: request\ndata: ${row.json}\n\n`).join(''), left)
        saidMs = performance.now()
      } else if (performance.now() - saidMs >= heartbeatMs) {
        // The id alone is no event, and yet it is where a client goes on from.
        await write(response, `: nothing new\nid: ${position}\n\n`, left)
        saidMs = performance.now()
      }
      if (page.more) continue
      if (last) break
      await wait(pollMs, undefined, { signal: stopped }).catch(() => undefined)
      left.throwIfAborted()
    }
    await write(response, `id: ${position}\nevent: end\ndata: {}\n\n`, left)
  }

  return {
    async serve(request, reply, filters) {
      if (isInProcess(request))
        throw new AdminFailure(503, 'unavailable', 'Requests are streamed by a running instance only. Start it first.')
      if (ending.signal.aborted) throw new AdminFailure(503, 'draining', 'The gateway is stopping; ask again after the next start.')
      if (running.size >= mostStreams)
        throw new AdminFailure(503, 'unavailable', `${mostStreams} streams are open already, and that is the most. Close one.`)
      const given = request.headers['last-event-id']
      const known = typeof given === 'string' && given !== '' ? given : undefined
      await query.flush()
      // With a position this checks it; without one it tells where the store is now.
      const start = await query.newer(filters, known, 1).catch((error: unknown) => {
        if (error instanceof CursorError)
          throw wrongParameter('Last-Event-ID', `The header Last-Event-ID is not the id of an event of this stream.`)
        throw error
      })
      const { raw } = reply.hijack()
      const left = new AbortController()
      raw.once('close', () => left.abort())
      raw.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        'content-type': 'text/event-stream; charset=utf-8',
        'x-accel-buffering': 'no',
      })
      const stream = run(raw, filters, known ?? start.position, left.signal)
        // A stream that ends without `end` was cut: the client goes on from the last id that it has.
        .then(
          () => raw.end(),
          () => raw.destroy(),
        )
        .then(() => void running.delete(stream))
      running.add(stream)
    },
    async end() {
      await query.flush()
      ending.abort()
      // A client that doesn't read is cut with its connection.
      await Promise.race([Promise.all(running), wait(endMs, undefined, { ref: false })])
    },
  }
}
