// Every operator of a condition, on fields that are there and on fields that are not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ComparisonOperator, Condition } from '#config'
import type { JsonValue } from '#kernel'
import { holds } from './plan-conditions.ts'

const fields: Readonly<Record<string, JsonValue>> = {
  plan: 'paid',
  seats: '12',
  tokens: 4000,
  zero: 0,
  empty: '',
  none: null,
  on: true,
  tags: ['a', 'b', 3],
  object: { a: [1] },
  date: '2026-11-22',
}
const is = (condition: Condition): boolean => holds(condition, (path) => (Object.hasOwn(fields, path) ? fields[path] : undefined))

type Row = readonly [path: string, op: ComparisonOperator, value: JsonValue, expected: boolean]

const rows: readonly Row[] = [
  ['plan', '$eq', 'paid', true],
  ['plan', '$eq', 'Paid', false],
  ['seats', '$eq', 12, true],
  ['seats', '$eq', '12', true],
  ['plan', '$eq', 0, false],
  ['empty', '$eq', 0, false],
  ['on', '$eq', true, true],
  ['plan', '$eq', true, false],
  ['tokens', '$eq', '4000', false],
  ['none', '$eq', null, true],
  ['missing', '$eq', null, false],
  ['missing', '$eq', '', false],
  ['object', '$eq', { a: [1] }, true],
  ['plan', '$ne', 'free', true],
  ['plan', '$ne', 'paid', false],
  ['missing', '$ne', 'free', true],
  ['tokens', '$gt', 3999, true],
  ['tokens', '$gt', 4000, false],
  ['tokens', '$gte', 4000, true],
  ['tokens', '$lt', 4000, false],
  ['tokens', '$lt', 4001, true],
  ['tokens', '$lte', 4000, true],
  ['seats', '$gt', 9, true],
  ['seats', '$gt', '9', true],
  ['zero', '$gte', 0, true],
  ['date', '$lt', '2026-12-01', true],
  ['date', '$gte', '2026-11-23', false],
  ['plan', '$gt', 3, false],
  ['plan', '$lt', 3, false],
  ['empty', '$lt', 3, false],
  ['none', '$lt', 3, false],
  ['on', '$gte', 0, false],
  ['missing', '$gt', 0, false],
  ['missing', '$gte', 0, false],
  ['missing', '$lt', 0, false],
  ['missing', '$lte', 0, false],
  ['plan', '$in', ['free', 'paid'], true],
  ['plan', '$in', ['free'], false],
  ['seats', '$in', [12, 13], true],
  ['missing', '$in', ['free', null], false],
  ['plan', '$nin', ['free'], true],
  ['plan', '$nin', ['free', 'paid'], false],
  ['missing', '$nin', ['free'], true],
  ['plan', '$contains', 'ai', true],
  ['plan', '$contains', 'x', false],
  ['tags', '$contains', 'b', true],
  ['tags', '$contains', 3, true],
  ['tags', '$contains', 'c', false],
  ['tokens', '$contains', 4, false],
  ['missing', '$contains', '', false],
  ['plan', '$exists', true, true],
  ['none', '$exists', true, true],
  ['missing', '$exists', true, false],
  ['missing', '$exists', false, true],
  ['plan', '$exists', false, false],
]

for (const [path, op, value, expected] of rows)
  test(`${path} ${JSON.stringify(fields[path])} ${op} ${JSON.stringify(value)} is ${expected}`, () => {
    assert.equal(is({ op, path, value }), expected)
    assert.equal(is({ op: 'not', of: { op, path, value } }), !expected, 'and $not is the opposite')
  })

const yes: Condition = { op: '$eq', path: 'plan', value: 'paid' }
const no: Condition = { op: '$eq', path: 'plan', value: 'free' }

test('$and needs all, $or needs one; none of nothing', () => {
  assert.ok(is({ op: 'all', of: [yes, yes] }))
  assert.ok(!is({ op: 'all', of: [yes, no] }))
  assert.ok(is({ op: 'any', of: [no, yes] }))
  assert.ok(!is({ op: 'any', of: [no, no] }))
  assert.ok(is({ op: 'all', of: [] }))
  assert.ok(!is({ op: 'any', of: [] }))
})

test('a $regex looks at texts, numbers and flags, and never matches what is missing or has parts', () => {
  const seen: string[] = []
  const matches = (text: string): boolean => seen.push(text) > 0
  const regex = (path: string): boolean => is({ op: '$regex', path, source: '.*', matches })
  assert.deepEqual(['plan', 'tokens', 'on', 'empty', 'missing', 'none', 'tags', 'object'].map(regex), [
    true,
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ])
  assert.deepEqual(seen, ['paid', '4000', 'true', ''])
})

test('a $length is of a list: never of a text, and never of what is missing', () => {
  const length = (path: string, value: number): boolean => is({ op: '$length', path, of: { op: '$gte', path, value } })
  assert.deepEqual(
    [length('tags', 3), length('tags', 4), length('plan', 0), length('missing', 0), length('object', 0)],
    [true, false, false, false, false],
  )
})

test('a field is only asked for when the answer depends on it', () => {
  const asked: string[] = []
  holds({ op: 'any', of: [yes, { op: '$eq', path: 'params.messages', value: 1 }] }, (path) => {
    asked.push(path)
    return 'paid'
  })
  assert.deepEqual(asked, ['plan'])
})
