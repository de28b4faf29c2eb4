// docs/fault-matrix.md names exactly the cells that there are, each of them passed.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { faultFile, faultPage, tabledCases } from '#scripts/fault-matrix.ts'
import { nameOf } from '#test/fault-cases.ts'

test('the page of the fault matrix is what npm run docs:faults writes when every case passes', () => {
  assert.equal(readFileSync(faultFile, 'utf8'), faultPage(new Set(tabledCases.map(nameOf))), 'run npm run docs:faults')
})

test('a case that fails stands out in the page', () => {
  const page = faultPage(new Set(tabledCases.slice(1).map(nameOf)))
  assert.match(page, /\*\*1 of \d+ failed\*\*/)
})
