// Random histories of a ledger beside a model of it: after every step all invariants hold and both say the same.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import fc from 'fast-check'
import { createChargeBook, quarterMs, type Charge } from './ledger-charges.ts'
import { checkLedger } from './ledger-check.ts'
import { readAccounts, readStatement } from './ledger-queries.ts'
import { openLedgerDatabase } from './ledger-schema.ts'
import { writing } from './transaction.ts'
import { readFirst, readSpending } from './ledger-spending.ts'
import { postAdjustment, postCredit, postRefund } from './ledger-transfers.ts'
import type { LedgerRefusal, Pot, SpendingScope, TransferMade } from './ledger.ts'

const startMs = 1_790_000_000_000
const wallets = ['wallet:instance', 'wallet:ada', 'wallet:red'] as const

type Step =
  | { readonly do: 'book'; readonly charges: readonly Charge[]; readonly again: boolean; readonly dies: boolean }
  | { readonly do: 'credit'; readonly wallet: string; readonly nanoUsd: bigint; readonly pot: Pot; readonly key: string | undefined }
  | { readonly do: 'adjust'; readonly wallet: string; readonly nanoUsd: bigint; readonly pot: Pot }
  | { readonly do: 'refund'; readonly request: string; readonly wallet: string; readonly nanoUsd: bigint | undefined }
  | { readonly do: 'reopen' }
  | { readonly do: 'clock'; readonly byMs: number }

/** Few ids, so that they come again; tiny amounts, so that balances run out. */
const request = fc.integer({ min: 0, max: 24 }).map((n) => `r${n}`)
const wallet = fc.constantFrom(...wallets)
const pot = fc.constantFrom('paid' as const, 'promo' as const)
const tiny = fc.bigInt({ min: 1n, max: 12n })
const charge: fc.Arbitrary<Charge> = fc.record({
  request,
  atMs: fc.integer({ min: startMs - 2 * quarterMs, max: startMs + 2 * quarterMs }),
  keyId: fc.constantFrom('k1', 'k2'),
  user: fc.constantFrom('', 'ada'),
  team: fc.constantFrom('', 'red'),
  wallet,
  provider: fc.constantFrom('openai', 'groq'),
  model: fc.constantFrom('small', 'large'),
  asked: fc.constantFrom('fast', 'openai/small'),
  tokensIn: fc.integer({ min: 0, max: 9 }),
  tokensOut: fc.integer({ min: 0, max: 9 }),
  nanoUsd: fc.bigInt({ min: 0n, max: 9n }),
  lossNanoUsd: fc.constantFrom(0n, 0n, 0n, 3n),
  source: fc.constantFrom('computed' as const, 'estimated' as const),
  tags: fc.constantFrom('', '{"env":"prod"}', '{"env":"prod","a=b":"c"}'),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('book' as const), charges: fc.array(charge, { minLength: 1, maxLength: 6 }), again: fc.boolean(), dies: fc.constantFrom(false, false, true) }) }, // prettier-ignore
  { weight: 2, arbitrary: fc.record({ do: fc.constant('credit' as const), wallet, nanoUsd: tiny, pot, key: fc.constantFrom(undefined, 'k', 'l') }) }, // prettier-ignore
  { weight: 1, arbitrary: fc.record({ do: fc.constant('adjust' as const), wallet, nanoUsd: fc.bigInt({ min: -9n, max: 9n }).filter((n) => n !== 0n), pot }) }, // prettier-ignore
  { weight: 3, arbitrary: fc.record({ do: fc.constant('refund' as const), request, wallet, nanoUsd: fc.option(tiny, { nil: undefined }) }) }, // prettier-ignore
  { weight: 1, arbitrary: fc.constant({ do: 'reopen' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clock' as const), byMs: fc.integer({ min: -7_200_000, max: 7_200_000 }) }) },
)

/** What a ledger must say, kept the plain way. */
class Model {
  readonly charges = new Map<string, Charge & { readonly promo: bigint }>()
  readonly pots = new Map<string, Record<Pot, bigint>>(wallets.map((id) => [id, { paid: 0n, promo: 0n }]))
  readonly opened = new Set<string>(['wallet:instance'])
  readonly refunded = new Map<string, bigint>()
  readonly keys = new Map<string, string>()
  cash = 0n

  of(id: string): Record<Pot, bigint> {
    return this.pots.get(id)!
  }

  book(charge: Charge): void {
    if (this.charges.has(charge.request)) return
    const pots = this.of(charge.wallet)
    const promo = charge.wallet === 'wallet:instance' || pots.promo <= 0n ? 0n : pots.promo < charge.nanoUsd ? pots.promo : charge.nanoUsd
    this.charges.set(charge.request, { ...charge, promo })
    pots.promo -= promo
    pots.paid -= charge.nanoUsd - promo
    if (charge.nanoUsd > 0n || charge.lossNanoUsd > 0n) this.opened.add(charge.wallet)
  }

  credit({ wallet: id, nanoUsd, pot: into, key }: Extract<Step, { do: 'credit' }>): 'made' | 'replayed' | 'refused' {
    if (id === 'wallet:instance') return 'refused'
    const content = `${id} ${nanoUsd} ${into}`
    if (key !== undefined && this.keys.has(key)) return this.keys.get(key) === content ? 'replayed' : 'refused'
    if (key !== undefined) this.keys.set(key, content)
    this.of(id)[into] += nanoUsd
    if (into === 'paid') this.cash -= nanoUsd
    this.opened.add(id)
    return 'made'
  }

  adjust({ wallet: id, nanoUsd, pot: into }: Extract<Step, { do: 'adjust' }>): 'made' | 'refused' {
    const pots = this.of(id)
    if (!this.opened.has(id)) return 'refused'
    if (id === 'wallet:instance' ? into === 'promo' : nanoUsd < 0n && pots[into] + nanoUsd < 0n) return 'refused'
    pots[into] += nanoUsd
    return 'made'
  }

  refund({ request: id, wallet: to, nanoUsd: wanted }: Extract<Step, { do: 'refund' }>): 'made' | 'refused' {
    const charged = this.charges.get(id)
    const before = this.refunded.get(id) ?? 0n
    if (charged === undefined || charged.wallet !== to) return 'refused'
    const left = charged.nanoUsd - before
    const nanoUsd = wanted ?? left
    if (left === 0n || nanoUsd > left) return 'refused'
    const paidLeft = charged.nanoUsd - charged.promo - before
    const paid = paidLeft <= 0n ? 0n : nanoUsd < paidLeft ? nanoUsd : paidLeft
    this.of(to).paid += paid
    this.of(to).promo += nanoUsd - paid
    this.refunded.set(id, before + nanoUsd)
    return 'made'
  }
}

class Died extends Error {}

function opened(file: string): DatabaseSync {
  const db = openLedgerDatabase(file)
  // Nothing here loses its power.
  db.exec('PRAGMA synchronous = OFF')
  return db
}

function outcome(answer: TransferMade | LedgerRefusal): 'made' | 'replayed' | 'refused' {
  return 'refused' in answer ? 'refused' : answer.replayed ? 'replayed' : 'made'
}

const scopes: readonly [SpendingScope, (charge: Charge) => boolean][] = [
  [{ kind: 'instance', id: '' }, () => true],
  [{ kind: 'key', id: 'k1' }, ({ keyId }) => keyId === 'k1'],
  [{ kind: 'user', id: 'ada' }, ({ user }) => user === 'ada'],
  [{ kind: 'team', id: 'red' }, ({ team }) => team === 'red'],
  [{ kind: 'provider', id: 'groq' }, ({ provider }) => provider === 'groq'],
  [{ kind: 'model', id: 'large' }, ({ model }) => model === 'large'],
  [{ kind: 'tag', id: 'a%3Db=c' }, ({ tags }) => tags.includes('a=b')],
]

function agree(db: DatabaseSync, model: Model): void {
  assert.deepEqual(checkLedger(db, undefined).violations, [])
  const accounts = readAccounts(db)
  const wanted = [...model.pots].filter(([id]) => model.opened.has(id))
  const found = accounts.flatMap(({ id, pots }) => (pots === undefined ? [] : [[id, pots] as const]))
  assert.deepEqual(Object.fromEntries(found), Object.fromEntries(wanted))
  assert.equal(accounts.find(({ id }) => id === 'cash:manual')?.balanceNanoUsd, model.cash)
  assert.equal(accounts.reduce((sum, { balanceNanoUsd }) => sum + balanceNanoUsd, 0n), 0n) // prettier-ignore
  for (const { id, balanceNanoUsd } of accounts) {
    const { openingNanoUsd, lines } = readStatement(db, id, {}, 1000, undefined)
    assert.equal(openingNanoUsd, 0n)
    assert.equal(lines.at(-1)?.balanceNanoUsd ?? 0n, balanceNanoUsd, id)
  }
  const charges = [...model.charges.values()]
  for (const [scope, holds] of scopes) {
    const own = charges.filter(holds)
    assert.equal(Math.min(...readFirst(db, scope).map(({ atMs }) => atMs)), Math.min(...own.map(({ atMs }) => atMs)))
    for (const [from, to] of [[0, Infinity], [startMs - 100_000, startMs + 1_000_000], [startMs - quarterMs, startMs + 7]] as const) {
      const inside = own.filter(({ atMs }) => atMs >= from && atMs < to)
      const spent = readSpending(db, scope, from, to)
      assert.equal(spent.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0n), inside.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0n))
      assert.equal(spent.reduce((sum, { tokens }) => sum + tokens, 0), inside.reduce((sum, { tokensIn, tokensOut }) => sum + tokensIn + tokensOut, 0))
      assert.equal(spent.reduce((sum, { requests }) => sum + requests, 0), inside.length)
    }
  } // prettier-ignore
}

test('whatever is booked, repeated, reordered, refunded or interrupted, the ledger adds up and says what the model says', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 3, maxLength: 16 }), (steps) => {
      const folder = mkdtempSync(join(tmpdir(), 'turnpike-history-'))
      const file = join(folder, 'ledger.db')
      let db = opened(file)
      const model = new Model()
      let nowMs = startMs
      const asked = { key: undefined, actor: 'admin', note: '' }
      try {
        for (const one of steps) {
          switch (one.do) {
            case 'book': {
              const charges = one.again ? [...one.charges, ...one.charges.toReversed()] : one.charges
              if (one.dies)
                assert.throws(
                  () =>
                    writing(db, () => {
                      createChargeBook(db)(charges, nowMs)
                      throw new Died()
                    }),
                  Died,
                )
              else {
                writing(db, () => createChargeBook(db)(charges, nowMs))
                for (const charged of charges) model.book(charged)
              }
              break
            }
            case 'credit': {
              const { wallet: account, nanoUsd, pot: into, key } = one
              const answer = writing(db, () => postCredit(db, { ...asked, key, account, nanoUsd, pot: into }, nowMs))
              assert.equal(outcome(answer), model.credit(one))
              break
            }
            case 'adjust': {
              const { wallet: account, nanoUsd, pot: into } = one
              const answer = writing(db, () => postAdjustment(db, { ...asked, account, nanoUsd, pot: into }, nowMs))
              assert.equal(outcome(answer), model.adjust(one))
              break
            }
            case 'refund': {
              const answer = writing(db, () =>
                postRefund(db, { ...asked, account: one.wallet, request: one.request, nanoUsd: one.nanoUsd }, nowMs),
              )
              assert.equal(outcome(answer), model.refund(one))
              break
            }
            case 'reopen':
              db.close()
              db = opened(file)
              break
            case 'clock':
              nowMs += one.byMs
          }
          agree(db, model)
        }
      } finally {
        db.close()
        rmSync(folder, { recursive: true })
      }
    }),
    { numRuns: 40 },
  )
})
