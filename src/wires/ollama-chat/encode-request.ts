// IR -> a request for Ollama. What cannot be said is noted.
import { isObject, type JsonObject } from '#kernel'
import { Notes, type Dialect, type FunctionTool, type Note, type OutputFormat, type Reasoning, type Request } from '#ir'
import type { EncodeTarget } from '#wires/codec'
import { present } from '#wires/present'
import { effortOf } from '#wires/reasoning-effort'
import { encodeMessages } from './encode-messages.ts'
import { wire } from './wire.ts'

export function encodeRequest(request: Request, target: EncodeTarget): { readonly body: JsonObject; readonly notes: readonly Note[] } {
  const notes = new Notes(wire)
  notes.foreignExt(request.ext, '')
  const own = request.ext?.[wire] ?? {}
  const tools = encodeTools(request, notes)
  const options = encodeOptions(request, own)
  const alternatives = request.logprobs
  const body = present<JsonObject>({
    // By default Ollama cuts the conversation to the window of the model and says nothing; now it is an error, or a stop for length.
    truncate: false,
    shift: false,
    ...own,
    model: target.model,
    messages: encodeMessages(request.turns, target.dialect, notes),
    // Ollama streams unless it is told not to.
    stream: request.stream,
    tools: tools.length > 0 ? tools : undefined,
    format: encodeFormat(request.output, notes) ?? own['format'],
    options: Object.keys(options).length > 0 ? options : undefined,
    think: encodeThink(request.reasoning, target.model, target.dialect, notes) ?? own['think'],
    logprobs: alternatives === undefined ? undefined : true,
    top_logprobs: alternatives === undefined || alternatives === 0 ? undefined : alternatives,
  })
  noteUnsayable(request, tools.length > 0, notes)
  for (const field of target.dialect.strip ?? []) {
    if (body[field] === undefined) continue
    delete body[field]
    notes.dropped(field, 'this provider refuses the field')
  }
  return { body, notes: notes.list }
}

function encodeOptions(request: Request, own: JsonObject): JsonObject {
  return present<JsonObject>({
    ...(isObject(own['options']) ? own['options'] : {}),
    num_predict: request.maxOutputTokens,
    stop: request.stop === undefined || request.stop.length === 0 ? undefined : [...request.stop],
    temperature: request.temperature,
    top_p: request.topP,
    top_k: request.topK,
    seed: request.seed,
    frequency_penalty: request.frequencyPenalty,
    presence_penalty: request.presencePenalty,
  })
}

/** No choice can be made: a model that must not call gets no tools, and one that must is only asked. */
function encodeTools(request: Request, notes: Notes): JsonObject[] {
  const { toolChoice, tools = [] } = request
  if (toolChoice?.mode === 'none' && tools.length > 0) {
    notes.approximated('toolChoice', 'Ollama cannot forbid calls; the tools are left out')
    return []
  }
  const encoded = tools.flatMap((tool, at) => {
    const path = `tools[${at}]`
    if (tool.type === 'function') return [encodeTool(tool, path, notes)]
    if (tool.type === 'hosted' && tool.wire === wire) return [tool.value]
    notes.dropped(path, tool.type === 'custom' ? 'Ollama has no tools that take free text' : `only ${tool.wire} has the tool ${tool.kind}`)
    return []
  })
  if (toolChoice?.mode === 'required' || toolChoice?.mode === 'tool') notes.dropped('toolChoice', 'Ollama cannot demand a call')
  return encoded
}

function encodeTool(tool: FunctionTool, path: string, notes: Notes): JsonObject {
  notes.foreignExt(tool.ext, path)
  if (tool.cache !== undefined) notes.dropped(`${path}.cache`, 'Ollama has no cache marks')
  if (tool.strict === true) notes.dropped(`${path}.strict`, 'Ollama cannot enforce the schema of a tool')
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

function encodeFormat(output: OutputFormat | undefined, notes: Notes): JsonObject | string | undefined {
  if (output === undefined || output.type === 'text') return undefined
  if (output.type === 'json') return 'json'
  if (output.name !== undefined) notes.dropped('output.name', 'schemas have no name on this wire')
  if (output.description !== undefined) notes.dropped('output.description', 'schemas have no description beside them on this wire')
  return output.schema ?? 'json'
}

/** Only gpt-oss takes a level; Ollama refuses one for other models, and `true` means "medium" there. */
const takesLevel = /gpt-oss/i
const levels: ReadonlyMap<string, string> = new Map([
  ['minimal', 'low'],
  ['low', 'low'],
  ['medium', 'medium'],
  ['high', 'high'],
  ['xhigh', 'high'],
  ['max', 'high'],
])

function encodeThink(reasoning: Reasoning | undefined, model: string, dialect: Dialect, notes: Notes): boolean | string | undefined {
  if (reasoning === undefined) return undefined
  const { mode, effort, budgetTokens } = reasoning
  if (dialect.reasoningEffort === false) {
    notes.dropped('reasoning', 'this provider takes no `think`')
    return undefined
  }
  if (reasoning.display !== undefined) notes.dropped('reasoning.display', 'this wire cannot choose how reasoning is shown')
  if (mode === 'off' || effort === 'none') return false
  if (effort === undefined && budgetTokens === undefined) return mode === undefined ? undefined : true
  const wanted = effort ?? effortOf(budgetTokens!)
  const path = effort === undefined ? 'reasoning.budgetTokens' : 'reasoning.effort'
  if (!takesLevel.test(model)) {
    notes.approximated(path, 'this model thinks or does not; it cannot be told how much')
    return true
  }
  const level = levels.get(wanted)
  if (level !== effort) notes.approximated(path, `the nearest level is ${level === undefined ? "the model's own" : `"${level}"`}`)
  return level ?? true
}

/** Top-level words that this wire lacks. Values that say the default lose nothing. */
function noteUnsayable(request: Request, hasTools: boolean, notes: Notes): void {
  const lacks = 'Ollama has no such parameter'
  if (request.parallelToolCalls === false && hasTools) notes.dropped('parallelToolCalls', lacks)
  if (request.n !== undefined && request.n !== 1) notes.dropped('n', 'Ollama gives one answer')
  if (request.verbosity !== undefined && request.verbosity !== 'medium') notes.dropped('verbosity', lacks)
  if (request.serviceTier !== undefined && request.serviceTier !== 'auto' && request.serviceTier !== 'default') {
    notes.dropped('serviceTier', `Ollama has no tier "${request.serviceTier}"`)
  }
  if (request.user !== undefined) notes.dropped('user', lacks)
  if (request.cacheKey !== undefined) notes.dropped('cacheKey', 'Ollama keys its cache by the prompt itself')
}
