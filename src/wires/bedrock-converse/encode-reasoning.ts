// How much to think, in the words of the model behind Converse: parameters of its own, and `outputConfig.effort`.
import type { JsonObject } from '#kernel'
import type { Notes, Reasoning, Request } from '#ir'
import { encodeReasoning as encodeThinking, type ReasoningLimits } from '#wires/claude-reasoning'
import { effortOf } from '#wires/reasoning-effort'
import type { Traits } from './traits.ts'

export type EncodedReasoning = {
  /** Members of `additionalModelRequestFields`. */
  readonly fields?: JsonObject
  readonly effort?: string
  /** Claude thinks: its sampling is restricted. */
  readonly thinks: boolean
  /** The model chooses sampling and length itself. */
  readonly unsampled?: boolean
}

export function encodeReasoning(
  request: Request,
  traits: Traits,
  limits: Omit<ReasoningLimits, 'generation'>,
  notes: Notes,
): EncodedReasoning {
  const { reasoning } = request
  if (reasoning === undefined || !isAsked(reasoning)) return { thinks: false }
  switch (traits.reasoning) {
    case 'thinking': {
      const { thinking, effort, thinks } = encodeThinking(reasoning, { ...limits, generation: traits.generation }, notes)
      return { ...(thinking === undefined ? {} : { fields: { thinking } }), ...(effort === undefined ? {} : { effort }), thinks }
    }
    case 'reasoning_effort': {
      const effort = isOff(reasoning) ? 'low' : effortWord(reasoning, notes)
      if (isOff(reasoning)) notes.approximated('reasoning', 'this model always thinks; it does so little')
      return { fields: { reasoning_effort: effort }, thinks: false }
    }
    case 'reasoningConfig':
      return encodeNova(reasoning, request.maxOutputTokens, notes)
    case undefined:
      if (!isOff(reasoning)) notes.dropped('reasoning', 'this model cannot be told how much to think')
      return { thinks: false }
    default:
      return traits.reasoning satisfies never
  }
}

/** Amazon Nova 2. With "high" it takes neither sampling parameters nor an output cap; a cap that was asked for counts more. */
function encodeNova(reasoning: Reasoning, cap: number | undefined, notes: Notes): EncodedReasoning {
  if (isOff(reasoning)) return { fields: { reasoningConfig: { type: 'disabled' } }, thinks: false }
  const asked = effortWord(reasoning, notes)
  const maxReasoningEffort = asked === 'high' && cap !== undefined ? 'medium' : asked
  if (maxReasoningEffort !== asked) notes.approximated('reasoning.effort', 'this model takes "high" only without an output cap')
  return { fields: { reasoningConfig: { type: 'enabled', maxReasoningEffort } }, thinks: false, unsampled: maxReasoningEffort === 'high' }
}

function isAsked({ mode, effort, budgetTokens }: Reasoning): boolean {
  return mode !== undefined || effort !== undefined || budgetTokens !== undefined
}

function isOff({ mode, effort }: Reasoning): boolean {
  return mode === 'off' || effort === 'none'
}

const words = new Map([
  ['minimal', 'low'],
  ['low', 'low'],
  ['medium', 'medium'],
  ['high', 'high'],
  ['xhigh', 'high'],
  ['max', 'high'],
])

function effortWord({ effort, budgetTokens, display }: Reasoning, notes: Notes): string {
  if (display !== undefined) notes.dropped('reasoning.display', 'this model cannot choose how its reasoning is shown')
  if (effort === undefined) {
    if (budgetTokens === undefined) return 'medium'
    notes.approximated('reasoning.budgetTokens', 'this model takes an effort, not a budget')
    return effortOf(budgetTokens)
  }
  const word = words.get(effort) ?? 'medium'
  if (word !== effort) notes.approximated('reasoning.effort', `this model's nearest effort is "${word}"`)
  return word
}
