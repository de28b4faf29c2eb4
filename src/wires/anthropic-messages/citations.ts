// Citations of this wire <-> neutral ones. They hang on a text block, and are about the whole of it.
import { asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Citation, TextPart } from '#ir'
import { ownMark } from '#wires/own-seals'
import { wire } from './fields.ts'
import { isOwnCitation } from './own-words.ts'

/** undefined when there are none, or something that is no citation among them. `length`: of the block's text. */
export function decodeCitations(value: JsonValue | undefined, length: number): Citation[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || !value.every(isObject)) return undefined
  return value.map((citation) => decodeCitation(citation, length))
}

export function decodeCitation(value: JsonObject, length: number): Citation {
  // `search_result_location` has the address in `source`, citations of documents have no address.
  const url = [asText(value['url']), asText(value['source'])].find((text) => text !== undefined && /^https?:/i.test(text))
  const title = asText(value['title']) ?? asText(value['document_title'])
  const quote = asText(value['cited_text'])
  return {
    ...(url === undefined ? {} : { url }),
    ...(title === undefined ? {} : { title }),
    ...(quote === undefined ? {} : { quote }),
    ...(length === 0 ? {} : { start: 0, end: length }),
    ...(isOwnCitation(value) ? {} : { raw: { wire, value } }),
  }
}

/** Those of an answer that this wire has a form for: its own, and addresses. */
export function encodeCitations(citations: readonly Citation[] | undefined): JsonObject[] {
  return (citations ?? []).flatMap(({ url, title, quote, raw }) => {
    if (raw?.wire === wire) return [raw.value]
    if (url === undefined) return []
    // Anthropic demands an index of its own making: the encoder of requests never writes this one.
    return [{ type: 'web_search_result_location', cited_text: quote ?? '', url, title: title ?? null, encrypted_index: ownMark }]
  })
}

/** Those of a history that Anthropic made itself. */
export function ownCitations({ citations = [] }: TextPart): JsonObject[] {
  return citations.flatMap(({ raw }) => (raw?.wire === wire ? [raw.value] : []))
}
