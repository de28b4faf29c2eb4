// Asks the admin API: of the running instance over HTTP, or of the same API in this process while none runs.
import { randomUUID } from 'node:crypto'
import type { RequestDetail, RequestRow } from '#store'
import { CliFailure, misused, systemCode } from './failure.ts'

export type Query = Readonly<Record<string, string | undefined>>

export type List<T> = { readonly data: T[]; readonly next_cursor: string | null }
export type RequestList = List<RequestRow>

/** What carries a request to the API. */
export type AdminTransport = {
  /** For sentences: `the instance at http://127.0.0.1:8640`. */
  readonly where: string
  /** `path` begins with `/api/v1/`. Rejects when nobody answers. */
  send(path: string, init: RequestInit): Promise<Response>
  close(): Promise<void>
}

/** Paths are below `/api/v1/`, their parts percent-encoded: `keys/key_1`. A refusal is a `CliFailure` with the API's sentence. */
export interface AdminClient {
  readonly where: string
  get<T>(path: string, query?: Query): Promise<T>
  /** undefined: there is none. */
  find<T>(path: string, query?: Query): Promise<T | undefined>
  /** Safe to be repeated: carries an Idempotency-Key, and is sent once more when the connection breaks. undefined: done, nothing to tell (204). */
  send<T>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<T>
  /** The answer as it is, for streams and files. Status 200 to 299, or it rejects. */
  open(path: string, query?: Query, init?: RequestInit): Promise<Response>
  listRequests(query: Query): Promise<RequestList>
  /** undefined: there is no such request. */
  getRequest(id: string): Promise<RequestDetail | undefined>
  /** The stored bytes, or the sentence why they are not there. */
  getPayload(id: string, part: 'request' | 'response'): Promise<Uint8Array | string>
  close(): Promise<void>
}

/** Nobody answered: not running, or (while tailing) being restarted. */
export class NotRunning extends CliFailure {}

/** The API says that there is no such thing. */
export class NotThere extends CliFailure {}

/** How often a write whose connection broke is sent in all. */
const tries = 3

export function createAdminClient(transport: AdminTransport): AdminClient {
  const { where } = transport

  async function ask(path: string, query: Query = {}, init: RequestInit = {}): Promise<Response> {
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value)
    const answer = await transport.send(`/api/v1/${path}${search.size === 0 ? '' : `?${search.toString()}`}`, init)
    if (answer.ok || answer.status === 404) return answer
    const { message, field } = await errorOf(answer)
    if (answer.status === 400) throw misused(withField(message, field) ?? `${capital(where)} refused the request.`)
    if (answer.status === 401 && message !== undefined)
      throw new CliFailure(`${capital(where)} does not accept the admin token of this home. ${message}`)
    if (answer.status === 503) throw new NotRunning(message ?? `${capital(where)} is stopping.`)
    throw new CliFailure(withField(message, field) ?? `Something else than a turnpike is ${where} (status ${answer.status}).`)
  }

  async function json<T>(answer: Response): Promise<T> {
    return (await answer.json().catch((error: unknown) => {
      if (error instanceof SyntaxError) throw new CliFailure(`Something else than a turnpike is ${where} (its answer is not JSON).`)
      const failure = new NotRunning(
        `The connection to ${where} broke off within an answer (${systemCode(error) ?? 'unfinished'}); try again.`,
      )
      failure.cause = error
      throw failure
    })) as T
  }

  async function existing(path: string, query?: Query, init?: RequestInit): Promise<Response> {
    const answer = await ask(path, query, init)
    if (answer.status !== 404) return answer
    const { code, message } = await errorOf(answer)
    if (message === undefined || code === undefined)
      throw new CliFailure(`What answers is ${where} and has no admin API; is it another program, or an older turnpike?`)
    throw new NotThere(message)
  }

  async function write<T>(method: string, path: string, body: object | undefined): Promise<T> {
    const init: RequestInit = {
      method,
      headers: { 'idempotency-key': randomUUID(), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }
    for (let tried = 1; ; tried++) {
      try {
        const answer = await existing(path, {}, init)
        return answer.status === 204 ? (undefined as T) : await json<T>(answer)
      } catch (error) {
        if (tried === tries || !brokeOff(error)) throw error
      }
    }
  }

  return {
    where,
    get: async (path, query) => json(await existing(path, query)),
    async find(path, query) {
      try {
        return await json(await existing(path, query))
      } catch (error) {
        if (error instanceof NotThere) return undefined
        throw error
      }
    },
    send: write,
    open: existing,
    async listRequests(query) {
      return json<RequestList>(await existing('requests', query))
    },
    async getRequest(id) {
      const answer = await ask(`requests/${encodeURIComponent(id)}`)
      if (answer.status === 404) {
        await answer.body?.cancel()
        return undefined
      }
      return json<RequestDetail>(answer)
    },
    async getPayload(id, part) {
      const answer = await ask(`requests/${encodeURIComponent(id)}/payload`, { part })
      if (answer.status === 404) return (await errorOf(answer)).message ?? `The ${part} body of ${id} is not there.`
      return new Uint8Array(await answer.arrayBuffer())
    },
    close: () => transport.close(),
  }
}

/** Every item of a list, however many pages it has. */
export async function allPages<T>(client: AdminClient, path: string, query: Query = {}): Promise<T[]> {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const page = await client.get<List<T>>(path, { ...query, limit: '1000', cursor })
    items.push(...page.data)
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined)
  return items
}

/** Over HTTP. `howToStart` is named when nobody answers. */
export function httpTransport(url: string, adminToken: string, howToStart: string): AdminTransport {
  const base = url.replace(/\/+$/, '')
  return {
    where: `the instance at ${url}`,
    send: (path, init) =>
      fetch(base + path, {
        ...init,
        headers: { ...(init.headers as Record<string, string> | undefined), authorization: `Bearer ${adminToken}` },
        redirect: 'manual',
      }).catch((error: unknown) => {
        const failure = new NotRunning(
          `No turnpike answers at ${url} (${systemCode(error) ?? 'no connection'}). Start it with: ${howToStart}`,
        )
        failure.cause = error
        throw failure
      }),
    async close() {},
  }
}

/** A connection that had been made ended without an answer; one that was refused is not tried again. */
function brokeOff(error: unknown): boolean {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 8; cause = cause.cause, depth++) {
    if (['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'UND_ERR_SOCKET'].includes((cause as NodeJS.ErrnoException).code ?? '')) return true
  }
  return false
}

type ErrorBody = { readonly code?: string; readonly message?: string; readonly field?: string }

async function errorOf(answer: Response): Promise<ErrorBody> {
  const body = (await answer.json().catch(() => undefined)) as { error?: Record<keyof ErrorBody, unknown> } | null | undefined
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  const [code, message, field] = [text(body?.error?.code), text(body?.error?.message), text(body?.error?.field)]
  return {
    ...(code === undefined ? {} : { code }),
    ...(message === undefined ? {} : { message }),
    ...(field === undefined ? {} : { field }),
  }
}

/** The field is said once, whether or not the sentence names it. */
function withField(message: string | undefined, field: string | undefined): string | undefined {
  return message === undefined || field === undefined || message.includes(field) ? message : `${field}: ${message}`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
