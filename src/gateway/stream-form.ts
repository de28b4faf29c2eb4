// How a stream is told from a whole answer, and which of its frames have to be read.
import type { Framing, PassThrough } from '#wires'

const markers = new WeakMap<PassThrough, RegExp>()
const allMarkers = new WeakMap<PassThrough, RegExp>()

/** Any of the wire's markers. */
export function markersOf(passThrough: PassThrough, rewritesFinish: boolean): RegExp {
  const known = rewritesFinish ? allMarkers : markers
  let found = known.get(passThrough)
  if (found === undefined) {
    const texts = rewritesFinish ? [...passThrough.markers, ...passThrough.finishMarkers] : passThrough.markers
    known.set(passThrough, (found = new RegExp(texts.map((marker) => RegExp.escape(marker)).join('|'))))
  }
  return found
}

export function isStream(contentType: string | undefined, framing: Framing | undefined): boolean {
  return contentType !== undefined && contentType.startsWith(framing?.contentType ?? 'text/event-stream')
}

/** So few bytes may not say yet whether they begin a stream. */
export const sniffedBytes = 16
/** A byte order mark, and a field of an event or a comment. */
const eventStart = /^(?:\xef\xbb\xbf)?[\r\n]*(?:data|event|id|retry)?:/

/** The first bytes of a stream that came under another content type. */
export function looksLikeEventStream(bytes: Buffer): boolean {
  return bytes[0] !== 0x7b && eventStart.test(bytes.toString('latin1', 0, 2 * sniffedBytes))
}
