// Messages -> turns.
import { asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { AssistantPart, PartExtras, Seal, SystemTurn, ToolCallPart, ToolResultPart, Turn, UserPart } from '#ir'
import { present } from '#wires/present'
import { decodeAnnotations } from './annotations.ts'
import { decodeContent, decodeTextContent } from './decode-parts.ts'
import { asExt, cacheOf, isGiven, readArray, readName, readObject, restOf, wrong } from './fields.ts'
import { decodeReasoning } from './reasoning-details.ts'

/** Runs of `tool` messages become one user turn: they answer one assistant turn. */
export function decodeMessages(messages: readonly JsonValue[]): Turn[] {
  const turns: Turn[] = []
  let results: ToolResultPart[] | undefined
  let lastFunctionCall: string | undefined
  messages.forEach((value, at) => {
    const path = `messages[${at}]`
    const message = readObject(value, path)
    const role = message['role']
    if (role === 'tool' || role === 'function') {
      const part = decodeToolResult(message, path, role === 'function' ? (lastFunctionCall ?? `call_${at}`) : undefined)
      if (results === undefined) {
        results = []
        turns.push({ role: 'user', parts: results })
      }
      results.push(part)
      return
    }
    results = undefined
    if (role === 'assistant') {
      if (isObject(message['function_call'])) lastFunctionCall = `call_${at}`
      turns.push(decodeAssistant(message, path, at))
    } else if (role === 'user') turns.push(decodeUser(message, path))
    else if (role === 'system' || role === 'developer') turns.push(decodeSystem(message, role, path))
    else
      wrong(
        `${path}.role`,
        "one of 'system', 'developer', 'user', 'assistant', 'tool'",
        isGiven(role) && typeof role !== 'string' ? role : undefined,
      )
  })
  return turns
}

const plainFields = new Set(['role', 'content', 'name', 'cache_control'])

function decodeSystem(message: JsonObject, authority: SystemTurn['authority'], path: string): Turn {
  const parts = marked(decodeTextContent(message['content'], `${path}.content`), message)
  return { role: 'system', authority, parts, ...asExt(restOf(message, systemFields)) }
}
const systemFields = new Set(['role', 'content', 'cache_control'])

function decodeUser(message: JsonObject, path: string): Turn {
  const parts = decodeContent(message['content'], `${path}.content`).map((part, index): UserPart => {
    if (part.type === 'refusal' || part.type === 'reasoning') return wrong(`${path}.content[${index}].type`, 'a part that users write')
    return part
  })
  return { role: 'user', parts: marked(parts, message), ...nameOf(message), ...asExt(restOf(message, plainFields)) }
}

const assistantFields = new Set([
  ...plainFields,
  'tool_calls',
  'function_call',
  'refusal',
  'reasoning_content',
  'reasoning',
  'reasoning_details',
])
const citedFields = new Set([...assistantFields, 'annotations'])

function decodeAssistant(message: JsonObject, path: string, at: number): Turn {
  const refusal = asText(message['refusal'])
  const calls = isGiven(message['tool_calls']) ? readArray(message['tool_calls'], `${path}.tool_calls`) : []
  const legacy = message['function_call']
  const content = decodeContent(message['content'], `${path}.content`)
  const annotations = isGiven(message['annotations']) ? readArray(message['annotations'], `${path}.annotations`) : []
  const cited = decodeAnnotations(content, annotations)
  const words: AssistantPart[] = [
    ...decodeReasoning(message),
    ...(cited ?? content),
    ...(refusal === undefined ? [] : [{ type: 'refusal' as const, text: refusal }]),
  ]
  const called: AssistantPart[] = [
    ...calls.map((call, index) =>
      decodeToolCall(readObject(call, `${path}.tool_calls[${index}]`), `${path}.tool_calls[${index}]`, `call_${at}_${index}`),
    ),
    ...(isObject(legacy) ? [decodeToolCall({ function: legacy }, `${path}.function_call`, `call_${at}`)] : []),
  ]
  const parts = words.length > 0 ? [...marked(words, message), ...called] : marked(called, message)
  return { role: 'assistant', parts, ...nameOf(message), ...asExt(restOf(message, cited === undefined ? assistantFields : citedFields)) }
}

const callFields = new Set(['id', 'type', 'function', 'custom', 'index', 'extra_content', 'cache_control'])

function decodeToolCall(call: JsonObject, path: string, fallbackId: string): ToolCallPart {
  const isCustom = call['type'] === 'custom'
  const body = readObject(call[isCustom ? 'custom' : 'function'], `${path}.${isCustom ? 'custom' : 'function'}`)
  return present<ToolCallPart>({
    type: 'tool-call',
    id: asText(call['id']) ?? fallbackId,
    name: readName(body['name'], `${path}.${isCustom ? 'custom' : 'function'}.name`),
    args: argsText(body[isCustom ? 'input' : 'arguments']),
    ranBy: 'client',
    kind: isCustom ? 'custom' : undefined,
    seal: thoughtSignature(call),
    ...cacheOf(call),
    ...asExt(restOf(call, callFields)),
  })
}

/** Argument text as it was written; some servers and clients send the object itself. */
export function argsText(value: JsonValue | undefined): string {
  if (typeof value === 'string') return value
  return isGiven(value) ? JSON.stringify(value) : ''
}

/** Gemini's OpenAI-compatible endpoint seals tool calls, and demands the seal back. */
export function thoughtSignature(call: JsonObject): Seal | undefined {
  const extra = call['extra_content']
  const google = isObject(extra) ? extra['google'] : undefined
  const data = isObject(google) ? asText(google['thought_signature']) : undefined
  return data === undefined ? undefined : { domain: 'google', kind: 'signature', data }
}

const resultFields = new Set(['role', 'content', 'tool_call_id', 'cache_control'])

function decodeToolResult(message: JsonObject, path: string, functionCallId: string | undefined): ToolResultPart {
  const id = functionCallId ?? readName(message['tool_call_id'], `${path}.tool_call_id`)
  const output = decodeContent(message['content'], `${path}.content`).map((part, index): ToolResultPart['output'][number] => {
    if (part.type === 'refusal' || part.type === 'reasoning') return wrong(`${path}.content[${index}].type`, 'a part that tools return')
    return part
  })
  return { type: 'tool-result', id, output, ...cacheOf(message), ...asExt(restOf(message, resultFields)) }
}

function nameOf(message: JsonObject): { name?: string } {
  const name = asText(message['name'])
  return name === undefined ? {} : { name }
}

/** A mark on a message marks the end of it: its last part. */
function marked<P extends PartExtras>(parts: P[], message: JsonObject): P[] {
  const { cache } = cacheOf(message)
  const last = parts.at(-1)
  if (cache !== undefined && last !== undefined) parts[parts.length - 1] = { ...last, cache }
  return parts
}
