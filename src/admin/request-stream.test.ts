// A stream on a real socket: what it says when nothing happens, and when its reader is slow or gone.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { StreamPage } from '#store'
import type { QueryPort } from './port.ts'
import { createRequestStreams, type RequestStreams, type StreamTimes } from './request-stream.ts'

type Server = {
  readonly streams: RequestStreams
  readonly asked: (string | undefined)[]
  readonly closed: Promise<void>
  connect(): Promise<IncomingMessage>
}

/** `newer` gives a page for a position; what is asked of it is in `asked`. */
async function serve(context: TestContext, newer: (position: string) => StreamPage, times: Partial<StreamTimes>): Promise<Server> {
  const asked: (string | undefined)[] = []
  const closed = Promise.withResolvers<void>()
  const query = {
    flush: async () => undefined,
    async newer(_filters: object, position: string | undefined) {
      asked.push(position)
      return position === undefined ? { rows: [], position: '1-1', more: false } : newer(position)
    },
  } as Partial<QueryPort> as QueryPort
  const streams = createRequestStreams(query, { pollMs: 5, heartbeatMs: 10_000, patienceMs: 10_000, ...times })
  const server = createServer((raw, response) => {
    response.once('close', () => closed.resolve())
    const request = { raw, headers: raw.headers } as FastifyRequest
    const reply = { hijack: () => ({ raw: response }), getHeaders: () => ({ 'cache-control': 'no-store' }) } as unknown as FastifyReply
    streams.serve(request, reply, {}).catch((error: Error) => response.writeHead(503).end(error.message))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(async () => {
    await streams.end()
    server.closeAllConnections()
    server.close()
  })
  return {
    streams,
    asked,
    closed: closed.promise,
    async connect() {
      const sent = httpRequest({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' }).end()
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      response.on('error', () => undefined)
      context.after(() => sent.destroy())
      return response
    },
  }
}

async function textUntil(response: IncomingMessage, pattern: RegExp): Promise<string> {
  let text = ''
  for await (const part of response) {
    text += String(part)
    if (pattern.test(text)) return text
  }
  return text
}

test('when nothing happens, a heartbeat says where to go on from', async (context) => {
  const { connect } = await serve(context, () => ({ rows: [], position: '5-7', more: false }), { heartbeatMs: 10 })
  const response = await connect()
  assert.equal(response.headers['cache-control'], 'no-store')
  assert.match(await textUntil(response, /nothing new/), /^retry: 1000\nid: 1-1\nevent: open\ndata: {}\n\n: nothing new\nid: 5-7\n\n/)
})

test('rows are not asked for faster than the client reads them, and one that reads nothing is cut', async (context) => {
  const json = JSON.stringify({ text: 'x'.repeat(100_000) })
  let next = 1
  const endless = (): StreamPage => ({ rows: [{ position: `2-${++next}`, json }], position: `2-${next}`, more: true })
  const { connect, asked, closed } = await serve(context, endless, { patienceMs: 300 })
  const response = await connect()
  response.pause()
  await closed
  const held = asked.length
  assert.ok(held < 200, `${held} pages of 100 KB were made for a client that reads nothing`)
})

test('a client that leaves is not asked for any more', async (context) => {
  const { connect, asked } = await serve(context, () => ({ rows: [], position: '1-1', more: false }), {})
  const response = await connect()
  response.destroy()
  let before = -1
  for (const deadline = Date.now() + 5000; asked.length !== before && Date.now() < deadline;) {
    before = asked.length
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.equal(asked.length, before)
})

test('at the end each stream gets what has come, then an end; later ones are refused', async (context) => {
  let given = false
  const last = (position: string): StreamPage => {
    if (position !== '1-1' || !given) return { rows: [], position, more: false }
    return { rows: [{ position: '2-2', json: '{"id":"last"}' }], position: '2-2', more: false }
  }
  const { connect, streams } = await serve(context, last, { pollMs: 60_000 })
  const response = await connect()
  given = true
  const [text] = await Promise.all([textUntil(response, /event: end/), streams.end()])
  assert.match(text, /id: 2-2\nevent: request\ndata: {"id":"last"}\n\nid: 2-2\nevent: end\n/)
  assert.equal((await connect()).statusCode, 503)
})
