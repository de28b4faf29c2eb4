// One connection of the scripted upstream: reads requests, plays each one's answer in order, and knows who ended what.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { JsonObject } from '#kernel'
import { encodeHead, planAnswer, type Answer, type Step } from './answer.ts'
import { createRequestReader, type RequestHead } from './http-reader.ts'

/** `answered`: the whole script was sent. `aborted`: the client left first. `cut`: the script or the upstream closed the connection. */
export type ExchangeEnd = 'answered' | 'aborted' | 'cut'

export type Received = RequestHead & {
  /** Number of its connection, from 1. */
  readonly connection: number
  /** The whole body; for an answer given at the head, what has come so far. */
  readonly body: Buffer
  json<T = JsonObject>(): T
  /** Resolves when the client leaves before its answer has ended; never otherwise. */
  readonly aborted: Promise<void>
  readonly closed: Promise<ExchangeEnd>
  /** undefined while the answer is under way. */
  readonly end: ExchangeEnd | undefined
}

export type ConnectionScripts = {
  chooseAtHead(request: Received): Answer | undefined
  choose(request: Received): Promise<Answer>
  arrived(request: Received): void
  malformed(why: string): void
  /** Whether a connection that closes now was closed by the upstream as a whole. */
  closedByUs(): boolean
}

type Exchange = { readonly request: Received; readonly bodyChunks: Buffer[]; settle(end: ExchangeEnd): void }

export function serveConnection(socket: Socket, connection: number, scripts: ConnectionScripts): void {
  const gone = once(socket, 'close').then(
    () => undefined,
    () => undefined,
  )
  const unfinished = new Set<Exchange>()
  let uploading: Exchange | undefined
  let answeredEarly = false
  let cutByScript = false
  let turn: Promise<void> = Promise.resolve()

  /** Answers of one connection go out in the order of its requests. */
  function answer(exchange: Exchange, chosen: () => Promise<Answer> | Answer): void {
    unfinished.add(exchange)
    scripts.arrived(exchange.request)
    turn = turn.then(async () => {
      const script = await chosen()
      if (socket.destroyed) return
      const end = await play(script, exchange.request)
      if (end === 'gone') return
      unfinished.delete(exchange)
      exchange.settle('answered')
      if (end === 'close') socket.end()
    })
    turn.catch((error: unknown) => {
      scripts.malformed(`a script failed: ${String(error)}`)
      socket.destroy()
    })
  }

  async function play(script: Answer, request: Received): Promise<'keep' | 'close' | 'gone'> {
    const plan = await planAnswer(script, request.method)
    for (const step of script.before ?? []) await run(step)
    if (script.raw === undefined) await run({ kind: 'write', bytes: encodeHead(plan) })
    for (const step of plan.steps) await run(step)
    if (plan.endsShort) await run({ kind: 'cut' })
    if (socket.destroyed) return 'gone'
    const closes = plan.closes || request.headers.get('connection')?.toLowerCase() === 'close'
    return closes ? 'close' : 'keep'
  }

  async function run(step: Step): Promise<void> {
    if (socket.destroyed) return
    switch (step.kind) {
      case 'write': {
        await Promise.race([gone, new Promise<void>((resolve) => socket.write(step.bytes, () => resolve()))])
        // Two turns of the event loop: a reader in this process sees each write as a read of its own.
        for (let i = 0; i < 2; i++) await new Promise(setImmediate)
        return
      }
      case 'wait':
        await Promise.race([gone, step.until])
        return
      case 'stall':
        return gone
      case 'cut':
        cutByScript = true
        // FIN after what is written; a destroy could drop bytes that the client is meant to see.
        socket.destroySoon()
        return gone
      case 'reset':
        cutByScript = true
        socket.resetAndDestroy()
        return gone
    }
  }

  const reader = createRequestReader({
    head(head) {
      uploading = createExchange(head, connection)
      const early = scripts.chooseAtHead(uploading.request)
      answeredEarly = early !== undefined
      if (early !== undefined) answer(uploading, () => early)
    },
    body: (bytes) => void uploading?.bodyChunks.push(Buffer.from(bytes)),
    end() {
      const exchange = uploading!
      uploading = undefined
      if (!answeredEarly) answer(exchange, () => scripts.choose(exchange.request))
    },
    malformed(why) {
      scripts.malformed(why)
      socket.destroy()
    },
  })

  socket.setNoDelay(true)
  socket.on('data', (bytes) => reader.push(bytes))
  socket.on('error', () => {})
  // A client that half-closes has left: HTTP clients keep their side open while they wait.
  socket.on('end', () => socket.destroySoon())
  socket.on('close', () => {
    if (reader.midRequest && !scripts.closedByUs()) scripts.malformed('the client left in the middle of a request')
    for (const exchange of unfinished) exchange.settle(cutByScript || scripts.closedByUs() ? 'cut' : 'aborted')
  })
}

function createExchange(head: RequestHead, connection: number): Exchange {
  const bodyChunks: Buffer[] = []
  const aborted = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<ExchangeEnd>()
  let end: ExchangeEnd | undefined
  const request: Received = {
    ...head,
    connection,
    get body() {
      return Buffer.concat(bodyChunks)
    },
    json<T>() {
      return JSON.parse(this.body.toString('utf8')) as T
    },
    aborted: aborted.promise,
    closed: closed.promise,
    get end() {
      return end
    },
  }
  return {
    request,
    bodyChunks,
    settle(how) {
      end = how
      closed.resolve(how)
      if (how === 'aborted') aborted.resolve()
    },
  }
}
