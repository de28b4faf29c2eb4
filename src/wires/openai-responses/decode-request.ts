// A request for a response -> IR. It is only read so when it goes to another wire: what needs the state of a provider is refused here.
import { asText, invalidRequest, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { FunctionTool, Note, OutputFormat, Reasoning, Request, Tool, ToolChoice } from '#ir'
import { present } from '#wires/present'
import { decodeInput } from './decode-input.ts'
import {
  asExt,
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
  'input',
  'instructions',
  'stream',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'max_output_tokens',
  'temperature',
  'top_p',
  'top_k',
  'seed',
  'frequency_penalty',
  'presence_penalty',
  'top_logprobs',
  'include',
  'reasoning',
  'text',
  'service_tier',
  'user',
  'prompt_cache_key',
  'stream_options',
  'store',
  'truncation',
  'background',
])

/** Throws `Failure('invalid_request')` that names the field. Null means absent, as OpenAI's own SDKs send it. */
export function decodeRequest(body: JsonObject): { request: Request; notes: readonly Note[] } {
  refuseState(body)
  const ext: JsonObject = restOf(body, known) ?? {}
  keepUnusual(body, ext)
  const tools = isGiven(body['tools']) ? readArray(body['tools'], 'tools') : []
  const user = optionalText(body, 'user')
  const safety = optionalText(body, 'safety_identifier')
  if (user === undefined || user === safety) delete ext['safety_identifier']
  const request = present<Request>({
    model: readName(body['model'], 'model'),
    turns: decodeInput(body),
    stream: optionalFlag(body, 'stream') ?? false,
    tools: tools.length > 0 ? tools.map((tool, at) => decodeTool(readObject(tool, `tools[${at}]`), `tools[${at}]`)) : undefined,
    toolChoice: decodeToolChoice(body['tool_choice'], ext),
    parallelToolCalls: optionalFlag(body, 'parallel_tool_calls'),
    maxOutputTokens: optionalCount(body, 'max_output_tokens'),
    temperature: optionalNumber(body, 'temperature'),
    topP: optionalNumber(body, 'top_p'),
    // Not OpenAI's, but of servers that are compatible.
    topK: optionalNumber(body, 'top_k'),
    seed: optionalNumber(body, 'seed'),
    frequencyPenalty: optionalNumber(body, 'frequency_penalty'),
    presencePenalty: optionalNumber(body, 'presence_penalty'),
    logprobs: decodeLogprobs(body, ext),
    reasoning: decodeReasoning(body, ext),
    ...decodeText(body, ext),
    serviceTier: optionalText(body, 'service_tier'),
    user: user ?? safety,
    cacheKey: optionalText(body, 'prompt_cache_key'),
  })
  return { request: { ...request, ...asExt(ext) }, notes: [] }
}

/** Fields that name something which only the provider that keeps it has. */
const stateful: ReadonlyMap<string, string> = new Map([
  ['previous_response_id', 'names a response that its provider does not have. Send the conversation in `input`'],
  ['conversation', 'names a conversation that its provider does not have. Send the conversation in `input`'],
  ['prompt', 'names a prompt that its provider does not have. Send its text in `instructions` or `input`'],
])

function refuseState(body: JsonObject): void {
  for (const [field, why] of stateful)
    if (isGiven(body[field])) throw invalidRequest(field, `\`${field}\` cannot be used with this model: it ${why}.`)
  if (optionalFlag(body, 'background') === true)
    throw invalidRequest('background', '`background` cannot be used with this model: its provider keeps no answers for later.')
}

/** Words that are kept only where they ask for something: the defaults lose nothing. */
function keepUnusual(body: JsonObject, ext: JsonObject): void {
  if (optionalFlag(body, 'store') === true) ext['store'] = true
  const truncation = optionalText(body, 'truncation')
  if (truncation !== undefined && truncation !== 'disabled') ext['truncation'] = truncation
  if (isGiven(body['metadata']) && Object.keys(readObject(body['metadata'], 'metadata')).length === 0) delete ext['metadata']
  if (!isGiven(body['stream_options'])) return
  const options = restOf(readObject(body['stream_options'], 'stream_options'), new Set())
  if (options !== undefined && options['include_obfuscation'] === false) delete options['include_obfuscation']
  if (options !== undefined && Object.keys(options).length > 0) ext['stream_options'] = options
}

/** What is included because every translated answer has it, and what the IR has a word for. */
const included = new Set<JsonValue>(['reasoning.encrypted_content', 'message.output_text.logprobs'])

function decodeLogprobs(body: JsonObject, ext: JsonObject): number | undefined {
  const include = isGiven(body['include']) ? readArray(body['include'], 'include') : []
  const rest = include.filter((each) => !included.has(each))
  if (rest.length > 0) ext['include'] = rest
  const top = optionalCount(body, 'top_logprobs')
  return include.includes('message.output_text.logprobs') ? (top ?? 0) : top === 0 ? undefined : top
}

const functionFields = new Set(['type', 'name', 'description', 'parameters', 'strict'])

function decodeTool(tool: JsonObject, path: string): Tool {
  const type = readName(tool['type'], `${path}.type`)
  if (type === 'custom') {
    const { type: _type, ...custom } = tool
    // In the IR as chat completions write it: one level deeper.
    return { type: 'custom', name: readName(tool['name'], `${path}.name`), value: { type, custom: nestFormat(custom) } }
  }
  if (type !== 'function') return { type: 'hosted', wire, kind: type, value: tool }
  const parameters = tool['parameters']
  return present<FunctionTool>({
    type: 'function',
    name: readName(tool['name'], `${path}.name`),
    description: isGiven(tool['description']) ? readText(tool['description'], `${path}.description`) : undefined,
    input: isGiven(parameters) ? readObject(parameters, `${path}.parameters`) : undefined,
    strict: optionalFlag({ [`${path}.strict`]: tool['strict'] ?? null }, `${path}.strict`),
    ...asExt(restOf(tool, functionFields)),
  })
}

/** `{type: "grammar", syntax, definition}` here, `{type: "grammar", grammar: {syntax, definition}}` there. */
function nestFormat(custom: JsonObject): JsonObject {
  const format = custom['format']
  if (!isObject(format) || format['type'] !== 'grammar' || isObject(format['grammar'])) return custom
  const { type, ...grammar } = format
  return { ...custom, format: { type, grammar } }
}

const modes: ReadonlyMap<JsonValue, 'auto' | 'none' | 'required'> = new Map([
  ['auto', 'auto'],
  ['none', 'none'],
  ['required', 'required'],
])

function decodeToolChoice(value: JsonValue | undefined, ext: JsonObject): ToolChoice | undefined {
  if (!isGiven(value)) return undefined
  const mode = modes.get(value)
  if (mode !== undefined) return { mode }
  if (!isObject(value)) return wrong('tool_choice', "'none', 'auto', 'required' or an object that names a tool", value)
  const type = readName(value['type'], 'tool_choice.type')
  if (type === 'function' || type === 'custom') {
    // Some clients write chat's form.
    const named = isObject(value[type]) ? value[type] : value
    return { mode: 'tool', name: readName(named['name'], 'tool_choice.name') }
  }
  // A choice among some tools, or of a hosted one.
  ext['tool_choice'] = value
  const allowed = isGiven(value['mode']) ? modes.get(value['mode']) : undefined
  return type === 'allowed_tools' && allowed !== undefined ? { mode: allowed } : undefined
}

/** A summary is asked for as Anthropic's display is; "auto" is the common word, another one stays in `ext` for targets of this wire. */
function decodeReasoning(body: JsonObject, ext: JsonObject): Reasoning | undefined {
  if (!isGiven(body['reasoning'])) return undefined
  const given = readObject(body['reasoning'], 'reasoning')
  const effort = isGiven(given['effort']) ? readText(given['effort'], 'reasoning.effort') : undefined
  const summary = asText(given['summary']) ?? asText(given['generate_summary'])
  const rest = restOf(given, new Set(['effort', ...(summary === 'auto' ? ['summary', 'generate_summary'] : [])]))
  if (rest !== undefined) ext['reasoning'] = rest
  const reasoning = present<Reasoning>({
    mode: effort === 'none' ? 'off' : undefined,
    effort,
    display: summary === undefined || effort === 'none' ? undefined : 'summarized',
  })
  return Object.keys(reasoning).length > 0 ? reasoning : undefined
}

const formatFields = new Set(['type', 'name', 'description', 'schema', 'strict'])

function decodeText(body: JsonObject, ext: JsonObject): Pick<Request, 'output' | 'verbosity'> {
  if (!isGiven(body['text'])) return {}
  const text = readObject(body['text'], 'text')
  const verbosity = isGiven(text['verbosity']) ? readText(text['verbosity'], 'text.verbosity') : undefined
  const rest = restOf(text, new Set(['format', 'verbosity']))
  if (rest !== undefined) ext['text'] = rest
  const output = isGiven(text['format']) ? decodeFormat(readObject(text['format'], 'text.format'), ext) : undefined
  return { ...(output === undefined ? {} : { output }), ...(verbosity === undefined ? {} : { verbosity }) }
}

function decodeFormat(format: JsonObject, ext: JsonObject): OutputFormat | undefined {
  switch (format['type']) {
    case 'text':
      return { type: 'text' }
    case 'json_object':
      return { type: 'json' }
    case 'json_schema': {
      const strict = format['strict']
      const rest = restOf(format, formatFields)
      if (rest !== undefined) ext['text'] = { ...(ext['text'] as JsonObject | undefined), format: rest }
      return {
        type: 'json-schema',
        ...present<{ name?: string; description?: string; schema?: JsonObject; strict?: boolean }>({
          name: asText(format['name']),
          description: asText(format['description']),
          schema: isGiven(format['schema']) ? readObject(format['schema'], 'text.format.schema') : undefined,
          strict: typeof strict === 'boolean' ? strict : undefined,
        }),
      }
    }
    default:
      ext['text'] = { ...(ext['text'] as JsonObject | undefined), format }
      return undefined
  }
}
