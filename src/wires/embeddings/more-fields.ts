// Fields beyond OpenAI's, by the names that vendors gave them: a provider gets those it has a word for, the others are noted.
import type { EmbeddingForm, EmbeddingRequest, Note } from '#ir'
import type { JsonObject, JsonValue } from '#kernel'

/** Names of vendors' own fields that OpenAI and Azure refuse ("Unrecognized request argument"). */
export const foreignFields: readonly string[] = [
  'input_type',
  'task_type',
  'taskType',
  'title',
  'truncate',
  'truncation',
  'auto_truncate',
  'autoTruncate',
  'embedding_types',
  'output_dtype',
  'normalize',
  'keep_alive',
  'options',
  'max_tokens',
  'priority',
]

/** What vectors are for, as the vendors write it. Gemini has more words than these, which only Google knows. */
const purposes = [
  { cohere: 'search_query', voyage: 'query', google: 'RETRIEVAL_QUERY', nova: 'GENERIC_RETRIEVAL' },
  { cohere: 'search_document', voyage: 'document', google: 'RETRIEVAL_DOCUMENT', nova: 'GENERIC_INDEX' },
  { cohere: 'classification', voyage: undefined, google: 'CLASSIFICATION', nova: 'CLASSIFICATION' },
  { cohere: 'clustering', voyage: undefined, google: 'CLUSTERING', nova: 'CLUSTERING' },
] as const
type Speaker = keyof (typeof purposes)[number]

const purposeNames = ['input_type', 'task_type', 'taskType'] as const
const truncationNames = ['truncate', 'truncation', 'auto_truncate', 'autoTruncate'] as const

/** The names under which this speaker's own vendor has the field: a word of it that nobody else knows passes. */
const ownPurposeName: Readonly<Record<Speaker, string>> = {
  cohere: 'input_type',
  voyage: 'input_type',
  google: 'task_type',
  nova: 'input_type',
}

/** Hands a request's fields out to one provider's encoder, and remembers what was left. */
export class MoreFields {
  readonly notes: Note[] = []
  readonly #form: EmbeddingForm
  readonly #left: JsonObject

  constructor({ more }: EmbeddingRequest, form: EmbeddingForm) {
    this.#form = form
    this.#left = { ...more }
  }

  /** The value of the first of the names that was given. */
  take(...names: readonly string[]): JsonValue | undefined {
    const name = names.find((one) => this.#left[one] !== undefined)
    if (name === undefined) return undefined
    const value = this.#left[name]
    delete this.#left[name]
    return value
  }

  /** `{field: value}` when it was given under that name, else nothing. */
  same(field: string): JsonObject {
    const value = this.take(field)
    return value === undefined ? {} : { [field]: value }
  }

  /** What the vectors are for, in this speaker's word. */
  purpose(speaker: Speaker): JsonValue | undefined {
    const name = purposeNames.find((one) => this.#left[one] !== undefined)
    if (name === undefined) return undefined
    const value = this.take(name)!
    const known = typeof value === 'string' ? purposes.find((row) => Object.values(row).some((word) => sameWord(word, value))) : undefined
    if (known !== undefined && known[speaker] !== undefined) return known[speaker]
    const own = ownPurposeName[speaker] === name || (speaker === 'google' && name === 'taskType')
    if (known === undefined && own) return value
    this.#dropped(name, `${this.#form} has no word for ${JSON.stringify(value).slice(0, 60)}`)
    return undefined
  }

  /** Whether a text that is too long is cut: true and false, or which end of it goes. */
  truncation(): boolean | 'START' | 'END' | undefined {
    const name = truncationNames.find((one) => this.#left[one] !== undefined)
    if (name === undefined) return undefined
    const value = this.take(name)
    if (typeof value === 'boolean') return value
    const word = typeof value === 'string' ? value.toUpperCase() : ''
    if (word === 'NONE') return false
    if (word === 'START' || word === 'END') return word
    this.#dropped(name, `${this.#form} cannot read it`)
    return undefined
  }

  /** The same for a provider that cuts only at the end. */
  cutsAtEnd(): boolean | undefined {
    const wanted = this.truncation()
    if (wanted === 'START') this.approximated('truncate', `${this.#form} cuts at the end only`)
    return typeof wanted === 'string' ? true : wanted
  }

  approximated(path: string, why: string): void {
    this.notes.push({ code: 'approximated', path, why })
  }

  /** A note for each field that nobody took. */
  finish(): readonly Note[] {
    for (const name of Object.keys(this.#left)) this.#dropped(name, `${this.#form} embeddings have no such field`)
    return this.notes
  }

  #dropped(path: string, why: string): void {
    this.notes.push({ code: 'dropped', path, why })
  }
}

function sameWord(word: string | undefined, value: string): boolean {
  return word?.toLowerCase() === value.toLowerCase()
}
