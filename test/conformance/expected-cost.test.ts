// 978 recorded usages, priced alike by three independent tables, cost the same here: in whole nano-USD, from our own catalog.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readModelCatalog } from '#catalog'
import { costOf, priceOf, type Price, type UsageCounts } from '#ir'
import { readCorpus, readJsonLines, skipWithoutCorpus } from '#test/corpus.ts'

type Expected = {
  readonly id: string
  readonly provider: string
  readonly api: string
  readonly request_model: string | null
  readonly response_model: string | null
  readonly usage: Readonly<Record<string, number>>
  readonly consensus: number
  readonly litellm_key: string
}
type TableRow = Readonly<Record<string, unknown>>

/** Vendors of the corpus that are vendors of the catalog too. */
const vendorOf = new Map([
  ['openai', 'openai'],
  ['anthropic', 'anthropic'],
  ['google', 'gemini'],
  ['mistral', 'mistral'],
  ['cohere', 'cohere'],
])
const chatApis = new Set(['chat', 'messages', 'responses', 'generateContent', 'cohere-v2-chat'])

function countsOf(usage: Readonly<Record<string, number>>): UsageCounts {
  const input = usage['input_tokens'] ?? 0
  const cacheRead = usage['cache_read_tokens']
  const cacheWrite = usage['cache_write_tokens']
  return {
    input,
    fresh: input - (cacheRead ?? 0) - (cacheWrite ?? 0),
    cacheRead,
    cacheWrite,
    cacheWrite1h: usage['cache_write_1h_tokens'],
    inputAudio: usage['input_audio_tokens'],
    output: usage['output_tokens'] ?? 0,
    reasoning: usage['output_reasoning_tokens'],
    outputAudio: usage['output_audio_tokens'],
  }
}

/** The tables' figures are floats (0.0026100000000000003): to nano-USD by way of their first 15 digits, up. */
function nanoUpFrom(consensus: number): bigint {
  const [whole = '0', fraction = ''] = consensus.toFixed(15).split('.')
  const femto = BigInt(whole + fraction)
  return (femto + 999_999n) / 1_000_000n
}

test('the catalog prices the recorded usages of its vendors as three tables do', { skip: skipWithoutCorpus }, () => {
  const catalog = readModelCatalog()
  const wrong: string[] = []
  const unpriced: string[] = []
  let priced = 0
  for (const row of readJsonLines<Expected>('prices', 'expected-cost.jsonl')) {
    const vendor = vendorOf.get(row.provider)
    if (vendor === undefined || !chatApis.has(row.api)) continue
    const models = catalog.modelsOf(vendor)
    const asked = row.request_model?.replace(/^models\//, '')
    const price = models.get(row.response_model ?? '')?.price ?? models.get(asked ?? '')?.price
    if (price === undefined) {
      unpriced.push(`${row.id} ${vendor}/${asked}`)
      continue
    }
    priced++
    const { nanoUsd } = costOf(countsOf(row.usage), price)
    if (nanoUsd !== nanoUpFrom(row.consensus))
      wrong.push(`${row.id} ${row.response_model}: ${nanoUsd} instead of ${nanoUpFrom(row.consensus)} ${JSON.stringify(row.usage)}`)
  }
  assert.deepEqual(wrong, [])
  assert.deepEqual(unpriced, [])
  // 978 less embeddings and the vendors that are not in the catalog yet (Vertex, Azure, Bedrock).
  assert.equal(priced, 888)
})

test("LiteLLM's own rows through our arithmetic give the agreed cost of every recorded usage", { skip: skipWithoutCorpus }, () => {
  const table = new Map(
    Object.entries(JSON.parse(readCorpus('prices', 'litellm-model-prices-2026-06.json').toString('utf8')) as Record<string, TableRow>),
  )
  const wrong: string[] = []
  let priced = 0
  for (const row of readJsonLines<Expected>('prices', 'expected-cost.jsonl')) {
    const price = tablePrice(table.get(row.litellm_key))
    if (price === undefined) {
      wrong.push(`${row.id}: no price row ${row.litellm_key}`)
      continue
    }
    priced++
    const { nanoUsd } = costOf(countsOf(row.usage), price)
    if (nanoUsd !== nanoUpFrom(row.consensus))
      wrong.push(`${row.id} ${row.litellm_key}: ${nanoUsd} instead of ${nanoUpFrom(row.consensus)} ${JSON.stringify(row.usage)}`)
  }
  assert.deepEqual(wrong, [])
  assert.equal(priced, 978)
})

function tablePrice(row: TableRow | undefined): Price | undefined {
  if (row === undefined) return undefined
  const rate = (name: string): string | undefined => {
    const perToken = row[name]
    return typeof perToken === 'number' ? (perToken * 1e6).toFixed(9) : undefined
  }
  return priceOf('litellm', {
    input: rate('input_cost_per_token'),
    output: rate('output_cost_per_token') ?? '0',
    cacheRead: rate('cache_read_input_token_cost'),
    cacheWrite: rate('cache_creation_input_token_cost'),
    cacheWrite1h: rate('cache_creation_input_token_cost_above_1hr'),
    reasoning: rate('output_cost_per_reasoning_token'),
    inputAudio: rate('input_cost_per_audio_token'),
    outputAudio: rate('output_cost_per_audio_token'),
  })
}
