// What the gateway writes into this wire's answers of other vendors, for clients to bring back: marked signatures and citations.
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Note, Seal } from '#ir'
import type { OwnWords } from '#wires/codec'
import { isMarked, marked, ownMark, readSeal, unmarked } from '#wires/own-seals'
import { sealDomain } from './fields.ts'

/** The signature of a thinking block: Anthropic's own, or another vendor's seal (or that there is none), marked. */
export function signatureOf(seal: Seal | undefined): string {
  return seal !== undefined && seal.domain === sealDomain && seal.kind === 'signature' ? seal.data : marked(seal ?? null)
}

/** The seal that a signature is; none in one that is empty, or marked and of nobody. */
export function sealOf(signature: string): Seal | undefined {
  if (signature === '') return undefined
  return isMarked(signature) ? readSeal(unmarked(signature)) : { domain: sealDomain, kind: 'signature', data: signature }
}

export function isOwnCitation(value: JsonValue): boolean {
  return isObject(value) && value['type'] === 'web_search_result_location' && isMarked(value['encrypted_index'])
}

export const own: OwnWords = {
  mark: ownMark,
  without(body) {
    const notes: Note[] = []
    const { messages } = body
    if (!Array.isArray(messages)) return { body, notes }
    const kept = messages.flatMap((message, i) => {
      if (!isObject(message) || !Array.isArray(message['content'])) return [message]
      const content = message['content'].flatMap((block, j) => withoutOwn(block, `messages.${i}.content.${j}`, notes))
      // A turn that was nothing but another vendor's reasoning: Anthropic refuses empty ones.
      return content.length === 0 && message['content'].length > 0 ? [] : [{ ...message, content }]
    })
    return { body: notes.length === 0 ? body : { ...body, messages: kept }, notes }
  },
}

function withoutOwn(block: JsonValue, path: string, notes: Note[]): JsonValue[] {
  if (!isObject(block)) return [block]
  if (block['type'] === 'thinking' && isMarked(block['signature'])) {
    notes.push({ code: 'dropped', path, why: 'another vendor reasoned so, and Anthropic accepts only its own' })
    return []
  }
  const citations = block['citations']
  if (!Array.isArray(citations) || !citations.some(isOwnCitation)) return [block]
  notes.push({ code: 'dropped', path: `${path}.citations`, why: 'Anthropic knows only its own citations' })
  const { citations: _, ...rest } = block
  const others = citations.filter((citation) => !isOwnCitation(citation))
  return [others.length === 0 ? rest : ({ ...rest, citations: others } satisfies JsonObject)]
}
