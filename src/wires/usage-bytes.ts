// Writes `cost` into the usage object of a chunk's text; no other byte changes.
import type { RawFrame, SseFrame } from './codec.ts'

type UsageName = 'usage' | 'usageMetadata'

/** The bytes of a frame, with the cost in its usage; undefined when it has none. Its comments, ids and newlines stay as they were. */
export function frameWithCost(frame: SseFrame | RawFrame, costUsd: number, name: UsageName): string | undefined {
  const before = frame.data ?? ''
  const data = insertCost(before, costUsd, name)
  if (data === undefined) return undefined
  const raw = 'raw' in frame ? frame.raw.toString('utf8') : ''
  const at = raw.indexOf(before)
  if (raw === '' || at === -1) {
    const event = frame.event === undefined ? '' : `event: ${frame.event}\n`
    return `${event}data: ${data.replaceAll('\n', '\ndata: ')}\n\n`
  }
  const end = 'incomplete' in frame && frame.incomplete ? '\n\n' : ''
  return raw.slice(0, at) + data + raw.slice(at + before.length) + end
}

/** The JSON text with `"cost":x` in its usage object (`name`); undefined when it has none. A cost that stands there is replaced. */
function insertCost(json: string, costUsd: number, name: UsageName): string | undefined {
  const open = usageStart(json, `"${name}"`)
  if (open === -1) return undefined
  const member = `"cost":${JSON.stringify(costUsd)}`
  let depth = 0
  for (let at = open; at < json.length;) {
    const character = json.charCodeAt(at)
    if (character === QUOTE) {
      const end = stringEnd(json, at)
      if (depth === 1 && json.slice(at, end) === '"cost"') {
        const colon = skipSpace(json, end)
        if (json.charCodeAt(colon) === COLON) return json.slice(0, at) + member + json.slice(valueEnd(json, skipSpace(json, colon + 1)))
      }
      at = end
      continue
    }
    if (character === OPEN_BRACE || character === OPEN_BRACKET) depth++
    else if (character === CLOSE_BRACE || character === CLOSE_BRACKET) depth--
    at++
    if (depth === 0) break
  }
  const inside = open + 1
  const isEmpty = json.charCodeAt(skipSpace(json, inside)) === CLOSE_BRACE
  return json.slice(0, inside) + member + (isEmpty ? '' : ',') + json.slice(inside)
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const COMMA = 0x2c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

/** Where the `{` of the usage object is: the top-level one, else the first (Groq's, Moonshot's). */
function usageStart(json: string, key: string): number {
  let nested = -1
  let depth = 0
  for (let at = 0; at < json.length;) {
    const character = json.charCodeAt(at)
    if (character !== QUOTE) {
      if (character === OPEN_BRACE || character === OPEN_BRACKET) depth++
      else if (character === CLOSE_BRACE || character === CLOSE_BRACKET) depth--
      at++
      continue
    }
    const end = stringEnd(json, at)
    if (end - at === key.length && json.startsWith(key, at)) {
      const colon = skipSpace(json, end)
      const value = json.charCodeAt(colon) === COLON ? skipSpace(json, colon + 1) : -1
      if (value !== -1 && json.charCodeAt(value) === OPEN_BRACE) {
        if (depth === 1) return value
        if (nested === -1) nested = value
      }
    }
    at = end
  }
  return nested
}

/** The position after the string that begins at `at`. */
function stringEnd(json: string, at: number): number {
  for (let quote = json.indexOf('"', at + 1); quote !== -1; quote = json.indexOf('"', quote + 1)) {
    let backslashes = 0
    while (json.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return quote + 1
  }
  return json.length
}

function skipSpace(json: string, at: number): number {
  let next = at
  for (let code = json.charCodeAt(next); code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d; code = json.charCodeAt(next))
    next++
  return next
}

/** The position after the value that begins at `at`. */
function valueEnd(json: string, at: number): number {
  let depth = 0
  for (let next = at; next < json.length;) {
    const character = json.charCodeAt(next)
    if (character === QUOTE) {
      next = stringEnd(json, next)
      if (depth === 0) return next
      continue
    }
    const closes = character === CLOSE_BRACE || character === CLOSE_BRACKET
    if (depth === 0 && (closes || character === COMMA)) return next
    if (character === OPEN_BRACE || character === OPEN_BRACKET) depth++
    else if (closes && --depth === 0) return next + 1
    next++
  }
  return json.length
}
