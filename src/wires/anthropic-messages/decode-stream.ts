// Anthropic's stream -> events. The same reader reads a whole message, so that each block has one mapping.
import { asText, Failure, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Seal, StreamEvent } from '#ir'
import type { SseFrame, StreamDecoder } from '#wires/codec'
import { decodeCitation } from './citations.ts'
import { failureOf } from './errors.ts'
import { restOf, sealDomain, typeOf, wire } from './fields.ts'
import { decodeFinish } from './finish.ts'
import { sealOf } from './own-words.ts'
import { decodeUsage, mergeUsage } from './usage.ts'

export function createStreamDecoder(): StreamDecoder {
  return new MessageReader()
}

/** A block that has begun. `part`: its index as a part. `opaque` blocks have no deltas in the IR: they are gathered in `value`. */
type Block =
  | { readonly type: 'text'; readonly part: number; length: number; readonly citations: JsonObject[] }
  | { readonly type: 'reasoning'; readonly part: number; signature: string }
  | { readonly type: 'tool-call'; readonly part: number; readonly input: JsonValue | undefined; spoke: boolean }
  | { readonly type: 'opaque'; readonly value: JsonObject; json: string }

const messageKeys = new Set(['id', 'type', 'role', 'model', 'content', 'stop_reason', 'stop_sequence', 'stop_details', 'usage'])
const stopKeys = new Set(['stop_reason', 'stop_sequence', 'stop_details'])
const deltaEventKeys = new Set(['type', 'delta', 'usage'])
const toolUseKeys = new Set(['type', 'id', 'name', 'input'])

export class MessageReader implements StreamDecoder {
  /** By the provider's own index; a block leaves when it stops. */
  readonly #blocks = new Map<number, Block>()
  #started = false
  #done = false
  #nextPart = 0
  #usage: JsonObject = {}
  #ending: JsonObject = {}

  push(frame: SseFrame): StreamEvent[] {
    const out: StreamEvent[] = []
    if (this.#done || frame.data === '' || frame.event === 'ping' || frame.data === '[DONE]') return out
    let event: unknown
    try {
      event = JSON.parse(frame.data)
    } catch {
      event = undefined
    }
    if (!isObject(event)) {
      const failure =
        frame.event === 'error'
          ? failureOf(undefined, undefined, frame.data, undefined)
          : new Failure('bad_response', 'The provider sent a stream frame that is not a JSON object.')
      this.#fail(failure, out)
      return out
    }
    this.#read(event, frame.event, out)
    return out
  }

  end(): StreamEvent[] {
    const out: StreamEvent[] = []
    if (!this.#done) this.#fail(new Failure('ended_early', 'The provider ended its stream before `message_stop`.'), out)
    return out
  }

  /** Reads a whole message as if it had been streamed. */
  message(body: JsonObject): StreamEvent[] {
    const out: StreamEvent[] = []
    this.#start(body, out)
    const content = Array.isArray(body['content']) ? body['content'] : []
    content.forEach((block, index) => {
      if (!isObject(block)) return
      this.#blockStart(index, block, out)
      this.#blockStop(index, out)
    })
    for (const key of stopKeys) if (body[key] !== undefined) this.#ending[key] = body[key]!
    this.#stop(out)
    return out
  }

  #read(event: JsonObject, name: string | undefined, out: StreamEvent[]): void {
    const index = typeof event['index'] === 'number' ? event['index'] : 0
    switch (typeOf(event)) {
      case 'content_block_delta':
        if (isObject(event['delta'])) this.#delta(index, event['delta'], out)
        return
      case 'content_block_start':
        if (isObject(event['content_block'])) {
          this.#start({}, out)
          this.#blockStart(index, event['content_block'], out)
        }
        return
      case 'content_block_stop':
        this.#blockStop(index, out)
        return
      case 'message_start':
        this.#start(isObject(event['message']) ? event['message'] : {}, out)
        return
      case 'message_delta':
        this.#start({}, out)
        this.#messageDelta(event, out)
        return
      case 'message_stop':
        this.#start({}, out)
        this.#stop(out)
        return
      case 'ping':
        return
      default:
        if (event['type'] === 'error' || name === 'error' || event['error'] !== undefined) {
          const error = isObject(event['error']) ? event['error'] : event
          this.#fail(failureOf(undefined, asText(error['type']), asText(error['message']) ?? JSON.stringify(error), undefined), out)
        }
      // Other events are new ones that this version need not know.
    }
  }

  #start(message: JsonObject, out: StreamEvent[]): void {
    if (this.#started) {
      // Some proxies repeat `message_start`. Once content has begun, a second one is a second answer: it cannot be joined to the first.
      if (message['id'] !== undefined && this.#nextPart > 0) {
        this.#fail(new Failure('bad_response', 'The provider began a second answer inside the first.'), out)
      }
      return
    }
    this.#started = true
    const id = asText(message['id'])
    const model = asText(message['model'])
    out.push({
      type: 'start',
      ...(id === undefined ? {} : { id }),
      ...(model === undefined ? {} : { model }),
      ...restOf(message, messageKeys),
    })
    this.#count(message['usage'], out)
  }

  #count(usage: JsonValue | undefined, out: StreamEvent[]): void {
    if (!isObject(usage)) return
    this.#usage = mergeUsage(this.#usage, usage)
    const decoded = decodeUsage(this.#usage)
    if (decoded !== undefined) out.push({ type: 'usage', usage: decoded })
  }

  #blockStart(index: number, block: JsonObject, out: StreamEvent[]): void {
    if (this.#done) return
    if (this.#blocks.has(index)) this.#blockStop(index, out)
    switch (typeOf(block)) {
      case 'text': {
        const part = this.#begin({ type: 'text' }, out)
        const citations = Array.isArray(block['citations']) ? block['citations'].filter(isObject) : []
        this.#blocks.set(index, { type: 'text', part, length: append(part, block['text'], out), citations })
        return
      }
      case 'thinking': {
        const part = this.#begin({ type: 'reasoning' }, out)
        this.#blocks.set(index, { type: 'reasoning', part, signature: asText(block['signature']) ?? '' })
        append(part, block['thinking'], out)
        return
      }
      case 'redacted_thinking': {
        const seal: Seal = { domain: sealDomain, kind: 'redacted', data: asText(block['data']) ?? '' }
        out.push({ type: 'part', index: this.#nextPart++, part: { type: 'reasoning', text: '', seal } })
        return
      }
      case 'tool_use': {
        const head = { type: 'tool-call', id: asText(block['id']) ?? '', name: asText(block['name']) ?? '', ranBy: 'client' } as const
        const part = this.#begin({ ...head, ...restOf(block, toolUseKeys) }, out)
        this.#blocks.set(index, { type: 'tool-call', part, input: block['input'], spoke: false })
        return
      }
      default:
        this.#blocks.set(index, { type: 'opaque', value: block, json: '' })
    }
  }

  #begin(part: Extract<StreamEvent, { type: 'part-start' }>['part'], out: StreamEvent[]): number {
    const index = this.#nextPart++
    out.push({ type: 'part-start', index, part })
    return index
  }

  #delta(index: number, delta: JsonObject, out: StreamEvent[]): void {
    let block = this.#blocks.get(index)
    if (block === undefined) {
      // Some compatible providers leave `content_block_start` out; text and thinking can do without it.
      const kind = delta['type'] === 'text_delta' ? 'text' : delta['type'] === 'thinking_delta' ? 'thinking' : undefined
      if (kind === undefined) return
      this.#start({}, out)
      this.#blockStart(index, { type: kind }, out)
      block = this.#blocks.get(index)!
    }
    switch (block.type) {
      case 'text':
        if (isObject(delta['citation'])) block.citations.push(delta['citation'])
        else block.length += append(block.part, delta['text'], out)
        return
      case 'reasoning':
        if (delta['type'] === 'signature_delta') block.signature = asText(delta['signature']) ?? block.signature
        else append(block.part, delta['thinking'], out)
        return
      case 'tool-call':
        if (append(block.part, delta['partial_json'], out) > 0) block.spoke = true
        return
      case 'opaque':
        if (delta['type'] === 'input_json_delta') block.json += asText(delta['partial_json']) ?? ''
        else mergeDelta(block.value, delta)
        return
      default:
        block satisfies never
    }
  }

  #blockStop(index: number, out: StreamEvent[]): void {
    const block = this.#blocks.get(index)
    if (block === undefined) return
    this.#blocks.delete(index)
    switch (block.type) {
      case 'text':
        out.push({
          type: 'part-end',
          index: block.part,
          ...(block.citations.length === 0 ? {} : { citations: block.citations.map((each) => decodeCitation(each, block.length)) }),
        })
        return
      case 'reasoning': {
        const known = sealOf(block.signature)
        const seal = known === undefined ? {} : { seal: known }
        out.push({ type: 'part-end', index: block.part, ...seal })
        return
      }
      case 'tool-call':
        // A call without arguments streams none; its `input` is `{}`, or everything at once from some compatible providers.
        if (!block.spoke) {
          const { input } = block
          append(block.part, typeof input === 'string' ? input : JSON.stringify(isObject(input) ? input : {}), out)
        }
        out.push({ type: 'part-end', index: block.part })
        return
      case 'opaque':
        if (block.json !== '') block.value['input'] = parsed(block.json)
        out.push({
          type: 'part',
          index: this.#nextPart++,
          part: { type: 'opaque', wire, kind: asText(block.value['type']) ?? '', value: block.value },
        })
        return
      default:
        block satisfies never
    }
  }

  #messageDelta(event: JsonObject, out: StreamEvent[]): void {
    const delta = isObject(event['delta']) ? event['delta'] : {}
    // `context_management` stands beside `delta`, `container` in it; in a whole message both are fields of the message.
    for (const key of Object.keys(event)) if (!deltaEventKeys.has(key)) this.#ending[key] = event[key]!
    Object.assign(this.#ending, delta)
    this.#count(event['usage'], out)
  }

  #stop(out: StreamEvent[]): void {
    if (this.#done) return
    if (this.#nextPart === 0 && asText(this.#ending['stop_reason']) === undefined) {
      this.#fail(new Failure('empty_response', 'The provider ended its stream without having answered anything.'), out)
      return
    }
    for (const index of this.#blocks.keys()) this.#blockStop(index, out)
    this.#done = true
    const { stop_reason: reason, stop_sequence: sequence, stop_details: details } = this.#ending
    out.push({ type: 'finish', finish: decodeFinish(reason, sequence, details), ...restOf(this.#ending, stopKeys) })
  }

  #fail(error: Failure, out: StreamEvent[]): void {
    if (this.#done) return
    this.#start({}, out)
    this.#done = true
    out.push({ type: 'error', error })
  }
}

/** Appends a delta, unless it is empty; says how long it is. */
function append(index: number, text: JsonValue | undefined, out: StreamEvent[]): number {
  if (typeof text !== 'string' || text === '') return 0
  out.push({ type: 'part-delta', index, text })
  return text.length
}

/** A delta of a block that we don't know (`compaction_delta`): its strings continue the block's fields of the same name. */
function mergeDelta(value: JsonObject, delta: JsonObject): void {
  for (const [key, piece] of Object.entries(delta)) {
    if (key === 'type') continue
    const before = value[key]
    value[key] = typeof before === 'string' && typeof piece === 'string' ? before + piece : piece
  }
}

function parsed(json: string): JsonValue {
  try {
    return JSON.parse(json) as JsonValue
  } catch {
    return json
  }
}
