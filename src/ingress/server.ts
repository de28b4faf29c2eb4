// The data plane's HTTP surface: raw node:http, exact paths, one answer per request. The admin API shares the port.
import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { GatewayKey } from '#config'
import type { Gateway } from '#gateway'
import type { ClientWire } from '#ir'
import { Failure, newRequestId, type BufferPool, type Deadlines, type JsonObject } from '#kernel'
import { codecOf, type PathFields } from '#wires'
import type { Account } from './account.ts'
import { Answer } from './answer.ts'
import { ArrayAnswer } from './array-answer.ts'
import { receiveBody } from './body.ts'
import { answerModel, answerModels, type ModelDirectory } from './models.ts'
import { allowedMethods, routeOf, type Route } from './routes.ts'

const maxHeaderBytes = 32 << 10
const headersTimeoutMs = 30_000
const keepAliveMs = 75_000
/** A whole upload may take this long; pauses in it are limited apart. */
const uploadTimeoutMs = 600_000
const drainingRetrySeconds = '5'

export type IngressDeps = {
  readonly gateway: Gateway
  readonly authenticate: (headers: IncomingMessage['headers'], query: string) => GatewayKey | Failure
  /** Names and models, as they are now. */
  readonly models: () => ModelDirectory
  /** What a key may spend and has spent. */
  readonly account: Account
  readonly admin: { handle(request: IncomingMessage, response: ServerResponse): void }
  /** How many providers there are, and how many would be asked. Anybody may read it: no names. */
  readonly providers: () => { readonly configured: number; readonly available: number }
  readonly buffers: BufferPool
  readonly deadlines: Deadlines
  readonly log: { error(fields: object, message: string): void }
}

export interface Ingress {
  /** Resolves with the port; rejects with the error of `listen` (EADDRINUSE, EACCES, ...). */
  listen(host: string, port: number): Promise<number>
  /** New requests get 503 from now on, and connections close when they are idle. */
  drain(): void
  /** Stops listening and closes what is left. */
  close(): Promise<void>
}

type Conversation = Exclude<Extract<Route, { wire: ClientWire }>, { type: 'models' }>

/** Google's endpoint streams server-sent events only when asked to. */
function isArrayStream(said: PathFields | undefined, query: string): boolean {
  return said?.stream === true && new URLSearchParams(query).get('alt') !== 'sse'
}

export function createIngress(deps: IngressDeps): Ingress {
  let draining = false

  const server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: headersTimeoutMs,
      requestTimeout: uploadTimeoutMs,
      keepAliveTimeout: keepAliveMs,
      noDelay: true,
    },
    (request, response) => {
      try {
        route(request, response)
      } catch (error) {
        failed(response, error)
      }
    },
  )
  server.on('clientError', answerUnreadable)

  function failed(response: ServerResponse, error: unknown): void {
    deps.log.error({ err: error }, 'a request failed at the door')
    if (response.headersSent) response.destroy()
    else
      sendFailure(response, 'openai-chat', new Failure('internal_error', 'The gateway failed; its log says why.'), newRequestId(Date.now()))
  }

  function route(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? '/'
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    if (path.startsWith('/api/v1/') || path === '/api/v1') {
      deps.admin.handle(request, response)
      return
    }
    const found = routeOf(request.method ?? 'GET', path)
    if (found instanceof Failure) {
      refuse(request, response, path, wireOf(request, path), found, undefined)
      return
    }
    switch (found.type) {
      case 'health':
        sendJson(response, 200, '{"status":"ok","name":"turnpike"}')
        return
      case 'ready':
        ready(response)
        return
      case 'metrics':
        deps.admin.handle(request, response)
        return
      case 'models':
        models(request, response, path, mark < 0 ? '' : url.slice(mark + 1), found)
        return
      case 'account':
        account(request, response, path, mark < 0 ? '' : url.slice(mark + 1), found.about)
        return
      case 'generate':
      case 'count-tokens':
      case 'embed':
        converse(request, response, path, mark < 0 ? '' : url.slice(mark + 1), found)
        return
      default:
        found satisfies never
    }
  }

  function ready(response: ServerResponse): void {
    if (!draining) {
      sendJson(response, 200, JSON.stringify({ status: 'ready', providers: deps.providers() }))
      return
    }
    response.setHeader('retry-after', drainingRetrySeconds)
    response.setHeader('connection', 'close')
    sendJson(response, 503, '{"status":"draining"}')
  }

  function models(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: string,
    { wire, id }: Extract<Route, { type: 'models' }>,
  ): void {
    const key = deps.authenticate(request.headers, query)
    if (key instanceof Failure) {
      refuse(request, response, path, wireOf(request, path), key, undefined)
      return
    }
    const asked = { request, response, key, query, wire: wire === 'openai-chat' ? wireOf(request, path) : wire }
    const answered = (failure: Failure | undefined): void => {
      if (failure !== undefined) refuse(request, response, path, wireOf(request, path), failure, key)
    }
    if (id !== undefined) answered(answerModel(deps.models(), asked, id))
    else answerModels(deps.models(), asked).then(answered, (error: unknown) => failed(response, error))
  }

  function account(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: string,
    about: Extract<Route, { type: 'account' }>['about'],
  ): void {
    const key = deps.authenticate(request.headers, query)
    if (key instanceof Failure) {
      refuse(request, response, path, wireOf(request, path), key, undefined)
      return
    }
    const asked =
      about === 'generation' ? deps.account.generation(key, new URLSearchParams(query).get('id') ?? undefined) : deps.account[about](key)
    asked.then(
      (body) => {
        response.setHeader('cache-control', 'no-store')
        sendJson(response, 200, JSON.stringify(body))
      },
      (error: unknown) => {
        if (error instanceof Failure) refuse(request, response, path, wireOf(request, path), error, key)
        else failed(response, error)
      },
    )
  }

  function converse(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: string,
    { type, wire, path: said }: Conversation,
  ): void {
    const atMs = Date.now()
    const key = deps.authenticate(request.headers, query)
    if (key instanceof Failure) {
      refuse(request, response, path, wire, key, undefined)
      return
    }
    if (draining) {
      refuse(request, response, path, wire, new Failure('draining', 'This gateway is stopping. Try again in a few seconds.'), key)
      return
    }
    receiveBody(request, deps.buffers, deps.deadlines, {
      received(buffer, bodyStart, bodyEnd, shared) {
        // No spread: one literal is one allocation.
        deps.gateway.handle({
          id: newRequestId(atMs),
          atMs,
          readyMs: performance.now(),
          operation: type,
          wire,
          path: said,
          endpoint: path,
          headers: request.headers,
          key,
          buffer,
          bodyStart,
          bodyEnd,
          shared,
          client: isArrayStream(said, query) ? new ArrayAnswer(response) : new Answer(response),
        })
      },
      failed: (failure) => refuse(request, response, path, wire, failure, key),
    })
  }

  /** Answers at the door, and closes the connection when a body may still be on its way. */
  function refuse(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    wire: ClientWire,
    failure: Failure,
    key: GatewayKey | undefined,
  ): void {
    const atMs = Date.now()
    const id = newRequestId(atMs)
    if (!request.complete || draining) response.setHeader('connection', 'close')
    if (failure.kind === 'method_not_allowed') response.setHeader('allow', allowedMethods(path))
    sendFailure(response, wire, failure, id)
    deps.gateway.refused(
      { id, atMs, endpoint: path, wire, headers: request.headers, keyId: key?.id ?? '', keyName: key?.name ?? '' },
      failure,
    )
  }

  return {
    listen: (host, port) => listen(server, host, port),
    drain() {
      draining = true
      server.closeIdleConnections()
    },
    close() {
      return new Promise((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
        // Whoever still holds a connection after the drain gets it closed.
        setImmediate(() => server.closeAllConnections())
      })
    },
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, 4096, () => {
      server.off('error', reject)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

/** Error bodies follow the wire that the client seems to speak. */
function wireOf(request: IncomingMessage, path: string): ClientWire {
  if (path.startsWith('/v1beta/') || request.headers['x-goog-api-key'] !== undefined) return 'gemini'
  return path.includes('/messages') || request.headers['anthropic-version'] !== undefined ? 'anthropic-messages' : 'openai-chat'
}

function sendJson(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

function sendFailure(response: ServerResponse, wire: ClientWire, failure: Failure, id: string): void {
  const { encodeError, requestIdHeader } = codecOf(wire).ingress
  const body: JsonObject = encodeError(failure, id)
  response.setHeader('x-turnpike-request-id', id)
  response.setHeader(requestIdHeader, id)
  if (failure.status === 503 || failure.status === 429)
    response.setHeader('retry-after', String(Math.max(1, Math.ceil((failure.details.retryAfterMs ?? 5000) / 1000))))
  sendJson(response, failure.status, JSON.stringify(body))
}

/** Bytes that are not HTTP, headers that are too large or too slow: there is no request to answer, only a socket. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const failure = unreadable(error.code)
  const body = JSON.stringify(codecOf('openai-chat').ingress.encodeError(failure, newRequestId(Date.now())))
  socket.end(
    `HTTP/1.1 ${failure.status} ${STATUS_CODES[failure.status]}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

function unreadable(code: string | undefined): Failure {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new Failure('headers_too_large', `The request's headers are larger than ${maxHeaderBytes >> 10} KB. Send fewer or smaller ones.`)
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Failure('upload_timeout', 'The request did not arrive in time. Send it again.')
  return new Failure(
    'invalid_request',
    'The bytes that arrived are not an HTTP/1.1 request. Check that the client speaks plain HTTP to this port.',
  )
}
