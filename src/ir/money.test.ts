// Decimal text and integers say the same, in both directions, and rounding only ever goes up.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatUsd, formatUsdPerMillion, parseNanoUsd, parsePicoPerToken, parsePicoUsd, usdNumber } from './money.ts'
import { freePrice, priceOf, scalePrice } from './price.ts'

test('decimal text becomes nano-USD exactly', () => {
  assert.equal(parseNanoUsd('0.000858'), 858_000n)
  assert.equal(parseNanoUsd('12'), 12_000_000_000n)
  assert.equal(parseNanoUsd('1.2e-07'), 120n)
  assert.equal(parseNanoUsd('3E+2'), 300_000_000_000n)
  assert.equal(parseNanoUsd('0'), 0n)
  assert.equal(parsePicoPerToken('0.075'), 75_000n)
  assert.equal(parsePicoUsd('0.005'), 5_000_000_000n)
})

test('less than a nano-USD is rounded up, never away', () => {
  assert.equal(parseNanoUsd('0.0000000001'), 1n)
  assert.equal(parseNanoUsd('0.0034754999999999994'), 3_475_500n)
})

test('what is not a decimal of at least 0 is refused', () => {
  for (const text of [
    '',
    ' 1',
    '1 ',
    '-1',
    '+1',
    'NaN',
    'Infinity',
    '1.',
    '.5',
    '1,5',
    '0x10',
    '1e',
    '1e999',
    '1e31',
    '١',
    '1'.repeat(31),
    `0.${'1'.repeat(30)}`,
  ]) {
    assert.equal(parseNanoUsd(text), undefined, JSON.stringify(text))
  }
  assert.equal(parseNanoUsd('9'.repeat(1_000_000)), undefined)
})

test('amounts are written without trailing zeros and without exponents', () => {
  assert.equal(formatUsd(0n), '0')
  assert.equal(formatUsd(1n), '0.000000001')
  assert.equal(formatUsd(-1_500_000_000n), '-1.5')
  assert.equal(formatUsd(123_000_000_000n), '123')
  assert.equal(formatUsdPerMillion(75_000n), '0.075')
})

test('writing and reading an amount gives the same amount', () => {
  fc.assert(fc.property(fc.bigInt(0n, 10n ** 20n), (nano) => parseNanoUsd(formatUsd(nano)) === nano))
})

test('rounding is never below the exact value and less than one unit above it', () => {
  const digits = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 15 }).map((list) => list.join(''))
  fc.assert(
    fc.property(digits, digits, fc.integer({ min: -30, max: 5 }), (whole, fraction, power) => {
      const parsed = parseNanoUsd(`${whole}.${fraction}e${power}`)!
      // Both sides times 10^60: an oracle in whole numbers.
      const exact = BigInt(whole + fraction) * 10n ** BigInt(60 + 9 + power - fraction.length)
      const ours = parsed * 10n ** 60n
      return ours >= exact && ours - exact < 10n ** 60n
    }),
  )
})

test('the number for a wire is the one closest to the amount', () => {
  assert.equal(usdNumber(858_000n), 0.000858)
  assert.equal(usdNumber(1_260_000_000n), 1.26)
})

test('missing rates take their dearer neighbour', () => {
  assert.deepEqual(priceOf('v', { input: '3', output: '15' }), {
    version: 'v',
    input: 3_000_000n,
    output: 15_000_000n,
    cacheRead: 3_000_000n,
    cacheWrite: 3_000_000n,
    cacheWrite1h: 6_000_000n,
    reasoning: 15_000_000n,
    inputAudio: 3_000_000n,
    outputAudio: 15_000_000n,
    request: 0n,
  })
  const stated = priceOf('v', {
    input: '3',
    output: '15',
    cacheRead: '0.3',
    cacheWrite: '3.75',
    cacheWrite1h: '6',
    reasoning: '20',
    request: '0.01',
  })!
  assert.deepEqual(
    [stated.cacheRead, stated.cacheWrite, stated.cacheWrite1h, stated.reasoning, stated.request],
    [300_000n, 3_750_000n, 6_000_000n, 20_000_000n, 10_000_000_000n],
  )
})

test('a table that says 0 for both, or lacks one, has no price; free is a mark, not a 0', () => {
  assert.equal(priceOf('v', { input: '0', output: '0' }), undefined)
  assert.equal(priceOf('v', { input: '1' }), undefined)
  assert.equal(priceOf('v', { output: '1' }), undefined)
  assert.equal(priceOf('v', { input: '0.1', output: '0' })!.output, 0n)
  assert.equal(freePrice.input, 0n)
  assert.throws(() => priceOf('v', { input: '-1', output: '1' }), /input.*"-1"/)
})

test('a multiplier is exact: never below the rational rate, less than one pico-USD above it', () => {
  const price = priceOf('v', { input: '0.15', output: '0.6' })!
  assert.equal(scalePrice(price, '1.1')!.input, 165_000n)
  assert.equal(scalePrice(price, '0')!.output, 0n)
  assert.equal(scalePrice(price, '1.1')!.version, 'v x 1.1')
  assert.equal(scalePrice(price, '-1'), undefined)
  assert.equal(scalePrice(price, 'much'), undefined)
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 12n), fc.integer({ min: 0, max: 99_999 }), (rate, thousandths) => {
      const scaled = scalePrice(
        { ...price, input: rate },
        `${Math.floor(thousandths / 1000)}.${String(thousandths % 1000).padStart(3, '0')}`,
      )!.input
      const exact = rate * BigInt(thousandths)
      return scaled * 1000n >= exact && scaled * 1000n - exact < 1000n
    }),
  )
})
