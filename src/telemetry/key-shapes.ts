// How API keys look: one table for hiding them, for saying whose key was sent to the wrong place, and for knowing the vendor of a pasted one.

export type KeyShape = {
  /** Who gives it out, for people. */
  readonly owner: string
  /** The vendor's id in the catalog; absent where the look fits several, or none that models are asked of. */
  readonly vendor?: string
  readonly prefix: string
  /** What follows, as part of a regular expression. */
  readonly rest: string
}

/** Longest prefix first. Only looks that are documented, by the vendor or by the published rules of secret scanners. */
export const keyShapes: readonly KeyShape[] = [
  { owner: 'Turnpike (admin)', prefix: 'tpa-', rest: '[A-Za-z0-9_-]{20,}' },
  { owner: 'Turnpike', prefix: 'tp-', rest: '[A-Za-z0-9_-]{20,}' },
  { owner: 'Anthropic', vendor: 'anthropic', prefix: 'sk-ant-', rest: '[A-Za-z0-9_-]{8,}' },
  { owner: 'OpenRouter', vendor: 'openrouter', prefix: 'sk-or-', rest: '[A-Za-z0-9_-]{8,}' },
  { owner: 'OpenAI', vendor: 'openai', prefix: 'sk-proj-', rest: '[A-Za-z0-9_-]{8,}' },
  { owner: 'OpenAI', vendor: 'openai', prefix: 'sk-svcacct-', rest: '[A-Za-z0-9_-]{8,}' },
  { owner: 'Kimi For Coding', vendor: 'kimi-for-coding', prefix: 'sk-kimi-', rest: '[A-Za-z0-9_-]{16,}' },
  // OpenAI's first kind, DeepSeek, Moonshot, Alibaba, StepFun and others.
  { owner: 'OpenAI or another provider', prefix: 'sk-', rest: '[A-Za-z0-9_-]{16,}' },
  { owner: 'Groq', vendor: 'groq', prefix: 'gsk_', rest: '[A-Za-z0-9]{16,}' },
  { owner: 'xAI', vendor: 'xai', prefix: 'xai-', rest: '[A-Za-z0-9]{16,}' },
  { owner: 'Perplexity', vendor: 'perplexity', prefix: 'pplx-', rest: '[A-Za-z0-9]{16,}' },
  { owner: 'Cerebras', vendor: 'cerebras', prefix: 'csk-', rest: '[A-Za-z0-9]{16,}' },
  { owner: 'Nvidia', vendor: 'nvidia', prefix: 'nvapi-', rest: '[A-Za-z0-9_-]{16,}' },
  { owner: 'Together', vendor: 'together', prefix: 'tgp_v1_', rest: '[A-Za-z0-9_-]{16,}' },
  { owner: 'Fireworks', vendor: 'fireworks', prefix: 'fw_', rest: '[A-Za-z0-9]{16,}' },
  { owner: 'Friendli', vendor: 'friendli', prefix: 'flp_', rest: '[A-Za-z0-9]{16,}' },
  { owner: 'Hugging Face', vendor: 'huggingface', prefix: 'hf_', rest: '[A-Za-z0-9]{16,}' },
  { owner: 'Vercel AI Gateway', vendor: 'vercel', prefix: 'vck_', rest: '[A-Za-z0-9]{16,}' },
  { owner: 'Google', vendor: 'gemini', prefix: 'AIza', rest: '[A-Za-z0-9_-]{30,}' },
  { owner: 'GitHub', vendor: 'github-models', prefix: 'github_pat_', rest: '[A-Za-z0-9_]{16,}' },
  { owner: 'GitHub', vendor: 'github-models', prefix: 'ghp_', rest: '[A-Za-z0-9]{16,}' },
  { owner: 'Amazon Bedrock', vendor: 'bedrock', prefix: 'ABSK', rest: '[A-Za-z0-9+/=_-]{40,}' },
  { owner: 'Amazon Bedrock', vendor: 'bedrock', prefix: 'bedrock-api-key-', rest: '[A-Za-z0-9+/=_-]{16,}' },
  { owner: 'Google Cloud', prefix: 'ya29.', rest: '[A-Za-z0-9_-]{20,}' },
  { owner: 'AWS', prefix: 'AKIA', rest: '[A-Z0-9]{16}' },
]

/** The first shape that the text has, by its prefix; undefined when it looks like nobody's. */
export function keyShapeOf(text: string): KeyShape | undefined {
  return keyShapes.find(({ prefix }) => text.startsWith(prefix) && text.length > prefix.length + 4)
}

/** Who gives out keys that look like this one; undefined when it looks like nobody's. */
export function ownerOfKey(text: string): string | undefined {
  return keyShapeOf(text)?.owner
}

/**
 * A gateway key or admin token as this gateway makes them. By its length, too: other vendors' keys begin with `tp-` as well. A client that is
 * pointed to the gateway by OPENAI_BASE_URL has one in OPENAI_API_KEY.
 */
export function isOwnKey(text: string): boolean {
  return /^tpa?-[A-Za-z0-9_-]{43}$/.test(text)
}
