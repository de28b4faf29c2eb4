// Whether the ledger adds up: every invariant that can be asked of the files, each violation in words.
import { DatabaseSync } from 'node:sqlite'
import { formatUsd } from '#ir'
import { quarterMs, tagId } from './ledger-charges.ts'
import { openLedgerDatabase } from './ledger-schema.ts'
import { fingerprintOf } from './ledger-transfers.ts'
import type { LedgerVerdict } from './ledger.ts'
import { metadataPairs } from './metadata-pairs.ts'
import { seqPerMs } from './schema.ts'

type Row = Record<string, bigint | string | null>

/** Of a kind of violation so many are told one by one. */
const told = 20

/** `records`: the file of the record store, when there is one. The ledger is written first, so it is read second: what it lacks is missing. */
export function checkLedger(db: DatabaseSync, records: string | undefined): LedgerVerdict {
  const store = records === undefined ? undefined : new DatabaseSync(records, { readOnly: true })
  try {
    store?.exec('PRAGMA busy_timeout = 5000; BEGIN')
    store?.prepare('SELECT count(*) FROM sqlite_schema').get()
    db.exec('BEGIN')
    try {
      const beganAtMs = Number(db.prepare("SELECT value FROM meta WHERE name = 'began_at'").get()?.['value'] ?? 0)
      const found = createFindings()
      for (const { sql, sentence } of laws) for (const row of select(db, sql)) found.add(sql, sentence(row))
      checkTags(db, found)
      checkFingerprints(db, found)
      checkSchema(db, found)
      const compared = store === undefined ? 0 : compareRecords(db, store, beganAtMs, found)
      return {
        violations: found.sentences(),
        transfers: countOf(db, 'transfers'),
        charges: countOf(db, 'charges'),
        records: compared,
        beganAtMs,
      }
    } finally {
      db.exec('COMMIT')
    }
  } finally {
    store?.close()
  }
}

type Law = { readonly sql: string; readonly sentence: (row: Row) => string }

function usd(value: Row[string] | undefined): string {
  const nanoUsd = bigintOf(value)
  return nanoUsd < 0n ? `-$${formatUsd(-nanoUsd)}` : `$${formatUsd(nanoUsd)}`
}

const when = (quarter: Row[string] | undefined): string => new Date(Number(quarter) * quarterMs).toISOString()

/** Each finds nothing in a ledger that is right. Sums are text where they could pass what SQLite's integers hold. */
const laws: readonly Law[] = [
  {
    sql: "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    sentence: (row) => `The file is damaged: ${row['integrity_check']}`,
  },
  {
    sql: 'SELECT "table" AS name, parent FROM pragma_foreign_key_check GROUP BY 1, 2',
    sentence: (row) => `A row of ${row['name']} refers to one of ${row['parent']} that is not there.`,
  },
  {
    sql: 'SELECT transfer, sum(nano_usd) AS sum FROM entries GROUP BY transfer HAVING sum(nano_usd) <> 0',
    sentence: (row) => `The entries of transfer ${row['transfer']} sum to ${usd(row['sum'])}, not to 0.`,
  },
  {
    sql: 'SELECT sum(nano_usd) AS sum FROM entries HAVING sum(nano_usd) <> 0',
    sentence: (row) => `All entries together sum to ${usd(row['sum'])}, not to 0.`,
  },
  {
    sql: `SELECT transfers.id, count(account) AS count FROM transfers LEFT JOIN entries ON transfer = transfers.id WHERE state = 'posted'
      GROUP BY transfers.id HAVING count(account) < 2`,
    sentence: (row) => `Transfer ${row['id']} is posted and has ${row['count']} entries.`,
  },
  { sql: "SELECT id FROM transfers WHERE state <> 'posted'", sentence: (row) => `Transfer ${row['id']} was begun and never posted.` },
  {
    sql: `SELECT id, before FROM (SELECT id, at, lag(id) OVER (ORDER BY id) AS before, lag(at) OVER (ORDER BY id) AS at_before FROM transfers
      WHERE state = 'posted') WHERE at < at_before`,
    sentence: (row) => `Transfer ${row['id']} says an earlier time than transfer ${row['before']}, which was made before it.`,
  },
  {
    sql: `SELECT id, requests, (SELECT count(*) FROM charges WHERE transfer = transfers.id AND number BETWEEN first_charge AND last_charge) AS count,
        fingerprint, requests || ' requests, ' || (SELECT coalesce(sum(nano_usd), 0) FROM entries WHERE transfer = transfers.id AND account = 'revenue')
          || ' + ' || (SELECT coalesce(sum(nano_usd), 0) FROM entries WHERE transfer = transfers.id AND account = 'provider_cost') AS entered
      FROM transfers WHERE kind = 'charge' AND state = 'posted' AND (requests <> count OR fingerprint <> entered)`,
    sentence: (row) =>
      `Transfer ${row['id']} was made for "${row['fingerprint']}" nano-USD; it has ${row['count']} requests, and its entries say "${row['entered']}".`,
  },
  {
    sql: 'SELECT key, count(*) AS count FROM transfers GROUP BY key HAVING count(*) > 1',
    sentence: (row) => `The key ${row['key']} has ${row['count']} transfers.`,
  },
  {
    sql: `SELECT id, pot, cached, sum FROM (
        SELECT accounts.id, pot, iif(pot = 'paid', coalesce(paid, 0), coalesce(promo, 0)) AS cached,
          (SELECT coalesce(sum(nano_usd), 0) FROM entries WHERE account = accounts.id AND entries.pot = pots.pot) AS sum
        FROM accounts JOIN (SELECT 'paid' AS pot UNION SELECT 'promo') AS pots LEFT JOIN wallets ON wallets.account = accounts.id
        WHERE accounts.id LIKE 'wallet:%'
      ) WHERE cached <> sum`,
    sentence: (row) => `The ${row['pot']} pot of ${row['id']} says ${usd(row['cached'])}, and its entries sum to ${usd(row['sum'])}.`,
  },
  {
    sql: 'SELECT account, promo FROM wallets WHERE promo < 0',
    sentence: (row) => `The promo pot of ${row['account']} is below 0 (${usd(row['promo'])}).`,
  },
  {
    sql: 'SELECT request, count(*) AS count FROM charges GROUP BY request HAVING count(*) > 1',
    sentence: (row) => `The request ${row['request']} is booked ${row['count']} times.`,
  },
  {
    sql: `SELECT coalesce(c.transfer, e.transfer) AS transfer, coalesce(c.wallet, e.account) AS wallet, coalesce(c.sum, 0) AS charged, coalesce(-e.sum, 0) AS booked
      FROM (SELECT transfer, wallet, sum(nano_usd) AS sum FROM charges WHERE transfer IS NOT NULL AND nano_usd > 0 GROUP BY 1, 2) AS c
      FULL JOIN (SELECT transfer, account, sum(nano_usd) AS sum FROM entries JOIN transfers ON transfers.id = transfer
        WHERE kind = 'charge' AND pot <> '' GROUP BY 1, 2) AS e ON e.transfer = c.transfer AND e.account = c.wallet
      WHERE coalesce(c.sum, 0) <> coalesce(-e.sum, 0)`,
    sentence: (row) =>
      `The requests of transfer ${row['transfer']} cost ${row['wallet']} ${usd(row['charged'])}, and its entries take ${usd(row['booked'])}.`,
  },
  {
    sql: `SELECT coalesce(c.transfer, e.transfer) AS transfer, coalesce(c.wallet, e.account) AS wallet, coalesce(c.sum, 0) AS charged, coalesce(-e.sum, 0) AS booked
      FROM (SELECT transfer, wallet, sum(promo) AS sum FROM charges WHERE promo > 0 GROUP BY 1, 2) AS c
      FULL JOIN (SELECT transfer, account, sum(nano_usd) AS sum FROM entries JOIN transfers ON transfers.id = transfer
        WHERE kind = 'charge' AND pot = 'promo' GROUP BY 1, 2) AS e ON e.transfer = c.transfer AND e.account = c.wallet
      WHERE coalesce(c.sum, 0) <> coalesce(-e.sum, 0)`,
    sentence: (row) =>
      `The requests of transfer ${row['transfer']} take ${usd(row['charged'])} from the promo pot of ${row['wallet']}, and its entries ${usd(row['booked'])}.`,
  },
  {
    // What was delivered is what was taken in for it and not given back, and what nobody pays for.
    sql: `SELECT (SELECT coalesce(sum(nano_usd), 0) FROM charges) AS charged,
        (SELECT coalesce(sum(nano_usd), 0) FROM entries WHERE account = 'revenue') AS revenue,
        (SELECT coalesce(-sum(nano_usd), 0) FROM entries JOIN transfers ON transfers.id = transfer WHERE kind = 'refund' AND account = 'revenue') AS refunded,
        (SELECT coalesce(sum(loss), 0) FROM charges) AS lost, (SELECT coalesce(sum(nano_usd), 0) FROM entries WHERE account = 'provider_cost') AS written
      FROM (SELECT 1) WHERE charged <> revenue + refunded OR lost <> written`,
    sentence: (row) =>
      `Requests cost ${usd(row['charged'])} and lost ${usd(row['lost'])}; revenue and refunds say ${usd(bigintOf(row['revenue']) + bigintOf(row['refunded']))}, provider_cost ${usd(row['written'])}.`,
  },
  {
    sql: `SELECT transfers.request, sum(nano_usd) AS refunded, (SELECT nano_usd FROM charges WHERE charges.request = transfers.request) AS cost
      FROM transfers JOIN entries ON transfer = transfers.id AND pot <> '' WHERE kind = 'refund' GROUP BY transfers.request
      HAVING sum(nano_usd) > coalesce(cost, 0)`,
    sentence: (row) => `The request ${row['request']} cost ${usd(row['cost'])}, and ${usd(row['refunded'])} were refunded.`,
  },
  {
    sql: `WITH c AS (
        SELECT at / ${quarterMs} AS quarter, provider, model, asked, count(*) AS requests, sum(tokens_in + tokens_out) AS tokens,
          sum(nano_usd) AS cost FROM charges GROUP BY 1, 2, 3, 4
      ), s AS (SELECT quarter, provider, model, asked, requests, tokens, nano_usd AS cost FROM spending WHERE kind = 'instance')
      SELECT 'too little' AS how, * FROM (SELECT * FROM c EXCEPT SELECT * FROM s) UNION ALL
      SELECT 'too much' AS how, * FROM (SELECT * FROM s EXCEPT SELECT * FROM c)`,
    sentence: (row) =>
      `The sums of ${when(row['quarter'])} for ${row['provider']}/${row['model']} are not those of its requests (${row['requests']} requests, ${usd(row['cost'])} ${row['how']}).`,
  },
  ...(['key', 'user', 'team'] as const).map((kind): Law => ({
    sql: `WITH c AS (
          SELECT ${kind === 'key' ? 'key_id' : kind} AS id, at / ${quarterMs} AS quarter, provider, model, asked, count(*) AS requests,
            sum(tokens_in + tokens_out) AS tokens, sum(nano_usd) AS cost FROM charges WHERE id <> '' GROUP BY 1, 2, 3, 4, 5
        ), s AS (SELECT id, quarter, provider, model, asked, requests, tokens, nano_usd AS cost FROM spending WHERE kind = '${kind}')
        SELECT * FROM (SELECT * FROM c EXCEPT SELECT * FROM s) UNION ALL SELECT * FROM (SELECT * FROM s EXCEPT SELECT * FROM c)`,
    sentence: (row) => `The sums of ${when(row['quarter'])} for the ${kind} ${row['id']} are not those of its requests.`,
  })),
]

function bigintOf(value: Row[string] | undefined): bigint {
  return typeof value === 'bigint' ? value : 0n
}

/** The sums of tags: beside SQL, since metadata may have words that SQLite's JSON reads otherwise. */
function checkTags(db: DatabaseSync, found: Findings): void {
  const sums = new Map<string, { readonly tag: string; readonly quarter: bigint; requests: bigint; tokens: bigint; cost: bigint }>()
  const add = (tag: string, row: Row, sign: bigint): void => {
    const quarter = bigintOf(row['quarter'])
    const name = JSON.stringify([tag, String(quarter), row['provider'], row['model'], row['asked']])
    const sum = sums.get(name) ?? { tag, quarter, requests: 0n, tokens: 0n, cost: 0n }
    sums.set(name, sum)
    sum.requests += sign * bigintOf(row['requests'])
    sum.tokens += sign * bigintOf(row['tokens'])
    sum.cost += sign * bigintOf(row['cost'])
  }
  const charged = `SELECT tags, at / ${quarterMs} AS quarter, provider, model, asked, count(*) AS requests, sum(tokens_in + tokens_out) AS tokens,
    sum(nano_usd) AS cost FROM charges WHERE tags <> '' GROUP BY 1, 2, 3, 4, 5`
  for (const row of select(db, charged))
    for (const [key, value] of metadataPairs(String(row['tags']))) add(tagId(key, value).toWellFormed(), row, 1n)
  const summed = "SELECT id, quarter, provider, model, asked, requests, tokens, nano_usd AS cost FROM spending WHERE kind = 'tag'"
  for (const row of select(db, summed)) add(String(row['id']), row, -1n)
  for (const { tag, quarter, requests, tokens, cost } of sums.values())
    if (requests !== 0n || tokens !== 0n || cost !== 0n)
      found.add('tags', `The sums of ${when(quarter)} for the metadata ${tag} are not those of its requests.`)
}

/** What somebody asked for is what was entered, and what was noted beside it. */
function checkFingerprints(db: DatabaseSync, found: Findings): void {
  const asked = `SELECT id, kind, request, note, fingerprint, account, min(pot) AS pot, sum(nano_usd) AS amount
    FROM transfers JOIN entries ON transfer = transfers.id AND pot <> '' WHERE kind <> 'charge' AND state = 'posted' GROUP BY id, account`
  for (const { id, kind, request, note, fingerprint, account, pot, amount } of select(db, asked)) {
    const of = kind === 'refund' ? [request, amount] : [amount, pot]
    // A refund of all that is left names no amount.
    const written = [of, ...(kind === 'refund' ? [[request, undefined]] : [])].map((middle) =>
      fingerprintOf([kind, account, ...middle, note]),
    )
    if (!written.includes(String(fingerprint)))
      found.add('fingerprints', `Transfer ${id} (${kind} of ${usd(amount)} for ${account}) is not the one that was asked for.`)
  }
}

/** Whoever takes a trigger away, or changes it, can write what it refused. */
function checkSchema(db: DatabaseSync, found: Findings): void {
  const schemaOf = (one: DatabaseSync): Row[] => select(one, "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
  const fresh = openLedgerDatabase(':memory:')
  const expected = schemaOf(fresh)
  fresh.close()
  const there = new Map(schemaOf(db).map(({ name, sql }) => [name, sql]))
  for (const { type, name, sql } of expected) {
    if (!there.has(name)) found.add('schema', `The ${type} ${name} is gone${type === 'trigger' ? ', which protects what is booked' : ''}.`)
    else if (there.get(name) !== sql) found.add('schema', `The ${type} ${name} is not as Turnpike made it.`)
  }
}

function compareRecords(db: DatabaseSync, store: DatabaseSync, beganAtMs: number, found: Findings): number {
  const charge = db.prepare('SELECT nano_usd, tokens_in, tokens_out FROM charges WHERE request = ?')
  charge.setReadBigInts(true)
  const records = store.prepare(
    'SELECT id, coalesce(cost_nano_usd, 0) AS cost, coalesce(input, 0) AS input, coalesce(output, 0) AS output FROM requests WHERE seq >= ?',
  )
  records.setReadBigInts(true)
  let compared = 0
  for (const record of records.iterate(beganAtMs * seqPerMs)) {
    compared++
    const id = String(record['id'])
    const booked = charge.get(id)
    if (booked === undefined) found.add('unbooked', `The request ${id} has a record, and the ledger does not know it.`)
    else if (booked['nano_usd'] !== record['cost'])
      found.add(
        'cost',
        `The request ${id} cost ${usd(record['cost'] as bigint)} by its record and ${usd(booked['nano_usd'] as bigint)} by the ledger.`,
      )
    else if (booked['tokens_in'] !== record['input'] || booked['tokens_out'] !== record['output'])
      found.add('tokens', `The request ${id} has other tokens in its record than in the ledger.`)
  }
  return compared
}

type Findings = { add(kind: string, sentence: string): void; sentences(): string[] }

function createFindings(): Findings {
  const kinds = new Map<string, { readonly sentences: string[]; more: number }>()
  return {
    add(kind, sentence) {
      const of = kinds.get(kind) ?? { sentences: [], more: 0 }
      kinds.set(kind, of)
      if (of.sentences.length < told) of.sentences.push(sentence)
      else of.more++
    },
    sentences: () =>
      [...kinds.values()].flatMap(({ sentences, more }) => (more === 0 ? sentences : [...sentences, `... and ${more} more of this kind.`])),
  }
}

function select(db: DatabaseSync, sql: string): Row[] {
  const statement = db.prepare(sql)
  statement.setReadBigInts(true)
  return statement.all() as Row[]
}

function countOf(db: DatabaseSync, table: 'transfers' | 'charges'): number {
  return Number(db.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count'])
}
