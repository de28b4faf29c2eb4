// One identity for each model, whatever its hosts call it: `maker/model`. Names are compared by a key (spelling removed), shown as the maker writes them.

/** How hosts spell the makers of models -> one spelling each. */
const makerSpellings: Readonly<Record<string, readonly string[]>> = {
  ai21: ['ai21', 'ai21-labs'],
  allenai: ['allenai'],
  amazon: ['amazon'],
  anthropic: ['anthropic'],
  'arcee-ai': ['arcee-ai', 'arcee_ai', 'arcee'],
  baidu: ['baidu'],
  bytedance: ['bytedance', 'bytedance-seed'],
  cohere: ['cohere'],
  deepcogito: ['deepcogito'],
  deepseek: ['deepseek', 'deepseek-ai'],
  google: ['google'],
  ibm: ['ibm', 'ibm-granite'],
  inception: ['inception'],
  inclusionai: ['inclusionai'],
  kwaipilot: ['kwaipilot'],
  liquid: ['liquid', 'liquidai'],
  meituan: ['meituan'],
  meta: ['meta', 'meta-llama', 'facebook'],
  microsoft: ['microsoft'],
  minimax: ['minimax', 'minimaxai'],
  mistral: ['mistral', 'mistralai', 'mistral-ai'],
  moonshotai: ['moonshotai', 'moonshot', 'kimi'],
  morph: ['morph'],
  nousresearch: ['nousresearch'],
  nvidia: ['nvidia'],
  openai: ['openai'],
  perplexity: ['perplexity'],
  poolside: ['poolside'],
  qwen: ['qwen', 'alibaba'],
  sakana: ['sakana'],
  sarvam: ['sarvam'],
  stepfun: ['stepfun', 'stepfun-ai'],
  tencent: ['tencent'],
  upstage: ['upstage'],
  voyage: ['voyage', 'voyageai'],
  writer: ['writer'],
  xai: ['xai', 'x-ai'],
  xiaomi: ['xiaomi', 'xiaomimimo'],
  zai: ['zai', 'z-ai', 'zai-org', 'zhipuai', 'thudm'],
}
const makers = new Map(Object.entries(makerSpellings).flatMap(([maker, all]) => all.map((spelling) => [spelling, maker] as const)))

/** Who made a model whose host names no maker, by how its name begins. */
const families: readonly (readonly [maker: string, begins: RegExp])[] = [
  ['anthropic', /^claude/],
  ['openai', /^(gpt|chatgpt|codex|o[134](-|$)|text-embedding-(ada|3))/],
  ['google', /^(gemini|gemma|embeddinggemma|text-embedding-00|text-multilingual-embedding)/],
  ['meta', /^llama/],
  ['qwen', /^(qwen|qwq|qvq)/],
  ['deepseek', /^deepseek/],
  ['mistral', /^(mistral|ministral|mixtral|codestral|magistral|devstral|pixtral|voxtral|open-mi[sx]tral)/],
  ['xai', /^grok/],
  ['moonshotai', /^(kimi|moonshot)/],
  ['zai', /^glm/],
  ['minimax', /^minimax/],
  ['cohere', /^(command|c4ai|aya|embed-)/],
  ['amazon', /^(nova|titan)/],
  ['voyage', /^voyage-/],
  ['microsoft', /^phi/],
  ['nvidia', /^nemotron/],
  ['xiaomi', /^mimo/],
  ['stepfun', /^step-/],
  ['baidu', /^ernie/],
  ['bytedance', /^(doubao|seed-)/],
  ['perplexity', /^sonar/],
  ['ai21', /^jamba/],
  ['ibm', /^granite/],
  ['nousresearch', /^hermes/],
  ['upstage', /^solar/],
  ['tencent', /^(hunyuan|hy\d)/],
  ['inclusionai', /^(ling|ring)-/],
  ['inception', /^mercury/],
  ['arcee-ai', /^trinity/],
  ['writer', /^palmyra/],
]

/** Parts of an id that say where it runs, not who made it. */
const hostParts =
  /^(accounts|fireworks|models|routers|workers-ai|@cf|tee|pro|route|public|chat-completion|completion|novita|cerebras|fireworks-ai|siliconflow|cortecs|baseten|groq|azure|volcengine|unsloth|neuralmagic|intel|poe)$/

/** Hosts that write their own name before a model's. */
const resellers = ['databricks', 'azure', 'umans']

/** Precision and deployment: the same weights, so the same model. `-turbo` and `-tput` after `-instruct` are Together's quantised ones. */
const deployment =
  /(-(maas|tee|fp8|fp8-dynamic|fp8-fast|bf16|fp4|nvfp4|mxfp4|int4|int8|awq|6bit|int4-mixed-ar)|(?<=-fp8)-fast|(?<=-instruct)-(turbo|tput)|(?<=-\d{4})-tput|(?<=kimi-.*)-fw|-cs)$/

/** The same model under names that no rule can join. Left: what hosts write (as a key, without spelling); right: the key it stands for. */
const sameModel = new Map([
  // Groq's serving names; https://console.groq.com/docs/models
  ['meta/llama3-3-70b-versatile', 'meta/llama3-3-70b-instruct'],
  ['meta/llama3-1-8b-instant', 'meta/llama3-1-8b-instruct'],
  // Llama 3.3 was released as instruct only; https://huggingface.co/meta-llama/Llama-3.3-70B-Instruct
  ['meta/llama3-3-70b', 'meta/llama3-3-70b-instruct'],
  // Qwen's 2507 release without a word is its instruct model; https://huggingface.co/Qwen/Qwen3-235B-A22B-Instruct-2507
  ['qwen/qwen3-235b-a22b-2507', 'qwen/qwen3-235b-a22b-instruct-2507'],
  ['qwen/qwen3-235b-2507', 'qwen/qwen3-235b-a22b-instruct-2507'],
  ['qwen/qwen3-235b', 'qwen/qwen3-235b-a22b'],
  ['qwen/qwen3-coder-480b', 'qwen/qwen3-coder-480b-a35b-instruct'],
  ['qwen/qwen3-coder-480b-a35b', 'qwen/qwen3-coder-480b-a35b-instruct'],
  // Kimi K2 has one size and its chat model is the instruct one; https://huggingface.co/moonshotai/Kimi-K2-Instruct
  ['moonshotai/kimi-k2-instruct', 'moonshotai/kimi-k2'],
  ['moonshotai/kimi-k2-1t', 'moonshotai/kimi-k2'],
  ['moonshotai/kimi-k2-instruct-0905', 'moonshotai/kimi-k2-0905'],
  ['moonshotai/kimi-k2-0905-preview', 'moonshotai/kimi-k2-0905'],
  ['moonshotai/kimi-k2-instruct-0711', 'moonshotai/kimi-k2-0711'],
  ['moonshotai/kimi-k2-0711-preview', 'moonshotai/kimi-k2-0711'],
  // Ollama's tags name the size of the one size there is.
  ['deepseek/deepseek-v3-1-671b', 'deepseek/deepseek-v3-1'],
  // Umans serves Kimi K2.7 Code under its own name; models.dev, base_model.
  ['moonshotai/kimi-k2-7', 'moonshotai/kimi-k2-7-code'],
])

export type Sighting = {
  /** Our vendor. */
  readonly vendor: string
  readonly id: string
  /** Whose models the vendor serves under bare ids, when it makes them itself. */
  readonly ownMaker: string | undefined
  /** models.dev's `maker/model` that this row inherits from: a witness for the maker, too coarse for the identity. */
  readonly baseModel: string | undefined
}

type Parsed = { readonly maker: string | undefined; readonly known: boolean; readonly name: string; readonly free: boolean }

/** The canonical name of each sighting, in their order; undefined where nobody knows who made it and nobody else serves it. */
export function identify(sightings: readonly Sighting[]): (string | undefined)[] {
  const parsed = sightings.map(parse)
  const official = witnesses(sightings, parsed)
  const keys = parsed.map((one, at) => keyOf(one, sightings[at]!, official))
  const spelling = spellings(sightings, parsed, keys)
  return keys.map((key, at) => (key === undefined ? undefined : spelling.get(key)! + (parsed[at]!.free ? ':free' : '')))
}

function parse({ id }: Sighting): Parsed {
  const segments = id.toLowerCase().replace(/^~/, '').replace(/^hf:/, '').split('/')
  let name = segments.pop()!.replaceAll('_', '-').replaceAll(' ', '-')
  // Fireworks writes k2p6 for k2.6.
  if (segments.includes('fireworks')) name = name.replace(/(\d)p(\d)/g, '$1.$2')
  const free = /[:-]free$/.test(name)
  name = name
    .replace(/[:-]free$/, '')
    .replace(/:(thinking|exacto|extended|nitro|beta)$/, (_, word: string) => (word === 'thinking' ? '-thinking' : ''))
    .replace(/:(\d+(?:\.\d+)?[bt])\b/, '-$1')
    .replace(/@(\d{8})$/, '-$1')
    .replace(/@default$/, '')
  for (let before = ''; before !== name;) {
    before = name
    name = name.replace(deployment, '')
  }
  name = withoutPrefix(name)
  const authors = segments.filter((segment) => !hostParts.test(segment))
  const maker = authors.map((author) => makers.get(author)).find((found) => found !== undefined)
  // A maker's own collection (`qwen/qwenlm/models/...`) is found by its first known part.
  return { maker: maker ?? authors.at(-1), known: maker !== undefined, name, free }
}

/** `openai-gpt-4.1`, `databricks-claude-sonnet-4-5`: whoever stands before the model's own name. */
function withoutPrefix(name: string): string {
  for (const prefix of [...makers.keys(), ...resellers]) {
    if (!name.startsWith(`${prefix}-`)) continue
    const rest = name.slice(prefix.length + 1)
    const family = familyOf(rest)
    if (family !== undefined && (makers.get(prefix) ?? family) === family) return rest
  }
  return name
}

function familyOf(name: string): string | undefined {
  return families.find(([, begins]) => begins.test(name))?.[0]
}

/** Without spelling: dots and dashes alike, llama3.3 as llama-3.3, claude-4.5-sonnet as claude-sonnet-4-5. */
function rawKey(maker: string, name: string): string {
  const plain = name
    .replaceAll('.', '-')
    .replace(/^(llama|qwen|gemma|phi|ernie)-(\d)/, '$1$2')
    .replace(/^claude-(opus|sonnet|haiku)(\d)/, 'claude-$1-$2')
    .replace(/^claude-(\d+(?:-\d)?)-(opus|sonnet|haiku)(?=-|$)/, 'claude-$2-$1')
  return `${maker}/${plain}`
}

function plainKey(maker: string, name: string): string {
  const key = rawKey(maker, name)
  return sameModel.get(key) ?? key
}

/** Keys that somebody credible attributes to a maker: the maker itself, a host that names it, models.dev, or two hosts independently. */
function witnesses(sightings: readonly Sighting[], parsed: readonly Parsed[]): ReadonlySet<string> {
  const official = new Set<string>()
  const heard = new Map<string, string>()
  for (const [at, { name, maker, known }] of parsed.entries()) {
    const { vendor, ownMaker, baseModel } = sightings[at]!
    const family = familyOf(name)
    if (known && maker === family) official.add(plainKey(maker!, name))
    if (ownMaker !== undefined && ownMaker === family) official.add(plainKey(ownMaker, name))
    if (baseModel !== undefined) {
      const slash = baseModel.indexOf('/')
      official.add(plainKey(makers.get(baseModel.slice(0, slash)) ?? baseModel.slice(0, slash), baseModel.slice(slash + 1).toLowerCase()))
    }
    if (maker === undefined && family !== undefined) {
      const key = plainKey(family, name)
      const first = heard.get(key)
      if (first === undefined) heard.set(key, vendor)
      else if (first !== vendor) official.add(key)
    }
  }
  return official
}

function keyOf({ maker, known, name }: Parsed, { ownMaker }: Sighting, official: ReadonlySet<string>): string | undefined {
  const family = familyOf(name)
  const familyKey = family === undefined ? undefined : plainKey(family, name)
  // A host's own folder or a quantiser's (`nvidia/Llama-3.3-70B-Instruct-FP8`) doesn't make it another model; a fine-tune has another name.
  if (familyKey !== undefined && official.has(familyKey)) return familyKey
  if (known || maker !== undefined) return plainKey(maker!, name)
  return ownMaker === undefined ? undefined : plainKey(ownMaker, name)
}

/** How each key is written: as its maker's own vendor does, else as most do. */
function spellings(sightings: readonly Sighting[], parsed: readonly Parsed[], keys: readonly (string | undefined)[]): Map<string, string> {
  const votes = new Map<string, Map<string, number>>()
  for (const [at, key] of keys.entries()) {
    if (key === undefined) continue
    const maker = key.slice(0, key.indexOf('/'))
    const { name } = parsed[at]!
    // A name that the table joined to another is not how that other one is written.
    if (sameModel.has(rawKey(maker, name))) continue
    const spelled = `${maker}/${name}`
    const of = votes.get(key) ?? new Map<string, number>()
    of.set(spelled, (of.get(spelled) ?? 0) + (sightings[at]!.ownMaker === maker ? 1000 : 1))
    votes.set(key, of)
  }
  const best = new Map<string, string>()
  for (const key of keys) {
    if (key === undefined || best.has(key)) continue
    const of = [...(votes.get(key) ?? [])].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    best.set(key, of[0]?.[0] ?? key)
  }
  return best
}
