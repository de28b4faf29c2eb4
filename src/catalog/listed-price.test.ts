// What is shown of a price can be set again, and costs the same then.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodySchemas, checkBody } from '#config'
import { costOf, priceAt, priceOf, usageCounts } from '#ir'
import { declaredPrice } from './declared-price.ts'
import { listedPrice } from './listed-price.ts'
import { readModelCatalog } from './models.ts'
import { vendors } from './vendors.ts'

const usages = [
  { input: { total: 1000, fresh: 700, cacheRead: 300 }, output: { total: 100, reasoning: 30 }, raw: {} },
  { input: { total: 300_000, fresh: 300_000, audio: 40 }, output: { total: 10, audio: 5, image: 3 }, hosted: { web_search: 2 }, raw: {} },
].flatMap((usage) => [usageCounts(usage), usageCounts({ ...usage, serviceTier: 'flex' }), usageCounts({ ...usage, region: 'us' })])

test('every price of the catalog is shown in fields that are accepted back, and then costs the same', () => {
  const catalog = readModelCatalog()
  let seen = 0
  for (const vendor of vendors.keys()) {
    for (const [id, { price, free }] of catalog.modelsOf(vendor)) {
      if (price === undefined || free === true) continue
      const checked = checkBody(bodySchemas.price, { price: listedPrice(price) })
      // Some rates of the tables are finer than a pico-USD; those of a price that is set are not.
      assert.ok(checked.ok, `${vendor}/${id}: ${checked.ok ? '' : checked.sentence}`)
      assert.ok(checked.data.price !== 'free')
      const again = declaredPrice('again', checked.data.price)!
      for (const usage of usages) assert.equal(costOf(usage, again).nanoUsd, costOf(usage, price).nanoUsd, `${vendor}/${id}`)
      seen++
    }
  }
  assert.ok(seen > 4000)
})

test('windows, periods and fees are shown as they were set', () => {
  const price = priceOf('v', {
    input: '1',
    output: '4',
    request: '0.001',
    calls: { web_search: '0.01', image_generation: '0.04', file_search: '0.0025' },
    windows: [{ utc: '22:00-06:30', days: ['sat', 'sun'], multiplier: '0.5' }],
    periods: [{ from: '2030-01-01', until: '2031-01-01', input: '2', output: '8' }],
  })!
  assert.deepEqual(listedPrice(price), {
    input_per_million_usd: '1',
    output_per_million_usd: '4',
    request_usd: '0.001',
    search_usd: '0.01',
    image_usd: '0.04',
    calls_usd: { file_search: '0.0025' },
    windows: [{ utc: '22:00-06:30', days: ['sat', 'sun'], input_per_million_usd: '0.5', output_per_million_usd: '2' }],
    periods: [
      { from: '2030-01-01T00:00:00.000Z', until: '2031-01-01T00:00:00.000Z', input_per_million_usd: '2', output_per_million_usd: '8' },
    ],
  })
  const again = declaredPrice('v', listedPrice(price))!
  for (const iso of ['2026-11-21T23:00:00Z', '2026-11-20T23:00:00Z', '2030-11-21T23:00:00Z'])
    assert.equal(priceAt(again, Date.parse(iso)).input, priceAt(price, Date.parse(iso)).input, iso)
})

test('fields mean what they say: every kind of rate and fee reaches the price', () => {
  const checked = checkBody(bodySchemas.price, {
    price: {
      input_per_million_usd: '1',
      output_per_million_usd: '4',
      cache_read_per_million_usd: 0.1,
      output_image_per_million_usd: '30',
      search_usd: '0.01',
      image_usd: '0.04',
      calls_usd: { file_search: '0.0025' },
      tiers: [{ above_input_tokens: 1000, input_per_million_usd: '2', output_per_million_usd: '6' }],
      service_tiers: { flex: { multiplier: 0.5 } },
      regions: { us: { multiplier: '1.1' } },
      windows: [{ utc: '00:00-06:00', multiplier: '0.5' }],
      periods: [{ from: '2030-01-01', output_per_million_usd: '4', input_per_million_usd: '9' }],
    },
  })
  assert.ok(checked.ok && checked.data.price !== 'free')
  const declared = checked.data.price
  const price = declaredPrice('v', declared)!
  assert.deepEqual(price.calls, { file_search: 2_500_000_000n, web_search: 10_000_000_000n, image_generation: 40_000_000_000n })
  assert.deepEqual([price.cacheRead, price.outputImage], [100_000n, 30_000_000n])
  const usage = usageCounts({ input: { total: 2000, fresh: 2000 }, output: { total: 0 }, raw: {} })
  assert.equal(costOf(usage, price).nanoUsd, 4_000_000n)
  assert.equal(costOf({ ...usage, serviceTier: 'flex', region: 'us' }, price).nanoUsd, 2_200_000n)
  assert.equal(costOf(usage, priceAt(price, Date.parse('2026-05-05T05:00:00Z'))).nanoUsd, 2_000_000n)
  assert.equal(costOf(usage, priceAt(price, Date.parse('2030-05-05T05:00:00Z'))).nanoUsd, 18_000_000n)
})
