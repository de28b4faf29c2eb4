// Every wire that clients speak, from both ends: a provider's ready-made answers, what a client asks, and what it makes of the answer.
import type { ClientWire, StreamEvent } from '#ir'
import type { JsonObject } from '#kernel'
import { codecOf, createSseParser, type SseFrame } from '#wires'
import { geminiFrames, geminiScript } from './gemini-script.ts'
import { responsesFrames, responsesScript } from './responses-script.ts'
import { chat, messages, sseAnswer, type ErrorStatus, type WireScripts } from './scripts.ts'
import type { Answer } from './answer.ts'

/** The path has the model in it, and whether a stream is asked for. */
const geminiStatuses: Readonly<Record<ErrorStatus, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  402: 'FAILED_PRECONDITION',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  408: 'DEADLINE_EXCEEDED',
  413: 'INVALID_ARGUMENT',
  422: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  529: 'UNAVAILABLE',
}

function geminiError(status: ErrorStatus, message = 'The request failed.', sent: number = status): Answer {
  const error = { code: status, message, status: geminiStatuses[status] }
  return { status: sent, headers: { 'content-type': 'application/json; charset=UTF-8' }, body: JSON.stringify({ error }) }
}

/** What Google sends before the first text of a slow answer: a chunk without candidates. */
const geminiPreamble = `data: ${JSON.stringify({ usageMetadata: { promptTokenCount: 12, totalTokenCount: 12 }, modelVersion: 'gemini-2.5-flash', responseId: 'scripted1' })}\r\n\r\n`

const responses: WireScripts = {
  path: '/v1/responses',
  json: (saying = {}) => responsesScript(saying, false),
  sse: (saying = {}) => responsesScript(saying, true),
  frames: responsesFrames,
  // created, in_progress, the message's item, its content part: nothing is said yet.
  preambleFrames: 4,
  error: chat.error,
  contextTooLong: chat.contextTooLong,
  errorFrame: (message = 'The server had an error processing your request.') =>
    `event: error\ndata: ${JSON.stringify({ type: 'error', code: 'server_error', message, param: null, sequence_number: 4 })}\n\n`,
  errorInside200: chat.errorInside200,
}

const gemini: WireScripts = {
  path: '/v1beta/models/gemini:generateContent',
  json: (saying = {}) => geminiScript(saying, false),
  sse: (saying) => sseAnswer([geminiPreamble, ...geminiFrames(saying)]),
  frames: (saying) => [geminiPreamble, ...geminiFrames(saying)],
  preambleFrames: 1,
  error: (status, message) => geminiError(status, message),
  contextTooLong: () => geminiError(400, 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).'),
  errorFrame: (message = 'The model is overloaded. Please try again later.') =>
    `data: ${JSON.stringify({ error: { code: 503, message, status: 'UNAVAILABLE' } })}\r\n\r\n`,
  errorInside200: (message) => geminiError(500, message, 200),
}

export const clientScripts: Readonly<Record<ClientWire, WireScripts>> = {
  'openai-chat': chat,
  'openai-responses': responses,
  'anthropic-messages': messages,
  gemini,
}

/** How a provider of that wire alone is declared at an origin. */
export function providerOf(wire: ClientWire, origin: string): JsonObject {
  const vendor = { 'openai-chat': 'openai', 'openai-responses': 'openai', 'anthropic-messages': 'anthropic', gemini: 'gemini' }[wire]
  const base = { 'openai-chat': '/v1', 'openai-responses': '/v1', 'anthropic-messages': '', gemini: '/v1beta' }[wire]
  return { vendor, base_url: origin + base, wires: [wire], credentials: [{ value: 'sk-provider-secret-1' }] }
}

/** Path and body of a request of that wire. */
export function clientRequest(wire: ClientWire, model: string, stream: boolean, text: string): { path: string; body: JsonObject } {
  const { path } = clientScripts[wire]
  switch (wire) {
    case 'openai-chat':
    case 'anthropic-messages':
      return { path, body: { model, stream, max_tokens: 100, messages: [{ role: 'user', content: text }] } }
    case 'openai-responses':
      return { path, body: { model, stream, max_output_tokens: 100, input: text } }
    case 'gemini': {
      const operation = stream ? 'streamGenerateContent?alt=sse' : 'generateContent'
      return { path: `/v1beta/models/${model}:${operation}`, body: { contents: [{ role: 'user', parts: [{ text }] }] } }
    }
  }
}

/** An answer as it came over the socket. */
export type Heard = {
  readonly status: number
  readonly id: string
  readonly headers: Headers
  readonly body: string
  /** The transport said that the answer is whole: the length fits, or the last chunk came. */
  readonly whole: boolean
}

export async function hear(response: Response): Promise<Heard> {
  let body = ''
  let whole = true
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body!) body += decoder.decode(chunk, { stream: true })
  } catch {
    whole = false
  }
  return { status: response.status, id: response.headers.get('x-turnpike-request-id')!, headers: response.headers, body, whole }
}

export function framesIn(body: string): SseFrame[] {
  const frames: SseFrame[] = []
  const parser = createSseParser()
  const take = ({ event, data }: { event?: string; data: string | undefined }): void => {
    if (data !== undefined) frames.push({ ...(event === undefined ? {} : { event }), data })
  }
  parser.push(Buffer.from(body), take)
  parser.end(take)
  return frames
}

/** What a reader of the wire makes of a stream. */
export function eventsIn(wire: ClientWire, body: string): StreamEvent[] {
  const decoder = codecOf(wire).egress.createStreamDecoder({})
  return [...framesIn(body).flatMap((frame) => decoder.push(frame)), ...decoder.end()]
}

export function textIn(events: readonly StreamEvent[]): string {
  return events.map((event) => (event.type === 'part-delta' ? event.text : '')).join('')
}

/** What a stream of each wire never holds unless its answer is complete: documented marks, read without any decoder of ours. */
const completeMarks: Readonly<Record<ClientWire, RegExp>> = {
  'openai-chat': /data: ?\[DONE\]|"finish_reason":\s*"/,
  'openai-responses': /"type":\s*"response\.(?:completed|incomplete)"/,
  'anthropic-messages': /"type":\s*"message_stop"|"stop_reason":\s*"/,
  gemini: /"finishReason":\s*"/,
}

export function looksComplete(wire: ClientWire, body: string): boolean {
  return completeMarks[wire].test(body)
}

/** The error that a stream ends with, in the wire's own form; undefined when its last event is none. */
export function errorAtEnd(wire: ClientWire, body: string): JsonObject | undefined {
  const last = framesIn(body).at(-1)
  if (last === undefined) return undefined
  const data = JSON.parse(last.data) as JsonObject
  switch (wire) {
    case 'openai-chat':
    case 'gemini':
      return data['error'] as JsonObject | undefined
    case 'anthropic-messages':
      return data['type'] === 'error' && last.event === 'error' ? (data['error'] as JsonObject) : undefined
    case 'openai-responses':
      if (data['type'] === 'response.failed') return (data['response'] as JsonObject)['error'] as JsonObject
      return data['type'] === 'error' ? data : undefined
  }
}
