// Prices as people write them: what is refused says which amount and why, and what is accepted means what it says.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBody } from './declared-errors.ts'
import { bodySchemas } from './declared-schema.ts'
import type { DeclaredPrice } from './price-schema.ts'

const both = { input_per_million_usd: '1', output_per_million_usd: '4' }

function refusal(price: unknown): string {
  const checked = checkBody(bodySchemas.price, { price })
  assert.ok(!checked.ok, JSON.stringify(price))
  return checked.sentence
}

function accepted(price: unknown): DeclaredPrice {
  const checked = checkBody(bodySchemas.price, { price })
  assert.ok(checked.ok, checked.ok ? '' : checked.sentence)
  return checked.data.price
}

test('bad amounts are refused: negative, not a number, 30 digits, too many decimals, too dear', () => {
  for (const [amount, says] of [
    ['-1', /price\.input_per_million_usd is "-1": it is not a decimal number of at least 0/],
    [-0.5, /is not a decimal number of at least 0/],
    ['NaN', /is not a decimal number/],
    ['', /is not a decimal number/],
    ['1'.repeat(30), /is more than 100000 USD/],
    ['1'.repeat(31), /is not a decimal number/],
    ['0.0000001', /has more than 6 decimals/],
    [1e-7, /has more than 6 decimals/],
    [0.1 + 0.2, /has more than 6 decimals/],
    ['100000.01', /is more than 100000 USD/],
    [null, /is null|is empty/],
    [true, /is true/],
  ] as const)
    assert.match(refusal({ ...both, input_per_million_usd: amount }), says, String(amount))
  for (const amount of ['0.000001', '1.500000000', '15e-1', 1e-6, '100000']) accepted({ ...both, input_per_million_usd: amount })
  assert.match(refusal({ ...both, search_usd: '0.0000000000001' }), /search_usd is "0\.0000000000001": it has more than 12 decimals/)
})

test('conditions are checked where they stand', () => {
  for (const [more, says] of [
    [{ tiers: [{ above_input_tokens: 0, ...both }] }, /price\.tiers\[0\]\.above_input_tokens/],
    [{ tiers: [{ above: 1000 }] }, /price\.tiers\[0\].*above/],
    [{ service_tiers: { 'a b': { multiplier: '2' } } }, /service_tiers.*"a b"/],
    [{ service_tiers: { flex: { multiplier: '-2' } } }, /service_tiers\.flex\.multiplier/],
    [{ windows: [{ utc: '25:00-01:00', multiplier: '0.5' }] }, /windows\[0\]\.utc is "25:00-01:00"/],
    [{ windows: [{ utc: '01:00-01:00', multiplier: '0.5' }] }, /is not a time of the UTC day/],
    [{ periods: [{ multiplier: '0.5' }] }, /needs `from` or `until`/],
    [{ periods: [{ from: 'tomorrow', multiplier: '1' }] }, /periods\[0\]\.from is "tomorrow"/],
    [{ periods: [{ from: '2026-02-30', multiplier: '1' }] }, /periods\[0\]\.from is "2026-02-30"/],
    [{ periods: [{ from: '2026-12-01', until: '2026-11-01', multiplier: '2' }] }, /`until` is not after `from`/],
    [{ periods: [{ from: '2026-12-01T00:00', until: '2026-12-01T01:00+01:00', multiplier: '2' }] }, /`until` is not after `from`/],
    [{ periods: [{ from: '2026-12-01' }] }, /needs either `multiplier`, or rates of its own/],
    [{ request: '1' }, /price\.request is not known here\. Did you mean request_usd\?/],
  ] as const)
    assert.match(refusal({ ...both, ...more }), says, JSON.stringify(more))
})
