// Results of tools: the object that Google wants, and the neutral list of texts and media. Each says the other exactly.
import { isObject, type JsonObject, type JsonValue } from '#kernel'

/**
 * Google's convention: "output" holds what the tool gave, "error" what went wrong, and an object with neither is all output. Text that
 * is such an object goes as it is; other text goes under one of the two keys, several texts as a list.
 */
export function encodeOutput(texts: readonly string[], failed: boolean): JsonObject {
  const [only] = texts
  if (texts.length === 1 && !failed) {
    const object = parsedObject(only!)
    if (object !== undefined) return object
  }
  const value: JsonValue = texts.length === 1 ? only! : texts.length === 0 ? '' : [...texts]
  return failed ? { error: value } : { output: value }
}

export type DecodedOutput = { readonly texts: readonly string[]; readonly failed: boolean }

export function decodeOutput(response: JsonObject): DecodedOutput {
  const [key, ...others] = Object.keys(response)
  if (others.length === 0 && (key === 'output' || key === 'error')) {
    const texts = textsOf(response[key]!)
    if (texts !== undefined) return { texts, failed: key === 'error' }
  }
  return { texts: [JSON.stringify(response)], failed: false }
}

function textsOf(value: JsonValue): readonly string[] | undefined {
  if (typeof value === 'string') return value === '' ? [] : [value]
  if (!Array.isArray(value) || value.length < 2) return undefined
  return value.every((each) => typeof each === 'string') ? value : undefined
}

/** The object that the text is, written the way it would be read back. */
function parsedObject(text: string): JsonObject | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (!isObject(value)) return undefined
    const { texts, failed } = decodeOutput(value)
    return !failed && texts.length === 1 && texts[0] === text ? value : undefined
  } catch {
    return undefined
  }
}
