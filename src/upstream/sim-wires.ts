// The two wires that the simulator speaks: what it reads of a request, and how it writes an answer, whole or as stream frames.
import { isObject, type JsonObject, type JsonValue } from '#kernel'

/** What the simulator understands of a request. */
export type SimRequest = {
  readonly model: string
  readonly stream: boolean
  /** Stream usage was asked for (always on where the wire has no such switch). */
  readonly streamUsage: boolean
  readonly maxTokens: number | undefined
  readonly lastUserText: string
  /** Everything that was said, for counting. */
  readonly allText: readonly string[]
  readonly firstTool: { readonly name: string; readonly schema: JsonValue | undefined } | undefined
  /** The last tool calls have their results: it is time to answer. */
  readonly toolsAnswered: boolean
}

export type SimUsage = { readonly input: number; readonly output: number }

export type SimAnswer = {
  readonly id: string
  readonly createdSeconds: number
  readonly model: string
  /** Pieces of text, one stream event each. */
  readonly pieces: readonly string[]
  readonly toolCall: { readonly id: string; readonly name: string; readonly args: JsonObject } | undefined
  /** The output cap was reached. */
  readonly capped: boolean
  readonly usage: SimUsage
}

/** Frames of a stream; the head's own frames carry no content. */
export type SimFrames = { readonly preamble: readonly string[]; readonly content: readonly string[]; readonly closing: readonly string[] }

export type SimWire = {
  readonly errorBody: (status: number, message: string) => JsonObject
  readonly errorFrame: (message: string) => string
  readonly readRequest: (body: JsonObject) => SimRequest
  readonly whole: (answer: SimAnswer) => JsonObject
  readonly frames: (answer: SimAnswer, request: SimRequest) => SimFrames
}

export const chatWire: SimWire = {
  errorBody: (status, message) => ({
    error: { message, type: chatErrorType(status), param: null, code: chatErrorCodes.get(status) ?? null },
  }),
  errorFrame: (message) => data({ error: { message, type: 'server_error', param: null, code: null } }),
  readRequest(body) {
    const turns = objects(body['messages'])
    const lastCall = turns.findLastIndex((turn) => objects(turn['tool_calls']).length > 0)
    const tool = objects(body['tools'])
      .map((entry) => entry['function'])
      .find(isObject)
    return {
      model: text(body['model']),
      stream: body['stream'] === true,
      streamUsage: isObject(body['stream_options']) && body['stream_options']['include_usage'] === true,
      maxTokens: cap(body['max_completion_tokens'] ?? body['max_tokens']),
      lastUserText: lastSaid(turns),
      allText: turns.map((turn) => textOf(turn['content'])),
      firstTool: tool === undefined ? undefined : { name: text(tool['name']), schema: tool['parameters'] },
      toolsAnswered: lastCall >= 0 && turns.slice(lastCall + 1).some((turn) => turn['role'] === 'tool'),
    }
  },
  whole(answer) {
    const message: JsonObject = { role: 'assistant', content: answer.toolCall === undefined ? answer.pieces.join('') : null, refusal: null }
    if (answer.toolCall !== undefined) message['tool_calls'] = [chatToolCall(answer.toolCall)]
    return {
      id: `chatcmpl-${answer.id}`,
      object: 'chat.completion',
      created: answer.createdSeconds,
      model: answer.model,
      choices: [{ index: 0, message, logprobs: null, finish_reason: chatFinish(answer) }],
      usage: chatUsage(answer.usage),
    }
  },
  frames(answer, request) {
    const chunk = (choices: JsonValue[], more: JsonObject = {}) =>
      data({
        id: `chatcmpl-${answer.id}`,
        object: 'chat.completion.chunk',
        created: answer.createdSeconds,
        model: answer.model,
        choices,
        ...more,
      })
    const delta = (value: JsonObject, finish: string | null = null) =>
      chunk([{ index: 0, delta: value, logprobs: null, finish_reason: finish }])
    const call = answer.toolCall
    return {
      preamble: [delta({ role: 'assistant', content: call === undefined ? '' : null })],
      content:
        call === undefined
          ? answer.pieces.map((piece) => delta({ content: piece }))
          : [
              delta({ tool_calls: [{ index: 0, ...chatToolCall({ ...call, args: undefined }) }] }),
              delta({ tool_calls: [{ index: 0, function: { arguments: JSON.stringify(call.args) } }] }),
            ],
      closing: [
        delta({}, chatFinish(answer)),
        ...(request.streamUsage ? [chunk([], { usage: chatUsage(answer.usage) })] : []),
        'data: [DONE]\n\n',
      ],
    }
  },
}

export const messagesWire: SimWire = {
  errorBody: (status, message) => ({
    type: 'error',
    error: { type: messagesErrorTypes.get(status) ?? (status < 500 ? 'invalid_request_error' : 'api_error'), message },
  }),
  errorFrame: (message) => event({ type: 'error', error: { type: 'overloaded_error', message } }),
  readRequest(body) {
    const turns = objects(body['messages'])
    const has = (turn: JsonObject, type: string) => objects(turn['content']).some((part) => part['type'] === type)
    const lastCall = turns.findLastIndex((turn) => has(turn, 'tool_use'))
    // A server tool (`type: "web_search_..."`) has no input schema: the model doesn't ask its client for it.
    const tool = objects(body['tools']).find((entry) => isObject(entry['input_schema']))
    return {
      model: text(body['model']),
      stream: body['stream'] === true,
      streamUsage: true,
      maxTokens: cap(body['max_tokens']),
      lastUserText: lastSaid(turns),
      allText: [textOf(body['system']), ...turns.map((turn) => textOf(turn['content']))],
      firstTool: tool === undefined ? undefined : { name: text(tool['name']), schema: tool['input_schema'] },
      toolsAnswered: lastCall >= 0 && turns.slice(lastCall + 1).some((turn) => has(turn, 'tool_result')),
    }
  },
  whole: (answer) => ({
    ...messagesHead(answer),
    content:
      answer.toolCall === undefined
        ? [{ type: 'text', text: answer.pieces.join('') }]
        : [{ type: 'tool_use', id: answer.toolCall.id, name: answer.toolCall.name, input: answer.toolCall.args }],
    stop_reason: messagesFinish(answer),
    stop_sequence: null,
    usage: messagesUsage(answer.usage),
  }),
  frames(answer) {
    const call = answer.toolCall
    const block: JsonObject =
      call === undefined ? { type: 'text', text: '' } : { type: 'tool_use', id: call.id, name: call.name, input: {} }
    const deltas: JsonObject[] =
      call === undefined
        ? answer.pieces.map((piece) => ({ type: 'text_delta', text: piece }))
        : [{ type: 'input_json_delta', partial_json: JSON.stringify(call.args) }]
    const start = event({ type: 'content_block_start', index: 0, content_block: block })
    const message = {
      ...messagesHead(answer),
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...messagesUsage(answer.usage), output_tokens: 0 },
    }
    return {
      preamble: [event({ type: 'message_start', message }), event({ type: 'ping' }), ...(call === undefined ? [start] : [])],
      content: [...(call === undefined ? [] : [start]), ...deltas.map((delta) => event({ type: 'content_block_delta', index: 0, delta }))],
      closing: [
        event({ type: 'content_block_stop', index: 0 }),
        event({
          type: 'message_delta',
          delta: { stop_reason: messagesFinish(answer), stop_sequence: null },
          usage: messagesUsage(answer.usage),
        }),
        event({ type: 'message_stop' }),
      ],
    }
  },
}

const data = (value: JsonObject) => `data: ${JSON.stringify(value)}\n\n`
const event = (value: JsonObject & { type: string }) => `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`

const chatErrorCodes = new Map([
  [401, 'invalid_api_key'],
  [404, 'model_not_found'],
  [429, 'rate_limit_exceeded'],
])

function chatErrorType(status: number): string {
  if (status === 429) return 'requests'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}

const messagesErrorTypes = new Map([
  [401, 'authentication_error'],
  [402, 'billing_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [504, 'timeout_error'],
  [529, 'overloaded_error'],
])

function chatToolCall(call: { id: string; name: string; args: JsonObject | undefined }): JsonObject {
  return {
    id: call.id,
    type: 'function',
    function: { name: call.name, arguments: call.args === undefined ? '' : JSON.stringify(call.args) },
  }
}

function chatFinish(answer: SimAnswer): string {
  return answer.toolCall !== undefined ? 'tool_calls' : answer.capped ? 'length' : 'stop'
}

function messagesFinish(answer: SimAnswer): string {
  return answer.toolCall !== undefined ? 'tool_use' : answer.capped ? 'max_tokens' : 'end_turn'
}

function chatUsage(usage: SimUsage): JsonObject {
  return { prompt_tokens: usage.input, completion_tokens: usage.output, total_tokens: usage.input + usage.output }
}

function messagesUsage(usage: SimUsage): JsonObject {
  return { input_tokens: usage.input, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: usage.output }
}

function messagesHead(answer: SimAnswer): JsonObject {
  return { id: `msg_${answer.id}`, type: 'message', role: 'assistant', model: answer.model }
}

function objects(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : ''
}

/** The text of a content field: a string, or the text parts of a list. */
function textOf(content: JsonValue | undefined): string {
  if (typeof content === 'string') return content
  return objects(content)
    .filter((part) => part['type'] === 'text')
    .map((part) => text(part['text']))
    .join('\n')
}

/**
 * What OpenClaw adds to the user's words: a context block, often a user message of its own after them, and a line about its runtime. It
 * hides the block in answers too: one that only echoed it would look empty.
 */
const agentContext = /<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>[\s\S]*?<<<END_OPENCLAW_INTERNAL_CONTEXT>>>|\n+Runtime: agent=[^\n]*/g

/** The last words that a user said; empty when there are none. */
function lastSaid(turns: readonly JsonObject[]): string {
  for (const turn of turns.toReversed()) {
    const said = turn['role'] === 'user' ? textOf(turn['content']).replace(agentContext, '') : ''
    if (said.trim() !== '') return said
  }
  return ''
}

function cap(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' && value >= 1 ? Math.floor(value) : undefined
}
