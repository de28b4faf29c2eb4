// Where a wire wants proof of reasoning and has a place for nobody else's: what the gateway writes there, so that clients bring it back.
import { asText, isObject, type JsonValue } from '#kernel'
import type { Seal } from '#ir'

/** Begins everything of that kind. No provider accepts it: `PassThrough.own` takes it out of what passes. */
export const ownMark = 'tps1.'

export function isMarked(text: JsonValue | undefined): text is string {
  return typeof text === 'string' && text.startsWith(ownMark)
}

export function marked(value: JsonValue): string {
  return ownMark + Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** It comes from a client: what is not of our making is undefined. */
export function unmarked(text: string): JsonValue | undefined {
  if (!isMarked(text)) return undefined
  try {
    return JSON.parse(Buffer.from(text.slice(ownMark.length), 'base64url').toString('utf8')) as JsonValue
  } catch {
    return undefined
  }
}

const kinds: ReadonlyMap<unknown, Seal['kind']> = new Map([
  ['signature', 'signature'],
  ['encrypted', 'encrypted'],
  ['redacted', 'redacted'],
])

/** As it came from a client: everything is checked. */
export function readSeal(value: JsonValue | undefined): Seal | undefined {
  if (!isObject(value)) return undefined
  const kind = kinds.get(value['kind'])
  const domain = asText(value['domain'])
  const data = asText(value['data'])
  const itemId = asText(value['itemId'])
  if (kind === undefined || domain === undefined || data === undefined) return undefined
  return { domain, kind, data, ...(itemId === undefined ? {} : { itemId }) }
}
