// Summaries of requests under a filter: counts over time, and the values that occur.
import type { DatabaseSync } from 'node:sqlite'
import { formatUsd } from '#ir'
import { outcomes } from './minutes.ts'
import type { FacetField, FacetSummary, HistogramBucket, RequestFilters, RequestHistogram } from './query-types.ts'
import { allOf, extremes, facetConditions, requestConditions, rowConditions, seqRange, within, type SeqRange } from './request-condition.ts'
import { allRows, directPath, minutesPath, rowsFrom, type Path } from './request-path.ts'
import { seqPerMinute, seqPerMs } from './schema.ts'

const minuteMs = 60_000

/** Columns of `facets` by the name of the field. */
const facetColumns = {
  key: 'key_id',
  kind: 'kind',
  client: 'client',
  wire: 'wire',
  endpoint: 'endpoint',
  model_asked: 'model_asked',
  model_served: 'model_served',
  provider: 'provider',
  stream: 'stream',
  status: 'status',
  outcome: 'outcome',
  error_code: 'error_code',
  error_class: 'error_class',
  cost_source: 'cost_source',
  cache: 'cache',
  fallback: 'fallback',
  config: 'config',
} as const satisfies Record<FacetField, string>

const flags: ReadonlySet<string> = new Set(['stream', 'fallback'])

/**
 * Counts per interval of `intervalMs`, whole minutes, from `fromMs` to `toMs`, both multiples of it; empty intervals included. From
 * roll-ups, which live longer than rows, where these know everything that is asked.
 */
export function requestHistogram(
  db: DatabaseSync,
  filters: RequestFilters,
  fromMs: number,
  toMs: number,
  intervalMs: number,
): RequestHistogram {
  const asked = { ...filters, fromMs, toMs }
  const buckets = new Map<number, HistogramBucket>()
  for (let atMs = fromMs; atMs < toMs; atMs += intervalMs) buckets.set(atMs / intervalMs, emptyBucket(atMs))
  const costs = new Map<HistogramBucket, bigint>()
  const source = rowConditions(filters).length > 0 ? 'rows' : 'rollups'
  const rows = source === 'rows' ? ofRows(db, asked, intervalMs) : ofRollups(db, asked, intervalMs)
  for (const row of rows) {
    const bucket = buckets.get(Number(row['bucket']))
    if (bucket === undefined) continue
    const count = (column: string): number => Number(row[column] ?? 0)
    bucket.requests += count('requests')
    for (const outcome of outcomes) bucket.outcomes[outcome] += count(outcome)
    for (const name of ['input', 'cached', 'output', 'reasoning'] as const) bucket.tokens[name] += count(name)
    costs.set(bucket, (costs.get(bucket) ?? 0n) + BigInt((row['cost'] as string | null) ?? 0))
  }
  for (const [bucket, cost] of costs) bucket.cost_usd = formatUsd(cost)
  return { from: iso(fromMs), to: iso(toMs), interval_ms: intervalMs, source, data: [...buckets.values()] }
}

type Row = Record<string, unknown>

// Intervals are part of the text: a bound number is one with a fraction, and a division by it has one, too.
function ofRollups(
  db: DatabaseSync,
  filters: RequestFilters & { readonly fromMs: number; readonly toMs: number },
  intervalMs: number,
): Row[] {
  const minutes = [filters.fromMs / minuteMs, filters.toMs / minuteMs]
  const bucket = `minute / ${intervalMs / minuteMs} AS bucket`
  const facets = facetConditions(filters)
  if (facets.length === 0) {
    return db
      .prepare(
        `SELECT ${bucket}, sum(count) AS requests, ${outcomes.map((outcome) => `sum(count_${outcome}) AS ${outcome}`).join(', ')},
          sum(sum_input) AS input, sum(sum_cached) AS cached, sum(sum_output) AS output, sum(sum_reasoning) AS reasoning,
          CAST(sum(sum_cost_nano_usd) AS TEXT) AS cost
         FROM minutes WHERE minute >= ? AND minute < ? GROUP BY 1`,
      )
      .all(...minutes)
  }
  const where = allOf(facets)
  return db
    .prepare(
      `SELECT ${bucket}, sum(requests) AS requests, ${outcomes.map((outcome) => `sum(requests * (outcome = '${outcome}')) AS ${outcome}`).join(', ')},
        sum(input) AS input, sum(cached) AS cached, sum(output) AS output, sum(reasoning) AS reasoning,
        CAST(sum(cost_nano_usd) AS TEXT) AS cost
       FROM rollups CROSS JOIN facets ON facets.id = rollups.facet WHERE minute >= ? AND minute < ? AND ${where.sql} GROUP BY 1`,
    )
    .all(...minutes, ...where.values)
}

function ofRows(db: DatabaseSync, filters: RequestFilters, intervalMs: number): Row[] {
  const { from, where, values } = rowsOf(db, filters)
  return db
    .prepare(
      `SELECT requests.seq / ${intervalMs * seqPerMs} AS bucket, count(*) AS requests, ${outcomes.map((outcome) => `sum(outcome = '${outcome}') AS ${outcome}`).join(', ')},
        sum(requests.input) AS input, sum(requests.cached) AS cached, sum(requests.output) AS output, sum(requests.reasoning) AS reasoning,
        CAST(sum(requests.cost_nano_usd) AS TEXT) AS cost
       FROM ${from} WHERE ${where} GROUP BY 1`,
    )
    .all(...values)
}

/** The values of each field and how many requests have them, most frequent first, at most `limit` a field. */
export function requestFacets(db: DatabaseSync, filters: RequestFilters, fields: readonly FacetField[], limit: number): FacetSummary {
  const counts = facetCounts(db, filters)
  const columns = db.prepare('SELECT * FROM facets WHERE id = ?')
  let total = 0
  const found = new Map(fields.map((field) => [field, new Map<string, { requests: number; label?: string }>()]))
  for (const [id, requests] of counts) {
    const facet = columns.get(id)
    if (facet === undefined) continue
    total += requests
    for (const [field, values] of found) {
      const stored = facet[facetColumns[field]]
      const value = flags.has(field) ? String(stored === 1) : String(stored)
      const known = values.get(value)
      if (known !== undefined) known.requests += requests
      else values.set(value, { requests, ...(field === 'key' ? { label: String(facet['key_name']) } : {}) })
    }
  }
  const summary: FacetSummary = { requests: total, fields: {} }
  for (const [field, values] of found) {
    // An empty text is the absence of a value, and no value to filter by.
    const sorted = [...values].filter(([value]) => value !== '').sort((a, b) => b[1].requests - a[1].requests || (a[0] < b[0] ? -1 : 1))
    summary.fields[field] = {
      values: sorted.slice(0, limit).map(([value, more]) => ({ value, ...more })),
      more: Math.max(0, sorted.length - limit),
    }
  }
  return summary
}

/** Above this share of all rows a walk through the index of facets is shorter than one through the rows. */
const indexShare = 0.25

function facetCounts(db: DatabaseSync, filters: RequestFilters): (readonly [facet: number, requests: number])[] {
  const range = seqRange(filters)
  const rows =
    rowConditions(filters).length === 0 && shareOf(db, range) > indexShare
      ? { from: 'requests INDEXED BY requests_facet', where: within(range).sql, values: within(range).values }
      : rowsOf(db, filters)
  const counted = db
    .prepare(`SELECT requests.facet AS facet, count(*) AS requests FROM ${rows.from} WHERE ${rows.where} GROUP BY 1`)
    .all(...rows.values)
  const pairs = counted.map((row) => [Number(row['facet']), Number(row['requests'])] as const)
  const facets = allOf(facetConditions(filters))
  const wanted = new Set(
    db
      .prepare(`SELECT id FROM facets WHERE ${facets.sql}`)
      .all(...facets.values)
      .map((row) => Number(row['id'])),
  )
  return pairs.filter(([facet]) => wanted.has(facet))
}

function shareOf(db: DatabaseSync, { from, to }: SeqRange): number {
  const row = db
    .prepare('SELECT sum(count) AS count, sum(iif(minute BETWEEN ? AND ?, count, 0)) AS within FROM minutes')
    .get(Math.floor(from / seqPerMinute), Math.floor(to / seqPerMinute))
  return Number(row?.['within'] ?? 0) / Math.max(1, Number(row?.['count'] ?? 0))
}

/** All rows that the filters select, by the shortest way that is sure to find all of them. */
function rowsOf(db: DatabaseSync, filters: RequestFilters): { from: string; where: string; values: readonly (string | number | bigint)[] } {
  const range = seqRange(filters)
  const path: Path = directPath(db, filters) ?? (extremes(filters).length === 0 ? undefined : minutesPath(filters, range)) ?? allRows
  return rowsFrom(path, range, requestConditions(filters))
}

function emptyBucket(atMs: number): HistogramBucket {
  return {
    at: iso(atMs),
    requests: 0,
    outcomes: { ok: 0, client_error: 0, upstream_error: 0, interrupted: 0, cancelled: 0, denied: 0 },
    tokens: { input: 0, cached: 0, output: 0, reasoning: 0 },
    cost_usd: '0',
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
