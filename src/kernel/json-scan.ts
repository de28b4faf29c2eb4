// Finds where a JSON value ends in a buffer, accepting exactly the texts that JSON.parse accepts; builds nothing.
import { createPlainMarker, createVectorMarker, windowBytes } from './json-stops.ts'

/** A buffer being scanned. `end` is where the text ends; bytes behind it may be anything (a pooled buffer's leftovers). */
export type Source = {
  bytes: Uint8Array
  end: number
  /** The part in which the stops of strings are marked. */
  markedFrom: number
  markedTo: number
  /** How much is marked next: little at first, since a small body or a resumed scan needs no more. */
  nextBytes: number
  /** 1 when the byte at `markedTo` has an escaping backslash before it. */
  escaped: number
}

/** How deep arrays and objects may be nested; deeper values are valid JSON, but nobody's request. */
export const maxDepth = 512
/** Returned instead of a position when arrays and objects are nested deeper than asked for. */
export const tooDeep = -0x80000000

const quote = 0x22
const comma = 0x2c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d

const hexDigits = Uint8Array.from({ length: 256 }, (_, byte) => (/[0-9a-fA-F]/.test(String.fromCharCode(byte)) ? 1 : 0))
const literals = new Map(['true', 'false', 'null'].map((word) => [word.charCodeAt(0), Buffer.from(word)]))

// Scratch of one synchronous scan: the source that was opened last, where its strings stop, and 1 where the container at a depth is an object.
let opened: Source | undefined
const { bits: stops, mark: markStops } = createVectorMarker() ?? createPlainMarker()
const kinds = new Uint8Array(maxDepth)
const firstMarkedBytes = 2 << 10

export function createSource(): Source {
  return {
    bytes: new Uint8Array(0),
    end: 0,
    markedFrom: 0,
    markedTo: 0,
    nextBytes: firstMarkedBytes,
    escaped: 0,
  }
}

/** Points the source at a buffer, until another one is opened. It keeps the buffer's memory alive until it is pointed elsewhere. */
export function openSource(source: Source, buffer: Buffer, end: number): void {
  source.bytes = buffer
  source.end = end
  source.markedFrom = source.markedTo = source.escaped = 0
  source.nextBytes = firstMarkedBytes
  opened = source
}

/** The first position from `i` on that is not white space. */
export function skipWhite(bytes: Uint8Array, i: number): number {
  for (;;) {
    const byte = bytes[i]!
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return i
    i++
  }
}

/**
 * Where the value that begins at `start` (white space before it allowed) ends; `~position` of the offending byte when it is not JSON,
 * which is `source.end` or more when the text ends too early; `tooDeep` when it nests deeper than `depthLimit`, at most `maxDepth`.
 * A result beyond `source.end` means that the text ended inside the value: reading on is harmless, believing it is not, so check.
 */
export function endOfValue(source: Source, start: number, depthLimit: number): number {
  if (source !== opened) throw new Error('Only the source that was opened last can be scanned.')
  const { bytes, end } = source
  let i = start
  let depth = 0
  let inObject = false
  for (;;) {
    i = skipWhite(bytes, i)
    const first = bytes[i]!
    if (first === quote) {
      i = endOfString(source, bytes, i + 1)
    } else if (first === openBrace || first === openBracket) {
      if (depth >= depthLimit) return i >= end ? ~i : tooDeep
      i = skipWhite(bytes, i + 1)
      if (bytes[i] === (first === openBrace ? closeBrace : closeBracket)) {
        i++
      } else {
        inObject = first === openBrace
        kinds[depth++] = inObject ? 1 : 0
        if (inObject) {
          i = endOfKey(source, bytes, i)
          if (i < 0) return i
        }
        continue
      }
    } else if (first > 0x39) {
      i = endOfLiteral(bytes, i)
    } else {
      i = endOfNumber(bytes, i)
    }
    if (i < 0) return i

    for (;;) {
      if (depth === 0) return i
      i = skipWhite(bytes, i)
      const after = bytes[i]
      if (after === comma) break
      if (after !== (inObject ? closeBrace : closeBracket)) return ~i
      i++
      depth--
      inObject = depth > 0 && kinds[depth - 1] === 1
    }
    i++
    if (inObject) {
      i = endOfKey(source, bytes, skipWhite(bytes, i))
      if (i < 0) return i
    }
  }
}

/** The position behind the colon of the key that begins exactly at `i`; `~position` when there is none. */
function endOfKey(source: Source, bytes: Uint8Array, i: number): number {
  if (bytes[i] !== quote) return ~i
  i = endOfString(source, bytes, i + 1)
  if (i < 0) return i
  i = skipWhite(bytes, i)
  return bytes[i] === 0x3a ? i + 1 : ~i
}

/** The position behind the closing quote of the string whose content begins at `i`; `~position` of what cannot be in it. */
function endOfString(source: Source, bytes: Uint8Array, i: number): number {
  for (;;) {
    if (i >= source.markedTo) {
      if (i >= source.end) return ~source.end
      markOn(source, i)
    }
    const from = source.markedFrom
    let word = (i - from) >> 5
    let found = stops[word]! & (-1 << ((i - from) & 31))
    // Behind the marked part all bits are set.
    while (found === 0) found = stops[++word]!
    i = from + (word << 5) + 31 - Math.clz32(found & -found)
    if (i >= source.markedTo) continue
    const byte = bytes[i]!
    if (byte === quote) return i + 1
    if (byte < 0x20) return ~i
    if (
      byte === 0x75 &&
      (hexDigits[bytes[i + 1]!]! & hexDigits[bytes[i + 2]!]! & hexDigits[bytes[i + 3]!]! & hexDigits[bytes[i + 4]!]!) !== 0
    )
      i += 5
    else return badEscape(bytes, i - 1)
  }
}

/** Marks the stops of the next part, which begins at `i`: where the last one ended, or further on, and then that one ended outside of a string. */
function markOn(source: Source, i: number): void {
  const to = Math.min(source.end, i + source.nextBytes)
  source.escaped = markStops(source.bytes, i, to, source.escaped)
  source.markedFrom = i
  source.markedTo = to
  if (source.nextBytes < windowBytes) source.nextBytes *= 2
}

/** `~position` of the byte that makes the escape at `i` none. */
function badEscape(bytes: Uint8Array, i: number): number {
  if (bytes[i + 1] !== 0x75) return ~(i + 1)
  let at = i + 2
  while (hexDigits[bytes[at]!] === 1) at++
  return ~at
}

function endOfLiteral(bytes: Uint8Array, i: number): number {
  const word = literals.get(bytes[i]!)
  if (word === undefined) return ~i
  for (let at = 1; at < word.length; at++) if (bytes[i + at] !== word[at]) return ~(i + at)
  return i + word.length
}

/** Written out, so that V8 leaves it a call: inlined, it costs every string of the body a register or two. */
function endOfNumber(bytes: Uint8Array, i: number): number {
  let byte = bytes[i]!
  if (byte === 0x2d) byte = bytes[++i]!
  if (byte === 0x30) byte = bytes[++i]!
  else {
    if (!(byte >= 0x31 && byte <= 0x39)) return ~i
    do byte = bytes[++i]!
    while (byte >= 0x30 && byte <= 0x39)
  }
  if (byte === 0x2e) {
    byte = bytes[++i]!
    if (!(byte >= 0x30 && byte <= 0x39)) return ~i
    do byte = bytes[++i]!
    while (byte >= 0x30 && byte <= 0x39)
  }
  if (byte === 0x65 || byte === 0x45) {
    byte = bytes[++i]!
    if (byte === 0x2b || byte === 0x2d) byte = bytes[++i]!
    if (!(byte >= 0x30 && byte <= 0x39)) return ~i
    do byte = bytes[++i]!
    while (byte >= 0x30 && byte <= 0x39)
  }
  return i
}
