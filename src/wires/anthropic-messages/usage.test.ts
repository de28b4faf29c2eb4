// Anthropic's counts, both ways.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeUsage, encodeUsage } from './usage.ts'

test('totals include the cache, which input_tokens leave out', () => {
  const usage = decodeUsage({
    input_tokens: 10,
    cache_read_input_tokens: 200,
    cache_creation_input_tokens: 30,
    cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
    output_tokens: 50,
    output_tokens_details: { thinking_tokens: 40 },
    service_tier: 'priority',
  })
  assert.deepEqual(usage?.input, { total: 240, fresh: 10, cacheRead: 200, cacheWrite: 30, cacheWrite1h: 20 })
  assert.deepEqual(usage?.output, { total: 50, reasoning: 40 })
  assert.equal(usage?.serviceTier, 'priority')
})

test('what a provider does not count is absent, not 0', () => {
  const usage = decodeUsage({ input_tokens: 1, output_tokens: 2 })
  assert.deepEqual(usage?.input, { total: 1, fresh: 1 })
  assert.deepEqual(usage?.output, { total: 2 })
  assert.equal(decodeUsage({}), undefined)
  assert.equal(decodeUsage(null), undefined)
})

test('a compaction pass is added, because it is billed and the top level leaves it out', () => {
  // The counts of a recorded compaction (compact-2026-01-12); an advisor's pass is another model's and stays out.
  const usage = decodeUsage({
    input_tokens: 682,
    cache_read_input_tokens: 0,
    output_tokens: 1320,
    iterations: [
      { type: 'compaction', input_tokens: 60385, output_tokens: 592, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
      { type: 'message', input_tokens: 682, output_tokens: 1320 },
      { type: 'advisor_message', model: 'claude-opus-4-7', input_tokens: 2728, output_tokens: 874 },
    ],
  })
  assert.equal(usage?.input.total, 60385 + 682)
  assert.equal(usage?.output.total, 592 + 1320)
})

test('towards a client the cache is apart again, and the cost is a number in USD', () => {
  const counts = {
    input: { total: 240, fresh: 10, cacheRead: 200, cacheWrite: 30, cacheWrite1h: 20 },
    output: { total: 50, reasoning: 40 },
  }
  assert.deepEqual(encodeUsage({ ...counts, hosted: { web_search: 2 }, raw: {} }, 0.0125), {
    input_tokens: 10,
    cache_creation_input_tokens: 30,
    cache_read_input_tokens: 200,
    cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
    output_tokens: 50,
    output_tokens_details: { thinking_tokens: 40 },
    server_tool_use: { web_search_requests: 2 },
    cost: 0.0125,
  })
  assert.deepEqual(encodeUsage(undefined, undefined), { input_tokens: 0, output_tokens: 0 })
})

test('a cost that the provider states is a decimal, however small', () => {
  const cost = (stated: number | string) => decodeUsage({ input_tokens: 1, output_tokens: 1, cost: stated })?.cost
  assert.equal(cost(0.0025), '0.0025')
  assert.equal(cost(1.5e-7), '0.00000015')
  assert.equal(cost('0.1'), '0.1')
  assert.equal(cost(-1), undefined)
})
