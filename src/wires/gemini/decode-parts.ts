// Parts of a Google client's contents -> neutral parts. A part that the IR has no word for stays as it is (`opaque`).
import { asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { AssistantPart, MediaPart, OpaquePart, ReasoningPart, Seal, TextPart, ToolResultPart, UserPart } from '#ir'
import { argsOfInput } from '#wires/tool-ids'
import type { Calls } from './decode-calls.ts'
import { asExt, isGiven, readArray, readFlag, readMessage, readName, readObject, readText, restOf, sealOf, wire, wrong } from './fields.ts'
import { decodeFile, decodeInline } from './media.ts'
import { decodeOutput } from './tool-results.ts'

/** Exactly one of these is in a part (`Part.data` of the protobuf). */
const dataKeys = [
  'text',
  'inlineData',
  'fileData',
  'functionCall',
  'functionResponse',
  'executableCode',
  'codeExecutionResult',
  'toolCall',
  'toolResponse',
] as const
type DataKey = (typeof dataKeys)[number]
const readKeys: ReadonlySet<string> = new Set([...dataKeys, 'thought', 'thoughtSignature'])

type Read = {
  readonly part: JsonObject
  readonly key: DataKey | undefined
  readonly seal: Seal | undefined
  readonly rest: JsonObject | undefined
}

function read(value: JsonValue, path: string): Read {
  const part = readMessage(value, path)
  const given = dataKeys.filter((key) => isGiven(part[key]))
  if (Object.keys(part).length === 0) wrong(path, 'a part must hold something')
  if (given.length > 1) wrong(path, `a part holds one thing, this one holds ${given.join(' and ')}`)
  const signature = isGiven(part['thoughtSignature']) ? readText(part['thoughtSignature'], `${path}.thoughtSignature`) : ''
  return {
    part,
    key: given[0],
    seal: sealOf(signature),
    rest: restOf(part, readKeys),
  }
}

export function decodeUserPart(value: JsonValue, path: string, calls: Calls): UserPart {
  const { part, key, rest } = read(value, path)
  if (key === 'functionResponse') return decodeResult(readMessage(part[key], `${path}.${key}`), rest, `${path}.${key}`, calls)
  if (key === 'functionCall') return wrong(path, 'only the model calls functions')
  return decodeShared(part, key, rest, path)
}

/** A signature on a text or an image stands behind it, as reasoning that is only a seal. */
export function decodeModelPart(value: JsonValue, path: string, calls: Calls): AssistantPart[] {
  const { part, key, seal, rest } = read(value, path)
  const isThought = readFlag(part['thought'], `${path}.thought`) === true
  if (key === 'text') {
    const text = readText(part['text'], `${path}.text`)
    const sealed = seal === undefined ? {} : { seal }
    // So Google's streams end, and SDKs keep it in the history.
    if (text === '' && seal === undefined) return []
    if (isThought || text === '') return [{ type: 'reasoning', text, ...sealed, ...asExt(rest) }]
    return [{ type: 'text', text, ...asExt(rest) }, ...sealOnly(seal)]
  }
  if (key === 'functionCall') {
    const call = readMessage(part[key], `${path}.${key}`)
    const name = readName(call['name'], `${path}.${key}.name`)
    if (isGiven(call['partialArgs']) || call['willContinue'] === true) wrong(`${path}.${key}`, 'a call in a history is whole')
    const args = isGiven(call['args']) ? readObject(call['args'], `${path}.${key}.args`) : {}
    const id = calls.called(asText(call['id']), name, `${path}.${key}.id`)
    return [
      { type: 'tool-call', id, name, args: argsOfInput(args), ranBy: 'client', ...(seal === undefined ? {} : { seal }), ...asExt(rest) },
    ]
  }
  if (key === 'functionResponse') return wrong(path, 'results of functions come from the user')
  if (isThought) return [opaque(part)]
  const shared = decodeShared(part, key, rest, path)
  return shared.type === 'opaque' ? [shared] : [shared, ...sealOnly(seal)]
}

function sealOnly(seal: Seal | undefined): ReasoningPart[] {
  return seal === undefined ? [] : [{ type: 'reasoning', text: '', seal }]
}

function decodeShared(
  part: JsonObject,
  key: DataKey | undefined,
  rest: JsonObject | undefined,
  path: string,
): TextPart | MediaPart | OpaquePart {
  switch (key) {
    case 'text':
      return { type: 'text', text: readText(part['text'], `${path}.text`), ...asExt(rest) }
    case 'inlineData':
      return decodeInline(part['inlineData']!, rest, `${path}.inlineData`)
    case 'fileData':
      return decodeFile(part['fileData']!, rest, `${path}.fileData`)
    default:
      return opaque(part)
  }
}

function opaque(part: JsonObject): OpaquePart {
  const kind = Object.keys(part).find((key) => key !== 'thought' && key !== 'thoughtSignature' && key !== 'partMetadata') ?? ''
  return { type: 'opaque', wire, kind, value: part }
}

export function decodeTextPart(value: JsonValue, path: string): TextPart {
  const { part, key, rest } = read(value, path)
  if (key !== 'text') wrong(path, 'instructions can only be text')
  return { type: 'text', text: readText(part['text'], `${path}.text`), ...asExt(rest) }
}

const responseKeys = new Set(['id', 'name', 'response', 'parts'])

function decodeResult(response: JsonObject, rest: JsonObject | undefined, path: string, calls: Calls): ToolResultPart {
  const name = readName(response['name'], `${path}.name`)
  const id = calls.answered(asText(response['id']), name, path)
  const { texts, failed } = isGiven(response['response'])
    ? decodeOutput(readObject(response['response'], `${path}.response`))
    : { texts: [], failed: false }
  const media = isGiven(response['parts'])
    ? readArray(response['parts'], `${path}.parts`).map((item, i) => decodeResultPart(item, `${path}.parts[${i}]`))
    : []
  const inner = restOf(response, responseKeys)
  return {
    type: 'tool-result',
    id,
    output: [...texts.map((text): TextPart => ({ type: 'text', text })), ...media],
    ...(failed ? { failed } : {}),
    ...asExt({ ...rest, ...(inner === undefined ? {} : { functionResponse: inner }) }),
  }
}

function decodeResultPart(value: JsonValue, path: string): MediaPart | OpaquePart {
  const part = readMessage(value, path)
  if (isObject(part['inlineData'])) return decodeInline(part['inlineData'], undefined, `${path}.inlineData`)
  if (isObject(part['fileData'])) return decodeFile(part['fileData'], undefined, `${path}.fileData`)
  return opaque(part)
}
