// The one definition of which requests a filter selects: a condition in SQL on a row of `requests` joined with its row of `facets`.
import type { RequestFilters } from './query-types.ts'
import { seqPerMs } from './schema.ts'

export type Condition = { readonly sql: string; readonly values: readonly (string | number | bigint)[] }

const facetTexts = 'key_id key_name client endpoint model_asked model_served provider error_code error_class'.split(' ')

/** `seq` of the rows in question: from included, to excluded. */
export type SeqRange = { readonly from: number; readonly to: number }

export function seqRange(filters: RequestFilters): SeqRange {
  return {
    from: filters.fromMs === undefined ? 0 : seqAt(filters.fromMs),
    to: filters.toMs === undefined ? Number.MAX_SAFE_INTEGER : seqAt(filters.toMs),
  }
}

export function within({ from, to }: SeqRange): Condition {
  return { sql: 'requests.seq >= ? AND requests.seq < ?', values: [from, to] }
}

/** All that is asked but the time. */
export function requestConditions(filters: RequestFilters): Condition[] {
  return [...rowConditions(filters), ...facetConditions(filters)]
}

export function allOf(conditions: readonly Condition[]): Condition {
  if (conditions.length === 0) return { sql: 'TRUE', values: [] }
  return {
    sql: conditions.map((condition) => `(${condition.sql})`).join(' AND '),
    values: conditions.flatMap((condition) => condition.values),
  }
}

/** What is asked of columns that only `requests` has, and `q`, which asks both. */
export function rowConditions(filters: RequestFilters): Condition[] {
  const found: Condition[] = []
  const add = (sql: string, ...values: (string | number | bigint)[]): void => void found.push({ sql, values })
  if (filters.id !== undefined) add('requests.id = ?', filters.id)
  // The extra comparison lets SQLite use the partial index.
  if (filters.session !== undefined) add("session = ? AND session <> ''", filters.session)
  if (filters.trace !== undefined) add("trace = ? AND trace <> ''", filters.trace)
  for (const [key, value] of filters.metadata ?? [])
    add('EXISTS (SELECT 1 FROM request_metadata WHERE key = ? AND value = ? AND seq = requests.seq)', key, value)
  for (const { row, values } of extremes(filters)) add(row, ...values)
  if (filters.q !== undefined) found.push(containing(filters.q))
  return found
}

/**
 * Conditions that few rows meet and no index knows: `minute` is the condition on a row of `minutes` that each minute with such a row
 * meets. Both take `values`.
 */
export function extremes(
  filters: RequestFilters,
): readonly { readonly row: string; readonly minute: string; readonly values: readonly (number | bigint)[] }[] {
  const { minCostNanoUsd, minMs, minTokens, attempts } = filters
  return [
    ...(minCostNanoUsd === undefined
      ? []
      : [{ row: 'requests.cost_nano_usd >= ?', minute: 'max_cost_nano_usd >= ?', values: [clampInteger(minCostNanoUsd)] }]),
    ...(minMs === undefined ? [] : [{ row: 'requests.total_us >= ?', minute: 'max_total_us >= ?', values: [minMs * 1000] }]),
    ...(minTokens === undefined
      ? []
      : [{ row: 'coalesce(requests.input, 0) + coalesce(requests.output, 0) >= ?', minute: 'max_tokens >= ?', values: [minTokens] }]),
    // The plus sign keeps SQLite from indexing the whole table for this one question.
    ...(attempts === undefined
      ? []
      : [{ row: '+requests.attempts = ?', minute: '? BETWEEN min_attempts AND max_attempts', values: [attempts] }]),
  ]
}

/** What is asked of columns that `facets` has: selects rows of that table alone, too. */
export function facetConditions(filters: RequestFilters): Condition[] {
  const found: Condition[] = []
  const equal = (column: string, value: string | number | boolean | undefined): void => {
    if (value !== undefined) found.push({ sql: `${column} = ?`, values: [typeof value === 'boolean' ? Number(value) : value] })
  }
  const either = (columns: readonly [string, string], value: string | undefined): void => {
    if (value !== undefined) found.push({ sql: `${columns[0]} = ? OR ${columns[1]} = ?`, values: [value, value] })
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
  equal('config', filters.config)
  equal('fallback', filters.fallback)
  equal('cost_source', filters.costSource)
  if (filters.statusClass !== undefined) {
    const first = filters.statusClass * 100
    found.push({ sql: 'status BETWEEN ? AND ?', values: [first, first + 99] })
  }
  return found
}

/** The part of `q` that `facets` alone can tell. `identity` has all its texts: most rows are asked once and not nine times. */
export function facetContaining(q: string): Condition {
  const texts = facetTexts.map((column) => String.raw`${column} LIKE ?1 ESCAPE '\'`)
  return { sql: String.raw`identity LIKE ?1 ESCAPE '\' AND (${texts.join(' OR ')})`, values: [likePattern(q)] }
}

/** Texts that begin with `text` are from `from` to below `to`, as SQLite compares. */
export function prefixRange(text: string): { readonly from: string; readonly to: string } {
  return { from: text, to: `${text}\u{10ffff}` }
}

export function likePattern(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`
}

/** Ids and traces are looked up by their beginning, since each has its own; all else by any part. */
function containing(q: string): Condition {
  const pattern = likePattern(q)
  const id = prefixRange(q.toLowerCase())
  const trace = prefixRange(q)
  return {
    sql: String.raw`${facetTexts.map((column) => String.raw`${column} LIKE ? ESCAPE '\'`).join(' OR ')}
      OR session LIKE ? ESCAPE '\' OR (requests.id >= ? AND requests.id < ?) OR (trace >= ? AND trace < ?)
      OR (metadata <> '' AND json_valid(metadata)
        AND EXISTS (SELECT 1 FROM json_each(metadata) AS pair WHERE pair.type = 'text' AND pair.value LIKE ? ESCAPE '\'))`,
    values: [...facetTexts.map(() => pattern), pattern, id.from, id.to, trace.from, trace.to, pattern],
  }
}

function seqAt(ms: number): number {
  return Math.max(0, Math.min(Math.floor(ms * seqPerMs), Number.MAX_SAFE_INTEGER))
}

function clampInteger(value: bigint): bigint {
  const largest = 2n ** 63n - 1n
  return value > largest ? largest : value
}
