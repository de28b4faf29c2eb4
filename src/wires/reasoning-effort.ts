// How much to think, in words.

/** Anthropic's budgets in OpenAI's words, at the steps where LiteLLM and OpenRouter put them. */
export function effortOf(budgetTokens: number): string {
  return budgetTokens <= 1_024 ? 'low' : budgetTokens <= 8_192 ? 'medium' : 'high'
}
