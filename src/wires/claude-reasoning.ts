// How much to think, in Anthropic's words: `thinking` says how, `output_config.effort` how much.
import type { JsonObject } from '#kernel'
import type { Notes, Reasoning } from '#ir'
import type { Generation } from './claude-generation.ts'

export type ReasoningLimits = {
  readonly generation: Generation
  readonly maxTokens: number
  /** The client's own words about `thinking` stand in `ext`: don't derive any. */
  readonly thinkingStated: boolean
  /** `tool_choice` forces a call, which thinking does not allow. */
  readonly forced: boolean
  /** The tool loop that is being continued began without sealed thinking. */
  readonly unsealedLoop: boolean
}

/** `thinks`: sampling, prefill and forced tools are restricted. */
export type EncodedReasoning = { readonly thinking?: JsonObject; readonly effort?: string; readonly thinks: boolean }

const leastBudget = 1024

/** Share of the output cap that goes to thinking, by effort; Claude before 4.6 takes a budget only. */
const shareOfEffort = new Map([
  ['minimal', 0.1],
  ['low', 0.2],
  ['medium', 0.5],
  ['high', 0.8],
  ['xhigh', 0.9],
  ['max', 0.95],
])
const knownEffort = new Set(['low', 'medium', 'high', 'xhigh', 'max'])

export function encodeReasoning(reasoning: Reasoning | undefined, limits: ReasoningLimits, notes: Notes): EncodedReasoning {
  if (reasoning === undefined) return { thinks: false }
  const { mode, effort, budgetTokens } = reasoning
  const display = reasoning.display === undefined ? {} : { display: reasoning.display }
  // Claude's own words go as they came, whatever the model.
  const stated = (): { effort?: string } => {
    if (effort === undefined || effort === 'none') return {}
    const word = knownEffort.has(effort) ? effort : effortWord(effort, limits.generation, notes)
    return word === undefined ? {} : { effort: word }
  }
  if (mode === 'off' || effort === 'none') return { thinking: { type: 'disabled' }, ...(mode === 'off' ? stated() : {}), thinks: false }
  if (mode === 'adaptive') return { thinking: { type: 'adaptive', ...display }, ...stated(), thinks: true }
  if (mode === undefined && limits.thinkingStated) return { ...stated(), thinks: false }
  if (mode === 'on' && budgetTokens !== undefined && limits.generation.thinking !== 'adaptive') {
    const budget = fit(budgetTokens, limits.maxTokens, notes)
    return budget === undefined
      ? { thinks: false }
      : { thinking: { type: 'enabled', budget_tokens: budget, ...display }, ...stated(), thinks: true }
  }
  return derive(effort, budgetTokens, limits, notes)
}

function derive(effort: string | undefined, budgetTokens: number | undefined, limits: ReasoningLimits, notes: Notes): EncodedReasoning {
  const { generation } = limits
  if (generation.thinking === 'none') {
    notes.dropped('reasoning', 'this model cannot think ahead')
    return { thinks: false }
  }
  if (limits.forced) {
    notes.dropped('reasoning', 'Anthropic does not think when tool_choice forces a call')
    return { thinks: false }
  }
  if (generation.thinking === 'adaptive') {
    const wanted = effort === undefined ? effortOfBudget(budgetTokens, limits.maxTokens, notes) : effortWord(effort, generation, notes)
    return { thinking: { type: 'adaptive' }, ...(wanted === undefined ? {} : { effort: wanted }), thinks: true }
  }
  if (limits.unsealedLoop) {
    notes.dropped('reasoning', 'the tool calls of this turn were made without sealed thinking, so the turn cannot go on with it')
    return { thinks: false }
  }
  const share = shareOfEffort.get(effort ?? 'medium')
  if (share === undefined) {
    notes.dropped('reasoning.effort', `Anthropic knows no effort "${effort}"`)
    return { thinks: false }
  }
  const budget = fit(budgetTokens ?? Math.floor(limits.maxTokens * share), limits.maxTokens, notes, budgetTokens === undefined)
  if (budget === undefined) return { thinks: false }
  if (budgetTokens === undefined) notes.approximated('reasoning.effort', 'this model takes a budget: a share of max_tokens')
  return { thinking: { type: 'enabled', budget_tokens: budget }, thinks: true }
}

/** A budget is at least 1024 and below max_tokens. */
function fit(budget: number, maxTokens: number, notes: Notes, quiet = false): number | undefined {
  if (maxTokens <= leastBudget) {
    notes.dropped('reasoning', 'max_tokens leaves no room for thinking, which takes 1024 tokens at least')
    return undefined
  }
  const fitted = Math.min(Math.max(budget, leastBudget), maxTokens - 1)
  if (fitted !== budget && !quiet) notes.approximated('reasoning.budgetTokens', 'a budget is at least 1024 and below max_tokens')
  return fitted
}

function effortWord(effort: string, generation: Generation, notes: Notes): string | undefined {
  const word = effort === 'minimal' ? 'low' : effort === 'xhigh' && !generation.xhigh ? 'high' : effort
  if (!knownEffort.has(word)) {
    notes.dropped('reasoning.effort', `Anthropic knows no effort "${effort}"`)
    return undefined
  }
  if (word !== effort) notes.approximated('reasoning.effort', `this model's nearest effort is "${word}"`)
  return word
}

function effortOfBudget(budget: number | undefined, maxTokens: number, notes: Notes): string | undefined {
  if (budget === undefined) return undefined
  notes.approximated('reasoning.budgetTokens', 'this model takes an effort, not a budget')
  const share = budget / maxTokens
  return share <= 0.3 ? 'low' : share <= 0.65 ? 'medium' : 'high'
}
