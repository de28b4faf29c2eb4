// Who is asked first by load balancing, who stands by, and how often each is drawn.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LoadBalanceBy } from '#config'
import { balanced, type Sized } from './plan-balance.ts'

function sized(one: string, more: Partial<Sized<string>> = {}): Sized<string> {
  return { one, weight: 1, isWell: true, latencyMs: undefined, cost: undefined, running: 0, ...more }
}

const nobody = (): boolean => false

function orderOf(all: readonly Sized<string>[], by: LoadBalanceBy, chance = 0, isPinned: (one: string) => boolean = nobody): string {
  const { first, rest } = balanced(all, by, () => chance, isPinned)
  return [first, ...rest].map(({ one }) => one).join(' ')
}

test('each is drawn as often as its weight says, and the rest stand by in their order', () => {
  const all = [sized('a', { weight: 0.5 }), sized('b', { weight: 0.25 }), sized('c', { weight: 0.25 })]
  assert.deepEqual(
    [0, 0.49, 0.5, 0.74, 0.75, 0.999].map((chance) => orderOf(all, 'weight', chance)),
    ['a b c', 'a b c', 'b a c', 'b a c', 'c a b', 'c a b'],
  )
})

test('one without weight is asked only where no other can be', () => {
  const all = [sized('zero', { weight: 0 }), sized('a')]
  assert.equal(orderOf(all, 'weight', 0), 'a zero')
  assert.equal(orderOf([sized('zero', { weight: 0 }), sized('a', { isWell: false })], 'weight'), 'zero a')
  assert.equal(orderOf([sized('x', { weight: 0 }), sized('y', { weight: 0 })], 'weight', 0.6), 'y x')
})

test('who is in trouble comes last; where all are, they are asked in their order', () => {
  const all = [sized('sick', { isWell: false, weight: 100 }), sized('a'), sized('zero', { weight: 0 })]
  assert.equal(orderOf(all, 'weight', 0), 'a zero sick')
  const sick = [sized('a', { isWell: false }), sized('b', { isWell: false })]
  assert.equal(orderOf(sick, 'weight', 0.7), 'a b')
})

test('weights of any size add up', () => {
  const all = [sized('a', { weight: Number.MAX_VALUE }), sized('b', { weight: Number.MAX_VALUE })]
  assert.deepEqual(
    [0.4, 0.6].map((chance) => orderOf(all, 'weight', chance)),
    ['a b', 'b a'],
  )
})

test('by latency, the fastest; one that is not known is asked by one request at a time', () => {
  const fast = sized('fast', { latencyMs: 100 })
  const slow = sized('slow', { latencyMs: 900 })
  assert.equal(orderOf([slow, fast], 'latency'), 'fast slow')
  assert.equal(orderOf([slow, fast, sized('new')], 'latency'), 'new slow fast')
  assert.equal(orderOf([slow, fast, sized('new', { running: 1 })], 'latency'), 'fast slow new')
  const unknown = [sized('a', { running: 2 }), sized('b', { running: 1 }), sized('c', { running: 1 })]
  assert.equal(orderOf(unknown, 'latency', 0.9), 'c a b', 'while none is known, the least busy')
})

test('by cost, the cheapest; free is cheaper than anything, and unpriced dearer', () => {
  assert.equal(orderOf([sized('dear', { cost: 9 }), sized('cheap', { cost: 1 }), sized('unpriced')], 'cost'), 'cheap dear unpriced')
  assert.equal(orderOf([sized('cheap', { cost: 1 }), sized('free', { cost: 0 })], 'cost'), 'free cheap')
  assert.equal(orderOf([sized('a', { cost: 1 }), sized('b', { cost: 1 })], 'cost', 0.9), 'b a', 'drawn among equals')
})

test('by least_busy, who is answering the fewest requests', () => {
  assert.equal(orderOf([sized('a', { running: 3 }), sized('b', { running: 1 }), sized('c', { running: 2 })], 'least_busy'), 'b a c')
})

test('a session goes where it went before, while that is well and has weight', () => {
  const isPinned = (one: string): boolean => one === 'b'
  assert.equal(orderOf([sized('a', { weight: 99 }), sized('b')], 'weight', 0, isPinned), 'b a')
  assert.equal(orderOf([sized('a'), sized('b', { isWell: false })], 'weight', 0, isPinned), 'a b')
  assert.equal(orderOf([sized('a'), sized('b', { weight: 0 })], 'weight', 0, isPinned), 'a b')
  assert.equal(orderOf([sized('a', { latencyMs: 1 }), sized('b', { latencyMs: 500 })], 'latency', 0, isPinned), 'b a')
})

test('20,000 draws are within 2 % of the weights, with a generator of the test and with a seed', () => {
  const all = [sized('a', { weight: 7 }), sized('b', { weight: 2 }), sized('c', { weight: 1 }), sized('d', { weight: 0 })]
  const drawn = new Map<string, number>()
  let seed = 20_261_122
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
  for (let i = 0; i < 20_000; i++) {
    const { one } = balanced(all, 'weight', random, nobody).first
    drawn.set(one, (drawn.get(one) ?? 0) + 1)
  }
  for (const { one, weight } of all) {
    const share = (drawn.get(one) ?? 0) / 20_000
    assert.ok(Math.abs(share - weight / 10) < 0.02, `${one}: ${share}`)
  }
})
