// What a model behind Converse accepts, told from its id: Bedrock refuses a whole request over one field that a model lacks.
// Sources, read 2026-11: docs.aws.amazon.com/bedrock/latest/userguide: "Supported models and model features", "Prompt caching for faster
// model inference", "Get validated JSON results from models", "Extended thinking" (Claude; Amazon Nova 2), "OpenAI models".
import { generationOf, type Generation } from '#wires/claude-generation'

export type Traits = {
  /** What it takes of sampling, prefill and thinking, in Claude's terms. */
  readonly generation: Generation
  /** The name of its reasoning parameter; undefined: it has none. */
  readonly reasoning: 'thinking' | 'reasoningConfig' | 'reasoning_effort' | undefined
  /** Takes its own sealed reasoning back. */
  readonly sealed: boolean
  /** Enforces output schemas and strict tools. */
  readonly schemas: boolean
  readonly cachePoints: 'everywhere' | 'beside tools' | 'none'
  /** Cache points may last an hour. */
  readonly cacheHour: boolean
  /** Tool results may say that the tool failed. */
  readonly resultStatus: boolean
  /** Where its top_k goes in `additionalModelRequestFields`. */
  readonly topK: 'top_k' | 'inferenceConfig.topK' | undefined
}

const plain: Generation = { thinking: 'none', sampling: 'both', schemas: false, prefill: false, laterSystem: false, xhigh: false }

const others: Traits = {
  generation: plain,
  reasoning: undefined,
  sealed: false,
  schemas: false,
  cachePoints: 'none',
  cacheHour: false,
  resultStatus: false,
  topK: undefined,
}

/** Vendors whose models enforce schemas. */
const enforces = /(?:^|[./])(?:deepseek|google|minimax|mistral|moonshot|moonshotai|nvidia|openai|qwen)\./

/** Claude 3.5 has cache points only in its last two releases. */
const uncached = /claude-(?:v\d|instant|3-(?:haiku|sonnet|opus)|3-5-sonnet-20240620)/

export function traitsOf(model: string): Traits {
  // The id of a profile or of provisioned throughput doesn't say which model it leads to: most lead to Claude.
  if (/claude|:(?:application-inference-profile|provisioned-model)\//.test(model)) {
    const generation = { ...generationOf(model), laterSystem: false }
    const uncertain = !model.includes('claude')
    return {
      generation,
      reasoning: generation.thinking === 'none' ? undefined : 'thinking',
      sealed: generation.thinking !== 'none',
      schemas: generation.schemas,
      cachePoints: uncached.test(model) ? 'none' : 'everywhere',
      cacheHour: generation.schemas || uncertain,
      resultStatus: true,
      topK: uncertain ? undefined : 'top_k',
    }
  }
  if (/amazon\.nova/.test(model))
    return {
      ...others,
      generation: { ...plain, prefill: true },
      reasoning: /amazon\.nova-2/.test(model) ? 'reasoningConfig' : undefined,
      cachePoints: 'beside tools',
      resultStatus: true,
      topK: 'inferenceConfig.topK',
    }
  return {
    ...others,
    schemas: enforces.test(model),
    reasoning: /openai\.gpt-oss/.test(model) ? 'reasoning_effort' : undefined,
  }
}
