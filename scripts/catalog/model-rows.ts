// The tables' models -> rows of the catalog: what each vendor serves for conversations and embeddings, with limits and prices. Facts only.
import { identify } from './identity.ts'
import { devTiers, litellmPrice, perMillion, rateText, textsOf, withVendorCalls, type PriceRow } from './price-rows.ts'
import type { DevModel, Tables } from './tables.ts'
import { curated, leftOut, makersOfTheirOwn, type Curated, type EmbeddingSource, type PriceSource } from './vendor-rows.ts'

export type ModelRow = Record<string, unknown> & {
  id: string
  canonical?: string
  price?: PriceRow
  free?: true
}

/** Neither for conversations nor for embeddings: other endpoints (speech, images, realtime), which the catalog covers when they exist. */
const otherEndpoint =
  /whisper|\btts\b|orpheus|transcribe|realtime|native-audio|-live|imagine|lyria|\bveo\b|image|moderation|\bocr\b|guard|dall-e|sora|rerank|safeguard|flux|seedream|seedance|\basr\b|voyage-(multimodal|context)|multimodalembedding|marengo/i

/** Vectors instead of words; the tables say "text" of both. */
const embedding = /embed|^voyage-|\b(bge|gte|e5|mpnet)\b|mini-?lm/i
/** Nobody asks more for a million tokens: the table has a wrong power of ten. */
const maxEmbeddingUsd = 10

/** OpenCode answers each family on its maker's wire alone. https://opencode.ai/docs/zen */
const opencodeWires: readonly (readonly [begins: RegExp, wire: string])[] = [
  [/^claude/, 'anthropic-messages'],
  [/^gpt/, 'openai-responses'],
  [/^gemini/, 'gemini'],
  [/^/, 'openai-chat'],
]

/** They have whatever models were put there. */
const serversOfOnesOwn = new Set(['atomic-chat'])

/** By vendor id; rows by id. */
export function modelRows(tables: Tables): Map<string, ModelRow[]> {
  const byDev = Map.groupBy(tables.models, ({ provider }) => provider)
  const vendors: readonly Curated[] = [
    ...curated,
    ...[...byDev.keys()]
      .filter((dev) => !leftOut.has(dev) && !serversOfOnesOwn.has(dev) && !curated.some((vendor) => vendor.dev === dev))
      .sort()
      .map((dev): Curated => ({ id: dev, dev, ...(makersOfTheirOwn.has(dev) ? { maker: makersOfTheirOwn.get(dev)! } : {}) })),
  ]
  const all: { readonly vendor: Curated; readonly row: ModelRow; readonly baseModel: string | undefined }[] = []
  for (const vendor of vendors) {
    const rows = new Map<string, ModelRow>()
    const bases = new Map<string, string | undefined>()
    for (const model of vendor.withoutModels === true ? [] : (byDev.get(vendor.dev ?? '') ?? [])) {
      if (!servesText(model.id, model.modalities?.output)) continue
      const row = fromDev(model)
      const only = onlyWire(vendor, model.id, tables.litellm)
      if (only !== undefined) row['wires'] = [only]
      rows.set(model.id, row)
      bases.set(model.id, model.base_model)
    }
    for (const source of vendor.litellm ?? []) supplement(rows, tables.litellm, source)
    for (const source of vendor.embeddings ?? []) supplementEmbeddings(rows, tables.litellm, source)
    const place = vendor.id === 'bedrock' ? placeOfProfile : () => 0
    for (const row of [...rows.values()].sort((a, b) => place(a.id) - place(b.id) || (a.id < b.id ? -1 : 1)))
      all.push({ vendor, row, baseModel: bases.get(row.id) })
  }
  const identities = identify(
    all.map(({ vendor, row, baseModel }) => ({
      vendor: vendor.id,
      id: vendor.id === 'bedrock' ? plainBedrockId(row.id) : row.id,
      ownMaker: vendor.maker,
      baseModel,
    })),
  )
  for (const [at, { row }] of all.entries()) {
    const canonical = identities[at]
    if (canonical !== undefined) row.canonical = canonical
  }
  const output = new Map<string, ModelRow[]>()
  for (const { vendor, row } of all) {
    const { id, canonical, ...facts } = row
    if (facts.price !== undefined && String(facts['out']) !== 'embeddings') facts.price = withVendorCalls(vendor.id, facts.price)
    const list = output.get(vendor.id) ?? []
    list.push({ id, ...(canonical === undefined ? {} : { canonical }), ...facts })
    output.set(vendor.id, list)
  }
  return output
}

/** The one wire of a model, where that is not any of the vendor's. */
function onlyWire(vendor: Curated, id: string, litellm: Tables['litellm']): string | undefined {
  if (vendor.id === 'opencode') return opencodeWires.find(([begins]) => begins.test(id))?.[1]
  // LiteLLM knows which of OpenAI's models are answered by /v1/responses alone: asking /v1/chat/completions for them is a 404.
  const prefixes = [...(vendor.litellm ?? []).map(({ prefix }) => prefix), ...(vendor.modes === undefined ? [] : [vendor.modes])]
  return prefixes.some((prefix) => litellm[prefix + id]?.['mode'] === 'responses') ? 'openai-responses' : undefined
}

/** Bedrock's inference profiles: `us.anthropic.claude-...`. https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html */
const profile = /^(us|us-gov|eu|apac|au|jp|ca|global)\./

/** Whoever asks for the model by its shared name gets the profile of the region's own geography, else the region's, else the one of all. */
function placeOfProfile(id: string): number {
  const geography = profile.exec(id)?.[1]
  return geography === undefined ? 2 : geography === 'global' ? 3 : geography === 'apac' ? 1 : 0
}

/** `meta/llama3-3-70b-instruct` of `us.meta.llama3-3-70b-instruct-v1:0`. */
function plainBedrockId(id: string): string {
  const [maker = '', ...rest] = id.replace(profile, '').split('.')
  // Of vectors the version is the model's own.
  const name = rest.join('.').replace(embedding.test(id) ? /:\d+$/ : /(-v?\d+)?:\d+$/, '')
  // Anthropic's newer ones have a version without a revision; DeepSeek's leave the maker's name out.
  if (maker === 'anthropic') return `${maker}/${name.replace(/-v\d+$/, '')}`
  if (id.endsWith('deepseek.v3-v1:0')) return 'deepseek/deepseek-v3.1'
  return `${maker}/${maker === 'deepseek' ? `deepseek-${name}` : name}`
}

function servesText(id: string, modalities: readonly string[] | undefined): boolean {
  return !otherEndpoint.test(id) && (modalities === undefined || modalities.includes('text'))
}

function fromDev(model: DevModel): ModelRow {
  const cost = model.cost ?? {}
  const row: ModelRow = { id: model.id }
  const embeds = embedding.test(model.id)
  if (model.name !== undefined) row['name'] = model.name.trim()
  if (model.release_date !== undefined) row['created'] = model.release_date
  if (model.limit?.context) row['context'] = model.limit.context
  // Of a vector, the table has its length here.
  if (model.limit?.output && !embeds) row['maxOutput'] = model.limit.output
  if (model.modalities?.input !== undefined) row['in'] = model.modalities.input
  if (embeds) return asEmbedding(row, cost['input'])
  if (model.modalities?.output !== undefined && String(model.modalities.output) !== 'text') row['out'] = model.modalities.output
  row['can'] = [
    ...(model.tool_call ? ['tools'] : []),
    ...(model.reasoning ? ['reasoning'] : []),
    ...(model.structured_output ? ['json_schema'] : []),
  ]
  setPrice(row, {
    ...textsOf({
      input: cost['input'],
      output: cost['output'],
      cacheRead: cost['cache_read'] ?? cost['cached_input'] ?? cost['cache_input'],
      cacheWrite: cost['cache_write'] ?? cost['cached_write'],
      reasoning: cost['reasoning'],
      inputAudio: cost['input_audio'],
      outputAudio: cost['output_audio'],
      outputImage: cost['image'],
    }),
    ...devTiers(cost['tiers']),
    // Perplexity's, for a thousand searches.
    ...(typeof cost['request'] === 'number' ? { calls: textsOf({ web_search: cost['request'] / 1000 }) } : {}),
  })
  // 0 is usually "nobody knew"; a name that says free is a mark.
  if (row.price === undefined && /[:-]free$/.test(model.id) && cost['input'] === 0) row.free = true
  return row
}

/** Adds the ids and rates that models.dev lacks (dated snapshots, audio and one-hour cache-write rates). */
function supplement(rows: Map<string, ModelRow>, litellm: Tables['litellm'], from: PriceSource): void {
  for (const [key, entry] of Object.entries(litellm)) {
    const mode = entry['mode']
    if (entry['litellm_provider'] !== from.provider || !key.startsWith(from.prefix) || (mode !== 'chat' && mode !== 'responses')) continue
    const id = key.slice(from.prefix.length)
    // Keys with a slash or a colon are LiteLLM's own spellings (regions, fine-tunes, sizes), not ids of the vendor.
    if (
      (from.slashes !== true && id.includes('/')) ||
      !(from.ids ?? /^[^:]*$/).test(id) ||
      !servesText(id, undefined) ||
      /^(container|ft)\b/.test(id)
    )
      continue
    const rates = litellmPrice(id, entry)
    const known = rows.get(id)
    if (known !== undefined) {
      if (from.wins === true) setPrice(known, rates)
      // Fill gaps only when both tables mean the same price list.
      if (rates !== undefined && known.price?.['input'] === rates['input'] && known.price?.['output'] === rates['output'])
        setPrice(known, { ...rates, ...known.price })
      continue
    }
    const row = fromLitellm(id, entry, rates)
    if (mode === 'responses') row['wires'] = ['openai-responses']
    rows.set(id, row)
  }
}

/** Ids, contexts and rates of models that embed, where models.dev has few of them or none. */
function supplementEmbeddings(rows: Map<string, ModelRow>, litellm: Tables['litellm'], from: EmbeddingSource): void {
  for (const [key, entry] of Object.entries(litellm)) {
    if (entry['litellm_provider'] !== from.provider || !key.startsWith(from.prefix) || entry['mode'] !== 'embedding') continue
    const id = key.slice(from.prefix.length)
    if (id.includes('/') || rows.has(id) || !embedding.test(id) || otherEndpoint.test(id)) continue
    // At Vertex they have another method than the others.
    if (entry['uses_embed_content'] === true && from.provider.startsWith('vertex')) continue
    const row: ModelRow = { id }
    if (typeof entry['max_input_tokens'] === 'number') row['context'] = entry['max_input_tokens']
    row['in'] = ['text']
    rows.set(id, asEmbedding(row, perMillion(entry['input_cost_per_token'])))
  }
}

function asEmbedding(row: ModelRow, inputRate: unknown): ModelRow {
  row['out'] = ['embeddings']
  const input = rateText(inputRate)
  if (input !== undefined && Number(input) <= maxEmbeddingUsd) row.price = { input, output: '0' }
  return row
}

function fromLitellm(id: string, entry: Tables['litellm'][string], rates: PriceRow | undefined): ModelRow {
  const row: ModelRow = { id }
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
  return row
}

function setPrice(row: ModelRow, rates: PriceRow | undefined): void {
  if (rates?.['input'] !== undefined && rates['output'] !== undefined) row.price = rates
}
