// Bounded by bytes and by age; the least recently used go first.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createResponseCache, type CachedAnswer } from './response-cache.ts'

const answer = (bytes: number, model = 'm'): CachedAnswer => ({
  body: Buffer.alloc(bytes),
  provider: 'p',
  model,
  finish: undefined,
  usage: undefined,
})
const hour = 3_600_000

test('an answer is there until its age is reached, on the clock that was given', () => {
  let nowMs = 5
  const cache = createResponseCache(1 << 20, () => nowMs)
  assert.equal(cache.get('a'), undefined)
  cache.put('a', answer(10), 60_000)
  nowMs += 59_999
  assert.equal(cache.get('a')?.body.length, 10)
  nowMs += 1
  assert.equal(cache.get('a'), undefined)
  const { bytes, entries, hits, misses, stored, evicted } = cache.stats()
  assert.deepEqual({ bytes, entries, hits, misses, stored, evicted }, { bytes: 0, entries: 0, hits: 1, misses: 2, stored: 1, evicted: 0 })
})

test('a later answer takes the place of the earlier, with an age of its own', () => {
  let nowMs = 0
  const cache = createResponseCache(1 << 20, () => nowMs)
  cache.put('a', answer(10, 'first'), 1000)
  nowMs = 900
  cache.put('a', answer(20, 'second'), 1000)
  nowMs = 1500
  assert.equal(cache.get('a')?.model, 'second')
  assert.equal(cache.stats().entries, 1)
})

test('what was used last stays longest', () => {
  const cache = createResponseCache(20_000, () => 0)
  for (const key of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']) cache.put(key, answer(1000), hour)
  cache.get('a')
  cache.put('j', answer(1000), hour)
  assert.ok(cache.get('a') !== undefined)
  assert.equal(cache.get('b'), undefined)
  assert.ok(cache.get('c') !== undefined)
  assert.equal(cache.stats().evicted, 1)
})

test('an answer that would push out much of the rest is not kept, and what it replaces is gone', () => {
  const cache = createResponseCache(80_000, () => 0)
  assert.equal(cache.put('a', answer(1), hour), true)
  assert.equal(cache.put('a', answer(10_000), hour), false)
  assert.equal(cache.get('a'), undefined)
})

test('whatever is put and asked for, the bytes stay below the limit and what is given is what was put last', () => {
  const step = fc.record({ key: fc.nat(30), bytes: fc.nat(4000), ageMs: fc.nat(50), passMs: fc.nat(20), put: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 8192, max: 60_000 }), (steps, maxBytes) => {
      let nowMs = 0
      const cache = createResponseCache(maxBytes, () => nowMs)
      const put = new Map<string, { readonly answer: CachedAnswer; readonly untilMs: number }>()
      for (const { key, bytes, ageMs, passMs, put: puts } of steps) {
        nowMs += passMs
        const name = `k${key}`
        if (puts) {
          const one = answer(bytes)
          if (cache.put(name, one, ageMs)) put.set(name, { answer: one, untilMs: nowMs + ageMs })
          else put.delete(name)
        } else {
          const found = cache.get(name)
          if (found !== undefined) {
            assert.equal(found, put.get(name)?.answer)
            assert.ok(nowMs < put.get(name)!.untilMs)
          }
        }
        const { bytes: used, entries } = cache.stats()
        assert.ok(used <= maxBytes)
        assert.equal(used === 0, entries === 0)
      }
    }),
  )
})
