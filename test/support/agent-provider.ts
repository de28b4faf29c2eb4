// A provider that behaves like a coding agent's model, on any wire that clients speak: has a tool of the client used, then says what it found.
import type { ClientWire } from '#ir'
import type { JsonObject, JsonValue } from '#kernel'
import type { Answer } from './answer.ts'
import { geminiScript } from './gemini-script.ts'
import { responsesScript } from './responses-script.ts'
import { chat, messages, type Saying } from './scripts.ts'
import type { Received, ScriptedUpstream } from './upstream.ts'

/** What a request of any wire has for the one who answers it. */
export type AgentRequest = {
  readonly stream: boolean
  /** Names of the tools that the client offers. */
  readonly tools: readonly string[]
  /** What marks the calls in the conversation: their ids; their names, where there are no ids. */
  readonly calls: readonly unknown[]
  readonly results: readonly { readonly call: unknown; readonly text: string }[]
  /** Only what is new was sent: the provider keeps the conversation. */
  readonly continued?: boolean
}

export type ScriptedCall = { readonly name: string; readonly args: JsonObject }

export type AgentScript = {
  /** Where requests come in, below the provider's origin. */
  readonly path: RegExp
  read(request: Received): AgentRequest
  answer(saying: Saying, stream: boolean): Answer
}

const list = (value: unknown): JsonObject[] => (Array.isArray(value) ? (value as JsonObject[]) : [])
const names = (tools: readonly JsonObject[]): string[] => tools.flatMap(({ name }) => (typeof name === 'string' ? [name] : []))
const textOf = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : JSON.stringify(value ?? null))

export const agentScripts: Readonly<Record<ClientWire, AgentScript>> = {
  'openai-chat': {
    path: /^\/v1\/chat\/completions$/,
    read(request) {
      const body = request.json()
      const messages = list(body['messages'])
      return {
        stream: body['stream'] === true,
        tools: names(list(body['tools']).map((tool) => tool['function'] as JsonObject)),
        calls: messages.flatMap((message) => list(message['tool_calls']).map(({ id }) => id)),
        results: messages.flatMap(({ role, tool_call_id: call, content }) => (role === 'tool' ? [{ call, text: textOf(content) }] : [])),
      }
    },
    answer: (saying, stream) => (stream ? chat.sse(saying) : chat.json(saying)),
  },
  'openai-responses': {
    path: /^\/v1\/responses$/,
    read(request) {
      const body = request.json()
      const items = list(body['input'])
      const ending = (end: string) => items.filter(({ type }) => String(type).endsWith(end))
      return {
        stream: body['stream'] === true,
        tools: names(list(body['tools'])),
        calls: ending('_call').map(({ call_id: id }) => id),
        results: ending('_call_output').map(({ call_id: call, output }) => ({ call, text: textOf(output) })),
      }
    },
    answer: responsesScript,
  },
  'anthropic-messages': {
    path: /^\/v1\/messages$/,
    read(request) {
      const body = request.json()
      const blocks = list(body['messages']).flatMap(({ content }) => list(content))
      return {
        stream: body['stream'] === true,
        tools: names(list(body['tools'])),
        calls: blocks.flatMap(({ type, id }) => (type === 'tool_use' ? [id] : [])),
        results: blocks.flatMap(({ type, tool_use_id: call, content }) =>
          type === 'tool_result' ? [{ call, text: textOf(content) }] : [],
        ),
        continued: (body['thread'] as JsonObject | undefined)?.['type'] === 'continue',
      }
    },
    answer: (saying, stream) => (stream ? messages.sse(saying) : messages.json(saying)),
  },
  gemini: {
    path: /^\/v1beta\/models\/[^/]+:(?:generateContent|streamGenerateContent)$/,
    read(request) {
      const body = request.json()
      const parts = list(body['contents']).flatMap((content) => list(content['parts']))
      const inParts = (field: string) => parts.flatMap((part) => (part[field] === undefined ? [] : [part[field] as JsonObject]))
      return {
        stream: request.url.includes(':streamGenerateContent'),
        tools: names(list(body['tools']).flatMap((tool) => list(tool['functionDeclarations']))),
        calls: inParts('functionCall').map(({ name }) => name),
        results: inParts('functionResponse').map(({ name, response }) => ({ call: name, text: textOf(response) })),
      }
    },
    answer: geminiScript,
  },
}

/** Says whether it is called, and how: undefined, as long as the client does not offer what is needed. */
export type ToolChoice = (tools: ReadonlySet<string>) => ScriptedCall | undefined

export type Agent = {
  /** Requests for answers, in order, with what was in them. */
  readonly asked: readonly (AgentRequest & { readonly received: Received })[]
  /** What the next requests are about. Tools are used only for requests in which `about` stands. */
  expect(task: { readonly about: string; readonly call: ToolChoice } | undefined): void
}

/** What is found in a tool's result and said again. */
const token = /TKN-[0-9a-f]{16}/
export const plainWords = 'Good day from the provider.'

function refusal(message: string): Answer {
  const body = { type: 'error', error: { type: 'invalid_request_error', code: 400, status: 'INVALID_ARGUMENT', message } }
  return { status: 400, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

export function createAgent(upstream: ScriptedUpstream, wire: ClientWire): Agent {
  const script = agentScripts[wire]
  const asked: (AgentRequest & { received: Received })[] = []
  let task: { about: string; call: ToolChoice } | undefined
  upstream.route(
    ({ url }) => script.path.test(url.split('?', 1)[0]!),
    (received) => {
      const request = script.read(received)
      asked.push({ ...request, received })
      const stray = request.results.find(({ call }) => !request.calls.includes(call))
      // As every provider does.
      if (stray !== undefined && request.continued !== true) return refusal(`a tool's result without its call: ${String(stray.call)}`)
      return script.answer(say(request, received), request.stream)
    },
  )

  function say({ tools, results }: AgentRequest, received: Received): Saying {
    if (results.length > 0) {
      const found = results.map(({ text }) => token.exec(text)?.[0]).find((one) => one !== undefined)
      return { text: found === undefined ? ['No token in ', results.map(({ text }) => text).join(' ')] : ['The note says ', `${found}.`] }
    }
    const call = task !== undefined && received.body.includes(task.about) ? task.call(new Set(tools)) : undefined
    if (call !== undefined) return { toolCalls: [{ id: 'call_a1B2c3D4e5', ...call }] }
    return { text: ['Good day ', 'from the provider.'] }
  }

  return { asked, expect: (next) => void (task = next) }
}
