// Limits for crash tests: a key with a tight budget and one of a prepaid user; and what the ledger says of it all, held against the clients.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { TestContext } from 'node:test'
import { createLedger, type Ledger } from '#store'
import { isBeyondLimit, worstCase, type Ask, type CrashLoad, type Payer } from './crash-load.ts'
import { readRows } from './record-audit.ts'

/** Nano-USD that a tight limit has left when load begins: some dozens of requests, and less than a model may say at most. */
const room = 8_000_000n

export type CrashMoney = {
  /** While nothing runs: what is left of the wallet is made `room`, behind the back of a process that is not there. */
  credit(): Promise<void>
  /**
   * Just after a start, before any load. What is left of each tight limit by the ledger affords a request to the nano-dollar, and no larger
   * one: so nothing is held, and the limits know what was spent. Then the budget has `room` again. What is wrong.
   */
  probe(url: string): Promise<string[]>
  /** What the ledger says, held against itself, the records and the clients. Everything there was must have been asked for before. */
  audit(): Promise<string[]>
  readonly probes: number
}

/** On a gateway that serves `home`, whose ledger is read beside it; `load` gets the keys. */
export async function createCrashMoney(home: string, ledger: Ledger, url: string, load: CrashLoad): Promise<CrashMoney> {
  const authorization = `Bearer ${readFileSync(path.join(home, 'admin-token'), 'utf8').trim()}`
  const admin = async (base: string, method: 'POST' | 'PATCH', to: string, body: object): Promise<Record<string, string>> => {
    const headers = { authorization, 'content-type': 'application/json' }
    const response = await fetch(`${base}/api/v1${to}`, { method, headers, body: JSON.stringify(body) })
    const text = await response.text()
    assert.ok(response.ok, `${method} ${to}: ${response.status} ${text}`)
    return JSON.parse(text) as Record<string, string>
  }
  let limit = room
  const budgets = (): object => [
    { amount_usd: usd(limit), period: 'total', alert_at: [0.5, 1] },
    { amount_usd: '1000', period: 'day' },
    { tokens: 1e12, period: 'month' },
  ]
  const team = await admin(url, 'POST', '/teams', { name: 'crash', budgets: [{ amount_usd: '1000', period: 'week' }] })
  const user = await admin(url, 'POST', '/users', { name: 'prepaid', prepaid: true, budgets: [{ amount_usd: '1000', period: 'month' }] })
  const rates = [{ concurrent: 4 }, { requests: 1e9, per: 'minute' }, { tokens: 1e12, per: 'minute' }]
  const tight = await admin(url, 'POST', '/keys', { name: 'tight', team: team['id'], budgets: budgets(), rate_limits: rates })
  const prepaid = await admin(url, 'POST', '/keys', { name: 'prepaid', user: user['id'], rate_limits: rates.slice(1) })
  load.keys.tight = tight['key']!
  load.keys.prepaid = prepaid['key']!
  const wallet = `wallet:${user['id']}`
  let credited = 0n
  let credits = 0
  let probes = 0

  const charged = (keyId: string): bigint =>
    BigInt(inLedger(home, 'SELECT CAST(coalesce(sum(nano_usd), 0) AS TEXT) AS sum FROM charges WHERE key_id = ?', keyId)[0]!['sum']!)
  const balance = (): bigint =>
    BigInt(inLedger(home, 'SELECT CAST(paid + promo AS TEXT) AS sum FROM wallets WHERE account = ?', wallet)[0]?.['sum'] ?? 0)

  async function probeLimit(url: string, payer: Payer, left: () => bigint, wrong: string[]): Promise<void> {
    if (left() < 0n) wrong.push(`${payer}: ${-left()} nano-USD more were spent than there were`)
    const over = await load.probe(url, payer, left(), false)
    const said = over === undefined ? '' : `${payer}: ${worstCase(over.body)} nano-USD asked for, ${left()} left`
    if (over !== undefined && over.statusHeard !== 402) wrong.push(`${said}, and the answer is ${over.statusHeard}`)
    const fits = await load.probe(url, payer, left(), true)
    if (fits !== undefined && fits.statusHeard !== 200) wrong.push(`${payer}: what is left is not to be had: ${fits.statusHeard}; ${said}`)
    if (over !== undefined && fits !== undefined) probes++
  }

  return {
    async credit() {
      const missing = room - balance()
      if (missing <= 0n) return
      const pot = credits++ % 2 === 0 ? 'paid' : 'promo'
      const made = await ledger.credit({ account: wallet, nanoUsd: missing, pot, key: `credit-${credits}`, actor: 'test', note: '' })
      assert.ok('transfer' in made, JSON.stringify(made, plainMoney))
      credited += missing
    },
    async probe(now) {
      const wrong: string[] = []
      await probeLimit(now, 'tight', () => limit - charged(tight['id']!), wrong)
      await probeLimit(now, 'prepaid', balance, wrong)
      // Whoever asks sees all that was recorded: it has been booked.
      await fetch(`${now}/api/v1/requests?limit=1`, { headers: { authorization } }).then((response) => response.text())
      limit = charged(tight['id']!) + room
      await admin(now, 'PATCH', `/keys/${tight['id']}`, { budgets: budgets() })
      return wrong
    },
    async audit() {
      const { violations } = await ledger.check()
      const wrong = [...violations]
      const spent = charged(tight['id']!)
      if (spent > limit) wrong.push(`the budget of ${limit} nano-USD was passed: ${spent} are booked`)
      if (balance() < 0n) wrong.push(`the wallet is at ${balance()}`)
      if (balance() !== credited - charged(prepaid['id']!))
        wrong.push(`the wallet is at ${balance()}; ${credited} were credited and ${charged(prepaid['id']!)} charged`)
      return [...wrong, ...auditCharges(home, load.asks, { tight: tight['id']!, prepaid: prepaid['id']! }, wallet)]
    },
    get probes() {
      return probes
    },
  }
}

/** Each answer that a client has is charged once, to whom it belongs, for what its record says; and nothing else is. */
function auditCharges(
  home: string,
  asks: readonly Ask[],
  keys: { readonly tight: string; readonly prepaid: string },
  wallet: string,
): string[] {
  const wrong: string[] = []
  const charges = inLedger(home, 'SELECT request, key_id AS key, wallet, CAST(nano_usd AS TEXT) AS cost FROM charges')
  const byRequest = Map.groupBy(charges, ({ request }) => request!)
  const rows = readRows(home)
  const rowIds = new Set(rows.map(({ id }) => id))
  for (const id of byRequest.keys()) if (!rowIds.has(id)) wrong.push(`${id} is charged and has no record`)
  for (const { id, costNanoUsd } of rows) {
    const own = byRequest.get(id) ?? []
    if (own.length !== 1) wrong.push(`${id} has a record and is charged ${own.length} times`)
    else if (BigInt(own[0]!['cost']!) !== (costNanoUsd ?? 0n)) wrong.push(`${id} cost ${costNanoUsd} and is charged ${own[0]!['cost']}`)
  }
  for (const ask of asks) {
    if (ask.id === undefined || !ask.complete) continue
    const own = byRequest.get(ask.id) ?? []
    const charge = own[0]
    if (own.length !== 1 || charge === undefined) wrong.push(`${ask.marker} was answered as ${ask.id} and is charged ${own.length} times`)
    else if (isBeyondLimit(ask) && charge['cost'] !== '0') wrong.push(`${ask.marker} was refused and is charged ${charge['cost']}`)
    else if (ask.payer !== 'ample' && charge['key'] !== keys[ask.payer]) wrong.push(`${ask.marker} is charged to the key ${charge['key']}`)
    else if (charge['wallet'] !== (ask.payer === 'prepaid' ? wallet : 'wallet:instance'))
      wrong.push(`${ask.marker} of ${ask.payer} is charged to ${charge['wallet']}`)
  }
  return wrong
}

/** A home's ledger, read and written beside the gateway that serves it. */
export function openLedger(context: TestContext, home: string): Ledger {
  const ledger = createLedger({ ledger: path.join(home, 'ledger.db'), records: path.join(home, 'records.db'), settle: async () => {} })
  context.after(() => ledger.close())
  return ledger
}

function inLedger(home: string, sql: string, ...parameters: string[]): Record<string, string>[] {
  const db = new DatabaseSync(path.join(home, 'ledger.db'), { readOnly: true })
  try {
    db.exec('PRAGMA busy_timeout = 5000')
    return db.prepare(sql).all(...parameters) as Record<string, string>[]
  } finally {
    db.close()
  }
}

function usd(nanoUsd: bigint): string {
  return `${nanoUsd / 1_000_000_000n}.${String(nanoUsd % 1_000_000_000n).padStart(9, '0')}`
}

function plainMoney(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
