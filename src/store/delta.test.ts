// How much two bodies have in common at both ends.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { commonPrefix, commonSuffix } from './delta.ts'

/** Byte by byte: what the fast way has to equal. */
function slowPrefix(a: Buffer, b: Buffer): number {
  let at = 0
  while (at < Math.min(a.length, b.length) && a[at] === b[at]) at++
  return at
}

const bodies = fc
  .tuple(
    fc.integer({ min: 0, max: 100_000 }),
    fc.integer({ min: 0, max: 40 }),
    fc.integer({ min: 0, max: 40 }),
    fc.integer({ min: 0, max: 70_000 }),
  )
  .map(([prefix, freshA, freshB, suffix]) => {
    const [head, tail] = [Buffer.alloc(prefix, 'abc'), Buffer.alloc(suffix, 'xyz')]
    return [Buffer.concat([head, Buffer.alloc(freshA, '1'), tail]), Buffer.concat([head, Buffer.alloc(freshB, '2'), tail])] as const
  })

test('common beginnings and ends are as long as comparing byte by byte says', () => {
  fc.assert(
    fc.property(bodies, ([a, b]) => {
      assert.equal(commonPrefix(a, b), slowPrefix(a, b))
      assert.equal(commonSuffix(a, b), slowPrefix(Buffer.from(a).reverse(), Buffer.from(b).reverse()))
    }),
    { numRuns: 60 },
  )
})

test('a limit bounds both, so that beginning and end never overlap', () => {
  const a = Buffer.from('aaaa')
  const b = Buffer.from('aaaaaa')
  const prefix = commonPrefix(a, b)
  assert.equal(prefix, 4)
  assert.equal(commonSuffix(a, b, Math.min(a.length, b.length) - prefix), 0)
})
