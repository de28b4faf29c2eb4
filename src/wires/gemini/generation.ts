// What a generation of Gemini accepts, told from the model's id: the API refuses a whole request over one field that a model lacks.
// Sources: ai.google.dev "Gemini thinking", "Thought signatures", "Function calling", "File input methods"; read 2026-11.

export type Generation = {
  /** `budget`: thinkingConfig.thinkingBudget (2.5); `level`: thinkingConfig.thinkingLevel (3 and later). */
  readonly thinking: 'none' | 'budget' | 'level'
  /** The budgets it takes besides -1 ("as it likes"); `off`: 0 turns thinking off. */
  readonly budgets: { readonly least: number; readonly most: number; readonly off: boolean }
  /** The level nearest to no thinking: Pro models think always. */
  readonly leastLevel: 'MINIMAL' | 'LOW'
  /** The first call of each model turn must carry its thought signature. */
  readonly signedCalls: boolean
  /** Function responses may hold images and documents (`functionResponse.parts`). */
  readonly resultMedia: boolean
  /** Fetches web addresses by itself. */
  readonly fetches: boolean
  /** functionCallingConfig.mode VALIDATED. */
  readonly validated: boolean
}

const anyBudget = { least: 1, most: Infinity, off: true }

/** A tuned model or one with a name of its own: Gemini 3 takes budgets too, while 2.5 refuses levels. */
const unknownModel: Generation = {
  thinking: 'budget',
  budgets: anyBudget,
  leastLevel: 'LOW',
  signedCalls: false,
  resultMedia: false,
  fetches: true,
  validated: true,
}

const versionPattern = /gemini-(\d{1,2})(?:\.(\d{1,2}))?(?!\d)/
/** `gemini-flash-latest`, `gemini-pro-latest`: the newest there is. */
const latestPattern = /gemini-(?:[a-z]+-)+latest/

/** Knows `gemini-2.5-flash-lite`, `models/gemini-3.1-pro-preview`, `gemini-flash-latest`, and the same behind any prefix. */
export function generationOf(model: string): Generation {
  const found = versionPattern.exec(model)
  const isLatest = found === null && latestPattern.test(model)
  if (found === null && !isLatest) return unknownModel
  const version = found === null ? Infinity : Number(found[1]) * 100 + Number(found[2] ?? 0)
  const isPro = /-pro\b/.test(model)
  return {
    thinking: version < 205 ? 'none' : version < 300 ? 'budget' : 'level',
    budgets: version >= 300 ? anyBudget : budgetsOf(isPro, model.includes('flash-lite')),
    leastLevel: isPro ? 'LOW' : 'MINIMAL',
    signedCalls: version >= 300,
    resultMedia: version >= 300,
    fetches: version >= 205,
    validated: version >= 205,
  }
}

function budgetsOf(isPro: boolean, isLite: boolean): Generation['budgets'] {
  if (isPro) return { least: 128, most: 32_768, off: false }
  return isLite ? { least: 512, most: 24_576, off: true } : { least: 1, most: 24_576, off: true }
}
