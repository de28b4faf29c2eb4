// What a model of Cohere accepts, told from its id: the API refuses a whole request over a field that the model lacks.
// Source: docs.cohere.com "Reasoning Capabilities", "Models"; read 2026-11.

export const wire = 'cohere-chat'

/** Hybrid models that think before they answer (Command A Reasoning, Command A+, North). Others take neither `thinking` nor its blocks. */
const thinking = /reasoning|command-a-plus|^(?:cohere[/.])?north-/i

export function thinksAhead(model: string): boolean {
  return thinking.test(model)
}
