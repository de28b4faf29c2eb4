// Ready-made answers of both wires, good and bad, in the shapes that the providers document.
import type { JsonObject, JsonValue } from '#kernel'
import { splitEvents, stall, cut, reset, write, type Answer, type Step } from './answer.ts'
import type { Exchange } from './corpus.ts'

/** The wires that there are scripts of. */
export const scriptedWires = ['openai-chat', 'anthropic-messages'] as const
export type ScriptedWire = (typeof scriptedWires)[number]

export type ScriptedToolCall = { readonly id: string; readonly name: string; readonly args: JsonObject }

/** What an answer says; the same for every wire. */
export type Saying = {
  readonly id?: string
  readonly model?: string
  /** Pieces of text, one stream event each. Default `['Hello', ', ', 'world!']`, or none with tool calls. */
  readonly text?: readonly string[]
  readonly toolCalls?: readonly ScriptedToolCall[]
  /** Input includes what was read from the cache. Default 12 in, 5 out. `null`: the provider says nothing of usage. */
  readonly usage?: { readonly input: number; readonly output: number; readonly cacheRead?: number } | null
  /** In the wire's own words. Default `stop`/`end_turn`, or `tool_calls`/`tool_use`. */
  readonly finish?: string
}

export type ErrorStatus = 400 | 401 | 402 | 403 | 404 | 408 | 413 | 422 | 429 | 500 | 503 | 529
export const errorStatuses: readonly ErrorStatus[] = [400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 503, 529]

/** Every way a provider says when to come back. `message` and `retry-info` say it in the body. */
export type RetryAfterForm = 'seconds' | 'milliseconds' | 'http-date' | 'message' | 'retry-info' | 'none'

/** One wire's ready-made answers. */
export type WireScripts = {
  readonly path: string
  json(saying?: Saying): Answer
  sse(saying?: Saying): Answer
  /** The frames of `sse`, to cut, delay and mix as a test likes. */
  frames(saying?: Saying): string[]
  /** How many of `frames(saying)` come before the first content. */
  preambleFrames: number
  error(status: ErrorStatus, message?: string): Answer
  contextTooLong(): Answer
  /** The one frame of an error inside a stream. */
  errorFrame(message?: string): string
  /** A JSON error body with status 200, whatever was asked. */
  errorInside200(message?: string): Answer
}

const json = { 'content-type': 'application/json' }
const eventStream = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }

function jsonAnswer(status: number, body: JsonValue, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { ...json, ...headers }, body: JSON.stringify(body) }
}

/** A stream of these frames, one packet each, then whatever steps follow. */
export function sseAnswer(frames: readonly string[], ...after: readonly Step[]): Answer {
  return { headers: eventStream, body: [...frames.map(write), ...after] }
}

function said(saying: Saying) {
  const toolCalls = saying.toolCalls ?? []
  return {
    text: saying.text ?? (toolCalls.length > 0 ? [] : ['Hello', ', ', 'world!']),
    toolCalls,
    usage: saying.usage === undefined ? { input: 12, output: 5 } : saying.usage,
  }
}

/** Two pieces of argument text, so that a stream's arguments have to be put together. */
function halves(args: JsonObject): [string, string] {
  const text = JSON.stringify(args)
  const middle = text.length >> 1
  return [text.slice(0, middle), text.slice(middle)]
}

// openai-chat

function chatUsage(saying: Saying): JsonObject | null {
  const { usage } = said(saying)
  if (usage === null) return null
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cacheRead ?? 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
  }
}

function chatFinish(saying: Saying): string {
  return saying.finish ?? (said(saying).toolCalls.length > 0 ? 'tool_calls' : 'stop')
}

function chatJson(saying: Saying = {}): Answer {
  const { text, toolCalls } = said(saying)
  const message: JsonObject = { role: 'assistant', content: text.length > 0 ? text.join('') : null, refusal: null, annotations: [] }
  if (toolCalls.length > 0) {
    message['tool_calls'] = toolCalls.map((call) => ({
      id: call.id,
      type: 'function',
      function: { name: call.name, arguments: JSON.stringify(call.args) },
    }))
  }
  const usage = chatUsage(saying)
  return jsonAnswer(200, {
    id: saying.id ?? 'chatcmpl-scripted1',
    object: 'chat.completion',
    created: 1_780_000_000,
    model: saying.model ?? 'gpt-4o-mini-2024-07-18',
    choices: [{ index: 0, message, logprobs: null, finish_reason: chatFinish(saying) }],
    ...(usage === null ? {} : { usage }),
    service_tier: 'default',
    system_fingerprint: 'fp_scripted',
  })
}

function chatFrames(saying: Saying = {}): string[] {
  const { text, toolCalls } = said(saying)
  const chunk = (choices: JsonValue[], more: JsonObject = {}) =>
    `data: ${JSON.stringify({
      id: saying.id ?? 'chatcmpl-scripted1',
      object: 'chat.completion.chunk',
      created: 1_780_000_000,
      model: saying.model ?? 'gpt-4o-mini-2024-07-18',
      service_tier: 'default',
      system_fingerprint: 'fp_scripted',
      choices,
      ...more,
    })}\n\n`
  const delta = (value: JsonObject, finish: string | null = null) =>
    chunk([{ index: 0, delta: value, logprobs: null, finish_reason: finish }])
  const usage = chatUsage(saying)
  return [
    delta({ role: 'assistant', content: text.length > 0 ? '' : null, refusal: null }),
    ...text.map((piece) => delta({ content: piece })),
    ...toolCalls.flatMap((call, index) => [
      delta({ tool_calls: [{ index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }] }),
      ...halves(call.args).map((piece) => delta({ tool_calls: [{ index, function: { arguments: piece } }] })),
    ]),
    delta({}, chatFinish(saying)),
    ...(usage === null ? [] : [chunk([], { usage })]),
    'data: [DONE]\n\n',
  ]
}

const chatErrors: Readonly<Record<ErrorStatus, { message: string; type: string; param?: string; code: string | null }>> = {
  400: {
    message: "Invalid type for 'temperature': expected a decimal, but got a string instead.",
    type: 'invalid_request_error',
    param: 'temperature',
    code: 'invalid_type',
  },
  401: {
    message: 'Incorrect API key provided: sk-x. You can find your API key in your account settings.',
    type: 'invalid_request_error',
    code: 'invalid_api_key',
  },
  402: { message: 'Insufficient Balance', type: 'unknown_error', code: 'invalid_request_error' },
  403: { message: 'Country, region, or territory not supported', type: 'request_forbidden', code: 'unsupported_country_region_territory' },
  404: {
    message: 'The model `gpt-none` does not exist or you do not have access to it.',
    type: 'invalid_request_error',
    code: 'model_not_found',
  },
  408: { message: 'Request timed out.', type: 'timeout', code: null },
  413: { message: 'Request body is too large.', type: 'invalid_request_error', code: 'request_too_large' },
  422: { message: "Unprocessable: 'messages' must alternate.", type: 'invalid_request_error', param: 'messages', code: null },
  429: {
    message: 'Rate limit reached for gpt-4o-mini on requests per min (RPM): Limit 3, Used 3, Requested 1.',
    type: 'requests',
    code: 'rate_limit_exceeded',
  },
  500: { message: 'The server had an error while processing your request. Sorry about that!', type: 'server_error', code: null },
  503: { message: 'The engine is currently overloaded, please try again later', type: 'server_error', code: null },
  529: { message: 'The server is overloaded', type: 'server_error', code: 'overloaded' },
}

function chatErrorBody(status: ErrorStatus, message?: string): JsonObject {
  const row = chatErrors[status]
  return { error: { message: message ?? row.message, type: row.type, param: row.param ?? null, code: row.code } }
}

export const chat: WireScripts = {
  path: '/v1/chat/completions',
  json: chatJson,
  frames: chatFrames,
  preambleFrames: 1,
  sse: (saying) => sseAnswer(chatFrames(saying)),
  error: (status, message) => jsonAnswer(status, chatErrorBody(status, message)),
  contextTooLong: () =>
    jsonAnswer(400, {
      error: {
        message:
          "This model's maximum context length is 128000 tokens. However, your messages resulted in 130021 tokens. Please reduce the length of the messages.",
        type: 'invalid_request_error',
        param: 'messages',
        code: 'context_length_exceeded',
      },
    }),
  errorFrame: (message) => `data: ${JSON.stringify(chatErrorBody(500, message))}\n\n`,
  errorInside200: (message) => jsonAnswer(200, chatErrorBody(500, message)),
}

/** OpenAI's account without money left: a 429 that no waiting cures. */
export function insufficientQuota(): Answer {
  return jsonAnswer(429, {
    error: {
      message: 'You exceeded your current quota, please check your plan and billing details.',
      type: 'insufficient_quota',
      param: null,
      code: 'insufficient_quota',
    },
  })
}

// anthropic-messages

function messagesUsage(saying: Saying): JsonObject | null {
  const { usage } = said(saying)
  if (usage === null) return null
  // Anthropic's input_tokens exclude what came from the cache.
  const cacheRead = usage.cacheRead ?? 0
  return {
    input_tokens: usage.input - cacheRead,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cacheRead,
    output_tokens: usage.output,
    service_tier: 'standard',
  }
}

function messagesFinish(saying: Saying): string {
  return saying.finish ?? (said(saying).toolCalls.length > 0 ? 'tool_use' : 'end_turn')
}

function messagesHead(saying: Saying): JsonObject {
  return { id: saying.id ?? 'msg_scripted1', type: 'message', role: 'assistant', model: saying.model ?? 'claude-sonnet-4-5-20250929' }
}

function messagesJson(saying: Saying = {}): Answer {
  const { text, toolCalls } = said(saying)
  const usage = messagesUsage(saying)
  return jsonAnswer(200, {
    ...messagesHead(saying),
    content: [
      ...(text.length > 0 ? [{ type: 'text', text: text.join('') }] : []),
      ...toolCalls.map((call) => ({ type: 'tool_use', id: call.id, name: call.name, input: call.args })),
    ],
    stop_reason: messagesFinish(saying),
    stop_sequence: null,
    ...(usage === null ? {} : { usage }),
  })
}

function messagesFrames(saying: Saying = {}): string[] {
  const { text, toolCalls } = said(saying)
  const frame = (type: string, more: JsonObject) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`
  const usage = messagesUsage(saying)
  const blocks: { block: JsonObject; deltas: JsonObject[] }[] = []
  if (text.length > 0)
    blocks.push({ block: { type: 'text', text: '' }, deltas: text.map((piece) => ({ type: 'text_delta', text: piece })) })
  for (const call of toolCalls) {
    blocks.push({
      block: { type: 'tool_use', id: call.id, name: call.name, input: {} },
      deltas: halves(call.args).map((piece) => ({ type: 'input_json_delta', partial_json: piece })),
    })
  }
  return [
    frame('message_start', {
      message: {
        ...messagesHead(saying),
        content: [],
        stop_reason: null,
        stop_sequence: null,
        ...(usage === null ? {} : { usage: { ...usage, output_tokens: 1 } }),
      },
    }),
    frame('ping', {}),
    ...blocks.flatMap(({ block, deltas }, index) => [
      frame('content_block_start', { index, content_block: block }),
      ...deltas.map((delta) => frame('content_block_delta', { index, delta })),
      frame('content_block_stop', { index }),
    ]),
    frame('message_delta', {
      delta: { stop_reason: messagesFinish(saying), stop_sequence: null },
      ...(usage === null ? {} : { usage: { output_tokens: usage['output_tokens'] ?? 0 } }),
    }),
    frame('message_stop', {}),
  ]
}

const messagesErrors: Readonly<Record<ErrorStatus, { type: string; message: string }>> = {
  400: { type: 'invalid_request_error', message: 'max_tokens: Field required' },
  401: { type: 'authentication_error', message: 'invalid x-api-key' },
  402: { type: 'billing_error', message: 'Your credit balance is too low to access the Anthropic API.' },
  403: { type: 'permission_error', message: 'Your API key does not have permission to use the specified resource.' },
  404: { type: 'not_found_error', message: 'model: claude-none' },
  408: { type: 'timeout_error', message: 'Request timed out' },
  413: { type: 'request_too_large', message: 'Request exceeds the maximum size' },
  422: { type: 'invalid_request_error', message: 'messages: roles must alternate' },
  429: { type: 'rate_limit_error', message: 'This request would exceed the rate limit of your organization.' },
  500: { type: 'api_error', message: 'Internal server error' },
  503: { type: 'api_error', message: 'Service temporarily unavailable' },
  529: { type: 'overloaded_error', message: 'Overloaded' },
}

function messagesErrorBody(type: string, message: string): JsonObject {
  return { type: 'error', error: { type, message }, request_id: 'req_scripted1' }
}

export const messages: WireScripts = {
  path: '/v1/messages',
  json: messagesJson,
  frames: messagesFrames,
  // message_start, ping, content_block_start: an empty text block is not content yet.
  preambleFrames: 3,
  sse: (saying) => sseAnswer(messagesFrames(saying)),
  error: (status, message) => jsonAnswer(status, messagesErrorBody(messagesErrors[status].type, message ?? messagesErrors[status].message)),
  contextTooLong: () => jsonAnswer(400, messagesErrorBody('invalid_request_error', 'prompt is too long: 208310 tokens > 200000 maximum')),
  errorFrame: (message) => `event: error\ndata: ${JSON.stringify(messagesErrorBody('overloaded_error', message ?? 'Overloaded'))}\n\n`,
  errorInside200: (message) => jsonAnswer(200, messagesErrorBody('api_error', message ?? 'Internal server error')),
}

export const wireScripts = { 'openai-chat': chat, 'anthropic-messages': messages } as const

// Faults that are the same for every wire

/** A 429 of that wire that says in this form to wait `afterMs` (whole seconds for `seconds` and `http-date`, counted from `nowMs`). */
export function rateLimited(wire: WireScripts, form: RetryAfterForm, afterMs: number, nowMs = Date.now()): Answer {
  const answer = wire.error(429)
  const withHeaders = (headers: Readonly<Record<string, string>>): Answer => ({ ...answer, headers: { ...answer.headers, ...headers } })
  switch (form) {
    case 'none':
      return answer
    case 'seconds':
      return withHeaders({ 'retry-after': String(Math.ceil(afterMs / 1000)) })
    case 'milliseconds':
      return withHeaders({ 'retry-after-ms': String(afterMs), 'retry-after': String(Math.ceil(afterMs / 1000)) })
    case 'http-date':
      return withHeaders({ 'retry-after': new Date(nowMs + afterMs).toUTCString() })
    case 'message':
      return wire.error(
        429,
        `Rate limit reached for tokens per min. Please try again in ${afterMs < 1000 ? `${afterMs}ms` : `${afterMs / 1000}s`}.`,
      )
    case 'retry-info':
      return jsonAnswer(429, {
        error: {
          code: 429,
          message: 'Resource has been exhausted (e.g. check quota).',
          status: 'RESOURCE_EXHAUSTED',
          details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${afterMs / 1000}s` }],
        },
      })
  }
}

export const faults = {
  /** Accepts the request and says nothing. */
  silent: (): Answer => ({ before: [stall()] }),
  /** Closes the connection instead of an answer. */
  hangUp: (): Answer => ({ before: [cut()] }),
  resets: (): Answer => ({ before: [reset()] }),
  empty: (status = 200): Answer => ({ status, headers: json, body: '' }),
  htmlPage: (status = 502): Answer => ({
    status,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: '<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>Error 502</h1></body></html>',
  }),
  /** A JSON answer of that wire whose connection ends in the middle of the body. */
  halfJson(wire: WireScripts, saying?: Saying): Answer {
    const body = String(wire.json(saying).body)
    return { headers: json, body: body.slice(0, body.length >> 1), contentLength: Buffer.byteLength(body) }
  },
  /** The frames before any content, then silence. */
  stallsBeforeContent: (wire: WireScripts): Answer => sseAnswer(wire.frames().slice(0, wire.preambleFrames), stall()),
  /** Head, preamble and one piece of content, then silence. */
  stallsAfterContent: (wire: WireScripts): Answer => sseAnswer(wire.frames().slice(0, wire.preambleFrames + 1), stall()),
  cutsBeforeContent: (wire: WireScripts): Answer => sseAnswer(wire.frames().slice(0, wire.preambleFrames), cut()),
  cutsAfterContent: (wire: WireScripts): Answer => sseAnswer(wire.frames().slice(0, wire.preambleFrames + 1), cut()),
  errorBeforeContent: (wire: WireScripts): Answer => sseAnswer([...wire.frames().slice(0, wire.preambleFrames), wire.errorFrame()]),
  errorAfterContent: (wire: WireScripts): Answer => sseAnswer([...wire.frames().slice(0, wire.preambleFrames + 1), wire.errorFrame()]),
  /** A well-framed stream that ends after its content without saying that it is complete. */
  endsEarly: (wire: WireScripts): Answer => sseAnswer(wire.frames().slice(0, wire.preambleFrames + 3)),
  endsBeforeContent: (wire: WireScripts): Answer => sseAnswer(wire.frames().slice(0, wire.preambleFrames)),
} as const

// Recorded exchanges

/** Belong to the recorded connection, not to the answer: the corpus keeps bodies decoded and whole. */
const hopHeaders = new Set(['content-encoding', 'content-length', 'transfer-encoding', 'connection', 'keep-alive', 'trailer', 'upgrade'])

/** Serves a recorded answer: its status and headers, its body as recorded; streams one event to a packet. */
export function replay(exchange: Exchange): Answer {
  const { status, kind, body } = exchange.resp
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(exchange.resp.headers)) {
    if (!hopHeaders.has(name.toLowerCase())) headers[name.toLowerCase()] = value.replaceAll(/[\r\n]+/g, ' ')
  }
  headers['content-type'] ??= contentTypes.get(kind) ?? 'application/octet-stream'
  if (kind === 'sse' || kind === 'ndjson') return { status, headers, body: kind === 'sse' ? splitEvents(body) : [write(body)] }
  if (kind === 'aws-eventstream' || kind === 'base64') return { status, headers, body: Buffer.from(body, 'base64') }
  return { status, headers, body }
}

const contentTypes = new Map([
  ['json', 'application/json'],
  ['sse', 'text/event-stream'],
  ['ndjson', 'application/x-ndjson'],
  ['aws-eventstream', 'application/vnd.amazon.eventstream'],
])
