// Counting what no provider counted: exact for ordinary text, and in time for any.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleFinish } from '#test/records.ts'
import { createTokenCounter, lacksUsage } from './estimate.ts'

const count = createTokenCounter()

test('ordinary text has the tokens of the o200k encoding', () => {
  // The last is the example of OpenAI's cookbook, "How to count tokens with tiktoken".
  assert.equal(count(''), 0)
  assert.equal(count('Hello, world!'), 4)
  assert.equal(count('tiktoken is great!'), 6)
})

test('a special token in the text is text', () => {
  assert.ok(count('<|endoftext|>') > 1)
})

test('a megabyte without a boundary is counted within seconds, and near the truth', () => {
  const started = performance.now()
  // 1000 characters each: 125 tokens, 9 tokens, and a boundary between them.
  assert.ok(Math.abs(count('x'.repeat(1_000_000)) - 125_000) < 12_500)
  assert.ok(count(' '.repeat(1_000_000)) < 20_000)
  assert.ok(count(`${'ab'.repeat(500_000)} and then some words`) > 100_000)
  assert.ok(performance.now() - started < 10_000)
})

test('a long run changes nothing for the words around it, but for the seam', () => {
  const words = 'The quick brown fox jumps over the lazy dog. '.repeat(20)
  const run = `\n${'='.repeat(2_000)}`
  assert.ok(Math.abs(count(words + run) - count(run) - count(words)) <= 2)
})

test('what nobody counted is counted, but not what the cache gave: nobody made it', () => {
  const uncounted = sampleFinish('01aa', { usage: undefined })
  assert.equal(lacksUsage(uncounted), true)
  assert.equal(lacksUsage({ ...uncounted, cache: 'hit' }), false)
  assert.equal(lacksUsage({ ...uncounted, cache: 'miss' }), true)
})
