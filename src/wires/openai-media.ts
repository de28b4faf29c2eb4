// Media in requests of OpenAI's wires: read, with a Failure that names the field where there is no base64.
import { asText, type JsonObject } from '#kernel'
import type { MediaPart, MediaSource, Notes } from '#ir'
import { isBase64, sourceOf, urlOf } from './data-urls.ts'
import { readName, readText, wrong } from './openai-fields.ts'

/** A data URL or an address. */
export function readSource(url: string, path: string): MediaSource {
  const source = sourceOf(url)
  if (source.type === 'base64') readBase64(source.data, path)
  return source
}

function readBase64(data: string, path: string): string {
  return isBase64(data) ? data : wrong(path, 'valid base64')
}

/** What a file is by its name, where the data does not say it. */
const fileTypes: ReadonlyMap<string, string> = new Map([
  ['pdf', 'application/pdf'],
  ['txt', 'text/plain'],
  ['md', 'text/markdown'],
  ['csv', 'text/csv'],
  ['html', 'text/html'],
  ['json', 'application/json'],
])
const extensions: ReadonlyMap<string, string> = new Map([...fileTypes].map(([extension, type]) => [type, extension]))

/** `file_id`, `file_url`, or `file_data` with `filename`: a data URL, bare base64, or an address with some providers. */
export function readFile(file: JsonObject, path: string): Pick<MediaPart, 'source' | 'name'> {
  const name = asText(file['filename'])
  const named = name === undefined ? {} : { name }
  const id = asText(file['file_id'])
  if (id !== undefined) return { source: { type: 'file', id }, ...named }
  const url = asText(file['file_url'])
  if (url !== undefined) return { source: { type: 'url', url }, ...named }
  const data = readName(file['file_data'], `${path}.file_data`)
  if (/^(?:data|https?):/i.test(data)) return { source: readSource(data, `${path}.file_data`), ...named }
  const extension = /\.([a-z0-9]+)$/i.exec(name ?? '')?.[1]?.toLowerCase() ?? ''
  const mediaType = fileTypes.get(extension) ?? 'application/pdf'
  return { source: { type: 'base64', mediaType, data: readBase64(data, `${path}.file_data`) }, ...named }
}

/** `filename` and `file_data`: data without a name is refused. */
export function encodeFileData(source: Extract<MediaSource, { type: 'base64' }>, name: string | undefined): JsonObject {
  const extension = extensions.get(source.mediaType)
  return { filename: name ?? `document${extension === undefined ? '' : `.${extension}`}`, file_data: urlOf(source)! }
}

const audioTypes: ReadonlyMap<string, string> = new Map([['mp3', 'audio/mpeg']])
const audioFormats: ReadonlyMap<string, string> = new Map([
  ['audio/mpeg', 'mp3'],
  ['audio/mp3', 'mp3'],
  ['audio/wav', 'wav'],
  ['audio/x-wav', 'wav'],
])

/** `{data, format}`, which is `input_audio` of both wires. */
export function readAudio(audio: JsonObject, path: string): MediaSource {
  const format = readName(audio['format'], `${path}.format`)
  const data = readBase64(readText(audio['data'], `${path}.data`), `${path}.data`)
  return { type: 'base64', mediaType: audioTypes.get(format) ?? `audio/${format}`, data }
}

/** undefined: OpenAI hears two formats only. */
export function encodeAudio(source: MediaSource): JsonObject | undefined {
  const format = source.type === 'base64' ? audioFormats.get(source.mediaType) : undefined
  return source.type === 'base64' && format !== undefined ? { data: source.data, format } : undefined
}

const details = new Set(['auto', 'low', 'high'])

/** How closely an image is looked at, in chat completions and what is like them; the Responses API knows one word more. */
export function encodeDetail(detail: string | undefined, path: string, notes: Notes): { readonly detail?: string } {
  if (detail === undefined) return {}
  if (details.has(detail)) return { detail }
  notes.approximated(`${path}.detail`, `"${detail}" is not known here; "high" is the finest`)
  return { detail: 'high' }
}
