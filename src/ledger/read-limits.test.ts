// What limits read of the ledger: all of a window at the start, and nothing twice while requests run.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limitsScene, startMs, usdBudget } from '#test/limits.ts'
import { readLimits, type SpentReader } from './read-limits.ts'

const names = { createGlob: () => () => true, canonicalOf: () => undefined }

/** A ledger whose charges are of these times, a USD each. */
function ledgerOf(charges: readonly number[], whileAsked: () => void = () => {}): SpentReader {
  return {
    async spentIn(_scope, fromMs, toMs) {
      whileAsked()
      return { nanoUsd: BigInt(charges.filter((atMs) => atMs >= fromMs && atMs < toMs).length) * 1_000_000_000n, tokens: 0 }
    },
    firstAt: async () => undefined,
    account: async () => undefined,
  }
}

test('a request that comes while the ledger is asked counts once, though the answer has it', async () => {
  const scene = limitsScene({ keys: { k: { budgets: [usdBudget('10')] } } })
  const charges = [startMs - 5000]
  const ledger = ledgerOf(charges, () => {
    scene.nowMs = startMs + 50
    scene.held('1').settle(scene.spent('1'), scene.nowMs)
    charges.push(scene.nowMs)
  })
  await readLimits({ limits: scene.limits, ledger, ...names, nowMs: () => scene.nowMs, serving: true })
  assert.deepEqual(scene.amounts(), { spent: '2000000000', held: '0', left: '8000000000' })
})

test('at the start all of a window counts, also what a clock that has gone back since calls the future', async () => {
  const scene = limitsScene({ keys: { k: { budgets: [usdBudget('10')] } } })
  const ledger = ledgerOf([startMs - 5000, startMs + 3_600_000])
  await readLimits({ limits: scene.limits, ledger, ...names, nowMs: () => startMs, serving: false })
  assert.deepEqual(scene.amounts(), { spent: '2000000000', held: '0', left: '8000000000' })
})
