// What was spent in a window: whole quarters of an hour from their sums, the rest from the charges themselves.
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { quarterMs, tagId } from './ledger-charges.ts'
import type { Spending, SpendingScope, SpentOn } from './ledger.ts'

type Part = { readonly sql: string; readonly parameters: readonly SQLInputValue[] }

/** By model, since a budget may be of some. */
export function readSpending(db: DatabaseSync, scope: SpendingScope, fromMs: number, toMs: number): (Spending & SpentOn)[] {
  const from = Math.max(0, Math.ceil(fromMs))
  const to = Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(toMs))
  if (!(from < to)) return []
  const summed = inSums(scope)
  const firstQuarter = Math.ceil(from / quarterMs)
  const endQuarter = Math.floor(to / quarterMs)
  const charged = inCharges(scope)
  const found: Record<string, unknown>[] = []
  const charges = (sinceMs: number, untilMs: number): void => {
    if (sinceMs >= untilMs) return
    const sql = `SELECT provider, model, asked, sum(nano_usd) AS cost, sum(tokens_in + tokens_out) AS tokens, count(*) AS requests FROM charges
      WHERE at >= ? AND at < ? ${charged.sql} GROUP BY provider, model, asked`
    found.push(...rows(db, sql, sinceMs, untilMs, ...charged.parameters))
  }
  if (summed === undefined || firstQuarter >= endQuarter) charges(from, to)
  else {
    charges(from, firstQuarter * quarterMs)
    charges(endQuarter * quarterMs, to)
    const sql = `SELECT provider, model, asked, sum(nano_usd) AS cost, sum(tokens) AS tokens, sum(requests) AS requests FROM spending
      WHERE ${summed.sql} AND quarter >= ? AND quarter < ? GROUP BY provider, model, asked`
    found.push(...rows(db, sql, ...summed.parameters, firstQuarter, endQuarter))
  }
  return found.map((row) => ({
    ...spentOn(row),
    nanoUsd: row['cost'] as bigint,
    tokens: Number(row['tokens']),
    requests: Number(row['requests']),
  }))
}

/** When the first request of each model began. */
export function readFirst(db: DatabaseSync, scope: SpendingScope): (SpentOn & { readonly atMs: number })[] {
  const summed = inSums(scope)
  const { sql, parameters } = inCharges(scope)
  const first = (condition: string, ...more: SQLInputValue[]) =>
    rows(
      db,
      `SELECT provider, model, asked, min(at) AS at FROM charges WHERE ${condition} ${sql} GROUP BY provider, model, asked`,
      ...more,
      ...parameters,
    )
  const found =
    summed === undefined
      ? first('TRUE')
      : rows(
          db,
          `SELECT provider, model, asked, min(quarter) AS quarter FROM spending WHERE ${summed.sql} GROUP BY provider, model, asked`,
          ...summed.parameters,
        ).flatMap(({ provider, model, asked, quarter }) =>
          first(
            'at >= ? AND at < ? AND provider = ? AND model = ? AND asked = ?',
            Number(quarter) * quarterMs,
            (Number(quarter) + 1) * quarterMs,
            provider as string,
            model as string,
            asked as string,
          ),
        )
  return found.map((row) => ({ ...spentOn(row), atMs: Number(row['at']) }))
}

/** Where the sums of a scope are; undefined: nowhere, so that each charge must be looked at. */
function inSums({ kind, id, metadata = {} }: SpendingScope): Part | undefined {
  const [tag, ...more] = Object.entries(metadata)
  if (more.length > 0 || (tag !== undefined && kind !== 'instance')) return undefined
  if (tag !== undefined) return { sql: "kind = 'tag' AND id = ?", parameters: [tagId(...tag)] }
  if (kind === 'provider' || kind === 'model') return { sql: `kind = 'instance' AND id = '' AND ${kind} = ?`, parameters: [id] }
  return { sql: 'kind = ? AND id = ?', parameters: [kind, id] }
}

const columns = { key: 'key_id', user: 'user', team: 'team', provider: 'provider', model: 'model' } as const

function inCharges({ kind, id, metadata = {} }: SpendingScope): Part {
  const tags = kind === 'tag' ? [pairOf(id), ...Object.entries(metadata)] : Object.entries(metadata)
  const tagged = tags.map(
    () => "AND tags <> '' AND EXISTS (SELECT 1 FROM json_each(tags) AS tag WHERE tag.type = 'text' AND tag.key = ? AND tag.value = ?)",
  )
  const own = kind === 'instance' || kind === 'tag' ? [] : [`AND ${columns[kind]} = ?`]
  return { sql: [...own, ...tagged].join(' '), parameters: [...(own.length === 0 ? [] : [id]), ...tags.flat()] }
}

/** The reverse of `tagId`. */
function pairOf(id: string): [string, string] {
  const equals = id.indexOf('=')
  return [id.slice(0, equals).replaceAll('%3D', '=').replaceAll('%25', '%'), id.slice(equals + 1)]
}

function spentOn(row: Record<string, unknown>): SpentOn {
  return { provider: String(row['provider']), model: String(row['model']), asked: String(row['asked']) }
}

function rows(db: DatabaseSync, sql: string, ...parameters: SQLInputValue[]): Record<string, unknown>[] {
  const statement = db.prepare(sql)
  statement.setReadBigInts(true)
  return statement.all(...parameters)
}
