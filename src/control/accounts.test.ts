// What people may ask of accounts: amounts that are money, wallets of somebody who is there, and a note of each write.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createLedger, type BalanceChange, type Ledger } from '#store'
import { createAccounts, type AccountsDeps } from './accounts.ts'
import type { Accounts } from './accounts-port.ts'
import type { Actor, OwnerView } from './port.ts'
import { Refusal } from './refusal.ts'

const admin: Actor = { kind: 'admin' }
const owner = (id: string, name: string, prepaid: boolean): OwnerView => ({
  id,
  name,
  prepaid,
  created_at: '2026-11-22T00:00:00.000Z',
  updated_at: '2026-11-22T00:00:00.000Z',
})

type Scene = { readonly accounts: Accounts; readonly ledger: Ledger; readonly notes: object[]; readonly changes: BalanceChange[] }

function scene(t: TestContext, deps: Partial<AccountsDeps> = {}): Scene {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-accounts-'))
  const ledger = createLedger({ ledger: join(folder, 'ledger.db'), records: join(folder, 'records.db'), settle: async () => undefined })
  t.after(async () => {
    await ledger.close()
    rmSync(folder, { recursive: true })
  })
  const notes: object[] = []
  const changes: BalanceChange[] = []
  ledger.onBalance((change) => changes.push(change))
  const control = {
    users: { list: () => [owner('user_ada', 'Ada', true)] },
    teams: { list: () => [owner('team_red', 'Red', false)] },
  } as unknown as AccountsDeps['control']
  const accounts = createAccounts({
    ledger,
    control,
    note: async (actor, what) => void notes.push({ ...actor, ...what }),
    held: () => new Map([['wallet:user_ada', 250_000_000n]]),
    ...deps,
  })
  return { accounts, ledger, notes, changes }
}

async function refusal(asked: Promise<unknown>): Promise<Refusal> {
  const error = await asked.then(
    () => assert.fail('it was not refused'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof Refusal, String(error))
  return error
}

test('a credit opens the wallet, is noted, and is told to whoever keeps balances', async (t) => {
  const { accounts, notes, changes } = scene(t)
  assert.equal((await accounts.get('user_ada')).balance_usd, '0')
  const { transfer, account } = await accounts.credit('user_ada', { amount_usd: '25.5', note: 'invoice 7' }, admin, undefined)
  assert.deepEqual(transfer.entries, [
    { account: 'cash:manual', pot: null, amount_usd: '-25.5' },
    { account: 'wallet:user_ada', pot: 'paid', amount_usd: '25.5' },
  ])
  assert.deepEqual(account.owner, { kind: 'user', id: 'user_ada', name: 'Ada' })
  assert.deepEqual([account.balance_usd, account.held_usd, account.prepaid], ['25.5', '0.25', true])
  await accounts.credit('wallet:team_red', { amount_usd: '0.000000001', pot: 'promo' }, admin, undefined)
  assert.deepEqual(changes, [
    { account: 'wallet:user_ada', deltaNanoUsd: 25_500_000_000n, balanceNanoUsd: 25_500_000_000n },
    { account: 'wallet:team_red', deltaNanoUsd: 1n, balanceNanoUsd: 1n },
  ])
  assert.deepEqual(notes[0], {
    kind: 'admin',
    action: 'account.credit',
    target: 'wallet:user_ada',
    detail: { amount_usd: '25.5', pot: 'paid', note: 'invoice 7', transfer: transfer.id },
  })
  assert.deepEqual(
    (await accounts.list()).map(({ id, balance_usd: balance }) => [id, balance]),
    [
      ['adjustments', '-0.000000001'],
      ['cash:manual', '-25.5'],
      ['provider_cost', '0'],
      ['revenue', '0'],
      ['wallet:instance', '0'],
      ['wallet:team_red', '0.000000001'],
      ['wallet:user_ada', '25.5'],
    ],
  )
})

test('what is not an amount of money is refused and says why', async (t) => {
  const { accounts, notes } = scene(t)
  const cases: [unknown, RegExp][] = [
    [undefined, /amount_usd/],
    [null, /amount_usd is missing/],
    [25, /must be text, like "25" or "0\.50", and not a number, which would be rounded/],
    ['', /is "", which is not an amount/],
    ['-5', /it must be more than 0\. What was booked wrongly is put right by an adjustment/],
    ['0', /must be more than 0/],
    ['0.0000000001', /with 10 decimals; it may have 9 at most/],
    ['1.', /not an amount/],
    ['1e3', /not an amount/],
    ['NaN', /not an amount/],
    ['Infinity', /not an amount/],
    ['0x10', /not an amount/],
    [' 1', /not an amount/],
    ['9'.repeat(30), /moves \$1000000 at most/],
    ['9'.repeat(300), /not an amount/],
    ['1000000.000000001', /moves \$1000000 at most/],
    [['1'], /must be text/],
  ]
  for (const [amount, message] of cases) {
    const refused = await refusal(accounts.credit('user_ada', { amount_usd: amount }, admin, undefined))
    assert.equal(refused.kind, 'invalid_request')
    assert.equal(refused.field, 'amount_usd')
    assert.match(refused.message, message)
  }
  for (const body of [
    null,
    [],
    'x',
    { amount_usd: '1', extra: 1 },
    { amount_usd: '1', pot: 'gold' },
    { amount_usd: '1', note: 'x'.repeat(501) },
  ])
    assert.equal((await refusal(accounts.credit('user_ada', body, admin, undefined))).kind, 'invalid_request')
  assert.equal((await refusal(accounts.adjust('user_ada', { amount_usd: '1' }, admin, undefined))).field, 'note')
  assert.deepEqual(notes, [])
  assert.equal((await accounts.credit('user_ada', { amount_usd: '1000000' }, admin, undefined)).account.balance_usd, '1000000')
})

test('an account that nobody has, and one of the ledger itself, are not credited', async (t) => {
  const { accounts } = scene(t)
  const credit = (id: string) => refusal(accounts.credit(id, { amount_usd: '1' }, admin, undefined))
  assert.equal((await credit('user_adda')).kind, 'not_found')
  assert.equal((await credit('wallet:nobody')).kind, 'not_found')
  assert.equal((await credit('cash:card')).kind, 'not_found')
  assert.equal((await credit('revenue')).kind, 'conflict')
  assert.match((await credit('wallet:instance')).message, /has no limit/)
  assert.equal((await refusal(accounts.get('nobody'))).kind, 'not_found')
  assert.equal((await refusal(accounts.statement('nobody', {}, 10, undefined))).kind, 'not_found')
  assert.equal((await refusal(accounts.transfers({ account: 'nobody' }, 10, undefined, 'newest'))).kind, 'not_found')
  assert.equal((await refusal(accounts.transfers({}, 10, 'x', 'newest'))).field, 'cursor')
})

test('a write whose note failed is sent again with its key: made once, and noted then', async (t) => {
  let fails = true
  const notes: object[] = []
  const { accounts, changes } = scene(t, {
    note: async (_actor, what) => {
      if (fails) throw new Refusal('unavailable', 'The control store cannot be written.')
      notes.push(what)
    },
  })
  const credit = () => accounts.credit('user_ada', { amount_usd: '5' }, admin, 'k')
  assert.equal((await refusal(credit())).kind, 'unavailable')
  fails = false
  assert.equal((await credit()).account.balance_usd, '5')
  assert.equal((await credit()).account.balance_usd, '5')
  assert.equal(notes.length, 2)
  assert.equal(changes.length, 1)
  assert.equal((await refusal(accounts.credit('user_ada', { amount_usd: '6' }, admin, 'k'))).kind, 'conflict')
})

test('statements and transfers come in pages', async (t) => {
  const { accounts } = scene(t)
  for (const amount of ['1', '2', '3', '4']) await accounts.credit('user_ada', { amount_usd: amount }, admin, undefined)
  await accounts.adjust('user_ada', { amount_usd: '-1.5', note: 'twice' }, admin, undefined)
  const first = await accounts.statement('user_ada', {}, 3, undefined)
  const second = await accounts.statement('user_ada', {}, 3, first.next_cursor ?? undefined)
  assert.deepEqual(
    [...first.data, ...second.data].map(({ amount_usd: amount, balance_usd: balance }) => [amount, balance]),
    [
      ['1', '1'],
      ['2', '3'],
      ['3', '6'],
      ['4', '10'],
      ['-1.5', '8.5'],
    ],
  )
  assert.deepEqual([first.opening_usd, second.opening_usd, second.next_cursor], ['0', '6', null])
  const newest = await accounts.transfers({ kind: 'adjustment' }, 10, undefined, 'newest')
  assert.deepEqual(newest.data.map(({ note }) => note), ['twice']) // prettier-ignore
  const oldest = await accounts.transfers({ account: 'user_ada' }, 2, undefined, 'oldest')
  const rest = await accounts.transfers({ account: 'user_ada' }, 9, oldest.next_cursor ?? undefined, 'oldest')
  assert.deepEqual(
    [...oldest.data, ...rest.data].map(({ kind }) => kind),
    ['credit', 'credit', 'credit', 'credit', 'adjustment'],
  )
  const { ok, violations } = await accounts.check()
  assert.deepEqual([ok, violations], [true, []])
})
