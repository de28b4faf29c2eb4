// Cohere's stream -> events. The same reader reads a whole answer, so that each block has one mapping.
import { asCount, asText, Failure, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Logprob, PartHead, StreamEvent } from '#ir'
import type { SseFrame, StreamDecoder } from '#wires/codec'
import { findError, streamFailure } from '#wires/provider-errors'
import { decodeCitations, isOfText } from './citations.ts'
import { decodeFinish, isFailure } from './finish.ts'
import { wire } from './generation.ts'
import { decodeLogprobs } from './logprobs.ts'
import { decodeUsage } from './usage.ts'

export function createStreamDecoder(): StreamDecoder {
  return new AnswerReader()
}

/** The part of words that is open. A text stays open until the next part begins: its citations may come after its end. */
type Open = {
  readonly type: 'text' | 'reasoning'
  readonly index: number
  /** Cohere's index of the content block; undefined for a tool plan. */
  readonly block: number | undefined
  readonly pieces: string[]
  readonly citations: JsonObject[]
  readonly logprobs: Logprob[]
}

/** `held`: the beginning of arguments that may yet turn out to be `null`. */
type OpenCall = { readonly index: number; held: string | undefined }

export class AnswerReader implements StreamDecoder {
  #events: StreamEvent[] = []
  #started = false
  #done = false
  #id = ''
  #nextPart = 0
  #open: Open | undefined
  /** By Cohere's own index. */
  readonly #calls = new Map<number, OpenCall>()
  #callCount = 0
  /** Citations that came when their text had ended, or that are about thoughts and plans. */
  readonly #otherCitations: JsonObject[] = []

  push(frame: SseFrame): StreamEvent[] {
    if (this.#done || frame.data === '' || frame.data.trim() === '[DONE]') return []
    let event: JsonValue
    try {
      event = JSON.parse(frame.data) as JsonValue
    } catch {
      event = null
    }
    if (isObject(event)) this.#read(event, frame.event)
    else {
      const upstream = { message: frame.data.slice(0, 300) }
      this.#fail(new Failure('bad_response', 'The provider sent a stream event that is not a JSON object.', { upstream }))
    }
    return this.#taken()
  }

  end(): StreamEvent[] {
    if (!this.#done) this.#fail(new Failure('ended_early', 'The provider ended its stream before `message-end`.'))
    return this.#taken()
  }

  /** A whole answer, as if it had been streamed. */
  whole(body: JsonObject, message: JsonObject): StreamEvent[] {
    this.#start(body)
    this.#plan(message['tool_plan'])
    const content = typeof message['content'] === 'string' ? [{ type: 'text', text: message['content'] }] : message['content']
    // Probabilities come for the whole answer: they are its text's, where there is one.
    const texts = Array.isArray(content) ? content.filter((part) => isObject(part) && part['type'] === 'text').length : 0
    const citations = citationsOf(message['citations'])
    if (Array.isArray(content)) {
      content.forEach((part, block) => {
        if (!isObject(part)) return
        this.#contentStart(part, block)
        if (this.#open?.type !== 'text' || this.#open.block !== block) return
        const { citations: own, logprobs } = this.#open
        for (const each of citations) if (isOfText(each) && (asCount(each['content_index']) ?? block) === block) own.push(each)
        if (texts === 1) for (const each of decodeLogprobs(body['logprobs'])) logprobs.push(each)
      })
    }
    for (const each of citations) if (!isOfText(each)) this.#otherCitations.push(each)
    const calls = message['tool_calls']
    if (Array.isArray(calls)) {
      calls.forEach((call, index) => {
        if (!isObject(call)) return
        this.#callStart(call, index)
        this.#callEnd(index)
      })
    }
    this.#end(body)
    return this.#taken()
  }

  #read(event: JsonObject, name: string | undefined): void {
    const delta = isObject(event['delta']) ? event['delta'] : {}
    const message = isObject(delta['message']) ? delta['message'] : {}
    const index = asCount(event['index']) ?? 0
    switch (asText(event['type']) ?? name) {
      case 'content-delta':
        return this.#contentDelta(message['content'], index, event['logprobs'])
      case 'tool-call-delta':
        return this.#callDelta(message['tool_calls'], index)
      case 'tool-plan-delta':
        return this.#plan(message['tool_plan'])
      case 'message-start':
        return this.#start(event)
      case 'content-start':
        return this.#contentStart(isObject(message['content']) ? message['content'] : {}, index)
      case 'content-end':
        if (this.#open?.type === 'reasoning' && this.#open.block === index) this.#close()
        return undefined
      case 'tool-call-start':
        return isObject(message['tool_calls']) ? this.#callStart(message['tool_calls'], index) : undefined
      case 'tool-call-end':
        return this.#callEnd(index)
      case 'citation-start':
        for (const citation of citationsOf(message['citations'])) this.#cite(citation)
        return undefined
      case 'message-end':
        return this.#end(delta)
      default: {
        const said = findError(event)
        if (said !== undefined) this.#fail(streamFailure(said, JSON.stringify(event)))
        // Other events are new ones, or say nothing (`citation-end`, `debug`).
      }
    }
  }

  #taken(): StreamEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }

  #start(answer: JsonObject): void {
    if (this.#started) return
    this.#started = true
    const id = asText(answer['id'])
    this.#id = id ?? ''
    this.#events.push({ type: 'start', ...(id === undefined ? {} : { id }) })
  }

  #begin(part: PartHead): number {
    this.#start({})
    this.#close()
    const index = this.#nextPart++
    this.#events.push({ type: 'part-start', index, part })
    return index
  }

  #say(type: Open['type'], block: number | undefined, text: string): void {
    if (text === '') return
    if (this.#open?.type !== type || this.#open.block !== block) {
      this.#open = { type, index: this.#begin({ type }), block, pieces: [], citations: [], logprobs: [] }
    }
    if (type === 'text') this.#open.pieces.push(text)
    this.#events.push({ type: 'part-delta', index: this.#open.index, text })
  }

  /** What the model means to do with its tools. Cohere's models without thinking say it before every call. */
  #plan(text: JsonValue | undefined): void {
    if (typeof text === 'string') this.#say('reasoning', undefined, text)
  }

  #contentStart(content: JsonObject, block: number): void {
    switch (content['type']) {
      case 'text':
        return this.#say('text', block, asText(content['text']) ?? '')
      case 'thinking':
        return this.#say('reasoning', block, asText(content['thinking']) ?? '')
      case undefined:
        return undefined
      default: {
        this.#start({})
        this.#close()
        const kind = asText(content['type']) ?? ''
        this.#events.push({ type: 'part', index: this.#nextPart++, part: { type: 'opaque', wire, kind, value: content } })
      }
    }
  }

  #contentDelta(content: JsonValue | undefined, block: number, logprobs: JsonValue | undefined): void {
    if (!isObject(content)) return
    const thinking = asText(content['thinking'])
    if (thinking !== undefined) this.#say('reasoning', block, thinking)
    const text = asText(content['text'])
    if (text === undefined) return
    this.#say('text', block, text)
    if (logprobs !== undefined) this.#open!.logprobs.push(...decodeLogprobs(logprobs))
  }

  #cite(citation: JsonObject): void {
    const open = this.#open
    const block = asCount(citation['content_index'])
    if (open?.type === 'text' && isOfText(citation) && (block ?? open.block) === open.block) open.citations.push(citation)
    else this.#otherCitations.push(citation)
  }

  #close(): void {
    const open = this.#open
    if (open === undefined) return
    this.#open = undefined
    const citations = open.citations.length === 0 ? undefined : decodeCitations(open.citations, open.pieces.join(''))
    this.#events.push({
      type: 'part-end',
      index: open.index,
      ...(citations === undefined ? {} : { citations }),
      ...(open.logprobs.length === 0 ? {} : { logprobs: open.logprobs }),
    })
  }

  #callStart(call: JsonObject, index: number): void {
    if (this.#calls.has(index)) this.#callEnd(index)
    const body = isObject(call['function']) ? call['function'] : {}
    // Clients and other wires need an id; the same answer gives the same one again.
    const id = asText(call['id']) ?? `call_${this.#id.replace(/[^a-zA-Z0-9]/g, '').slice(-16)}${this.#callCount}`
    const part = this.#begin({ type: 'tool-call', id, name: asText(body['name']) ?? '', ranBy: 'client' })
    this.#calls.set(index, { index: part, held: '' })
    this.#callCount++
    this.#args(this.#calls.get(index)!, body['arguments'])
  }

  #callDelta(call: JsonValue | undefined, index: number): void {
    const open = this.#calls.get(index)
    const body = isObject(call) && isObject(call['function']) ? call['function'] : {}
    if (open === undefined) {
      if (asText(body['arguments']) === undefined) return
      return this.#fail(new Failure('bad_response', 'The provider sent arguments of a tool call that it never began.'))
    }
    this.#args(open, body['arguments'])
  }

  /** Cohere writes `null` for a call without arguments; clients expect an object. */
  #args(call: OpenCall, value: JsonValue | undefined): void {
    const text = typeof value === 'string' ? value : isObject(value) ? JSON.stringify(value) : ''
    if (text === '') return
    if (call.held === undefined) {
      this.#events.push({ type: 'part-delta', index: call.index, text })
      return
    }
    call.held += text
    if ('null'.startsWith(call.held)) return
    this.#events.push({ type: 'part-delta', index: call.index, text: call.held })
    call.held = undefined
  }

  #callEnd(index: number): void {
    const call = this.#calls.get(index)
    if (call === undefined) return
    this.#calls.delete(index)
    if (call.held !== undefined && call.held !== '') {
      this.#events.push({ type: 'part-delta', index: call.index, text: call.held === 'null' ? '{}' : call.held })
    }
    this.#events.push({ type: 'part-end', index: call.index })
  }

  /** `message-end`, or the whole body: both have the finish reason and the usage. */
  #end(ending: JsonObject): void {
    if (this.#done) return
    this.#start({})
    const raw = asText(ending['finish_reason'])
    const usage = decodeUsage(ending['usage'])
    if (usage !== undefined) this.#events.push({ type: 'usage', usage })
    const error = asText(ending['error'])
    if (error !== undefined || isFailure(raw)) {
      const message = error ?? `The provider ended its answer with ${raw}.`
      return this.#fail(streamFailure({ message, code: raw ?? '', type: '' }))
    }
    this.#close()
    for (const index of this.#calls.keys()) this.#callEnd(index)
    this.#done = true
    const citations = this.#otherCitations
    this.#events.push({
      type: 'finish',
      finish: decodeFinish(raw, this.#callCount > 0),
      ...(citations.length === 0 ? {} : { ext: { [wire]: { citations } } }),
    })
  }

  #fail(error: Failure): void {
    if (this.#done) return
    this.#start({})
    this.#done = true
    this.#events.push({ type: 'error', error })
  }
}

/** One or several. */
function citationsOf(value: JsonValue | undefined): JsonObject[] {
  return (Array.isArray(value) ? value : [value]).filter(isObject)
}
