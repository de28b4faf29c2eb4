// What the pass-through lane must change in a request's top-level fields before its bytes may go to a provider of the same wire.
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Dialect, Note, Wire } from '#ir'

/** One change of a top-level member: a new value (added when the member is absent), or its removal. */
export type RequestEdit = { readonly field: string; readonly value: JsonValue | undefined }

/**
 * The edits for one target; empty when the bytes can go as they are. `fields` holds the small top-level fields that were peeked.
 * A field is only ever changed for a reason that is stated here.
 */
export function requestEdits(wire: Wire, fields: JsonObject, model: string, dialect: Dialect): { edits: readonly RequestEdit[]; notes: readonly Note[] } {
  const edits: RequestEdit[] = []
  const notes: Note[] = []
  if (fields['model'] !== model) edits.push({ field: 'model', value: model })
  if (wire === 'openai-chat') chatEdits(fields, dialect, edits)
  for (const field of dialect.strip ?? []) {
    if (field in fields) {
      edits.push({ field, value: undefined })
      notes.push({ code: 'dropped', path: field, why: 'this provider refuses the field' })
    }
  }
  return { edits, notes }
}

function chatEdits(fields: JsonObject, dialect: Dialect, edits: RequestEdit[]): void {
  // Without usage a stream has no cost; OpenAI and those like it send it only when asked.
  if (fields['stream'] === true && dialect.streamOptions !== false) {
    const options = fields['stream_options']
    if (!isObject(options)) edits.push({ field: 'stream_options', value: { include_usage: true } })
    else if (options['include_usage'] !== true) edits.push({ field: 'stream_options', value: { ...options, include_usage: true } })
  }
  if (fields['stream_options'] !== undefined && dialect.streamOptions === false) edits.push({ field: 'stream_options', value: undefined })
  // `max_tokens` stays as written for providers that know both; a provider that knows only one gets that one.
  const wanted = dialect.maxTokensField
  const other = wanted === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens'
  if (wanted !== undefined && fields[other] !== undefined) {
    if (fields[wanted] === undefined && fields[other] !== null) edits.push({ field: wanted, value: fields[other]! })
    edits.push({ field: other, value: undefined })
  }
}
