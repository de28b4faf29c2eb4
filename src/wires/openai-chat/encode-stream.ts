// Events -> chunks of a chat completion, written as OpenAI writes them. Text is concatenated by hand: this runs once per token.
import type { JsonObject } from '#kernel'
import type { PartHead, StreamEvent, Usage } from '#ir'
import type { AnswerContext, StreamEncoder } from '#wires/codec'
import { encodeTokenLogprobs } from '#wires/token-logprobs'
import { encodeAnnotations } from './annotations.ts'
import { imageUrl } from './encode-parts.ts'
import { encodeStreamError } from './errors.ts'
import { wire } from './fields.ts'
import { encodeFinish } from './finish.ts'
import { encodeDetails } from './reasoning-details.ts'
import { encodeUsage } from './usage.ts'

const middle = ',"finish_reason":null}]}\n\n'

/** A part that is being told. `prefix` is the delta up to its text, `suffix` what follows it, `base` where it begins in the content. */
type OpenPart = { readonly head: PartHead; readonly prefix: string; readonly suffix: string; readonly base: number; text: string }

export function createStreamEncoder(context: AnswerContext): StreamEncoder {
  let id = context.requestId
  let model = context.model
  let created = context.createdSeconds
  /** Everything of a chunk before its choices; one for the whole stream, so that ids never change in it. */
  let envelope = ''
  let ext: JsonObject = {}
  let costUsd: number | undefined
  let usage: Usage | undefined
  let callCount = 0
  let detailCount = 0
  let contentLength = 0
  const open = new Map<number, OpenPart>()

  function begin(): string {
    // After a preamble the answer keeps the name that it began with.
    if (envelope !== '') return ''
    const extra = Object.keys(ext).length === 0 ? '' : ',' + JSON.stringify(ext).slice(1, -1)
    envelope = `data: {"id":${JSON.stringify(id)},"object":"chat.completion.chunk","created":${created},"model":${JSON.stringify(model)}${extra},"choices":`
    return delta('{"role":"assistant","content":"","refusal":null}')
  }

  const delta = (text: string): string => envelope + '[{"index":0,"delta":' + text + middle

  function startPart(index: number, head: PartHead): string {
    switch (head.type) {
      case 'text':
        open.set(index, { head, prefix: '{"content":', suffix: '}', base: contentLength, text: '' })
        return ''
      case 'refusal':
        open.set(index, { head, prefix: '{"refusal":', suffix: '}', base: 0, text: '' })
        return ''
      case 'reasoning':
        open.set(index, { head, prefix: '{"reasoning_content":', suffix: '}', base: 0, text: '' })
        return ''
      case 'tool-call': {
        // Tools that the provider ran itself have no place on this wire.
        if (head.ranBy === 'provider') return ''
        const at = callCount++
        const [type, field] = head.kind === 'custom' ? ['custom', 'input'] : ['function', 'arguments']
        open.set(index, { head, prefix: `{"tool_calls":[{"index":${at},"${type}":{"${field}":`, suffix: '}}]}', base: 0, text: '' })
        const call = { index: at, id: head.id, type, [type]: { name: head.name, [field]: '' } }
        return delta(`{"tool_calls":[${JSON.stringify(call)}]}`)
      }
      default:
        return head satisfies never
    }
  }

  function appendTo(index: number, text: string): string {
    const part = open.get(index)
    if (part === undefined) return ''
    // Only reasoning may need its text again, for its seal.
    if (part.head.type === 'reasoning') part.text += text
    else if (part.head.type === 'text') contentLength += text.length
    return envelope + '[{"index":0,"delta":' + part.prefix + JSON.stringify(text) + part.suffix + middle
  }

  function endPart(event: Extract<StreamEvent, { type: 'part-end' }>): string {
    const part = open.get(event.index)
    open.delete(event.index)
    if (part?.head.type === 'text') return marks(event, part.base)
    if (part === undefined || event.seal === undefined) return ''
    if (part.head.type === 'reasoning') {
      return delta(JSON.stringify({ reasoning_details: encodeDetails({ ...part.head, text: part.text, seal: event.seal }, detailCount++) }))
    }
    if (event.seal.domain !== 'google') return ''
    return delta(
      part.prefix.slice(0, part.prefix.indexOf(',')) +
        `,"extra_content":${JSON.stringify({ google: { thought_signature: event.seal.data } })}}]}`,
    )
  }

  /** Annotations, and the probabilities of the whole text: the language has both at its end. */
  function marks({ citations, logprobs }: Extract<StreamEvent, { type: 'part-end' }>, base: number): string {
    const annotations = encodeAnnotations(citations, base, contentLength - base)
    const cited = annotations.length === 0 ? '' : delta(JSON.stringify({ annotations }))
    if (logprobs === undefined) return cited
    const content = JSON.stringify(encodeTokenLogprobs(logprobs))
    return `${cited}${envelope}[{"index":0,"delta":{},"logprobs":{"content":${content},"refusal":null}${middle}`
  }

  function wholePart(part: Extract<StreamEvent, { type: 'part' }>['part']): string {
    if (part.type === 'reasoning') return delta(JSON.stringify({ reasoning_details: encodeDetails(part, detailCount++) }))
    if (part.type === 'opaque' && part.wire === wire && part.kind === 'audio') return delta(JSON.stringify({ audio: part.value }))
    const image = part.type === 'media' && part.kind === 'image' ? imageUrl(part) : undefined
    return image === undefined ? '' : delta(JSON.stringify({ images: [image] }))
  }

  function finish(event: Extract<StreamEvent, { type: 'finish' }>): string {
    const annotations = event.ext?.[wire]?.['annotations']
    const choice = {
      index: 0,
      delta: annotations === undefined ? {} : { annotations },
      ...event.finish.ext?.[wire],
      finish_reason: encodeFinish(event.finish),
    }
    const last = `${envelope}[${JSON.stringify(choice)}]}\n\n`
    const counts =
      context.streamUsage && usage !== undefined ? `${envelope}[],"usage":${JSON.stringify(encodeUsage(usage, costUsd))}}\n\n` : ''
    return `${last}${counts}data: [DONE]\n\n`
  }

  return {
    push(event) {
      switch (event.type) {
        case 'part-delta':
          return appendTo(event.index, event.text)
        case 'start':
          id = event.id ?? id
          model = event.model ?? model
          created = event.created ?? created
          ext = event.ext?.[wire] ?? {}
          return begin()
        case 'part-start':
          return startPart(event.index, event.part)
        case 'part-end':
          return endPart(event)
        case 'part':
          return wholePart(event.part)
        case 'usage':
          usage = event.usage
          return ''
        case 'finish':
          return finish(event)
        case 'error':
          return encodeStreamError(event.error)
        default:
          return event satisfies never
      }
    },
    preamble: begin,
    keepAlive: () => delta('{"content":""}'),
    setCost(cost) {
      costUsd = cost
    },
  }
}
