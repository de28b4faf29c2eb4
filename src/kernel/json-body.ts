// The full parser behind the peek: a JSON object, or a sentence that says what is wrong with the body.
import { isUtf8 } from 'node:buffer'
import { invalidRequest, type Failure } from './failure.ts'
import { createSource, endOfValue, maxDepth, openSource, skipWhite, tooDeep } from './json-scan.ts'
import type { JsonObject } from './json.ts'

const source = createSource()

/**
 * Parses the request body in `buffer` from `start` to `end`; a byte order mark before it is accepted. Throws a Failure
 * `invalid_request` that says what is wrong and where, and never quotes the body: not UTF-8, not JSON, cut off, nested too deep, not an
 * object, or one of `fields` (the names that the gateway acts on) twice or in another case, which a provider may read differently than we do.
 */
export function parseBody(buffer: Buffer, start: number, end: number, fields: readonly string[]): JsonObject {
  if (!isUtf8(buffer.subarray(start, end))) throw invalidRequest(undefined, 'The body is not UTF-8. Send JSON encoded as UTF-8.')
  const marked = end - start >= 3 && buffer[start] === 0xef && buffer[start + 1] === 0xbb && buffer[start + 2] === 0xbf
  const from = marked ? start + 3 : start
  openSource(source, buffer, end)
  const open = skipWhite(buffer, from)
  if (open >= end) throw invalidRequest(undefined, 'The body is empty. Send a JSON object.')

  const keys: string[] = []
  let i = buffer[open] === 0x7b ? endOfMembers(buffer, open, keys) : endOfValue(source, open, maxDepth)
  if (i >= 0 && i <= end) {
    i = Math.min(skipWhite(buffer, i), end)
    if (i < end) i = ~i
  }
  if (i !== end) throw syntaxFailure(buffer, start, end, i)
  if (buffer[open] !== 0x7b) throw invalidRequest(undefined, `The body must be a JSON object, not ${kindOf(buffer[open]!)}.`)
  refuseAmbiguous(keys, fields)
  return JSON.parse(buffer.toString('utf8', from, end)) as JsonObject
}

/** Like `endOfValue` for the object at `open`; collects its keys. */
function endOfMembers(buffer: Buffer, open: number, keys: string[]): number {
  let i = skipWhite(buffer, open + 1)
  if (buffer[i] === 0x7d) return i + 1
  for (;;) {
    const keyEnd = buffer[i] === 0x22 ? endOfValue(source, i, 0) : ~i
    if (keyEnd < 0) return keyEnd
    keys.push(JSON.parse(buffer.toString('utf8', i, keyEnd)) as string)
    i = skipWhite(buffer, keyEnd)
    if (buffer[i] !== 0x3a) return ~i
    i = endOfValue(source, i + 1, maxDepth - 1)
    if (i < 0) return i
    i = skipWhite(buffer, i)
    const after = buffer[i++]
    if (after === 0x7d) return i
    if (after !== 0x2c) return ~(i - 1)
    i = skipWhite(buffer, i)
  }
}

function refuseAmbiguous(keys: readonly string[], fields: readonly string[]): void {
  const names = new Map(fields.map((field) => [fold(field), field]))
  const seen = new Set<string>()
  for (const key of keys) {
    const name = names.get(fold(key))
    if (name === undefined) continue
    if (seen.has(name)) throw invalidRequest(name, `The field "${name}" is in the body more than once. Send it once.`)
    if (key !== name) throw invalidRequest(name, `The field "${name}" is in the body in another spelling. Write it in exactly this case.`)
    seen.add(name)
  }
}

/** Go's case-insensitive decoders also take U+017F for s and the Kelvin sign for k; so upper case first, then lower. */
function fold(name: string): string {
  return name.toUpperCase().toLowerCase()
}

/** `failed` is what the scanner said: `tooDeep`, the complement of a position, or a position beyond the end. */
function syntaxFailure(buffer: Buffer, start: number, end: number, failed: number): Failure {
  if (failed === tooDeep)
    return invalidRequest(undefined, `The body nests arrays and objects more than ${maxDepth} levels deep. Flatten it.`)
  const at = failed < 0 ? ~failed : failed
  const bytes = end - start
  if (at >= end)
    return invalidRequest(
      undefined,
      `The body is not complete JSON: it ends after ${bytes} bytes, inside a value. Send the whole document.`,
    )
  let line = 1
  let lineStart = start
  for (let newline = buffer.indexOf(0x0a, start); newline >= 0 && newline < at; newline = buffer.indexOf(0x0a, newline + 1)) {
    line++
    lineStart = newline + 1
  }
  return invalidRequest(
    undefined,
    `The body is not JSON: byte ${at - start + 1} (line ${line}, byte ${at - lineStart + 1} of it) cannot be there.`,
  )
}

function kindOf(first: number): string {
  if (first === 0x5b) return 'an array'
  if (first === 0x22) return 'a string'
  if (first === 0x6e) return 'null'
  return first === 0x74 || first === 0x66 ? 'a boolean' : 'a number'
}
