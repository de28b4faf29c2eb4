// Annotations of a text <-> citations.
import { asCount, asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Citation } from '#ir'
import { wire } from './fields.ts'

/** undefined when there is none: an empty array says nothing. */
export function decodeAnnotations(value: JsonValue | undefined): Citation[] | undefined {
  const citations = Array.isArray(value) ? value.filter(isObject).map(decodeAnnotation) : []
  return citations.length === 0 ? undefined : citations
}

export function decodeAnnotation(value: JsonObject): Citation {
  const url = asText(value['url'])
  const title = asText(value['title']) ?? asText(value['filename'])
  const start = asCount(value['start_index'])
  const end = asCount(value['end_index'])
  return {
    ...(url === undefined ? {} : { url }),
    ...(title === undefined ? {} : { title }),
    // OpenRouter writes 0 to 0 where it doesn't know.
    ...(start === undefined || end === undefined || end <= start ? {} : { start, end }),
    raw: { wire, value },
  }
}

/** undefined: a source without an address, which this wire can only name by the id of a file of its own. */
export function encodeAnnotation({ url, title, start, end, raw }: Citation, textLength: number): JsonObject | undefined {
  if (raw?.wire === wire) return raw.value
  if (url === undefined) return undefined
  return { type: 'url_citation', url, title: title ?? url, start_index: start ?? 0, end_index: end ?? textLength }
}

export function encodeAnnotations(citations: readonly Citation[] | undefined, textLength: number): JsonObject[] {
  return (citations ?? []).map((citation) => encodeAnnotation(citation, textLength)).filter((annotation) => annotation !== undefined)
}
