// Pages of a list that is in memory.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AdminFailure } from './failure.ts'
import { pageOf } from './lists.ts'

const itself = (name: string): string => name

test('without a limit everything is answered, in the order of its keys', () => {
  assert.deepEqual(pageOf(['b', 'c', 'a'], itself, {}), { data: ['a', 'b', 'c'], next_cursor: null })
  assert.deepEqual(pageOf([], itself, { limit: 5 }), { data: [], next_cursor: null })
})

test('following the cursor gives every entry once, also when entries come and go meanwhile', () => {
  const entries = new Set(['a', 'b', 'c', 'd', 'é', '\u{1f600}'])
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = pageOf([...entries], itself, { limit: 2, cursor })
    seen.push(...page.data)
    cursor = page.next_cursor ?? undefined
    entries.delete(page.data.at(-1)!)
    entries.add('aa')
  } while (cursor !== undefined)
  assert.deepEqual(seen, ['a', 'b', 'c', 'd', 'é', '\u{1f600}'])
})

test('a page that ends the list exactly has no next one', () => {
  assert.equal(pageOf(['a', 'b'], itself, { limit: 2 }).next_cursor, null)
})

test('a cursor of somebody else is a 400 that names it', () => {
  for (const cursor of ['', 'zzz', 'bnVsbA', Buffer.from('[1]').toString('base64url'), Buffer.from('{}').toString('base64url')]) {
    assert.throws(
      () => pageOf(['a'], itself, { cursor }),
      (error) => error instanceof AdminFailure && error.status === 400 && error.field === 'cursor',
    )
  }
})
