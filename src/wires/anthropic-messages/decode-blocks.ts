// Content blocks of a request -> parts. A block that the IR has no word for stays as it is (`opaque`).
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import type { AssistantPart, CacheMark, MediaPart, MediaSource, OpaquePart, PartExtras, TextPart, ToolResultPart, UserPart } from '#ir'
import { isBase64 } from '#wires/data-urls'
import { decodeCitations } from './citations.ts'
import { isGiven, readArray, readFlag, readName, readObject, readText, restOf, sealDomain, typeOf, wire, wrong } from './fields.ts'
import { sealOf } from './own-words.ts'
import { argsOfInput } from '#wires/tool-ids'

const textKeys = new Set(['type', 'text', 'cache_control'])
const citedTextKeys = new Set([...textKeys, 'citations'])
const imageKeys = new Set(['type', 'source', 'cache_control'])
const documentKeys = new Set(['type', 'source', 'title', 'cache_control'])
const toolUseKeys = new Set(['type', 'id', 'name', 'input', 'cache_control'])
const toolResultKeys = new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control'])
const thinkingKeys = new Set(['type', 'thinking', 'signature'])
const redactedKeys = new Set(['type', 'data'])

/** A string or an array of blocks, each read by `read`. */
export function decodeContent<P>(
  content: JsonValue | undefined,
  path: string,
  read: (block: JsonObject, path: string) => P,
): (P | TextPart)[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  return readArray(content, path).map((block, i) => read(readObject(block, `${path}.${i}`), `${path}.${i}`))
}

export function decodeUserBlock(block: JsonObject, path: string): UserPart {
  if (readName(block['type'], `${path}.type`) === 'tool_result') return decodeToolResult(block, path)
  return decodeShared(block, path)
}

export function decodeAssistantBlock(block: JsonObject, path: string): AssistantPart {
  switch (readName(block['type'], `${path}.type`)) {
    case 'tool_use': {
      const call = {
        type: 'tool-call',
        id: readName(block['id'], `${path}.id`),
        name: readName(block['name'], `${path}.name`),
        args: argsOfInput(readObject(block['input'], `${path}.input`)),
        ranBy: 'client',
      } as const
      return { ...call, ...extras(block, toolUseKeys, path) }
    }
    case 'thinking': {
      const text = readText(block['thinking'], `${path}.thinking`)
      const signature = isGiven(block['signature']) ? readText(block['signature'], `${path}.signature`) : ''
      const seal = sealOf(signature)
      return { type: 'reasoning', text, ...(seal === undefined ? {} : { seal }), ...restOf(block, thinkingKeys) }
    }
    case 'redacted_thinking': {
      const seal = { domain: sealDomain, kind: 'redacted', data: readText(block['data'], `${path}.data`) } as const
      return { type: 'reasoning', text: '', seal, ...restOf(block, redactedKeys) }
    }
    default:
      return decodeShared(block, path)
  }
}

export function decodeTextBlock(block: JsonObject, path: string): TextPart {
  const text = readText(block['text'], `${path}.text`)
  const citations = decodeCitations(block['citations'], text.length)
  if (citations === undefined) return { type: 'text', text, ...extras(block, textKeys, path) }
  return { type: 'text', text, citations, ...extras(block, citedTextKeys, path) }
}

function decodeShared(block: JsonObject, path: string): TextPart | MediaPart | OpaquePart {
  switch (typeOf(block)) {
    case 'text':
      return decodeTextBlock(block, path)
    case 'image':
      return decodeMedia('image', imageKeys, block, path)
    case 'document':
      return decodeMedia('document', documentKeys, block, path)
    default:
      return opaque(block)
  }
}

function decodeMedia(kind: 'image' | 'document', known: ReadonlySet<string>, block: JsonObject, path: string): MediaPart | OpaquePart {
  const source = decodeSource(readObject(block['source'], `${path}.source`), `${path}.source`)
  if (source === undefined) return opaque(block)
  const title = block['title']
  const name = kind === 'document' && typeof title === 'string' && title !== '' ? { name: title } : {}
  return { type: 'media', kind, source, ...name, ...extras(block, known, path) }
}

/** undefined: a source without a counterpart (`content`: a document made of blocks), or one that is newer than this version. */
function decodeSource(source: JsonObject, path: string): MediaSource | undefined {
  switch (typeOf(source)) {
    case 'base64':
      return {
        type: 'base64',
        mediaType: readName(source['media_type'], `${path}.media_type`),
        data: readBase64(source['data'], `${path}.data`),
      }
    case 'url':
      return { type: 'url', url: readName(source['url'], `${path}.url`) }
    case 'file':
      return { type: 'file', id: readName(source['file_id'], `${path}.file_id`) }
    case 'text': {
      const data = Buffer.from(readText(source['data'], `${path}.data`), 'utf8').toString('base64')
      return { type: 'base64', mediaType: readName(source['media_type'], `${path}.media_type`), data }
    }
    default:
      readName(source['type'], `${path}.type`)
      return undefined
  }
}

function readBase64(value: JsonValue | undefined, path: string): string {
  const data = readText(value, path)
  return isBase64(data) ? data : wrong(path, 'must be valid base64')
}

function decodeToolResult(block: JsonObject, path: string): ToolResultPart {
  const content = block['content']
  const output = isGiven(content)
    ? decodeContent(content, `${path}.content`, (inner, innerPath) => {
        readName(inner['type'], `${innerPath}.type`)
        return decodeShared(inner, innerPath)
      })
    : []
  const failed = readFlag(block['is_error'], `${path}.is_error`) === true ? { failed: true } : {}
  const id = readName(block['tool_use_id'], `${path}.tool_use_id`)
  return { type: 'tool-result', id, output, ...failed, ...extras(block, toolResultKeys, path) }
}

function opaque(block: JsonObject): OpaquePart {
  return { type: 'opaque', wire, kind: typeof block['type'] === 'string' ? block['type'] : '', value: block }
}

function extras(block: JsonObject, known: ReadonlySet<string>, path: string): PartExtras {
  return { ...readCache(block['cache_control'], `${path}.cache_control`), ...restOf(block, known) }
}

export function readCache(value: JsonValue | undefined, path: string): { cache?: CacheMark } {
  if (!isGiven(value)) return {}
  return { cache: isObject(value) ? value : readObject(value, path) }
}
