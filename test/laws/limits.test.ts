// Limits under any history: what must be true holds after every step, and the engine with a defect put into it is found out.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createLimits } from '#ledger'
import { histories, liveThrough, type History } from '#test/limit-histories.ts'
import { importMutant, type Mutation } from '#test/mutants.ts'

const law = (create: typeof createLimits, options: fc.Parameters<[History]>): fc.RunDetails<[History]> =>
  fc.check(
    fc.property(histories, (history) => liveThrough(history, create)),
    options,
  )

test('after every step of any history nothing is overspent, held without an owner, counted twice or forgotten', () => {
  const details = law(createLimits, { numRuns: 1500 })
  if (details.failed) throw new Error(fc.defaultReportMessage(details) ?? '')
})

const mutations: readonly Mutation[] = [
  {
    name: 'grants more than there is',
    file: 'purses.ts',
    from: 'return this.#unspent - this.#held',
    to: 'return this.#limit - this.#held',
  },
  {
    name: 'ignores what is held',
    file: 'purses.ts',
    from: 'return this.#unspent - this.#held',
    to: 'return this.#unspent',
  },
  { name: 'ignores what is held of a wallet', file: 'purses.ts', from: 'return this.#balance - this.#held', to: 'return this.#balance' },
  {
    name: 'settles twice',
    file: 'request-hold.ts',
    from: "if (this.#end !== undefined) return\n    this.#end = 'settled'",
    to: "this.#end = 'settled'",
  },
  {
    name: 'releases twice',
    file: 'request-hold.ts',
    from: "if (this.#end !== undefined) return\n    this.#end = 'released'",
    to: "this.#end = 'released'",
  },
  {
    name: "settles at another target's price: the dearest, which was held",
    file: 'request-hold.ts',
    from: 'this.#counted = countedOf(actual)',
    to: 'this.#counted = countedOf({ nanoUsd: this.nanoUsd, tokens: actual.tokens })',
  },
  { name: 'never gives back what was held', file: 'purses.ts', from: 'this.#held -= held', to: '' },
  { name: 'forgets what is spent', file: 'purses.ts', from: 'this.#settled += actual\n', to: '\n' },
  { name: 'corrects by adding', file: 'purses.ts', from: 'this.#settled += actual - counted', to: 'this.#settled += actual' },
  {
    name: 'opens a window again',
    file: 'purses.ts',
    from: 'if (nowMs < this.#toMs && !this.#moved) return',
    to: 'if (nowMs >= this.#fromMs && nowMs < this.#toMs) return',
  },
  { name: 'counts in the window of the end', file: 'purses.ts', from: 'if (mark !== this.#window) return', to: '' },
  {
    name: 'keeps holding for an attempt that failed',
    file: 'request-hold.ts',
    from: 'this.#endClaims(this.#attempt, nothing, nowMs, true)',
    to: '',
  },
  {
    name: 'holds some of what it then refuses',
    file: 'limits.ts',
    from: 'const rates = ratesFor(terms.rates',
    to: 'claim(purses, [], 1n, 1n, nowMs)\n    const rates = ratesFor(terms.rates',
  },
  { name: 'rounds down', file: 'limits.ts', from: '+ 999n) / 1000n', to: ') / 1000n' },
  { name: 'charges a wallet nothing', file: 'purses.ts', from: 'this.#balance -= actual\n', to: '\n' },
]

const engine = new URL('../../src/ledger/limits.ts', import.meta.url).href

test('a copy of the engine without a defect keeps the law', async () => {
  const [{ file, from }] = mutations as [Mutation]
  const copy = await importMutant<{ createLimits: typeof createLimits }>(engine, { name: 'is right', file, from, to: from })
  assert.notEqual(copy.createLimits, createLimits)
  assert.equal(law(copy.createLimits, { numRuns: 300, seed: 1 }).failed, false)
})

for (const mutation of mutations) {
  test(`an engine that ${mutation.name} breaks the law`, async () => {
    const mutant = await importMutant<{ createLimits: typeof createLimits }>(engine, mutation)
    const { failed } = law(mutant.createLimits, { numRuns: 2000, seed: 1, endOnFailure: true })
    assert.ok(failed, 'no history shows it')
  })
}
