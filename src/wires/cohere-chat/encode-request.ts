// IR -> a request for Cohere. What cannot be said is noted.
import type { JsonObject } from '#kernel'
import { Notes, type FunctionTool, type Note, type OutputFormat, type Reasoning, type Request } from '#ir'
import type { EncodeTarget } from '#wires/codec'
import { outputInstruction } from '#wires/output-instruction'
import { present } from '#wires/present'
import { encodeMessages } from './encode-messages.ts'
import { thinksAhead, wire } from './generation.ts'

export function encodeRequest(request: Request, target: EncodeTarget): { readonly body: JsonObject; readonly notes: readonly Note[] } {
  const notes = new Notes(wire)
  notes.foreignExt(request.ext, '')
  const { tools, choice } = encodeTools(request, notes)
  const output = encodeOutput(request.output, tools.length > 0, notes)
  const body = present<JsonObject>({
    ...request.ext?.[wire],
    model: target.model,
    stream: request.stream,
    messages: encodeMessages(request.turns, output.instruction, target, notes),
    tools: tools.length > 0 ? tools : undefined,
    tool_choice: choice,
    strict_tools: tools.length > 0 ? encodeStrict(request, notes) : undefined,
    response_format: output.format,
    max_tokens: request.maxOutputTokens,
    stop_sequences: encodeStop(request.stop, notes),
    temperature: request.temperature,
    seed: encodeSeed(request.seed, notes),
    frequency_penalty: within(request.frequencyPenalty, 0, 1, 'frequencyPenalty', notes),
    presence_penalty: within(request.presencePenalty, 0, 1, 'presencePenalty', notes),
    k: within(request.topK, 0, 500, 'topK', notes),
    p: within(request.topP, 0.01, 0.99, 'topP', notes),
    logprobs: request.logprobs === undefined ? undefined : true,
    thinking: encodeThinking(request.reasoning, target.model, notes),
  })
  noteUnsayable(request, tools.length > 0, notes)
  for (const field of target.dialect.strip ?? []) {
    if (body[field] === undefined) continue
    delete body[field]
    notes.dropped(field, 'this provider refuses the field')
  }
  return { body, notes: notes.list }
}

/** The tools, and how they are chosen: Cohere can demand a call, but not say of which tool, so the others stay away. */
function encodeTools(request: Request, notes: Notes): { readonly tools: JsonObject[]; readonly choice: string | undefined } {
  const { toolChoice } = request
  const only = toolChoice?.mode === 'tool' ? toolChoice.name : undefined
  const tools: JsonObject[] = []
  for (const [at, tool] of (request.tools ?? []).entries()) {
    const path = `tools[${at}]`
    if (tool.type === 'hosted' && tool.wire === wire) tools.push(tool.value)
    else if (tool.type === 'hosted') notes.dropped(path, `only ${tool.wire} has the tool ${tool.kind}`)
    else if (tool.type === 'custom') notes.dropped(path, 'Cohere has no tools that take free text')
    else if (only === undefined || tool.name === only) tools.push(encodeTool(tool, path, notes))
  }
  if (toolChoice === undefined || toolChoice.mode === 'auto') return { tools, choice: undefined }
  if (tools.length === 0) {
    if (toolChoice.mode !== 'none') notes.dropped('toolChoice', 'there are no tools to choose from')
    return { tools, choice: undefined }
  }
  if (only !== undefined && (request.tools?.length ?? 0) > 1) {
    notes.approximated('toolChoice', 'Cohere cannot name the tool to call; it is the only one that is sent')
  }
  return { tools, choice: toolChoice.mode === 'none' ? 'NONE' : 'REQUIRED' }
}

function encodeTool(tool: FunctionTool, path: string, notes: Notes): JsonObject {
  notes.foreignExt(tool.ext, path)
  if (tool.cache !== undefined) notes.dropped(`${path}.cache`, 'Cohere has no cache marks')
  return {
    ...tool.ext?.[wire],
    type: 'function',
    function: present<JsonObject>({
      name: tool.name,
      description: tool.description,
      parameters: tool.input ?? { type: 'object', properties: {} },
    }),
  }
}

/** One flag for all tools. */
function encodeStrict({ tools = [] }: Request, notes: Notes): true | undefined {
  const functions = tools.filter((tool) => tool.type === 'function')
  if (functions.length > 0 && functions.every(({ strict }) => strict === true)) return true
  tools.forEach((tool, at) => {
    if (tool.type === 'function' && tool.strict === true) {
      notes.dropped(`tools[${at}].strict`, 'Cohere is strict with all tools or with none')
    }
  })
  return undefined
}

function encodeOutput(
  output: OutputFormat | undefined,
  hasTools: boolean,
  notes: Notes,
): { readonly format?: JsonObject; readonly instruction?: string } {
  if (output === undefined || output.type === 'text') return {}
  if (output.type === 'json-schema') {
    if (output.name !== undefined) notes.dropped('output.name', 'schemas have no name on this wire')
    if (output.description !== undefined) notes.dropped('output.description', 'schemas have no description beside them on this wire')
  }
  if (hasTools) {
    notes.approximated('output', 'Cohere takes no format beside tools; an instruction asks for it')
    return { instruction: outputInstruction(output) }
  }
  const schema = output.type === 'json-schema' ? output.schema : undefined
  return { format: { type: 'json_object', ...(schema === undefined ? {} : { json_schema: schema }) } }
}

const mostStops = 5

function encodeStop(stop: readonly string[] | undefined, notes: Notes): string[] | undefined {
  if (stop === undefined || stop.length === 0) return undefined
  for (let at = mostStops; at < stop.length; at++) notes.dropped(`stop[${at}]`, `Cohere takes ${mostStops} stop sequences`)
  return stop.slice(0, mostStops)
}

function encodeSeed(seed: number | undefined, notes: Notes): number | undefined {
  if (seed === undefined || seed >= 0) return seed
  notes.dropped('seed', "Cohere's seeds begin at 0")
  return undefined
}

function within(value: number | undefined, least: number, most: number, path: string, notes: Notes): number | undefined {
  if (value === undefined || (value >= least && value <= most)) return value
  notes.approximated(path, `Cohere's goes from ${least} to ${most}`)
  return Math.min(Math.max(value, least), most)
}

/** Tokens for an effort, as other codecs read budgets as efforts; from "high" on there is no limit, which is Cohere's own advice. */
const budgets: ReadonlyMap<string, number> = new Map([
  ['minimal', 512],
  ['low', 1_024],
  ['medium', 8_192],
])

function encodeThinking(reasoning: Reasoning | undefined, model: string, notes: Notes): JsonObject | undefined {
  if (reasoning === undefined) return undefined
  const { mode, effort, budgetTokens } = reasoning
  const off = mode === 'off' || effort === 'none'
  if (!thinksAhead(model)) {
    if (!off) notes.dropped('reasoning', 'this model cannot think ahead')
    return undefined
  }
  if (reasoning.display !== undefined) notes.dropped('reasoning.display', 'this wire cannot choose how reasoning is shown')
  if (off) return { type: 'disabled' }
  if (budgetTokens !== undefined) {
    if (effort !== undefined) notes.dropped('reasoning.effort', 'the budget says how much to think')
    // A budget must be positive.
    return { type: 'enabled', token_budget: Math.max(1, budgetTokens) }
  }
  if (effort === undefined) return { type: 'enabled' }
  const budget = budgets.get(effort)
  notes.approximated('reasoning.effort', `Cohere takes a budget instead: ${budget === undefined ? 'none' : `${budget} tokens`}`)
  return { type: 'enabled', ...(budget === undefined ? {} : { token_budget: budget }) }
}

/** Top-level words that this wire lacks. Values that say the default lose nothing. */
function noteUnsayable(request: Request, hasTools: boolean, notes: Notes): void {
  const lacks = 'Cohere has no such parameter'
  if (request.parallelToolCalls === false && hasTools) notes.dropped('parallelToolCalls', lacks)
  if (request.n !== undefined && request.n !== 1) notes.dropped('n', 'Cohere gives one answer')
  if ((request.logprobs ?? 0) > 0) notes.approximated('logprobs', 'Cohere gives no alternatives')
  if (request.verbosity !== undefined && request.verbosity !== 'medium') notes.dropped('verbosity', lacks)
  if (request.serviceTier !== undefined && request.serviceTier !== 'auto' && request.serviceTier !== 'default') {
    notes.dropped('serviceTier', `Cohere has no tier "${request.serviceTier}"`)
  }
  if (request.user !== undefined) notes.dropped('user', lacks)
  if (request.cacheKey !== undefined) notes.dropped('cacheKey', 'Cohere keys its cache by the prompt itself')
}
