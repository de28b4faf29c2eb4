// models.dev's providers -> rows of vendors.json, and which of them are left out or written by hand, with the reason.

/** A row of models.dev's providers. */
export type DevProvider = {
  readonly name: string
  readonly env?: readonly string[]
  readonly npm?: string
  readonly api?: string
  readonly doc?: string
}

export type VendorRow = {
  readonly id: string
  readonly name: string
  readonly baseUrl?: string
  /** Where every account has its own address: how it looks, its parts in angle brackets. */
  readonly baseUrlForm?: string
  readonly keyVariables: readonly string[]
  /** Of them, those that may register it by themselves. */
  readonly registeredBy: readonly string[]
  readonly wire?: 'anthropic-messages'
  readonly reasoningField?: 'reasoning_content'
  readonly local?: true
  readonly docs?: string
}

export type PriceSource = {
  readonly prefix: string
  readonly provider: string
  /** Its ids have slashes. */
  readonly slashes?: true
  /** Ids that are its own among them; the others are LiteLLM's spellings. Default: those without a colon. */
  readonly ids?: RegExp
  /** Where the tables differ, this one knows better. */
  readonly wins?: true
}

/** Keys of LiteLLM's map that begin so, and what they say their provider is. */
export type EmbeddingSource = { readonly prefix: string; readonly provider: string }

/** A vendor of src/catalog/vendors.ts: its id at models.dev, its rows in LiteLLM's map (absent: not supplemented), whose models it makes. */
export type Curated = {
  readonly id: string
  readonly dev?: string
  readonly litellm?: readonly PriceSource[]
  /** What LiteLLM's rows of it begin with that say which endpoint answers a model, where `litellm` does not. */
  readonly modes?: string
  readonly maker?: string
  /** LiteLLM's rows of its models that embed. */
  readonly embeddings?: readonly EmbeddingSource[]
  /** A server of one's own has whatever was put there. */
  readonly withoutModels?: true
}

/** Those of models that can still be asked. */
const bedrockIds = /^(?!.*(?:claude-(?:v\d|instant)|j2-|titan-text|command-(?:light-)?text|llama2))(?:[a-z-]+\.)?[a-z0-9]+\.[^@]+$/

/** Written by hand in src/catalog/vendors.ts, in its order. */
export const curated: readonly Curated[] = [
  {
    id: 'openai',
    dev: 'openai',
    litellm: [{ prefix: '', provider: 'openai' }],
    embeddings: [{ prefix: '', provider: 'openai' }],
    maker: 'openai',
  },
  { id: 'anthropic', dev: 'anthropic', litellm: [{ prefix: '', provider: 'anthropic' }], maker: 'anthropic' },
  {
    id: 'gemini',
    dev: 'google',
    litellm: [{ prefix: 'gemini/', provider: 'gemini' }],
    embeddings: [{ prefix: 'gemini/', provider: 'gemini' }],
    maker: 'google',
  },
  {
    id: 'vertex',
    dev: 'google-vertex',
    litellm: [
      { prefix: '', provider: 'vertex_ai-language-models', ids: /^gemini-/ },
      { prefix: 'vertex_ai/', provider: 'vertex_ai-anthropic_models' },
      // Only these publishers' models are at its OpenAI-compatible endpoint; those of Mistral and AI21 have methods of their own.
      ...[
        '',
        '-deepseek_models',
        '-llama_models',
        '-minimax_models',
        '-moonshot_models',
        '-openai_models',
        '-qwen_models',
        '-zai_models',
      ].map((publisher): PriceSource => ({ prefix: 'vertex_ai/', provider: `vertex_ai${publisher}`, slashes: true, ids: /\// })),
    ],
    embeddings: [{ prefix: '', provider: 'vertex_ai-embedding-models' }],
  },
  {
    id: 'bedrock',
    dev: 'amazon-bedrock',
    // It has the surcharge of a geography's inference profiles, which models.dev leaves out.
    litellm: ['bedrock_converse', 'bedrock'].map((provider): PriceSource => ({
      prefix: '',
      provider,
      ids: bedrockIds,
      wins: true,
    })),
    embeddings: [{ prefix: '', provider: 'bedrock' }],
  },
  {
    id: 'mistral',
    dev: 'mistral',
    litellm: [{ prefix: 'mistral/', provider: 'mistral' }],
    embeddings: [{ prefix: 'mistral/', provider: 'mistral' }],
    maker: 'mistral',
  },
  { id: 'deepseek', dev: 'deepseek', maker: 'deepseek' },
  { id: 'groq', dev: 'groq' },
  { id: 'xai', dev: 'xai', litellm: [{ prefix: 'xai/', provider: 'xai' }], maker: 'xai' },
  { id: 'openrouter', dev: 'openrouter' },
  { id: 'together', dev: 'togetherai' },
  { id: 'moonshot', dev: 'moonshotai', maker: 'moonshotai' },
  { id: 'moonshot-cn', dev: 'moonshotai-cn', maker: 'moonshotai' },
  { id: 'zai', dev: 'zai', maker: 'zai' },
  { id: 'zhipuai', dev: 'zhipuai', maker: 'zai' },
  { id: 'zai-coding-plan', dev: 'zai-coding-plan', maker: 'zai' },
  { id: 'minimax', dev: 'minimax', maker: 'minimax' },
  { id: 'minimax-cn', dev: 'minimax-cn', maker: 'minimax' },
  { id: 'kimi-for-coding', dev: 'kimi-for-coding', maker: 'moonshotai' },
  { id: 'fireworks', dev: 'fireworks-ai' },
  { id: 'cerebras', dev: 'cerebras' },
  { id: 'perplexity', dev: 'perplexity', maker: 'perplexity' },
  { id: 'deepinfra', dev: 'deepinfra' },
  { id: 'cohere', dev: 'cohere', embeddings: ['', 'cohere/'].map((prefix) => ({ prefix, provider: 'cohere' })), maker: 'cohere' },
  { id: 'voyage', embeddings: [{ prefix: 'voyage/', provider: 'voyage' }], maker: 'voyage' },
  { id: 'vercel', dev: 'vercel' },
  { id: 'venice', dev: 'venice' },
  { id: 'aihubmix', dev: 'aihubmix' },
  { id: 'v0', dev: 'v0' },
  { id: 'azure', dev: 'azure', modes: 'azure/', embeddings: [{ prefix: 'azure/', provider: 'azure' }] },
  { id: 'opencode', dev: 'opencode' },
  { id: 'sambanova', litellm: [{ prefix: 'sambanova/', provider: 'sambanova' }] },
  { id: 'hyperbolic', litellm: [{ prefix: 'hyperbolic/', provider: 'hyperbolic', slashes: true }] },
  { id: 'nscale', litellm: [{ prefix: 'nscale/', provider: 'nscale', slashes: true }] },
  { id: 'lmstudio', dev: 'lmstudio', withoutModels: true },
  { id: 'ollama' },
  { id: 'vllm' },
  { id: 'llamacpp' },
]

/** Not rows, and why. */
export const leftOut: ReadonlyMap<string, string> = new Map([
  ['azure-cognitive-services', "a second address of Azure's models; azure is a row"],
  ['cloudflare-ai-gateway', 'a gateway before other accounts, with credentials in a header of its own'],
  ['freemodel', 'no documentation of its wire'],
  ['github-copilot', 'its token is exchanged for a short-lived one'],
  ['gitlab', 'its token is exchanged for a short-lived one'],
  ['google-vertex-anthropic', "among google-vertex's, which is a row"],
  ['merge-gateway', 'no documented OpenAI-compatible address'],
  ['opencode-go', 'which wire answers depends on the model; opencode is a row for those of the chat wire'],
  ['perplexity-agent', "OpenAI's responses wire only"],
  ['sap-ai-core', 'short-lived tokens of a service key'],
])

/** Tokens of a whole account, which people have in their environment for other work: they serve a provider that is declared, and register none. */
const generalVariables = new Set([
  'CLOUDFLARE_API_KEY',
  'DATABRICKS_TOKEN',
  'DIGITALOCEAN_ACCESS_TOKEN',
  'GITHUB_TOKEN',
  'HELICONE_API_KEY',
  'HF_TOKEN',
  'SCALEWAY_API_KEY',
  'VULTR_API_KEY',
  'WANDB_API_KEY',
])
/** Part of an address, not a key. */
const addressVariable = /_(ACCOUNT_ID|ACCOUNT|HOST|BASE_URL|ENDPOINT|RESOURCE_NAME)$/

/** Vendors that serve models of their own under bare ids. */
export const makersOfTheirOwn: ReadonlyMap<string, string> = new Map([
  ['alibaba', 'qwen'],
  ['alibaba-cn', 'qwen'],
  ['inception', 'inception'],
  ['llama', 'meta'],
  ['morph', 'morph'],
  ['nova', 'amazon'],
  ['poolside', 'poolside'],
  ['sakana', 'sakana'],
  ['sarvam', 'sarvam'],
  ['stepfun', 'stepfun'],
  ['upstage', 'upstage'],
  ['xiaomi', 'xiaomi'],
])

/** Rows for the providers that are neither curated nor left out, by id. `reasoning` counts each one's reasoning models that want `reasoning_content` back. */
export function vendorRows(
  providers: Readonly<Record<string, DevProvider>>,
  taken: ReadonlySet<string>,
  wantsReasoningBack: (dev: string) => boolean,
): VendorRow[] {
  const written = new Set(curated.map(({ dev }) => dev))
  const claimed = new Set(taken)
  return Object.entries(providers)
    .filter(([dev]) => !written.has(dev) && !leftOut.has(dev))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([dev, provider]) => {
      const address = addressOf(dev, provider)
      const keyVariables = (provider.env ?? []).filter((variable) => !addressVariable.test(variable))
      // A variable that several vendors name registers the first of them only.
      const registeredBy =
        'baseUrlForm' in address || 'local' in address
          ? []
          : keyVariables.filter((variable) => !generalVariables.has(variable) && !claimed.has(variable))
      for (const variable of keyVariables) claimed.add(variable)
      return {
        id: dev,
        name: provider.name,
        ...address,
        keyVariables,
        registeredBy,
        ...(provider.npm === '@ai-sdk/anthropic' ? { wire: 'anthropic-messages' as const } : {}),
        ...(wantsReasoningBack(dev) ? { reasoningField: 'reasoning_content' as const } : {}),
        ...(provider.doc === undefined ? {} : { docs: provider.doc }),
      }
    })
}

function addressOf(dev: string, { api, npm }: DevProvider): Pick<VendorRow, 'baseUrl' | 'baseUrlForm' | 'local'> {
  if (api === undefined) throw new Error(`${dev} has no address (${npm}): write it by hand, or leave it out with a reason.`)
  let address = api.replace(/\/+$/, '').replace(/\/chat\/completions$/, '')
  // Where Anthropic's SDK has its base URL end: before /v1.
  if (npm === '@ai-sdk/anthropic') address = address.replace(/\/v1$/, '')
  if (address.includes('${')) return { baseUrlForm: address.replace(/^\$\{(\w+)\}/, 'https://<$1>').replace(/\$\{(\w+)\}/g, '<$1>') }
  if (/^http:\/\/(127\.0\.0\.1|localhost)\b/.test(address)) return { baseUrl: address, local: true }
  if (!address.startsWith('https://')) throw new Error(`${dev}: ${address} is not an https address.`)
  return { baseUrl: address }
}
