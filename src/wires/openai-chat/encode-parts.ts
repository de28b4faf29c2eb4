// Parts -> content of messages.
import type { JsonObject } from '#kernel'
import type { MediaPart, Notes, OpaquePart, RefusalPart, TextPart } from '#ir'
import { urlOf } from '#wires/data-urls'
import { encodeAudio, encodeDetail, encodeFileData } from '#wires/openai-media'
import { wire } from './fields.ts'

/** An answer's image, as OpenRouter writes them. */
export function imageUrl(part: MediaPart): JsonObject | undefined {
  const url = urlOf(part.source)
  return url === undefined ? undefined : { type: 'image_url', image_url: { url } }
}

/** One part of a content array; undefined when this wire cannot say it, which is then noted. */
export function encodePart(
  part: TextPart | MediaPart | RefusalPart | OpaquePart,
  path: string,
  notes: Notes,
  cacheControl: boolean,
): JsonObject | undefined {
  const encoded = bare(part, path, notes)
  if (encoded === undefined) return undefined
  notes.foreignExt(part.ext, path)
  const ext = part.ext?.[wire]
  if (part.cache !== undefined && !cacheControl) notes.dropped(`${path}.cache`, 'this provider has no cache marks')
  return { ...encoded, ...ext, ...(part.cache !== undefined && cacheControl ? { cache_control: part.cache } : {}) }
}

function bare(part: TextPart | MediaPart | RefusalPart | OpaquePart, path: string, notes: Notes): JsonObject | undefined {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text }
    case 'refusal':
      return { type: 'refusal', refusal: part.text }
    case 'media':
      return encodeMedia(part, path, notes)
    case 'opaque':
      if (part.wire === wire) return part.value
      notes.dropped(path, `only ${part.wire} knows a block of kind ${part.kind}`)
      return undefined
    default:
      return part satisfies never
  }
}

function encodeMedia(part: MediaPart, path: string, notes: Notes): JsonObject | undefined {
  const { source } = part
  const url = urlOf(source)
  switch (part.kind) {
    case 'image': {
      if (url === undefined) break
      return { type: 'image_url', image_url: { url, ...encodeDetail(part.detail, path, notes) } }
    }
    case 'video':
      if (url === undefined) break
      return { type: 'video_url', video_url: { url } }
    case 'audio': {
      const audio = encodeAudio(source)
      if (audio === undefined) break
      return { type: 'input_audio', input_audio: audio }
    }
    case 'document': {
      const name = part.name === undefined ? {} : { filename: part.name }
      if (source.type === 'file') return { type: 'file', file: { file_id: source.id, ...name } }
      if (source.type === 'base64') return { type: 'file', file: encodeFileData(source, part.name) }
      break
    }
    default:
      part.kind satisfies never
  }
  const how = source.type === 'base64' ? `of type ${source.mediaType}` : `by ${source.type === 'file' ? 'file id' : 'address'}`
  notes.dropped(path, `this wire takes no ${part.kind} ${how}`)
  return undefined
}
