// How much to think, in Google's words: a level for Gemini 3 and later, a budget for Gemini 2.5 (and for either as it was written).
import type { JsonObject } from '#kernel'
import type { Notes, Reasoning } from '#ir'
import type { Generation } from './generation.ts'

/** Google's own table for OpenAI's efforts (https://ai.google.dev/gemini-api/docs/openai#thinking, read 2026-11). */
const budgetOfEffort: ReadonlyMap<string, number> = new Map([
  ['minimal', 1_024],
  ['low', 1_024],
  ['medium', 8_192],
  ['high', 24_576],
  ['xhigh', 24_576],
  ['max', 24_576],
])
const levelOfEffort: ReadonlyMap<string, string> = new Map([
  ['minimal', 'MINIMAL'],
  ['low', 'LOW'],
  ['medium', 'MEDIUM'],
  ['high', 'HIGH'],
  ['xhigh', 'HIGH'],
  ['max', 'HIGH'],
])

/** `thinkingConfig`; undefined when there is nothing to say. */
export function encodeReasoning(reasoning: Reasoning | undefined, generation: Generation, notes: Notes): JsonObject | undefined {
  if (reasoning === undefined) return undefined
  const { mode, effort, budgetTokens } = reasoning
  const isOff = mode === 'off' || effort === 'none'
  if (generation.thinking === 'none') {
    if (!isOff) notes.dropped('reasoning', 'this model cannot think ahead')
    return undefined
  }
  if (isOff) return withoutThoughts(generation, notes)
  // Who asks for reasoning wants to see it, unless it says otherwise.
  const shown = reasoning.display === 'omitted' ? {} : { includeThoughts: true }
  if (effort !== undefined) {
    if (budgetTokens !== undefined) notes.dropped('reasoning.budgetTokens', 'the effort says how much to think')
    return { ...effortOf(effort, generation, notes), ...shown }
  }
  if (budgetTokens !== undefined) return { thinkingBudget: fitted(budgetTokens, generation, notes), ...shown }
  const config = { ...(mode === 'adaptive' ? { thinkingBudget: -1 } : {}), ...shown }
  return Object.keys(config).length === 0 ? undefined : config
}

function withoutThoughts(generation: Generation, notes: Notes): JsonObject {
  if (generation.thinking === 'budget' && generation.budgets.off) return { thinkingBudget: 0 }
  notes.approximated('reasoning', 'this model thinks always; it thinks as little as it can')
  return generation.thinking === 'level' ? { thinkingLevel: generation.leastLevel } : { thinkingBudget: generation.budgets.least }
}

function effortOf(effort: string, generation: Generation, notes: Notes): JsonObject {
  const isLevel = generation.thinking === 'level'
  const level = effort === 'minimal' ? generation.leastLevel : levelOfEffort.get(effort)
  const budget = budgetOfEffort.get(effort)
  if (level === undefined || budget === undefined) {
    notes.dropped('reasoning.effort', `Gemini knows no effort "${effort}"`)
    return {}
  }
  if (!isLevel) notes.approximated('reasoning.effort', `this model takes a budget: ${budget} tokens`)
  else if (level.toLowerCase() !== effort) notes.approximated('reasoning.effort', `this model's nearest level is ${level}`)
  return isLevel ? { thinkingLevel: level } : { thinkingBudget: budget }
}

function fitted(tokens: number, { budgets }: Generation, notes: Notes): number {
  const budget = Math.min(Math.max(tokens, budgets.least), budgets.most)
  if (budget !== tokens) notes.approximated('reasoning.budgetTokens', `this model takes budgets from ${budgets.least} to ${budgets.most}`)
  return budget
}
