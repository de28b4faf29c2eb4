// Items of an output, told whole or event by event -> parts.
import { asText, isObject, type JsonObject } from '#kernel'
import type { Citation, Dialect, Logprob, PartHead, Seal, StreamEvent } from '#ir'
import { decodeTokenLogprobs } from '#wires/token-logprobs'
import { asExt, restOf, textOf, typeOf } from './fields.ts'
import { argsText, decodeImage, opaqueContent, opaqueItem, thoughtSignature, vendorDomain } from './items.ts'
import { sealOf } from './reasoning-items.ts'
import { decodeAnnotations } from './annotations.ts'

/** A part that is being told. `heard`: a delta of it has come. */
export type OpenPart = {
  readonly index: number
  readonly type: PartHead['type']
  heard: boolean
  readonly citations: Citation[]
  logprobs: Logprob[]
}

/** An item that is being told: its open parts by their place, the places that are told, and what it says of itself. */
type OpenItem = {
  readonly type: string
  readonly ext: JsonObject | undefined
  readonly parts: Map<string, OpenPart>
  readonly told: Set<string>
}

const messageFields = new Set(['type', 'role', 'status', 'content'])
const callFields = new Set(['type', 'status', 'call_id', 'name', 'arguments', 'input', 'extra_content'])
const reasoningFields = new Set(['type', 'status', 'summary', 'content', 'encrypted_content'])

export class OutputDecoder {
  /** What has been told since it was last taken. */
  events: StreamEvent[] = []
  hasCalls = false
  partCount = 0
  readonly #domain: string
  /** Custom calls are the provider's own: no client is meant to run them. */
  readonly #hostedCustomCalls: boolean
  /** By `output_index`: ids of items may change from event to event (GitHub Copilot). */
  readonly #items = new Map<number, OpenItem>()

  constructor(dialect: Dialect) {
    this.#domain = dialect.sealDomain ?? vendorDomain
    this.#hostedCustomCalls = dialect.hostedCustomCalls === true
  }

  added(at: number, item: JsonObject): void {
    const type = typeOf(item)
    const fields = type === 'message' ? messageFields : type === 'reasoning' ? reasoningFields : callFields
    const open: OpenItem = { type, ext: restOf(item, fields), parts: new Map(), told: new Set() }
    this.#items.set(at, open)
    // Some servers name a call only when it is complete.
    if (this.#isCall(type) && asText(item['name']) !== undefined && asText(item['call_id']) !== undefined) this.#beginCall(open, item, at)
  }

  done(at: number, item: JsonObject): void {
    if (!this.#items.has(at)) this.added(at, item)
    const open = this.#items.get(at)!
    this.#items.delete(at)
    const type = typeOf(item)
    if (type === 'message') return this.#messageDone(open, item)
    if (type === 'reasoning') return this.#reasoningDone(open, item)
    if (this.#isCall(type)) return this.#callDone(open, item, at)
    const image = type === 'image_generation_call' ? decodeImage(item) : undefined
    this.events.push({ type: 'part', index: this.partCount++, part: image ?? opaqueItem(item) })
  }

  /** Items whose end never came, in a response that ended well or was cut short by its cap. */
  finish(): void {
    for (const open of this.#items.values()) for (const [key, part] of open.parts) this.#end(open, key, part, {})
    this.#items.clear()
  }

  /** The part of a message at this place; undefined when it has been told already. */
  textPart(at: number, place: number, type: 'text' | 'refusal'): OpenPart | undefined {
    return this.#partAt(this.#itemAt(at, 'message'), `c${place}`, { type })
  }

  /** Of several texts of one item only the last stays open: the seal will be on it. */
  reasoningPart(at: number, place: number, isSummary: boolean): OpenPart | undefined {
    return this.#reasoningAt(this.#itemAt(at, 'reasoning'), place, isSummary)
  }

  /** undefined while the call has no name: then its item will say all of it. */
  callPart(at: number): OpenPart | undefined {
    return this.#items.get(at)?.parts.get('call')
  }

  hear(part: OpenPart | undefined, text: string): void {
    if (part === undefined || text === '') return
    part.heard = true
    this.events.push({ type: 'part-delta', index: part.index, text })
  }

  /** The whole text of a part, from servers that send no deltas of it. */
  hearMissed(part: OpenPart | undefined, text: string): void {
    if (part !== undefined && !part.heard) this.hear(part, text)
  }

  contentDone(at: number, place: number, content: JsonObject): void {
    if (typeOf(content) === 'reasoning_text') return this.hearMissed(this.reasoningPart(at, place, false), textOf(content, 'text'))
    this.#contentDone(this.#itemAt(at, 'message'), place, content)
  }

  #isCall(type: string): boolean {
    return type === 'function_call' || (type === 'custom_tool_call' && !this.#hostedCustomCalls)
  }

  #itemAt(at: number, type: string): OpenItem {
    let open = this.#items.get(at)
    if (open === undefined) {
      open = { type, ext: undefined, parts: new Map(), told: new Set() }
      this.#items.set(at, open)
    }
    return open
  }

  #partAt(open: OpenItem, key: string, head: PartHead): OpenPart | undefined {
    return open.told.has(key) ? undefined : (open.parts.get(key) ?? this.#begin(open, key, { ...head, ...asExt(open.ext) }))
  }

  #begin(open: OpenItem, key: string, head: PartHead): OpenPart {
    const part: OpenPart = { index: this.partCount++, type: head.type, heard: false, citations: [], logprobs: [] }
    open.parts.set(key, part)
    this.events.push({ type: 'part-start', index: part.index, part: head })
    return part
  }

  /** `content` is the part as its end tells it. */
  #end(open: OpenItem, key: string, part: OpenPart, content: JsonObject, seal?: Seal, ext = open.ext): void {
    open.parts.delete(key)
    open.told.add(key)
    const isText = part.type === 'text'
    const citations = isText ? (decodeAnnotations(content['annotations']) ?? orNone(part.citations)) : undefined
    const logprobs = isText ? (orNone(decodeTokenLogprobs(content['logprobs'])) ?? orNone(part.logprobs)) : undefined
    this.events.push({
      type: 'part-end',
      index: part.index,
      ...(seal === undefined ? {} : { seal }),
      ...(citations === undefined ? {} : { citations }),
      ...(logprobs === undefined ? {} : { logprobs }),
      ...asExt(ext),
    })
  }

  #messageDone(open: OpenItem, item: JsonObject): void {
    const contents = Array.isArray(item['content']) ? item['content'] : []
    contents.forEach((content, place) => {
      if (isObject(content)) this.#contentDone({ ...open, ext: restOf(item, messageFields) }, place, content)
    })
    for (const [key, part] of open.parts) this.#end(open, key, part, {})
  }

  #contentDone(open: OpenItem, place: number, content: JsonObject): void {
    const key = `c${place}`
    if (open.told.has(key)) return
    const type = typeOf(content)
    const isRefusal = type === 'refusal'
    if (!isRefusal && type !== 'output_text' && type !== 'text') {
      open.told.add(key)
      this.events.push({ type: 'part', index: this.partCount++, part: { ...opaqueContent(content), ...asExt(open.ext) } })
      return
    }
    const part = this.#partAt(open, key, { type: isRefusal ? 'refusal' : 'text' })!
    this.hearMissed(part, textOf(content, isRefusal ? 'refusal' : 'text'))
    this.#end(open, key, part, content)
  }

  #reasoningAt(open: OpenItem, place: number, isSummary: boolean): OpenPart | undefined {
    const key = `${isSummary ? 's' : 'c'}${place}`
    if (!open.parts.has(key) && !open.told.has(key)) for (const [other, part] of open.parts) this.#end(open, other, part, {})
    return this.#partAt(open, key, { type: 'reasoning', ...(isSummary ? { summary: true } : {}) })
  }

  /** What the events left out is in the item: its texts, and always its seal. */
  #reasoningDone(open: OpenItem, item: JsonObject): void {
    const seal = sealOf(item, this.#domain)
    const ext = restOf(item, reasoningFields)
    for (const field of ['summary', 'content'] as const) {
      const texts = Array.isArray(item[field]) ? item[field] : []
      texts.forEach((text, place) => {
        const said = isObject(text) ? textOf(text, 'text') : ''
        const key = `${field === 'summary' ? 's' : 'c'}${place}`
        if (said !== '' && !open.told.has(key)) this.hearMissed(this.#reasoningAt(open, place, field === 'summary'), said)
      })
    }
    const [last] = open.parts
    if (last !== undefined) return this.#end(open, last[0], last[1], {}, seal, ext)
    // Without text or seal it is a name, under which its provider may have kept it.
    const part = seal === undefined ? opaqueItem(item) : ({ type: 'reasoning', text: '', seal, ...asExt(ext) } as const)
    this.events.push({ type: 'part', index: this.partCount++, part })
  }

  #beginCall(open: OpenItem, item: JsonObject, at: number): OpenPart {
    this.hasCalls = true
    const id = asText(item['call_id']) ?? asText(item['id']) ?? `call_${at}`
    const kind = typeOf(item) === 'custom_tool_call' ? { kind: 'custom' as const } : {}
    const ext = asExt(restOf(item, callFields))
    return this.#begin(open, 'call', { type: 'tool-call', id, name: textOf(item, 'name'), ranBy: 'client', ...kind, ...ext })
  }

  #callDone(open: OpenItem, item: JsonObject, at: number): void {
    const part = open.parts.get('call') ?? this.#beginCall(open, item, at)
    this.hearMissed(part, argsText(item[typeOf(item) === 'custom_tool_call' ? 'input' : 'arguments']))
    this.#end(open, 'call', part, {}, thoughtSignature(item), restOf(item, callFields))
  }
}

function orNone<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list
}
