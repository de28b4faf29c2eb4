// Vendors as rows of data: where each lives, which wires it speaks, how it wants its key, and how its dialect differs. Those with a dialect
// or a second wire are written here, with the reason (facts as of 2026-11); the others are rows of vendors.json, which scripts/catalog.ts writes.
import type { Environment, KeyHeader } from '#config'
import type { Dialect, Wire } from '#ir'
import type { AccountKind } from './accounts.ts'
import generated from './vendors.json' with { type: 'json' }

export type Vendor = {
  readonly id: string
  readonly name: string
  /** Where the vendor's SDK has its base URL end; undefined: a declared provider must bring one. */
  readonly baseUrl: string | undefined
  /** Where every account has an address of its own: how it looks, its parts in angle brackets. `baseUrl` is then undefined. */
  readonly baseUrlForm?: string
  /** That address from the variables in which people have its parts. */
  readonly address?: { readonly variables: readonly string[]; in(env: Environment): string | undefined }
  /** Environment variables that may hold a key; the first one that is set counts. */
  readonly keyVariables: readonly string[]
  /**
   * Those of them that make a provider of this vendor by being set. Not the variables that an earlier vendor has too (one key, several
   * addresses), nor tokens of a whole account, which are often there for other work: they serve a provider that is declared.
   */
  readonly registeredBy: readonly string[]
  /**
   * Path of each wire below the base URL, the preferred one first; each `../` that it begins with leaves a segment of the base. A base URL
   * that already ends in what stands before one of the wires' own paths (`/v1` before `/chat/completions`) means the one above it.
   */
  readonly wires: ReadonlyMap<Wire, string>
  /** Patterns of the models that it serves on a wire, where those are not all; after `!`, of those that it doesn't. */
  readonly wireModels?: ReadonlyMap<Wire, readonly string[]>
  readonly auth: KeyHeader
  /** The wires whose endpoints want the key in another header. */
  readonly wireAuth?: ReadonlyMap<Wire, KeyHeader>
  /** Accounts that its credentials may be, instead of a key. */
  readonly accounts?: AccountKind
  /** The vendor whose models of the catalog it serves, where it has none of its own. */
  readonly modelsOf?: string
  /** Whether a model of the catalog can be asked at an address; absent: all can, everywhere. */
  readonly servesAt?: (hostname: string, model: string) => boolean
  readonly headers: Readonly<Record<string, string>>
  readonly dialect: Dialect
  /** Whose seals it can open. */
  readonly sealDomain?: string
  /** On a wire on which it opens others' seals. */
  readonly wireSealDomains?: ReadonlyMap<Wire, string>
  /** A server of one's own: a private address is expected, and no key. */
  readonly local?: true
  /** The vendor's page on its models or API. */
  readonly docs?: string
}

const chat: ReadonlyMap<Wire, string> = new Map([['openai-chat', '/chat/completions']])
const messages: ReadonlyMap<Wire, string> = new Map([['anthropic-messages', '/v1/messages']])

type Row = Omit<Vendor, 'wires' | 'auth' | 'headers' | 'dialect' | 'registeredBy'> &
  Partial<Pick<Vendor, 'wires' | 'auth' | 'dialect' | 'registeredBy'>>

function openAiLike(row: Row): Vendor {
  return { wires: chat, auth: 'bearer', headers: {}, registeredBy: row.keyVariables, ...row, dialect: row.dialect ?? {} }
}

function messagesOnly(row: Row): Vendor {
  return openAiLike({ wires: messages, auth: 'x-api-key', ...row })
}

const responses: ReadonlyMap<Wire, string> = new Map([...chat, ['openai-responses', '/responses']])

function bothWires(messagesPath: string): ReadonlyMap<Wire, string> {
  return new Map([...chat, ['anthropic-messages', messagesPath]])
}

/** A server of one's own takes a key only when it was started with one. */
function server(row: Omit<Row, 'keyVariables'>): Vendor {
  return openAiLike({ ...row, keyVariables: [], local: true, dialect: { maxTokensField: 'max_tokens' } })
}

/** The first of the variables that is set to what a part of a host name or path may be. */
function part(env: Environment, ...variables: readonly string[]): string | undefined {
  return variables.map((variable) => env[variable]?.trim()).find((text) => text !== undefined && /^[a-zA-Z0-9][\w.:-]*$/.test(text))
}

/** Inference profiles of a geography are there in its regions only; at an address that names no region, who knows. */
function isBedrockProfileOf(hostname: string, model: string): boolean {
  const [, geography] = /^(us|us-gov|eu|apac|au|jp|ca)\./.exec(model) ?? []
  const [, region] = /\.([a-z]{2}(?:-[a-z]+)+-\d+)\./.exec(hostname) ?? []
  if (geography === undefined || region === undefined) return true
  return (geographies.find(([of]) => of.test(region))?.[1] ?? []).includes(geography)
}

/** https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html (2026-11) */
const geographies: readonly (readonly [regions: RegExp, profiles: readonly string[]])[] = [
  [/^us-gov-/, ['us-gov']],
  [/^us-/, ['us']],
  [/^ca-/, ['ca', 'us']],
  [/^eu-/, ['eu']],
  [/^ap-southeast-[24]$/, ['au', 'apac']],
  [/^ap-northeast-[13]$/, ['jp', 'apac']],
  [/^ap-/, ['apac']],
]

const azureVariables = ['AZURE_OPENAI_API_KEY', 'AZURE_API_KEY', 'AZURE_CLIENT_SECRET']

function azureAddress(path: string): NonNullable<Vendor['address']> {
  return {
    variables: ['AZURE_OPENAI_ENDPOINT'],
    in(env) {
      const resource = part(env, 'AZURE_RESOURCE_NAME')
      const endpoint = env['AZURE_OPENAI_ENDPOINT']?.trim() || (resource === undefined ? '' : `https://${resource}.openai.azure.com`)
      const url = URL.parse(endpoint)
      return url === null || !/^https?:$/.test(url.protocol) ? undefined : `${url.origin}${path}`
    },
  }
}

type GeneratedRow = Pick<Vendor, 'id' | 'name' | 'keyVariables' | 'registeredBy' | 'baseUrlForm' | 'local' | 'docs'> & {
  readonly baseUrl?: string
  readonly wire?: 'anthropic-messages'
  readonly reasoningField?: 'reasoning_content'
}

/** The id of the row for any other server of OpenAI's wire. */
export const genericVendor = 'openai-compatible'

const list: readonly Vendor[] = [
  openAiLike({
    id: 'openai',
    name: 'OpenAI',
    baseUrl: 'https://api.openai.com/v1',
    keyVariables: ['OPENAI_API_KEY'],
    wires: responses,
    sealDomain: 'openai',
  }),
  {
    id: 'anthropic',
    name: 'Anthropic',
    baseUrl: 'https://api.anthropic.com',
    keyVariables: ['ANTHROPIC_API_KEY'],
    registeredBy: ['ANTHROPIC_API_KEY'],
    // Its OpenAI-compatible endpoint drops what it doesn't know (docs.anthropic.com, "OpenAI SDK compatibility"): we translate ourselves.
    wires: messages,
    auth: 'x-api-key',
    headers: {},
    dialect: {},
    sealDomain: 'anthropic',
  },
  openAiLike({
    id: 'gemini',
    name: 'Google Gemini',
    baseUrl: 'https://generativelanguage.googleapis.com',
    keyVariables: ['GEMINI_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY', 'GOOGLE_API_KEY'],
    wires: new Map([
      ['gemini', '/v1beta/models/{model}:{generateContent|streamGenerateContent?alt=sse}'],
      ['openai-chat', '/v1beta/openai/chat/completions'],
    ]),
    // Its compatible endpoint reads the key as OpenAI's does; after `Bearer` its own takes tokens only.
    wireAuth: new Map([['gemini', 'x-goog-api-key']]),
    dialect: { maxTokensField: 'max_tokens', strip: ['store'] },
    sealDomain: 'google',
  }),
  // Google's models by their own wire, Anthropic's by theirs, the open ones of the model garden by OpenAI's.
  // https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest (2026-11)
  openAiLike({
    id: 'vertex',
    name: 'Google Vertex AI',
    baseUrl: undefined,
    baseUrlForm: 'https://<location>-aiplatform.googleapis.com/v1/projects/<project>/locations/<location>',
    address: {
      variables: ['GOOGLE_CLOUD_PROJECT', 'GOOGLE_CLOUD_LOCATION'],
      in(env) {
        const project = part(env, 'GOOGLE_CLOUD_PROJECT', 'GOOGLE_VERTEX_PROJECT')
        const location = part(env, 'GOOGLE_CLOUD_LOCATION', 'GOOGLE_VERTEX_LOCATION')
        if (project === undefined || location === undefined) return undefined
        const host = location === 'global' ? 'aiplatform' : `${location}-aiplatform`
        return `https://${host}.googleapis.com/v1/projects/${project}/locations/${location}`
      },
    },
    keyVariables: ['GOOGLE_APPLICATION_CREDENTIALS'],
    registeredBy: [],
    accounts: 'google',
    wires: new Map([
      ['gemini', '/publishers/google/models/{model}:{generateContent|streamGenerateContent?alt=sse}'],
      ['anthropic-messages', '/publishers/anthropic/models/{model}:{rawPredict|streamRawPredict}'],
      ['openai-chat', '/endpoints/openapi/chat/completions'],
    ]),
    wireModels: new Map([
      ['gemini', ['!claude*', '!*/*']],
      ['anthropic-messages', ['claude*']],
      ['openai-chat', ['*/*']],
    ]),
    dialect: { maxTokensField: 'max_tokens', strip: ['store'], anthropicVersion: 'vertex-2023-10-16' },
    wireSealDomains: new Map([
      ['gemini', 'google'],
      ['anthropic-messages', 'anthropic'],
    ]),
    docs: 'https://cloud.google.com/vertex-ai/generative-ai/docs/models',
  }),
  // Everything by Converse; Anthropic's models also by their own wire, OpenAI's by chat completions.
  // https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html (2026-11)
  openAiLike({
    id: 'bedrock',
    name: 'Amazon Bedrock',
    baseUrl: undefined,
    baseUrlForm: 'https://bedrock-runtime.<region>.amazonaws.com',
    address: {
      variables: ['AWS_REGION'],
      in(env) {
        const region = part(env, 'AWS_REGION', 'AWS_DEFAULT_REGION')
        return region === undefined ? undefined : `https://bedrock-runtime.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
      },
    },
    keyVariables: ['AWS_BEARER_TOKEN_BEDROCK', 'AWS_ACCESS_KEY_ID'],
    // The others are an account's, for whatever it does.
    registeredBy: ['AWS_BEARER_TOKEN_BEDROCK'],
    accounts: 'aws',
    wires: new Map([
      ['bedrock-converse', '/model/{model}/{converse|converse-stream}'],
      ['anthropic-messages', '/model/{model}/{invoke|invoke-with-response-stream}'],
      ['openai-chat', '/openai/v1/chat/completions'],
    ]),
    wireModels: new Map([
      ['anthropic-messages', ['*anthropic.*']],
      ['openai-chat', ['openai.*']],
    ]),
    servesAt: isBedrockProfileOf,
    dialect: { anthropicVersion: 'bedrock-2023-05-31' },
    sealDomain: 'anthropic',
    docs: 'https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html',
  }),
  openAiLike({
    id: 'mistral',
    name: 'Mistral',
    baseUrl: 'https://api.mistral.ai/v1',
    keyVariables: ['MISTRAL_API_KEY'],
    // Refuses every field it doesn't know with a 422 `extra_forbidden`; sends usage in the last chunk without being asked.
    dialect: {
      maxTokensField: 'max_tokens',
      streamOptions: false,
      strip: [
        'store',
        'user',
        'service_tier',
        'logit_bias',
        'logprobs',
        'top_logprobs',
        'prompt_cache_key',
        'safety_identifier',
        'verbosity',
      ],
    },
  }),
  openAiLike({
    id: 'deepseek',
    name: 'DeepSeek',
    baseUrl: 'https://api.deepseek.com',
    keyVariables: ['DEEPSEEK_API_KEY'],
    // https://api-docs.deepseek.com/guides/anthropic_api (2026-11)
    wires: bothWires('/anthropic/v1/messages'),
    // Thinking models want their reasoning back between a tool call and its result.
    dialect: { maxTokensField: 'max_tokens', reasoningField: 'reasoning_content', jsonSchema: false },
  }),
  openAiLike({
    id: 'groq',
    name: 'Groq',
    baseUrl: 'https://api.groq.com/openai/v1',
    keyVariables: ['GROQ_API_KEY'],
    // https://console.groq.com/docs/responses-api (2026-11)
    wires: responses,
    dialect: { reasoningField: 'reasoning', strip: ['store'] },
  }),
  openAiLike({
    id: 'xai',
    name: 'xAI',
    baseUrl: 'https://api.x.ai/v1',
    keyVariables: ['XAI_API_KEY'],
    // https://docs.x.ai/docs/api-reference (2026-11)
    wires: responses,
    // Its server runs custom tools itself.
    dialect: { completionExcludesReasoning: true, hostedCustomCalls: true, sealDomain: 'xai' },
    sealDomain: 'xai',
  }),
  openAiLike({
    id: 'openrouter',
    name: 'OpenRouter',
    baseUrl: 'https://openrouter.ai/api/v1',
    keyVariables: ['OPENROUTER_API_KEY'],
    // https://openrouter.ai/docs/api-reference/responses-api/overview, https://openrouter.ai/docs/api-reference/anthropic-messages (2026-11)
    wires: new Map([...responses, ['anthropic-messages', '/v1/messages']]),
    wireModels: new Map([['anthropic-messages', ['anthropic/*']]]),
    dialect: { maxTokensField: 'max_tokens', cacheControl: true, reasoningField: 'reasoning', sealDomain: 'openrouter' },
    sealDomain: 'openrouter',
  }),
  openAiLike({
    id: 'together',
    name: 'Together AI',
    baseUrl: 'https://api.together.xyz/v1',
    keyVariables: ['TOGETHER_API_KEY'],
    dialect: { maxTokensField: 'max_tokens' },
  }),
  openAiLike({
    id: 'moonshot',
    name: 'Moonshot AI',
    baseUrl: 'https://api.moonshot.ai/v1',
    keyVariables: ['MOONSHOT_API_KEY'],
    // https://platform.moonshot.ai/docs/guide/agent-support (2026-11)
    wires: bothWires('../anthropic/v1/messages'),
    dialect: { maxTokensField: 'max_tokens', reasoningField: 'reasoning_content' },
  }),
  // The same keys don't work at both addresses, and the variable is one.
  openAiLike({
    id: 'moonshot-cn',
    name: 'Moonshot AI (China)',
    baseUrl: 'https://api.moonshot.cn/v1',
    keyVariables: ['MOONSHOT_API_KEY'],
    registeredBy: [],
    wires: bothWires('../anthropic/v1/messages'),
    dialect: { maxTokensField: 'max_tokens', reasoningField: 'reasoning_content' },
  }),
  openAiLike({
    id: 'zai',
    name: 'Z.AI',
    baseUrl: 'https://api.z.ai/api/paas/v4',
    keyVariables: ['ZAI_API_KEY', 'ZHIPU_API_KEY'],
    // https://docs.z.ai/scenario-example/develop-tools/claude (2026-11)
    wires: bothWires('../../anthropic/v1/messages'),
    dialect: { maxTokensField: 'max_tokens', reasoningField: 'reasoning_content' },
  }),
  openAiLike({
    id: 'zhipuai',
    name: 'Zhipu AI',
    baseUrl: 'https://open.bigmodel.cn/api/paas/v4',
    keyVariables: ['ZHIPU_API_KEY'],
    registeredBy: [],
    wires: bothWires('../../anthropic/v1/messages'),
    dialect: { maxTokensField: 'max_tokens', reasoningField: 'reasoning_content' },
  }),
  openAiLike({
    id: 'zai-coding-plan',
    name: 'Z.AI Coding Plan',
    baseUrl: 'https://api.z.ai/api/coding/paas/v4',
    keyVariables: ['ZAI_API_KEY', 'ZHIPU_API_KEY'],
    registeredBy: [],
    wires: bothWires('../../../anthropic/v1/messages'),
    dialect: { maxTokensField: 'max_tokens', reasoningField: 'reasoning_content' },
  }),
  // On their OpenAI-compatible endpoint reasoning is text between <think> tags; here it has blocks of its own.
  // https://platform.minimax.io/docs/api-reference/text-anthropic-api (2026-11)
  messagesOnly({ id: 'minimax', name: 'MiniMax', baseUrl: 'https://api.minimax.io/anthropic', keyVariables: ['MINIMAX_API_KEY'] }),
  messagesOnly({
    id: 'minimax-cn',
    name: 'MiniMax (China)',
    baseUrl: 'https://api.minimaxi.com/anthropic',
    keyVariables: ['MINIMAX_API_KEY'],
    registeredBy: [],
  }),
  // https://www.kimi.com/code/docs/en/third-party-tools/other-coding-agents.html (2026-11)
  messagesOnly({ id: 'kimi-for-coding', name: 'Kimi For Coding', baseUrl: 'https://api.kimi.com/coding', keyVariables: ['KIMI_API_KEY'] }),
  openAiLike({
    id: 'fireworks',
    name: 'Fireworks AI',
    baseUrl: 'https://api.fireworks.ai/inference/v1',
    keyVariables: ['FIREWORKS_API_KEY'],
    // https://docs.fireworks.ai/guides/response-api (2026-11)
    wires: responses,
    dialect: { maxTokensField: 'max_tokens', reasoningField: 'reasoning_content' },
  }),
  // Answers 400 "property 'store' is unsupported".
  openAiLike({
    id: 'cerebras',
    name: 'Cerebras',
    baseUrl: 'https://api.cerebras.ai/v1',
    keyVariables: ['CEREBRAS_API_KEY'],
    dialect: { strip: ['store', 'prompt_cache_key'] },
  }),
  openAiLike({
    id: 'perplexity',
    name: 'Perplexity',
    baseUrl: 'https://api.perplexity.ai',
    keyVariables: ['PERPLEXITY_API_KEY'],
    dialect: { maxTokensField: 'max_tokens' },
  }),
  openAiLike({
    id: 'deepinfra',
    name: 'Deep Infra',
    baseUrl: 'https://api.deepinfra.com/v1/openai',
    keyVariables: ['DEEPINFRA_API_KEY'],
    dialect: { maxTokensField: 'max_tokens' },
  }),
  openAiLike({
    id: 'cohere',
    name: 'Cohere',
    baseUrl: 'https://api.cohere.com',
    keyVariables: ['COHERE_API_KEY'],
    wires: new Map([
      ['cohere-chat', '/v2/chat'],
      ['openai-chat', '/compatibility/v1/chat/completions'],
    ]),
    dialect: { maxTokensField: 'max_tokens', strip: ['store'] },
  }),
  // Embeddings only: its base URL has no wire of conversations.
  openAiLike({
    id: 'voyage',
    name: 'Voyage AI',
    baseUrl: 'https://api.voyageai.com/v1',
    keyVariables: ['VOYAGE_API_KEY'],
    wires: new Map(),
    docs: 'https://docs.voyageai.com/docs/embeddings',
  }),
  // Its messages endpoint serves every model; https://vercel.com/docs/ai-gateway/sdks-and-apis/anthropic-messages-api (2026-03)
  openAiLike({
    id: 'vercel',
    name: 'Vercel AI Gateway',
    baseUrl: 'https://ai-gateway.vercel.sh/v1',
    keyVariables: ['AI_GATEWAY_API_KEY'],
    wires: bothWires('/v1/messages'),
    dialect: { maxTokensField: 'max_tokens', reasoningField: 'reasoning' },
  }),
  openAiLike({
    id: 'venice',
    name: 'Venice AI',
    baseUrl: 'https://api.venice.ai/api/v1',
    keyVariables: ['VENICE_API_KEY'],
    dialect: { maxTokensField: 'max_tokens' },
  }),
  openAiLike({
    id: 'aihubmix',
    name: 'AIHubMix',
    baseUrl: 'https://aihubmix.com/v1',
    keyVariables: ['AIHUBMIX_API_KEY'],
    dialect: { maxTokensField: 'max_tokens' },
  }),
  openAiLike({ id: 'v0', name: 'v0', baseUrl: 'https://api.v0.dev/v1', keyVariables: ['V0_API_KEY'] }),
  // Its v1 endpoint takes what OpenAI's does, the deployment's name as the model; deployments are usually named after their model. Claude is
  // there in resources of Foundry. https://learn.microsoft.com/en-us/azure/ai-foundry/openai/api-version-lifecycle (2026-11)
  openAiLike({
    id: 'azure',
    name: 'Azure OpenAI',
    baseUrl: undefined,
    baseUrlForm: 'https://<resource>.openai.azure.com/openai/v1',
    address: azureAddress('/openai/v1'),
    keyVariables: azureVariables,
    registeredBy: ['AZURE_OPENAI_API_KEY'],
    auth: 'api-key',
    accounts: 'entra',
    wires: new Map([
      ['openai-chat', '/openai/v1/chat/completions'],
      ['openai-responses', '/openai/v1/responses'],
      ['anthropic-messages', '/anthropic/v1/messages'],
    ]),
    wireModels: new Map([
      ['openai-chat', ['!claude*']],
      ['openai-responses', ['!claude*']],
      ['anthropic-messages', ['claude*']],
    ]),
    // Encrypted reasoning is the resource's own.
    dialect: { sealDomain: 'azure' },
    sealDomain: 'azure',
    wireSealDomains: new Map([['anthropic-messages', 'anthropic']]),
  }),
  // The older form, for gateways in front of Azure that only know it: a path for each deployment, and a dated version.
  // https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference (2026-11)
  openAiLike({
    id: 'azure-deployments',
    name: 'Azure OpenAI (by deployment)',
    baseUrl: undefined,
    baseUrlForm: 'https://<resource>.openai.azure.com',
    address: azureAddress(''),
    keyVariables: azureVariables,
    registeredBy: [],
    auth: 'api-key',
    accounts: 'entra',
    modelsOf: 'azure',
    wires: new Map([['openai-chat', '/openai/deployments/{model}/chat/completions?api-version=2024-10-21']]),
  }),
  openAiLike({
    id: 'opencode',
    name: 'OpenCode Zen',
    baseUrl: 'https://opencode.ai/zen/v1',
    keyVariables: ['OPENCODE_API_KEY'],
    // Each model on its maker's wire alone, as its row in the catalog says. https://opencode.ai/docs/zen (2026-11)
    wires: new Map([
      ...responses,
      ['anthropic-messages', '/v1/messages'],
      ['gemini', '/models/{model}:{generateContent|streamGenerateContent?alt=sse}'],
    ]),
    wireAuth: new Map([
      ['anthropic-messages', 'x-api-key'],
      ['gemini', 'x-goog-api-key'],
    ]),
    dialect: { maxTokensField: 'max_tokens', reasoningField: 'reasoning_content' },
  }),
  openAiLike({
    id: 'sambanova',
    name: 'SambaNova',
    baseUrl: 'https://api.sambanova.ai/v1',
    keyVariables: ['SAMBANOVA_API_KEY'],
    dialect: { maxTokensField: 'max_tokens' },
  }),
  openAiLike({
    id: 'hyperbolic',
    name: 'Hyperbolic',
    baseUrl: 'https://api.hyperbolic.xyz/v1',
    keyVariables: ['HYPERBOLIC_API_KEY'],
    dialect: { maxTokensField: 'max_tokens' },
  }),
  openAiLike({
    id: 'nscale',
    name: 'Nscale',
    baseUrl: 'https://inference.api.nscale.com/v1',
    keyVariables: ['NSCALE_API_KEY'],
    dialect: { maxTokensField: 'max_tokens' },
  }),
  server({
    id: 'ollama',
    name: 'Ollama',
    baseUrl: 'http://127.0.0.1:11434',
    wires: new Map([
      ['ollama-chat', '/api/chat'],
      ['openai-chat', '/v1/chat/completions'],
    ]),
    docs: 'https://docs.ollama.com/api',
  }),
  server({ id: 'lmstudio', name: 'LM Studio', baseUrl: 'http://127.0.0.1:1234/v1', docs: 'https://lmstudio.ai/docs' }),
  server({ id: 'vllm', name: 'vLLM', baseUrl: 'http://127.0.0.1:8000/v1', docs: 'https://docs.vllm.ai' }),
  server({ id: 'llamacpp', name: 'llama.cpp server', baseUrl: 'http://127.0.0.1:8080/v1', docs: 'https://github.com/ggml-org/llama.cpp' }),
]

const generic = openAiLike({
  id: genericVendor,
  name: 'OpenAI-compatible server',
  baseUrl: undefined,
  keyVariables: [],
  dialect: { maxTokensField: 'max_tokens' },
})

/** A row of vendors.json. Most compatible servers know only the older name of the output cap. */
function generatedVendor(row: GeneratedRow): Vendor {
  const { wire, reasoningField, baseUrl, ...rest } = row
  if (wire === 'anthropic-messages') return messagesOnly({ ...rest, baseUrl })
  return openAiLike({
    ...rest,
    baseUrl,
    dialect: { maxTokensField: 'max_tokens', ...(reasoningField === undefined ? {} : { reasoningField }) },
  })
}

/** By id, in the order in which they are registered and preferred when priority and price are equal. */
export const vendors: ReadonlyMap<string, Vendor> = new Map(
  [...list, ...(generated.vendors as readonly GeneratedRow[]).map(generatedVendor), generic].map((vendor) => [vendor.id, vendor]),
)
