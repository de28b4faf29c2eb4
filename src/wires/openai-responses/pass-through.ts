// Reads along with responses that pass through byte by byte, and writes a cost into their usage.
import { asText, Failure, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Dialect, Finish } from '#ir'
import type { PassThrough, SseFrame, Watch, Watched } from '#wires/codec'
import { findError, streamFailure } from '#wires/provider-errors'
import { requestEdits } from '#wires/request-edits'
import { isGiven, typeOf } from './fields.ts'
import { decodeFinish, encodeFinish, knowsFinish } from './finish.ts'
import { own } from './reasoning-items.ts'
import { holdsCalls, insertCost, parseObject, readTerminal, type TerminalEvent } from './terminal-event.ts'
import { decodeUsage, holdsBilledCalls } from './usage.ts'

export const passThrough: PassThrough = {
  // `"error"` is in every error event whatever its spacing; in a text its quotes would be escaped.
  markers: ['response.completed', 'response.incomplete', 'response.failed', 'response.cancelled', '"error"', 'event: error', 'event:error'],
  finishMarkers: [],
  knowsFinish,
  costField: 'usage',
  createWatch: () => new ResponseWatch(),
  responseFields: ['id', 'model', 'status', 'usage', 'incomplete_details', 'error', 'service_tier', 'tool_usage'],
  readResponse,
  finishIn,
  edits: (fields, model, dialect) => requestEdits(fields, model, dialect),
  own,
}

const terminals = new Set(['response.completed', 'response.incomplete', 'response.failed', 'response.cancelled'])
const deltas = new Set([
  'response.output_text.delta',
  'response.refusal.delta',
  'response.reasoning_text.delta',
  'response.reasoning.delta',
  'response.reasoning_summary_text.delta',
  'response.function_call_arguments.delta',
  'response.custom_tool_call_input.delta',
])

/** A message of which every part has an empty text. */
function isEmptyMessage(item: unknown): boolean {
  if (!isObject(item) || item['type'] !== 'message' || !Array.isArray(item['content'])) return false
  return item['content'].every((part) => isObject(part) && part['text'] === '')
}

class ResponseWatch implements Watch {
  /** The last event, which is asked for its cost right after it has been read. */
  #last: { readonly data: string; readonly event: TerminalEvent | undefined } | undefined
  #begun = false

  frame(frame: SseFrame): Watched {
    const watched = this.#read(frame)
    if (watched.content === true) this.#begun = true
    return watched
  }

  #read(frame: SseFrame): Watched {
    const { data } = frame
    if (data === '' || data === '[DONE]') return {}
    if (frame.event !== undefined && terminals.has(frame.event)) return this.#readEnd(data)
    // It repeats the request, which can be big.
    if (frame.event === 'response.in_progress') return {}
    const event = parseObject(data)
    if (event === undefined) {
      if (frame.event === 'error') return failed(streamFailure({ message: data, code: '', type: '' }, data))
      return { error: new Failure('bad_response', 'The provider sent a stream event that is not a JSON object.') }
    }
    const type = typeOf(event) || (frame.event ?? '')
    if (terminals.has(type)) return this.#readEnd(data)
    if (deltas.has(type)) return asText(event['delta']) === undefined ? {} : { content: true }
    switch (type) {
      case 'response.created':
      case 'response.queued':
        return isObject(event['response']) ? namesOf(event['response']) : {}
      case 'response.output_item.added':
        return begins(event['item']) ? { content: true } : {}
      case 'response.output_item.done':
        return isEmptyMessage(event['item']) ? {} : { content: true }
      case 'error':
        return failed(streamFailure(findError(event) ?? { message: data, code: '', type: '' }, data))
      default:
        if (type.startsWith('response.') || !isGiven(event['error'])) return {}
        return failed(streamFailure(findError(event) ?? { message: data, code: '', type: '' }, data))
    }
  }

  withCost(frame: SseFrame, costUsd: number): string | undefined {
    // Only the last event has usage.
    const type = frame.event ?? ''
    if (!terminals.has(type) && !/"response\.(?:completed|incomplete|failed)"/.test(frame.data)) return undefined
    const event = this.#terminal(frame.data)
    const data = event === undefined ? undefined : insertCost(event, costUsd)
    return data === undefined ? undefined : textOfFrame(frame.event, data)
  }

  #terminal(data: string): TerminalEvent | undefined {
    if (this.#last?.data !== data) this.#last = { data, event: readTerminal(data) }
    return this.#last.event
  }

  #readEnd(data: string): Watched {
    const peeked = this.#terminal(data)
    if (peeked !== undefined) return this.#ended(readWhole(peeked.response, peeked.hasCalls), peeked.output)
    const response = parseObject(data)?.['response']
    if (!isObject(response))
      return failed(new Failure('bad_response', 'The provider ended its stream with an event that holds no response.'))
    const output = response['output']
    return this.#ended(readWhole(response, holdsCalls(Buffer.from(JSON.stringify(output ?? [])))), () => output)
  }

  /** Some servers say all of it in the last event. */
  #ended(watched: Watched, output: () => JsonValue | undefined): Watched {
    if (this.#begun || watched.error !== undefined) return watched
    const items = output()
    return Array.isArray(items) && !items.every(isEmptyMessage) ? { ...watched, content: true } : watched
  }

  withFinish(frame: SseFrame, finish: Finish, notice: string): SseFrame[] {
    const event = parseObject(frame.data)!
    const response = isObject(event['response']) ? event['response'] : {}
    const output = Array.isArray(response['output']) ? response['output'] : []
    const sequence = typeof event['sequence_number'] === 'number' ? event['sequence_number'] : 0
    const told = notice === '' ? [] : noticeFrames(notice, output.length, sequence)
    const said = notice === '' ? [] : [noticeItem(notice, output.length)]
    const ending = encodeFinish(finish)
    const type = `response.${ending.status}`
    const ended = {
      ...event,
      type,
      sequence_number: sequence + told.length,
      response: { ...response, ...ending, output: [...output, ...said] },
    }
    return [...told, { event: type, data: JSON.stringify(ended) }]
  }
}

function textOfFrame(event: string | undefined, data: string): string {
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${data.replaceAll('\n', '\ndata: ')}\n\n`
}

/** A message and reasoning begin with their first words; every other item (a call, a hosted tool) at once. */
function begins(item: JsonValue | undefined): boolean {
  return isObject(item) && item['type'] !== 'message' && item['type'] !== 'reasoning'
}

function namesOf(response: JsonObject): { id?: string; model?: string } {
  const id = asText(response['id'])
  const model = asText(response['model'])
  return { ...(id === undefined ? {} : { id }), ...(model === undefined ? {} : { model }) }
}

function failed(error: Failure): Watched {
  return { error, terminal: true }
}

function readWhole(response: JsonObject, hasCalls: boolean): Watched {
  const status = asText(response['status'])
  if (status === 'failed' || status === 'cancelled' || isGiven(response['error'])) {
    const message = `The provider ended its answer with the status ${status ?? 'failed'}.`
    return failed(streamFailure(findError(response) ?? { message, code: '', type: '' }))
  }
  const usage = decodeUsage(response)
  return {
    ...namesOf(response),
    ...(usage === undefined ? {} : { usage }),
    finish: decodeFinish(response, hasCalls),
    terminal: true,
  }
}

/** Mostly without the output, which is big: whether it holds calls is seen by `finishIn`. */
function readResponse(fields: JsonObject, _dialect: Dialect, body?: Buffer): Watched {
  const output = body !== undefined && holdsBilledCalls(body) ? parseObject(body.toString('utf8'))?.['output'] : undefined
  const { finish, ...watched } = readWhole(output === undefined ? fields : { ...fields, output }, false)
  return watched.error !== undefined || finish?.reason === 'stop' ? watched : { ...watched, ...(finish === undefined ? {} : { finish }) }
}

function finishIn(body: Buffer): Finish {
  return decodeFinish({ status: 'completed' }, holdsCalls(body))
}

const noticeId = 'msg_notice'

function noticeItem(text: string, index: number): JsonObject {
  const content = [{ type: 'output_text', text, annotations: [], logprobs: [] }]
  return { id: `${noticeId}_${index}`, type: 'message', status: 'completed', role: 'assistant', content }
}

/** A message of its own, told as every message is. */
function noticeFrames(text: string, index: number, firstSequence: number): SseFrame[] {
  const item = noticeItem(text, index)
  const part = (item['content'] as JsonObject[])[0]!
  const where = { item_id: item['id']!, output_index: index, content_index: 0 }
  const events: [string, JsonObject][] = [
    ['response.output_item.added', { output_index: index, item: { ...item, status: 'in_progress', content: [] } }],
    ['response.content_part.added', { ...where, part: { ...part, text: '' } }],
    ['response.output_text.delta', { ...where, delta: text, logprobs: [] }],
    ['response.output_text.done', { ...where, text, logprobs: [] }],
    ['response.content_part.done', { ...where, part }],
    ['response.output_item.done', { output_index: index, item }],
  ]
  return events.map(([type, fields], at) => ({
    event: type,
    data: JSON.stringify({ type, ...fields, sequence_number: firstSequence + at }),
  }))
}
