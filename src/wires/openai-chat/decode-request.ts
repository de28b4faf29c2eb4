// A chat completion request -> IR.
import { asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { FunctionTool, Note, OutputFormat, Reasoning, Request, Tool, ToolChoice } from '#ir'
import { present } from '#wires/present'
import { decodeMessages } from './decode-messages.ts'
import {
  asExt,
  cacheOf,
  isGiven,
  optionalCount,
  optionalFlag,
  optionalNumber,
  optionalText,
  readArray,
  readName,
  readObject,
  readText,
  restOf,
  wire,
  wrong,
} from './fields.ts'

/** Fields that the IR has words for; everything else is kept verbatim for targets of this wire. */
const known = new Set([
  'model',
  'messages',
  'stream',
  'stream_options',
  'tools',
  'functions',
  'tool_choice',
  'function_call',
  'parallel_tool_calls',
  'max_tokens',
  'max_completion_tokens',
  'stop',
  'temperature',
  'top_p',
  'seed',
  'frequency_penalty',
  'presence_penalty',
  'n',
  'logprobs',
  'top_logprobs',
  'reasoning_effort',
  'response_format',
  'verbosity',
  'service_tier',
  'user',
  'prompt_cache_key',
])

/** Throws `Failure('invalid_request')` that names the field. Null means absent, as OpenAI's own SDKs send it. */
export function decodeRequest(body: JsonObject): { request: Request; notes: readonly Note[] } {
  const notes: Note[] = []
  const ext: JsonObject = restOf(body, known) ?? {}
  const messages = readArray(body['messages'], 'messages')
  if (messages.length === 0) wrong('messages', 'an array with at least one message')
  const tools = decodeTools(body)
  const request = present<Request>({
    model: readName(body['model'], 'model'),
    turns: decodeMessages(messages),
    stream: optionalFlag(body, 'stream') ?? false,
    tools: tools.length > 0 ? tools : undefined,
    toolChoice: decodeToolChoice(body, ext),
    parallelToolCalls: optionalFlag(body, 'parallel_tool_calls'),
    maxOutputTokens: decodeCap(body, notes),
    stop: decodeStop(body['stop']),
    temperature: optionalNumber(body, 'temperature'),
    topP: optionalNumber(body, 'top_p'),
    // Not OpenAI's, but of many that are compatible: kept verbatim for them, and read for the others.
    topK: optionalNumber(body, 'top_k'),
    seed: optionalNumber(body, 'seed'),
    frequencyPenalty: optionalNumber(body, 'frequency_penalty'),
    presencePenalty: optionalNumber(body, 'presence_penalty'),
    n: optionalCount(body, 'n'),
    logprobs: decodeLogprobs(body, ext),
    reasoning: decodeEffort(body),
    output: decodeFormat(body, ext),
    verbosity: optionalText(body, 'verbosity'),
    serviceTier: optionalText(body, 'service_tier'),
    user: optionalText(body, 'user') ?? optionalText(body, 'safety_identifier'),
    cacheKey: optionalText(body, 'prompt_cache_key'),
    ext: undefined,
  })
  keepStreamOptions(body['stream_options'], ext)
  return { request: { ...request, ...asExt(Object.keys(ext).length > 0 ? ext : undefined) }, notes }
}

function decodeCap(body: JsonObject, notes: Note[]): number | undefined {
  const cap = optionalCount(body, 'max_completion_tokens')
  const older = optionalCount(body, 'max_tokens')
  if (cap !== undefined && older !== undefined && cap !== older) {
    notes.push({ code: 'dropped', path: 'max_tokens', why: 'max_completion_tokens says something else and is the newer word' })
  }
  return cap ?? older
}

/** Together and others write the number into `logprobs` itself: kept for them, and understood. */
function decodeLogprobs(body: JsonObject, ext: JsonObject): number | undefined {
  if (typeof body['logprobs'] === 'number') {
    const count = optionalCount(body, 'logprobs')!
    ext['logprobs'] = count
    return count
  }
  const top = optionalCount(body, 'top_logprobs')
  if (optionalFlag(body, 'logprobs') === true) return top ?? 0
  // OpenAI refuses it alone; so shall it be seen by a provider of this wire.
  if (top !== undefined && top > 0) ext['top_logprobs'] = top
  return undefined
}

function decodeStop(value: JsonValue | undefined): string[] | undefined {
  if (!isGiven(value)) return undefined
  if (typeof value === 'string') return [value]
  const stop = readArray(value, 'stop').map((each, index) => readText(each, `stop[${index}]`))
  return stop.length > 0 ? stop : undefined
}

/** `include_usage` is the gateway's business: it always asks. */
function keepStreamOptions(value: JsonValue | undefined, ext: JsonObject): void {
  if (!isGiven(value)) return
  const rest = restOf(readObject(value, 'stream_options'), new Set(['include_usage']))
  if (rest !== undefined) ext['stream_options'] = rest
}

function decodeTools(body: JsonObject): Tool[] {
  const tools = isGiven(body['tools']) ? readArray(body['tools'], 'tools') : []
  const functions = isGiven(body['functions']) ? readArray(body['functions'], 'functions') : []
  return [
    ...tools.map((value, index) => decodeTool(readObject(value, `tools[${index}]`), `tools[${index}]`)),
    ...functions.map((value, index) => decodeFunction(readObject(value, `functions[${index}]`), {}, `functions[${index}]`)),
  ]
}

const toolFields = new Set(['type', 'function', 'cache_control'])
const functionFields = new Set(['name', 'description', 'parameters', 'strict', 'cache_control'])

function decodeTool(tool: JsonObject, path: string): Tool {
  const type = readName(tool['type'], `${path}.type`)
  if (type === 'function') return decodeFunction(readObject(tool['function'], `${path}.function`), tool, `${path}.function`)
  if (type !== 'custom') return { type: 'hosted', wire, kind: type, value: tool }
  const custom = readObject(tool['custom'], `${path}.custom`)
  return { type: 'custom', name: readName(custom['name'], `${path}.custom.name`), value: tool }
}

function decodeFunction(value: JsonObject, tool: JsonObject, path: string): FunctionTool {
  const inside = restOf(value, functionFields)
  const outside = restOf(tool, toolFields)
  const parameters = value['parameters']
  return present<FunctionTool>({
    type: 'function',
    name: readName(value['name'], `${path}.name`),
    description: isGiven(value['description']) ? readText(value['description'], `${path}.description`) : undefined,
    input: isGiven(parameters) ? readObject(parameters, `${path}.parameters`) : undefined,
    strict: typeof value['strict'] === 'boolean' ? value['strict'] : undefined,
    cache: cacheOf(tool).cache ?? cacheOf(value).cache,
    ext: asExt(inside === undefined ? outside : { ...outside, function: inside }).ext,
  })
}

const modes: ReadonlyMap<JsonValue, 'auto' | 'none' | 'required'> = new Map([
  ['auto', 'auto'],
  ['none', 'none'],
  ['required', 'required'],
  // Mistral's word.
  ['any', 'required'],
])

function decodeToolChoice(body: JsonObject, ext: JsonObject): ToolChoice | undefined {
  const value = isGiven(body['tool_choice']) ? body['tool_choice'] : body['function_call']
  if (!isGiven(value)) return undefined
  const mode = modes.get(value)
  if (mode !== undefined) return { mode }
  if (!isObject(value)) return wrong('tool_choice', "'none', 'auto', 'required' or an object that names a tool", value)
  const named = isObject(value['function']) ? value['function'] : isObject(value['custom']) ? value['custom'] : value
  const name = asText(named['name'])
  if (name !== undefined) return { mode: 'tool', name }
  ext['tool_choice'] = value
  const allowed = value['allowed_tools']
  const allowedMode = isObject(allowed) && isGiven(allowed['mode']) ? modes.get(allowed['mode']) : undefined
  return allowedMode === undefined ? undefined : { mode: allowedMode }
}

/**
 * `reasoning_effort`, OpenRouter's `reasoning`, and the `thinking` of DeepSeek, Moonshot and LiteLLM. The latter two also stay in `ext`,
 * verbatim, for targets of this wire.
 */
function decodeEffort(body: JsonObject): Reasoning | undefined {
  const given = isObject(body['reasoning']) ? body['reasoning'] : {}
  const thinking = isObject(body['thinking']) ? body['thinking'] : {}
  const effort = optionalText(body, 'reasoning_effort') ?? asText(given['effort'])
  const budget = given['max_tokens'] ?? thinking['budget_tokens']
  const off = effort === 'none' || given['enabled'] === false || thinking['type'] === 'disabled'
  const on = given['enabled'] === true || thinking['type'] === 'enabled'
  const reasoning = present<Reasoning>({
    mode: off ? 'off' : on ? 'on' : undefined,
    effort,
    budgetTokens: typeof budget === 'number' ? budget : undefined,
  })
  return Object.keys(reasoning).length > 0 ? reasoning : undefined
}

function decodeFormat(body: JsonObject, ext: JsonObject): OutputFormat | undefined {
  if (!isGiven(body['response_format'])) return undefined
  const format = readObject(body['response_format'], 'response_format')
  switch (format['type']) {
    case 'text':
      return { type: 'text' }
    case 'json_object':
      return { type: 'json' }
    case 'json_schema': {
      const schema = readObject(format['json_schema'], 'response_format.json_schema')
      return {
        type: 'json-schema',
        ...present<{ name?: string; description?: string; schema?: JsonObject; strict?: boolean }>({
          name: asText(schema['name']),
          description: asText(schema['description']),
          schema: isGiven(schema['schema']) ? readObject(schema['schema'], 'response_format.json_schema.schema') : undefined,
          strict: typeof schema['strict'] === 'boolean' ? schema['strict'] : undefined,
        }),
      }
    }
    default:
      ext['response_format'] = format
      return undefined
  }
}
