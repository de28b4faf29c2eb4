// Parts -> content blocks: one mapping for the history of a request and for the answer to a client.
import type { JsonObject } from '#kernel'
import type { AssistantPart, MediaPart, Notes, OpaquePart, PartExtras, TextPart, ToolCallPart, ToolResultPart, UserPart } from '#ir'
import { inputOfArgs, toPlainId } from '#wires/tool-ids'
import { encodeCitations, ownCitations } from './citations.ts'
import { ownExt, wire } from './fields.ts'
import { signatureOf } from './own-words.ts'

const unrefused = 'Anthropic has no refusal blocks; it is said as text'

export const nameGrammar = 'Anthropic accepts names of letters, digits, _ and -, at most 128'

export function toAnthropicName(name: string): string {
  return toPlainId(name, 128)
}

/** A block of a user turn; undefined, with a note, when the part cannot be said on this wire. */
export function encodeUserPart(part: UserPart, path: string, notes: Notes): JsonObject | undefined {
  notes.foreignExt(part.ext, path)
  switch (part.type) {
    case 'text':
      return encodeText(part, path, notes)
    case 'media':
      return encodeMedia(part, path, notes)
    case 'tool-result':
      return encodeToolResult(part, path, notes)
    case 'opaque':
      return encodeOpaque(part, path, notes)
    default:
      return part satisfies never
  }
}

/** A block of an assistant turn of the history. `seals`: the domain whose seals may be sent. */
export function encodeHistoryPart(part: AssistantPart, path: string, seals: string | undefined, notes: Notes): JsonObject | undefined {
  notes.foreignExt(part.ext, path)
  switch (part.type) {
    case 'text':
      return encodeText(part, path, notes)
    case 'reasoning':
      if (part.seal === undefined || part.seal.domain !== seals || part.seal.kind === 'encrypted') {
        notes.dropped(path, 'reasoning goes only to the vendor that sealed it')
        return undefined
      }
      return part.seal.kind === 'redacted'
        ? { type: 'redacted_thinking', data: part.seal.data, ...ownExt(part.ext) }
        : { type: 'thinking', thinking: part.text, signature: part.seal.data, ...ownExt(part.ext) }
    case 'refusal':
      notes.approximated(path, unrefused)
      return encodeText({ type: 'text', text: part.text }, path, notes)
    case 'tool-call':
      return encodeHistoryCall(part, path, notes)
    case 'media':
      notes.dropped(path, 'Claude takes pictures and documents from the user only')
      return undefined
    case 'tool-result':
      notes.dropped(path, 'results of tools that another provider ran cannot be replayed')
      return undefined
    case 'opaque':
      return encodeOpaque(part, path, notes)
    default:
      return part satisfies never
  }
}

function encodeHistoryCall(part: ToolCallPart, path: string, notes: Notes): JsonObject | undefined {
  if (part.ranBy === 'provider') {
    notes.dropped(path, 'calls of tools that another provider ran cannot be replayed')
    return undefined
  }
  if (part.seal !== undefined) notes.dropped(`${path}.seal`, 'Anthropic seals reasoning, not tool calls')
  const id = toPlainId(part.id)
  if (id !== part.id) notes.renamed(`${path}.id`, 'Anthropic accepts only letters, digits, _ and - in ids')
  const name = toAnthropicName(part.name)
  if (name !== part.name) notes.renamed(`${path}.name`, nameGrammar)
  if (part.kind === 'custom') {
    notes.approximated(path, 'a call with free text becomes a call whose input holds that text')
    return { type: 'tool_use', id, name, input: { input: part.args }, ...marks(part) }
  }
  const { input, verbatim } = inputOfArgs(part.args)
  if (!verbatim) notes.approximated(`${path}.args`, 'the arguments are not a JSON object; they are kept as text')
  return { type: 'tool_use', id, name, input, ...marks(part) }
}

function encodeText(part: TextPart, path: string, notes: Notes): JsonObject | undefined {
  if (part.text.trim() === '') {
    notes.dropped(path, 'Anthropic refuses text blocks without visible text')
    return undefined
  }
  const citations = ownCitations(part)
  if (citations.length < (part.citations?.length ?? 0)) notes.dropped(`${path}.citations`, 'Anthropic knows only its own citations')
  return { type: 'text', text: part.text, ...(citations.length === 0 ? {} : { citations }), ...marks(part) }
}

function encodeToolResult(part: ToolResultPart, path: string, notes: Notes): JsonObject {
  const content: JsonObject[] = []
  part.output.forEach((item, i) => {
    const itemPath = `${path}.output[${i}]`
    notes.foreignExt(item.ext, itemPath)
    // An empty result is said by leaving its content out: nothing is lost.
    if (item.type === 'text' && item.text.trim() === '') return
    const block =
      item.type === 'text'
        ? encodeText(item, itemPath, notes)
        : item.type === 'media'
          ? encodeMedia(item, itemPath, notes)
          : encodeOpaque(item, itemPath, notes)
    if (block !== undefined) content.push(block)
  })
  const only = content[0]
  const id = toPlainId(part.id)
  if (id !== part.id) notes.renamed(`${path}.id`, 'Anthropic accepts only letters, digits, _ and - in ids')
  return {
    type: 'tool_result',
    tool_use_id: id,
    ...(content.length === 0 ? {} : { content: content.length === 1 && isPlainText(only) ? only['text'] : content }),
    ...(part.failed === true ? { is_error: true } : {}),
    ...marks(part),
  }
}

function isPlainText(block: JsonObject | undefined): block is { type: 'text'; text: string } {
  return block !== undefined && block['type'] === 'text' && Object.keys(block).length === 2
}

function encodeMedia(part: MediaPart, path: string, notes: Notes): JsonObject | undefined {
  if (part.kind === 'audio' || part.kind === 'video') {
    notes.dropped(path, `Anthropic takes no ${part.kind}`)
    return undefined
  }
  if (part.detail !== undefined && part.detail !== 'auto') notes.dropped(`${path}.detail`, 'Anthropic has no image detail')
  if (part.kind === 'image' && part.name !== undefined) notes.dropped(`${path}.name`, 'images have no name on this wire')
  const source = encodeSource(part, path, notes)
  if (source === undefined) return undefined
  return { type: part.kind, source, ...(part.kind === 'document' && part.name !== undefined ? { title: part.name } : {}), ...marks(part) }
}

const imageTypes = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp'])

function encodeSource({ kind, source }: MediaPart, path: string, notes: Notes): JsonObject | undefined {
  switch (source.type) {
    case 'url':
      if (/^https?:/i.test(source.url)) return { type: 'url', url: source.url }
      notes.dropped(path, 'Anthropic fetches only web addresses')
      return undefined
    case 'file':
      // Files belong to the vendor that stores them; Anthropic's are `file_...`, OpenAI's `file-...`.
      if (source.id.startsWith('file_')) return { type: 'file', file_id: source.id }
      notes.dropped(path, 'the file is stored at another vendor')
      return undefined
    case 'base64':
      if (kind === 'image' && !imageTypes.has(source.mediaType) && source.mediaType !== 'image/jpg') {
        notes.dropped(path, `Anthropic takes JPEG, PNG, GIF and WebP, not ${source.mediaType}`)
        return undefined
      }
      if (kind === 'document' && source.mediaType.startsWith('text/')) {
        return { type: 'text', media_type: 'text/plain', data: Buffer.from(source.data, 'base64').toString('utf8') }
      }
      if (kind === 'document' && source.mediaType !== 'application/pdf') {
        notes.dropped(path, `Anthropic takes PDF and plain text documents, not ${source.mediaType}`)
        return undefined
      }
      return { type: 'base64', media_type: source.mediaType === 'image/jpg' ? 'image/jpeg' : source.mediaType, data: source.data }
    default:
      return source satisfies never
  }
}

function encodeOpaque(part: OpaquePart, path: string, notes: Notes): JsonObject | undefined {
  if (part.wire === wire) return part.value
  notes.dropped(path, `"${part.kind}" is a block of ${part.wire}`)
  return undefined
}

function marks(part: PartExtras): JsonObject {
  return { ...(part.cache === undefined ? {} : { cache_control: part.cache }), ...ownExt(part.ext) }
}

/** A block of an answer to a client; undefined where this wire has none and nothing to say it with (generated media). */
export function encodeAnswerPart(part: AssistantPart): JsonObject | undefined {
  switch (part.type) {
    case 'text': {
      if (part.text === '') return undefined
      const citations = encodeCitations(part.citations)
      return { type: 'text', text: part.text, ...(citations.length === 0 ? {} : { citations }), ...ownExt(part.ext) }
    }
    case 'refusal':
      return part.text === '' ? undefined : { type: 'text', text: part.text }
    case 'reasoning':
      if (part.seal?.kind === 'redacted') return { type: 'redacted_thinking', data: part.seal.data }
      if (part.text === '' && part.seal === undefined) return undefined
      return { type: 'thinking', thinking: part.text, signature: signatureOf(part.seal) }
    case 'tool-call': {
      const type = part.ranBy === 'client' ? 'tool_use' : 'server_tool_use'
      return { type, id: part.id, name: part.name, input: inputOfArgs(part.args).input, ...ownExt(part.ext) }
    }
    case 'opaque':
      return part.wire === wire ? part.value : undefined
    case 'media':
    case 'tool-result':
      return undefined
    default:
      return part satisfies never
  }
}
