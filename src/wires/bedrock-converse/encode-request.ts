// IR -> a request for Bedrock's Converse and ConverseStream; the model, and which of the two, stand in the path. What cannot be said is noted.
import { isObject, type JsonObject } from '#kernel'
import { Notes, type Note, type OutputFormat, type Request } from '#ir'
import { encodeAlternating, isUnsealedLoop } from '#wires/alternating-turns'
import { encodeSampling } from '#wires/claude-sampling'
import { closeSchema } from '#wires/closed-schema'
import type { EncodeTarget } from '#wires/codec'
import { outputInstruction } from '#wires/output-instruction'
import { present } from '#wires/present'
import { Blocks } from './encode-blocks.ts'
import { encodeReasoning } from './encode-reasoning.ts'
import { encodeToolConfig } from './encode-tools.ts'
import { ownExt, wire } from './fields.ts'
import { traitsOf, type Traits } from './traits.ts'

export function encodeRequest(request: Request, target: EncodeTarget): { readonly body: JsonObject; readonly notes: readonly Note[] } {
  const notes = new Notes(wire)
  const traits = traitsOf(target.model)
  const own = ownExt(request.ext) ?? {}
  const blocks = new Blocks(traits, target.sealDomain, notes)
  const toolConfig = encodeToolConfig(request, traits, blocks, notes)
  const { system, messages } = encodeAlternating(request.turns, blocks, traits.generation, notes)
  const choice = isObject(toolConfig?.['toolChoice']) ? toolConfig['toolChoice'] : {}
  const theirs = isObject(own['additionalModelRequestFields']) ? own['additionalModelRequestFields'] : {}
  const limits = {
    maxTokens: request.maxOutputTokens ?? target.defaultMaxOutputTokens,
    thinkingStated: 'thinking' in theirs,
    forced: 'any' in choice || 'tool' in choice,
    unsealedLoop: toolConfig !== undefined && isUnsealedLoop(messages, blocks, (block) => 'reasoningContent' in block),
  }
  if (toolConfig === undefined && messages.some(({ content }) => content.some((block) => 'toolUse' in block || 'toolResult' in block))) {
    notes.approximated('tools', 'Converse takes no calls in the history of a request without tools; they are said as text')
    for (const message of messages) message.content = message.content.flatMap((block) => blocks.said(block))
  }
  const reasoning = encodeReasoning(request, traits, limits, notes)
  const output = encodeOutput(request.output, traits, notes)
  if (output.instruction !== undefined) system.push({ text: output.instruction })
  const { inferenceConfig, additional } = encodeInference(request, traits, reasoning, limits.maxTokens, notes)
  const asksWhichStop = request.stop !== undefined && request.stop.length > 0

  const body: JsonObject = {
    messages: messages.map(({ role, content, ext }) => ({ role, content: blocks.placed(content), ...ext })),
    ...(system.length > 0 ? { system: blocks.placed(system) } : {}),
    ...(toolConfig === undefined ? {} : { toolConfig }),
    // Where Claude's own answer has it, whole and streamed; models that don't say it ignore the paths (API reference, 2026-11).
    ...(asksWhichStop ? { additionalModelResponseFieldPaths: ['/stop_sequence', '/delta/stop_sequence'] } : {}),
    ...encodeTier(request.serviceTier, notes),
  }
  noteUnsayable(request, notes)
  addOwn(body, own, {
    inferenceConfig,
    additionalModelRequestFields: additional,
    outputConfig: present<JsonObject>({ textFormat: output.textFormat, effort: reasoning.effort }),
  })
  for (const field of target.dialect.strip ?? []) {
    if (!(field in body)) continue
    delete body[field]
    notes.dropped(field, 'this provider refuses the field')
  }
  return { body, notes: notes.list }
}

/** Fields of this wire's own (`guardrailConfig`, `requestMetadata`, ...), and the objects that are partly ours and partly those. */
function addOwn(body: JsonObject, own: JsonObject, shared: Readonly<Record<string, JsonObject>>): void {
  for (const [key, value] of Object.entries(own)) if (!(key in shared) && value !== null) body[key] = value
  for (const [key, ours] of Object.entries(shared)) {
    const theirs = own[key]
    const all = { ...(isObject(theirs) ? theirs : {}), ...ours }
    if (Object.keys(all).length > 0) body[key] = all
  }
}

function encodeInference(
  request: Request,
  traits: Traits,
  reasoning: ReturnType<typeof encodeReasoning>,
  maxTokens: number,
  notes: Notes,
): { readonly inferenceConfig: JsonObject; readonly additional: JsonObject } {
  const { temperature, topP, topK } = encodeSampling(request, traits.generation, reasoning.thinks, notes)
  const additional: JsonObject = { ...reasoning.fields }
  if (topK !== undefined) {
    if (traits.topK === 'top_k') additional['top_k'] = topK
    else if (traits.topK === 'inferenceConfig.topK') additional['inferenceConfig'] = { topK }
    else notes.dropped('topK', 'this model has no such parameter')
  }
  const unsampled = reasoning.unsampled === true
  if (unsampled) {
    for (const [path, value] of Object.entries({ temperature, topP }))
      if (value !== undefined) notes.dropped(path, 'this model chooses it itself at its highest effort')
  }
  const stop = (request.stop ?? []).filter((sequence, i) => {
    if (traits.reasoning === 'thinking' ? sequence.trim() !== '' : sequence !== '') return true
    notes.dropped(`stop[${i}]`, 'this model refuses stop sequences that are only white space')
    return false
  })
  // The default is the model's own maximum. A budget for thinking is a share of a cap that must then be sent.
  const budgeted = isObject(reasoning.fields?.['thinking']) && 'budget_tokens' in reasoning.fields['thinking']
  const inferenceConfig = present<JsonObject>({
    maxTokens: request.maxOutputTokens ?? (budgeted ? maxTokens : undefined),
    temperature: unsampled ? undefined : temperature,
    topP: unsampled ? undefined : topP,
    stopSequences: stop.length > 0 ? stop : undefined,
  })
  return { inferenceConfig, additional }
}

/** Converse enforces schemas, which it takes as text; there is no mode that only asks for JSON. */
function encodeOutput(
  output: OutputFormat | undefined,
  traits: Traits,
  notes: Notes,
): { readonly textFormat?: JsonObject; readonly instruction?: string } {
  if (output === undefined || output.type === 'text') return {}
  if (output.type === 'json' || output.schema === undefined) {
    notes.approximated('output', 'Converse has no JSON mode; an instruction asks for it')
    return { instruction: outputInstruction(output) }
  }
  const closed = traits.schemas ? closeSchema(output.schema) : undefined
  if (closed === undefined) {
    const why = traits.schemas ? 'objects with free keys cannot be enforced' : 'this model takes no schema'
    notes.approximated('output.schema', `${why}; an instruction carries it`)
    return { instruction: outputInstruction(output) }
  }
  if (closed !== output.schema)
    notes.approximated('output.schema', 'objects are closed, and limits that Bedrock cannot enforce become descriptions')
  const jsonSchema = present<JsonObject>({ schema: JSON.stringify(closed), name: output.name, description: output.description })
  return { textFormat: { type: 'json_schema', structure: { jsonSchema } } }
}

/** The tiers have OpenAI's names; "auto" is the account's default. */
function encodeTier(tier: string | undefined, notes: Notes): JsonObject {
  switch (tier) {
    case undefined:
    case 'auto':
      return {}
    case 'default':
    case 'flex':
    case 'priority':
    case 'reserved':
      return { serviceTier: { type: tier } }
    default:
      notes.dropped('serviceTier', `Bedrock has no tier "${tier}"`)
      return {}
  }
}

/** Top-level words that this wire lacks. Values that say the default lose nothing. */
function noteUnsayable(request: Request, notes: Notes): void {
  notes.foreignExt(request.ext, '')
  const lacks = 'Converse has no such parameter'
  if (request.seed !== undefined) notes.dropped('seed', lacks)
  if (request.frequencyPenalty !== undefined && request.frequencyPenalty !== 0) notes.dropped('frequencyPenalty', lacks)
  if (request.presencePenalty !== undefined && request.presencePenalty !== 0) notes.dropped('presencePenalty', lacks)
  if (request.n !== undefined && request.n !== 1) notes.dropped('n', 'Converse gives one answer')
  if (request.logprobs !== undefined) notes.dropped('logprobs', 'Converse gives no probabilities')
  if (request.verbosity !== undefined && request.verbosity !== 'medium') notes.dropped('verbosity', lacks)
  if (request.user !== undefined) notes.dropped('user', lacks)
  if (request.cacheKey !== undefined) notes.dropped('cacheKey', 'Bedrock keys its cache by the prompt itself')
}
