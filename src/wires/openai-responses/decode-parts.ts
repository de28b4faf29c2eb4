// Content of messages and of tool outputs -> parts.
import { asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { CacheMark, MediaPart, MediaSource, OpaquePart, RefusalPart, TextPart } from '#ir'
import { isBase64, sourceOf } from '#wires/data-urls'
import { asExt, isGiven, readName, readObject, readText, restOf, wrong } from './fields.ts'
import { opaqueContent } from './items.ts'
import { decodeAnnotations } from './annotations.ts'

export type ContentPart = TextPart | MediaPart | RefusalPart | OpaquePart

/** A string, an array of parts, or nothing. An empty string is no part. */
export function decodeContent(content: JsonValue | undefined, path: string): ContentPart[] {
  if (!isGiven(content) || content === '') return []
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content)) return wrong(path, 'a string or an array of parts', content)
  return content.map((part, index) => decodePart(part, `${path}[${index}]`))
}

/** Where only text may stand: instructions. */
export function decodeTextContent(content: JsonValue | undefined, path: string): TextPart[] {
  return decodeContent(content, path).map((part, index) =>
    part.type === 'text' ? part : wrong(`${path}[${index}].type`, "'input_text' in instructions"),
  )
}

/** `logprobs` belong to the answer that the text once was; no model reads them. */
const textFields = new Set(['type', 'text', 'annotations', 'logprobs', 'prompt_cache_breakpoint'])
const imageFields = new Set(['type', 'image_url', 'file_id', 'detail', 'prompt_cache_breakpoint'])
const fileFields = new Set(['type', 'file_id', 'file_data', 'file_url', 'filename', 'prompt_cache_breakpoint'])
const audioFields = new Set(['type', 'input_audio'])
const videoFields = new Set(['type', 'video_url'])

function decodePart(value: JsonValue, path: string): ContentPart {
  const part = readObject(value, path)
  const type = readName(part['type'], `${path}.type`)
  switch (type) {
    case 'input_text':
    case 'output_text':
    case 'text': {
      const citations = decodeAnnotations(part['annotations'])
      const text = readText(part['text'], `${path}.text`)
      const cited = citations === undefined ? {} : { citations }
      return { type: 'text', text, ...cited, ...breakpointOf(part), ...asExt(restOf(part, textFields)) }
    }
    case 'refusal':
      return { type: 'refusal', text: readText(part['refusal'], `${path}.refusal`) }
    case 'input_image': {
      const detail = asText(part['detail'])
      return {
        type: 'media',
        kind: 'image',
        source: decodeImageSource(part, path),
        // "auto" is the default.
        ...(detail === undefined || detail === 'auto' ? {} : { detail }),
        ...breakpointOf(part),
        ...asExt(restOf(part, imageFields)),
      }
    }
    case 'input_file': {
      const name = asText(part['filename'])
      const named = name === undefined ? {} : { name }
      const source = decodeFileSource(part, path)
      return { type: 'media', kind: 'document', source, ...named, ...breakpointOf(part), ...asExt(restOf(part, fileFields)) }
    }
    case 'input_audio': {
      const audio = readObject(part['input_audio'], `${path}.input_audio`)
      const format = readName(audio['format'], `${path}.input_audio.format`)
      const data = readBase64(readText(audio['data'], `${path}.input_audio.data`), `${path}.input_audio.data`)
      const source: MediaSource = { type: 'base64', mediaType: audioTypes.get(format) ?? `audio/${format}`, data }
      return { type: 'media', kind: 'audio', source, ...asExt(restOf(part, audioFields)) }
    }
    case 'input_video': {
      const source = readSource(readName(part['video_url'], `${path}.video_url`), `${path}.video_url`)
      return { type: 'media', kind: 'video', source, ...asExt(restOf(part, videoFields)) }
    }
    default:
      return opaqueContent(part)
  }
}

const audioTypes: ReadonlyMap<string, string> = new Map([['mp3', 'audio/mpeg']])

/** OpenAI's own mark of a prefix to cache says what Anthropic's does. */
function breakpointOf(part: JsonObject): { cache?: CacheMark } {
  return isObject(part['prompt_cache_breakpoint']) ? { cache: { type: 'ephemeral' } } : {}
}

function decodeImageSource(part: JsonObject, path: string): MediaSource {
  const id = asText(part['file_id'])
  if (id !== undefined) return { type: 'file', id }
  // Some clients write chat's form.
  const image = isObject(part['image_url']) ? part['image_url']['url'] : part['image_url']
  return readSource(readName(image, `${path}.image_url`), `${path}.image_url`)
}

function decodeFileSource(part: JsonObject, path: string): MediaSource {
  const id = asText(part['file_id'])
  if (id !== undefined) return { type: 'file', id }
  const url = asText(part['file_url'])
  if (url !== undefined) return { type: 'url', url }
  const data = readName(part['file_data'], `${path}.file_data`)
  if (data.startsWith('data:')) return readSource(data, `${path}.file_data`)
  const extension = /\.([a-z0-9]+)$/i.exec(asText(part['filename']) ?? '')?.[1]?.toLowerCase() ?? ''
  return { type: 'base64', mediaType: fileTypes.get(extension) ?? 'application/pdf', data: readBase64(data, `${path}.file_data`) }
}

const fileTypes: ReadonlyMap<string, string> = new Map([
  ['txt', 'text/plain'],
  ['md', 'text/markdown'],
  ['csv', 'text/csv'],
  ['html', 'text/html'],
  ['json', 'application/json'],
])

function readSource(url: string, path: string): MediaSource {
  const source = sourceOf(url)
  if (source.type === 'base64') readBase64(source.data, path)
  return source
}

function readBase64(data: string, path: string): string {
  return isBase64(data) ? data : wrong(path, 'valid base64')
}
