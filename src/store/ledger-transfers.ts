// Transfers that somebody asks for: credits, refunds, adjustments. Each once for its key, in the caller's transaction.
import { createHash, randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { formatUsd } from '#ir'
import { instanceWallet, monotonic } from './ledger-charges.ts'
import { accountOf, transferOf } from './ledger-queries.ts'
import type { AdjustmentAsked, CreditAsked, LedgerEntry, LedgerRefusal, Pot, RefundAsked, TransferKind, TransferMade } from './ledger.ts'

type Content = readonly (string | bigint | null | undefined)[]

type Posting = {
  readonly kind: TransferKind
  readonly wallet: string
  readonly key: string | undefined
  /** What makes two writes the same one. */
  readonly content: Content
  readonly actor: string
  readonly note: string
  readonly request: string
  /** Asked when it is not a repeated write. */
  readonly entries: () => readonly LedgerEntry[] | LedgerRefusal
}

export function postCredit(db: DatabaseSync, asked: CreditAsked, nowMs: number): TransferMade | LedgerRefusal {
  const { account, nanoUsd, pot } = asked
  if (account === instanceWallet)
    return refused('conflict', `The account ${instanceWallet} has no limit, so it needs no credit. Credit the wallet of a user or a team.`)
  const source = pot === 'paid' ? 'cash:manual' : 'adjustments'
  return post(db, nowMs, {
    kind: 'credit',
    wallet: account,
    ...common(asked),
    content: ['credit', account, nanoUsd, pot, asked.note],
    request: '',
    entries: () => [entryOf(source, '', -nanoUsd), entryOf(account, pot, nanoUsd)],
  })
}

/** A correction: either way, but a wallet's pot is not emptied further than to 0. */
export function postAdjustment(db: DatabaseSync, asked: AdjustmentAsked, nowMs: number): TransferMade | LedgerRefusal {
  const { account, nanoUsd, pot } = asked
  const known = accountOf(db, account)
  if (known === undefined) return unknownAccount(account)
  return post(db, nowMs, {
    kind: 'adjustment',
    wallet: account,
    ...common(asked),
    content: ['adjustment', account, nanoUsd, pot, asked.note],
    request: '',
    entries() {
      const there = known.pots?.[pot] ?? 0n
      if (account === instanceWallet && pot === 'promo')
        return refused('conflict', `The account ${instanceWallet} has no promo pot.`, 'pot')
      if (nanoUsd < 0n && account !== instanceWallet && there + nanoUsd < 0n)
        return refused(
          'conflict',
          `The ${pot} pot of ${account} has $${formatUsd(there)}; an adjustment of $${formatUsd(nanoUsd)} would take more than there is.`,
          'amount_usd',
        )
      return [entryOf('adjustments', '', -nanoUsd), entryOf(account, pot, nanoUsd)]
    },
  })
}

/** Of a charge, in parts or whole; to the pots that paid, first what was paid for. */
export function postRefund(db: DatabaseSync, asked: RefundAsked, nowMs: number): TransferMade | LedgerRefusal {
  const { account, request, nanoUsd: wanted } = asked
  return post(db, nowMs, {
    kind: 'refund',
    wallet: account,
    ...common(asked),
    content: ['refund', account, request, wanted, asked.note],
    request,
    entries() {
      const charge = db
        .prepare('SELECT wallet, CAST(nano_usd AS TEXT) AS cost, CAST(promo AS TEXT) AS promo FROM charges WHERE request = ?')
        .get(request)
      if (charge === undefined)
        return refused('not_found', `The ledger has no charge of a request ${JSON.stringify(request.slice(0, 64))}.`)
      if (charge['wallet'] !== account)
        return refused(
          'invalid_request',
          `The request ${request} was charged to ${String(charge['wallet'])}, not to ${account}.`,
          'request_id',
        )
      const promo = BigInt(String(charge['promo']))
      const cost = BigInt(String(charge['cost']))
      const back = refundedOf(db, request, account)
      const left = cost - back.paid - back.promo
      if (cost === 0n) return refused('conflict', `The request ${request} cost nothing, so there is nothing to refund.`, 'request_id')
      if (left <= 0n)
        return refused('conflict', `The request ${request} cost $${formatUsd(cost)}, all of which has been refunded.`, 'request_id')
      const nanoUsd = wanted ?? left
      if (nanoUsd > left) {
        const before = left === cost ? '' : `, of which $${formatUsd(cost - left)} has been refunded`
        return refused(
          'conflict',
          `The request ${request} cost $${formatUsd(cost)}${before}; $${formatUsd(nanoUsd)} is more than that.`,
          'amount_usd',
        )
      }
      const paidLeft = cost - promo - back.paid
      const paid = nanoUsd < paidLeft ? nanoUsd : paidLeft
      const entries = [entryOf('revenue', '', -nanoUsd)]
      if (paid > 0n) entries.push(entryOf(account, 'paid', paid))
      if (nanoUsd > paid) entries.push(entryOf(account, 'promo', nanoUsd - paid))
      return entries
    },
  })
}

function post(db: DatabaseSync, nowMs: number, posting: Posting): TransferMade | LedgerRefusal {
  const { kind, wallet, actor, note, request } = posting
  const key = posting.key === undefined ? `own:${randomUUID()}` : `key:${posting.key}`
  const fingerprint = fingerprintOf(posting.content)
  const before = db.prepare('SELECT id, fingerprint FROM transfers WHERE key = ?').get(key)
  if (before !== undefined) {
    if (before['fingerprint'] !== fingerprint)
      return refused('conflict', 'This Idempotency-Key was used for another transfer; send a new key with a new one.', 'Idempotency-Key')
    return made(db, Number(before['id']), wallet, true)
  }
  const entries = posting.entries()
  if ('refused' in entries) return entries
  const atMs = monotonic(db.prepare('SELECT at FROM transfers ORDER BY id DESC LIMIT 1').get()?.['at'], nowMs)
  db.prepare("INSERT INTO accounts VALUES (?, 'wallet', ?) ON CONFLICT DO NOTHING").run(wallet, atMs)
  const id = Number(
    db.prepare('INSERT INTO transfers (kind, at, request, actor, note) VALUES (?, ?, ?, ?, ?)').run(kind, atMs, request, actor, note)
      .lastInsertRowid,
  )
  const insert = db.prepare('INSERT INTO entries VALUES (?, ?, ?, ?)')
  for (const { account, pot, nanoUsd } of entries) insert.run(id, account, pot, nanoUsd)
  db.prepare("UPDATE transfers SET state = 'posted', key = ?, fingerprint = ? WHERE id = ?").run(key, fingerprint, id)
  return made(db, id, wallet, false)
}

export function fingerprintOf(content: Content): string {
  const text = JSON.stringify(content.map((part) => (part === undefined ? null : String(part))))
  return createHash('sha256').update(text).digest('base64url')
}

function made(db: DatabaseSync, id: number, wallet: string, replayed: boolean): TransferMade {
  return { transfer: transferOf(db, id)!, account: accountOf(db, wallet)!, replayed }
}

function refundedOf(db: DatabaseSync, request: string, account: string): Record<Pot, bigint> {
  const rows = db
    .prepare(
      `SELECT pot, CAST(sum(nano_usd) AS TEXT) AS sum FROM entries JOIN transfers ON transfers.id = transfer
       WHERE transfers.request = ? AND transfers.request <> '' AND kind = 'refund' AND state = 'posted' AND account = ? GROUP BY pot`,
    )
    .all(request, account)
  const of = (pot: Pot): bigint => BigInt(String(rows.find((row) => row['pot'] === pot)?.['sum'] ?? '0'))
  return { paid: of('paid'), promo: of('promo') }
}

function common({ key, actor, note }: CreditAsked | RefundAsked | AdjustmentAsked): Pick<Posting, 'key' | 'actor' | 'note'> {
  return { key, actor, note }
}

function entryOf(account: string, pot: Pot | '', nanoUsd: bigint): LedgerEntry {
  return { account, pot, nanoUsd }
}

function unknownAccount(account: string): LedgerRefusal {
  return refused(
    'not_found',
    `There is no account ${JSON.stringify(account.slice(0, 200))}; the first credit of a user or a team opens one.`,
  )
}

function refused(kind: LedgerRefusal['refused'], message: string, field?: string): LedgerRefusal {
  return { refused: kind, message, field }
}
