// What a generation of Claude accepts, told from the model's id: the API refuses a whole request over one field that a model lacks.
// Sources: platform.claude.com "What's new in Claude 4.6 / 4.7 / 4.8", "Structured outputs", "Extended thinking"; read 2026-11.

export type Generation = {
  /** `budget`: thinking.budget_tokens (3.7 to 4.5); `adaptive`: thinking.adaptive with output_config.effort (4.6 and later). */
  readonly thinking: 'none' | 'budget' | 'adaptive'
  /** `one`: temperature or top_p, not both (4.1 and later); `none`: neither may be set (4.7 and later). */
  readonly sampling: 'both' | 'one' | 'none'
  /** output_config.format and strict tools (4.5 and later). */
  readonly schemas: boolean
  /** The conversation may end in an assistant turn that the model continues (until 4.5). */
  readonly prefill: boolean
  /** `role: "system"` among the messages (4.8 and later). */
  readonly laterSystem: boolean
  /** output_config.effort "xhigh" (4.7 and later). */
  readonly xhigh: boolean
}

/** Other vendors that speak this wire copied it as it was before Claude 4. */
const unknownModel: Generation = { thinking: 'budget', sampling: 'both', schemas: false, prefill: true, laterSystem: false, xhigh: false }

const versionPattern = /claude-(?:[a-z]+-)*?(\d{1,2})(?:[.-](\d{1,2}))?(?!\d)/

/** Knows `claude-3-7-sonnet-20250219`, `claude-opus-4-5`, `claude-sonnet-5`, and the forms of Bedrock, Vertex and OpenRouter. */
export function generationOf(model: string): Generation {
  const found = versionPattern.exec(model)
  if (found === null) return unknownModel
  const version = Number(found[1]) * 100 + Number(found[2] ?? 0)
  return {
    thinking: version < 307 ? 'none' : version < 406 ? 'budget' : 'adaptive',
    sampling: version < 401 ? 'both' : version < 407 ? 'one' : 'none',
    schemas: version >= 405,
    prefill: version < 406,
    laterSystem: version >= 408,
    xhigh: version >= 407,
  }
}
