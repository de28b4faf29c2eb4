// How a write is done: by whom, once for each Idempotency-Key, and with the status that says what became of it.
import { createHash } from 'node:crypto'
import { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Actor, Control } from '#control'
import { AdminFailure, wrongParameter } from './failure.ts'
import { checkParameters } from './parameters.ts'

/** What a write answers; `body` null: nothing (204). */
export type Written<Body extends object | null> = { readonly status: 200 | 201 | 204; readonly body: Body }

/** Resolves with what is to be answered, its status and headers set. */
export type Write = <Body extends object | null>(
  request: FastifyRequest,
  reply: FastifyReply,
  act: (body: unknown, actor: Actor) => Promise<Written<Body>>,
) => Promise<Body>

/** `needs` a body: without one it is refused; `may` have one: without, it is `{}`; `none`: one is refused. */
export type BodyRule = 'needs' | 'may' | 'none'

/** A runner of writes that answers a repeated Idempotency-Key as it did at first, and marks that answer `idempotent-replayed`. */
export function createWrite(control: Control, rule: BodyRule): Write {
  return async (request, reply, act) => {
    const body = bodyOf(request, rule)
    const key = idempotencyKeyOf(request)
    const run = () => act(body, actorOf(request))
    const { value, replayed } = key === undefined ? { value: await run(), replayed: false } : await control.once(key, nameOf(request), run)
    if (replayed) void reply.header('idempotent-replayed', 'true')
    void reply.status(value.status)
    return value.body
  }
}

/** No parameters in the address: what a write needs is in its path and its body. */
export async function noParameters(request: FastifyRequest): Promise<void> {
  checkParameters(request.query, [], false)
}

/** Came in by `inject`, from this process, and not through a socket. */
export function isInProcess(request: FastifyRequest): boolean {
  return !(request.raw instanceof IncomingMessage)
}

function actorOf(request: FastifyRequest): Actor {
  return { kind: isInProcess(request) ? 'cli' : 'admin' }
}

function bodyOf({ method, body }: FastifyRequest, rule: BodyRule): unknown {
  const given = body !== undefined && body !== null
  if (given && rule === 'none') throw new AdminFailure(400, 'invalid_request', `This ${method} takes no body.`)
  if (!given && rule === 'needs')
    throw new AdminFailure(400, 'invalid_request', 'The body is empty. Send a JSON object, with `content-type: application/json`.')
  return given ? body : {}
}

function idempotencyKeyOf({ headers, raw }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key']
  if (key === undefined) return undefined
  const times = raw.rawHeaders?.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'idempotency-key').length ?? 1
  if (times > 1 || typeof key !== 'string') throw wrongParameter('Idempotency-Key', 'The header Idempotency-Key is given more than once.')
  if (!/^[\x20-\x7e]{1,255}$/.test(key))
    throw wrongParameter('Idempotency-Key', 'The header Idempotency-Key must have 1 to 255 printable ASCII characters.')
  return key
}

/** What makes two requests the same one. Hashed, since bodies hold secrets. */
function nameOf({ method, url, body }: FastifyRequest): string {
  const content = createHash('sha256')
    .update(JSON.stringify(body ?? null))
    .digest('base64url')
  return `${method} ${url} ${content}`
}
