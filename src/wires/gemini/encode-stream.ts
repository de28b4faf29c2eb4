// Events -> chunks for a Google client. Every chunk stands for itself, so parts that are open side by side need no order; calls wait
// until they are whole. Text is concatenated by hand: this runs once per token.
import type { JsonObject } from '#kernel'
import type { PartHead, StreamEvent, Usage } from '#ir'
import type { AnswerContext, StreamEncoder } from '#wires/codec'
import { inputOfArgs } from '#wires/tool-ids'
import { encodeAnswerPart, encodeCall, showsThoughts, signatureOf } from './answer-parts.ts'
import { candidateOf, groundingOf, logprobsOf, type Told } from './encode-response.ts'
import { encodeStreamError } from './errors.ts'
import { ownExt } from './fields.ts'
import { encodeFinish } from './finish.ts'
import { encodeUsage } from './usage.ts'

type Start = Extract<StreamEvent, { type: 'start' }>
type PartEnd = Extract<StreamEvent, { type: 'part-end' }>
/** `pieces`: arguments of a call, which is told at its end, and text, whose citations count its bytes. */
type OpenPart = { readonly head: PartHead; readonly pieces: string[] }

const partsBefore = 'data: {"candidates":[{"content":{"parts":['
const partsAfter = '],"role":"model"}'
const candidateAfter = ',"index":0}]'

export function createStreamEncoder(context: AnswerContext): StreamEncoder {
  return new Encoder(context)
}

class Encoder implements StreamEncoder {
  readonly #context: AnswerContext
  readonly #thoughts: boolean
  readonly #open = new Map<number, OpenPart>()
  readonly #told: Told[] = []
  /** How many of them have said all that is said of them. */
  #marked = 0
  #start: Start | undefined
  /** What follows the candidates in each chunk, the same for the whole stream; '' until the first one. */
  #envelope = ''
  #refuses = false
  #usage: Usage | undefined
  #costUsd: number | undefined
  #done = false

  constructor(context: AnswerContext) {
    this.#context = context
    this.#thoughts = showsThoughts(context)
  }

  setCost(costUsd: number): void {
    this.#costUsd = costUsd
  }

  preamble(): string {
    return this.keepAlive()
  }

  /** A chunk with an empty text, as Google sends them itself: SSE comments break google-genai and @google/genai before 2. */
  keepAlive(): string {
    return this.#parts('{"text":""}')
  }

  push(event: StreamEvent): string {
    if (this.#done) return ''
    switch (event.type) {
      case 'part-delta':
        return this.#delta(event.index, event.text)
      case 'start':
        this.#start = event
        return ''
      case 'part-start':
        this.#open.set(event.index, { head: event.part, pieces: [] })
        if (event.part.type === 'refusal') this.#refuses = true
        return ''
      case 'part-end':
        return this.#end(event)
      case 'part': {
        const part = encodeAnswerPart(event.part, this.#thoughts)
        return part === undefined ? '' : this.#behind(JSON.stringify(part))
      }
      case 'usage':
        this.#usage = event.usage
        return ''
      case 'finish':
        return this.#finish(event)
      case 'error':
        this.#done = true
        return encodeStreamError(event.error, this.#context.requestId)
      default:
        return event satisfies never
    }
  }

  #delta(index: number, text: string): string {
    const open = this.#open.get(index)
    if (open === undefined) return ''
    switch (open.head.type) {
      case 'text':
        open.pieces.push(text)
        return this.#parts(`{"text":${JSON.stringify(text)}}`)
      case 'refusal':
        open.pieces.push(text)
        return this.#parts(`{"text":${JSON.stringify(text)}}`)
      case 'reasoning':
        return this.#thoughts ? this.#behind(`{"text":${JSON.stringify(text)},"thought":true}`) : ''
      case 'tool-call':
        open.pieces.push(text)
        return ''
      default:
        return open.head satisfies never
    }
  }

  #end(end: PartEnd): string {
    const open = this.#open.get(end.index)
    this.#open.delete(end.index)
    if (open === undefined) return ''
    const { head, pieces } = open
    switch (head.type) {
      case 'text':
      case 'refusal':
        this.#told.push({ text: pieces.join(''), citations: end.citations ?? [], logprobs: end.logprobs ?? [] })
        return ''
      case 'reasoning': {
        const signature = signatureOf(end.seal)
        if (signature === undefined) return ''
        return this.#behind(JSON.stringify({ text: '', ...(this.#thoughts ? { thought: true } : {}), thoughtSignature: signature }))
      }
      case 'tool-call': {
        if (head.ranBy !== 'client') return ''
        const { ext } = end.ext === undefined ? head : end
        const call = {
          id: head.id,
          name: head.name,
          input: inputOfArgs(pieces.join('')).input,
          seal: end.seal,
          ...(ext === undefined ? {} : { ext }),
        }
        return this.#behind(JSON.stringify(encodeCall(call)))
      }
      default:
        return head satisfies never
    }
  }

  #parts(json: string, marks = ''): string {
    return `${partsBefore}${json}${partsAfter}${marks}${candidateAfter}${this.#tail()}`
  }

  /** A part that ends the text before it: its chunk has what is said of that text, for readers to whom it is then complete. */
  #behind(json: string): string {
    if (this.#marked === this.#told.length) return this.#parts(json)
    const fresh = this.#told.slice(this.#marked)
    this.#marked = this.#told.length
    const grounding = fresh.some(({ citations }) => citations.length > 0) ? groundingOf(this.#told) : {}
    const marks = JSON.stringify({ ...grounding, ...logprobsOf(fresh) }).slice(1, -1)
    return this.#parts(json, marks === '' ? '' : `,${marks}`)
  }

  #tail(): string {
    if (this.#envelope === '') {
      const { id, model, created, ext } = this.#start ?? {}
      this.#envelope = `,${JSON.stringify({
        ...ownExt(ext),
        modelVersion: model ?? this.#context.model,
        ...(created === undefined ? {} : { createTime: new Date(created * 1_000).toISOString() }),
        responseId: id ?? this.#context.requestId,
      }).slice(1)}\n\n`
    }
    return this.#envelope
  }

  /** Google's last chunk has an empty content; usage is in it whether the client asked or not, as every Google answer has it. */
  #finish({ finish, ext }: Extract<StreamEvent, { type: 'finish' }>): string {
    this.#done = true
    const candidate: JsonObject = {
      content: { parts: [{ text: '' }], role: 'model' },
      ...candidateOf({ finish }, this.#told, this.#marked),
      finishReason: encodeFinish(finish, this.#refuses),
      index: 0,
    }
    const usage = this.#usage === undefined ? {} : { usageMetadata: encodeUsage(this.#usage, this.#costUsd) }
    const fields = JSON.stringify({ candidates: [candidate], ...ownExt(ext), ...usage }).slice(0, -1)
    return `data: ${fields}${this.#tail()}`
  }
}
