// A cost is the sum of its lines, every token is on one line, and the only rounding goes up, once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { billedCounts, costOf, costOfLines, usageCounts, type UsageCounts } from './cost.ts'
import { priceOf } from './price.ts'
import type { Price } from './target.ts'

const nothing: UsageCounts = {
  input: 0,
  fresh: 0,
  cacheRead: undefined,
  cacheWrite: undefined,
  cacheWrite1h: undefined,
  inputAudio: undefined,
  output: 0,
  reasoning: undefined,
  outputAudio: undefined,
}
const price: Price = {
  version: 'test',
  input: 3_000_000n,
  output: 15_000_000n,
  cacheRead: 300_000n,
  cacheWrite: 3_750_000n,
  cacheWrite1h: 6_000_000n,
  reasoning: 20_000_000n,
  inputAudio: 40_000_000n,
  outputAudio: 80_000_000n,
  request: 5_000_000_000n,
}

test('every token is charged on exactly one line', () => {
  const usage = {
    ...nothing,
    input: 211,
    fresh: 111,
    cacheRead: 60,
    cacheWrite: 40,
    cacheWrite1h: 10,
    inputAudio: 11,
    output: 90,
    reasoning: 30,
    outputAudio: 20,
  }
  const { price: applied, ...cost } = costOf(usage, price)
  assert.equal(applied, price)
  assert.deepEqual(cost, {
    lines: [
      { item: 'input', units: 100, picoUsdPerUnit: 3_000_000n },
      { item: 'cache_read', units: 60, picoUsdPerUnit: 300_000n },
      { item: 'cache_write', units: 30, picoUsdPerUnit: 3_750_000n },
      { item: 'cache_write_1h', units: 10, picoUsdPerUnit: 6_000_000n },
      { item: 'input_audio', units: 11, picoUsdPerUnit: 40_000_000n },
      { item: 'output', units: 40, picoUsdPerUnit: 15_000_000n },
      { item: 'reasoning', units: 30, picoUsdPerUnit: 20_000_000n },
      { item: 'output_audio', units: 20, picoUsdPerUnit: 80_000_000n },
      { item: 'request', units: 1, picoUsdPerUnit: 5_000_000_000n },
    ],
    // 300 + 18 + 112.5 + 60 + 440 + 600 + 600 + 1600 + 5000 micro-USD.
    nanoUsd: 8_730_500n,
  })
})

test('one token at a price below a nano-USD costs one nano-USD, not nothing; so do a thousand halves together', () => {
  const cheap = priceOf('cheap', { input: '0.0000005', output: '1' })!
  assert.equal(cheap.input, 1n)
  assert.equal(costOf({ ...nothing, fresh: 1 }, cheap).nanoUsd, 1n)
  assert.equal(costOf({ ...nothing, fresh: 1000 }, cheap).nanoUsd, 1n)
  assert.equal(costOf({ ...nothing, fresh: 1001 }, cheap).nanoUsd, 2n)
})

test('counts that no provider should send are charged as nothing, and never make a cost negative', () => {
  for (const count of [-5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.equal(costOf({ ...nothing, fresh: count, cacheRead: count, output: count }, { ...price, request: 0n }).nanoUsd, 0n)
  }
})

test('a breakdown that claims more than its total is charged up to the total', () => {
  const linesOf = (usage: Partial<UsageCounts>): unknown =>
    costOf({ ...nothing, ...usage }, { ...price, request: 0n }).lines.map(({ item, units }) => [item, units])
  assert.deepEqual(linesOf({ output: 3, reasoning: 10 }), [['reasoning', 3]])
  assert.deepEqual(linesOf({ output: 4, reasoning: 3, outputAudio: 4 }), [['output_audio', 4]])
  assert.deepEqual(linesOf({ fresh: 2, inputAudio: 5 }), [['input_audio', 2]])
  assert.deepEqual(linesOf({ cacheWrite: 2, cacheWrite1h: 5 }), [['cache_write_1h', 2]])
})

test('the flat counts of a usage keep absent apart from 0', () => {
  const counts = usageCounts({ input: { total: 10, fresh: 7, cacheRead: 3 }, output: { total: 5, reasoning: 0 }, raw: {} })
  assert.deepEqual(counts, { ...nothing, input: 10, fresh: 7, cacheRead: 3, output: 5, reasoning: 0 })
})

test('any cost is recomputable from its lines, and lies less than one nano-USD above the exact sum', () => {
  const count = fc.integer({ min: 0, max: 10_000_000 })
  const rate = fc.bigInt(0n, 10n ** 9n)
  const rates = fc.record({
    input: rate,
    output: rate,
    cacheRead: rate,
    cacheWrite: rate,
    cacheWrite1h: rate,
    reasoning: rate,
    inputAudio: rate,
    outputAudio: rate,
    request: rate,
  })
  fc.assert(
    fc.property(
      count,
      count,
      count,
      count,
      count,
      count,
      count,
      count,
      rates,
      (text, audio, read, write, write1h, out, thought, spoken, row) => {
        const usage: UsageCounts = {
          input: text + audio + read + write + write1h,
          fresh: text + audio,
          cacheRead: read,
          cacheWrite: write + write1h,
          cacheWrite1h: write1h,
          inputAudio: audio,
          output: out + thought + spoken,
          reasoning: thought,
          outputAudio: spoken,
        }
        const cost = costOf(usage, { version: 'any', ...row })
        const exact =
          BigInt(text) * row.input +
          BigInt(audio) * row.inputAudio +
          BigInt(read) * row.cacheRead +
          BigInt(write) * row.cacheWrite +
          BigInt(write1h) * row.cacheWrite1h +
          BigInt(out) * row.output +
          BigInt(thought) * row.reasoning +
          BigInt(spoken) * row.outputAudio +
          row.request
        const above = cost.nanoUsd * 1000n - exact
        return above >= 0n && above < 1000n && costOfLines(cost.lines) === cost.nanoUsd
      },
    ),
  )
})

test('where a provider bills other tokens than it counts, those are priced, and the counts stay what they are', () => {
  const usage = {
    input: { total: 212, fresh: 4, cacheRead: 208 },
    output: { total: 65, reasoning: 60 },
    billed: { input: 12, output: 65 },
    raw: {},
  }
  assert.deepEqual(costOf(billedCounts(usage), { ...price, request: 0n }).lines, [
    { item: 'input', units: 12, picoUsdPerUnit: price.input },
    { item: 'output', units: 5, picoUsdPerUnit: price.output },
    { item: 'reasoning', units: 60, picoUsdPerUnit: price.reasoning },
  ])
  assert.equal(usageCounts(usage).input, 212)
  const { billed: _billed, ...plain } = usage
  assert.deepEqual(billedCounts(plain), usageCounts(plain))
})
