// IR -> a chat completion request for one provider.
import { isObject, type JsonObject } from '#kernel'
import { Notes, type Dialect, type Note, type OutputFormat, type Request, type Tool } from '#ir'
import type { EncodeTarget } from '#wires/codec'
import { encodeTier } from '#wires/openai-usage'
import { effortOf } from '#wires/reasoning-effort'
import { present } from '#wires/present'
import { openaiNameGrammar, toOpenaiName } from '#wires/tool-ids'
import { encodeMessages } from './encode-messages.ts'
import { wire } from './fields.ts'

/** Every loss is in the notes. Fields of this wire that the IR has no word for are re-emitted as they came. */
export function encodeRequest(request: Request, target: EncodeTarget): { body: JsonObject; notes: readonly Note[] } {
  const { dialect } = target
  const notes = new Notes(wire)
  const ext = request.ext?.[wire] ?? {}
  notes.foreignExt(request.ext, '')
  const tools =
    request.tools?.map((tool, index) => encodeTool(tool, `tools[${index}]`, dialect, notes)).filter((tool) => tool !== undefined) ?? []
  const body = present<JsonObject>({
    ...ext,
    model: target.model,
    messages: encodeMessages(request.turns, target, notes),
    stream: request.stream ? true : undefined,
    stream_options: encodeStreamOptions(request, dialect, ext),
    tools: tools.length > 0 ? tools : undefined,
    tool_choice: ext['tool_choice'] ?? encodeToolChoice(request, tools.length > 0, notes),
    parallel_tool_calls: tools.length > 0 ? request.parallelToolCalls : undefined,
    [dialect.maxTokensField ?? 'max_completion_tokens']: request.maxOutputTokens,
    stop: encodeStop(request.stop, notes),
    temperature: request.temperature,
    top_p: request.topP,
    seed: request.seed,
    frequency_penalty: request.frequencyPenalty,
    presence_penalty: request.presencePenalty,
    n: request.n,
    logprobs: ext['logprobs'] ?? (request.logprobs === undefined ? undefined : true),
    top_logprobs: ext['top_logprobs'] ?? (ext['logprobs'] === undefined && request.logprobs !== 0 ? request.logprobs : undefined),
    reasoning_effort: encodeEffort(request, dialect, ext, notes),
    response_format: ext['response_format'] ?? encodeFormat(request.output, dialect, notes),
    verbosity: request.verbosity,
    service_tier: encodeTier(request.serviceTier, notes),
    user: request.user === ext['safety_identifier'] ? undefined : request.user,
    prompt_cache_key: request.cacheKey,
  })
  if (request.topK !== undefined && ext['top_k'] === undefined) notes.dropped('topK', 'this wire has no top_k')
  if (request.parallelToolCalls !== undefined && tools.length === 0) notes.dropped('parallelToolCalls', 'there are no tools to call')
  for (const field of dialect.strip ?? []) {
    if (body[field] === undefined) continue
    delete body[field]
    notes.dropped(field, 'this provider refuses the field')
  }
  return { body, notes: notes.list }
}

const mostStops = 4

function encodeStop(stop: readonly string[] | undefined, notes: Notes): string[] | undefined {
  for (let at = mostStops; at < (stop?.length ?? 0); at++) notes.dropped(`stop[${at}]`, `this wire takes ${mostStops} stop sequences`)
  return stop?.slice(0, mostStops)
}

/** Usage is always asked for: without it there is no cost. */
function encodeStreamOptions(request: Request, dialect: Dialect, ext: JsonObject): JsonObject | undefined {
  if (!request.stream || dialect.streamOptions === false) return undefined
  const own = ext['stream_options']
  return isObject(own) ? { ...own, include_usage: true } : { include_usage: true }
}

function encodeTool(tool: Tool, path: string, dialect: Dialect, notes: Notes): JsonObject | undefined {
  switch (tool.type) {
    case 'custom':
      return tool.value
    case 'hosted':
      if (tool.wire === wire) return tool.value
      notes.dropped(path, `only ${tool.wire} has the tool ${tool.kind}`)
      return undefined
    case 'function': {
      notes.foreignExt(tool.ext, path)
      const name = toOpenaiName(tool.name)
      if (name !== tool.name) notes.renamed(`${path}.name`, openaiNameGrammar)
      const ext = tool.ext?.[wire] ?? {}
      const { function: inside, ...outside } = ext
      const marked = tool.cache !== undefined && dialect.cacheControl === true
      if (tool.cache !== undefined && !marked) notes.dropped(`${path}.cache`, 'this provider has no cache marks')
      return {
        ...outside,
        type: 'function',
        function: present<JsonObject>({
          ...(inside as JsonObject | undefined),
          name,
          description: tool.description,
          parameters: tool.input,
          strict: tool.strict,
        }),
        ...(marked ? { cache_control: tool.cache } : {}),
      }
    }
    default:
      return tool satisfies never
  }
}

function encodeToolChoice(request: Request, hasTools: boolean, notes: Notes): JsonObject | string | undefined {
  const choice = request.toolChoice
  if (choice === undefined) return undefined
  if (!hasTools) {
    notes.dropped('toolChoice', 'there are no tools to choose from')
    return undefined
  }
  if (choice.mode !== 'tool') return choice.mode
  const isCustom = request.tools?.some((tool) => tool.type === 'custom' && tool.name === choice.name) === true
  return isCustom ? { type: 'custom', custom: { name: choice.name } } : { type: 'function', function: { name: toOpenaiName(choice.name) } }
}

/**
 * An effort is sent as it was written. `thinking` or `reasoning` of this wire's own dialects is already in `ext`, verbatim. "Don't think"
 * has no word that every model accepts ("none" is an error for many), so only an explicit effort says it.
 */
function encodeEffort(request: Request, dialect: Dialect, ext: JsonObject, notes: Notes): string | undefined {
  const { reasoning } = request
  if (reasoning === undefined || ext['reasoning'] !== undefined || ext['thinking'] !== undefined)
    return reasoning === undefined || ext['reasoning'] !== undefined ? undefined : reasoning.effort
  if (reasoning.display !== undefined) notes.dropped('reasoning.display', 'this wire cannot choose how reasoning is shown')
  if (dialect.reasoningEffort === false) {
    notes.dropped('reasoning', 'this provider takes no reasoning_effort')
    return undefined
  }
  if (reasoning.effort !== undefined) {
    if (reasoning.budgetTokens !== undefined) notes.dropped('reasoning.budgetTokens', 'the effort says how much to think')
    return reasoning.effort
  }
  if (reasoning.mode === 'off') {
    notes.dropped('reasoning.mode', 'no value of reasoning_effort turns reasoning off everywhere; the model does as it is used to')
    return undefined
  }
  if (reasoning.budgetTokens !== undefined) {
    notes.approximated('reasoning.budgetTokens', `this wire has words instead: ${effortOf(reasoning.budgetTokens)}`)
    return effortOf(reasoning.budgetTokens)
  }
  if (reasoning.mode !== undefined) notes.dropped('reasoning.mode', 'reasoning models of this wire reason by themselves')
  return undefined
}

function encodeFormat(output: OutputFormat | undefined, dialect: Dialect, notes: Notes): JsonObject | undefined {
  switch (output?.type) {
    case undefined:
      return undefined
    case 'text':
      return { type: 'text' }
    case 'json':
      return { type: 'json_object' }
    case 'json-schema': {
      if (dialect.jsonSchema === false) {
        notes.approximated('output', 'this provider promises JSON, but not a schema')
        return { type: 'json_object' }
      }
      return {
        type: 'json_schema',
        json_schema: present<JsonObject>({
          // OpenAI demands a name.
          name: output.name ?? 'response',
          description: output.description,
          schema: output.schema,
          strict: output.strict ?? undefined,
        }),
      }
    }
    default:
      return output satisfies never
  }
}
