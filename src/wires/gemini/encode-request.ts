// IR -> a request for a provider that speaks Gemini's generateContent. What cannot be said is noted. The model and whether the answer is
// streamed are in the path.
import type { JsonObject } from '#kernel'
import { Notes, type Note, type OutputFormat, type Request } from '#ir'
import type { EncodeTarget } from '#wires/codec'
import { present } from '#wires/present'
import { encodeReasoning } from './encode-reasoning.ts'
import { encodeToolConfig, encodeTools } from './encode-tools.ts'
import { encodeTurns } from './encode-turns.ts'
import { objectOf, ownExt, wire } from './fields.ts'
import { generationOf, type Generation } from './generation.ts'

export function encodeRequest(request: Request, target: EncodeTarget): { readonly body: JsonObject; readonly notes: readonly Note[] } {
  const notes = new Notes(wire)
  const generation = generationOf(target.model)
  const { generationConfig: ownConfig, toolConfig: ownToolConfig, ...own } = ownExt(request.ext)
  const { system, contents } = encodeTurns(request.turns, generation, target.sealDomain, notes)
  const tools = encodeTools(request.tools, notes)
  const config = encodeConfig(request, generation, objectOf(ownConfig), notes)
  const body = present<JsonObject>({
    ...own,
    contents,
    systemInstruction: system.length === 0 ? undefined : { parts: system },
    tools: tools.length === 0 ? undefined : tools,
    toolConfig: encodeToolConfig(request, ownToolConfig, generation, notes),
    generationConfig: Object.keys(config).length === 0 ? undefined : config,
    serviceTier: encodeTier(request.serviceTier, notes),
  })
  noteUnsayable(request, notes)
  for (const field of target.dialect.strip ?? []) {
    if (!(field in body)) continue
    delete body[field]
    notes.dropped(field, 'this provider refuses the field')
  }
  return { body, notes: notes.list }
}

/** Google's most stop sequences. */
const maxStops = 5
const maxSeed = 2_147_483_647

function encodeConfig(request: Request, generation: Generation, own: JsonObject, notes: Notes): JsonObject {
  const { logprobs } = request
  const thinking = encodeReasoning(request.reasoning, generation, notes)
  const ownThinking = objectOf(own['thinkingConfig'])
  const thinkingConfig = { ...thinking, ...ownThinking }
  return present<JsonObject>({
    ...own,
    maxOutputTokens: request.maxOutputTokens,
    temperature: request.temperature,
    topP: request.topP,
    topK: request.topK,
    stopSequences: encodeStop(request.stop, notes),
    candidateCount: encodeCount(request.n, notes),
    seed: encodeSeed(request.seed, notes),
    frequencyPenalty: request.frequencyPenalty,
    presencePenalty: request.presencePenalty,
    responseLogprobs: logprobs === undefined ? undefined : true,
    logprobs: logprobs === undefined || logprobs === 0 ? undefined : logprobs,
    thinkingConfig: Object.keys(thinkingConfig).length === 0 ? undefined : thinkingConfig,
    ...encodeOutput(request.output, notes),
  })
}

function encodeStop(stop: readonly string[] | undefined, notes: Notes): string[] | undefined {
  if (stop === undefined || stop.length === 0) return undefined
  for (let i = maxStops; i < stop.length; i++) notes.dropped(`stop[${i}]`, `Gemini takes ${maxStops} stop sequences`)
  return stop.slice(0, maxStops)
}

/** The IR has room for one answer. */
function encodeCount(n: number | undefined, notes: Notes): number | undefined {
  if (n !== undefined && n !== 1) notes.dropped('n', 'only one answer can be translated')
  return n === undefined ? undefined : 1
}

function encodeSeed(seed: number | undefined, notes: Notes): number | undefined {
  if (seed === undefined || (Math.abs(seed) <= maxSeed && Number.isInteger(seed))) return seed
  notes.approximated('seed', "Google's seeds are whole numbers of 32 bits")
  return Math.floor(Math.abs(seed)) % maxSeed
}

function encodeOutput(output: OutputFormat | undefined, notes: Notes): JsonObject {
  if (output === undefined) return {}
  if (output.type === 'text') return { responseMimeType: 'text/plain' }
  if (output.type === 'json' || output.schema === undefined) return { responseMimeType: 'application/json' }
  if (output.name !== undefined) notes.dropped('output.name', 'schemas have no name on this wire')
  if (output.description !== undefined) notes.dropped('output.description', 'schemas have no description beside them on this wire')
  return { responseMimeType: 'application/json', responseJsonSchema: output.schema }
}

/** The IR has OpenAI's words. */
function encodeTier(tier: string | undefined, notes: Notes): string | undefined {
  switch (tier) {
    case undefined:
    case 'auto':
      return undefined
    case 'default':
      return 'standard'
    case 'flex':
    case 'priority':
      return tier
    default:
      notes.dropped('serviceTier', `Google has no tier "${tier}"`)
      return undefined
  }
}

/** Top-level words that this wire lacks. Values that say the default lose nothing. */
function noteUnsayable(request: Request, notes: Notes): void {
  notes.foreignExt(request.ext, '')
  const lacks = 'Gemini has no such parameter'
  if (request.verbosity !== undefined && request.verbosity !== 'medium') notes.dropped('verbosity', lacks)
  if (request.user !== undefined) notes.dropped('user', lacks)
  if (request.cacheKey !== undefined) notes.dropped('cacheKey', 'Gemini keys its cache by the prompt itself')
}
