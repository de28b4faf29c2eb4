// IR -> a request for a provider that speaks Anthropic's Messages API. What cannot be said is noted.
import { isObject, type JsonObject } from '#kernel'
import { Notes, type Note, type Request, type Tool, type ToolChoice } from '#ir'
import { generationOf, type Generation } from '#wires/claude-generation'
import { encodeReasoning } from '#wires/claude-reasoning'
import { encodeSampling } from '#wires/claude-sampling'
import { objectSchema } from '#wires/closed-schema'
import type { EncodeTarget } from '#wires/codec'
import { present } from '#wires/present'
import { nameGrammar, toAnthropicName } from './encode-blocks.ts'
import { encodeTurns } from './encode-messages.ts'
import { ownExt, wire } from './fields.ts'
import { encodeOutput } from './output-format.ts'
import { fitPlatform } from './platforms.ts'

export function encodeRequest(request: Request, target: EncodeTarget): { readonly body: JsonObject; readonly notes: readonly Note[] } {
  const notes = new Notes(wire)
  const generation = generationOf(target.model)
  const own = ownExt(request.ext) ?? {}
  const maxTokens = request.maxOutputTokens ?? target.defaultMaxOutputTokens
  const { system, messages, unsealedLoop } = encodeTurns(request.turns, generation, target.sealDomain, notes)
  const tools = encodeTools(request.tools, generation, notes)
  const choice = encodeToolChoice(request, tools.length > 0, notes)
  const limits = {
    generation,
    maxTokens,
    thinkingStated: 'thinking' in own,
    forced: choice?.['type'] === 'any' || choice?.['type'] === 'tool',
    unsealedLoop,
  }
  const reasoning = encodeReasoning(request.reasoning, limits, notes)
  const output = encodeOutput(request.output, generation, notes)
  if (output.instruction !== undefined) system.push({ type: 'text', text: output.instruction })
  const stop = encodeStop(request.stop, notes)
  const sampling = encodeSampling(request, generation, reasoning.thinks, notes)

  const body: JsonObject = {
    model: target.model,
    max_tokens: maxTokens,
    ...(request.stream ? { stream: true } : {}),
    ...(system.length > 0 ? { system } : {}),
    messages: messages.map(({ role, content, ext }) => ({ role, content, ...ext })),
    ...(tools.length > 0 ? { tools } : {}),
    ...(choice === undefined ? {} : { tool_choice: choice }),
    ...(stop.length > 0 ? { stop_sequences: stop } : {}),
    ...present<JsonObject>({ temperature: sampling.temperature, top_p: sampling.topP, top_k: sampling.topK }),
    ...(reasoning.thinking === undefined ? {} : { thinking: reasoning.thinking }),
    ...encodeTier(request.serviceTier, notes),
  }
  noteUnsayable(request, notes)
  addOwn(body, own, {
    output_config: {
      ...(reasoning.effort === undefined ? {} : { effort: reasoning.effort }),
      ...(output.format === undefined ? {} : { format: output.format }),
    },
    metadata: request.user === undefined ? {} : { user_id: request.user },
  })
  fitPlatform(body, target.model, target.dialect, notes)
  for (const field of target.dialect.strip ?? []) {
    if (!(field in body)) continue
    delete body[field]
    notes.dropped(field, 'this provider refuses the field')
  }
  return { body, notes: notes.list }
}

/** Unknown fields of this wire's own client, and the objects that are partly ours and partly unknown. */
function addOwn(body: JsonObject, own: JsonObject, shared: Readonly<Record<string, JsonObject>>): void {
  for (const [key, value] of Object.entries(own)) if (!(key in shared) && value !== null) body[key] = value
  for (const [key, ours] of Object.entries(shared)) {
    const theirs = own[key]
    const all = { ...(isObject(theirs) ? theirs : {}), ...ours }
    if (Object.keys(all).length > 0) body[key] = all
  }
}

function encodeTools(tools: readonly Tool[] | undefined, generation: Generation, notes: Notes): JsonObject[] {
  const encoded: JsonObject[] = []
  for (const [i, tool] of (tools ?? []).entries()) {
    const path = `tools[${i}]`
    if (tool.type === 'hosted' && tool.wire === wire) encoded.push(tool.value)
    else if (tool.type === 'hosted') notes.dropped(path, `"${tool.kind}" is a tool of ${tool.wire}`)
    else if (tool.type === 'custom') notes.dropped(path, 'Anthropic has no tools that take free text')
    else {
      notes.foreignExt(tool.ext, path)
      const strict = tool.strict === true && generation.schemas
      if (tool.strict === true && !strict) notes.dropped(`${path}.strict`, 'this model cannot enforce the schema')
      const name = toAnthropicName(tool.name)
      if (name !== tool.name) notes.renamed(`${path}.name`, nameGrammar)
      encoded.push({
        name,
        ...(tool.description === undefined || tool.description === '' ? {} : { description: tool.description }),
        input_schema: objectSchema(tool.input),
        ...(strict ? { strict } : {}),
        ...(tool.cache === undefined ? {} : { cache_control: tool.cache }),
        ...ownExt(tool.ext),
      })
    }
  }
  return encoded
}

function encodeToolChoice(request: Request, hasTools: boolean, notes: Notes): JsonObject | undefined {
  const { toolChoice, parallelToolCalls } = request
  if (!hasTools) {
    if (toolChoice !== undefined && toolChoice.mode !== 'none') notes.dropped('toolChoice', 'there are no tools to choose from')
    return undefined
  }
  // Parallel calls are the default, and with "none" there are none.
  const single = parallelToolCalls === false && toolChoice?.mode !== 'none' ? { disable_parallel_tool_use: true } : {}
  if (toolChoice === undefined) return parallelToolCalls === false ? { type: 'auto', ...single } : undefined
  return { ...choiceOf(toolChoice), ...single }
}

function choiceOf(choice: ToolChoice): JsonObject {
  if (choice.mode === 'tool') return { type: 'tool', name: toAnthropicName(choice.name) }
  return { type: choice.mode === 'required' ? 'any' : choice.mode }
}

function encodeStop(stop: readonly string[] | undefined, notes: Notes): string[] {
  return (stop ?? []).filter((sequence, i) => {
    if (sequence.trim() !== '') return true
    notes.dropped(`stop[${i}]`, 'Anthropic refuses stop sequences that are only white space')
    return false
  })
}

/** The IR has OpenAI's words; Anthropic's tiers are "auto" (priority capacity where the account has it) and "standard_only". */
function encodeTier(tier: string | undefined, notes: Notes): JsonObject {
  switch (tier) {
    case undefined:
      return {}
    case 'auto':
      return { service_tier: 'auto' }
    case 'default':
      return { service_tier: 'standard_only' }
    case 'priority':
      notes.approximated('serviceTier', '"auto" uses priority capacity where the account has it')
      return { service_tier: 'auto' }
    default:
      notes.dropped('serviceTier', `Anthropic has no tier "${tier}"`)
      return {}
  }
}

/** Top-level words that this wire lacks. Values that say the default lose nothing. */
function noteUnsayable(request: Request, notes: Notes): void {
  notes.foreignExt(request.ext, '')
  const lacks = 'Anthropic has no such parameter'
  if (request.seed !== undefined) notes.dropped('seed', lacks)
  if (request.frequencyPenalty !== undefined && request.frequencyPenalty !== 0) notes.dropped('frequencyPenalty', lacks)
  if (request.presencePenalty !== undefined && request.presencePenalty !== 0) notes.dropped('presencePenalty', lacks)
  if (request.logprobs !== undefined) notes.dropped('logprobs', 'Anthropic gives no probabilities')
  if (request.n !== undefined && request.n !== 1) notes.dropped('n', 'Anthropic gives one answer')
  if (request.verbosity !== undefined && request.verbosity !== 'medium') notes.dropped('verbosity', lacks)
  if (request.cacheKey !== undefined) notes.dropped('cacheKey', 'Anthropic keys its cache by the prompt itself')
}
