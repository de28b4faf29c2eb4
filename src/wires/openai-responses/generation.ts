// What a model of this wire accepts, told from its id: a field that a model lacks is an error of the whole request.
// Sources: platform.openai.com "Reasoning models", "Using GPT-5.2"; docs.x.ai "Reasoning"; read 2026-11.

/** `unknown`: a deployment's own name, or another vendor's model. */
export type Reasons = 'always' | 'never' | 'unknown'

const always = /^(?:o[1-9]|gpt-[5-9]|gpt-oss|codex|computer-use|grok-[4-9]|grok-code|grok-3-mini)/
/** The chat models of GPT-5, and Grok's own variants. */
const except = /-chat|non-reasoning/
const never = /^(?:gpt-[34]|chatgpt-|grok-[23](?!-mini))/

/** Knows `o3`, `gpt-5.2-codex`, and the forms with a vendor in front (`openai/gpt-5`). */
export function reasonsOf(model: string): Reasons {
  const name = model.slice(model.lastIndexOf('/') + 1).toLowerCase()
  if (always.test(name)) return except.test(name) ? 'never' : 'always'
  return never.test(name) ? 'never' : 'unknown'
}

/** Models that think take no sampling parameters; those from GPT-5.1 on do when they are told not to think. */
export function takesSampling(model: string, effort: string | undefined): boolean {
  const name = model.slice(model.lastIndexOf('/') + 1).toLowerCase()
  return reasonsOf(model) !== 'always' || !/^(?:o[1-9]|gpt-[5-9]|codex)/.test(name) || effort === 'none'
}
