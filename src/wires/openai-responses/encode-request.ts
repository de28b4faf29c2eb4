// IR -> a request for a response of one provider.
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import { Notes, type Dialect, type Note, type OutputFormat, type Request, type Tool } from '#ir'
import type { EncodeTarget } from '#wires/codec'
import { encodeTier } from '#wires/openai-usage'
import { present } from '#wires/present'
import { effortOf } from '#wires/reasoning-effort'
import { openaiNameGrammar, toOpenaiName } from '#wires/tool-ids'
import { encodeInput } from './encode-input.ts'
import { wire } from './fields.ts'
import { reasonsOf, takesSampling } from './generation.ts'

/** Every loss is in the notes. Fields of this wire that the IR has no word for are re-emitted as they came. */
export function encodeRequest(request: Request, target: EncodeTarget): { body: JsonObject; notes: readonly Note[] } {
  const { dialect, model } = target
  const notes = new Notes(wire)
  const ext = request.ext?.[wire] ?? {}
  notes.foreignExt(request.ext, '')
  const tools = request.tools?.map((tool, index) => encodeTool(tool, `tools[${index}]`, notes)).filter((tool) => tool !== undefined) ?? []
  const reasoning = encodeReasoning(request, dialect, model, ext, notes)
  const body = present<JsonObject>({
    ...ext,
    model,
    input: encodeInput(request.turns, target, notes),
    stream: request.stream ? true : undefined,
    // The client has not asked for its conversation to be kept: what it sends is all there is.
    store: ext['store'] ?? false,
    include: encodeInclude(request, model, ext),
    tools: tools.length > 0 ? tools : undefined,
    tool_choice: ext['tool_choice'] ?? encodeToolChoice(request, tools.length > 0, notes),
    parallel_tool_calls: tools.length > 0 ? request.parallelToolCalls : undefined,
    max_output_tokens: encodeCap(request.maxOutputTokens, notes),
    ...encodeSampling(request, model, reasoning, notes),
    top_logprobs: request.logprobs,
    reasoning,
    text: encodeText(request, ext),
    service_tier: encodeTier(request.serviceTier, notes),
    user: encodeUser(request.user, notes),
    prompt_cache_key: request.cacheKey,
  })
  noteUnsayable(request, tools.length > 0, notes)
  for (const field of dialect.strip ?? []) {
    if (body[field] === undefined) continue
    delete body[field]
    notes.dropped(field, 'this provider refuses the field')
  }
  return { body, notes: notes.list }
}

/** What the model thought comes back only if it is asked for; a model that doesn't think refuses the question. */
function encodeInclude(request: Request, model: string, ext: JsonObject): JsonValue[] | undefined {
  const reasons = reasonsOf(model)
  const asked = request.reasoning !== undefined && request.reasoning.mode !== 'off'
  const include = [
    ...(Array.isArray(ext['include']) ? ext['include'] : []),
    ...(reasons === 'always' || (reasons === 'unknown' && asked) ? ['reasoning.encrypted_content'] : []),
    ...(request.logprobs === undefined ? [] : ['message.output_text.logprobs']),
  ]
  return include.length > 0 ? include : undefined
}

function encodeTool(tool: Tool, path: string, notes: Notes): JsonObject | undefined {
  switch (tool.type) {
    case 'custom': {
      const custom = isObject(tool.value['custom']) ? tool.value['custom'] : tool.value
      return { ...flatFormat(custom), type: 'custom' }
    }
    case 'hosted':
      if (tool.wire === wire) return tool.value
      notes.dropped(path, `only ${tool.wire} has the tool ${tool.kind}`)
      return undefined
    case 'function': {
      notes.foreignExt(tool.ext, path)
      const name = toOpenaiName(tool.name)
      if (name !== tool.name) notes.renamed(`${path}.name`, openaiNameGrammar)
      if (tool.cache !== undefined) notes.dropped(`${path}.cache`, 'tools of this wire take no cache mark')
      return present<JsonObject>({
        ...tool.ext?.[wire],
        type: 'function',
        name,
        description: tool.description,
        parameters: tool.input ?? { type: 'object', properties: {} },
        // Left out it would mean true here, and change what the schema means.
        strict: tool.strict ?? false,
      })
    }
    default:
      return tool satisfies never
  }
}

/** Chat's `{type: "grammar", grammar: {syntax, definition}}` is flat on this wire. */
function flatFormat(custom: JsonObject): JsonObject {
  const format = custom['format']
  if (!isObject(format) || !isObject(format['grammar'])) return custom
  const { grammar, ...rest } = format
  return { ...custom, format: { ...rest, ...grammar } }
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
  return isCustom ? { type: 'custom', name: choice.name } : { type: 'function', name: toOpenaiName(choice.name) }
}

const leastCap = 16

function encodeCap(cap: number | undefined, notes: Notes): number | undefined {
  if (cap === undefined || cap >= leastCap) return cap
  notes.approximated('maxOutputTokens', `this wire takes ${leastCap} at least`)
  return leastCap
}

function encodeSampling(request: Request, model: string, reasoning: JsonObject | undefined, notes: Notes): JsonObject {
  const { temperature, topP } = request
  const effort = reasoning?.['effort']
  if (takesSampling(model, typeof effort === 'string' ? effort : undefined)) return present<JsonObject>({ temperature, top_p: topP })
  // 1 is what these models do anyway.
  if (temperature !== undefined && temperature !== 1) notes.dropped('temperature', 'models that reason take no sampling parameters')
  if (topP !== undefined && topP !== 1) notes.dropped('topP', 'models that reason take no sampling parameters')
  return {}
}

/**
 * An effort is sent as it was written. "Don't think" has no word that every model accepts ("none" is an error for many), so only an
 * explicit effort says it. Who asks for thinking wants to see it: a summary is what this wire shows.
 */
function encodeReasoning(request: Request, dialect: Dialect, model: string, ext: JsonObject, notes: Notes): JsonObject | undefined {
  const own = isObject(ext['reasoning']) ? ext['reasoning'] : {}
  const { reasoning } = request
  if (reasoning === undefined) return Object.keys(own).length > 0 ? own : undefined
  if (dialect.reasoningEffort === false || reasonsOf(model) === 'never') {
    if (reasoning.mode !== 'off') notes.dropped('reasoning', 'this model does not reason')
    return undefined
  }
  const { mode, effort, budgetTokens, display } = reasoning
  if (mode === 'off' && effort === undefined) {
    notes.dropped('reasoning.mode', 'no effort turns reasoning off everywhere; the model does as it is used to')
    return undefined
  }
  if (effort !== undefined && budgetTokens !== undefined) notes.dropped('reasoning.budgetTokens', 'the effort says how much to think')
  if (effort === undefined && budgetTokens !== undefined)
    notes.approximated('reasoning.budgetTokens', `this wire has words instead: ${effortOf(budgetTokens)}`)
  const shown = display === 'summarized' || (display === undefined && (mode === 'on' || mode === 'adaptive'))
  const encoded = present<JsonObject>({
    effort: effort ?? (budgetTokens === undefined ? undefined : effortOf(budgetTokens)),
    summary: shown ? 'auto' : undefined,
    ...own,
  })
  return Object.keys(encoded).length > 0 ? encoded : undefined
}

function encodeText({ output, verbosity }: Request, ext: JsonObject): JsonObject | undefined {
  const own = isObject(ext['text']) ? ext['text'] : {}
  const inside = isObject(own['format']) ? own['format'] : {}
  const format = output === undefined ? (Object.keys(inside).length > 0 ? inside : undefined) : { ...inside, ...encodeFormat(output) }
  const text = present<JsonObject>({ ...own, format, verbosity })
  return Object.keys(text).length > 0 ? text : undefined
}

function encodeFormat(output: OutputFormat): JsonObject {
  switch (output.type) {
    case 'text':
      return { type: 'text' }
    case 'json':
      return { type: 'json_object' }
    case 'json-schema':
      return present<JsonObject>({
        type: 'json_schema',
        // Both are demanded.
        name: output.name ?? 'response',
        schema: output.schema ?? {},
        description: output.description,
        strict: output.strict ?? undefined,
      })
    default:
      return output satisfies never
  }
}

const longestUser = 64

function encodeUser(user: string | undefined, notes: Notes): string | undefined {
  if (user === undefined || user.length <= longestUser) return user
  notes.dropped('user', `this wire takes ${longestUser} characters at most`)
  return undefined
}

/** Words that this wire lacks. Values that say the default lose nothing. */
function noteUnsayable(request: Request, hasTools: boolean, notes: Notes): void {
  const lacks = 'the Responses API has no such parameter'
  if (request.stop !== undefined) notes.dropped('stop', lacks)
  if (request.topK !== undefined) notes.dropped('topK', lacks)
  if (request.seed !== undefined) notes.dropped('seed', lacks)
  if (request.frequencyPenalty !== undefined && request.frequencyPenalty !== 0) notes.dropped('frequencyPenalty', lacks)
  if (request.presencePenalty !== undefined && request.presencePenalty !== 0) notes.dropped('presencePenalty', lacks)
  if (request.n !== undefined && request.n !== 1) notes.dropped('n', 'the Responses API gives one answer')
  if (request.parallelToolCalls !== undefined && !hasTools) notes.dropped('parallelToolCalls', 'there are no tools to call')
}
