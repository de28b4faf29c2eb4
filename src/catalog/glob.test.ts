// A pattern accepts exactly what the regular expression of the same meaning accepts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createGlob } from './glob.ts'

test('a star stands for any characters, also none; everything else for itself', () => {
  assert.ok(createGlob('gpt-4o*')('gpt-4o'))
  assert.ok(createGlob('*-mini')('gpt-4o-mini'))
  assert.ok(createGlob('gpt-*-mini')('gpt-4o-mini'))
  assert.ok(!createGlob('ab*ba')('aba'), 'the two ends do not share a letter')
  assert.ok(!createGlob('a*ba*a')('aba'), 'nor does the middle share one with an end')
  assert.ok(!createGlob('gpt.4o')('gpt-4o'))
  assert.ok(!createGlob('gpt-4o')('gpt-4o-mini'))
})

test('any pattern means what its regular expression means', () => {
  const letters = fc.array(fc.constantFrom('a', 'b', '.'), { maxLength: 10 }).map((list) => list.join(''))
  const pattern = fc.array(fc.constantFrom('a', 'b', '.', '*', '*'), { maxLength: 8 }).map((list) => list.join(''))
  fc.assert(
    fc.property(pattern, letters, (glob, id) => {
      const expression = new RegExp(`^${glob.replaceAll('.', '\\.').replaceAll('*', '.*')}$`)
      return createGlob(glob)(id) === expression.test(id)
    }),
    { numRuns: 2000 },
  )
})
