// Content of messages and of tool outputs -> parts.
import { asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { CacheMark, MediaPart, MediaSource, OpaquePart, RefusalPart, TextPart } from '#ir'
import { readAudio, readFile, readSource } from '#wires/openai-media'
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
      return { type: 'media', kind: 'document', ...readFile(part, path), ...breakpointOf(part), ...asExt(restOf(part, fileFields)) }
    }
    case 'input_audio': {
      const audio = readObject(part['input_audio'], `${path}.input_audio`)
      const source = readAudio(audio, `${path}.input_audio`)
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
