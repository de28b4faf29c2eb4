// Converse's stream -> events. The same reader reads a whole answer, so that each block has one mapping.
import { asText, Failure, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { MediaPart, OpaquePart, PartHead, StreamEvent } from '#ir'
import { awsFailure } from '#wires/aws-errors'
import type { SseFrame, StreamDecoder } from '#wires/codec'
import { decodeCitation } from './citations.ts'
import { extOf, sealDomain, wire } from './fields.ts'
import { decodeFinish } from './finish.ts'
import { decodeUsage } from './usage.ts'

export function createStreamDecoder(): StreamDecoder {
  return new ConverseReader()
}

/** A block that has begun. `part`: its index as a part. Those without one have no deltas in the IR: they are gathered. */
type Block =
  | { readonly type: 'text'; readonly part: number; length: number; readonly citations: JsonObject[] }
  | { readonly type: 'reasoning'; readonly part: number; signature: string }
  | { readonly type: 'redacted'; readonly data: string[] }
  | { readonly type: 'tool-call'; readonly part: number; spoke: boolean }
  | { readonly type: 'image'; readonly format: string; readonly data: string[] }
  /** A call of a tool that Bedrock runs, or its result. */
  | { readonly type: 'opaque'; readonly kind: string; readonly value: JsonObject; readonly input: string[]; readonly content: JsonValue[] }

/** What an answer holds beside its message that has no neutral word. */
const extraKeys = ['additionalModelResponseFields', 'trace', 'performanceConfig']

export class ConverseReader implements StreamDecoder {
  /** By the provider's own index; a block leaves when it stops. */
  readonly #blocks = new Map<number, Block>()
  #started = false
  #done = false
  #nextPart = 0
  /** `messageStop`, once it has come: usage follows it. */
  #stopped: JsonObject | undefined

  push(frame: SseFrame): StreamEvent[] {
    const out: StreamEvent[] = []
    if (this.#done || frame.data === '') return out
    let body: unknown
    try {
      body = JSON.parse(frame.data)
    } catch {
      body = undefined
    }
    if (isObject(body)) this.#read(frame.event ?? '', body, out)
    else this.#fail(new Failure('bad_response', 'The provider sent a stream frame that is not a JSON object.'), out)
    return out
  }

  end(): StreamEvent[] {
    const out: StreamEvent[] = []
    if (this.#done) return out
    // The answer is whole without `metadata`; only its usage is unknown.
    if (this.#stopped === undefined) this.#fail(new Failure('ended_early', 'The provider ended its stream before `messageStop`.'), out)
    else this.#finish(this.#stopped, {}, out)
    return out
  }

  /** Reads a whole answer as if it had been streamed. */
  answer(body: JsonObject, message: JsonObject): StreamEvent[] {
    const out: StreamEvent[] = []
    this.#start(out)
    const content = Array.isArray(message['content']) ? message['content'] : []
    content.forEach((block, index) => {
      if (!isObject(block)) return
      this.#wholeBlock(index, block, out)
      this.#blockStop(index, out)
    })
    this.#finish(body, body, out)
    return out
  }

  #read(event: string, body: JsonObject, out: StreamEvent[]): void {
    const index = typeof body['contentBlockIndex'] === 'number' ? body['contentBlockIndex'] : 0
    switch (event) {
      case 'contentBlockDelta':
        if (isObject(body['delta'])) {
          this.#start(out)
          this.#delta(index, body['delta'], out)
        }
        return
      case 'contentBlockStart':
        if (isObject(body['start'])) {
          this.#start(out)
          this.#blockStart(index, body['start'], out)
        }
        return
      case 'contentBlockStop':
        this.#blockStop(index, out)
        return
      case 'messageStart':
        if (this.#nextPart > 0) this.#fail(new Failure('bad_response', 'The provider began a second answer inside the first.'), out)
        else this.#start(out)
        return
      case 'messageStop':
        this.#start(out)
        this.#stopped = body
        return
      case 'metadata': {
        this.#start(out)
        if (this.#stopped !== undefined) this.#finish(this.#stopped, body, out)
        else this.#count(body, out)
        return
      }
      case 'exception':
        this.#fail(awsFailure(undefined, asText(body['__type']), asText(body['message']) ?? 'no words'), out)
        return
      default:
      // Other events are new ones that this version need not know.
    }
  }

  #start(out: StreamEvent[]): void {
    if (this.#started) return
    this.#started = true
    out.push({ type: 'start' })
  }

  #count(body: JsonObject, out: StreamEvent[]): void {
    const usage = decodeUsage(body['usage'], body['serviceTier'])
    if (usage !== undefined) out.push({ type: 'usage', usage })
  }

  #begin(part: PartHead, out: StreamEvent[]): number {
    const index = this.#nextPart++
    out.push({ type: 'part-start', index, part })
    return index
  }

  #blockStart(index: number, start: JsonObject, out: StreamEvent[]): void {
    this.#blockStop(index, out)
    const { toolUse, toolResult, image } = start
    if (isObject(toolUse)) {
      if (toolUse['type'] === undefined || toolUse['type'] === null) {
        const head = { id: asText(toolUse['toolUseId']) ?? '', name: asText(toolUse['name']) ?? '', ranBy: 'client' } as const
        this.#blocks.set(index, { type: 'tool-call', part: this.#begin({ type: 'tool-call', ...head }, out), spoke: false })
      } else this.#blocks.set(index, { type: 'opaque', kind: 'toolUse', value: toolUse, input: [], content: [] })
    } else if (isObject(toolResult))
      this.#blocks.set(index, { type: 'opaque', kind: 'toolResult', value: toolResult, input: [], content: [] })
    else if (isObject(image)) this.#blocks.set(index, { type: 'image', format: asText(image['format']) ?? 'png', data: [] })
  }

  /** A block of a whole answer: its start and its only delta. */
  #wholeBlock(index: number, block: JsonObject, out: StreamEvent[]): void {
    const { toolUse, image, reasoningContent, citationsContent } = block
    if (isObject(toolUse)) {
      this.#blockStart(index, block, out)
      this.#delta(index, { toolUse: { input: JSON.stringify(toolUse['input'] ?? {}) } }, out)
    } else if (isObject(image)) {
      this.#blockStart(index, block, out)
      this.#delta(index, { image }, out)
    } else if (isObject(reasoningContent)) {
      const { reasoningText, redactedContent } = reasoningContent
      if (isObject(reasoningText)) this.#delta(index, { reasoningContent: reasoningText }, out)
      else if (redactedContent !== undefined) this.#delta(index, { reasoningContent: { redactedContent } }, out)
    } else if (isObject(citationsContent)) {
      for (const piece of asObjects(citationsContent['content'])) this.#delta(index, piece, out)
      for (const citation of asObjects(citationsContent['citations'])) this.#delta(index, { citation }, out)
    } else if (typeof block['text'] === 'string') this.#delta(index, block, out)
    else {
      const [kind] = Object.keys(block)
      if (kind !== undefined) this.#opaque(kind, block, out)
    }
  }

  #textBlock(index: number, out: StreamEvent[]): Extract<Block, { type: 'text' }> {
    const found = this.#blocks.get(index)
    if (found?.type === 'text') return found
    this.#blockStop(index, out)
    const block: Extract<Block, { type: 'text' }> = { type: 'text', part: this.#begin({ type: 'text' }, out), length: 0, citations: [] }
    this.#blocks.set(index, block)
    return block
  }

  #delta(index: number, delta: JsonObject, out: StreamEvent[]): void {
    const { text, citation, reasoningContent, toolUse, toolResult, image } = delta
    const open = this.#blocks.get(index)
    if (typeof text === 'string') {
      // Text begins without a `contentBlockStart`.
      if (text === '' && open?.type !== 'text') return
      const block = this.#textBlock(index, out)
      if (append(block.part, text, out)) block.length += text.length
    } else if (isObject(citation)) this.#textBlock(index, out).citations.push(citation)
    else if (isObject(reasoningContent)) this.#reasoning(index, reasoningContent, out)
    else if (isObject(toolUse) && typeof toolUse['input'] === 'string') {
      if (open?.type === 'tool-call') open.spoke = append(open.part, toolUse['input'], out) || open.spoke
      else if (open?.type === 'opaque') open.input.push(toolUse['input'])
    } else if (Array.isArray(toolResult) && open?.type === 'opaque') for (const piece of toolResult) open.content.push(piece)
    else if (isObject(image) && open?.type === 'image') {
      const source = isObject(image['source']) ? image['source'] : {}
      const data = asText(source['bytes'])
      if (data !== undefined) open.data.push(data)
    }
  }

  #reasoning(index: number, delta: JsonObject, out: StreamEvent[]): void {
    const open = this.#blocks.get(index)
    const redacted = asText(delta['redactedContent'])
    if (redacted !== undefined) {
      if (open?.type === 'redacted') open.data.push(redacted)
      else {
        this.#blockStop(index, out)
        this.#blocks.set(index, { type: 'redacted', data: [redacted] })
      }
      return
    }
    const text = asText(delta['text'])
    const signature = asText(delta['signature'])
    if (text === undefined && signature === undefined) return
    let block = open
    if (block?.type !== 'reasoning') {
      this.#blockStop(index, out)
      block = { type: 'reasoning', part: this.#begin({ type: 'reasoning' }, out), signature: '' }
      this.#blocks.set(index, block)
    }
    append(block.part, text, out)
    if (signature !== undefined) block.signature += signature
  }

  #blockStop(index: number, out: StreamEvent[]): void {
    const block = this.#blocks.get(index)
    if (block === undefined) return
    this.#blocks.delete(index)
    switch (block.type) {
      case 'text': {
        const { part, length, citations } = block
        const cited = citations.length === 0 ? {} : { citations: citations.map((value) => decodeCitation(value, length)) }
        out.push({ type: 'part-end', index: part, ...cited })
        return
      }
      case 'reasoning': {
        const seal = block.signature === '' ? {} : { seal: { domain: sealDomain, kind: 'signature' as const, data: block.signature } }
        out.push({ type: 'part-end', index: block.part, ...seal })
        return
      }
      case 'redacted': {
        const seal = { domain: sealDomain, kind: 'redacted', data: joinBase64(block.data) } as const
        out.push({ type: 'part', index: this.#nextPart++, part: { type: 'reasoning', text: '', seal } })
        return
      }
      case 'tool-call':
        // A call without arguments streams none.
        if (!block.spoke) append(block.part, '{}', out)
        out.push({ type: 'part-end', index: block.part })
        return
      case 'image': {
        const source = { type: 'base64', mediaType: `image/${block.format}`, data: joinBase64(block.data) } as const
        const part: MediaPart = { type: 'media', kind: 'image', source }
        out.push({ type: 'part', index: this.#nextPart++, part })
        return
      }
      case 'opaque': {
        const { kind, value, input, content } = block
        const spoken = input.length === 0 ? {} : { input: parsed(input.join('')) }
        this.#opaque(kind, { [kind]: { ...value, ...spoken, ...(content.length === 0 ? {} : { content }) } }, out)
        return
      }
      default:
        block satisfies never
    }
  }

  #opaque(kind: string, value: JsonObject, out: StreamEvent[]): void {
    const part: OpaquePart = { type: 'opaque', wire, kind, value }
    out.push({ type: 'part', index: this.#nextPart++, part })
  }

  #finish(stop: JsonObject, metadata: JsonObject, out: StreamEvent[]): void {
    for (const index of this.#blocks.keys()) this.#blockStop(index, out)
    this.#count(metadata, out)
    this.#done = true
    const finish = decodeFinish(stop['stopReason'], stop['additionalModelResponseFields'])
    out.push({ type: 'finish', finish, ...extOf({ ...metadata, ...stop }, extraKeys) })
  }

  #fail(error: Failure, out: StreamEvent[]): void {
    this.#start(out)
    this.#done = true
    out.push({ type: 'error', error })
  }
}

/** Appends a delta, unless it is empty; says whether it did. */
function append(index: number, text: string | undefined, out: StreamEvent[]): boolean {
  if (text === undefined || text === '') return false
  out.push({ type: 'part-delta', index, text })
  return true
}

function asObjects(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

/** Each piece is a blob of its own, so that base64 may end in the middle of the whole. */
function joinBase64(pieces: readonly string[]): string {
  if (pieces.length === 1) return pieces[0]!
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'base64'))).toString('base64')
}

function parsed(json: string): JsonValue {
  try {
    return JSON.parse(json) as JsonValue
  } catch {
    return json
  }
}
