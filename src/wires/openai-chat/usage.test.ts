// Reading and writing token counts, in the variants that providers send.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '#kernel'
import { decodeUsage, encodeUsage } from './usage.ts'

const read = (raw: JsonObject, dialect = {}) => {
  const { raw: kept, ...usage } = decodeUsage(raw, dialect)!
  assert.equal(kept, raw, "the provider's own object is kept")
  return usage
}

test("OpenAI's cached and reasoning tokens are parts of their totals", () => {
  const raw = {
    prompt_tokens: 100,
    completion_tokens: 50,
    prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 },
    completion_tokens_details: { reasoning_tokens: 30 },
  }
  assert.deepEqual(read(raw), { input: { total: 100, fresh: 30, cacheRead: 60, cacheWrite: 10 }, output: { total: 50, reasoning: 30 } })
})

test('what is not said is absent, not 0', () => {
  assert.deepEqual(read({ prompt_tokens: 3, completion_tokens: 4 }), { input: { total: 3, fresh: 3 }, output: { total: 4 } })
  assert.deepEqual(read({ prompt_tokens: 3, completion_tokens: 4, prompt_tokens_details: null }), {
    input: { total: 3, fresh: 3 },
    output: { total: 4 },
  })
  assert.equal(decodeUsage({}, {}), undefined)
})

test("DeepSeek's cache hits, and Moonshot's and Together's, are cached tokens", () => {
  assert.equal(
    read({ prompt_tokens: 10, completion_tokens: 1, prompt_cache_hit_tokens: 8, prompt_cache_miss_tokens: 2 }).input.cacheRead,
    8,
  )
  assert.equal(read({ prompt_tokens: 10, completion_tokens: 1, cached_tokens: 8 }).input.fresh, 2)
})

test("xAI's completion excludes reasoning, which is billed: by its row's flag, or because its total says so", () => {
  const raw = { prompt_tokens: 12, completion_tokens: 1, completion_tokens_details: { reasoning_tokens: 228 } }
  assert.equal(read(raw, { completionExcludesReasoning: true }).output.total, 229)
  assert.equal(read({ ...raw, total_tokens: 241 }).output.total, 229)
  assert.equal(read(raw).output.total, 229, 'more reasoning than completion')
  const inclusive = { prompt_tokens: 12, completion_tokens: 300, total_tokens: 312, completion_tokens_details: { reasoning_tokens: 228 } }
  assert.equal(read(inclusive).output.total, 300)
})

test('a cost that the provider states is kept as a decimal string', () => {
  const cost = (fields: JsonObject) => read({ prompt_tokens: 1, completion_tokens: 1, ...fields }).cost
  assert.equal(cost({ cost: 0.00007159 }), '0.00007159')
  assert.equal(cost({ cost: 1.5e-7 }), '0.00000015')
  assert.equal(cost({ cost: 0 }), '0')
  assert.equal(cost({ cost: { total_cost: 0.006 } }), '0.006')
  assert.equal(cost({ cost_in_usd_ticks: 1_176_500 }), '0.00011765')
  assert.equal(cost({ cost_in_usd_ticks: 20_000_000_000 }), '2')
  assert.equal(cost({}), undefined)
})

test('the sums hold for a provider that counts its cache apart', () => {
  assert.deepEqual(read({ prompt_tokens: 5, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 100 } }).input, {
    total: 105,
    fresh: 5,
    cacheRead: 100,
  })
})

test('audio tokens stay within the fresh ones', () => {
  assert.equal(
    read({ prompt_tokens: 10, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 8, audio_tokens: 10 } }).input.audio,
    2,
  )
})

test('usage is written as OpenAI writes it, with the cost in it', () => {
  const usage = { input: { total: 10, fresh: 4, cacheRead: 6 }, output: { total: 5, reasoning: 2 }, raw: {} }
  assert.deepEqual(encodeUsage(usage, 0.25), {
    prompt_tokens: 10,
    completion_tokens: 5,
    total_tokens: 15,
    prompt_tokens_details: { cached_tokens: 6 },
    completion_tokens_details: { reasoning_tokens: 2 },
    cost: 0.25,
  })
})
