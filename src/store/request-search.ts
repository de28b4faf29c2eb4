// Where the rows are that contain a text: which facets, sessions and metadata have it, and which ids and traces begin with it.
import type { DatabaseSync } from 'node:sqlite'
import type { Path, Source } from './request-path.ts'
import { metadataPrefix, sessionName } from './searched-values.ts'
import { facetContaining, likePattern, prefixRange } from './request-condition.ts'

/** What `searchSources` finds. */
export type SearchSources = { readonly merged: readonly Source[]; readonly paths: readonly Path[] }

/** All together find every row that `q` selects. undefined: more than `most` values have it, so that rows in the order of time do. */
export function searchSources(db: DatabaseSync, q: string, most: number): SearchSources | undefined {
  const facet = facetContaining(q)
  const facets = db
    .prepare(`SELECT id FROM facets WHERE ${facet.sql}`)
    .all(...facet.values)
    .map((row) => Number(row['id']))
  const sessions: string[] = []
  const pairs: [string, string][] = []
  for (const row of db.prepare(String.raw`SELECT name, value FROM searched_values WHERE value LIKE ? ESCAPE '\'`).all(likePattern(q))) {
    const name = String(row['name'])
    const value = String(row['value'])
    if (name === sessionName) sessions.push(value)
    else pairs.push([name.slice(metadataPrefix.length), value])
  }
  if (facets.length > most || sessions.length > most || pairs.length > most) return undefined
  const id = prefixRange(q.toLowerCase())
  const trace = prefixRange(q)
  return {
    merged: [
      { index: 'facet', values: facets },
      { index: 'session', values: sessions },
      { index: 'pair', values: pairs },
    ],
    paths: [
      {
        from: 'requests INDEXED BY sqlite_autoindex_requests_1',
        conditions: [{ sql: 'requests.id >= ? AND requests.id < ?', values: [id.from, id.to] }],
      },
      {
        from: 'requests INDEXED BY requests_trace',
        conditions: [{ sql: "trace >= ? AND trace < ? AND trace <> ''", values: [trace.from, trace.to] }],
      },
    ],
  }
}
