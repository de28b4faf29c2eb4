// Columns line up, with and without colours.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { tableLine, tableLines, type Column } from './table.ts'

type Row = { name: string; size: number }
const columns: Column<Row>[] = [
  { title: 'NAME', of: (row) => row.name },
  { title: 'SIZE', of: (row) => String(row.size), align: 'right' },
  { title: 'NOTE', of: (row) => (row.size > 9 ? 'big' : '') },
]

test('columns are as wide as their widest cell, numbers to the right, without trailing blanks', () => {
  assert.deepEqual(tableLines(columns, [{ name: 'a', size: 1234567 }, { name: 'longer', size: 5 }]), [
    'NAME       SIZE  NOTE',
    'a       1234567  big',
    'longer        5',
  ]) // prettier-ignore
})

test('colours do not change where columns begin', () => {
  const painted = columns.map((column) => ({ ...column, paint: (text: string) => `\u001b[1m${text}\u001b[22m` }))
  const bare = tableLines(painted, [{ name: 'a', size: 10 }]).map((text) => stripVTControlCharacters(text))
  assert.deepEqual(bare, tableLines(columns, [{ name: 'a', size: 10 }]))
})

test('lines printed one by one keep the widths that were fixed', () => {
  const fixed: Column<Row>[] = [{ ...columns[0]!, width: 8 }, columns[1]!]
  assert.equal(tableLine(fixed, { name: 'a', size: 3 }), 'a            3')
  assert.deepEqual(tableLines(fixed, []), ['NAME      SIZE'])
})
