// Latency histograms: their error, merging them, and their quantiles.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addTo, bucketMiddleUs, bucketOf, decodeHistogram, encodeHistogram, mergeInto, quantileUs, type Histogram } from './histogram.ts'

const times = fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { maxLength: 60 })

function histogramOf(values: readonly number[]): Histogram {
  const histogram: Histogram = new Map()
  for (const value of values) addTo(histogram, value)
  return histogram
}

test('a bucket stands for its values within 6.25 percent, and buckets are in the order of their values', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 0, max: 0xffff_ffff }), (a, b) => {
      assert.ok(Math.abs(bucketMiddleUs(bucketOf(a)) - a) <= a * 0.0625)
      if (a <= b) assert.ok(bucketOf(a) <= bucketOf(b))
    }),
    { numRuns: 2000 },
  )
})

test('merging two histograms is the histogram of all values, also through bytes', () => {
  fc.assert(
    fc.property(times, times, (a, b) => {
      const merged = decodeHistogram(encodeHistogram(histogramOf(a)))
      mergeInto(merged, decodeHistogram(encodeHistogram(histogramOf(b))))
      assert.deepEqual(
        [...merged].sort((x, y) => x[0] - y[0]),
        [...histogramOf([...a, ...b])].sort((x, y) => x[0] - y[0]),
      )
    }),
  )
})

test('a quantile is within 6.25 percent of the value that sorting finds', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { minLength: 1, maxLength: 80 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, q) => {
        const sorted = values.toSorted((a, b) => a - b)
        const exact = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!
        const found = quantileUs(histogramOf(values), q)!
        assert.ok(Math.abs(found - exact) <= exact * 0.0625, `${found} for ${exact}`)
      },
    ),
  )
  assert.equal(quantileUs(new Map(), 0.5), undefined)
})
