// Events of a response's stream -> events. A whole response is read as if its items had just ended.
import { asCount, asText, Failure, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Dialect, StreamEvent } from '#ir'
import type { SseFrame, StreamDecoder } from '#wires/codec'
import { findError, streamFailure } from '#wires/provider-errors'
import { decodeTokenLogprobs } from '#wires/token-logprobs'
import { OutputDecoder } from './decode-output.ts'
import { asExt, isGiven, restOf, textOf, typeOf } from './fields.ts'
import { decodeFinish } from './finish.ts'
import { argsText } from './items.ts'
import { decodeAnnotation } from './annotations.ts'
import { decodeUsage } from './usage.ts'

export function createStreamDecoder(dialect: Dialect): StreamDecoder {
  return new ResponseDecoder(dialect)
}

/** Fields of a response that the IR has words for, or that an encoder writes anew. The rest is kept for clients of this wire. */
const responseFields = new Set([
  'id',
  'object',
  'created_at',
  'model',
  'output',
  'output_text',
  'usage',
  'error',
  'status',
  'incomplete_details',
])

export class ResponseDecoder implements StreamDecoder {
  readonly #output: OutputDecoder
  #started = false
  #ended = false
  #lastItem = 0

  constructor(dialect: Dialect) {
    this.#output = new OutputDecoder(dialect)
  }

  push(frame: SseFrame): StreamEvent[] {
    if (this.#ended || frame.data.trim() === '[DONE]') return []
    let event: JsonValue
    try {
      event = JSON.parse(frame.data) as JsonValue
    } catch {
      return this.#failed(
        new Failure('bad_response', 'The provider sent a stream event that is not JSON.', {
          upstream: { message: frame.data.slice(0, 300) },
        }),
      )
    }
    if (!isObject(event)) return this.#failed(new Failure('bad_response', 'The provider sent a stream event that is not an object.'))
    this.#take(typeOf(event) || (frame.event ?? ''), event, frame.data)
    return this.#taken()
  }

  end(): StreamEvent[] {
    if (this.#ended) return []
    return this.#failed(new Failure('ended_early', 'The provider ended its stream before it said that the response is complete.'))
  }

  whole(body: JsonObject): StreamEvent[] {
    const said = isGiven(body['error']) || !Array.isArray(body['output']) ? findError(body) : undefined
    if (said !== undefined) return this.#failed(streamFailure(said))
    if (!Array.isArray(body['output']))
      return this.#failed(new Failure('bad_response', 'The provider answered something that is not a response: it has no output.'))
    const status = asText(body['status']) ?? 'completed'
    if (status !== 'completed' && status !== 'incomplete')
      return this.#failed(streamFailure({ message: `The response has the status ${status}.`, code: '', type: '' }))
    this.#start(body)
    this.#takeOutput(body['output'])
    this.#finish(body)
    return this.#taken()
  }

  #taken(): StreamEvent[] {
    const { events } = this.#output
    this.#output.events = []
    return events
  }

  #take(type: string, event: JsonObject, data: string): void {
    const response = isObject(event['response']) ? event['response'] : {}
    switch (type) {
      case 'response.created':
      case 'response.queued':
      case 'response.in_progress':
        return this.#start(response)
      case 'response.completed':
      case 'response.incomplete':
        return this.#terminal(type, response, data)
      case 'response.failed':
      case 'response.cancelled': {
        const said = findError(response) ?? { message: `The provider ended its answer with ${type}.`, code: '', type: '' }
        return this.#fail(streamFailure(said, data))
      }
      case 'error':
        return this.#fail(streamFailure(findError(event) ?? { message: data, code: '', type: '' }, data))
    }
    if (!type.startsWith('response.')) {
      const said = isGiven(event['error']) ? findError(event) : undefined
      if (said !== undefined) this.#fail(streamFailure(said, data))
      return
    }
    this.#start({})
    this.#lastItem = asCount(event['output_index']) ?? this.#lastItem
    this.#takeItemEvent(type, event, this.#lastItem)
  }

  /** Events that are not named here tell the progress of tools that the provider runs; the item that ends says it all. */
  #takeItemEvent(type: string, event: JsonObject, at: number): void {
    const output = this.#output
    const place = asCount(event['content_index']) ?? 0
    const summaryPlace = asCount(event['summary_index']) ?? 0
    switch (type) {
      case 'response.output_text.delta': {
        const part = output.textPart(at, place, 'text')
        part?.logprobs.push(...decodeTokenLogprobs(event['logprobs']))
        return output.hear(part, textOf(event, 'delta'))
      }
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        return output.hear(output.callPart(at), textOf(event, 'delta'))
      case 'response.reasoning_summary_text.delta':
        return output.hear(output.reasoningPart(at, summaryPlace, true), textOf(event, 'delta'))
      case 'response.reasoning_text.delta':
      // OpenResponses' name for it.
      case 'response.reasoning.delta':
        return output.hear(output.reasoningPart(at, place, false), textOf(event, 'delta'))
      case 'response.refusal.delta':
        return output.hear(output.textPart(at, place, 'refusal'), textOf(event, 'delta'))
      case 'response.output_item.added':
        return isObject(event['item']) ? output.added(at, event['item']) : undefined
      case 'response.output_item.done':
        return isObject(event['item']) ? output.done(at, event['item']) : undefined
      case 'response.content_part.added':
        return this.#contentAdded(at, place, event['part'])
      case 'response.content_part.done':
        return isObject(event['part']) ? output.contentDone(at, place, event['part']) : undefined
      case 'response.reasoning_summary_part.added':
        output.reasoningPart(at, summaryPlace, true)
        return
      case 'response.output_text.annotation.added':
        if (isObject(event['annotation'])) output.textPart(at, place, 'text')?.citations.push(decodeAnnotation(event['annotation']))
        return
      case 'response.output_text.done': {
        const part = output.textPart(at, place, 'text')
        const logprobs = decodeTokenLogprobs(event['logprobs'])
        if (part !== undefined && logprobs.length > 0) part.logprobs = logprobs
        return output.hearMissed(part, textOf(event, 'text'))
      }
      case 'response.refusal.done':
        return output.hearMissed(output.textPart(at, place, 'refusal'), textOf(event, 'refusal'))
      case 'response.reasoning_text.done':
      case 'response.reasoning.done':
        return output.hearMissed(output.reasoningPart(at, place, false), textOf(event, 'text'))
      case 'response.reasoning_summary_text.done':
        return output.hearMissed(output.reasoningPart(at, summaryPlace, true), textOf(event, 'text'))
      case 'response.function_call_arguments.done':
        return output.hearMissed(output.callPart(at), argsText(event['arguments']))
      case 'response.custom_tool_call_input.done':
        return output.hearMissed(output.callPart(at), argsText(event['input']))
    }
  }

  #contentAdded(at: number, place: number, part: JsonValue | undefined): void {
    const type = isObject(part) ? typeOf(part) : ''
    if (type === 'output_text' || type === 'text') this.#output.textPart(at, place, 'text')
    else if (type === 'refusal') this.#output.textPart(at, place, 'refusal')
    else if (type === 'reasoning_text') this.#output.reasoningPart(at, place, false)
  }

  #start(response: JsonObject): void {
    if (this.#started) return
    this.#started = true
    const id = asText(response['id'])
    const model = asText(response['model'])
    const created = asCount(response['created_at'])
    this.#output.events.push({
      type: 'start',
      ...(id === undefined ? {} : { id }),
      ...(model === undefined ? {} : { model }),
      ...(created === undefined || created === 0 ? {} : { created: Math.floor(created) }),
      ...asExt(restOf(response, responseFields)),
    })
  }

  #takeOutput(output: readonly JsonValue[]): void {
    output.forEach((item, at) => {
      if (isObject(item)) this.#output.done(at, item)
    })
  }

  #terminal(type: string, response: JsonObject, data: string): void {
    this.#start(response)
    const said = isGiven(response['error']) ? findError(response) : undefined
    if (said !== undefined) return this.#fail(streamFailure(said, data))
    // From servers that tell no item by an event of its own.
    if (this.#output.partCount === 0 && Array.isArray(response['output'])) this.#takeOutput(response['output'])
    this.#finish(type === 'response.incomplete' ? { ...response, status: 'incomplete' } : response)
  }

  #finish(response: JsonObject): void {
    this.#output.finish()
    const usage = decodeUsage(response)
    if (usage !== undefined) this.#output.events.push({ type: 'usage', usage })
    const finish = decodeFinish(response, this.#output.hasCalls)
    this.#output.events.push({ type: 'finish', finish, ...asExt(restOf(response, responseFields)) })
    this.#ended = true
  }

  #failed(error: Failure): StreamEvent[] {
    this.#fail(error)
    return this.#taken()
  }

  #fail(error: Failure): void {
    this.#start({})
    this.#output.events.push({ type: 'error', error })
    this.#ended = true
  }
}
