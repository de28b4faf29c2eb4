// A crowd against a Set, under random comings and goings.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Crowd } from './crowd.ts'

type Member = { place: number; readonly id: number }

test('it holds what a Set would hold', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ add: fc.boolean(), id: fc.nat(9) })), (steps) => {
      const members = Array.from({ length: 10 }, (_, id): Member => ({ place: -1, id }))
      const crowd = new Crowd<'place', Member>('place')
      const set = new Set<Member>()
      for (const { add, id } of steps) {
        const member = members[id]!
        if (add) {
          crowd.add(member)
          set.add(member)
        } else {
          crowd.remove(member)
          set.delete(member)
        }
        const seen = new Set<Member>()
        crowd.forEach((one) => seen.add(one))
        assert.deepEqual([...seen].sort(byId), [...set].sort(byId))
        assert.equal(crowd.size, set.size)
        for (const one of members) assert.equal(one.place >= 0, set.has(one))
      }
    }),
  )
})

test('members that leave while all are visited do not hide those that stay', () => {
  const members = Array.from({ length: 6 }, (_, id): Member => ({ place: -1, id }))
  const crowd = new Crowd<'place', Member>('place')
  for (const member of members) crowd.add(member)
  const seen = new Set<number>()
  crowd.forEach((member) => {
    seen.add(member.id)
    if (member.id % 2 === 1) crowd.remove(member)
    if (member.id === 5) crowd.remove(members[0]!)
  })
  for (const id of [2, 4]) assert.ok(seen.has(id))
  assert.equal(crowd.size, 2)
})

function byId(a: Member, b: Member): number {
  return a.id - b.id
}
