// Citations of an answer: what Converse says of a source, in the neutral words.
import { asText, isObject, type JsonObject } from '#kernel'
import type { Citation } from '#ir'
import { present } from '#wires/present'
import { wire } from './fields.ts'

/** `length`: of the text that the citation supports, which is the whole block that it came in. */
export function decodeCitation(value: JsonObject, length: number): Citation {
  const location = isObject(value['location']) ? value['location'] : {}
  const web = isObject(location['web']) ? asText(location['web']['url']) : undefined
  const source = asText(value['source'])
  const contents = Array.isArray(value['sourceContent']) ? value['sourceContent'] : []
  const quote = contents.map((content) => (isObject(content) ? (asText(content['text']) ?? '') : '')).join('')
  return present<Citation>({
    url: web ?? (source !== undefined && /^https?:/i.test(source) ? source : undefined),
    title: asText(value['title']),
    quote: quote === '' ? undefined : quote,
    start: 0,
    end: length,
    raw: { wire, value },
  })
}
