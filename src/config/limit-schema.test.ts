// Budgets and rate limits as they are written: amounts exactly, and each mistake by the name of its field.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBody } from './declared-errors.ts'
import { bodySchemas } from './declared-schema.ts'

const key = (fields: object) => checkBody(bodySchemas.key, { name: 'x', ...fields })
const budgetsOf = (...budgets: object[]) => {
  const result = key({ budgets })
  assert.ok(result.ok, result.ok ? '' : result.sentence)
  return result.data.budgets
}

test('an amount is exact to the nano-dollar, as text and as a number, and is kept shortest', () => {
  const written: readonly (readonly [string | number, string])[] = [
    ['5', '5'],
    ['5.00', '5'],
    [5, '5'],
    [0.1, '0.1'],
    [5e-7, '0.0000005'],
    ['0.000000001', '0.000000001'],
    ['0.1234567890000', '0.123456789'],
    [0, '0'],
    ['1000000000', '1000000000'],
  ]
  for (const [amount, shortest] of written)
    assert.deepEqual(budgetsOf({ amount_usd: amount, period: 'day' }), [{ amount_usd: shortest, period: 'day' }], String(amount))
})

test('every form of a budget and of a rate limit is taken', () => {
  const budgets = [
    { amount_usd: '5', period: 'day', soft: true, models: ['gpt-*'], alert_at: [0.5, 1] },
    { amount_usd: '5', period: 'day' },
    { tokens: 0, period: 'day' },
    { tokens: 100, period: { days: 30 }, alert_at: [] },
    { tokens: 100, period: 'total' },
  ]
  assert.deepEqual(budgetsOf(...budgets), budgets)
  const rates = [{ requests: 60, per: 'minute' }, { requests: 1, per: 'second' }, { tokens: 10, per: 'day' }, { concurrent: 4 }]
  const result = key({ rate_limits: rates })
  assert.deepEqual(result.ok ? result.data.rate_limits : result, rates)
})

test('each mistake is a sentence that names the field', () => {
  const day = { amount_usd: '5', period: 'day' }
  const cases: readonly [fields: object, field: string, says: RegExp][] = [
    [{ budgets: [{ ...day, amount_usd: '-5' }] }, 'budgets[0].amount_usd', /is "-5": it is not an amount in USD of at least 0/],
    [{ budgets: [{ ...day, amount_usd: -5 }] }, 'budgets[0].amount_usd', /is -5: it is not an amount/],
    [{ budgets: [{ ...day, amount_usd: 'NaN' }] }, 'budgets[0].amount_usd', /is "NaN": it is not an amount/],
    [{ budgets: [{ ...day, amount_usd: Number.NaN }] }, 'budgets[0].amount_usd', /is NaN, which is not text or a number/],
    [{ budgets: [{ ...day, amount_usd: '$5' }] }, 'budgets[0].amount_usd', /is not an amount/],
    [{ budgets: [{ ...day, amount_usd: '1'.repeat(30) }] }, 'budgets[0].amount_usd', /is more than 1000000000\b/],
    [{ budgets: [{ ...day, amount_usd: '1'.repeat(31) }] }, 'budgets[0].amount_usd', /is not an amount/],
    [{ budgets: [{ ...day, amount_usd: '0.0000000001' }] }, 'budgets[0].amount_usd', /has more than 9 decimals/],
    [{ budgets: [{ ...day, amount_usd: '0.9999999999999' }] }, 'budgets[0].amount_usd', /has more than 9 decimals/],
    [{ budgets: [{ ...day, amount_usd: 0.1234567891 }] }, 'budgets[0].amount_usd', /has more than 9 decimals/],
    [{ budgets: [{ ...day, tokens: 5 }] }, 'budgets[0]', /has both `amount_usd` and `tokens`/],
    [{ budgets: [{ period: 'day' }] }, 'budgets[0]', /has neither `amount_usd` and `tokens`|has neither/],
    [{ budgets: [{ tokens: 1.5, period: 'day' }] }, 'budgets[0].tokens', /is 1\.5/],
    [{ budgets: [{ tokens: -1, period: 'day' }] }, 'budgets[0].tokens', /is less than 0/],
    [{ budgets: [{ tokens: 1e18, period: 'day' }] }, 'budgets[0].tokens', /is 1000000000000000000/],
    [{ budgets: [{ amount_usd: '5' }] }, 'budgets[0].period', /is missing/],
    [
      { budgets: [{ ...day, period: 'year' }] },
      'budgets[0].period',
      /is "year", which is not day, week, month, total or an object with days/,
    ],
    [{ budgets: [{ ...day, period: { days: 0 } }] }, 'budgets[0].period.days', /is less than 1/],
    [{ budgets: [{ ...day, alert_at: [1.5] }] }, 'budgets[0].alert_at[0]', /is 1\.5: it is more than 1/],
    [{ budgets: [{ ...day, alert_at: [0.5, 80] }] }, 'budgets[0].alert_at[1]', /is 80: it is more than 1/],
    [{ budgets: [{ ...day, alert_at: [0] }] }, 'budgets[0].alert_at[0]', /is not more than 0/],
    [{ budgets: [{ ...day, soft: 'yes' }] }, 'budgets[0].soft', /not true or false/],
    [{ budgets: [{ ...day, metadata: { a: 'b' } }] }, 'budgets[0].metadata', /is not known here/],
    [{ budgets: [{ ...day, amount: '5' }] }, 'budgets[0].amount', /Did you mean amount_usd\?/],
    [{ budgets: [day, { amount_usd: '9', period: 'day', soft: true }] }, 'budgets', /two budgets of one unit and period, entries 0 and 1/],
    [{ budgets: day }, 'budgets', /is an object, which is not a list/],
    [{ rate_limits: [{ requests: 5 }] }, 'rate_limits[0]', /has no `per`/],
    [{ rate_limits: [{ per: 'minute' }] }, 'rate_limits[0]', /has none of `requests`, `tokens` and `concurrent`/],
    [{ rate_limits: [{ requests: 5, tokens: 5, per: 'minute' }] }, 'rate_limits[0]', /has both `requests` and `tokens`/],
    [{ rate_limits: [{ concurrent: 5, per: 'minute' }] }, 'rate_limits[0]', /has `concurrent` and `per`/],
    [{ rate_limits: [{ requests: 0, per: 'minute' }] }, 'rate_limits[0].requests', /is less than 1/],
    [{ rate_limits: [{ requests: 5, per: 'week' }] }, 'rate_limits[0].per', /not one of second, minute, hour, day/],
    [{ rate_limits: [{ concurrent: 5 }, { concurrent: 6 }] }, 'rate_limits', /entries 0 and 1/],
  ]
  for (const [fields, field, says] of cases) {
    const result = key(fields)
    assert.ok(!result.ok, JSON.stringify(fields))
    assert.equal(result.field, field, JSON.stringify(fields))
    assert.match(result.sentence, says)
    assert.ok(result.sentence.startsWith(field), result.sentence)
  }
})

test('budgets of the instance may be for metadata, and differ by it', () => {
  const budgets = [
    { amount_usd: '5', period: 'day', metadata: { project: 'a' } },
    { amount_usd: '5', period: 'day', metadata: { project: 'b' } },
    { amount_usd: '5', period: 'day', models: ['gpt-*'] },
    { amount_usd: '50', period: 'day' },
  ]
  assert.ok(checkBody(bodySchemas.settings, { budgets }).ok)
  const wrong = checkBody(bodySchemas.settings, { budgets: [{ amount_usd: '5', period: 'day', metadata: {} }] })
  assert.deepEqual(wrong.ok ? undefined : wrong.field, 'budgets[0].metadata')
})
