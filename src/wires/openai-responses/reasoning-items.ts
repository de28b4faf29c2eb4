// Reasoning items <-> parts, both ways.
import { asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Note, ReasoningPart, Seal } from '#ir'
import type { OwnWords } from '#wires/codec'
import { isMarked, marked, ownMark, readSeal, unmarked } from '#wires/own-seals'

/**
 * In `encrypted_content` of reasoning that is not of this wire's vendor, the gateway writes the parts themselves, marked. Clients send encrypted content back verbatim even where they strip the text beside it (Codex does), and so a signature
 * returns to its vendor together with the text that it signs. Providers of this wire would refuse it: `own` takes it out of what passes.
 */
export const own: OwnWords = {
  mark: ownMark,
  without(body) {
    const input = body['input']
    if (!Array.isArray(input)) return { body, notes: [] }
    const notes: Note[] = []
    const kept = input.filter((item, at) => {
      const isOwn = isObject(item) && item['type'] === 'reasoning' && isMarked(item['encrypted_content'])
      if (isOwn) notes.push({ code: 'dropped', path: `input[${at}]`, why: 'another vendor reasoned so, and only it can read that' })
      return !isOwn
    })
    return { body: notes.length === 0 ? body : { ...body, input: kept }, notes }
  },
}

/** The parts of one item: its summaries, then its text; a seal is on the last one. `domain` is whose encrypted content it is. */
export function decodeReasoningItem(item: JsonObject, domain: string): ReasoningPart[] {
  const encrypted = asText(item['encrypted_content'])
  const parts = encrypted === undefined ? undefined : readMarked(encrypted)
  if (parts !== undefined) return parts
  const words: ReasoningPart[] = [
    ...textsOf(item['summary']).map((text): ReasoningPart => ({ type: 'reasoning', text, summary: true })),
    ...textsOf(item['content']).map((text): ReasoningPart => ({ type: 'reasoning', text })),
  ]
  const seal = sealOf(item, domain)
  if (seal === undefined) return words
  const last = words.pop() ?? { type: 'reasoning', text: '' }
  return [...words, { ...last, seal }]
}

/** The seal of an item that ends; one that the gateway itself has marked is read. */
export function sealOf(item: JsonObject, domain: string): Seal | undefined {
  const data = asText(item['encrypted_content'])
  if (data === undefined) return undefined
  if (isMarked(data)) return readMarked(data)?.at(-1)?.seal
  const itemId = asText(item['id'])
  return { domain, kind: 'encrypted', data, ...(itemId === undefined ? {} : { itemId }) }
}

/** What `encrypted_content` of an answer's reasoning says; undefined when there is nothing that must come back. */
export function encodeSeal(part: ReasoningPart, domain: string): string | undefined {
  const { text, summary, seal } = part
  if (seal?.domain === domain && seal.kind === 'encrypted') return seal.data
  if (seal === undefined && text === '') return undefined
  const bare = { text, ...(summary === undefined ? {} : { summary }), ...(seal === undefined ? {} : { seal }) }
  return marked([bare])
}

/** It comes from a client: everything is checked, and what is not of our making is no seal. */
function readMarked(encrypted: string): ReasoningPart[] | undefined {
  const parts = unmarked(encrypted)
  if (!Array.isArray(parts)) return undefined
  return parts.flatMap((part: unknown): ReasoningPart[] => {
    if (!isObject(part) || typeof part['text'] !== 'string') return []
    const seal = readSeal(part['seal'])
    return [
      {
        type: 'reasoning',
        text: part['text'],
        ...(part['summary'] === true ? { summary: true } : {}),
        ...(seal === undefined ? {} : { seal }),
      },
    ]
  })
}

function textsOf(value: JsonValue | undefined): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value]
  if (!Array.isArray(value)) return []
  return value.flatMap((part) => (isObject(part) ? (asText(part['text']) ?? []) : (asText(part) ?? [])))
}

/** Reasoning of a conversation as one item; `sealed`: its seal may be opened there. */
export function encodeReasoningItem(parts: readonly ReasoningPart[], seal: Seal | undefined): JsonObject {
  const texts = (summary: boolean) => parts.filter((part) => (part.summary === true) === summary && part.text !== '')
  const content = texts(false).map(({ text }) => ({ type: 'reasoning_text', text }))
  return {
    type: 'reasoning',
    // An id that is not the one of the encrypted content is refused; none is accepted.
    ...(seal?.itemId === undefined ? {} : { id: seal.itemId }),
    summary: texts(true).map(({ text }) => ({ type: 'summary_text', text })),
    ...(content.length === 0 ? {} : { content }),
    ...(seal === undefined ? {} : { encrypted_content: seal.data }),
  }
}
