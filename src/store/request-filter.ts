// Filters -> the `seq` of the rows that match, newest first, without reading what doesn't.
import type { DatabaseSync } from 'node:sqlite'
import type { RequestFilters } from './query-types.ts'
import { seqPerMs } from './schema.ts'

type Condition = { readonly sql: string; readonly values: readonly (string | number | bigint)[] }

/** With more matching facets than this, rows are scanned in order of time instead of merged from one index range per facet. */
const mergedFacets = 2000

const facetTexts = 'key_id key_name client endpoint model_asked model_served provider error_code error_class'.split(' ')

/** At most `limit` of them, all below `beforeSeq`. */
export function planRequestQuery(db: DatabaseSync, filters: RequestFilters, limit: number, beforeSeq: number | undefined): number[] {
  const to = filters.toMs === undefined ? Number.MAX_SAFE_INTEGER : seqAt(filters.toMs)
  const range: Condition = {
    sql: 'seq >= ? AND seq < ?',
    values: [filters.fromMs === undefined ? 0 : seqAt(filters.fromMs), Math.min(beforeSeq ?? to, to)],
  }
  const rows: Condition[] = [range, ...rowConditions(db, filters)]
  const facets = facetConditions(filters)
  if (facets.length === 0) return select(db, 'requests', rows, limit)

  const ids = matchingFacets(db, facets)
  if (ids.length === 0) return []
  if (filters.session !== undefined || filters.trace !== undefined || ids.length > mergedFacets) {
    // The plus sign keeps SQLite from choosing the facet index: the other column is the rarer one, or the order of time is.
    const condition = { sql: '+facet IN (SELECT value FROM json_each(?))', values: [JSON.stringify(ids)] }
    return select(db, 'requests', [...rows, condition], limit)
  }
  const merged: number[] = []
  for (const id of ids)
    merged.push(...select(db, 'requests INDEXED BY requests_facet', [{ sql: 'facet = ?', values: [id] }, ...rows], limit))
  return merged.sort((a, b) => b - a).slice(0, limit)
}

function select(db: DatabaseSync, from: string, conditions: readonly Condition[], limit: number): number[] {
  const sql = `SELECT seq FROM ${from} WHERE ${conditions.map((condition) => condition.sql).join(' AND ')} ORDER BY seq DESC LIMIT ?`
  return db
    .prepare(sql)
    .all(...conditions.flatMap((condition) => condition.values), limit)
    .map((row) => Number(row['seq']))
}

function matchingFacets(db: DatabaseSync, conditions: readonly Condition[]): number[] {
  return db
    .prepare(`SELECT id FROM facets WHERE ${conditions.map((condition) => condition.sql).join(' AND ')}`)
    .all(...conditions.flatMap((condition) => condition.values))
    .map((row) => Number(row['id']))
}

function rowConditions(db: DatabaseSync, filters: RequestFilters): Condition[] {
  const found: Condition[] = []
  const add = (sql: string, ...values: (string | number | bigint)[]): void => void found.push({ sql, values })
  // The extra comparison lets SQLite use the partial index.
  if (filters.session !== undefined) add("session = ? AND session <> ''", filters.session)
  if (filters.trace !== undefined) add("trace = ? AND trace <> ''", filters.trace)
  if (filters.minCostNanoUsd !== undefined) add('cost_nano_usd >= ?', clampInteger(filters.minCostNanoUsd))
  if (filters.minMs !== undefined) add('total_us >= ?', filters.minMs * 1000)
  for (const [key, value] of filters.metadata ?? [])
    add('seq IN (SELECT seq FROM request_metadata WHERE key = ? AND value = ?)', key, value)
  if (filters.q !== undefined) {
    const like = `%${filters.q.replace(/[\\%_]/g, '\\$&')}%`
    const ids = matchingFacets(db, [
      { sql: `(${facetTexts.map((column) => `${column} LIKE ? ESCAPE '\\'`).join(' OR ')})`, values: facetTexts.map(() => like) },
    ])
    add(
      String.raw`(+facet IN (SELECT value FROM json_each(?)) OR requests.id LIKE ? ESCAPE '\' OR session LIKE ? ESCAPE '\' OR trace LIKE ? ESCAPE '\' OR metadata LIKE ? ESCAPE '\')`,
      JSON.stringify(ids),
      like,
      like,
      like,
      like,
    )
  }
  return found
}

function facetConditions(filters: RequestFilters): Condition[] {
  const found: Condition[] = []
  const equal = (column: string, value: string | number | boolean | undefined): void => {
    if (value !== undefined) found.push({ sql: `${column} = ?`, values: [typeof value === 'boolean' ? Number(value) : value] })
  }
  const either = (columns: readonly [string, string], value: string | undefined): void => {
    if (value !== undefined) found.push({ sql: `(${columns[0]} = ? OR ${columns[1]} = ?)`, values: [value, value] })
  }
  either(['key_id', 'key_name'], filters.key)
  either(['model_asked', 'model_served'], filters.model)
  either(['error_code', 'error_class'], filters.error)
  equal('kind', filters.kind)
  equal('client', filters.client)
  equal('wire', filters.wire)
  equal('endpoint', filters.endpoint)
  equal('model_asked', filters.modelAsked)
  equal('model_served', filters.modelServed)
  equal('provider', filters.provider)
  equal('stream', filters.stream)
  equal('status', filters.status)
  equal('outcome', filters.outcome)
  equal('error_code', filters.errorCode)
  equal('error_class', filters.errorClass)
  equal('cache', filters.cache)
  equal('fallback', filters.fallback)
  equal('cost_source', filters.costSource)
  return found
}

function seqAt(ms: number): number {
  return Math.max(0, Math.min(Math.floor(ms * seqPerMs), Number.MAX_SAFE_INTEGER))
}

function clampInteger(value: bigint): bigint {
  const largest = 2n ** 63n - 1n
  return value > largest ? largest : value
}
