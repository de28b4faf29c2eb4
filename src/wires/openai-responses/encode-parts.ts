// Parts -> content of messages and of tool outputs.
import type { JsonObject } from '#kernel'
import type { MediaPart, MediaSource, Notes, OpaquePart, TextPart } from '#ir'
import { urlOf } from '#wires/data-urls'
import { encodeFileData } from '#wires/openai-media'
import { wire } from './fields.ts'
import { isContent } from './items.ts'

/** One part of a user's content array or of a tool's output; undefined when this wire cannot say it, which is then noted. */
export function encodePart(
  part: TextPart | MediaPart | OpaquePart,
  path: string,
  notes: Notes,
  cacheControl: boolean,
): JsonObject | undefined {
  const encoded = bare(part, path, notes)
  if (encoded === undefined) return undefined
  notes.foreignExt(part.ext, path)
  if (part.cache !== undefined && !cacheControl) notes.dropped(`${path}.cache`, 'this provider has no cache marks')
  const mark = part.cache !== undefined && cacheControl ? { prompt_cache_breakpoint: { mode: 'explicit' } } : {}
  return { ...encoded, ...part.ext?.[wire], ...mark }
}

function bare(part: TextPart | MediaPart | OpaquePart, path: string, notes: Notes): JsonObject | undefined {
  switch (part.type) {
    case 'text':
      return { type: 'input_text', text: part.text }
    case 'media':
      return encodeMedia(part, path, notes)
    case 'opaque':
      if (part.wire === wire && isContent(part)) return part.value
      notes.dropped(path, `only ${part.wire} knows a block of kind ${part.kind}`)
      return undefined
    default:
      return part satisfies never
  }
}

function encodeMedia(part: MediaPart, path: string, notes: Notes): JsonObject | undefined {
  const { source } = part
  switch (part.kind) {
    case 'image': {
      const image = source.type === 'file' ? { file_id: source.id } : { image_url: urlOf(source)! }
      return { type: 'input_image', ...image, detail: part.detail ?? 'auto' }
    }
    case 'document':
      return { type: 'input_file', ...fileOf(source, part.name) }
    case 'audio':
    case 'video':
      notes.dropped(path, `this wire takes no ${part.kind}`)
      return undefined
    default:
      return part.kind satisfies never
  }
}

function fileOf(source: MediaSource, name: string | undefined): JsonObject {
  const named = name === undefined ? {} : { filename: name }
  if (source.type === 'file') return { file_id: source.id, ...named }
  if (source.type === 'url') return { file_url: source.url, ...named }
  return encodeFileData(source, name)
}
