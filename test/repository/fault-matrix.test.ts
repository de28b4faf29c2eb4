// docs/fault-matrix.md names exactly the cells that there are, each of them passed.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { faultFile, faultPage } from '#scripts/fault-matrix.ts'
import { faultCases } from '#test/fault-cases.ts'

test('the page of the fault matrix is what npm run docs:faults writes when every case passes', () => {
  assert.equal(readFileSync(faultFile, 'utf8'), faultPage(faultCases.map(() => true)), 'run npm run docs:faults')
})

test('a case that fails stands out in the page', () => {
  const page = faultPage(faultCases.map(({ number }) => number !== 0))
  assert.match(page, /\*\*1 of \d+ failed\*\*/)
})
