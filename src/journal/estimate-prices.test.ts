// Estimates at the rates of the tier that was asked for, and what the provider billed stays what it billed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { priceOf } from '#ir'
import { sampleFinish, sampleReserve, usageOf } from '#test/records.ts'
import { interruptedRecord, withEstimatedUsage } from './estimate.ts'

const price = priceOf('v', { input: '2', output: '8', serviceTiers: { flex: { multiplier: '0.5' } } })

test('an orphan without progress is charged for its input at the tier that it asked for', () => {
  const { costNanoUsd, costLines, costSource } = interruptedRecord(
    sampleReserve('a', { price, serviceTier: 'flex', requestBytes: 400 }),
    undefined,
    'none',
  )
  assert.deepEqual([costNanoUsd, costSource, costLines[0]?.rate], [100_000n, 'estimated', 'flex'])
  const plain = interruptedRecord(sampleReserve('b', { price, requestBytes: 400 }), undefined, 'none')
  assert.equal(plain.costNanoUsd, 200_000n)
})

test('what the provider began to tell has its tier already: the asked one does not count beside it', () => {
  const kept = sampleFinish('a', { price, serviceTier: 'flex', usage: usageOf(100, 1), kept: 'words', outcome: 'interrupted' })
  assert.equal(withEstimatedUsage(kept, () => 10).costNanoUsd, 280_000n)
  assert.equal(withEstimatedUsage({ ...kept, usage: undefined }, () => 10).costNanoUsd, 140_000n)
})

test('nothing read is nothing said: the input is estimated from the request', () => {
  const record = withEstimatedUsage(sampleFinish('a', { price, usage: usageOf(0, 0), kept: 'words', requestBytes: 400 }), () => 10)
  assert.deepEqual([record.usage?.input, record.usage?.fresh, record.usage?.output, record.costNanoUsd], [100, 100, 10, 280_000n])
})

test('a cost that the provider stated is no estimate', () => {
  const stated = sampleFinish('a', { price, kept: 'words', costSource: 'provider', costNanoUsd: 7n, providerCostNanoUsd: 7n })
  const { costNanoUsd, costSource, kept } = withEstimatedUsage(stated, () => 10)
  assert.deepEqual([costNanoUsd, costSource, kept], [7n, 'provider', ''])
})
