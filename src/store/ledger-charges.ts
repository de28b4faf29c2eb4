// What finished requests cost, booked: each request once, one transaction and one transfer for each batch of the journal.
import type { DatabaseSync } from 'node:sqlite'
import { openLedgerDatabase } from './ledger-schema.ts'
import { metadataPairs } from './metadata-pairs.ts'
import type { CostSource, FinishSummary } from './record.ts'
import { boundedNanoUsd, wholeNumber } from './stored-numbers.ts'
import { writing } from './transaction.ts'

/** The account of an instance that bills nobody in advance: it has no limit, and what it owes is what everything cost. */
export const instanceWallet = 'wallet:instance'

/** A finished request, as it is booked. */
export type Charge = {
  readonly request: string
  /** Of its hold: the window that it counts in. */
  readonly atMs: number
  readonly keyId: string
  readonly user: string
  readonly team: string
  readonly wallet: string
  readonly provider: string
  readonly model: string
  /** The model as the client named it; '' of a request that cost nothing and had no tokens, since anybody can ask for anything. */
  readonly asked: string
  readonly tokensIn: number
  readonly tokensOut: number
  /** What the wallet pays; 0 for what is unpriced, refused, or came from the cache. */
  readonly nanoUsd: bigint
  /** What the provider billed beyond that, and nobody pays for. */
  readonly lossNanoUsd: bigint
  readonly source: CostSource
  /** '' or a JSON object of strings. */
  readonly tags: string
}

export type LedgerPosting = {
  /** Booked by the next commit. */
  add(record: FinishSummary): void
  /** On the disk when it returns. A request that is booked already changes nothing. Throws when the ledger cannot be written. */
  commit(): void
  rollback(): void
  close(): void
}

export function chargeOf(record: FinishSummary): Charge {
  const nanoUsd = boundedNanoUsd(record.costNanoUsd ?? 0n)
  const tokensIn = wholeNumber(record.usage?.input ?? 0)
  const tokensOut = wholeNumber(record.usage?.output ?? 0)
  const billed = boundedNanoUsd(record.providerCostNanoUsd ?? 0n)
  return {
    request: record.id,
    atMs: wholeNumber(record.atMs),
    keyId: record.keyId,
    user: record.user,
    team: record.team,
    wallet: record.wallet === '' ? instanceWallet : record.wallet,
    provider: record.provider,
    model: record.modelTarget,
    asked: nanoUsd > 0n || tokensIn + tokensOut > 0 ? record.modelAsked : '',
    tokensIn,
    tokensOut,
    nanoUsd,
    // Where both are known, the provider's figure is the cost: more than that was let off on purpose.
    lossNanoUsd: record.costNanoUsd === undefined || billed <= nanoUsd ? 0n : billed - nanoUsd,
    source: record.costSource,
    tags: metadataPairs(record.metadata).length === 0 ? '' : record.metadata,
  }
}

/** `beganAtMs`: of a new ledger. Requests that arrived from then on are all in it. */
export function createLedgerPosting(file: string, beganAtMs: number): LedgerPosting {
  const db = openLedgerDatabase(file)
  db.prepare("INSERT OR IGNORE INTO meta VALUES ('began_at', ?)").run(beganAtMs)
  const book = createChargeBook(db)
  let waiting: Charge[] = []
  return {
    add(record) {
      waiting.push(chargeOf(record))
    },
    commit() {
      if (waiting.length === 0) return
      writing(db, () => book(waiting, Date.now()))
      waiting = []
    },
    rollback() {
      waiting = []
    },
    close() {
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      db.close()
    },
  }
}

type Owed = { paid: bigint; promo: bigint; promoLeft: bigint }
type Spent = {
  readonly parts: readonly [string, string, number, string, string, string]
  requests: number
  tokens: number
  nanoUsd: bigint
}

/** Milliseconds of a row of `spending`. */
export const quarterMs = 900_000

/** Inside the caller's transaction. Returns how many were not booked before. */
export function createChargeBook(db: DatabaseSync): (charges: readonly Charge[], nowMs: number) => number {
  const begin = db.prepare("INSERT INTO transfers (kind, at) VALUES ('charge', ?)")
  const lastAt = db.prepare('SELECT at FROM transfers ORDER BY id DESC LIMIT 1')
  const forget = db.prepare('DELETE FROM transfers WHERE id = ?')
  const post = db.prepare(
    "UPDATE transfers SET state = 'posted', key = ?, fingerprint = ?, request = request, requests = ?, first_charge = ?, last_charge = ? WHERE id = ?",
  )
  const insert = db.prepare(
    'INSERT INTO charges VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (request) DO NOTHING',
  )
  const openAccount = db.prepare("INSERT INTO accounts VALUES (?, 'wallet', ?) ON CONFLICT DO NOTHING")
  const promoOf = db.prepare('SELECT promo FROM wallets WHERE account = ?')
  promoOf.setReadBigInts(true)
  const entry = db.prepare('INSERT INTO entries VALUES (?, ?, ?, ?)')
  const spend = db.prepare(
    `INSERT INTO spending VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, tokens = tokens + excluded.tokens, nano_usd = nano_usd + excluded.nano_usd`,
  )

  return function book(charges, nowMs) {
    const costs = charges.some(({ nanoUsd, lossNanoUsd }) => nanoUsd > 0n || lossNanoUsd > 0n)
    const atMs = monotonic(lastAt.get()?.['at'], nowMs)
    const transfer = costs ? Number(begin.run(atMs).lastInsertRowid) : undefined
    const owed = new Map<string, Owed>()
    const spent = new Map<string, Spent>()
    let booked = 0
    let paying = 0
    let firstPaying = ''
    let first = 0
    let last = 0
    let lossNanoUsd = 0n

    for (const charge of charges) {
      const { nanoUsd, wallet } = charge
      const pays = nanoUsd > 0n || charge.lossNanoUsd > 0n
      const account = pays ? (owed.get(wallet) ?? walletOf(wallet)) : undefined
      const promo = account === undefined || account.promoLeft <= 0n ? 0n : nanoUsd < account.promoLeft ? nanoUsd : account.promoLeft
      const { changes, lastInsertRowid } = insert.run(
        charge.request,
        charge.atMs,
        charge.keyId,
        charge.user,
        charge.team,
        wallet,
        charge.provider,
        charge.model,
        charge.asked,
        charge.tokensIn,
        charge.tokensOut,
        // Bounded: a number holds it exactly, and is bound faster.
        Number(nanoUsd),
        Number(promo),
        Number(charge.lossNanoUsd),
        charge.source,
        charge.tags,
        pays ? transfer! : null,
      )
      if (changes === 0) continue
      booked++
      last = Number(lastInsertRowid)
      if (first === 0) first = last
      count(spent, charge)
      if (account === undefined) continue
      owed.set(wallet, account)
      account.paid += nanoUsd - promo
      account.promo += promo
      account.promoLeft -= promo
      lossNanoUsd += charge.lossNanoUsd
      if (paying++ === 0) firstPaying = charge.request
    }

    if (transfer !== undefined && paying === 0) forget.run(transfer)
    else if (transfer !== undefined) {
      let revenue = 0n
      for (const [wallet, { paid, promo }] of owed) {
        openAccount.run(wallet, atMs)
        if (paid > 0n) entry.run(transfer, wallet, 'paid', -paid)
        if (promo > 0n) entry.run(transfer, wallet, 'promo', -promo)
        revenue += paid + promo
      }
      if (revenue > 0n) entry.run(transfer, 'revenue', '', revenue)
      if (lossNanoUsd > 0n) {
        entry.run(transfer, 'adjustments', '', -lossNanoUsd)
        entry.run(transfer, 'provider_cost', '', lossNanoUsd)
      }
      post.run(`charge:${firstPaying}`, `${paying} requests, ${revenue} + ${lossNanoUsd}`, paying, first, last, transfer)
    }
    for (const { parts, requests, tokens, nanoUsd } of spent.values()) spend.run(...parts, requests, tokens, nanoUsd)
    return booked

    function walletOf(wallet: string): Owed {
      if (wallet === instanceWallet) return { paid: 0n, promo: 0n, promoLeft: 0n }
      return { paid: 0n, promo: 0n, promoLeft: (promoOf.get(wallet)?.['promo'] as bigint | undefined) ?? 0n }
    }
  }
}

/** Transfers are in the order of their time, also when the clock goes back. */
export function monotonic(lastAtMs: unknown, nowMs: number): number {
  return Math.max(nowMs, Number(lastAtMs ?? 0))
}

function count(spent: Map<string, Spent>, charge: Charge): void {
  const { provider, model, asked, nanoUsd } = charge
  const tokens = charge.tokensIn + charge.tokensOut
  const quarter = Math.floor(charge.atMs / quarterMs)
  const rest = `\0${quarter}\0${provider}\0${model}\0${asked}`
  const add = (kind: string, id: string): void => {
    const name = `${kind}\0${id}${rest}`
    const row = spent.get(name)
    if (row === undefined) spent.set(name, { parts: [kind, id, quarter, provider, model, asked], requests: 1, tokens, nanoUsd })
    else {
      row.requests++
      row.tokens += tokens
      row.nanoUsd += nanoUsd
    }
  }
  add('instance', '')
  if (charge.keyId !== '') add('key', charge.keyId)
  if (charge.user !== '') add('user', charge.user)
  if (charge.team !== '') add('team', charge.team)
  if (charge.tags !== '') for (const [key, value] of metadataPairs(charge.tags)) add('tag', tagId(key, value))
}

/** `key=value`; a key with an equals sign has it escaped, so that no two pairs look like one. */
export function tagId(key: string, value: string): string {
  return `${key.replaceAll('%', '%25').replaceAll('=', '%3D')}=${value}`
}
