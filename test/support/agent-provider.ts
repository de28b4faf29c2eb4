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
  /** What tools returned, as text. */
  readonly results: readonly string[]
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
      return {
        stream: body['stream'] === true,
        tools: names(list(body['tools']).map((tool) => tool['function'] as JsonObject)),
        results: list(body['messages']).flatMap(({ role, content }) => (role === 'tool' ? [textOf(content)] : [])),
      }
    },
    answer: (saying, stream) => (stream ? chat.sse(saying) : chat.json(saying)),
  },
  'openai-responses': {
    path: /^\/v1\/responses$/,
    read(request) {
      const body = request.json()
      return {
        stream: body['stream'] === true,
        tools: names(list(body['tools'])),
        results: list(body['input']).flatMap(({ type, output }) => (String(type).endsWith('_call_output') ? [textOf(output)] : [])),
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
        results: blocks.flatMap(({ type, content }) => (type === 'tool_result' ? [textOf(content)] : [])),
      }
    },
    answer: (saying, stream) => (stream ? messages.sse(saying) : messages.json(saying)),
  },
  gemini: {
    path: /^\/v1beta\/models\/[^/]+:(?:generateContent|streamGenerateContent)$/,
    read(request) {
      const body = request.json()
      const parts = list(body['contents']).flatMap((content) => list(content['parts']))
      return {
        stream: request.url.includes(':streamGenerateContent'),
        tools: names(list(body['tools']).flatMap((tool) => list(tool['functionDeclarations']))),
        results: parts.flatMap((part) => (part['functionResponse'] === undefined ? [] : [textOf(part['functionResponse'])])),
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

export function createAgent(upstream: ScriptedUpstream, wire: ClientWire): Agent {
  const script = agentScripts[wire]
  const asked: (AgentRequest & { received: Received })[] = []
  let task: { about: string; call: ToolChoice } | undefined
  upstream.route(
    ({ url }) => script.path.test(url.split('?', 1)[0]!),
    (received) => {
      const request = script.read(received)
      asked.push({ ...request, received })
      return script.answer(say(request, received), request.stream)
    },
  )

  function say({ tools, results }: AgentRequest, received: Received): Saying {
    if (results.length > 0) {
      const found = results.map((result) => token.exec(result)?.[0]).find((one) => one !== undefined)
      return { text: found === undefined ? ['No token in ', results.join(' ')] : ['The note says ', `${found}.`] }
    }
    const call = task !== undefined && received.body.includes(task.about) ? task.call(new Set(tools)) : undefined
    if (call !== undefined) return { toolCalls: [{ id: 'call_a1B2c3D4e5', ...call }] }
    return { text: ['Good day ', 'from the provider.'] }
  }

  return { asked, expect: (next) => void (task = next) }
}
