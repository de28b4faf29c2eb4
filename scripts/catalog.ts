// Rebuilds src/catalog/models.json from public price tables: `node scripts/catalog.ts <folder>`, where the folder has `catalog/` (models.dev)
// and `prices/` (LiteLLM's price map) as the test corpus has them. Facts only: ids, limits, modalities, prices. Run by hand, result committed.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'

type Table = Readonly<Record<string, Readonly<Record<string, unknown>>>>
type DevModel = {
  readonly provider: string
  readonly id: string
  readonly name?: string
  readonly base_model?: string
  readonly release_date?: string
  readonly reasoning?: boolean
  readonly tool_call?: boolean
  readonly structured_output?: boolean
  readonly limit?: { readonly context?: number; readonly output?: number }
  readonly modalities?: { readonly input?: readonly string[]; readonly output?: readonly string[] }
  readonly cost?: Readonly<Record<string, unknown>>
}
type Row = Record<string, unknown> & { id: string; canonical?: string; price?: Record<string, string> }

/** Our vendor id -> its id at models.dev, its prefix in LiteLLM's map (absent: not supplemented), and whether it makes its models itself. */
const vendors: readonly {
  readonly id: string
  readonly dev: string
  readonly litellm?: { readonly prefix: string; readonly provider: string }
  readonly maker: boolean
}[] = [
  { id: 'openai', dev: 'openai', litellm: { prefix: '', provider: 'openai' }, maker: true },
  { id: 'anthropic', dev: 'anthropic', litellm: { prefix: '', provider: 'anthropic' }, maker: true },
  { id: 'gemini', dev: 'google', litellm: { prefix: 'gemini/', provider: 'gemini' }, maker: true },
  { id: 'mistral', dev: 'mistral', litellm: { prefix: 'mistral/', provider: 'mistral' }, maker: true },
  { id: 'deepseek', dev: 'deepseek', maker: true },
  { id: 'xai', dev: 'xai', litellm: { prefix: 'xai/', provider: 'xai' }, maker: true },
  { id: 'moonshot', dev: 'moonshotai', maker: true },
  { id: 'zai', dev: 'zai', maker: true },
  { id: 'perplexity', dev: 'perplexity', maker: true },
  { id: 'cohere', dev: 'cohere', maker: true },
  { id: 'groq', dev: 'groq', maker: false },
  { id: 'cerebras', dev: 'cerebras', maker: false },
  { id: 'openrouter', dev: 'openrouter', maker: false },
  { id: 'together', dev: 'togetherai', maker: false },
  { id: 'fireworks', dev: 'fireworks-ai', maker: false },
  { id: 'deepinfra', dev: 'deepinfra', maker: false },
]
/** How hosts spell the makers of models. */
const makers = new Map([
  ['mistralai', 'mistral'],
  ['x-ai', 'xai'],
  ['meta-llama', 'meta'],
  ['deepseek-ai', 'deepseek'],
  ['z-ai', 'zai'],
  ['zai-org', 'zai'],
  ['zhipuai', 'zai'],
  ['moonshot', 'moonshotai'],
  ['alibaba', 'qwen'],
  ['minimaxai', 'minimax'],
])
/** Not for chat or messages: other endpoints (embeddings, speech, images, realtime), which the catalog covers when they exist. */
const otherEndpoint =
  /embed|whisper|tts|orpheus|transcribe|realtime|native-audio|-live|imagine|lyria|veo|image|moderation|ocr|guard|dall-e|sora|rerank|safeguard/i

const folder = process.argv[2]
if (folder === undefined || !existsSync(path.join(folder, 'catalog', 'models.jsonl'))) {
  process.stderr.write('Usage: node scripts/catalog.ts <folder with catalog/models.jsonl and prices/litellm-model-prices-*.json>\n')
  process.exit(2)
}
const read = (...segments: string[]): string => readFileSync(path.join(folder, ...segments), 'utf8')
const devModels = read('catalog', 'models.jsonl')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as DevModel)
// The newer table wins where both have an id.
const litellm: Table = {
  ...(JSON.parse(read('prices', 'litellm-model-prices-2026-06.json')) as Table),
  ...(JSON.parse(read('prices', 'litellm-model-prices-filtered-2026-07-24.json')) as Table),
}

const output: Record<string, Row[]> = {}
for (const vendor of vendors) {
  const rows = new Map<string, Row>()
  for (const model of devModels) {
    if (model.provider !== vendor.dev || !servesText(model.id, model.modalities?.output)) continue
    // LiteLLM knows which of OpenAI's models are answered by /v1/responses alone: asking /v1/chat/completions for them is a 404.
    if (vendor.litellm !== undefined && litellm[vendor.litellm.prefix + model.id]?.['mode'] === 'responses') continue
    rows.set(model.id, fromDev(model, vendor.maker ? vendor.dev : undefined))
  }
  if (vendor.litellm !== undefined) supplement(rows, vendor.litellm, vendor.dev)
  output[vendor.id] = [...rows.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}
shareCanonicalNames(output)

const lines = Object.entries(output).map(
  ([vendor, rows]) => `${JSON.stringify(vendor)}: [\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]`,
)
const head = `"asOf": "2026-07-24",\n"sources": ["models.dev 2026-07-02 (MIT)", "LiteLLM model_prices_and_context_window 2026-06 and 2026-07-24 (MIT)"],\n"vendors": {\n`
const target = path.join(import.meta.dirname, '..', 'src', 'catalog', 'models.json')
writeFileSync(target, `{\n${head}${lines.join(',\n')}\n}\n}\n`)
for (const [vendor, rows] of Object.entries(output)) {
  process.stdout.write(
    `${vendor}: ${rows.length} models, ${rows.filter((row) => row.price === undefined && row['free'] === undefined).length} unpriced\n`,
  )
}

function servesText(id: string, modalities: readonly string[] | undefined): boolean {
  return !otherEndpoint.test(id) && (modalities === undefined || modalities.includes('text'))
}

function fromDev(model: DevModel, maker: string | undefined): Row {
  const cost = model.cost ?? {}
  const row: Row = { id: model.id }
  const canonical = model.base_model ?? (maker === undefined ? (model.id.includes('/') ? model.id : undefined) : `${maker}/${model.id}`)
  if (canonical !== undefined) row.canonical = canonicalName(canonical)
  if (model.name !== undefined) row['name'] = model.name
  if (model.release_date !== undefined) row['created'] = model.release_date
  if (model.limit?.context) row['context'] = model.limit.context
  if (model.limit?.output) row['maxOutput'] = model.limit.output
  if (model.modalities?.input !== undefined) row['in'] = model.modalities.input
  if (model.modalities?.output !== undefined && String(model.modalities.output) !== 'text') row['out'] = model.modalities.output
  row['can'] = [
    ...(model.tool_call ? ['tools'] : []),
    ...(model.reasoning ? ['reasoning'] : []),
    ...(model.structured_output ? ['json_schema'] : []),
  ]
  setPrice(row, {
    input: cost['input'],
    output: cost['output'],
    cacheRead: cost['cache_read'] ?? cost['cached_input'] ?? cost['cache_input'],
    cacheWrite: cost['cache_write'] ?? cost['cached_write'],
    reasoning: cost['reasoning'],
    inputAudio: cost['input_audio'],
    outputAudio: cost['output_audio'],
  })
  // 0 is usually "nobody knew"; a name that says free is a mark.
  if (row.price === undefined && model.id.endsWith(':free') && cost['input'] === 0) row['free'] = true
  return row
}

/** Adds the ids and rates that models.dev lacks (dated snapshots, audio and one-hour cache-write rates). */
function supplement(rows: Map<string, Row>, from: { readonly prefix: string; readonly provider: string }, maker: string): void {
  for (const [key, entry] of Object.entries(litellm)) {
    if (entry['litellm_provider'] !== from.provider || !key.startsWith(from.prefix) || entry['mode'] !== 'chat') continue
    const id = key.slice(from.prefix.length)
    // Keys with a slash or a colon are LiteLLM's own spellings (regions, fine-tunes, sizes), not ids of the vendor.
    if (/[/:]/.test(id) || !servesText(id, undefined) || /^(container|ft)\b/.test(id)) continue
    const rates = {
      input: perMillion(entry['input_cost_per_token']),
      output: perMillion(entry['output_cost_per_token']),
      cacheRead: perMillion(entry['cache_read_input_token_cost']),
      cacheWrite: perMillion(entry['cache_creation_input_token_cost']),
      cacheWrite1h: perMillion(entry['cache_creation_input_token_cost_above_1hr']),
      reasoning: perMillion(entry['output_cost_per_reasoning_token']),
      inputAudio: perMillion(entry['input_cost_per_audio_token']),
      outputAudio: perMillion(entry['output_cost_per_audio_token']),
    }
    const known = rows.get(id)
    if (known !== undefined) {
      // Fill gaps only when both tables mean the same price list.
      if (known.price?.['input'] === text(rates.input) && known.price?.['output'] === text(rates.output))
        setPrice(known, { ...rates, ...known.price })
      continue
    }
    const row: Row = { id, canonical: canonicalName(`${maker}/${id}`) }
    if (typeof entry['max_input_tokens'] === 'number') row['context'] = entry['max_input_tokens']
    if (typeof entry['max_output_tokens'] === 'number') row['maxOutput'] = entry['max_output_tokens']
    row['in'] = [
      'text',
      ...(entry['supports_vision'] === true ? ['image'] : []),
      ...(entry['supports_audio_input'] === true ? ['audio'] : []),
      ...(entry['supports_pdf_input'] === true ? ['pdf'] : []),
    ]
    if (entry['supports_audio_output'] === true) row['out'] = ['text', 'audio']
    row['can'] = [
      ...(entry['supports_function_calling'] === true ? ['tools'] : []),
      ...(entry['supports_reasoning'] === true ? ['reasoning'] : []),
      ...(entry['supports_response_schema'] === true ? ['json_schema'] : []),
    ]
    setPrice(row, rates)
    rows.set(id, row)
  }
}

function setPrice(row: Row, rates: Readonly<Record<string, unknown>>): void {
  const price: Record<string, string> = {}
  for (const [name, rate] of Object.entries(rates)) {
    const decimal = text(rate)
    // A rate of 0 beside real ones is somebody's blank, too: left out, so that the dearer neighbour counts.
    if (decimal !== undefined && !/^0(\.0*)?$/.test(decimal)) price[name] = decimal
  }
  if (price['input'] !== undefined && price['output'] !== undefined) row.price = price
}

/** A table's number as decimal text, without a float's noise. */
function text(rate: unknown): string | undefined {
  if (typeof rate === 'string') return rate
  if (typeof rate !== 'number' || !Number.isFinite(rate) || rate < 0) return undefined
  return rate.toFixed(9).replace(/\.?0+$/, '') || '0'
}

/** USD per token -> USD per million tokens. Tables write 1.25e-06; times a million in floats adds noise in the 16th digit, cut by `text`. */
function perMillion(rate: unknown): number | undefined {
  return typeof rate === 'number' ? rate * 1e6 : undefined
}

/** `vendor/model`, lower case, without a host's `:free` and with the maker's usual spelling. */
function canonicalName(name: string): string {
  const lower = name.toLowerCase().replace(/:(free|beta|extended|nitro)$/, '')
  const slash = lower.indexOf('/')
  const maker = lower.slice(0, slash)
  return `${makers.get(maker) ?? maker}${lower.slice(slash)}`
}

/** Hosts write claude-sonnet-4.5 where Anthropic writes claude-sonnet-4-5: one spelling, the maker's own. */
function shareCanonicalNames(all: Readonly<Record<string, readonly Row[]>>): void {
  const spelling = new Map<string, string>()
  const plain = (name: string): string => name.replaceAll('.', '-')
  for (const vendor of vendors.filter(({ maker }) => maker)) {
    for (const row of all[vendor.id] ?? []) if (row.canonical !== undefined) spelling.set(plain(row.canonical), row.canonical)
  }
  for (const rows of Object.values(all)) {
    for (const row of rows) if (row.canonical !== undefined) row.canonical = spelling.get(plain(row.canonical)) ?? row.canonical
  }
}
