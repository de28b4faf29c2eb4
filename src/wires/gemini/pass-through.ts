// Reads along with an answer whose bytes pass from Google to a Google client.
import { asText, Failure, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Finish } from '#ir'
import type { PassThrough, SseFrame, Watch, Watched } from '#wires/codec'
import { textBehind } from '#wires/json-text'
import { requestEdits } from '#wires/request-edits'
import { frameWithCost } from '#wires/usage-bytes'
import { failureIn } from './errors.ts'
import { listOf, objectOf } from './fields.ts'
import { blockedFinish, decodeFinish, encodeFinish, knowsFinish, rawFinish } from './finish.ts'
import { decodeUsage } from './usage.ts'

export const passThrough: PassThrough = {
  // Inside a JSON string a quote is escaped, so these can't be text. Google writes usage into every chunk.
  markers: ['"usageMetadata"', '"finishReason"', '"blockReason"', '"error"'],
  finishMarkers: [],
  knowsFinish,
  // Nothing marks the end of Google's streams: one that ends after a finish reason has ended well.
  terminator: '',
  createWatch: () => new AnswerWatch(),
  costField: 'usageMetadata',
  responseFields: ['usageMetadata', 'modelVersion', 'responseId', 'promptFeedback', 'error'],
  readResponse,
  finishIn,
  // The model is in the path.
  edits: (fields, _model, dialect) => requestEdits(fields, undefined, dialect),
}

class AnswerWatch implements Watch {
  /** A call that came before the finish reason. */
  #hasCalls = false

  frame(frame: SseFrame): Watched {
    if (frame.data === '' || frame.data === '[DONE]') return {}
    let chunk: unknown
    try {
      chunk = JSON.parse(frame.data)
    } catch {
      chunk = undefined
    }
    if (!isObject(chunk)) return { error: new Failure('bad_response', 'The provider sent a stream frame that is not a JSON object.') }
    const error = failureIn(chunk)
    if (error !== undefined) return { error }
    const candidate = firstCandidate(chunk)
    const parts = listOf(objectOf(candidate?.['content'])['parts'])
    if (parts.some((part) => part['functionCall'] !== undefined)) this.#hasCalls = true
    const finish = candidate === undefined ? blockedIn(chunk) : finishOf(candidate, this.#hasCalls)
    return {
      ...namesIn(chunk),
      ...(finish === undefined ? {} : { finish }),
      ...(parts.some(hasContent) ? { content: true } : {}),
    }
  }

  /** Every chunk has usage: only that of the last one is final. */
  withCost(frame: SseFrame, costUsd: number): string | undefined {
    return frame.data.includes('"finishReason"') ? frameWithCost(frame, costUsd, 'usageMetadata') : undefined
  }

  /** A word that was read in the frame: it is JSON, and has a candidate or a blocked prompt. */
  withFinish(frame: SseFrame, finish: Finish, notice: string): SseFrame[] {
    const chunk = JSON.parse(frame.data) as JsonObject
    const { finishMessage: _message, ...candidate } = firstCandidate(chunk) ?? { index: 0 }
    const content = objectOf(candidate['content'])
    const parts = [...listOf(content['parts']), ...(notice === '' ? [] : [{ text: notice }])]
    const ended = { ...candidate, content: { role: 'model', ...content, parts }, finishReason: encodeFinish(finish, false) }
    return [{ ...(frame.event === undefined ? {} : { event: frame.event }), data: JSON.stringify({ ...chunk, candidates: [ended] }) }]
  }
}

function firstCandidate(chunk: JsonObject): JsonObject | undefined {
  return listOf(chunk['candidates']).find(({ index }) => index === undefined || index === 0 || index === null)
}

function finishOf(candidate: JsonObject, hasCalls: boolean): Finish | undefined {
  const raw = rawFinish(candidate)
  return raw === undefined ? undefined : decodeFinish(raw, hasCalls)
}

function blockedIn(fields: JsonObject): Finish | undefined {
  const reason = asText(objectOf(fields['promptFeedback'])['blockReason'])
  return reason === undefined ? undefined : blockedFinish(reason)
}

/** Text, thoughts, calls, media, code; also a signature alone, which belongs to the answer. */
function hasContent(part: JsonObject): boolean {
  return Object.entries(part).some(([key, value]: [string, JsonValue]) => key !== 'thought' && value !== '' && value !== null)
}

function namesIn(fields: JsonObject): Pick<Watched, 'id' | 'model' | 'usage'> {
  const id = asText(fields['responseId'])
  const model = asText(fields['modelVersion'])
  const usage = decodeUsage(fields['usageMetadata'])
  return { ...(id === undefined ? {} : { id }), ...(model === undefined ? {} : { model }), ...(usage === undefined ? {} : { usage }) }
}

/** The fields of a whole answer without its candidates, which are big: `finishIn` finds the finish reason in the bytes. */
function readResponse(fields: JsonObject): Watched {
  const error = failureIn(fields)
  const finish = blockedIn(fields)
  return {
    ...namesIn(fields),
    ...(finish === undefined ? {} : { finish }),
    ...(error === undefined ? {} : { error }),
    terminal: true,
    content: true,
  }
}

const finishName = Buffer.from('"finishReason"')

/** Whether the answer holds calls is not looked at: Google says STOP then, too. */
function finishIn(body: Buffer): Finish | undefined {
  const raw = textBehind(body, finishName)
  return raw === undefined ? undefined : decodeFinish(raw, false)
}
