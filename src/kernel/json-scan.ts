// Finds where a JSON value ends in a buffer, accepting exactly the texts that JSON.parse accepts; builds nothing.

/** A buffer being scanned. `end` is where the text ends; bytes behind it may be anything (a pooled buffer's leftovers). */
export type Source = { bytes: Uint8Array; words: Int32Array; shift: number; end: number }

/** How deep arrays and objects may be nested; deeper values are valid JSON, but nobody's request. */
export const maxDepth = 512
/** Returned instead of a position when arrays and objects are nested deeper than asked for. */
export const tooDeep = -0x80000000

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d

/** What a byte may be inside a string: bits of the table below. Special are its end, an escape, and the forbidden control characters. */
const special = 1
const simple = 2
const hex = 4
const roles = Uint8Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte)
  return (
    (byte < 0x20 || byte === quote || byte === backslash ? special : 0) |
    ('"\\/bfnrt'.includes(char) ? simple : 0) |
    (/[0-9a-fA-F]/.test(char) ? hex : 0)
  )
})
const literals = new Map(['true', 'false', 'null'].map((word) => [word.charCodeAt(0), Buffer.from(word)]))

// Scratch of one synchronous call of endOfValue: 1 where the container at that depth is an object.
const kinds = new Uint8Array(maxDepth)

export function createSource(): Source {
  return { bytes: new Uint8Array(0), words: new Int32Array(0), shift: 0, end: 0 }
}

/** Points the source at a buffer. It keeps the buffer's memory alive until it is pointed elsewhere. */
export function openSource(source: Source, buffer: Buffer, end: number): void {
  source.bytes = buffer
  if (source.words.buffer !== buffer.buffer) source.words = new Int32Array(buffer.buffer, 0, buffer.buffer.byteLength >> 2)
  source.shift = buffer.byteOffset
  source.end = end
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
  const { bytes, words, shift, end } = source
  let i = start
  let depth = 0
  let inObject = false
  for (;;) {
    i = skipWhite(bytes, i)
    const first = bytes[i]!
    if (first === quote) {
      i = endOfString(bytes, words, shift, end, i + 1)
    } else if (first === openBrace || first === openBracket) {
      if (depth >= depthLimit) return i >= end ? ~i : tooDeep
      i = skipWhite(bytes, i + 1)
      if (bytes[i] === (first === openBrace ? closeBrace : closeBracket)) {
        i++
      } else {
        inObject = first === openBrace
        kinds[depth++] = inObject ? 1 : 0
        if (inObject) {
          i = endOfKey(bytes, words, shift, end, i)
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
      i = endOfKey(bytes, words, shift, end, skipWhite(bytes, i))
      if (i < 0) return i
    }
  }
}

/** The position behind the colon of the key that begins exactly at `i`; `~position` when there is none. */
function endOfKey(bytes: Uint8Array, words: Int32Array, shift: number, end: number, i: number): number {
  if (bytes[i] !== quote) return ~i
  i = endOfString(bytes, words, shift, end, i + 1)
  if (i < 0) return i
  i = skipWhite(bytes, i)
  return bytes[i] === 0x3a ? i + 1 : ~i
}

/**
 * The position behind the closing quote of the string whose content begins at `i`.
 *
 * Looks at four bytes at once where they are aligned: with its top bit set beforehand, a byte loses that bit in one of the three
 * differences when it is below 0x20, a quote or a backslash; bytes of longer UTF-8 sequences have the top bit anyway. No borrow
 * crosses bytes, so it is exact, whatever the byte order. Why not `indexOf` or a regular expression: bench/micro/json-peek.ts.
 * Plain parameters and no call inside the loop: with one, V8 keeps the loop's variables in memory, at one and a half times the price.
 */
function endOfString(bytes: Uint8Array, words: Int32Array, shift: number, end: number, i: number): number {
  const lastWord = (shift + end) >> 2
  while (i < end) {
    if (((shift + i) & 3) === 0) {
      let word = (shift + i) >> 2
      while (word < lastWord) {
        const four = words[word]!
        const high = four | 0x80808080
        const lost = (high - 0x20202020) & ((high ^ 0x22222222) - 0x01010101) & ((high ^ 0x5c5c5c5c) - 0x01010101)
        if ((~(lost | four) & 0x80808080) !== 0) break
        word++
      }
      i = (word << 2) - shift
    }
    const byte = bytes[i]!
    if ((roles[byte]! & special) === 0) {
      i++
      continue
    }
    if (byte === quote) return i + 1
    if (byte !== backslash) return ~i
    const escaped = bytes[i + 1]!
    if ((roles[escaped]! & simple) !== 0) i += 2
    else if (
      escaped === 0x75 &&
      (roles[bytes[i + 2]!]! & roles[bytes[i + 3]!]! & roles[bytes[i + 4]!]! & roles[bytes[i + 5]!]! & hex) !== 0
    )
      i += 6
    else return badEscape(bytes, i)
  }
  return ~end
}

/** `~position` of the byte that makes the escape at `i` none. */
function badEscape(bytes: Uint8Array, i: number): number {
  if (bytes[i + 1] !== 0x75) return ~(i + 1)
  let at = i + 2
  while ((roles[bytes[at]!]! & hex) !== 0) at++
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
