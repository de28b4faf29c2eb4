// What decides a price besides tokens, read where each provider writes it; absent is absent.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeUsage as anthropic } from './anthropic-messages/usage.ts'
import { decodeUsage as converse } from './bedrock-converse/usage.ts'
import { decodeUsage as gemini } from './gemini/usage.ts'
import { decodeUsage as chat } from './openai-chat/usage.ts'
import { decodeUsage as responses } from './openai-responses/usage.ts'

test('the tier that served an answer is read, in every wire that has one', () => {
  assert.equal(chat({ prompt_tokens: 1, completion_tokens: 1 }, {}, 'flex')?.serviceTier, 'flex')
  assert.equal(responses({ usage: { input_tokens: 1, output_tokens: 1 }, service_tier: 'priority' })?.serviceTier, 'priority')
  assert.equal(anthropic({ input_tokens: 1, output_tokens: 1, service_tier: 'batch' })?.serviceTier, 'batch')
  assert.equal(anthropic({ input_tokens: 1, output_tokens: 1, service_tier: 'standard', speed: 'fast' })?.serviceTier, 'fast')
  assert.equal(anthropic({ input_tokens: 1, output_tokens: 1, service_tier: 'standard', speed: 'standard' })?.serviceTier, 'standard')
  assert.equal(gemini({ promptTokenCount: 1, trafficType: 'ON_DEMAND_PRIORITY' })?.serviceTier, 'priority')
  assert.equal(gemini({ promptTokenCount: 1, trafficType: 'ON_DEMAND' })?.serviceTier, undefined)
  assert.equal(converse({ inputTokens: 1, outputTokens: 1 }, { type: 'flex' })?.serviceTier, 'flex')
  assert.equal(chat({ prompt_tokens: 1, completion_tokens: 1 }, {})?.serviceTier, undefined)
})

test("Anthropic's inference in the United States alone is a region; anywhere is none", () => {
  const usage = { input_tokens: 1, output_tokens: 1 }
  assert.equal(anthropic({ ...usage, inference_geo: 'us' })?.region, 'us')
  for (const geo of ['global', 'not_available', null]) assert.equal(anthropic({ ...usage, inference_geo: geo })?.region, undefined)
})

test('images are told apart where the provider does, less those that came from the cache', () => {
  const usage = gemini({
    promptTokenCount: 800,
    cachedContentTokenCount: 300,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: 284 },
      { modality: 'IMAGE', tokenCount: 516 },
    ],
    cacheTokensDetails: [{ modality: 'IMAGE', tokenCount: 258 }],
    candidatesTokenCount: 1300,
    candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1290 }],
  })
  assert.deepEqual([usage?.input.image, usage?.output.image], [258, 1290])
  assert.equal(gemini({ promptTokenCount: 1 })?.input.image, undefined)
  assert.equal(chat({ prompt_tokens: 9, completion_tokens: 1, prompt_tokens_details: { image_tokens: 4 } }, {})?.input.image, 4)
})

test('searches are calls of tools, and none is not 0', () => {
  const usage = { prompt_tokens: 1, completion_tokens: 1 }
  assert.deepEqual(chat({ ...usage, server_tool_use: { web_search_requests: 2 } }, {})?.hosted, { web_search: 2 })
  assert.deepEqual(chat({ ...usage, num_search_queries: 5 }, {})?.hosted, { web_search: 5 })
  assert.equal(chat({ ...usage, num_search_queries: 0 }, {})?.hosted, undefined)
  const response = { usage: { input_tokens: 1, output_tokens: 1 } }
  assert.deepEqual(responses({ ...response, tool_usage: { web_search: { num_requests: 3 }, file_search: { num_requests: 1 } } })?.hosted, {
    web_search: 3,
    file_search: 1,
  })
  assert.equal(responses(response)?.hosted, undefined)
})

test('calls that nobody counted are counted from the items of an answer: a search is billed, a page that is opened is not', () => {
  const response = { usage: { input_tokens: 1, output_tokens: 1 } }
  const search = (type: string) => ({ type: 'web_search_call', status: 'completed', action: { type } })
  const output = [
    search('search'),
    search('open_page'),
    search('find_in_page'),
    { type: 'web_search_call', status: 'completed' },
    { type: 'web_search_call', status: 'failed', action: { type: 'search' } },
    { type: 'file_search_call', status: 'completed', queries: ['x'] },
    { type: 'message', content: [{ type: 'output_text', text: '{"type":"web_search_call"}' }] },
  ]
  assert.deepEqual(responses({ ...response, output })?.hosted, { web_search: 2, file_search: 1 })
  const told = { web_search: { num_requests: 1 } }
  assert.deepEqual(responses({ ...response, output, tool_usage: told })?.hosted, { web_search: 1, file_search: 1 })
  assert.deepEqual(responses({ ...response, output, tool_usage: { web_search: { num_requests: 0 } } })?.hosted, { file_search: 1 })
})

test('a negative count is none; where both are, the usage is missing', () => {
  assert.equal(chat({ prompt_tokens: -1, completion_tokens: -5 }, {}), undefined)
  assert.deepEqual(chat({ prompt_tokens: 7, completion_tokens: -5 }, {})?.output.total, 0)
  assert.equal(anthropic({ input_tokens: -1, output_tokens: -1 }), undefined)
  assert.equal(gemini({ promptTokenCount: -1, candidatesTokenCount: -1 }), undefined)
  assert.equal(chat({ prompt_tokens: '7', completion_tokens: null }, {}), undefined)
})
