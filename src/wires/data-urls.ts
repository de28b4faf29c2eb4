// Media as URLs: base64 travels in `data:` ones.
import type { MediaSource } from '#ir'

/** A data URL becomes base64, everything else stays a URL. */
export function sourceOf(url: string): MediaSource {
  if (!url.startsWith('data:')) return { type: 'url', url }
  const comma = url.indexOf(',')
  const [mediaType = '', ...parameters] = url.slice(5, comma === -1 ? 5 : comma).split(';')
  if (mediaType === '' || parameters.length !== 1 || parameters[0] !== 'base64') return { type: 'url', url }
  return { type: 'base64', mediaType, data: url.slice(comma + 1) }
}

/** A data URL or the URL itself; a provider's file id is neither. */
export function urlOf(source: MediaSource): string | undefined {
  if (source.type === 'base64') return `data:${source.mediaType};base64,${source.data}`
  return source.type === 'url' ? source.url : undefined
}

/** Of the standard alphabet, padded or not. */
export function isBase64(data: string): boolean {
  return data.length % 4 !== 1 && /^[A-Za-z0-9+/]*={0,2}$/.test(data)
}
