// An Anthropic client's request -> IR.
import { asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Note, OutputFormat, Reasoning, Request, TextPart, Tool, ToolChoice, Turn } from '#ir'
import { decodeAssistantBlock, decodeContent, decodeTextBlock, decodeUserBlock, readCache } from './decode-blocks.ts'
import {
  isGiven,
  readArray,
  readCount,
  readFlag,
  readName,
  readNumber,
  readObject,
  readText,
  restOf,
  typeOf,
  wire,
  wrong,
} from './fields.ts'

/** Throws `invalid_request` that names the field. Nothing is lost in reading: what has no word goes to `ext` or stays opaque. */
export function decodeRequest(body: JsonObject): { readonly request: Request; readonly notes: readonly Note[] } {
  const maxOutputTokens = readCount(body['max_tokens'], 'max_tokens')
  if (maxOutputTokens === undefined) wrong('max_tokens', 'this field is required')
  if (isGiven(body['thread'])) wrong('thread', 'this model keeps no conversations; send all messages and no thread')
  return { request: { ...decodePrompt(body), maxOutputTokens }, notes: [] }
}

/** What `/v1/messages` and `/v1/messages/count_tokens` share: everything but `max_tokens`. */
export function decodePrompt(body: JsonObject): Request {
  const choice = decodeToolChoice(body['tool_choice'])
  const reasoning = decodeReasoning(body)
  const output = decodeOutput(body)
  const ext = decodeExt(body)
  const user =
    isObject(body['metadata']) && isGiven(body['metadata']['user_id'])
      ? readText(body['metadata']['user_id'], 'metadata.user_id')
      : undefined
  const tier = isGiven(body['service_tier']) ? readText(body['service_tier'], 'service_tier') : undefined
  const request: Request = {
    model: readName(body['model'], 'model'),
    turns: [...decodeSystem(body['system']), ...decodeMessages(body['messages'])],
    stream: readFlag(body['stream'], 'stream') ?? false,
    ...optional('tools', isGiven(body['tools']) ? readArray(body['tools'], 'tools').map(decodeTool) : undefined),
    ...choice,
    ...optional('stop', decodeStop(body['stop_sequences'])),
    ...optional('temperature', readNumber(body['temperature'], 'temperature')),
    ...optional('topP', readSampling(body, 'top_p')),
    ...optional('topK', readSampling(body, 'top_k')),
    ...optional('reasoning', reasoning),
    ...optional('output', output),
    // OpenAI's word for it is in the IR.
    ...optional('serviceTier', tier === 'standard_only' ? 'default' : tier),
    ...optional('user', user),
    ...optional('ext', ext),
  }
  return request
}

/** LangChain writes -1 where nothing is set, and Anthropic takes it so. */
function readSampling(body: JsonObject, key: string): number | undefined {
  const value = readNumber(body[key], key)
  return value === undefined || value < 0 ? undefined : value
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V })
}

function decodeSystem(system: JsonValue | undefined): Turn[] {
  if (!isGiven(system) || system === '') return []
  const parts = decodeSystemParts(system, 'system')
  return parts.length === 0 ? [] : [{ role: 'system', authority: 'system', parts }]
}

function decodeSystemParts(content: JsonValue | undefined, path: string): TextPart[] {
  return decodeContent(content, path, (block, blockPath) => {
    if (block['type'] !== 'text') wrong(`${blockPath}.type`, 'system content can only be text')
    return decodeTextBlock(block, blockPath)
  })
}

function decodeMessages(value: JsonValue | undefined): Turn[] {
  const messages = readArray(value, 'messages')
  if (messages.length === 0) wrong('messages', 'at least one message is required')
  return messages.map((item, i) => decodeTurn(readObject(item, `messages.${i}`), `messages.${i}`))
}

const messageKeys = new Set(['role', 'content'])

function decodeTurn(message: JsonObject, path: string): Turn {
  const role = readText(message['role'], `${path}.role`)
  const rest = restOf(message, messageKeys)
  const content = message['content']
  switch (role) {
    case 'user':
      return { role, parts: decodeContent(content, `${path}.content`, decodeUserBlock), ...rest }
    case 'assistant':
      return { role, parts: decodeContent(content, `${path}.content`, decodeAssistantBlock), ...rest }
    case 'system':
      return { role, authority: 'system', parts: decodeSystemParts(content, `${path}.content`), ...rest }
    default:
      return wrong(`${path}.role`, `must be "user", "assistant" or "system", not ${JSON.stringify(role)}`)
  }
}

const toolKeys = new Set(['type', 'name', 'description', 'input_schema', 'strict', 'cache_control'])

function decodeTool(item: JsonValue, i: number): Tool {
  const path = `tools.${i}`
  const tool = readObject(item, path)
  const type = isGiven(tool['type']) ? readName(tool['type'], `${path}.type`) : 'custom'
  // Anything with a dated type (web_search_20250305, bash_20250124, ...) is Anthropic's own, run there or known to its models.
  if (type !== 'custom') return { type: 'hosted', wire, kind: type, value: tool }
  return {
    type: 'function',
    name: readName(tool['name'], `${path}.name`),
    ...optional('description', isGiven(tool['description']) ? readText(tool['description'], `${path}.description`) : undefined),
    ...optional('input', isGiven(tool['input_schema']) ? readObject(tool['input_schema'], `${path}.input_schema`) : undefined),
    ...optional('strict', readFlag(tool['strict'], `${path}.strict`)),
    ...readCache(tool['cache_control'], `${path}.cache_control`),
    ...restOf(tool, toolKeys),
  }
}

function decodeToolChoice(value: JsonValue | undefined): { toolChoice?: ToolChoice; parallelToolCalls?: boolean } {
  if (!isGiven(value)) return {}
  const choice = readObject(value, 'tool_choice')
  const single = readFlag(choice['disable_parallel_tool_use'], 'tool_choice.disable_parallel_tool_use')
  const parallel = single === undefined ? {} : { parallelToolCalls: !single }
  const type = typeOf(choice)
  switch (type) {
    case 'auto':
    case 'none':
      return { toolChoice: { mode: type }, ...parallel }
    case 'any':
      return { toolChoice: { mode: 'required' }, ...parallel }
    case 'tool':
      return { toolChoice: { mode: 'tool', name: readName(choice['name'], 'tool_choice.name') }, ...parallel }
    default:
      return wrong('tool_choice.type', 'must be "auto", "any", "tool" or "none"')
  }
}

function decodeStop(value: JsonValue | undefined): string[] | undefined {
  if (!isGiven(value)) return undefined
  return readArray(value, 'stop_sequences').map((item, i) => readText(item, `stop_sequences.${i}`))
}

/** `thinking` is how, `output_config.effort` how much. A thinking type that is newer than this version stays in `ext`. */
function decodeReasoning(body: JsonObject): Reasoning | undefined {
  const config = isObject(body['output_config']) ? body['output_config'] : {}
  const effort = asText(config['effort'])
  const thinking = isGiven(body['thinking']) ? readObject(body['thinking'], 'thinking') : undefined
  const mode = thinking === undefined ? undefined : modeOfThinking(thinking)
  if (mode === undefined && effort === undefined) return undefined
  const display = thinking === undefined ? undefined : asText(thinking['display'])
  const budget = mode === 'on' ? readCount(thinking?.['budget_tokens'], 'thinking.budget_tokens') : undefined
  return {
    ...optional('mode', mode),
    ...optional('effort', effort),
    ...optional('budgetTokens', budget),
    ...(mode === undefined ? {} : optional('display', display)),
  }
}

function modeOfThinking(thinking: JsonObject): 'on' | 'off' | 'adaptive' | undefined {
  const type = readName(thinking['type'], 'thinking.type')
  if (type === 'enabled') return 'on'
  if (type === 'disabled') return 'off'
  return type === 'adaptive' ? 'adaptive' : undefined
}

function decodeOutput(body: JsonObject): OutputFormat | undefined {
  if (isGiven(body['output_config'])) readObject(body['output_config'], 'output_config')
  const config = isObject(body['output_config']) ? body['output_config'] : {}
  // `output_format` is the field's older name (beta structured-outputs-2025-11-13).
  const [format, path] = isGiven(config['format']) ? [config['format'], 'output_config.format'] : [body['output_format'], 'output_format']
  if (!isObject(format) || format['type'] !== 'json_schema') return undefined
  return { type: 'json-schema', schema: readObject(format['schema'], `${path}.schema`) }
}

const requestKeys = new Set([
  'model',
  'messages',
  'max_tokens',
  'system',
  'stream',
  'temperature',
  'top_p',
  'top_k',
  'stop_sequences',
  'tools',
  'tool_choice',
  'service_tier',
])
const userKeys = new Set(['user_id'])

function decodeExt(body: JsonObject): Request['ext'] {
  const rest: JsonObject = {}
  for (const [key, value] of Object.entries(body)) {
    if (requestKeys.has(key) || value === null) continue
    const kept = restOfField(key, value)
    if (kept !== undefined) rest[key] = kept
  }
  // Effort without `thinking` leaves it to the model whether to think, which OpenAI's effort does not: null says so on the way back.
  if (isObject(body['output_config']) && asText(body['output_config']['effort']) !== undefined && !isGiven(body['thinking']))
    rest['thinking'] = null
  return Object.keys(rest).length === 0 ? undefined : { [wire]: rest }
}

/** What of a field that is partly read remains for `ext`. */
function restOfField(key: string, value: JsonValue): JsonValue | undefined {
  switch (key) {
    case 'metadata':
      return without(readObject(value, key), userKeys)
    case 'output_config': {
      const format = isObject(value) && isObject(value['format']) && value['format']['type'] === 'json_schema'
      return without(readObject(value, key), new Set(format ? ['effort', 'format'] : ['effort']))
    }
    case 'output_format':
      return isObject(value) && value['type'] === 'json_schema' ? undefined : value
    case 'thinking':
      return isObject(value) && modeOfThinking(value) !== undefined ? undefined : value
    default:
      return value
  }
}

function without(object: JsonObject, known: ReadonlySet<string>): JsonObject | undefined {
  return restOf(object, known).ext?.[wire]
}
