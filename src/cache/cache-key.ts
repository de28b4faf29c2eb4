// What makes two requests the same to the response cache: a canonical text of a body, and a hash over parts that cannot run into each other.
import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'

/** Deeper bodies are not compared. */
const maxDepth = 64

/**
 * The JSON object in `bytes` with the members of every object in one order, without white space and without the top-level members named in
 * `without`. Numbers stay as they are written, and texts what they say, however they are escaped. undefined: not an object in well-formed
 * JSON, a member that is there twice (each provider may read another one), or nested too deep.
 */
export function canonicalJson(bytes: Uint8Array, without: ReadonlySet<string>): string | undefined {
  if (!isUtf8(bytes)) return undefined
  const reader: Reader = { text: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'), at: 0 }
  skipWhite(reader)
  if (reader.text.charCodeAt(reader.at) !== 0x7b) return undefined
  const written = readObject(reader, 0, new Set([...without].map((name) => JSON.stringify(name))))
  skipWhite(reader)
  return reader.at === reader.text.length ? written : undefined
}

/** SHA-256. Each part goes in behind its length: no two lists of parts have one text. */
export function cacheKeyOf(parts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${part.length}:`).update(Buffer.from(part, 'utf16le'))
  return hash.digest('base64url')
}

type Reader = { readonly text: string; at: number }

const white = /[ \t\n\r]*/y
const word = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
/** Below the space. */
const controls = /[^\u0020-\uffff]/
const nothing: ReadonlySet<string> = new Set()

function skipWhite(reader: Reader): void {
  white.lastIndex = reader.at
  white.test(reader.text)
  reader.at = white.lastIndex
}

function readValue(reader: Reader, depth: number): string | undefined {
  skipWhite(reader)
  switch (reader.text.charCodeAt(reader.at)) {
    case 0x7b:
      return readObject(reader, depth, nothing)
    case 0x5b:
      return readArray(reader, depth)
    case 0x22:
      return readText(reader)
    default:
      return readWord(reader)
  }
}

function readObject(reader: Reader, depth: number, without: ReadonlySet<string>): string | undefined {
  if (depth >= maxDepth) return undefined
  const members = new Map<string, string>()
  reader.at++
  skipWhite(reader)
  if (reader.text.charCodeAt(reader.at) === 0x7d) {
    reader.at++
    return '{}'
  }
  for (;;) {
    skipWhite(reader)
    const name = readText(reader)
    if (name === undefined || members.has(name)) return undefined
    skipWhite(reader)
    if (reader.text.charCodeAt(reader.at++) !== 0x3a) return undefined
    const value = readValue(reader, depth + 1)
    if (value === undefined) return undefined
    members.set(name, value)
    skipWhite(reader)
    const next = reader.text.charCodeAt(reader.at++)
    if (next === 0x7d) break
    if (next !== 0x2c) return undefined
  }
  const names = [...members.keys()].filter((name) => !without.has(name)).sort()
  return `{${names.map((name) => `${name}:${members.get(name)}`).join(',')}}`
}

function readArray(reader: Reader, depth: number): string | undefined {
  if (depth >= maxDepth) return undefined
  reader.at++
  skipWhite(reader)
  if (reader.text.charCodeAt(reader.at) === 0x5d) {
    reader.at++
    return '[]'
  }
  const elements: string[] = []
  for (;;) {
    const element = readValue(reader, depth + 1)
    if (element === undefined) return undefined
    elements.push(element)
    skipWhite(reader)
    const next = reader.text.charCodeAt(reader.at++)
    if (next === 0x5d) return `[${elements.join(',')}]`
    if (next !== 0x2c) return undefined
  }
}

/** As `JSON.stringify` writes it, which escapes a lone surrogate: it never becomes another text. */
function readText(reader: Reader): string | undefined {
  const { text } = reader
  const from = reader.at
  if (text.charCodeAt(from) !== 0x22) return undefined
  let end = text.indexOf('"', from + 1)
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  if (end < 0) return undefined
  reader.at = end + 1
  const raw = text.slice(from, end + 1)
  if (controls.test(raw)) return undefined
  if (!raw.includes('\\')) return raw
  try {
    return JSON.stringify(JSON.parse(raw))
  } catch {
    return undefined
  }
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0
  while (text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes++
  return backslashes % 2 === 1
}

function readWord(reader: Reader): string | undefined {
  word.lastIndex = reader.at
  const found = word.exec(reader.text)
  if (found === null) return undefined
  reader.at = word.lastIndex
  return found[0]
}
