// Citations of this wire <-> neutral ones. They hang on a text block, and are about the whole of it.
import { asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Citation, Note, TextPart } from '#ir'
import type { OwnWords } from '#wires/codec'
import { wire } from './fields.ts'

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
    ...(isOurs(value) ? {} : { raw: { wire, value } }),
  }
}

/**
 * The index of a citation that another vendor's answer had. Anthropic demands one of its own making and would refuse the conversation:
 * `own` takes such citations out of what passes, and the encoder never writes them.
 */
const gatewayMark = 'tpc1.'

function isOurs(value: JsonValue): boolean {
  return isObject(value) && value['type'] === 'web_search_result_location' && value['encrypted_index'] === gatewayMark
}

export const own: OwnWords = {
  mark: gatewayMark,
  without(body) {
    const notes: Note[] = []
    const { messages } = body
    if (!Array.isArray(messages)) return { body, notes }
    const kept = messages.map((message, i) => {
      if (!isObject(message) || !Array.isArray(message['content'])) return message
      const content = message['content'].map((block, j) => {
        if (!isObject(block) || !Array.isArray(block['citations']) || !block['citations'].some(isOurs)) return block
        notes.push({ code: 'dropped', path: `messages.${i}.content.${j}.citations`, why: 'Anthropic knows only its own citations' })
        const { citations, ...rest } = block
        const others = citations.filter((citation) => !isOurs(citation))
        return others.length === 0 ? rest : { ...rest, citations: others }
      })
      return { ...message, content }
    })
    return { body: notes.length === 0 ? body : { ...body, messages: kept }, notes }
  },
}

/** Those of an answer that this wire has a form for: its own, and addresses. */
export function encodeCitations(citations: readonly Citation[] | undefined): JsonObject[] {
  return (citations ?? []).flatMap(({ url, title, quote, raw }) => {
    if (raw?.wire === wire) return [raw.value]
    if (url === undefined) return []
    return [{ type: 'web_search_result_location', cited_text: quote ?? '', url, title: title ?? null, encrypted_index: gatewayMark }]
  })
}

/** Those of a history that Anthropic made itself. */
export function ownCitations({ citations = [] }: TextPart): JsonObject[] {
  return citations.flatMap(({ raw }) => (raw?.wire === wire ? [raw.value] : []))
}
