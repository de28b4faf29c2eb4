// The response object: what a client reads beside the output. It repeats fields of the request.
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import type { AnswerContext } from '#wires/codec'
import { tierOf } from '#wires/openai-usage'

/** All fields that OpenAI's document or OpenResponses requires, with the values of a request that says nothing. */
export function emptyResponse(id: string): JsonObject {
  return {
    id,
    object: 'response',
    created_at: 0,
    status: 'in_progress',
    background: false,
    completed_at: null,
    error: null,
    frequency_penalty: 0,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    max_tool_calls: null,
    model: '',
    output: [],
    parallel_tool_calls: true,
    presence_penalty: 0,
    previous_response_id: null,
    prompt_cache_key: null,
    reasoning: { effort: null, summary: null },
    safety_identifier: null,
    service_tier: 'default',
    store: false,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_logprobs: 0,
    top_p: 1,
    truncation: 'disabled',
    usage: null,
    metadata: {},
  }
}

/** Fields of the request that stand in the answer as they were sent. `store` and `truncation` would be untrue there. */
const echoedFields = [
  'frequency_penalty',
  'instructions',
  'max_output_tokens',
  'max_tool_calls',
  'metadata',
  'parallel_tool_calls',
  'presence_penalty',
  'prompt_cache_key',
  'safety_identifier',
  'temperature',
  'tool_choice',
  'top_logprobs',
  'top_p',
  'user',
] as const

export function createResponseObject(context: AnswerContext): JsonObject {
  const response = emptyResponse(context.requestId)
  response['created_at'] = context.createdSeconds
  response['model'] = context.model
  const request = context.request?.()
  if (request === undefined) return response
  for (const field of echoedFields) {
    const value = request[field]
    if (value !== undefined && value !== null) response[field] = value
  }
  response['service_tier'] = tierOf(request['service_tier'])
  if (isObject(request['reasoning'])) response['reasoning'] = { effort: null, summary: null, ...request['reasoning'] }
  if (isObject(request['text'])) response['text'] = echoText(request['text'])
  if (Array.isArray(request['tools'])) response['tools'] = request['tools'].map(echoTool)
  return response
}

/** OpenAI fills in what a function left out. */
function echoTool(tool: JsonValue): JsonValue {
  if (!isObject(tool) || tool['type'] !== 'function') return tool
  return { ...tool, description: tool['description'] ?? null, parameters: tool['parameters'] ?? null, strict: tool['strict'] ?? false }
}

function echoText(text: JsonObject): JsonObject {
  const { format, verbosity } = text
  const echoed = verbosity === undefined || verbosity === null ? {} : { verbosity }
  if (!isObject(format)) return { format: { type: 'text' }, ...echoed }
  if (format['type'] !== 'json_schema') return { format, ...echoed }
  return { format: { ...format, description: format['description'] ?? null, strict: format['strict'] ?? false }, ...echoed }
}
