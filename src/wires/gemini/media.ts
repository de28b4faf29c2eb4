// Images, sound, video and documents: Google's `inlineData` and `fileData` and the neutral part.
import { asText, type JsonObject } from '#kernel'
import type { MediaPart, MediaSource } from '#ir'
import { isBase64 } from '#wires/data-urls'
import { asExt, readMessage, readName, readText, restOf, wrong } from './fields.ts'

export type MediaKind = MediaPart['kind']

export function kindOf(mimeType: string): MediaKind {
  const [family] = mimeType.split('/')
  return family === 'image' || family === 'audio' || family === 'video' ? family : 'document'
}

/** Files that only Google can open: its Files API, and storage of Google Cloud. */
export function isGoogleFile(uri: string): boolean {
  return uri.startsWith('gs://') || uri.startsWith('https://generativelanguage.googleapis.com/') || uri.startsWith('files/')
}

export function isYoutube(uri: string): boolean {
  return /^https?:\/\/(?:www\.|m\.)?(?:youtube\.com|youtu\.be)\//i.test(uri)
}

const typeOfExtension: ReadonlyMap<string, string> = new Map([
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['webp', 'image/webp'],
  ['gif', 'image/gif'],
  ['heic', 'image/heic'],
  ['heif', 'image/heif'],
  ['pdf', 'application/pdf'],
  ['txt', 'text/plain'],
  ['html', 'text/html'],
  ['csv', 'text/csv'],
  ['wav', 'audio/wav'],
  ['mp3', 'audio/mp3'],
  ['ogg', 'audio/ogg'],
  ['flac', 'audio/flac'],
  ['mp4', 'video/mp4'],
  ['mov', 'video/quicktime'],
  ['webm', 'video/webm'],
])
const typeOfKind = { image: 'image/jpeg', audio: 'audio/mp3', video: 'video/mp4', document: 'application/pdf' } as const

/** Vertex AI wants a type for every file. It goes by the address' ending, else it is the most common one of its kind. */
export function typeOfAddress(address: string, kind: MediaKind): string {
  const ending = /\.([a-z0-9]{1,5})(?:[?#]|$)/i.exec(address)?.[1]?.toLowerCase()
  const known = ending === undefined ? undefined : typeOfExtension.get(ending)
  return known !== undefined && kindOf(known) === kind ? known : typeOfKind[kind]
}

const blobKeys = new Set(['mimeType', 'data', 'displayName'])
const fileKeys = new Set(['mimeType', 'fileUri', 'displayName'])

/** `inlineData`; `rest` is what else the part holds. */
export function decodeInline(value: JsonObject[string], rest: JsonObject | undefined, path: string): MediaPart {
  const blob = readMessage(value, path)
  const mediaType = readName(blob['mimeType'], `${path}.mimeType`)
  const data = readBase64(readText(blob['data'], `${path}.data`), `${path}.data`)
  const inner = restOf(blob, blobKeys)
  return {
    type: 'media',
    kind: kindOf(mediaType),
    source: { type: 'base64', mediaType, data },
    ...nameOf(blob),
    ...asExt({ ...rest, ...(inner === undefined ? {} : { inlineData: inner }) }),
  }
}

/** `fileData`. A file of Google's own stays one; every other address is one that anybody can fetch. */
export function decodeFile(value: JsonObject[string], rest: JsonObject | undefined, path: string): MediaPart {
  const file = readMessage(value, path)
  const uri = readName(file['fileUri'], `${path}.fileUri`)
  const mimeType = asText(file['mimeType'])
  const kind = mimeType === undefined ? kindOfAddress(uri) : kindOf(mimeType)
  const source: MediaSource = isGoogleFile(uri) ? { type: 'file', id: uri } : { type: 'url', url: uri }
  const known = mimeType === undefined || mimeType === typeOfAddress(uri, kind) ? {} : { mimeType }
  const inner = { ...restOf(file, fileKeys), ...known }
  return {
    type: 'media',
    kind,
    source,
    ...nameOf(file),
    ...asExt({ ...rest, ...(Object.keys(inner).length === 0 ? {} : { fileData: inner }) }),
  }
}

function kindOfAddress(uri: string): MediaKind {
  if (isYoutube(uri)) return 'video'
  const ending = /\.([a-z0-9]{1,5})(?:[?#]|$)/i.exec(uri)?.[1]?.toLowerCase()
  return kindOf((ending === undefined ? undefined : typeOfExtension.get(ending)) ?? 'application/octet-stream')
}

function nameOf(object: JsonObject): { name?: string } {
  const name = asText(object['displayName'])
  return name === undefined ? {} : { name }
}

/** Standard or URL-safe, as protobuf's JSON allows both (Google's SDKs write either); other wires know the standard alphabet only. */
function readBase64(text: string, path: string): string {
  const standard = text.includes('-') || text.includes('_') ? text.replaceAll('-', '+').replaceAll('_', '/') : text
  const data = /\s/.test(standard) ? standard.replace(/\s+/g, '') : standard
  return isBase64(data) ? data : wrong(path, 'it is not base64')
}
