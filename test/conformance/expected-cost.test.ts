// 978 recorded usages, priced alike by three independent tables, cost the same here: in whole nano-USD, from our own catalog.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readModelCatalog } from '#catalog'
import { costOf, priceOf, type Price, type UsageCounts } from '#ir'
import { readCorpus, readJsonLines, skipWithoutCorpus } from '#test/corpus.ts'

type Expected = {
  readonly id: string
  readonly provider: string
  readonly request_model: string | null
  readonly response_model: string | null
  readonly usage: Readonly<Record<string, number>>
  readonly consensus: number
  readonly litellm_key: string
}
type TableRow = Readonly<Record<string, unknown>>

/** The corpus' names of vendors, and the catalog's. */
const vendorOf = new Map([
  ['openai', 'openai'],
  ['anthropic', 'anthropic'],
  ['google', 'gemini'],
  ['vertex', 'vertex'],
  ['bedrock', 'bedrock'],
  ['azure', 'azure'],
  ['mistral', 'mistral'],
  ['cohere', 'cohere'],
])

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
    inputImage: usage['input_image_tokens'],
    hosted: usage['web_searches'] === undefined ? undefined : { web_search: usage['web_searches'] },
  }
}

/** The tables' figures are floats (0.0026100000000000003): to nano-USD by way of their first 15 digits, up. */
function nanoUpFrom(consensus: number): bigint {
  const [whole = '0', fraction = ''] = consensus.toFixed(15).split('.')
  const femto = BigInt(whole + fraction)
  return (femto + 999_999n) / 1_000_000n
}

/** Rows of the corpus that cost something else here, and why; exact both ways. None does: all 978 are equal to the nano-dollar. */
const explained: ReadonlyMap<string, string> = new Map()

test('the catalog prices every recorded usage as three tables do, to the nano-dollar', { skip: skipWithoutCorpus }, () => {
  const catalog = readModelCatalog()
  const wrong: string[] = []
  let equal = 0
  for (const row of readJsonLines<Expected>('prices', 'expected-cost.jsonl')) {
    const vendor = vendorOf.get(row.provider)
    const models = catalog.modelsOf(vendor ?? '')
    const asked = decodeURIComponent((row.request_model ?? '').replace(/^models\//, ''))
    const price = models.get(row.response_model ?? '')?.price ?? models.get(asked)?.price
    const cost = price === undefined ? 'unpriced' : costOf(countsOf(row.usage), price).nanoUsd
    if (cost === nanoUpFrom(row.consensus)) equal++
    else if (!explained.has(row.id))
      wrong.push(`${row.id} ${vendor}/${row.response_model}: ${cost} instead of ${nanoUpFrom(row.consensus)} ${JSON.stringify(row.usage)}`)
  }
  assert.deepEqual(wrong, [])
  assert.equal(equal, 978 - explained.size)
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
