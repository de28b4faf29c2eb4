// What the pass-through lane changes in a request of any wire: the model's name, and what the provider refuses.
import type { JsonObject } from '#kernel'
import type { Dialect, Note } from '#ir'
import type { RequestEdit, RequestEdits } from './codec.ts'

/**
 * `own` are the edits of the wire itself; what the provider refuses is neither sent on nor added by them. `model` is undefined where the
 * path says it: then the body must not.
 */
export function requestEdits(
  fields: JsonObject,
  model: string | undefined,
  dialect: Dialect,
  own: readonly RequestEdit[] = [],
): RequestEdits {
  const edits: RequestEdit[] = fields['model'] === model ? [] : [{ field: 'model', value: model }]
  const { strip } = dialect
  if (strip === undefined || strip.length === 0) return { edits: [...edits, ...own], notes: [] }
  const notes: Note[] = []
  edits.push(...own.filter(({ field, value }) => value === undefined || !strip.includes(field)))
  for (const field of strip) {
    if (!(field in fields) || edits.some((edit) => edit.field === field)) continue
    edits.push({ field, value: undefined })
    notes.push({ code: 'dropped', path: field, why: 'this provider refuses the field' })
  }
  return { edits, notes }
}
