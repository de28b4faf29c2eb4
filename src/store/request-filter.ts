// Filters -> the `seq` of the rows that match, newest first, without reading much of what doesn't.
import type { DatabaseSync } from 'node:sqlite'
import type { RequestFilters } from './query-types.ts'
import { facetConditions, requestConditions, rowConditions, seqRange, type Condition, type SeqRange } from './request-condition.ts'
import { allRows, directPath, matchingFacets, merge, minutesPath, select } from './request-path.ts'
import { searchSources } from './request-search.ts'

/** So many of the newest rows are looked through first: most questions are answered there. */
const probeRows = 3000
/** With more facets than this, looking for the newest row of each costs more than reading rows in the order of time. */
const mergedFacets = 20_000

/** At most `limit` of them, all below `beforeSeq`. */
export function planRequestQuery(db: DatabaseSync, filters: RequestFilters, limit: number, beforeSeq: number | undefined): number[] {
  const asked = seqRange(filters)
  const range = { from: asked.from, to: Math.min(beforeSeq ?? asked.to, asked.to) }
  const conditions = requestConditions(filters)
  const direct = directPath(db, filters)
  if (direct !== undefined || conditions.length === 0) return select(db, direct ?? allRows, range, conditions, limit)

  const probed = probe(db, range, conditions, limit)
  if (probed.below === undefined || probed.seqs.length === limit) return probed.seqs
  const rest = { from: range.from, to: probed.below }
  return [...probed.seqs, ...olderRows(db, filters, rest, limit - probed.seqs.length)]
}

/** `below` undefined: everything in the range has been looked at. */
function probe(
  db: DatabaseSync,
  range: SeqRange,
  conditions: readonly Condition[],
  limit: number,
): { readonly seqs: number[]; readonly below: number | undefined } {
  const last = db
    .prepare('SELECT seq FROM requests WHERE seq >= ? AND seq < ? ORDER BY seq DESC LIMIT 1 OFFSET ?')
    .get(range.from, range.to, probeRows)
  const below = last === undefined ? undefined : Number(last['seq'])
  const seqs = select(db, allRows, { from: below ?? range.from, to: range.to }, conditions, limit)
  return { seqs, below }
}

function olderRows(db: DatabaseSync, filters: RequestFilters, range: SeqRange, limit: number): number[] {
  const facets = facetConditions(filters)
  const ids = facets.length === 0 ? undefined : matchingFacets(db, facets)
  if (ids?.length === 0) return []
  if (filters.q !== undefined) {
    const sources = searchSources(db, filters.q, mergedFacets)
    if (sources !== undefined) {
      // Each source's rows contain the text: what is left to ask is the rest.
      const { q: _q, ...others } = filters
      const conditions = requestConditions(others)
      const found = new Set(sources.paths.flatMap((path) => select(db, path, range, conditions, limit)))
      for (const source of sources.merged) for (const seq of merge(db, source, range, conditions, limit)) found.add(seq)
      return [...found].sort((a, b) => b - a).slice(0, limit)
    }
  } else {
    const path = minutesPath(filters, range)
    if (path !== undefined && (ids === undefined || !hasFewRows(db, ids))) return select(db, path, range, requestConditions(filters), limit)
  }
  if (ids !== undefined && ids.length <= mergedFacets)
    return merge(db, { index: 'facet', values: ids }, range, rowConditions(filters), limit)
  return select(db, allRows, range, requestConditions(filters), limit)
}

function hasFewRows(db: DatabaseSync, facets: readonly number[]): boolean {
  const rows = db
    .prepare(
      'SELECT count(*) AS n FROM (SELECT 1 FROM json_each(?) CROSS JOIN requests INDEXED BY requests_facet ON facet = value LIMIT 5000)',
    )
    .get(JSON.stringify(facets))
  return Number(rows?.['n']) < 5000
}
