// A scriptable provider on a real socket of 127.0.0.1: says what the test wrote, byte by byte, and remembers what it was asked.
import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import type { Answer } from './answer.ts'
import { serveConnection, type Received } from './scripted-connection.ts'

export { createGate, cut, keepAlive, reset, splitAt, splitEvents, splitEvery, stall, waitFor, write } from './answer.ts'
export type { Answer, Encoding, Gate, Step } from './answer.ts'
export { type ExchangeEnd, type Received } from './scripted-connection.ts'

export type AnswerSource = Answer | ((request: Received) => Answer | Promise<Answer>)
/** A path without query, a pattern for it, or any test of the request. */
export type RequestMatch = string | RegExp | ((request: Received) => boolean)

export type ScriptedUpstream = {
  readonly port: number
  /** `http://127.0.0.1:PORT` */
  readonly origin: string
  /** Every request, in order of arrival (complete ones, and those answered at their head). */
  readonly received: readonly Received[]
  /** Requests that no script was left for; they were answered with 501. */
  readonly unscripted: readonly Received[]
  /** Connections accepted so far. */
  readonly connections: number
  readonly openConnections: number
  /** What clients sent that is not HTTP, or left unfinished. */
  readonly malformed: readonly string[]
  /** Answers for the next requests, whatever they ask; used up before any route. */
  enqueue(...answers: readonly AnswerSource[]): void
  /** Answers every request that matches; later routes come first. */
  route(match: RequestMatch, answer: AnswerSource): void
  /** Forgets scripts and what was received; connections stay. */
  clear(): void
  /** The next request that was not handed out by an earlier call, when it has arrived. */
  next(): Promise<Received>
  /** Resolves when exactly that many connections are open. */
  untilOpenConnections(count: number): Promise<void>
  /** Resets every connection and refuses new ones, until `accept`. */
  refuse(): Promise<void>
  /** Listens again, on the same port. */
  accept(): Promise<void>
  close(): Promise<void>
}

export async function createUpstream(): Promise<ScriptedUpstream> {
  const queue: AnswerSource[] = []
  const routes: { match: RequestMatch; answer: AnswerSource }[] = []
  const received: Received[] = []
  const unscripted: Received[] = []
  const malformed: string[] = []
  const sockets = new Set<Socket>()
  const closedByUs = new WeakSet<Socket>()
  const requestWaiters: ((request: Received) => void)[] = []
  let openWaiters: { count: number; resolve: () => void }[] = []
  let handedOut = 0
  let connections = 0

  function routeFor(request: Received): AnswerSource | undefined {
    const path = request.url.split('?', 1)[0]!
    return routes.findLast(({ match }) => {
      if (typeof match === 'string') return match === path
      return match instanceof RegExp ? match.test(path) : match(request)
    })?.answer
  }

  function chooseAtHead(request: Received): Answer | undefined {
    const source = queue[0] ?? routeFor(request)
    if (source === undefined || typeof source === 'function' || source.at !== 'head') return undefined
    if (source === queue[0]) queue.shift()
    return source
  }

  async function choose(request: Received): Promise<Answer> {
    const source = queue.shift() ?? routeFor(request)
    if (source !== undefined) return typeof source === 'function' ? source(request) : source
    unscripted.push(request)
    return { status: 501, headers: { 'content-type': 'text/plain' }, body: `nothing is scripted for ${request.method} ${request.url}\n` }
  }

  function arrived(request: Received): void {
    received.push(request)
    const waiter = requestWaiters.shift()
    if (waiter === undefined) return
    handedOut++
    waiter(request)
  }

  function openChanged(): void {
    for (const waiter of openWaiters) if (waiter.count === sockets.size) waiter.resolve()
    openWaiters = openWaiters.filter((waiter) => waiter.count !== sockets.size)
  }

  function connected(socket: Socket): void {
    sockets.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      openChanged()
    })
    openChanged()
    serveConnection(socket, ++connections, {
      chooseAtHead,
      choose,
      arrived,
      malformed: (why) => void malformed.push(why),
      closedByUs: () => closedByUs.has(socket),
    })
  }

  async function listen(port: number): Promise<Server> {
    const listening = createServer(connected)
    listening.listen(port, '127.0.0.1')
    await once(listening, 'listening')
    return listening
  }

  let server = await listen(0)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the scripted upstream has no port')
  const { port } = address

  async function refuse(): Promise<void> {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) {
      closedByUs.add(socket)
      socket.resetAndDestroy()
    }
    await closed
  }

  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    received,
    unscripted,
    malformed,
    get connections() {
      return connections
    },
    get openConnections() {
      return sockets.size
    },
    enqueue: (...answers) => void queue.push(...answers),
    route: (match, answer) => void routes.push({ match, answer }),
    clear() {
      for (const list of [queue, routes, received, unscripted, malformed]) list.length = 0
      handedOut = 0
    },
    async next() {
      if (handedOut < received.length) return received[handedOut++]!
      return new Promise((resolve) => requestWaiters.push(resolve))
    },
    async untilOpenConnections(count) {
      if (sockets.size === count) return
      await new Promise<void>((resolve) => openWaiters.push({ count, resolve }))
    },
    refuse,
    async accept() {
      if (!server.listening) server = await listen(port)
    },
    close: refuse,
  }
}
