// Reads the public tables that the catalog is made of: models.dev's providers and models, LiteLLM's price maps.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { DevProvider } from './vendor-rows.ts'

export type DevModel = {
  readonly provider: string
  readonly id: string
  readonly name?: string
  readonly base_model?: string
  readonly release_date?: string
  readonly reasoning?: boolean
  readonly tool_call?: boolean
  readonly structured_output?: boolean
  readonly interleaved?: boolean | { readonly field?: string }
  readonly limit?: { readonly context?: number; readonly output?: number }
  readonly modalities?: { readonly input?: readonly string[]; readonly output?: readonly string[] }
  readonly cost?: Readonly<Record<string, unknown>>
}

export type PriceTable = Readonly<Record<string, Readonly<Record<string, unknown>>>>

export type Tables = {
  readonly providers: Readonly<Record<string, DevProvider>>
  readonly models: readonly DevModel[]
  /** Of several maps the newest one wins where they have the same key. */
  readonly litellm: PriceTable
  /** The newest date that a file's name carries. */
  readonly asOf: string
  readonly sources: readonly string[]
}

/** From a folder with `catalog/providers.json`, `catalog/models.jsonl` and dated `prices/litellm-model-prices-*.json`. Throws when one is missing. */
export function readTables(folder: string): Tables {
  const read = (...segments: string[]): string => readFileSync(path.join(folder, ...segments), 'utf8')
  const files = readdirSync(path.join(folder, 'prices')).filter((file) => file.endsWith('.json'))
  const maps = files.filter((file) => file.startsWith('litellm-model-prices-')).sort((a, b) => (dateOf(a) < dateOf(b) ? -1 : 1))
  if (maps.length === 0) throw new Error('There is no prices/litellm-model-prices-*.json.')
  const devDate = files
    .filter((file) => file.startsWith('models.dev'))
    .map(dateOf)
    .sort()
    .at(-1)
  return {
    providers: JSON.parse(read('catalog', 'providers.json')) as Tables['providers'],
    models: read('catalog', 'models.jsonl')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as DevModel),
    litellm: Object.assign({}, ...maps.map((file) => JSON.parse(read('prices', file)) as PriceTable)) as PriceTable,
    asOf: files.map(dateOf).sort().at(-1)!,
    sources: [
      `models.dev ${devDate ?? ''} (MIT)`.replace('  ', ' '),
      `LiteLLM model_prices_and_context_window ${maps.map(dateOf).join(' and ')} (MIT)`,
    ],
  }
}

function dateOf(file: string): string {
  return /\d{4}-\d{2}(-\d{2})?/.exec(file)?.[0] ?? ''
}
