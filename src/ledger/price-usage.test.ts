// The provider's own figure wins, both are kept, and nothing that is unknown becomes 0.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freePrice, priceOf, usageCounts } from '#ir'
import { priceUsage } from './price-usage.ts'

const counts = usageCounts({ input: { total: 1000, fresh: 1000 }, output: { total: 100 }, raw: {} })
const price = priceOf('test', { input: '3', output: '15' })!

test('usage and a price make a computed cost with its lines', () => {
  const priced = priceUsage({ counts, price })
  assert.equal(priced.costNanoUsd, 4_500_000n)
  assert.equal(priced.costSource, 'computed')
  assert.deepEqual(
    priced.lines.map(({ item }) => item),
    ['input', 'output'],
  )
  assert.equal(priced.providerCostNanoUsd, undefined)
})

test("the provider's figure wins, exactly, and the computed lines stay beside it", () => {
  const priced = priceUsage({ counts, price, providerCost: '0.00123456789012' })
  assert.equal(priced.costNanoUsd, 1_234_568n)
  assert.equal(priced.costSource, 'provider')
  assert.equal(priced.providerCostNanoUsd, 1_234_568n)
  assert.equal(priced.lines.length, 2)
  assert.equal(priceUsage({ counts, price: undefined, providerCost: '1.2e-07' }).costNanoUsd, 120n)
  assert.equal(priceUsage({ counts, price, providerCost: '0' }).costNanoUsd, 0n)
})

test('a figure of the provider that is no amount of money does not count', () => {
  for (const providerCost of ['-1', 'NaN', '', 'null', '1e99', '9'.repeat(31), '9'.repeat(30), '1000000', '9000.000000001'])
    assert.equal(priceUsage({ counts, price, providerCost }).costNanoUsd, 4_500_000n, providerCost)
  assert.equal(priceUsage({ counts, price, providerCost: '9000' }).costNanoUsd, 9_000_000_000_000n)
})

test('no price, or no usage, is unpriced and never 0; free is 0', () => {
  assert.deepEqual(priceUsage({ counts, price: undefined }), {
    costNanoUsd: undefined,
    costSource: 'unpriced',
    lines: [],
    price: undefined,
    providerCostNanoUsd: undefined,
  })
  assert.equal(priceUsage({ counts: undefined, price }).costSource, 'unpriced')
  assert.equal(priceUsage({ counts, price: freePrice }).costNanoUsd, 0n)
})

test('counts of our own make an estimate', () => {
  assert.equal(priceUsage({ counts, price, estimated: true }).costSource, 'estimated')
})
