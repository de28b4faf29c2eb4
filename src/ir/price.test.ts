// Which rates count: tiers, service tiers, regions, windows and dates, alone and together; and the lines say which.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { costOf, costOfLines, usageCounts, type UsageCounts } from './cost.ts'
import { priceAt, priceOf, scalePrice, type Rates } from './price.ts'
import type { Usage } from './response.ts'

function counts(input: number, output: number, more: Partial<UsageCounts> = {}): UsageCounts {
  return { ...usageCounts({ input: { total: input, fresh: input }, output: { total: output }, raw: {} }), ...more }
}

/** Rates of a million tokens, where a cost is easier to read than a rate. */
const usd = (usage: UsageCounts, rates: Rates): number => Number(costOf(usage, priceOf('v', rates)!).nanoUsd) / 1e9

test('above a number of input tokens the whole request costs the higher rates, at it not; the highest tier that was passed counts', () => {
  // Google, Gemini 2.5 Pro: $1.25 and $10, above 200k $2.50 and $15 (ai.google.dev/gemini-api/docs/pricing).
  const gemini: Rates = { input: '1.25', output: '10', tiers: [{ above: 200_000, input: '2.5', output: '15' }] }
  assert.equal(usd(counts(200_000, 1000), gemini), 0.26)
  assert.equal(usd(counts(200_001, 1000), gemini), 0.5150025)
  const qwen: Rates = {
    input: '1',
    output: '5',
    tiers: [
      { above: 128_000, input: '3', output: '15' },
      { above: 32_000, input: '1.8', output: '9' },
    ],
  }
  assert.deepEqual([32_000, 32_001, 128_001].map((input) => usd(counts(input, 0), qwen)), [0.032, 0.0576018, 0.384003]) // prettier-ignore
})

test('cached input counts towards the tier, and costs its rate there', () => {
  const rates: Rates = {
    input: '1.25',
    output: '10',
    cacheRead: '0.125',
    tiers: [{ above: 200_000, input: '2.5', output: '15', cacheRead: '0.25' }],
  }
  const { lines, nanoUsd } = costOf(counts(250_000, 0, { fresh: 50_000, cacheRead: 200_000 }), priceOf('v', rates)!)
  assert.deepEqual(
    lines.map(({ item, picoUsdPerUnit, rate }) => [item, picoUsdPerUnit, rate]),
    [
      ['input', 2_500_000n, 'above 200,000 input tokens'],
      ['cache_read', 250_000n, 'above 200,000 input tokens'],
    ],
  )
  assert.equal(nanoUsd, 175_000_000n)
})

test('a service tier counts when the answer says so, and the plain rates when it says another one or none', () => {
  // OpenAI, GPT-5: flex half, priority double.
  const gpt: Rates = {
    input: '1.25',
    output: '10',
    cacheRead: '0.125',
    serviceTiers: { flex: { input: '0.625', output: '5', cacheRead: '0.0625' }, priority: { multiplier: '2' } },
  }
  const usage = counts(1_000_000, 100_000)
  assert.equal(usd(usage, gpt), 2.25)
  assert.equal(usd({ ...usage, serviceTier: 'flex' }, gpt), 1.125)
  assert.equal(usd({ ...usage, serviceTier: 'priority' }, gpt), 4.5)
  assert.equal(usd({ ...usage, serviceTier: 'scale' }, gpt), 2.25)
  const price = priceOf('v', gpt)!
  assert.equal(costOf({ ...usage, serviceTier: 'flex' }, price).lines[0]!.rate, 'flex')
  assert.equal(costOf(usage, price).lines[0]!.rate, undefined)
})

test('the tier of the answer counts, else the one that was asked for; a plain tier is none', () => {
  const usage: Usage = { input: { total: 1, fresh: 1 }, output: { total: 1 }, raw: {} }
  assert.equal(usageCounts(usage, 'flex').serviceTier, 'flex')
  assert.equal(usageCounts({ ...usage, serviceTier: 'default' }, 'flex').serviceTier, undefined)
  assert.equal(usageCounts({ ...usage, serviceTier: 'priority' }, 'flex').serviceTier, 'priority')
  assert.equal(usageCounts({ ...usage, serviceTier: 'standard' }, 'auto').serviceTier, undefined)
})

test('what two of them cost together is what the row says, else each one times its ratio', () => {
  const rates: Rates = {
    input: '2',
    output: '12',
    tiers: [{ above: 200_000, input: '4', output: '18' }],
    serviceTiers: {
      priority: { input: '3.6', output: '21.6', tiers: [{ above: 200_000, input: '7.2', output: '32.4' }] },
      flex: { input: '1', output: '6' },
    },
    regions: { us: { multiplier: '1.1' } },
  }
  const price = priceOf('v', rates)!
  const ratesOf = (usage: Partial<UsageCounts>): (bigint | string | undefined)[] => {
    const { price: applied } = costOf(counts(300_000, 1, usage), price)
    return [applied.input, applied.output, applied.rate]
  }
  assert.deepEqual(ratesOf({ serviceTier: 'priority' }), [7_200_000n, 32_400_000n, 'priority, above 200,000 input tokens'])
  assert.deepEqual(ratesOf({ serviceTier: 'flex' }), [2_000_000n, 9_000_000n, 'flex, above 200,000 input tokens'])
  assert.deepEqual(ratesOf({ serviceTier: 'flex', region: 'us' }), [2_200_000n, 9_900_000n, 'flex, us, above 200,000 input tokens'])
  assert.deepEqual(ratesOf({ region: 'us' }), [4_400_000n, 19_800_000n, 'us, above 200,000 input tokens'])
})

test('a rate that a tier lacks changes as its input or output rate does, and fees stay', () => {
  const rates: Rates = {
    input: '3',
    output: '15',
    cacheRead: '0.3',
    cacheWrite: '3.75',
    reasoning: '20',
    request: '0.01',
    calls: { web_search: '0.01' },
    tiers: [{ above: 200_000, input: '6', output: '22.5' }],
  }
  const { price } = costOf(counts(200_001, 0), priceOf('v', rates)!)
  assert.deepEqual(
    [price.cacheRead, price.cacheWrite, price.cacheWrite1h, price.reasoning, price.request, price.calls],
    [600_000n, 7_500_000n, 12_000_000n, 30_000_000n, 10_000_000_000n, { web_search: 10_000_000_000n }],
  )
})

test('a window counts in UTC from its first minute until before its last one, also over midnight and on its days', () => {
  // DeepSeek's off-peak hours of 2025: 16:30-00:30 UTC.
  const price = priceOf('v', { input: '0.27', output: '1.1', windows: [{ utc: '16:30-00:30', multiplier: '0.5' }] })!
  const inputAt = (iso: string): bigint => priceAt(price, Date.parse(iso)).input
  for (const [iso, input] of [
    ['2026-03-01T16:29:59.999Z', 270_000n],
    ['2026-03-01T16:30:00Z', 135_000n],
    ['2026-03-02T00:29:59.999Z', 135_000n],
    ['2026-03-02T00:30:00Z', 270_000n],
    ['1969-12-31T23:00:00Z', 135_000n],
  ] as const)
    assert.equal(inputAt(iso), input, iso)
  assert.equal(priceAt(price, Date.parse('2026-03-01T17:00:00Z')).rate, '16:30-00:30 UTC')
  const weekend = priceOf('v', { input: '2', output: '2', windows: [{ utc: '22:00-06:00', days: ['sat'], input: '1', output: '1' }] })!
  const at = (iso: string): bigint => priceAt(weekend, Date.parse(iso)).input
  // 2026-11-21 is a Saturday: its night ends on Sunday morning.
  assert.deepEqual([at('2026-11-21T23:00:00Z'), at('2026-11-22T05:00:00Z'), at('2026-11-21T05:00:00Z'), at('2026-11-22T23:00:00Z')], [1_000_000n, 1_000_000n, 2_000_000n, 2_000_000n]) // prettier-ignore
})

test('a period is in force from its beginning until before its end, with its own tiers; the same price object each time', () => {
  const price = priceOf('v', {
    input: '2',
    output: '8',
    windows: [{ utc: '00:00-06:00', multiplier: '0.5' }],
    periods: [
      { from: '2026-12-01', until: '2027-01-01T00:00:00Z', input: '1', output: '4', tiers: [{ above: 1000, input: '3', output: '9' }] },
      { from: '2027-01-01', multiplier: '1.5' },
    ],
  })!
  const at = (iso: string) => priceAt(price, Date.parse(iso))
  assert.equal(at('2026-11-30T23:59:59Z').input, 2_000_000n)
  assert.deepEqual([at('2026-12-01T00:00:00.000Z').input, at('2026-12-31T23:59:59.999Z').input, at('2027-01-01T00:00:00.000Z').input], [1_000_000n, 1_000_000n, 1_500_000n]) // prettier-ignore
  assert.equal(at('2026-12-01T03:00:00Z').input, 1_000_000n, 'a row of its own has no windows of the other one')
  assert.equal(costOf(counts(1001, 0), at('2026-12-31T12:00:00Z')).nanoUsd, 3_003_000n)
  assert.equal(at('2027-01-01T12:00:00Z').input, 3_000_000n)
  assert.equal(at('2027-01-01T03:00:00Z').input, 1_500_000n)
  assert.equal(at('2026-12-01T12:00:00Z'), at('2026-12-02T12:00:00Z'))
  assert.equal(at('2026-12-01T12:00:00Z').rate, 'from 2026-12-01 until 2027-01-01T00:00:00Z')
})

test('images and audio have rates of their own where the row has them, and are tokens like others where not', () => {
  // Google, Gemini 2.5 Flash Image: text $2.50, images $30 for a million.
  const usage = counts(1000, 1400, { outputImage: 1290, inputImage: 258, inputAudio: 100 })
  const rates: Rates = { input: '0.3', output: '2.5', inputAudio: '1', outputImage: '30' }
  assert.deepEqual(
    costOf(usage, priceOf('v', rates)!).lines.map(({ item, units }) => [item, units]),
    [['input', 900], ['input_audio', 100], ['output', 110], ['output_image', 1290]], // prettier-ignore
  )
  assert.equal(usd(usage, rates), 0.039345)
  assert.equal(usd(usage, { input: '0.3', output: '2.5' }), 0.0038)
  assert.equal(costOf(counts(1, 10, { outputImage: 50, outputAudio: 4, reasoning: 9 }), priceOf('v', rates)!).lines.reduce((sum, { units }) => sum + units, 0), 11, 'totals bind') // prettier-ignore
})

test('calls of tools cost their fee each; one without a fee is on a line that says so, and a free one on none', () => {
  const rates: Rates = { input: '3', output: '15', calls: { web_search: '0.01', web_fetch: '0' } }
  const { lines, nanoUsd } = costOf(counts(0, 0, { hosted: { web_search: 3, web_fetch: 2, code_execution: 1 } }), priceOf('v', rates)!)
  assert.deepEqual(lines, [
    { item: 'web_search', units: 3, picoUsdPerUnit: 10_000_000_000n },
    { item: 'code_execution', units: 1, picoUsdPerUnit: 0n, rate: 'no price' },
  ])
  assert.equal(nanoUsd, 30_000_000n)
  assert.equal(costOf(counts(0, 0, { hosted: { constructor: 2 } }), priceOf('v', rates)!).nanoUsd, 0n)
})

test('a multiplier scales every case, every time and every fee', () => {
  const price = scalePrice(
    priceOf('v', { input: '2', output: '4', request: '0.01', calls: { web_search: '0.02' }, tiers: [{ above: 10, input: '4', output: '8' }], windows: [{ utc: '01:00-02:00', multiplier: '0.5' }] })!, // prettier-ignore
    '1.5',
  )!
  assert.equal(costOf(counts(11, 0), price).price.input, 6_000_000n)
  assert.equal(costOf(counts(11, 0), priceAt(price, 3_600_000)).price.input, 3_000_000n)
  assert.deepEqual([price.request, price.calls], [15_000_000_000n, { web_search: 30_000_000_000n }])
})

test('what is no window, day, date, multiplier or rate is refused, and so are more combinations than anybody has', () => {
  const base = { input: '1', output: '1' }
  const tiers = Array.from({ length: 20 }, (_, at) => ({ above: at + 1, ...base }))
  const names = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`t${at}`, { multiplier: '2' }]))
  for (const rates of [
    { ...base, windows: [{ utc: '25:00-01:00', multiplier: '1' }] },
    { ...base, windows: [{ utc: '01:00-01:00', multiplier: '1' }] },
    { ...base, windows: [{ utc: '01:00-02:00', days: ['someday'], multiplier: '1' }] },
    { ...base, windows: [{ utc: '01:00-02:00', multiplier: '-1' }] },
    { ...base, periods: [{ from: 'tomorrow', multiplier: '1' }] },
    { ...base, periods: [{ from: '2026-13-01', multiplier: '1' }] },
    { ...base, periods: [{ from: '2026-12-01', input: '1' }] },
    { ...base, serviceTiers: { flex: { input: '-1' } } },
    { ...base, calls: { web_search: 'NaN' } },
    { ...base, tiers, serviceTiers: names(16) },
  ])
    assert.throws(() => priceOf('v', rates), RangeError, JSON.stringify(rates).slice(0, 100))
})

test('whatever the price and the usage are, the lines add up to the cost, which is never below the exact one', () => {
  const rate = fc.integer({ min: 1, max: 99_999 }).map((thousandths) => `${thousandths / 1000}`)
  const count = fc.integer({ min: 0, max: 500_000 })
  const rates = fc.record({ input: rate, output: rate })
  fc.assert(
    fc.property(
      rates,
      fc.array(fc.record({ above: count, input: rate, output: rate }), { maxLength: 3 }),
      fc.record({ flex: rates, priority: fc.record({ multiplier: rate }) }),
      fc.record({ us: fc.record({ multiplier: rate }) }),
      fc.record({ input: count, output: count, cacheRead: count, searches: fc.integer({ min: 0, max: 9 }), serviceTier: fc.constantFrom('flex', 'priority', 'other', undefined), region: fc.constantFrom('us', undefined) }), // prettier-ignore
      (plain, tiers, serviceTiers, regions, { input, output, cacheRead, searches, serviceTier, region }) => {
        const price = priceOf('v', { ...plain, tiers, serviceTiers, regions, calls: { web_search: '0.01' } })!
        const usage = counts(input + cacheRead, output, { fresh: input, cacheRead, hosted: { web_search: searches }, serviceTier, region })
        const cost = costOf(usage, price)
        assert.equal(costOfLines(cost.lines), cost.nanoUsd)
        const exactPico = cost.lines.reduce((sum, line) => sum + BigInt(line.units) * line.picoUsdPerUnit, 0n)
        assert.ok(cost.nanoUsd * 1000n >= exactPico && cost.nanoUsd * 1000n - exactPico < 1000n)
        assert.equal(
          cost.lines.filter(({ item }) => item !== 'web_search').reduce((sum, { units }) => sum + units, 0),
          input + output + cacheRead,
        )
        // Without its conditions the price that counted costs the same: that is what a record keeps.
        assert.equal(costOf(usage, cost.price).nanoUsd, cost.nanoUsd)
      },
    ),
  )
})
