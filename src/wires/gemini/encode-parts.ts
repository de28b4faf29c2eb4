// Parts of a conversation -> Google's parts. What cannot be said is noted.
import type { JsonObject } from '#kernel'
import type {
  AssistantPart,
  MediaPart,
  Notes,
  OpaquePart,
  PartExtras,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  UserPart,
} from '#ir'
import { inputOfArgs, toPlainId } from '#wires/tool-ids'
import { encodeCall } from './answer-parts.ts'
import { objectOf, ownExt, sealDomain, wire } from './fields.ts'
import type { Generation } from './generation.ts'
import { isGoogleFile, isYoutube, typeOfAddress } from './media.ts'
import { encodeOutput } from './tool-results.ts'

export type PartContext = {
  readonly generation: Generation
  /** The domain whose seals may be sent. */
  readonly seals: string | undefined
  /** Names of the calls of the conversation by id: Google's results name the function. */
  readonly names: ReadonlyMap<string, string>
  readonly notes: Notes
}

/** Google's names: letters, digits, `_`, `-`, `.` and `:`, 128 at most. */
const acceptedName = /^[a-zA-Z0-9_.:-]{1,128}$/

export function toGoogleName(name: string): string {
  return acceptedName.test(name) ? name : toPlainId(name, 128)
}

/** A part of a user turn that is no tool result; undefined, with a note, when it cannot be said. */
export function encodeUserPart(part: Exclude<UserPart, ToolResultPart>, path: string, context: PartContext): JsonObject | undefined {
  extras(part, path, context.notes)
  switch (part.type) {
    case 'text':
      return encodeText(part)
    case 'media':
      return encodeMedia(part, path, context)
    case 'opaque':
      return encodeOpaque(part, path, context.notes)
    default:
      return part satisfies never
  }
}

export function encodeHistoryPart(part: AssistantPart, path: string, context: PartContext): JsonObject | undefined {
  const { notes } = context
  extras(part, path, notes)
  switch (part.type) {
    case 'text':
      return encodeText(part)
    case 'refusal':
      notes.approximated(path, 'Gemini has no refusals; it is said as text')
      return part.text === '' ? undefined : { text: part.text }
    case 'reasoning':
      return encodeReasoning(part, path, context)
    case 'tool-call':
      return encodeHistoryCall(part, path, context)
    case 'media':
      return encodeMedia(part, path, context)
    case 'tool-result':
      notes.dropped(path, 'results of tools that another provider ran cannot be replayed')
      return undefined
    case 'opaque':
      return encodeOpaque(part, path, notes)
    default:
      return part satisfies never
  }
}

/** An empty text says nothing: leaving it out loses nothing. */
function encodeText(part: TextPart): JsonObject | undefined {
  return part.text === '' ? undefined : { text: part.text, ...ownExt(part.ext) }
}

function encodeReasoning(part: ReasoningPart, path: string, { seals, notes }: PartContext): JsonObject | undefined {
  const { seal } = part
  if (seal === undefined || seals !== sealDomain || seal.domain !== seals || seal.kind !== 'signature') {
    notes.dropped(path, 'reasoning goes only to the vendor that sealed it')
    return undefined
  }
  if (part.text === '') return { text: '', thoughtSignature: seal.data }
  return { text: part.text, thought: true, thoughtSignature: seal.data, ...ownExt(part.ext) }
}

function encodeHistoryCall(part: ToolCallPart, path: string, { seals, notes }: PartContext): JsonObject | undefined {
  if (part.ranBy === 'provider') {
    notes.dropped(path, 'calls of tools that another provider ran cannot be replayed')
    return undefined
  }
  const isSealed = part.seal !== undefined && seals === sealDomain && part.seal.domain === seals
  if (part.seal !== undefined && !isSealed) notes.dropped(`${path}.seal`, `only ${part.seal.domain} can open it`)
  const name = toGoogleName(part.name)
  if (name !== part.name) notes.renamed(`${path}.name`, 'Google accepts letters, digits, _ - . and : in names')
  const seal = isSealed ? part.seal : undefined
  const ext = part.ext === undefined ? {} : { ext: part.ext }
  if (part.kind === 'custom') {
    notes.approximated(path, 'a call with free text becomes a call whose argument is that text')
    return encodeCall({ id: part.id, name, input: { input: part.args }, seal, ...ext })
  }
  const { input, verbatim } = inputOfArgs(part.args)
  if (!verbatim) notes.approximated(`${path}.args`, 'the arguments are not a JSON object; they are kept as text')
  return encodeCall({ id: part.id, name, input, seal, ...ext })
}

/**
 * A result, and what follows it in the turn: media that this model's results cannot hold. `name` is undefined when the conversation
 * has no call for it.
 */
export function encodeToolResult(
  part: ToolResultPart,
  name: string,
  path: string,
  context: PartContext,
): { readonly result: JsonObject; readonly media: JsonObject[] } {
  const { generation, notes } = context
  extras(part, path, notes)
  const texts: string[] = []
  const inside: JsonObject[] = []
  const media: JsonObject[] = []
  part.output.forEach((item, i) => {
    const itemPath = `${path}.output[${i}]`
    if (item.type === 'text') {
      extras(item, itemPath, notes)
      if (item.text !== '') texts.push(item.text)
      return
    }
    const encoded = encodeUserPart(item, itemPath, context)
    if (encoded === undefined) return
    if (item.type === 'opaque') inside.push(encoded)
    else if (generation.resultMedia && encoded['inlineData'] !== undefined) inside.push({ inlineData: encoded['inlineData'] })
    else {
      notes.approximated(itemPath, `a function response of this model holds no such media; the ${item.kind} follows it`)
      media.push(encoded)
    }
  })
  // The rest of the response object's members (`scheduling`, `willContinue`) stands beside it in a part's own fields.
  const { functionResponse: inner, ...outer } = ownExt(part.ext)
  return {
    result: {
      functionResponse: {
        ...objectOf(inner),
        id: part.id,
        name: toGoogleName(name),
        response: encodeOutput(texts, part.failed === true),
        ...(inside.length === 0 ? {} : { parts: inside }),
      },
      ...outer,
    },
    media,
  }
}

function encodeMedia(part: MediaPart, path: string, { generation, notes }: PartContext): JsonObject | undefined {
  const { kind, source } = part
  const { inlineData, fileData, ...own } = ownExt(part.ext)
  if (part.detail !== undefined && part.detail !== 'auto') notes.dropped(`${path}.detail`, 'Gemini has no image detail in these words')
  if (part.name !== undefined) notes.dropped(`${path}.name`, 'the Gemini API takes no file names')
  switch (source.type) {
    case 'base64':
      return { inlineData: { ...objectOf(inlineData), mimeType: source.mediaType, data: source.data }, ...own }
    case 'url':
      if (!/^https?:/i.test(source.url)) {
        notes.dropped(path, 'Gemini fetches only web addresses')
        return undefined
      }
      if (!generation.fetches && !isYoutube(source.url)) {
        notes.approximated(path, 'this model fetches no web addresses at the Gemini API; it is sent as one all the same')
      }
      return { fileData: { mimeType: typeOfAddress(source.url, kind), ...objectOf(fileData), fileUri: source.url }, ...own }
    case 'file':
      if (isGoogleFile(source.id)) return { fileData: { ...objectOf(fileData), fileUri: source.id }, ...own }
      notes.dropped(path, 'the file is stored at another vendor')
      return undefined
    default:
      return source satisfies never
  }
}

function encodeOpaque(part: OpaquePart, path: string, notes: Notes): JsonObject | undefined {
  if (part.wire === wire) return part.value
  notes.dropped(path, `"${part.kind}" is a block of ${part.wire}`)
  return undefined
}

function extras(part: PartExtras, path: string, notes: Notes): void {
  notes.foreignExt(part.ext, path)
  if (part.cache !== undefined) notes.dropped(`${path}.cache`, 'Gemini caches by itself, without marks')
}
