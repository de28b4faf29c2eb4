// Events -> Anthropic's stream. Its blocks are strictly one after the other, while parts may be open side by side: what belongs to
// a part that is not the current block waits.
import type { JsonObject } from '#kernel'
import type { Finish, PartHead, StreamEvent, Usage } from '#ir'
import type { AnswerContext, StreamEncoder } from '#wires/codec'
import { encodeCitations } from './citations.ts'
import { encodeAnswerPart } from './encode-blocks.ts'
import { messageId } from './encode-response.ts'
import { encodeStreamError } from './errors.ts'
import { ownExt } from './fields.ts'
import { encodeFinish } from './finish.ts'
import { signatureOf } from './own-words.ts'
import { encodeUsage } from './usage.ts'

type Start = Extract<StreamEvent, { type: 'start' }>
type PartEnd = Extract<StreamEvent, { type: 'part-end' }>
type WholePart = Extract<StreamEvent, { type: 'part' }>['part']
/** A part whose turn has not come: begun (`head`), perhaps ended, or whole. */
type Waiting = { readonly head: PartHead; text: string; end: PartEnd | undefined } | { readonly whole: WholePart }

export function createStreamEncoder(context: AnswerContext): StreamEncoder {
  return new Encoder(context)
}

class Encoder implements StreamEncoder {
  readonly #context: AnswerContext
  /** In the order they began. */
  readonly #waiting = new Map<number, Waiting>()
  #start: Start | undefined
  #opened = false
  #done = false
  /** Index of the part that is the current block, -1 between blocks. */
  #current = -1
  #head: PartHead | undefined
  /** What goes before the text of the current block's next delta: the frame up to it, and for the first one the block's start. */
  #before = ''
  #prefix = ''
  #nextBlock = 0
  #usage: Usage | undefined
  #costUsd: number | undefined
  #toolCalls = false
  #refusal = false

  constructor(context: AnswerContext) {
    this.#context = context
  }

  setCost(costUsd: number): void {
    this.#costUsd = costUsd
  }

  preamble(): string {
    return this.#open()
  }

  keepAlive(): string {
    return 'event: ping\ndata: {"type":"ping"}\n\n'
  }

  push(event: StreamEvent): string {
    if (this.#done) return ''
    switch (event.type) {
      case 'part-delta':
        if (event.index === this.#current) return this.#say(event.text)
        return this.#later(event.index, event.text)
      case 'start':
        // The head waits for the event that follows: the provider's first usage belongs into it.
        this.#start = event
        return ''
      case 'usage':
        this.#usage = event.usage
        return ''
      case 'part-start': {
        if (event.part.type === 'tool-call' && event.part.ranBy === 'client') this.#toolCalls = true
        if (event.part.type === 'refusal') this.#refusal = true
        if (this.#current === -1) return this.#open() + this.#begin(event.index, event.part)
        this.#waiting.set(event.index, { head: event.part, text: '', end: undefined })
        return ''
      }
      case 'part-end': {
        if (event.index === this.#current) return this.#close(event) + this.#next()
        const waiting = this.#waiting.get(event.index)
        if (waiting !== undefined && 'head' in waiting) waiting.end = event
        return ''
      }
      case 'part':
        if (this.#current === -1) return this.#open() + this.#whole(event.part)
        this.#waiting.set(event.index, { whole: event.part })
        return ''
      case 'finish':
        return this.#finish(event.finish, event.ext === undefined ? undefined : ownExt(event.ext))
      case 'error':
        this.#done = true
        return encodeStreamError(event.error, this.#context.requestId)
      default:
        return event satisfies never
    }
  }

  #open(): string {
    if (this.#opened) return ''
    this.#opened = true
    return frame('message_start', {
      type: 'message_start',
      message: {
        id: this.#start?.id ?? messageId(this.#context),
        type: 'message',
        role: 'assistant',
        model: this.#start?.model ?? this.#context.model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: encodeUsage(this.#usage, undefined),
        ...ownExt(this.#start?.ext),
      },
    })
  }

  #begin(index: number, head: PartHead): string {
    this.#current = index
    this.#head = head
    const block = this.#nextBlock
    const prefix = (type: string, field: string) =>
      `event: content_block_delta\ndata: {"type":"content_block_delta","index":${block},"delta":{"type":"${type}","${field}":`
    switch (head.type) {
      case 'text':
      case 'refusal':
        this.#prefix = prefix('text_delta', 'text')
        // Held back until there is text: Anthropic has no empty text blocks, and refuses them in a history.
        this.#before = startFrame(block, { type: 'text', text: '' }) + this.#prefix
        return ''
      case 'reasoning':
        this.#prefix = prefix('thinking_delta', 'thinking')
        this.#before = startFrame(block, { type: 'thinking', thinking: '', signature: '' }) + this.#prefix
        return ''
      case 'tool-call': {
        this.#prefix = prefix('input_json_delta', 'partial_json')
        this.#before = this.#prefix
        const type = head.ranBy === 'client' ? 'tool_use' : 'server_tool_use'
        // Anthropic opens the arguments with an empty delta; clients that wait for one get it also when there are none.
        return startFrame(block, { type, id: head.id, name: head.name, input: {}, ...ownExt(head.ext) }) + `${this.#prefix}""}}\n\n`
      }
      default:
        return head satisfies never
    }
  }

  #say(text: string): string {
    const out = this.#before + JSON.stringify(text) + '}}\n\n'
    this.#before = this.#prefix
    return out
  }

  #close(end: PartEnd): string {
    const head = this.#head
    const begun = this.#before === this.#prefix
    const block = this.#nextBlock
    this.#current = -1
    this.#head = undefined
    const isReasoning = head?.type === 'reasoning'
    if (!begun && !(isReasoning && end.seal !== undefined)) return ''
    this.#nextBlock++
    let out = begun ? '' : startFrame(block, { type: 'thinking', thinking: '', signature: '' })
    if (isReasoning) out += deltaFrame(block, { type: 'signature_delta', signature: signatureOf(end.seal) })
    for (const citation of encodeCitations(end.citations)) out += deltaFrame(block, { type: 'citations_delta', citation })
    return out + stopFrame(block)
  }

  #whole(part: WholePart): string {
    const block = encodeAnswerPart(part)
    if (block === undefined) return ''
    const index = this.#nextBlock++
    const input = block['input']
    if (typeof input !== 'object' || input === null) return startFrame(index, block) + stopFrame(index)
    // Clients build a call's input from its deltas.
    const delta = deltaFrame(index, { type: 'input_json_delta', partial_json: JSON.stringify(input) })
    return startFrame(index, { ...block, input: {} }) + delta + stopFrame(index)
  }

  #later(index: number, text: string): string {
    const waiting = this.#waiting.get(index)
    if (waiting !== undefined && 'head' in waiting) waiting.text += text
    return ''
  }

  /** Says what waited, until a part that is still open becomes the current block. */
  #next(): string {
    let out = ''
    for (const [index, waiting] of this.#waiting) {
      this.#waiting.delete(index)
      if ('whole' in waiting) {
        out += this.#whole(waiting.whole)
        continue
      }
      out += this.#begin(index, waiting.head)
      if (waiting.text !== '') out += this.#say(waiting.text)
      if (waiting.end === undefined) return out
      out += this.#close(waiting.end)
    }
    return out
  }

  #finish(finish: Finish, ext: JsonObject | undefined): string {
    this.#done = true
    const delta = { ...encodeFinish(finish, { toolCalls: this.#toolCalls, refusal: this.#refusal }), ...without(ext, 'context_management') }
    const context = ext?.['context_management']
    return (
      this.#open() +
      frame('message_delta', {
        type: 'message_delta',
        delta,
        usage: encodeUsage(this.#usage, this.#costUsd),
        ...(context === undefined ? {} : { context_management: context }),
      }) +
      frame('message_stop', { type: 'message_stop' })
    )
  }
}

function without(object: JsonObject | undefined, key: string): JsonObject {
  const { [key]: _left, ...rest } = object ?? {}
  return rest
}

function frame(event: string, data: JsonObject): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

function startFrame(index: number, block: JsonObject): string {
  return frame('content_block_start', { type: 'content_block_start', index, content_block: block })
}

function deltaFrame(index: number, delta: JsonObject): string {
  return frame('content_block_delta', { type: 'content_block_delta', index, delta })
}

function stopFrame(index: number): string {
  return `event: content_block_stop\ndata: {"type":"content_block_stop","index":${index}}\n\n`
}
