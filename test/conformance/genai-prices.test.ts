// Another table and another program as an oracle: what @pydantic/genai-prices says of a model that both know, our catalog and arithmetic say, too.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { calcPrice, type Usage } from '@pydantic/genai-prices'
import { readModelCatalog } from '#catalog'
import { costOf, priceAt, type UsageCounts } from '#ir'

/** Our vendors, and its providers. */
const providers = {
  openai: 'openai',
  anthropic: 'anthropic',
  gemini: 'google',
  mistral: 'mistral',
  xai: 'x-ai',
  deepseek: 'deepseek',
  groq: 'groq',
  cohere: 'cohere',
  moonshot: 'moonshotai',
  cerebras: 'cerebras',
} as const

const usages = {
  plain: { input_tokens: 10_000, output_tokens: 1000 },
  cached: { input_tokens: 10_000, cache_read_tokens: 4000, output_tokens: 1000 },
  written: { input_tokens: 10_000, cache_write_tokens: 3000, output_tokens: 1000 },
  long: { input_tokens: 300_000, output_tokens: 1000 },
  'long and cached': { input_tokens: 300_000, cache_read_tokens: 200_000, output_tokens: 1000 },
} as const satisfies Record<string, Usage>

/** The date of our tables. */
const at = new Date('2026-07-24T12:00:00Z')

type Difference = { readonly model: string; readonly usages: readonly string[]; readonly why: string }

function countsOf(usage: Usage): UsageCounts {
  const { input_tokens: input = 0, cache_read_tokens: cacheRead, cache_write_tokens: cacheWrite, output_tokens: output = 0 } = usage
  return {
    input,
    fresh: input - (cacheRead ?? 0) - (cacheWrite ?? 0),
    cacheRead,
    cacheWrite,
    cacheWrite1h: undefined,
    inputAudio: undefined,
    output,
    reasoning: undefined,
    outputAudio: undefined,
  }
}

function theirs(usage: Usage, model: string, providerId: string): number | undefined {
  try {
    return calcPrice(usage, model, { providerId, timestamp: at })?.total_price
  } catch {
    // Models that it knows under units we don't compare.
    return undefined
  }
}

test('models that both tables know cost the same, and where they differ it is written down why', () => {
  const catalog = readModelCatalog()
  const differences: { model: string; usages: string[] }[] = []
  let compared = 0
  for (const [vendor, providerId] of Object.entries(providers)) {
    for (const [id, { price, free, outputModalities }] of catalog.modelsOf(vendor)) {
      if (price === undefined || free === true || outputModalities?.includes('embeddings') === true) continue
      const unequal = Object.entries(usages).flatMap(([name, usage]) => {
        const usd = theirs(usage, id, providerId)
        if (usd === undefined) return []
        compared++
        // Theirs is a float: equal to the nano-dollar, give or take its last one.
        return Math.abs(Number(costOf(countsOf(usage), priceAt(price, at.getTime())).nanoUsd) - usd * 1e9) <= 1 ? [] : [name]
      })
      if (unequal.length > 0) differences.push({ model: `${vendor}/${id}`, usages: unequal })
    }
  }
  const written = JSON.parse(readFileSync(new URL('./genai-prices-differences.json', import.meta.url), 'utf8')) as Difference[]
  const said = written.map(({ model, usages: names }) => ({ model, usages: names }))
  assert.deepEqual(differences, said)
  assert.ok(written.every(({ why }) => why.length > 20))
  assert.ok(compared > 1000, `${compared} comparisons`)
  assert.ok(differences.flatMap(({ usages: names }) => names).length < compared / 10)
})
