// The ledger's promises: each request once, every transfer balanced, nothing that is booked ever changed, and windows that add up.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { sampleFinish } from '#test/records.ts'
import { chargeOf, createChargeBook, type Charge } from './ledger-charges.ts'
import { checkLedger } from './ledger-check.ts'
import { accountOf, readAccounts, readStatement, readTransfers } from './ledger-queries.ts'
import { readFirst, readSpending } from './ledger-spending.ts'
import { ledgerSchemaVersion, openLedgerDatabase } from './ledger-schema.ts'
import { writing } from './transaction.ts'
import { postAdjustment, postCredit, postRefund } from './ledger-transfers.ts'
import type { LedgerRefusal, SpendingScope, TransferMade } from './ledger.ts'

const now = 1_790_000_000_000
const dollar = 1_000_000_000n

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-ledger-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

function ledgerInMemory(t: TestContext): DatabaseSync {
  const db = openLedgerDatabase(':memory:')
  t.after(() => db.close())
  return db
}

function chargeFor(request: string, changes: Partial<Charge> = {}): Charge {
  return { ...chargeOf(sampleFinish(request)), ...changes }
}

function book(db: DatabaseSync, charges: readonly Charge[], nowMs = now): number {
  return writing(db, () => createChargeBook(db)(charges, nowMs))
}

const asked = { key: undefined, actor: 'admin', note: '' }

function credit(db: DatabaseSync, account: string, nanoUsd: bigint, pot: 'paid' | 'promo' = 'paid'): TransferMade {
  return made(writing(db, () => postCredit(db, { ...asked, account, nanoUsd, pot }, now)))
}

function refund(db: DatabaseSync, account: string, request: string, nanoUsd?: bigint): TransferMade | LedgerRefusal {
  return writing(db, () => postRefund(db, { ...asked, account, request, nanoUsd }, now))
}

function made(answer: TransferMade | LedgerRefusal): TransferMade {
  assert.ok('transfer' in answer, 'refused' in answer ? answer.message : '')
  return answer
}

function refusedBecause(answer: TransferMade | LedgerRefusal, kind: LedgerRefusal['refused'], message: RegExp): void {
  assert.ok('refused' in answer)
  assert.equal(answer.refused, kind)
  assert.match(answer.message, message)
}

const balances = (db: DatabaseSync): Record<string, bigint> =>
  Object.fromEntries(readAccounts(db).map(({ id, balanceNanoUsd }) => [id, balanceNanoUsd]))

const violations = (db: DatabaseSync): readonly string[] => checkLedger(db, undefined).violations

test('a batch is one balanced transfer; a request that comes again, in whichever batch, changes nothing', (t) => {
  const db = ledgerInMemory(t)
  assert.equal(book(db, [chargeFor('a'), chargeFor('b'), chargeFor('a')]), 2)
  assert.equal(book(db, [chargeFor('a')]), 0)
  assert.equal(book(db, [chargeFor('b'), chargeFor('c'), chargeFor('a', { nanoUsd: 5n })]), 1)
  assert.deepEqual(balances(db), { adjustments: 0n, 'cash:manual': 0n, provider_cost: 0n, revenue: 81_000n, 'wallet:instance': -81_000n })
  const { transfers } = readTransfers(db, {}, 10, undefined, 'oldest')
  assert.deepEqual(
    transfers.map(({ kind, requests, request }) => [kind, requests, request]),
    [
      ['charge', 2, undefined],
      ['charge', 1, 'c'],
    ],
  )
  assert.deepEqual(violations(db), [])
})

test('what costs nothing is counted and has no entries', (t) => {
  const db = ledgerInMemory(t)
  book(db, [chargeFor('a', { nanoUsd: 0n, source: 'unpriced' }), chargeFor('b', { nanoUsd: 0n, tokensIn: 0, tokensOut: 0, asked: '' })])
  assert.deepEqual(readTransfers(db, {}, 10, undefined, 'oldest').transfers, [])
  const spent = readSpending(db, { kind: 'key', id: 'key_1' }, 0, now * 2)
  assert.deepEqual(
    spent.map(({ asked, nanoUsd, tokens, requests }) => [asked, nanoUsd, tokens, requests]),
    [
      ['', 0n, 0, 1],
      ['gpt-5-mini', 0n, 120, 1],
    ],
  )
  assert.deepEqual(violations(db), [])
})

test('what a record says is what is booked: unpriced is 0, an absurd figure is bounded, what nobody pays is a loss', (t) => {
  const db = ledgerInMemory(t)
  const records = [
    sampleFinish('a', { costNanoUsd: undefined, costSource: 'unpriced' }),
    sampleFinish('b', { costNanoUsd: 10n ** 30n }),
    sampleFinish('c', { costNanoUsd: -5n }),
    sampleFinish('d', { costNanoUsd: 0n, providerCostNanoUsd: 400n, user: 'ada', team: 'x', wallet: 'wallet:ada', metadata: '{"a":1}' }),
    sampleFinish('e', { atMs: Number.NaN, usage: undefined, metadata: 'no json' }),
  ]
  book(db, records.map(chargeOf))
  const { revenue, provider_cost: lost, adjustments } = balances(db)
  assert.deepEqual([revenue, lost, adjustments], [9_000_000_000_000n + 27_000n, 400n, -400n])
  assert.deepEqual(violations(db), [])
})

test('promo is spent first, and a wallet may end below 0 by its last request', (t) => {
  const db = ledgerInMemory(t)
  credit(db, 'wallet:ada', 10n)
  credit(db, 'wallet:ada', 30n, 'promo')
  const of = (request: string) => chargeFor(request, { wallet: 'wallet:ada', nanoUsd: 20n })
  book(db, [of('a'), of('b')])
  assert.deepEqual(accountOf(db, 'wallet:ada')?.pots, { paid: 0n, promo: 0n })
  book(db, [of('c')])
  assert.deepEqual(accountOf(db, 'wallet:ada')?.pots, { paid: -20n, promo: 0n })
  assert.deepEqual(violations(db), [])
})

test('a refund goes back to the pots that paid, and never passes the charge, not even in parts', (t) => {
  const db = ledgerInMemory(t)
  credit(db, 'wallet:ada', 6n, 'promo')
  credit(db, 'wallet:ada', 100n)
  book(db, [chargeFor('a', { wallet: 'wallet:ada', nanoUsd: 20n }), chargeFor('free', { wallet: 'wallet:ada', nanoUsd: 0n })])
  refusedBecause(refund(db, 'wallet:ada', 'a', 21n), 'conflict', /cost \$0\.00000002; \$0\.000000021 is more than that/)
  refusedBecause(refund(db, 'wallet:bob', 'a'), 'invalid_request', /was charged to wallet:ada, not to wallet:bob/)
  refusedBecause(refund(db, 'wallet:ada', 'nothing'), 'not_found', /no charge of a request "nothing"/)
  refusedBecause(refund(db, 'wallet:ada', 'free'), 'conflict', /cost nothing/)
  made(refund(db, 'wallet:ada', 'a', 15n))
  assert.deepEqual(accountOf(db, 'wallet:ada')?.pots, { paid: 100n, promo: 1n })
  refusedBecause(refund(db, 'wallet:ada', 'a', 6n), 'conflict', /of which \$0\.000000015 has been refunded/)
  made(refund(db, 'wallet:ada', 'a'))
  assert.deepEqual(accountOf(db, 'wallet:ada')?.pots, { paid: 100n, promo: 6n })
  refusedBecause(refund(db, 'wallet:ada', 'a'), 'conflict', /all of which has been refunded/)
  assert.deepEqual(violations(db), [])
})

test('an adjustment goes either way, but takes no more than is there; credits have no place in an account without a limit', (t) => {
  const db = ledgerInMemory(t)
  const adjust = (account: string, nanoUsd: bigint) =>
    writing(db, () => postAdjustment(db, { ...asked, account, nanoUsd, pot: 'paid', note: 'why' }, now))
  refusedBecause(adjust('wallet:ada', 5n), 'not_found', /first credit of a user or a team opens one/)
  credit(db, 'wallet:ada', 10n)
  refusedBecause(adjust('wallet:ada', -11n), 'conflict', /would take more than there is/)
  made(adjust('wallet:ada', -10n))
  made(adjust('wallet:ada', 3n))
  made(adjust('wallet:instance', -3n))
  assert.equal(accountOf(db, 'wallet:ada')?.balanceNanoUsd, 3n)
  refusedBecause(
    writing(db, () => postCredit(db, { ...asked, account: 'wallet:instance', nanoUsd: 1n, pot: 'paid' }, now)),
    'conflict',
    /has no limit/,
  )
  assert.deepEqual(violations(db), [])
})

test('one key is one transfer: the same again answers as before, other content is a conflict', (t) => {
  const db = ledgerInMemory(t)
  const write = (nanoUsd: bigint, note = '') =>
    writing(db, () => postCredit(db, { ...asked, note, key: 'k-1', account: 'wallet:ada', nanoUsd, pot: 'paid' }, now))
  const first = made(write(dollar))
  assert.equal(first.replayed, false)
  const again = made(write(dollar))
  assert.equal(again.replayed, true)
  assert.equal(again.transfer.id, first.transfer.id)
  refusedBecause(write(2n * dollar), 'conflict', /Idempotency-Key was used for another transfer/)
  refusedBecause(write(dollar, 'another note'), 'conflict', /Idempotency-Key/)
  assert.equal(accountOf(db, 'wallet:ada')?.balanceNanoUsd, dollar)
})

test('raw SQL cannot change what is booked, post what does not add up, or book a request twice', (t) => {
  const db = ledgerInMemory(t)
  credit(db, 'wallet:ada', dollar)
  book(db, [chargeFor('a', { wallet: 'wallet:ada' })])
  db.exec("INSERT INTO transfers (id, kind, at) VALUES (50, 'credit', 1)")
  const booked = () => db.prepare('SELECT * FROM entries WHERE transfer < 50 ORDER BY transfer, account, pot').all()
  const before = booked()
  const attempts: [string, RegExp][] = [
    ["UPDATE entries SET nano_usd = 1 WHERE account = 'revenue'", /an entry stays as it is/],
    ["UPDATE OR REPLACE entries SET account = 'revenue'", /an entry stays as it is/],
    ['DELETE FROM entries', /an entry stays/],
    ["INSERT INTO entries VALUES (1, 'revenue', '', 5)", /belongs to an open transfer/],
    ["INSERT OR REPLACE INTO entries VALUES (1, 'wallet:ada', 'paid', 5)", /belongs to an open transfer/],
    ["INSERT INTO entries VALUES (99, 'revenue', '', 5)", /belongs to an open transfer/],
    ["INSERT INTO entries VALUES (50, 'wallet:ada', '', 5)", /constraint/],
    ["INSERT INTO entries VALUES (50, 'nobody', '', 5)", /FOREIGN KEY/],
    ["INSERT INTO entries VALUES (50, 'revenue', '', 0)", /constraint/],
    ["INSERT INTO entries VALUES (50, 'revenue', '', 1.5)", /cannot store REAL value in INTEGER column/],
    ["UPDATE transfers SET note = 'x' WHERE id = 1", /a posted transfer stays as it is/],
    ["UPDATE transfers SET state = 'open' WHERE id = 1", /a posted transfer stays as it is/],
    ['DELETE FROM transfers WHERE id = 1', /a posted transfer stays/],
    ["INSERT OR REPLACE INTO transfers (id, kind, at) VALUES (1, 'credit', 1)", /there is a transfer of this id or key/],
    ["INSERT INTO transfers (kind, at, state, key) VALUES ('credit', 1, 'posted', 'k')", /a transfer begins open/],
    ["UPDATE transfers SET note = 'x' WHERE id = 50", /can only be posted/],
    ["UPDATE OR REPLACE transfers SET id = 1, state = 'posted', key = 'k' WHERE id = 50", /can only be posted/],
    ["UPDATE transfers SET state = 'posted', key = 'k' WHERE id = 50", /two entries at least/],
    ["UPDATE transfers SET state = 'posted' WHERE id = 50", /two entries at least/],
    ['UPDATE charges SET nano_usd = 0', /a charge stays as it is/],
    ['DELETE FROM charges', /a charge stays/],
    ["INSERT INTO charges SELECT NULL, 'a', at, key_id, user, team, wallet, provider, model, asked, 1, 1, nano_usd, 0, 0, '', '', transfer FROM charges", /UNIQUE/],
    ['DELETE FROM accounts', /an account stays/],
    ["UPDATE accounts SET kind = 'cash'", /an account stays as it is/],
  ] // prettier-ignore
  for (const [sql, message] of attempts) assert.throws(() => db.exec(sql), message, sql)
  db.exec("INSERT INTO entries VALUES (50, 'revenue', '', 5), (50, 'adjustments', '', -4)")
  assert.throws(() => db.exec("UPDATE transfers SET state = 'posted', key = 'k' WHERE id = 50"), /the entries of a transfer sum to 0/)
  assert.throws(() => db.exec('DELETE FROM transfers WHERE id = 50'), /FOREIGN KEY/)
  assert.deepEqual(violations(db), [
    'The entries of transfer 50 sum to $0.000000001, not to 0.',
    'All entries together sum to $0.000000001, not to 0.',
    'Transfer 50 was begun and never posted.',
    'Requests cost $0.000027 and lost $0; revenue and refunds say $0.000027005, provider_cost $0.',
  ])
  assert.deepEqual(booked(), before)
})

test('a charge whose requests do not add up to its entries is not posted', (t) => {
  const db = ledgerInMemory(t)
  db.exec(`INSERT INTO transfers (id, kind, at) VALUES (1, 'charge', 1);
    INSERT INTO charges VALUES (1, 'a', 1, '', '', '', 'wallet:instance', '', '', '', 0, 0, 10, 0, 0, '', '', 1);
    INSERT INTO entries VALUES (1, 'wallet:instance', 'paid', -9), (1, 'revenue', '', 9)`)
  assert.throws(
    () => db.exec("UPDATE transfers SET state = 'posted', key = 'k', first_charge = 1, last_charge = 1 WHERE id = 1"),
    /what is charged is the sum of its requests/,
  )
})

test('the check says in words what somebody has made wrong behind the triggers', (t) => {
  const spoil = (sql: string): readonly string[] => {
    const db = openLedgerDatabase(':memory:')
    credit(db, 'wallet:ada', 6n, 'promo')
    book(db, [chargeFor('a', { wallet: 'wallet:ada', user: 'ada', nanoUsd: 20n, tags: '{"env":"prod"}' })])
    made(refund(db, 'wallet:ada', 'a', 5n))
    assert.deepEqual(violations(db), [])
    const triggers = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all()
    for (const { name } of triggers) db.exec(`DROP TRIGGER ${String(name)}`)
    db.exec(`PRAGMA foreign_keys = OFF; ${sql}`)
    for (const { sql: again } of triggers) db.exec(String(again))
    const found = violations(db)
    db.close()
    return found
  }
  const cases: [string, RegExp][] = [
    ["UPDATE wallets SET paid = paid + 1", /The paid pot of wallet:ada says -\$0\.000000008, and its entries sum to -\$0\.000000009/],
    ['UPDATE charges SET promo = promo - 1', /take \$0\.000000005 from the promo pot of wallet:ada, and its entries \$0\.000000006/],
    ['UPDATE charges SET nano_usd = nano_usd - 1', /cost wallet:ada \$0\.000000019, and its entries take \$0\.00000002/],
    ["DELETE FROM entries WHERE account = 'revenue' AND transfer = 2", /The entries of transfer 2 sum to -\$0\.00000002, not to 0/],
    ['DELETE FROM entries WHERE transfer = 1', /Transfer 1 is posted and has 0 entries/],
    ['DELETE FROM transfers WHERE id = 1', /A row of entries refers to one of transfers that is not there/],
    ['UPDATE spending SET nano_usd = 1 WHERE kind = \'user\'', /The sums of 2026-\S+ for the user ada are not those of its requests/],
    ["DELETE FROM spending WHERE kind = 'instance'", /for openai\/gpt-5-mini are not those of its requests/],
    ["UPDATE entries SET nano_usd = nano_usd * 10 WHERE transfer = 3", /The request a cost \$0\.00000002, and \$0\.00000005 were refunded/],
    ["UPDATE wallets SET promo = -1", /The promo pot of wallet:ada is below 0/],
    ["UPDATE spending SET nano_usd = 0 WHERE kind = 'tag'", /^The sums of 2026-\S+ for the metadata env=prod are not those of its requests\.$/],
    ["DELETE FROM spending WHERE kind = 'tag'", /^The sums of \S+ for the metadata env=prod /],
    ["UPDATE charges SET tags = ''", /for the metadata env=prod are not/],
    // Everything adds up, and somebody has twice as much as was credited.
    [`UPDATE entries SET nano_usd = nano_usd * 2 WHERE transfer = 1; UPDATE wallets SET promo = promo + 6 WHERE account = 'wallet:ada'`,
      /^Transfer 1 \(credit of \$0\.000000012 for wallet:ada\) is not the one that was asked for\.$/],
    ["UPDATE transfers SET note = 'gift' WHERE id = 3", /^Transfer 3 \(refund of \$0\.000000005 for wallet:ada\) is not/],
    ['UPDATE transfers SET requests = 2 WHERE id = 2', /^Transfer 2 was made for "1 requests, 20 \+ 0" nano-USD; it has 1 requests, and its entries say "2 requests, 20 \+ 0"\.$/],
    [`UPDATE transfers SET at = 5 WHERE id = 2`, /^Transfer 2 says an earlier time than transfer 1, which was made before it\.$/],
    [`UPDATE accounts SET kind = 'cash' WHERE id = 'wallet:ada'; UPDATE wallets SET paid = paid + 1`, /The paid pot of wallet:ada says/],
  ] // prettier-ignore
  for (const [sql, message] of cases) assert.match(spoil(sql).join('\n'), message, sql)
  const db = ledgerInMemory(t)
  db.exec('DROP TRIGGER entry_stays')
  assert.deepEqual(violations(db), ['The trigger entry_stays is gone, which protects what is booked.'])
  db.exec('CREATE TRIGGER entry_stays BEFORE DELETE ON entries BEGIN SELECT 1; END')
  assert.deepEqual(violations(db), ['The trigger entry_stays is not as Turnpike made it.'])
})

test('metadata of any words is summed as the check reads it', (t) => {
  const db = ledgerInMemory(t)
  const odd = [{ a: 'x\0y' }, { a: '\ud800' }, { a: '\ud801', b: 'c' }, { 'a%=': '=' }, { '\0k': 'v' }, { '': '' }, { 'é"\\': '😀' }]
  for (const [at, tags] of odd.entries()) book(db, [chargeFor(`r${at}`, { tags: JSON.stringify(tags) })])
  made(refund(db, 'wallet:instance', 'r0'))
  assert.deepEqual(violations(db), [])
})

test('a statement runs on from its opening balance, page by page and window by window, when the clock goes back too', (t) => {
  const db = ledgerInMemory(t)
  credit(db, 'wallet:ada', 100n)
  const of = (request: string) => chargeFor(request, { wallet: 'wallet:ada', nanoUsd: 7n })
  book(db, [of('a'), of('b')], now + 10)
  book(db, [of('c')], now - 5000)
  credit(db, 'wallet:bob', 5n)
  made(refund(db, 'wallet:ada', 'c', 2n))
  const whole = readStatement(db, 'wallet:ada', {}, 100, undefined)
  assert.equal(whole.openingNanoUsd, 0n)
  assert.deepEqual(
    whole.lines.map(({ kind, paidNanoUsd, balanceNanoUsd, requests, request, atMs }) => [kind, paidNanoUsd, balanceNanoUsd, requests, request, atMs - now]),
    [
      ['credit', 100n, 100n, 0, undefined, 0],
      ['charge', -14n, 86n, 2, undefined, 10],
      ['charge', -7n, 79n, 1, 'c', 10],
      ['refund', 2n, 81n, 0, 'c', 10],
    ],
  ) // prettier-ignore
  const pages = []
  for (let next: number | undefined; ;) {
    const page = readStatement(db, 'wallet:ada', {}, 2, next)
    pages.push(...page.lines)
    next = page.next
    if (next === undefined) break
  }
  assert.deepEqual(pages, whole.lines)
  assert.equal(readStatement(db, 'wallet:ada', { fromMs: now + 5 }, 9, undefined).openingNanoUsd, 100n)
  assert.deepEqual(readStatement(db, 'wallet:ada', { fromMs: now + 11 }, 9, undefined), { openingNanoUsd: 81n, lines: [], next: undefined })
})

test('spending in any window is that of its requests, for each scope', (t) => {
  const db = ledgerInMemory(t)
  const quarter = 900_000
  const at = Math.floor(now / quarter) * quarter
  const times = [at - 1, at, at + 1, at + quarter - 1, at + quarter, at + 3 * quarter + 17, at + 100 * quarter]
  const charges = times.map((atMs, index) =>
    chargeFor(`r${index}`, {
      atMs,
      keyId: `key_${index % 2}`,
      user: index % 3 === 0 ? 'ada' : '',
      team: 'red',
      model: index % 2 === 0 ? 'gpt-5' : 'gpt-5-mini',
      tags: index < 3 ? `{"cost=center":"a=b","n":3${index > 0 ? ',"env":"prod"' : ''}}` : '',
      nanoUsd: BigInt(10 ** index),
      tokensIn: index,
      tokensOut: 1,
    }),
  )
  for (const charge of charges) book(db, [charge])
  const scopes: [SpendingScope, (charge: Charge) => boolean][] = [
    [{ kind: 'instance', id: '' }, () => true],
    [{ kind: 'key', id: 'key_1' }, ({ keyId }) => keyId === 'key_1'],
    [{ kind: 'user', id: 'ada' }, ({ user }) => user === 'ada'],
    [{ kind: 'team', id: 'red' }, () => true],
    [{ kind: 'team', id: 'blue' }, () => false],
    [{ kind: 'provider', id: 'openai' }, () => true],
    [{ kind: 'model', id: 'gpt-5' }, ({ model }) => model === 'gpt-5'],
    [{ kind: 'instance', id: '', metadata: { 'cost=center': 'a=b' } }, ({ tags }) => tags !== ''],
    [{ kind: 'instance', id: '', metadata: { 'cost=center': 'a=b', env: 'prod' } }, ({ tags }) => tags.includes('prod')],
    [{ kind: 'key', id: 'key_1', metadata: { env: 'prod' } }, ({ tags, keyId }) => tags.includes('prod') && keyId === 'key_1'],
    [{ kind: 'instance', id: '', metadata: { n: '3' } }, () => false],
    [{ kind: 'tag', id: 'cost%3Dcenter=a=b' }, ({ tags }) => tags !== ''],
    [{ kind: 'tag', id: 'env=prod', metadata: { 'cost=center': 'a=b' } }, ({ tags }) => tags.includes('prod')],
  ]
  const bounds = [0, at - 1, at, at + 2, at + quarter, at + 3 * quarter, at + 4 * quarter, Number.MAX_SAFE_INTEGER]
  for (const [scope, holds] of scopes) {
    const first = readFirst(db, scope).map(({ atMs }) => atMs)
    assert.deepEqual(Math.min(...first), Math.min(...charges.filter(holds).map(({ atMs }) => atMs)))
    for (const from of bounds)
      for (const to of bounds) {
        const inside = charges.filter((charge) => charge.atMs >= from && charge.atMs < to && holds(charge))
        const found = readSpending(db, scope, from, to)
        const where = `${scope.kind} ${scope.id} ${from} ${to}`
        assert.equal(found.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0n), inside.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0n), where) // prettier-ignore
        assert.equal(found.reduce((sum, { tokens }) => sum + tokens, 0), inside.reduce((sum, { tokensIn }) => sum + tokensIn + 1, 0), where) // prettier-ignore
        assert.equal(found.reduce((sum, { requests }) => sum + requests, 0), inside.length, where) // prettier-ignore
      }
  }
})

test("the file is its owner's alone; a newer release's, or another program's, is refused", (t) => {
  const folder = temporary(t)
  const file = join(folder, 'ledger.db')
  openLedgerDatabase(file).close()
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const db = new DatabaseSync(file)
  db.exec(`PRAGMA user_version = ${ledgerSchemaVersion + 1}`)
  db.close()
  assert.throws(() => openLedgerDatabase(file), /was written by a newer Turnpike/)
  const other = new DatabaseSync(join(folder, 'other.db'))
  other.exec('PRAGMA user_version = 1')
  other.close()
  assert.throws(() => openLedgerDatabase(join(folder, 'other.db')), /is a database, but not a ledger/)
  assert.throws(() => openLedgerDatabase(join(folder, 'no', 'ledger.db')), /The ledger .* cannot be opened/)
})
