// Reads along with chat completions that pass through byte by byte, and writes a cost into their usage.
import { asText, isObject, type Failure, type JsonObject, type JsonValue } from '#kernel'
import type { Dialect, Finish, Usage } from '#ir'
import type { PassThrough, SseFrame, Watch, Watched } from '#wires/codec'
import { textBehind } from '#wires/json-text'
import { requestEdits } from '#wires/request-edits'
import { frameWithCost } from '#wires/usage-bytes'
import { findError, streamFailure } from '#wires/provider-errors'
import { chatEdits } from './edits.ts'
import { isGiven } from './fields.ts'
import { decodeFinish, encodeFinish, knowsFinish, rawFinish } from './finish.ts'
import { decodeUsage } from './usage.ts'

export const passThrough: PassThrough = {
  // Inside a JSON string a quote is escaped, so these can't be text. A null `usage` or `finish_reason` is in every chunk of OpenAI's:
  // only values count. Azure's and OpenAI's JSON has no space after the colon, vLLM's and others' has one.
  markers: ['"usage":{', '"usage": {', '"finish_reason":"', '"finish_reason": "', '"error"', 'event: error', 'event:error', '[DONE]'],
  finishMarkers: [],
  knowsFinish,
  terminator: 'data: [DONE]\n\n',
  createWatch: (dialect) => createWatch(dialect),
  costField: 'usage',
  responseFields: ['model', 'usage', 'service_tier', 'x_groq', 'error'],
  readResponse,
  finishIn,
  edits: (fields, model, dialect) => requestEdits(fields, model, dialect, chatEdits(fields, dialect)),
}

function createWatch(dialect: Dialect): Watch {
  return {
    frame: (frame) => readFrame(frame, dialect),
    withCost: (frame, costUsd) => frameWithCost(frame, costUsd, 'usage'),
    withFinish,
  }
}

/** A word that was read in the frame: it is JSON, and has a choice. */
function withFinish(frame: SseFrame, finish: Finish, notice: string): SseFrame[] {
  const chunk = JSON.parse(frame.data) as JsonObject
  const { finish_details: _details, ...choice } = firstChoice(chunk)!
  const delta = isObject(choice['delta']) ? choice['delta'] : {}
  const said = notice === '' ? delta : { ...delta, content: (asText(delta['content']) ?? '') + notice }
  const choices = [{ ...choice, delta: said, finish_reason: encodeFinish(finish) }, ...(chunk['choices'] as JsonValue[]).slice(1)]
  return [{ ...(frame.event === undefined ? {} : { event: frame.event }), data: JSON.stringify({ ...chunk, choices }) }]
}

function readFrame(frame: SseFrame, dialect: Dialect): Watched {
  if (frame.data.trim() === '[DONE]') return { terminal: true }
  let chunk: JsonValue
  try {
    chunk = JSON.parse(frame.data) as JsonValue
  } catch {
    return frame.event === 'error' ? { error: streamFailure({ message: frame.data, code: '', type: '' }) } : {}
  }
  if (!isObject(chunk)) return {}
  const choice = firstChoice(chunk)
  const raw = choice === undefined ? undefined : rawFinish(choice)
  const error = errorIn(frame, chunk, choice, raw)
  return {
    ...readFields(chunk, choice, dialect),
    ...(raw === undefined || error !== undefined ? {} : { finish: decodeFinish(raw, {}, hasCalls(choice!)) }),
    ...(error === undefined ? {} : { error }),
    ...(choice !== undefined && hasContent(choice) ? { content: true } : {}),
  }
}

function errorIn(frame: SseFrame, chunk: JsonObject, choice: JsonObject | undefined, raw: string | undefined): Failure | undefined {
  if (isObject(choice?.['error']) || raw === 'error') {
    return streamFailure(findError({ error: choice?.['error'] ?? 'The provider ended its answer with an error.' })!)
  }
  if (frame.event !== 'error' && !isGiven(chunk['error']) && chunk['choices'] !== undefined) return undefined
  const said = findError(chunk) ?? (frame.event === 'error' ? { message: frame.data, code: '', type: '' } : undefined)
  return said === undefined ? undefined : streamFailure(said, frame.data)
}

function firstChoice(chunk: JsonObject): JsonObject | undefined {
  const choice = Array.isArray(chunk['choices']) ? chunk['choices'][0] : undefined
  return isObject(choice) ? choice : undefined
}

function readFields(fields: JsonObject, choice: JsonObject | undefined, dialect: Dialect): { id?: string; model?: string; usage?: Usage } {
  const id = asText(fields['id'])
  const model = asText(fields['model'])
  const groq = fields['x_groq']
  const raw = [fields['usage'], choice?.['usage'], isObject(groq) ? groq['usage'] : undefined].find(isObject)
  const usage = raw === undefined ? undefined : decodeUsage(raw, dialect, fields['service_tier'])
  return { ...(id === undefined ? {} : { id }), ...(model === undefined ? {} : { model }), ...(usage === undefined ? {} : { usage }) }
}

const contentFields = ['content', 'reasoning_content', 'reasoning', 'refusal', 'reasoning_details', 'tool_calls', 'images'] as const

/** A role, an empty delta or a null is no content; see reliability: the head is held until there is some. */
function hasContent(choice: JsonObject): boolean {
  const delta = choice['delta'] ?? choice['message']
  if (!isObject(delta)) return false
  if (isObject(delta['audio']) || isObject(delta['function_call'])) return true
  return contentFields.some((field) => {
    const value = delta[field]
    return (typeof value === 'string' || Array.isArray(value)) && value.length > 0
  })
}

function hasCalls(choice: JsonObject): boolean {
  const delta = choice['delta'] ?? choice['message']
  return isObject(delta) && Array.isArray(delta['tool_calls']) && delta['tool_calls'].length > 0
}

/** The fields of a whole answer without its choices, which are big: `finishIn` finds the finish reason in the bytes. */
function readResponse(fields: JsonObject, dialect: Dialect): Watched {
  const choice = firstChoice(fields)
  const said = isGiven(fields['error']) ? findError(fields) : undefined
  const raw = choice === undefined ? undefined : rawFinish(choice)
  return {
    ...readFields(fields, choice, dialect),
    ...(raw === undefined ? {} : { finish: decodeFinish(raw, {}, hasCalls(choice!)) }),
    ...(said === undefined ? {} : { error: streamFailure(said) }),
    ...(choice !== undefined && hasContent(choice) ? { content: true } : {}),
  }
}

const finishName = Buffer.from('"finish_reason"')

/**
 * The finish reason of a whole answer's bytes, without parsing them; of several choices, the last one's. Whether the message holds calls
 * is not looked at: a forced call that ended in "stop" stays "stop".
 */
function finishIn(body: Buffer): Finish | undefined {
  const raw = textBehind(body, finishName)
  return raw === undefined ? undefined : decodeFinish(raw, noFields, false)
}

const noFields: JsonObject = {}
