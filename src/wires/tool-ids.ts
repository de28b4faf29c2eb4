// Tool-call ids, names and arguments where a wire's grammar is narrow. What it refuses is mapped the same way wherever it stands.
import { isObject, type JsonObject } from '#kernel'

const accepted = /^[a-zA-Z0-9_-]+$/

/**
 * The id (or name) itself where it is of letters, digits, _ and - only and not longer than `longest`; else its accepted characters and a
 * digest of all of it, 48 characters at most, so that two ids stay two.
 */
export function toPlainId(id: string, longest = Infinity): string {
  if (accepted.test(id) && id.length <= longest) return id
  return `${id.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 40)}_${digest(id)}`
}

export const openaiNameGrammar = 'OpenAI accepts names of letters, digits, _ and -, at most 64'

export function toOpenaiName(name: string): string {
  return toPlainId(name, 64)
}

/** FNV-1a over UTF-16 units: it only has to keep the ids of one conversation apart. */
function digest(text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i)
    hash = Math.imul(hash, 0x01000193)
  }
  return (hash >>> 0).toString(36)
}

const unparsedKey = 'unparsed_arguments'

/**
 * `input` must be an object on this wire. Argument text that is none (cut off, or not JSON) is kept verbatim under one key that
 * `argsOfInput` recognises when it comes back: a client sees that something is wrong, and nothing is lost.
 */
export function inputOfArgs(args: string): { readonly input: JsonObject; readonly verbatim: boolean } {
  if (args.trim() === '') return { input: {}, verbatim: true }
  try {
    const value: unknown = JSON.parse(args)
    if (isObject(value)) return { input: value, verbatim: true }
  } catch {
    // Not JSON: kept as text below.
  }
  return { input: { [unparsedKey]: args }, verbatim: false }
}

export function argsOfInput(input: JsonObject): string {
  const text = input[unparsedKey]
  return typeof text === 'string' && Object.keys(input).length === 1 ? text : JSON.stringify(input)
}
