// Vendors as rows of data: where each lives, which wires it speaks, how it wants its key, and how its dialect differs. Facts as of 2026-11.
import type { Dialect, Wire } from '#ir'

export type Vendor = {
  readonly id: string
  readonly name: string
  /** Where the vendor's SDK has its base URL end; undefined: a declared provider must bring one. */
  readonly baseUrl: string | undefined
  /** Environment variables that may hold a key; the first one that is set counts. */
  readonly keyVariables: readonly string[]
  /** Path of each wire below the base URL, the preferred one first. */
  readonly wires: ReadonlyMap<Wire, string>
  readonly auth: 'bearer' | 'x-api-key'
  readonly headers: Readonly<Record<string, string>>
  readonly dialect: Dialect
  /** Whose seals it can open. */
  readonly sealDomain?: string
}

const chat: ReadonlyMap<Wire, string> = new Map([['openai-chat', '/chat/completions']])
const messages: ReadonlyMap<Wire, string> = new Map([['anthropic-messages', '/v1/messages']])

type Row = Omit<Vendor, 'wires' | 'auth' | 'headers' | 'dialect'> & { readonly dialect?: Dialect }

function openAiLike(row: Row): Vendor {
  return { wires: chat, auth: 'bearer', headers: {}, ...row, dialect: row.dialect ?? {} }
}

/** The id of the row for any other server of OpenAI's wire. */
export const genericVendor = 'openai-compatible'

const list: readonly Vendor[] = [
  openAiLike({
    id: 'openai',
    name: 'OpenAI',
    baseUrl: 'https://api.openai.com/v1',
    keyVariables: ['OPENAI_API_KEY'],
    sealDomain: 'openai',
  }),
  {
    id: 'anthropic',
    name: 'Anthropic',
    baseUrl: 'https://api.anthropic.com',
    keyVariables: ['ANTHROPIC_API_KEY'],
    // Its OpenAI-compatible endpoint drops what it doesn't know (docs.anthropic.com, "OpenAI SDK compatibility"): we translate ourselves.
    wires: messages,
    auth: 'x-api-key',
    headers: { 'anthropic-version': '2023-06-01' },
    dialect: {},
    sealDomain: 'anthropic',
  },
  openAiLike({
    id: 'gemini',
    name: 'Google Gemini',
    baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai',
    keyVariables: ['GEMINI_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY', 'GOOGLE_API_KEY'],
    dialect: { maxTokensField: 'max_tokens', strip: ['store'] },
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
    // Thinking models want their reasoning back between a tool call and its result.
    dialect: { maxTokensField: 'max_tokens', reasoningField: 'reasoning_content', jsonSchema: false },
  }),
  openAiLike({
    id: 'groq',
    name: 'Groq',
    baseUrl: 'https://api.groq.com/openai/v1',
    keyVariables: ['GROQ_API_KEY'],
    dialect: { reasoningField: 'reasoning', strip: ['store'] },
  }),
  openAiLike({
    id: 'xai',
    name: 'xAI',
    baseUrl: 'https://api.x.ai/v1',
    keyVariables: ['XAI_API_KEY'],
    dialect: { completionExcludesReasoning: true },
  }),
  openAiLike({
    id: 'openrouter',
    name: 'OpenRouter',
    baseUrl: 'https://openrouter.ai/api/v1',
    keyVariables: ['OPENROUTER_API_KEY'],
    dialect: { maxTokensField: 'max_tokens', cacheControl: true, reasoningField: 'reasoning' },
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
    dialect: { maxTokensField: 'max_tokens', reasoningField: 'reasoning_content' },
  }),
  openAiLike({
    id: 'zai',
    name: 'Z.AI',
    baseUrl: 'https://api.z.ai/api/paas/v4',
    keyVariables: ['ZAI_API_KEY', 'ZHIPU_API_KEY'],
    dialect: { maxTokensField: 'max_tokens', reasoningField: 'reasoning_content' },
  }),
  openAiLike({
    id: 'fireworks',
    name: 'Fireworks AI',
    baseUrl: 'https://api.fireworks.ai/inference/v1',
    keyVariables: ['FIREWORKS_API_KEY'],
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
    baseUrl: 'https://api.cohere.ai/compatibility/v1',
    keyVariables: ['COHERE_API_KEY'],
    dialect: { maxTokensField: 'max_tokens', strip: ['store'] },
  }),
  openAiLike({
    id: genericVendor,
    name: 'OpenAI-compatible server',
    baseUrl: undefined,
    keyVariables: [],
    dialect: { maxTokensField: 'max_tokens' },
  }),
]

/** By id, in the order in which they are registered and preferred when priority and price are equal. */
export const vendors: ReadonlyMap<string, Vendor> = new Map(list.map((vendor) => [vendor.id, vendor]))
