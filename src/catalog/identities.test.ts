// One model is one identity at every host, and two models never are: names written down by hand, from the hosts' own lists.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readModelCatalog } from './models.ts'

const catalog = readModelCatalog()

/** `vendor:id` -> its identity. */
function identityOf(where: string): string {
  const colon = where.indexOf(':')
  const model = catalog.modelsOf(where.slice(0, colon)).get(where.slice(colon + 1))
  assert.ok(model !== undefined, `the catalog has ${where}`)
  return model.canonical ?? where
}

const same: readonly (readonly [identity: string, ...hosts: string[]])[] = [
  [
    'anthropic/claude-sonnet-4-5',
    'anthropic:claude-sonnet-4-5',
    'openrouter:anthropic/claude-sonnet-4.5',
    'databricks:databricks-claude-sonnet-4-5',
    'digitalocean:anthropic-claude-4.5-sonnet',
    'helicone:claude-4.5-sonnet',
    'venice:claude-sonnet-4-5',
  ],
  ['anthropic/claude-sonnet-4-5-20250929', 'anthropic:claude-sonnet-4-5-20250929', 'helicone:claude-sonnet-4-5-20250929'],
  ['anthropic/claude-haiku-4-5', 'anthropic:claude-haiku-4-5', 'openrouter:anthropic/claude-haiku-4.5', 'qiniu-ai:claude-4.5-haiku'],
  [
    'openai/gpt-4.1',
    'openai:gpt-4.1',
    'openrouter:openai/gpt-4.1',
    'azure:gpt-4.1',
    'github-models:openai/gpt-4.1',
    'digitalocean:openai-gpt-4.1',
  ],
  ['openai/gpt-4.1-mini', 'openai:gpt-4.1-mini', 'openrouter:openai/gpt-4.1-mini', 'azure:gpt-4.1-mini'],
  ['openai/gpt-4o', 'openai:gpt-4o', 'openrouter:openai/gpt-4o', 'digitalocean:openai-gpt-4o'],
  [
    'openai/gpt-oss-120b',
    'groq:openai/gpt-oss-120b',
    'cerebras:gpt-oss-120b',
    'together:openai/gpt-oss-120b',
    'fireworks:accounts/fireworks/models/gpt-oss-120b',
    'cloudflare-workers-ai:@cf/openai/gpt-oss-120b',
    'ollama-cloud:gpt-oss:120b',
    'synthetic:hf:openai/gpt-oss-120b',
  ],
  ['google/gemini-2.5-pro', 'gemini:gemini-2.5-pro', 'openrouter:google/gemini-2.5-pro', 'databricks:databricks-gemini-2-5-pro'],
  ['moonshotai/kimi-k2', 'openrouter:moonshotai/kimi-k2', 'huggingface:moonshotai/Kimi-K2-Instruct', 'ollama-cloud:kimi-k2:1t'],
  [
    'moonshotai/kimi-k2-0905',
    'moonshot:kimi-k2-0905-preview',
    'openrouter:moonshotai/kimi-k2-0905',
    'huggingface:moonshotai/Kimi-K2-Instruct-0905',
  ],
  ['moonshotai/kimi-k2-thinking', 'moonshot:kimi-k2-thinking', 'openrouter:moonshotai/kimi-k2-thinking', 'poe:novita/kimi-k2-thinking'],
  [
    'moonshotai/kimi-k2.6',
    'moonshot:kimi-k2.6',
    'fireworks:accounts/fireworks/models/kimi-k2p6',
    'deepinfra:moonshotai/Kimi-K2.6',
    'tinfoil:kimi-k2-6',
  ],
  ['deepseek/deepseek-v3.1', 'together:deepseek-ai/DeepSeek-V3-1', 'vercel:deepseek/deepseek-v3.1', 'ollama-cloud:deepseek-v3.1:671b'],
  [
    'deepseek/deepseek-r1',
    'openrouter:deepseek/deepseek-r1',
    'huggingface:deepseek-ai/DeepSeek-R1',
    'siliconflow-cn:Pro/deepseek-ai/DeepSeek-R1',
  ],
  [
    'meta/llama-3.3-70b-instruct',
    'groq:llama-3.3-70b-versatile',
    'together:meta-llama/Llama-3.3-70B-Instruct-Turbo',
    'openrouter:meta-llama/llama-3.3-70b-instruct',
    'evroc:nvidia/Llama-3.3-70B-Instruct-FP8',
    'sambanova:Meta-Llama-3.3-70B-Instruct',
    'digitalocean:llama3.3-70b-instruct',
    'venice:llama-3.3-70b',
  ],
  [
    'qwen/qwen3-235b-a22b-instruct-2507',
    'openrouter:qwen/qwen3-235b-a22b-2507',
    'together:Qwen/Qwen3-235B-A22B-Instruct-2507-tput',
    'friendli:Qwen/Qwen3-235B-A22B-Instruct-2507',
    'venice:qwen3-235b-a22b-instruct-2507',
  ],
  ['qwen/qwen3-235b-a22b', 'alibaba:qwen3-235b-a22b', 'openrouter:qwen/qwen3-235b-a22b', 'vercel:alibaba/qwen-3-235b'],
  [
    'zai/glm-4.6',
    'zai:glm-4.6',
    'openrouter:z-ai/glm-4.6',
    'deepinfra:zai-org/GLM-4.6',
    'venice:zai-org-glm-4.6',
    'modelscope:ZhipuAI/GLM-4.6',
  ],
  ['minimax/minimax-m2.5', 'minimax:MiniMax-M2.5', 'openrouter:minimax/minimax-m2.5', 'chutes:MiniMaxAI/MiniMax-M2.5-TEE'],
]

test('a well-known model is one identity, whatever its hosts call it', () => {
  for (const [identity, ...hosts] of same) for (const host of hosts) assert.equal(identityOf(host).toLowerCase(), identity, host)
})

const different: readonly (readonly [one: string, other: string, why: string])[] = [
  ['anthropic:claude-sonnet-4-5', 'anthropic:claude-sonnet-4-5-20250929', 'a dated snapshot'],
  ['openai:gpt-4o', 'openai:gpt-4o-2024-08-06', 'a dated snapshot'],
  ['openrouter:openai/gpt-oss-120b', 'openrouter:openai/gpt-oss-120b:free', 'a free variant has other limits'],
  ['openrouter:meta-llama/llama-3.3-70b-instruct', 'openrouter:meta-llama/llama-3.3-70b-instruct:free', 'a free variant has other limits'],
  ['openai:gpt-4.1', 'openai:gpt-4.1-mini', 'another size'],
  ['openai:gpt-4.1-mini', 'openai:gpt-4.1-nano', 'another size'],
  ['openrouter:openai/gpt-oss-120b', 'openrouter:openai/gpt-oss-20b', 'another size'],
  ['openrouter:moonshotai/kimi-k2', 'openrouter:moonshotai/kimi-k2-thinking', 'thinking'],
  ['openrouter:moonshotai/kimi-k2', 'openrouter:moonshotai/kimi-k2-0905', 'a later release'],
  ['moonshot:kimi-k2-thinking', 'moonshot:kimi-k2-thinking-turbo', 'another speed at another price'],
  ['openrouter:qwen/qwen3-235b-a22b-2507', 'openrouter:qwen/qwen3-235b-a22b-thinking-2507', 'thinking'],
  ['openrouter:qwen/qwen3-235b-a22b-2507', 'openrouter:qwen/qwen3-235b-a22b', 'a later release'],
  ['nano-gpt:zai-org/glm-4.7', 'nano-gpt:zai-org/glm-4.7:thinking', 'thinking'],
  ['openrouter:z-ai/glm-4.6', 'openrouter:z-ai/glm-4.6v', 'with vision'],
  ['openrouter:deepseek/deepseek-r1', 'openrouter:deepseek/deepseek-r1-0528', 'a later release'],
  ['openrouter:deepseek/deepseek-r1', 'openrouter:deepseek/deepseek-r1-distill-llama-70b', 'a distillate'],
  [
    'cloudflare-workers-ai:@cf/deepseek-ai/deepseek-r1-distill-qwen-32b',
    'openrouter:deepseek/deepseek-r1',
    'a distillate, whatever models.dev inherits from',
  ],
  ['nano-gpt:meta-llama/llama-3.3-70b-instruct', 'nano-gpt:huihui-ai/Llama-3.3-70B-Instruct-abliterated', 'a fine-tune of somebody else'],
  [
    'fireworks:accounts/fireworks/models/kimi-k2p6',
    'fireworks:accounts/fireworks/routers/kimi-k2p6-fast',
    'another speed at another price',
  ],
  ['nano-gpt:deepseek-ai/DeepSeek-V3.1', 'nano-gpt:deepseek-ai/DeepSeek-V3.1-Terminus', 'a later release'],
]

test('what is another model, release, size or offer has another identity', () => {
  for (const [one, other, why] of different) assert.notEqual(identityOf(one), identityOf(other), `${one} and ${other}: ${why}`)
})
