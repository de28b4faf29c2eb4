// A Google client's request -> IR.
import { asText, type JsonObject, type JsonValue } from '#kernel'
import type { AssistantPart, Note, OutputFormat, Reasoning, Request, Turn, UserPart } from '#ir'
import type { PathFields } from '#wires/codec'
import { present } from '#wires/present'
import { Calls } from './decode-calls.ts'
import { decodeModelPart, decodeTextPart, decodeUserPart } from './decode-parts.ts'
import { decodeToolConfig, decodeTools } from './decode-tools.ts'
import {
  asExt,
  isGiven,
  readArray,
  readCount,
  readFlag,
  readInteger,
  readMessage,
  readNumber,
  readObject,
  readText,
  restOf,
  wrong,
} from './fields.ts'
import { jsonSchemaOf } from './schema.ts'

const requestKeys = new Set(['model', 'contents', 'systemInstruction', 'tools', 'toolConfig', 'generationConfig', 'serviceTier'])

/** Throws `invalid_request` that names the field. Nothing is lost in reading: what has no word goes to `ext` or stays opaque. */
export function decodeRequest(body: JsonObject, path: PathFields = {}): { readonly request: Request; readonly notes: readonly Note[] } {
  const message = readMessage(body, '')
  if (isGiven(message['cachedContent'])) wrong('cachedContent', 'only Google has what is cached there; send all contents to this model')
  const choice = decodeToolConfig(message['toolConfig'])
  const config = decodeConfig(isGiven(message['generationConfig']) ? readMessage(message['generationConfig'], 'generationConfig') : {})
  const rest = { ...restOf(message, requestKeys), ...config.rest, ...(choice.rest === undefined ? {} : { toolConfig: choice.rest }) }
  const request = {
    model: path.model ?? '',
    turns: [...decodeSystem(message['systemInstruction']), ...decodeContents(message['contents'])],
    stream: path.stream ?? false,
    ...optional('tools', decodeTools(message['tools'])),
    ...optional('toolChoice', choice.toolChoice),
    ...config.fields,
    ...optional('serviceTier', decodeTier(message['serviceTier'])),
    ...asExt(rest),
  }
  return { request, notes: [] }
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V })
}

/** A Content, whose role says nothing; SDKs also send a bare text. */
function decodeSystem(value: JsonValue | undefined): Turn[] {
  if (!isGiven(value)) return []
  const path = 'systemInstruction'
  if (typeof value === 'string')
    return value === '' ? [] : [{ role: 'system', authority: 'system', parts: [{ type: 'text', text: value }] }]
  const content = readMessage(value, path)
  const parts = partsOf(content['parts'], `${path}.parts`).map((part, i) => decodeTextPart(part, `${path}.parts[${i}]`))
  return parts.length === 0 ? [] : [{ role: 'system', authority: 'system', parts, ...asExt(restOf(content, contentKeys)) }]
}

const contentKeys = new Set(['role', 'parts'])

/** One content does for a list of one, as in every repeated field. */
function decodeContents(value: JsonValue | undefined): Turn[] {
  const contents = readArray(value, 'contents')
  if (contents.length === 0) wrong('contents', 'at least one content is required')
  const calls = new Calls()
  return contents.map((item, i) => decodeContent(readMessage(item, `contents[${i}]`), `contents[${i}]`, i, calls))
}

function decodeContent(content: JsonObject, path: string, index: number, calls: Calls): Turn {
  const role = isGiven(content['role']) ? readText(content['role'], `${path}.role`) : ''
  const ext = asExt(restOf(content, contentKeys))
  const parts = partsOf(content['parts'], `${path}.parts`)
  switch (role) {
    // Without a role it is the user; "function" is an older word for results.
    case '':
    case 'user':
    case 'function':
      return { role: 'user', parts: parts.map((part, j): UserPart => decodeUserPart(part, `${path}.parts[${j}]`, calls)), ...ext }
    case 'model':
      calls.turn(index)
      return {
        role: 'assistant',
        parts: parts.flatMap((part, j): AssistantPart[] => decodeModelPart(part, `${path}.parts[${j}]`, calls)),
        ...ext,
      }
    default:
      return wrong(`${path}.role`, `it must be "user" or "model", not ${JSON.stringify(role)}`)
  }
}

function partsOf(value: JsonValue | undefined, path: string): JsonValue[] {
  return isGiven(value) ? readArray(value, path) : []
}

const configKeys = new Set([
  'maxOutputTokens',
  'temperature',
  'topP',
  'topK',
  'stopSequences',
  'candidateCount',
  'seed',
  'frequencyPenalty',
  'presencePenalty',
  'responseLogprobs',
  'logprobs',
  'thinkingConfig',
  'responseMimeType',
  'responseSchema',
  'responseJsonSchema',
])

type Config = { readonly fields: Partial<Request>; readonly rest?: { readonly generationConfig: JsonObject } }

function decodeConfig(config: JsonObject): Config {
  const at = (key: string): string => `generationConfig.${key}`
  const thinking = decodeThinking(config['thinkingConfig'])
  const output = decodeOutput(config)
  const rest = { ...restOf(config, configKeys), ...thinking.rest, ...output.rest }
  const stop = isGiven(config['stopSequences'])
    ? readArray(config['stopSequences'], at('stopSequences')).map((each, i) => readText(each, at(`stopSequences[${i}]`)))
    : []
  const logprobs = readCount(config['logprobs'], at('logprobs'))
  return {
    fields: {
      ...optional('maxOutputTokens', readCount(config['maxOutputTokens'], at('maxOutputTokens'))),
      ...optional('temperature', readNumber(config['temperature'], at('temperature'))),
      ...optional('topP', readNumber(config['topP'], at('topP'))),
      ...optional('topK', readNumber(config['topK'], at('topK'))),
      ...(stop.length === 0 ? {} : { stop }),
      ...optional('n', readCount(config['candidateCount'], at('candidateCount'))),
      ...optional('seed', readInteger(config['seed'], at('seed'))),
      ...optional('frequencyPenalty', readNumber(config['frequencyPenalty'], at('frequencyPenalty'))),
      ...optional('presencePenalty', readNumber(config['presencePenalty'], at('presencePenalty'))),
      ...(readFlag(config['responseLogprobs'], at('responseLogprobs')) === true ? { logprobs: logprobs ?? 0 } : {}),
      ...optional('reasoning', thinking.reasoning),
      ...optional('output', output.output),
    },
    ...(Object.keys(rest).length === 0 ? {} : { rest: { generationConfig: rest } }),
  }
}

const thinkingKeys = new Set(['thinkingBudget', 'thinkingLevel', 'includeThoughts'])
const efforts: ReadonlyMap<string, string> = new Map([
  ['MINIMAL', 'minimal'],
  ['LOW', 'low'],
  ['MEDIUM', 'medium'],
  ['HIGH', 'high'],
])

/** A budget of 0 is off, -1 is as the model likes. Thoughts are shown only to who asks for them. */
function decodeThinking(value: JsonValue | undefined): { readonly reasoning?: Reasoning; readonly rest?: JsonObject } {
  if (!isGiven(value)) return {}
  const path = 'generationConfig.thinkingConfig'
  const thinking = readMessage(value, path)
  const budget = readInteger(thinking['thinkingBudget'], `${path}.thinkingBudget`)
  if (budget !== undefined && budget < -1) wrong(`${path}.thinkingBudget`, 'it must be -1, 0 or a number of tokens')
  const level = asText(thinking['thinkingLevel'])?.toUpperCase()
  const effort = level === undefined ? undefined : efforts.get(level)
  const shown = readFlag(thinking['includeThoughts'], `${path}.includeThoughts`) === true
  const rest = restOf(thinking, thinkingKeys) ?? {}
  // A level that is newer than this version.
  if (level !== undefined && effort === undefined && level !== 'THINKING_LEVEL_UNSPECIFIED')
    rest['thinkingLevel'] = thinking['thinkingLevel']!
  const isOff = budget === 0
  const reasoning = present<Reasoning>({
    mode: isOff ? 'off' : budget === -1 ? 'adaptive' : budget === undefined ? undefined : 'on',
    effort,
    budgetTokens: budget !== undefined && budget > 0 ? budget : undefined,
    display: isOff ? undefined : shown ? 'summarized' : 'omitted',
  })
  const isEmpty = budget === undefined && effort === undefined && !shown
  return {
    ...(isEmpty ? {} : { reasoning }),
    ...(Object.keys(rest).length === 0 ? {} : { rest: { thinkingConfig: rest } }),
  }
}

function decodeOutput(config: JsonObject): { readonly output?: OutputFormat; readonly rest?: JsonObject } {
  const { responseMimeType, responseSchema, responseJsonSchema } = config
  const mimeType = isGiven(responseMimeType) ? readText(responseMimeType, 'generationConfig.responseMimeType') : undefined
  if (isGiven(responseSchema) && isGiven(responseJsonSchema)) wrong('generationConfig', 'it has responseSchema and responseJsonSchema')
  const schema = isGiven(responseJsonSchema)
    ? readObject(responseJsonSchema, 'generationConfig.responseJsonSchema')
    : isGiven(responseSchema)
      ? jsonSchemaOf(responseSchema, 'generationConfig.responseSchema')
      : undefined
  switch (mimeType) {
    case 'application/json':
      return { output: schema === undefined ? { type: 'json' } : { type: 'json-schema', schema } }
    case undefined:
      return schema === undefined ? {} : { output: { type: 'json-schema', schema } }
    case 'text/plain':
      return { output: { type: 'text' } }
    default:
      // text/x.enum and what is newer than this version.
      return { rest: present<JsonObject>({ responseMimeType: mimeType, responseSchema, responseJsonSchema }) }
  }
}

/** OpenAI's words are in the IR. */
function decodeTier(value: JsonValue | undefined): string | undefined {
  if (!isGiven(value)) return undefined
  const tier = readText(value, 'serviceTier').toLowerCase()
  return tier === '' || tier === 'unspecified' ? undefined : tier === 'standard' ? 'default' : tier
}
