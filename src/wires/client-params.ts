// Where the parameters that a routing config names, by OpenAI's names or the wire's own, are in a client's request.
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import type { ClientWire } from '#ir'
import { codecOf } from './registry.ts'

/** A member of the request, or of a top-level object of it. */
export type ParamPlace = { readonly field: string; readonly within?: string }
export type PlacedParam = ParamPlace & { readonly value: JsonValue }

type Column = ClientWire | 'embeddings'
/** `words`: the value as this wire has it; absent: as it is. */
type Place = ParamPlace & { readonly words?: (value: JsonValue) => JsonValue }
/** Under every name that the parameter has on some wire; a wire without a place for it is left out. */
type Param = { readonly names: readonly string[]; readonly at: Partial<Record<Column, Place>> }

const asList = (value: JsonValue): JsonValue => (typeof value === 'string' ? [value] : value)
const top = (field: string): Place => ({ field })
const generation = (field: string, words?: Place['words']): Place => ({
  field,
  within: 'generationConfig',
  ...(words === undefined ? {} : { words }),
})
const both = (field: string): Param['at'] => ({ 'openai-chat': top(field), 'openai-responses': top(field) })
const chatOnly = (field: string): Param => ({ names: [field], at: { 'openai-chat': top(field) } })

/** Closed: what is not here is a wire's own name, or a provider's, and goes as it is written. */
const params: readonly Param[] = [
  {
    names: ['max_tokens', 'max_completion_tokens', 'max_output_tokens', 'maxOutputTokens'],
    at: {
      'openai-chat': top('max_completion_tokens'),
      'openai-responses': top('max_output_tokens'),
      'anthropic-messages': top('max_tokens'),
      gemini: generation('maxOutputTokens'),
    },
  },
  {
    names: ['temperature'],
    at: { ...both('temperature'), 'anthropic-messages': top('temperature'), gemini: generation('temperature') },
  },
  { names: ['top_p', 'topP'], at: { ...both('top_p'), 'anthropic-messages': top('top_p'), gemini: generation('topP') } },
  {
    names: ['top_k', 'topK'],
    at: { 'openai-chat': top('top_k'), 'anthropic-messages': top('top_k'), gemini: generation('topK') },
  },
  {
    names: ['stop', 'stop_sequences', 'stopSequences'],
    at: {
      'openai-chat': top('stop'),
      'anthropic-messages': { field: 'stop_sequences', words: asList },
      gemini: generation('stopSequences', asList),
    },
  },
  { names: ['seed'], at: { 'openai-chat': top('seed'), gemini: generation('seed') } },
  {
    names: ['frequency_penalty', 'frequencyPenalty'],
    at: { 'openai-chat': top('frequency_penalty'), gemini: generation('frequencyPenalty') },
  },
  {
    names: ['presence_penalty', 'presencePenalty'],
    at: { 'openai-chat': top('presence_penalty'), gemini: generation('presencePenalty') },
  },
  { names: ['n', 'candidateCount'], at: { 'openai-chat': top('n'), gemini: generation('candidateCount') } },
  { names: ['logprobs', 'responseLogprobs'], at: { 'openai-chat': top('logprobs'), gemini: generation('responseLogprobs') } },
  { names: ['top_logprobs'], at: { ...both('top_logprobs'), gemini: generation('logprobs') } },
  {
    names: ['user'],
    at: { ...both('user'), 'anthropic-messages': { field: 'user_id', within: 'metadata' }, embeddings: top('user') },
  },
  {
    names: ['reasoning_effort'],
    at: {
      'openai-chat': top('reasoning_effort'),
      'openai-responses': { field: 'effort', within: 'reasoning' },
      'anthropic-messages': { field: 'effort', within: 'output_config' },
    },
  },
  { names: ['verbosity'], at: { 'openai-chat': top('verbosity'), 'openai-responses': { field: 'verbosity', within: 'text' } } },
  { names: ['parallel_tool_calls'], at: both('parallel_tool_calls') },
  { names: ['prompt_cache_key'], at: both('prompt_cache_key') },
  { names: ['prompt_cache_retention'], at: both('prompt_cache_retention') },
  { names: ['safety_identifier'], at: both('safety_identifier') },
  { names: ['store'], at: both('store') },
  { names: ['responseMimeType'], at: { gemini: generation('responseMimeType') } },
  { names: ['responseSchema'], at: { gemini: generation('responseSchema') } },
  { names: ['responseJsonSchema'], at: { gemini: generation('responseJsonSchema') } },
  { names: ['thinkingConfig'], at: { gemini: generation('thinkingConfig') } },
  ...['stream_options', 'functions', 'function_call', 'logit_bias', 'prediction', 'modalities', 'audio', 'web_search_options'].map(
    chatOnly,
  ),
  { names: ['dimensions'], at: { embeddings: top('dimensions') } },
  { names: ['encoding_format'], at: { embeddings: top('encoding_format') } },
]

const byName: ReadonlyMap<string, Param> = new Map(params.flatMap((param) => param.names.map((name) => [name, param] as const)))

/** Read by chat's codec and written by the other wire's: they differ in more than a name. `at`: the fields in which they may end. */
const structured: ReadonlyMap<string, Partial<Record<ClientWire, readonly ParamPlace[]>>> = new Map([
  [
    'tools',
    {
      'openai-chat': [{ field: 'tools' }],
      'openai-responses': [{ field: 'tools' }],
      'anthropic-messages': [{ field: 'tools' }],
      gemini: [{ field: 'tools' }],
    },
  ],
  [
    'tool_choice',
    {
      'openai-chat': [{ field: 'tool_choice' }],
      'openai-responses': [{ field: 'tool_choice' }],
      'anthropic-messages': [{ field: 'tool_choice' }],
      gemini: [{ field: 'toolConfig' }],
    },
  ],
  [
    'response_format',
    {
      'openai-chat': [{ field: 'response_format' }],
      'openai-responses': [{ field: 'format', within: 'text' }],
      'anthropic-messages': [{ field: 'format', within: 'output_config' }],
      gemini: ['responseMimeType', 'responseJsonSchema', 'responseSchema'].map((field) => ({ field, within: 'generationConfig' })),
    },
  ],
])

/** The client's to say: what it gets depends on it. */
const clients: ReadonlySet<string> = new Set(['stream', 'model'])

export type ParamPlaces = {
  /** Where it is, in the order in which they are looked for. */
  readonly places: readonly ParamPlace[]
  /** Other names that the wire has for the same thing. */
  readonly synonyms: readonly string[]
}

/** Where the parameter of that name is in a request; a sentence where the wire has no place for it. */
export function placesOf(wire: ClientWire, isEmbedding: boolean, name: string): ParamPlaces | string {
  if (clients.has(name)) return 'the client decides it'
  const column = isEmbedding ? 'embeddings' : wire
  const shapes = structured.get(name)
  const param = byName.get(name)
  if (isEmbedding && shapes !== undefined) return 'embeddings have no such parameter'
  const places = shapes?.[wire]
  if (places !== undefined) return { places, synonyms: [] }
  if (param === undefined) return { places: [{ field: name }], synonyms: [] }
  const place = param.at[column]
  if (place === undefined) return isEmbedding ? 'embeddings have no such parameter' : `${wire} has no such parameter`
  // Chat has two names for its cap: each provider takes the one that its row says.
  const synonyms = wire === 'openai-chat' && param.names[0] === 'max_tokens' ? ['max_completion_tokens', 'max_tokens'] : []
  if (synonyms.includes(name)) return { places: [{ field: name }], synonyms: synonyms.filter((one) => one !== name) }
  const { field, within } = place
  return { places: [{ field, ...(within === undefined ? {} : { within }) }], synonyms: synonyms.filter((one) => one !== field) }
}

/** The parameter with its value, as the wire has it; a sentence where it has no place for it. */
export function placeParam(wire: ClientWire, isEmbedding: boolean, name: string, value: JsonValue): readonly PlacedParam[] | string {
  const found = placesOf(wire, isEmbedding, name)
  if (typeof found === 'string') return found
  if (structured.has(name) && wire !== 'openai-chat') return rewritten(wire, name, value, found.places)
  const words = byName.get(name)?.at[isEmbedding ? 'embeddings' : wire]?.words
  return found.places.map((place) => ({ ...place, value: words === undefined ? value : words(value) }))
}

/** A request that has nothing else: what the codecs make of it is the parameter. A value that is this wire's own already stays as it is. */
function rewritten(wire: ClientWire, name: string, value: JsonValue, places: readonly ParamPlace[]): readonly PlacedParam[] | string {
  const asIs = places.map((place) => ({ ...place, value })).slice(0, 1)
  const tool = { type: 'function', function: { name: chosenName(value) ?? 'tool', parameters: { type: 'object', properties: {} } } }
  let written: JsonObject
  try {
    const chat: JsonObject = { model: 'm', messages: [{ role: 'user', content: '-' }], [name]: value }
    if (name === 'tool_choice') chat['tools'] = [tool]
    const { request } = codecOf('openai-chat').ingress.decodeRequest(chat)
    written = codecOf(wire).egress.encodeRequest(request, { model: newestOf[wire], dialect: {}, defaultMaxOutputTokens: 1 }).body
  } catch {
    return asIs
  }
  const placed = places.flatMap((place): PlacedParam[] => {
    const container = place.within === undefined ? written : written[place.within]
    const found = isObject(container) ? container[place.field] : undefined
    return found === undefined ? [] : [{ ...place, value: found }]
  })
  return placed.length > 0 ? placed : `${wire} has no place for this value of it`
}

/** Models that take everything that their wire has. */
const newestOf: Record<ClientWire, string> = {
  'openai-chat': 'm',
  'openai-responses': 'm',
  'anthropic-messages': 'claude-opus-4-6',
  gemini: 'gemini-3-pro',
}

function chosenName(choice: JsonValue): string | undefined {
  const inner = isObject(choice) ? choice['function'] : undefined
  return isObject(inner) && typeof inner['name'] === 'string' ? inner['name'] : undefined
}
