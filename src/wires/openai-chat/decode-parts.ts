// Content of messages -> parts.
import { asText, isObject, type JsonValue } from '#kernel'
import type { MediaPart, OpaquePart, ReasoningPart, RefusalPart, TextPart } from '#ir'
import { readAudio, readFile, readSource } from '#wires/openai-media'
import { asExt, cacheOf, isGiven, readName, readObject, readText, restOf, wire, wrong } from './fields.ts'

export type ContentPart = TextPart | MediaPart | RefusalPart | ReasoningPart | OpaquePart

/** A string, an array of parts, or nothing. An empty string is no part. */
export function decodeContent(content: JsonValue | undefined, path: string): ContentPart[] {
  if (!isGiven(content) || content === '') return []
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content)) return wrong(path, 'a string or an array of parts', content)
  return content.map((part, index) => decodePart(part, `${path}[${index}]`))
}

const textFields = new Set(['type', 'text', 'cache_control'])
const mediaFields = new Set(['type', 'image_url', 'input_audio', 'file', 'video_url', 'cache_control'])

function decodePart(value: JsonValue, path: string): ContentPart {
  if (typeof value === 'string') return { type: 'text', text: value }
  const part = readObject(value, path)
  const type = readName(part['type'], `${path}.type`)
  const media = (fields: Omit<MediaPart, 'type'>): MediaPart => ({
    type: 'media',
    ...fields,
    ...cacheOf(part),
    ...asExt(restOf(part, mediaFields)),
  })
  switch (type) {
    case 'text':
      return { type: 'text', text: readText(part['text'], `${path}.text`), ...cacheOf(part), ...asExt(restOf(part, textFields)) }
    case 'refusal':
      return { type: 'refusal', text: readText(part['refusal'], `${path}.refusal`) }
    case 'thinking':
      return { type: 'reasoning', text: thinkingText(part['thinking']) }
    case 'image_url': {
      // Some clients write the URL without its object.
      const image = typeof part['image_url'] === 'string' ? { url: part['image_url'] } : readObject(part['image_url'], `${path}.image_url`)
      const detail = asText(image['detail'])
      const source = readSource(readName(image['url'], `${path}.image_url.url`), `${path}.image_url.url`)
      return media({ kind: 'image', source, ...(detail === undefined ? {} : { detail }) })
    }
    case 'video_url': {
      const video = readObject(part['video_url'], `${path}.video_url`)
      return media({ kind: 'video', source: readSource(readName(video['url'], `${path}.video_url.url`), `${path}.video_url.url`) })
    }
    case 'input_audio': {
      const audio = readObject(part['input_audio'], `${path}.input_audio`)
      return media({ kind: 'audio', source: readAudio(audio, `${path}.input_audio`) })
    }
    case 'file':
      return media({ kind: 'document', ...readFile(readObject(part['file'], `${path}.file`), `${path}.file`) })
    default:
      return { type: 'opaque', wire, kind: type, value: part }
  }
}

/** Mistral's thinking: an array of text parts. */
export function thinkingText(thinking: JsonValue | undefined): string {
  if (typeof thinking === 'string') return thinking
  if (!Array.isArray(thinking)) return ''
  return thinking.map((part) => (isObject(part) ? (asText(part['text']) ?? '') : '')).join('')
}

/** Where only text may stand: instructions. */
export function decodeTextContent(content: JsonValue | undefined, path: string): TextPart[] {
  return decodeContent(content, path).map((part, index) =>
    part.type === 'text' ? part : wrong(`${path}[${index}].type`, "'text' in instructions"),
  )
}
