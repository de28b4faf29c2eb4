// Asks the running instance through its admin API.
import type { RequestDetail, RequestRow } from '#store'
import { CliFailure, misused, systemCode } from './failure.ts'

export type Query = Readonly<Record<string, string | undefined>>

export type RequestList = { readonly data: RequestRow[]; readonly next_cursor: string | null }

export interface AdminClient {
  listRequests(query: Query): Promise<RequestList>
  /** undefined: there is no such request. */
  getRequest(id: string): Promise<RequestDetail | undefined>
  /** The stored bytes, or the sentence why they are not there. */
  getPayload(id: string, part: 'request' | 'response'): Promise<Uint8Array | string>
}

/** Nobody answered: not running, or (while tailing) being restarted. */
export class NotRunning extends CliFailure {}

export function createAdminClient(url: string, adminToken: string, howToStart: string): AdminClient {
  const base = url.endsWith('/') ? url : `${url}/`

  async function ask(path: string, query: Query = {}): Promise<Response> {
    const address = new URL(`api/v1/${path}`, base)
    for (const [name, value] of Object.entries(query)) if (value !== undefined) address.searchParams.set(name, value)
    const answer = await fetch(address, { headers: { authorization: `Bearer ${adminToken}` }, redirect: 'manual' }).catch(
      (error: unknown) => {
        throw new NotRunning(`No turnpike answers at ${url} (${systemCode(error) ?? 'no connection'}). Start it with: ${howToStart}`)
      },
    )
    if (answer.ok || answer.status === 404) return answer
    const said = await messageOf(answer)
    if (answer.status === 400) throw misused(said ?? `The instance at ${url} refused the request.`)
    if (answer.status === 401 && said !== undefined)
      throw new CliFailure(`The instance at ${url} does not accept the admin token of this home. ${said}`)
    if (answer.status === 503) throw new NotRunning(said ?? `The instance at ${url} is stopping.`)
    throw new CliFailure(said ?? `Something else than a turnpike answers at ${url} (status ${answer.status}).`)
  }

  async function json<T>(answer: Response): Promise<T> {
    return (await answer.json().catch(() => {
      throw new CliFailure(`Something else than a turnpike answers at ${url} (its answer is not JSON).`)
    })) as T
  }

  return {
    async listRequests(query) {
      const answer = await ask('requests', query)
      if (answer.status === 404)
        throw new CliFailure(`What answers at ${url} has no admin API; is it another program, or an older turnpike?`)
      return json<RequestList>(answer)
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
      if (answer.status === 404) return (await messageOf(answer)) ?? `The ${part} body of ${id} is not there.`
      return new Uint8Array(await answer.arrayBuffer())
    },
  }
}

async function messageOf(answer: Response): Promise<string | undefined> {
  const body = (await answer.json().catch(() => undefined)) as { error?: { message?: unknown } } | null | undefined
  return typeof body?.error?.message === 'string' ? body.error.message : undefined
}
