// Follows a list that is sorted by arrival while rows appear in it at their end: a long stream shows up minutes below the top.
import type { RequestRow } from '#store'
import type { Query, RequestList } from './admin-client.ts'

export type FollowOptions = {
  readonly list: (query: Query) => Promise<RequestList>
  readonly query: Query
  readonly nowMs: () => number
  /** How many of the rows that are there already the first poll gives. */
  readonly backlog: number
}

/** Every poll reads what arrived since the last one, and so much before it. */
const recentMs = 10_000
/** Every third poll also reads what took longer than that allows to miss, as far back as any request may have arrived. */
const sweepEvery = 3
const sweepMinMs = 5_000
const windowMs = 15 * 60_000
const pageRows = 500

/** Each call gives the rows that have appeared since the last one, oldest first; a call that throws loses none. */
export function createFollower({ list, query, nowMs, backlog }: FollowOptions): () => Promise<RequestRow[]> {
  /** Id to time of arrival. */
  const seen = new Map<string, number>()
  const startedMs = nowMs()
  let polledMs = startedMs
  let polls = 0

  async function newRows(filters: Query): Promise<RequestRow[]> {
    const fresh: RequestRow[] = []
    let cursor: string | undefined
    do {
      const page = await list({ ...query, ...filters, limit: String(pageRows), cursor })
      fresh.push(...page.data.filter((row) => !seen.has(row.id) && endOf(row) >= startedMs))
      cursor = page.next_cursor ?? undefined
    } while (cursor !== undefined)
    return fresh
  }

  async function next(atMs: number): Promise<RequestRow[]> {
    const appeared = new Map<string, RequestRow>()
    for (const row of await newRows({ from: iso(polledMs - recentMs) })) appeared.set(row.id, row)
    if (polls % sweepEvery === 0) {
      const minMs = Math.max(sweepMinMs, Number(query['min_ms'] ?? 0))
      for (const row of await newRows({ from: iso(polledMs - windowMs), min_ms: String(minMs) })) appeared.set(row.id, row)
    }
    for (const [id, arrivedMs] of seen) if (arrivedMs < atMs - 2 * windowMs) seen.delete(id)
    return [...appeared.values()].sort((a, b) => endOf(a) - endOf(b))
  }

  return async () => {
    const atMs = nowMs()
    const rows =
      polls === 0 ? (backlog === 0 ? [] : (await list({ ...query, limit: String(backlog) })).data.toReversed()) : await next(atMs)
    for (const row of rows) seen.set(row.id, Date.parse(row.at))
    polledMs = atMs
    polls++
    return rows
  }
}

function endOf(row: RequestRow): number {
  return Date.parse(row.at) + row.ms.total
}

function iso(ms: number): string {
  return new Date(Math.max(0, ms)).toISOString()
}
