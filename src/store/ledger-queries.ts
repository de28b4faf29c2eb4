// The ledger, read: accounts, transfers, statements, and what was spent in a window.
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { AccountKind, LedgerAccount, LedgerEntry, LedgerTransfer, Pot, Statement, TransferFilter, TransferKind } from './ledger.ts'

type Row = Record<string, unknown>

/** Integers come as bigint: an amount may be larger than what a number holds exactly. */
function rows(db: DatabaseSync, sql: string, ...parameters: SQLInputValue[]): Row[] {
  const statement = db.prepare(sql)
  statement.setReadBigInts(true)
  return statement.all(...parameters)
}

/** Wallets by their cached balance, the others by their sums. */
const accountSql = `SELECT id, kind, opened_at, paid, promo,
  iif(kind = 'wallet', 0, (SELECT coalesce(sum(nano_usd), 0) FROM entries WHERE account = id)) AS sum
  FROM accounts LEFT JOIN wallets ON wallets.account = id`

export function readAccounts(db: DatabaseSync): LedgerAccount[] {
  return rows(db, `${accountSql} ORDER BY id`).map(accountRow)
}

export function accountOf(db: DatabaseSync, id: string): LedgerAccount | undefined {
  return rows(db, `${accountSql} WHERE id = ?`, id).map(accountRow)[0]
}

function accountRow(row: Row): LedgerAccount {
  const paid = (row['paid'] as bigint | null) ?? 0n
  const promo = (row['promo'] as bigint | null) ?? 0n
  const isWallet = row['kind'] === 'wallet'
  return {
    id: String(row['id']),
    kind: row['kind'] as AccountKind,
    openedAtMs: Number(row['opened_at']),
    balanceNanoUsd: isWallet ? paid + promo : (row['sum'] as bigint),
    pots: isWallet ? { paid, promo } : undefined,
  }
}

/** Transfers have a charge's request where it is for one alone. */
const transferSql = `SELECT id, at, kind, requests, actor, note,
  iif(requests = 1, (SELECT request FROM charges WHERE number BETWEEN first_charge AND last_charge AND transfer = transfers.id), request) AS request
  FROM transfers`

export function transferOf(db: DatabaseSync, id: number): LedgerTransfer | undefined {
  return withEntries(db, rows(db, `${transferSql} WHERE id = ?`, id))[0]
}

export function readTransfers(
  db: DatabaseSync,
  filter: TransferFilter,
  limit: number,
  after: number | undefined,
  order: 'newest' | 'oldest',
): { transfers: LedgerTransfer[]; next: number | undefined } {
  const conditions = ["state = 'posted'"]
  const parameters: SQLInputValue[] = []
  const where = (condition: string, value: SQLInputValue | undefined): void => {
    if (value === undefined) return
    conditions.push(condition)
    parameters.push(value)
  }
  where('id IN (SELECT transfer FROM entries WHERE account = ?)', filter.account)
  where('kind = ?', filter.kind)
  where('at >= ?', filter.fromMs)
  where('at < ?', filter.toMs)
  where(order === 'newest' ? 'id < ?' : 'id > ?', after)
  const sql = `${transferSql} WHERE ${conditions.join(' AND ')} ORDER BY id ${order === 'newest' ? 'DESC' : 'ASC'} LIMIT ?`
  const found = rows(db, sql, ...parameters, limit + 1)
  const transfers = withEntries(db, found.slice(0, limit))
  return { transfers, next: found.length > limit ? transfers.at(-1)?.id : undefined }
}

function withEntries(db: DatabaseSync, found: readonly Row[]): LedgerTransfer[] {
  const select = db.prepare('SELECT account, pot, nano_usd FROM entries WHERE transfer = ? ORDER BY account, pot')
  select.setReadBigInts(true)
  return found.map((row) => ({
    ...transferRow(row),
    entries: select.all(row['id'] as bigint).map((entry): LedgerEntry => ({
      account: String(entry['account']),
      pot: entry['pot'] as Pot | '',
      nanoUsd: entry['nano_usd'] as bigint,
    })),
  }))
}

function transferRow(row: Row): Omit<LedgerTransfer, 'entries'> {
  return {
    id: Number(row['id']),
    atMs: Number(row['at']),
    kind: row['kind'] as TransferKind,
    requests: Number(row['requests']),
    request: (row['request'] as string | null) || undefined,
    actor: String(row['actor']),
    note: String(row['note']),
  }
}

/** Transfers are in the order of their time, so those of a window are a stretch of them. */
export function readStatement(
  db: DatabaseSync,
  account: string,
  { fromMs, toMs }: Pick<TransferFilter, 'fromMs' | 'toMs'>,
  limit: number,
  after: number | undefined,
): Statement {
  const found = rows(
    db,
    `WITH own AS (
       SELECT transfer, sum(iif(pot = 'promo', 0, nano_usd)) AS paid, sum(iif(pot = 'promo', nano_usd, 0)) AS promo FROM entries
       WHERE account = ? AND transfer > ? GROUP BY transfer
     )
     SELECT * FROM (${transferSql} WHERE at >= ? AND at < ? AND state = 'posted') JOIN own ON own.transfer = id ORDER BY id LIMIT ?`,
    account,
    after ?? 0,
    fromMs ?? 0,
    toMs ?? Number.MAX_SAFE_INTEGER,
    limit + 1,
  )
  const begin = found[0]?.['id']
  const before =
    begin === undefined
      ? // Nothing in the window: what there was at its beginning.
        rows(
          db,
          "SELECT coalesce(sum(nano_usd), 0) AS sum FROM entries JOIN transfers ON transfers.id = transfer WHERE account = ? AND at < ? AND state = 'posted'",
          account,
          after === undefined ? (fromMs ?? 0) : Number.MAX_SAFE_INTEGER,
        )
      : rows(db, 'SELECT coalesce(sum(nano_usd), 0) AS sum FROM entries WHERE account = ? AND transfer < ?', account, begin as bigint)
  const openingNanoUsd = before[0]!['sum'] as bigint
  let balanceNanoUsd = openingNanoUsd
  const lines = found.slice(0, limit).map((row) => {
    const paidNanoUsd = row['paid'] as bigint
    const promoNanoUsd = row['promo'] as bigint
    balanceNanoUsd += paidNanoUsd + promoNanoUsd
    return { ...transferRow(row), paidNanoUsd, promoNanoUsd, balanceNanoUsd }
  })
  return { openingNanoUsd, lines, next: found.length > limit ? lines.at(-1)?.id : undefined }
}
