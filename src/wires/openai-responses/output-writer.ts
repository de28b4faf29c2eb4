// Events -> items of a response, and the events that tell them. One mapping for streams and for whole answers.
import type { JsonObject } from '#kernel'
import type { Ext, MediaPart, OpaquePart, PartHead, ReasoningPart, StreamEvent, TokenLogprob, ToolResultPart } from '#ir'
import { encodeTokenLogprobs } from '#wires/token-logprobs'
import { frame } from './errors.ts'
import { ownExt, wire } from './fields.ts'
import type { Ending } from './finish.ts'
import { callShape, encodeImage, isContent, sealedCall, vendorDomain } from './items.ts'
import { encodeSeal } from './reasoning-items.ts'
import { encodeAnnotations } from './annotations.ts'

type PartEnd = Extract<StreamEvent, { type: 'part-end' }>

/** An item that is being told. `openParts` of it are; `leaving`: it takes no more, and ends when they have. */
type OpenItem = { readonly index: number; readonly item: JsonObject; openParts: number; leaving: boolean }

type OpenPart = {
  readonly head: PartHead
  readonly item: OpenItem
  /** Its place in the item's content or summary. */
  readonly at: number
  readonly pieces: string[]
  /** A delta's frame up to its text, and from there to its number: written once, since there is one for each token. */
  readonly before: string
  readonly behind: string
}

/** Names of the events of a part's text. */
const deltaEvents = {
  text: 'response.output_text',
  refusal: 'response.refusal',
  summary: 'response.reasoning_summary_text',
  reasoning: 'response.reasoning_text',
  function: 'response.function_call_arguments',
  custom: 'response.custom_tool_call_input',
} as const

export class OutputWriter {
  /** Finished items, by their index. */
  readonly output: JsonObject[] = []
  readonly #idBase: string
  readonly #silent: boolean
  #sequence = 0
  #items = 0
  #message: OpenItem | undefined
  #reasoning: OpenItem | undefined
  /** Has ended, and is told with what comes next: the last item of an answer that was cut short is incomplete, too. */
  #ended: OpenItem | undefined
  readonly #parts = new Map<number, OpenPart>()

  /** `silent`: nobody reads the events. */
  constructor(requestId: string, silent: boolean) {
    this.#idBase = requestId.replace(/^req_/, '').replace(/[^a-zA-Z0-9]/g, '')
    this.#silent = silent
  }

  get nextSequence(): number {
    return this.#sequence++
  }

  say(type: string, fields: JsonObject): string {
    return this.#silent ? '' : frame(type, { type, ...fields, sequence_number: this.#sequence++ })
  }

  start(index: number, head: PartHead): string {
    switch (head.type) {
      case 'text':
        return this.#startContent(index, head, { type: 'output_text', text: '', annotations: [], logprobs: [] })
      case 'refusal':
        return this.#startContent(index, head, { type: 'refusal', refusal: '' })
      case 'reasoning':
        return this.#startReasoning(index, head)
      case 'tool-call': {
        // Tools that another wire's provider ran itself have no place on this one.
        if (head.ranBy === 'provider') return ''
        const { type, argument } = callShape(head.kind)
        const left = this.#leave()
        const id = this.#idOf(head.ext, head.kind === 'custom' ? 'ctc' : 'fc')
        const call = { id, type, status: 'in_progress', call_id: head.id, name: head.name, [argument]: '', ...ownExt(head.ext) }
        const { item, said } = this.#begin(call)
        this.#open(index, head, item, 0, deltaEvents[head.kind === 'custom' ? 'custom' : 'function'], '')
        return left + said
      }
      default:
        return head satisfies never
    }
  }

  delta(index: number, text: string): string {
    const part = this.#parts.get(index)
    if (part === undefined) return ''
    part.pieces.push(text)
    return this.#silent ? '' : part.before + JSON.stringify(text) + part.behind + String(this.#sequence++) + '}\n\n'
  }

  end(event: PartEnd): string {
    const part = this.#parts.get(event.index)
    if (part === undefined) return ''
    this.#parts.delete(event.index)
    const text = part.pieces.join('')
    part.pieces.length = 0
    part.item.openParts--
    switch (part.head.type) {
      case 'text': {
        const annotations = encodeAnnotations(event.citations, text.length)
        const logprobs = encodeTokenLogprobs((event.logprobs ?? []).map((each) => ({ ...withBytes(each), top: each.top.map(withBytes) })))
        const where = whereOf(part)
        const cited = annotations
          .map((annotation, at) => this.say('response.output_text.annotation.added', { ...where, annotation_index: at, annotation }))
          .join('')
        return cited + this.#endContent(part, event, 'text', text, { type: 'output_text', text, annotations, logprobs }, { logprobs })
      }
      case 'refusal':
        return this.#endContent(part, event, 'refusal', text, { type: 'refusal', refusal: text }, {})
      case 'reasoning':
        return this.#endReasoning(part, event, text)
      case 'tool-call':
        return this.#endCall(part, event, text)
      default:
        return part.head satisfies never
    }
  }

  whole(part: MediaPart | OpaquePart | ToolResultPart | ReasoningPart): string {
    switch (part.type) {
      case 'reasoning': {
        const encrypted = sealText(part, part.ext)
        const item: JsonObject = { id: this.#idOf(part.ext, 'rs'), type: 'reasoning', summary: [], ...ownExt(part.ext) }
        return this.#wholeItem(item, encrypted === undefined ? item : { ...item, encrypted_content: encrypted })
      }
      case 'media': {
        const id = this.#idOf(part.ext, 'ig')
        const image = encodeImage(part, id)
        return image === undefined ? '' : this.#wholeItem({ id, type: 'image_generation_call', status: 'in_progress', result: null }, image)
      }
      case 'opaque': {
        if (part.wire !== wire) return ''
        if (!isContent(part)) return this.#wholeItem(part.value, part.value)
        const { item, said } = this.#messageFor(part.ext)
        const content = item.item['content'] as JsonObject[]
        const where = { item_id: item.item['id']!, output_index: item.index, content_index: content.length }
        content.push(part.value)
        const added = this.say('response.content_part.added', { ...where, part: part.value })
        return said + added + this.say('response.content_part.done', { ...where, part: part.value })
      }
      case 'tool-result':
        return ''
      default:
        return part satisfies never
    }
  }

  /** Ends the items that are still waiting for more. */
  finish(status: Ending['status']): string {
    return this.#leave() + this.#tellEnded(status)
  }

  #idOf(ext: Ext | undefined, prefix: string): string {
    const id = ownExt(ext)?.['id']
    return typeof id === 'string' ? id : `${prefix}_${this.#idBase}_${this.#items}`
  }

  #begin(item: JsonObject): { item: OpenItem; said: string } {
    const opened = { index: this.#items++, item, openParts: 0, leaving: false }
    const before = this.#tellEnded('completed')
    return { item: opened, said: before + this.say('response.output_item.added', { output_index: opened.index, item: shown(item) }) }
  }

  #done(item: OpenItem): string {
    const before = this.#tellEnded('completed')
    this.#ended = item
    return before
  }

  #tellEnded(status: Ending['status']): string {
    if (this.#ended === undefined) return ''
    const { index, item } = this.#ended
    this.#ended = undefined
    if (item['status'] === 'in_progress') item['status'] = status
    this.output[index] = item
    return this.say('response.output_item.done', { output_index: index, item })
  }

  #wholeItem(added: JsonObject, done: JsonObject): string {
    const left = this.#leave()
    const { item, said } = this.#begin(added)
    return left + said + this.#done({ ...item, item: { ...done } })
  }

  /** What is open of messages and reasoning takes no more parts. */
  #leave(): string {
    const said = this.#leaveOne(this.#reasoning) + this.#leaveOne(this.#message)
    this.#reasoning = this.#message = undefined
    return said
  }

  #leaveOne(item: OpenItem | undefined): string {
    if (item === undefined || item.leaving) return ''
    item.leaving = true
    return item.openParts === 0 ? this.#done(item) : ''
  }

  #messageFor(ext: Ext | undefined): { item: OpenItem; said: string } {
    const own = ownExt(ext)
    const open = this.#message
    if (open !== undefined && (own?.['id'] === undefined || own['id'] === open.item['id'])) return { item: open, said: '' }
    const left = this.#leave()
    const { content: _inside, ...fields } = own ?? {}
    const id = this.#idOf(ext, 'msg')
    const { item, said } = this.#begin({ id, type: 'message', status: 'in_progress', role: 'assistant', content: [], ...fields })
    this.#message = item
    return { item, said: left + said }
  }

  #startContent(index: number, head: PartHead, part: JsonObject): string {
    const { item, said } = this.#messageFor(head.ext)
    const content = item.item['content'] as JsonObject[]
    const at = content.push(part) - 1
    this.#open(
      index,
      head,
      item,
      at,
      deltaEvents[head.type === 'refusal' ? 'refusal' : 'text'],
      head.type === 'text' ? ',"logprobs":[]' : '',
    )
    return said + this.say('response.content_part.added', { ...placeOf(item, at), part })
  }

  #endContent(part: OpenPart, { ext }: PartEnd, field: 'text' | 'refusal', text: string, content: JsonObject, more: JsonObject): string {
    const { item, at, head } = part
    const { content: inside, id: _id, ...fields } = { ...ownExt(head.ext), ...ownExt(ext) }
    const finished = { ...content, ...(inside as JsonObject | undefined) }
    Object.assign(item.item, fields)
    ;(item.item['content'] as JsonObject[])[at] = finished
    const where = whereOf(part)
    const event = deltaEvents[field]
    const said = this.say(`${event}.done`, { ...where, [field]: text, ...more })
    return said + this.say('response.content_part.done', { ...where, part: finished }) + this.#left(item)
  }

  #startReasoning(index: number, head: Extract<PartHead, { type: 'reasoning' }>): string {
    const own = ownExt(head.ext)
    let said = ''
    let open = this.#reasoning
    // The parts of one item of this wire's own; reasoning of others is an item each, with a seal of its own.
    if (open === undefined || own?.['id'] === undefined || own['id'] !== open.item['id']) {
      said = this.#leave()
      const id = this.#idOf(head.ext, 'rs')
      const begun = this.#begin({ id, type: 'reasoning', summary: [], ...own })
      said += begun.said
      open = this.#reasoning = begun.item
    }
    const isSummary = head.summary === true
    const part = { type: isSummary ? 'summary_text' : 'reasoning_text', text: '' }
    const texts = (open.item[isSummary ? 'summary' : 'content'] ??= []) as JsonObject[]
    const at = texts.push(part) - 1
    this.#open(index, head, open, at, deltaEvents[isSummary ? 'summary' : 'reasoning'], '')
    const added = isSummary ? 'response.reasoning_summary_part.added' : 'response.content_part.added'
    return said + this.say(added, { ...placeOf(open, at, isSummary), part })
  }

  #endReasoning(part: OpenPart, { seal, ext }: PartEnd, text: string): string {
    const { item, at } = part
    const head = part.head as Extract<PartHead, { type: 'reasoning' }>
    const isSummary = head.summary === true
    const finished = { type: isSummary ? 'summary_text' : 'reasoning_text', text }
    ;(item.item[isSummary ? 'summary' : 'content'] as JsonObject[])[at] = finished
    const { id: _id, ...fields } = ownExt(ext) ?? {}
    Object.assign(item.item, fields)
    const where = whereOf(part)
    const said = this.say(`${deltaEvents[isSummary ? 'summary' : 'reasoning']}.done`, { ...where, text })
    const done = this.say(isSummary ? 'response.reasoning_summary_part.done' : 'response.content_part.done', { ...where, part: finished })
    const encrypted = sealText({ ...head, text, ...(seal === undefined ? {} : { seal }) }, head.ext)
    if (encrypted !== undefined) {
      // The seal is the last word of an item.
      item.item['encrypted_content'] = encrypted
      item.leaving = true
      if (this.#reasoning === item) this.#reasoning = undefined
    }
    return said + done + this.#left(item)
  }

  #endCall(part: OpenPart, event: PartEnd, args: string): string {
    const { item } = part
    const head = part.head as Extract<PartHead, { type: 'tool-call' }>
    const { argument } = callShape(head.kind)
    const { id: _id, ...fields } = ownExt(event.ext) ?? {}
    Object.assign(item.item, fields, sealedCall(event.seal), { [argument]: args })
    const event_ = deltaEvents[head.kind === 'custom' ? 'custom' : 'function']
    const named = head.kind === 'custom' ? {} : { name: head.name }
    const where = { item_id: item.item['id']!, output_index: item.index }
    return this.say(`${event_}.done`, { ...where, ...named, [argument]: args }) + this.#done(item)
  }

  /** A part of the item has ended: so has the item, if that was the last one. */
  #left(item: OpenItem): string {
    return item.leaving && item.openParts === 0 ? this.#done(item) : ''
  }

  #open(index: number, head: PartHead, item: OpenItem, at: number, event: string, suffix: string): void {
    item.openParts++
    const part = { head, item, at, pieces: [] }
    const where = JSON.stringify(whereOf(part)).slice(1, -1)
    const before = `event: ${event}.delta\ndata: {"type":"${event}.delta",${where},"delta":`
    this.#parts.set(index, { ...part, before, behind: `${suffix},"sequence_number":` })
  }
}

/** Own items keep their seal verbatim; that of others is marked. */
function sealText(part: ReasoningPart, ext: Ext | undefined): string | undefined {
  return ownExt(ext)?.['id'] === undefined ? encodeSeal(part, vendorDomain) : part.seal?.data
}

/** Bytes are required on this wire. */
function withBytes<Token extends TokenLogprob>(token: Token): Token {
  return token.bytes === undefined ? { ...token, bytes: [...Buffer.from(token.token)] } : token
}

/** An item as it is when it begins: what it holds comes later. */
function shown(item: JsonObject): JsonObject {
  const copy: JsonObject = { ...item }
  for (const field of ['content', 'summary']) if (Array.isArray(copy[field])) copy[field] = []
  return copy
}

function placeOf({ item, index }: OpenItem, at: number, isSummary = false): JsonObject {
  return { item_id: item['id']!, output_index: index, [isSummary ? 'summary_index' : 'content_index']: at }
}

function whereOf({ head, item, at }: Pick<OpenPart, 'head' | 'item' | 'at'>): JsonObject {
  if (head.type === 'tool-call') return { item_id: item.item['id']!, output_index: item.index }
  return placeOf(item, at, head.type === 'reasoning' && head.summary === true)
}
