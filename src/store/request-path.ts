// The ways to rows: an index that leads to them, the minutes that have such ones, the newest of many ranges of one index.
import type { DatabaseSync } from 'node:sqlite'
import type { RequestFilters } from './query-types.ts'
import { allOf, extremes, within, type Condition, type SeqRange } from './request-condition.ts'
import { seqPerMinute } from './schema.ts'

/** `from` ends with `requests`; `order` is that of time, told by the first table; `isWithin`: it keeps the range itself. */
export type Path = { readonly from: string; readonly conditions: readonly Condition[]; readonly order?: string; readonly isWithin?: true }

export const allRows: Path = { from: 'requests', conditions: [] }

/** An index that leads to little more than what is asked for. */
export function directPath(db: DatabaseSync, filters: RequestFilters): Path | undefined {
  if (filters.id !== undefined) return allRows
  if (filters.trace !== undefined) return { from: 'requests INDEXED BY requests_trace', conditions: [] }
  if (filters.session !== undefined) return { from: 'requests INDEXED BY requests_session', conditions: [] }
  const pair = rarestPair(db, filters)
  if (pair === undefined) return undefined
  return {
    from: 'request_metadata AS pair CROSS JOIN requests ON requests.seq = pair.seq',
    conditions: [{ sql: 'pair.key = ? AND pair.value = ?', values: pair }],
    order: 'pair.seq DESC',
  }
}

function rarestPair(db: DatabaseSync, { metadata }: RequestFilters): readonly [string, string] | undefined {
  const pairs = [...(metadata ?? [])]
  if (pairs.length < 2) return pairs[0]
  const count = db.prepare('SELECT count(*) AS n FROM (SELECT 1 FROM request_metadata WHERE key = ? AND value = ? LIMIT 2000)')
  const counted = pairs.map((pair) => ({ pair, rows: Number(count.get(...pair)?.['n']) }))
  return counted.sort((a, b) => a.rows - b.rows)[0]!.pair
}

/** The rows of the minutes that have such a one at all; undefined when nothing is asked that a minute knows. */
export function minutesPath(filters: RequestFilters, range: SeqRange): Path | undefined {
  const known = extremes(filters)
  if (known.length === 0) return undefined
  const values = [range.from, range.to].map((seq) => Math.floor(seq / seqPerMinute))
  return {
    // One bound on each side: of several SQLite uses the first, which would be that of the whole range.
    from: `minutes CROSS JOIN requests ON requests.seq >= max(minute * ${seqPerMinute}, ${range.from}) AND requests.seq < min((minute + 1) * ${seqPerMinute}, ${range.to})`,
    isWithin: true,
    conditions: [{ sql: 'minute >= ? AND minute <= ?', values }, ...known.map(({ minute, values: own }) => ({ sql: minute, values: own }))],
    order: 'minute DESC, requests.seq DESC',
  }
}

/** Values of an index whose rows all match; those of `pair` are JSON arrays of a key and a value of metadata. */
export type Source = { readonly index: keyof typeof merged; readonly values: readonly (string | number | readonly [string, string])[] }

const merged = {
  facet: { from: 'requests INDEXED BY requests_facet', where: 'requests.facet = wanted.value', seq: 'requests.seq' },
  session: { from: 'requests INDEXED BY requests_session', where: "session = wanted.value AND session <> ''", seq: 'requests.seq' },
  pair: {
    from: 'request_metadata AS pair CROSS JOIN requests ON requests.seq = pair.seq',
    where: 'pair.key = wanted.value ->> 0 AND pair.value = wanted.value ->> 1',
    seq: 'pair.seq',
  },
} as const

/**
 * The newest rows of many ranges of one index. Where `limit` values have a newer row than a value's newest one, that value has nothing
 * to give: one look at each finds those that have.
 */
export function merge(
  db: DatabaseSync,
  { index, values }: Source,
  range: SeqRange,
  conditions: readonly Condition[],
  limit: number,
): number[] {
  if (values.length === 0) return []
  const { from, where, seq } = merged[index]
  const joined = conditions.length === 0 ? from : withFacets(from)
  const rest = allOf(conditions)
  const rows = (wanted: string, most: string): string =>
    `SELECT ${seq} FROM ${wanted}${joined} WHERE ${where} AND ${seq} >= ? AND ${seq} < ? AND ${rest.sql} ORDER BY ${seq} DESC LIMIT ${most}`
  const newest = db
    .prepare(
      `WITH newest AS MATERIALIZED (SELECT value, (${rows('', '1')}) AS seq FROM json_each(?) AS wanted)
       SELECT value, seq FROM newest WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT ?`,
    )
    .all(range.from, range.to, ...rest.values, JSON.stringify(values), limit)
  const oldest = newest.length < limit ? range.from : Number(newest.at(-1)?.['seq'])
  const more = db.prepare(rows('(SELECT ? AS value) AS wanted CROSS JOIN ', '?'))
  return newest
    .flatMap(({ value }) => more.all(value as string | number, oldest, range.to, ...rest.values, limit).map((row) => Number(row['seq'])))
    .sort((a, b) => b - a)
    .slice(0, limit)
}

export function select(db: DatabaseSync, path: Path, range: SeqRange, conditions: readonly Condition[], limit: number): number[] {
  const rows = rowsFrom(path, range, conditions)
  return db
    .prepare(`SELECT requests.seq FROM ${rows.from} WHERE ${rows.where} ORDER BY ${path.order ?? 'requests.seq DESC'} LIMIT ?`)
    .all(...rows.values, limit)
    .map((row) => Number(row['seq']))
}

/** `facets` is among the tables when there is any condition. */
export function rowsFrom(
  path: Path,
  range: SeqRange,
  conditions: readonly Condition[],
): { readonly from: string; readonly where: string; readonly values: Condition['values'] } {
  const where = allOf([...path.conditions, ...(path.isWithin === true ? [] : [within(range)]), ...conditions])
  return { from: conditions.length === 0 ? path.from : withFacets(path.from), where: where.sql, values: where.values }
}

function withFacets(from: string): string {
  return `${from} CROSS JOIN facets ON facets.id = requests.facet`
}

export function matchingFacets(db: DatabaseSync, conditions: readonly Condition[]): number[] {
  const where = allOf(conditions)
  return db
    .prepare(`SELECT id FROM facets WHERE ${where.sql}`)
    .all(...where.values)
    .map((row) => Number(row['id']))
}
