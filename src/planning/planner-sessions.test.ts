// Sessions that stay where they were.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { balance, byMain, order, planningOf, to } from '#test/planning.ts'

describe('sessions', () => {
  const session = (id: string): Readonly<Record<string, string>> => ({ 'x-turnpike-config': 'main', 'x-turnpike-session-id': id })

  test('one that is named stays where it was, while that is well; others are drawn', () => {
    const planning = planningOf(balance(to('a'), to('b')))
    planning.chances.push(0.9)
    assert.deepEqual(order(planning.plan({ headers: session('s') })), ['b', 'a'])
    for (let i = 0; i < 20; i++) assert.deepEqual(order(planning.plan({ headers: session('s') })), ['b', 'a'])
    assert.equal(planning.plan({ headers: session('s') }).steps[0]!.reason, 'the same as before in this session')
    const first = new Set(Array.from({ length: 50 }, () => order(planning.plan(byMain))[0]))
    assert.equal(first.size, 2, 'requests without a session')
    planning.follow(
      { steps: [{ target: planning.plan({ headers: session('s') }).steps[0]!.target, reason: '', exits: [] }], skipped: [] },
      () => 401,
    )
    assert.deepEqual(order(planning.plan({ headers: session('s') })), ['a', 'b'])
    planning.health.reset('b')
    assert.deepEqual(order(planning.plan({ headers: session('s') })), ['a', 'b'], 'where its prompt is cached by now')
  })

  test('for an hour after its latest request', () => {
    const planning = planningOf(balance(to('a'), to('b')))
    planning.chances.push(0.9)
    planning.plan({ headers: session('s') })
    planning.nowMs += 3_599_000
    assert.equal(order(planning.plan({ headers: session('s') }))[0], 'b')
    planning.nowMs += 3_600_000
    planning.chances.push(0.1)
    assert.equal(order(planning.plan({ headers: session('s') }))[0], 'a')
  })

  test("another key's session of the same name is another session", () => {
    const planning = planningOf(balance(to('a'), to('b')))
    planning.chances.push(0.9, 0.1)
    planning.plan({ headers: session('s') })
    assert.equal(order(planning.plan({ headers: session('s'), key: { id: 'key-2' } }))[0], 'a')
  })

  test('by fields of the request; without any of them it is drawn', () => {
    const strategy = { mode: 'loadbalance', sticky: { hash_fields: ['metadata.user', 'params.user'], ttl: 60 } }
    const planning = planningOf({ strategy, targets: [to('a'), to('b')] })
    const by = (user: string) => ({ headers: { ...byMain.headers, 'x-turnpike-metadata': JSON.stringify({ user }) } })
    planning.chances.push(0.9, 0.1)
    planning.plan(by('x'))
    planning.plan(by('y'))
    for (let i = 0; i < 10; i++) assert.deepEqual([order(planning.plan(by('x')))[0], order(planning.plan(by('y')))[0]], ['b', 'a'])
    assert.equal(new Set(Array.from({ length: 50 }, () => order(planning.plan(byMain))[0])).size, 2)
  })

  test('sticky: false draws each request', () => {
    const planning = planningOf({ strategy: { mode: 'loadbalance', sticky: false }, targets: [to('a'), to('b')] })
    assert.equal(new Set(Array.from({ length: 50 }, () => order(planning.plan({ headers: session('s') }))[0])).size, 2)
  })

  test('a rehearsal pins nothing', () => {
    const planning = planningOf(balance(to('a'), to('b')))
    planning.chances.push(0.9, 0.1)
    planning.rehearse({ headers: session('s') })
    assert.equal(order(planning.plan({ headers: session('s') }))[0], 'a')
  })

  test('20,000 of them are spread within 2 % of the weights', () => {
    const planning = planningOf(balance(to('a', { weight: 6 }), to('b', { weight: 3 }), to('c', { weight: 1 })))
    const counted = new Map<string, number>()
    for (let i = 0; i < 20_000; i++) {
      const [slug = ''] = order(planning.plan({ headers: session(`session-${i}`) }))
      counted.set(slug, (counted.get(slug) ?? 0) + 1)
    }
    for (const [slug, share] of [
      ['a', 0.6],
      ['b', 0.3],
      ['c', 0.1],
    ] as const)
      assert.ok(Math.abs((counted.get(slug) ?? 0) / 20_000 - share) < 0.02, `${slug}: ${counted.get(slug)}`)
  })
})
