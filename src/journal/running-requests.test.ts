import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RunningRequests } from './running-requests.ts'

test('it is a Map of requests by their ids, whatever comes and goes', () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd', 'e')
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ op: fc.constantFrom('set' as const, 'delete' as const), id }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('clear' as const), id }) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const model = new Map<string, { id: string; at: number }>()
      const running = new RunningRequests<{ id: string; at: number }>()
      steps.forEach(({ op, id: one }, at) => {
        if (op === 'set') {
          model.set(one, { id: one, at })
          running.set({ id: one, at })
        } else if (op === 'delete') {
          model.delete(one)
          running.delete(one)
        } else {
          model.clear()
          running.clear()
        }
        assert.deepEqual([...running.values()], [...model.values()])
        assert.deepEqual(running.get(one), model.get(one))
      })
    }),
  )
})
