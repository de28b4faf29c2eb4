// Reads along with an answer whose bytes pass from an Anthropic provider to an Anthropic client.
import { asText, Failure, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Finish } from '#ir'
import type { PassThrough, SseFrame, Watch, Watched } from '#wires/codec'
import { failureOf } from './errors.ts'
import { typeOf } from './fields.ts'
import { decodeFinish, encodeFinish, knowsFinish } from './finish.ts'
import { own } from './own-words.ts'
import { platformEdits } from './platforms.ts'
import { decodeUsage, mergeUsage } from './usage.ts'

export const passThrough: PassThrough = {
  // `"error"` is in every error event whatever its spacing; in a text its quotes would be escaped. The other forms of `event: error`
  // are for providers whose error data is not JSON.
  markers: ['message_delta', 'message_stop', '"error"', 'event: error', 'event:error'],
  finishMarkers: ['content_block_start'],
  knowsFinish,
  costField: 'usage',
  responseFields: ['type', 'id', 'model', 'stop_reason', 'stop_sequence', 'stop_details', 'usage', 'error'],
  createWatch: () => new MessageWatch(),
  readResponse,
  edits: (fields, model, dialect, headers = {}) => platformEdits(fields, model, dialect, headers),
  own,
}

class MessageWatch implements Watch {
  #usage: JsonObject = {}
  /** Where a further block would stand. */
  #nextBlock = 0

  frame(frame: SseFrame): Watched {
    if (frame.data === '' || frame.event === 'ping') return {}
    let event: unknown
    try {
      event = JSON.parse(frame.data)
    } catch {
      event = undefined
    }
    if (!isObject(event)) {
      if (frame.event !== 'error')
        return { error: new Failure('bad_response', 'The provider sent a stream frame that is not a JSON object.') }
      return { error: failureOf(undefined, undefined, frame.data, undefined), terminal: true }
    }
    switch (typeOf(event)) {
      case 'content_block_delta':
        return hasContent(event['delta']) ? { content: true } : {}
      case 'content_block_start':
        this.#nextBlock = Math.max(this.#nextBlock, Number(event['index']) + 1 || 0)
        return beginsContent(event['content_block']) ? { content: true } : {}
      case 'message_start': {
        const message = isObject(event['message']) ? event['message'] : {}
        const id = asText(message['id'])
        const model = asText(message['model'])
        return { ...(id === undefined ? {} : { id }), ...(model === undefined ? {} : { model }), ...this.#count(message['usage']) }
      }
      case 'message_delta': {
        const delta = isObject(event['delta']) ? event['delta'] : {}
        const finish =
          asText(delta['stop_reason']) === undefined
            ? {}
            : { finish: decodeFinish(delta['stop_reason'], delta['stop_sequence'], delta['stop_details']) }
        return { ...finish, ...this.#count(event['usage']) }
      }
      case 'message_stop':
        return { terminal: true }
      default:
        if (event['type'] === 'error' || frame.event === 'error' || event['error'] !== undefined)
          return { error: errorOf(event), terminal: true }
        return {}
    }
  }

  withCost(frame: SseFrame, costUsd: number): string | undefined {
    if (!frame.data.includes('message_delta')) return undefined
    const at = usageObject(frame.data)
    if (at === undefined) return undefined
    const rest = frame.data.slice(at)
    const comma = /^\s*\}/.test(rest) ? '' : ','
    const data = `${frame.data.slice(0, at)}"cost":${JSON.stringify(costUsd)}${comma}${rest}`
    const lines = data.split('\n').map((line) => `data: ${line}\n`)
    return `${frame.event === undefined ? '' : `event: ${frame.event}\n`}${lines.join('')}\n`
  }

  withFinish(frame: SseFrame, finish: Finish, notice: string): SseFrame[] {
    const event = JSON.parse(frame.data) as JsonObject
    const { stop_details: _details, ...delta } = isObject(event['delta']) ? event['delta'] : {}
    const ended = { ...event, delta: { ...delta, ...encodeFinish(finish, { toolCalls: false, refusal: false }) } }
    return [...(notice === '' ? [] : textBlock(this.#nextBlock, notice)), eventFrame('message_delta', ended)]
  }

  #count(usage: JsonValue | undefined): Watched {
    if (!isObject(usage)) return {}
    this.#usage = mergeUsage(this.#usage, usage)
    const decoded = decodeUsage(this.#usage)
    return decoded === undefined ? {} : { usage: decoded }
  }
}

function textBlock(index: number, text: string): SseFrame[] {
  return [
    eventFrame('content_block_start', { type: 'content_block_start', index, content_block: { type: 'text', text: '' } }),
    eventFrame('content_block_delta', { type: 'content_block_delta', index, delta: { type: 'text_delta', text } }),
    eventFrame('content_block_stop', { type: 'content_block_stop', index }),
  ]
}

function eventFrame(event: string, data: JsonObject): SseFrame {
  return { event, data: JSON.stringify(data) }
}

function readResponse(fields: JsonObject): Watched {
  if (fields['type'] === 'error' || isObject(fields['error'])) return { error: errorOf(fields), terminal: true }
  const id = asText(fields['id'])
  const model = asText(fields['model'])
  const usage = decodeUsage(fields['usage'])
  return {
    ...(id === undefined ? {} : { id }),
    ...(model === undefined ? {} : { model }),
    ...(usage === undefined ? {} : { usage }),
    finish: decodeFinish(fields['stop_reason'], fields['stop_sequence'], fields['stop_details']),
    terminal: true,
    content: true,
  }
}

function errorOf(event: JsonObject): Failure {
  const error = isObject(event['error']) ? event['error'] : event
  return failureOf(undefined, asText(error['type']), asText(error['message']) ?? JSON.stringify(error), undefined)
}

/** Whether a delta says anything: text, thinking, a signature, arguments, a citation. */
function hasContent(delta: JsonValue | undefined): boolean {
  if (!isObject(delta)) return false
  return Object.entries(delta).some(([key, value]) => key !== 'type' && value !== null && value !== '')
}

/** Text and thinking begin with their first delta; every other block (a tool call, a hosted tool, redacted thinking) at once. */
function beginsContent(block: JsonValue | undefined): boolean {
  if (!isObject(block)) return false
  if (block['type'] === 'text') return asText(block['text']) !== undefined
  if (block['type'] === 'thinking') return asText(block['thinking']) !== undefined
  return true
}

/** The place right after the `{` of the top-level `usage` object, unless it already has a `cost`; the text is valid JSON. */
function usageObject(text: string): number | undefined {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (char === '{' || char === '[') depth++
    else if (char === '}' || char === ']') depth--
    else if (char === '"') {
      const end = stringEnd(text, i)
      if (depth === 1 && text.slice(i, end) === '"usage"') {
        const value = /^\s*:\s*\{/.exec(text.slice(end))
        if (value !== null) return hasCost(text) ? undefined : end + value[0].length
      }
      i = end - 1
    }
  }
  return undefined
}

function stringEnd(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '"') return i + 1
  }
  return text.length
}

/** A cost that the provider states stays: two would contradict each other. */
function hasCost(text: string): boolean {
  try {
    const event: unknown = JSON.parse(text)
    return isObject(event) && isObject(event['usage']) && event['usage']['cost'] !== undefined
  } catch {
    return true
  }
}
