// Media in Converse's terms: a format and its bytes; nothing is fetched from the web.
import type { JsonObject } from '#kernel'
import type { MediaPart, Notes } from '#ir'

const formats: Readonly<Record<MediaPart['kind'], ReadonlyMap<string, string>>> = {
  image: new Map([
    ['image/png', 'png'],
    ['image/jpeg', 'jpeg'],
    ['image/jpg', 'jpeg'],
    ['image/gif', 'gif'],
    ['image/webp', 'webp'],
  ]),
  document: new Map([
    ['application/pdf', 'pdf'],
    ['text/csv', 'csv'],
    ['text/html', 'html'],
    ['text/markdown', 'md'],
    ['application/msword', 'doc'],
    ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx'],
    ['application/vnd.ms-excel', 'xls'],
    ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx'],
  ]),
  audio: new Map([
    ['audio/wav', 'wav'],
    ['audio/x-wav', 'wav'],
    ['audio/mp3', 'mp3'],
    ['audio/mpeg', 'mp3'],
    ['audio/flac', 'flac'],
    ['audio/ogg', 'ogg'],
    ['audio/opus', 'opus'],
    ['audio/aac', 'aac'],
    ['audio/mp4', 'm4a'],
    ['audio/webm', 'webm'],
    ['audio/pcm', 'pcm'],
    ['audio/L16', 'pcm'],
  ]),
  video: new Map([
    ['video/mp4', 'mp4'],
    ['video/quicktime', 'mov'],
    ['video/webm', 'webm'],
    ['video/x-matroska', 'mkv'],
    ['video/x-flv', 'flv'],
    ['video/mpeg', 'mpeg'],
    ['video/x-ms-wmv', 'wmv'],
    ['video/3gpp', 'three_gp'],
  ]),
}

/** Names of documents: Bedrock refuses two of one name in a request, and most punctuation. */
export class DocumentNames {
  readonly #taken = new Set<string>()

  /** The name in Bedrock's grammar: letters, digits, single spaces, hyphens, parentheses and square brackets. */
  take(wanted: string | undefined): string {
    const plain = (wanted ?? '')
      .replace(/[^a-zA-Z0-9\s()[\]-]+/g, '-')
      .replace(/\s+/g, ' ')
      .trim()
      .slice(0, 180)
    const base = plain === '' ? 'document' : plain
    let name = base
    for (let n = 2; this.#taken.has(name); n++) name = `${base} (${n})`
    this.#taken.add(name)
    return name
  }
}

/** A block of a user turn or a tool result; undefined, with a note, when Bedrock takes no such media. */
export function encodeMedia(part: MediaPart, path: string, names: DocumentNames, notes: Notes): JsonObject | undefined {
  const { kind } = part
  if (part.detail !== undefined && part.detail !== 'auto') notes.dropped(`${path}.detail`, 'Bedrock has no image detail')
  const source = encodeSource(part, path, notes)
  if (source === undefined) return undefined
  const format = formatOf(part)
  if (format === undefined) {
    const { source: given } = part
    notes.dropped(path, `Bedrock takes no ${kind} of the type ${given.type === 'base64' ? given.mediaType : 'that its address says'}`)
    return undefined
  }
  if (kind !== 'document') {
    if (part.name !== undefined) notes.dropped(`${path}.name`, `${kind}s have no name on this wire`)
    return { [kind]: { format, source } }
  }
  const name = names.take(part.name)
  if (part.name !== undefined && name !== part.name)
    notes.renamed(`${path}.name`, 'a name of a document is unique, and holds letters, digits, spaces, hyphens and brackets only')
  return { document: { format, name, source } }
}

function encodeSource({ source }: MediaPart, path: string, notes: Notes): JsonObject | undefined {
  switch (source.type) {
    case 'base64':
      return { bytes: source.data }
    case 'url':
      if (/^s3:\/\//i.test(source.url)) return { s3Location: { uri: source.url } }
      notes.dropped(path, 'Bedrock takes bytes or an address in S3; it fetches nothing from the web')
      return undefined
    case 'file':
      notes.dropped(path, 'the file is stored at another vendor')
      return undefined
    default:
      return source satisfies never
  }
}

function formatOf({ kind, source }: MediaPart): string | undefined {
  if (source.type === 'base64') {
    const mediaType = source.mediaType.split(';')[0]!.trim().toLowerCase()
    return formats[kind].get(mediaType) ?? (kind === 'document' && mediaType.startsWith('text/') ? 'txt' : undefined)
  }
  if (source.type !== 'url') return undefined
  const extension = /\.([a-z0-9]+)$/i.exec(source.url)?.[1]?.toLowerCase()
  if (extension === 'txt' && kind === 'document') return 'txt'
  const format = extension === 'jpg' ? 'jpeg' : extension
  return [...formats[kind].values()].find((known) => known === format)
}
