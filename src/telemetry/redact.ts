// Keeps secrets out of whatever is printed or recorded: keys by their look, tokens by their place, headers by their name.
import { keyShapes } from './key-shapes.ts'

const anyKey = new RegExp(
  `(?<![A-Za-z0-9])(${keyShapes.map(({ prefix }) => prefix).join('|')})(?:${[...new Set(keyShapes.map(({ rest }) => rest))].join('|')})`,
  'g',
)
const bearer = /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi
// Stops before quotes and backslashes, so that a line of JSON stays one.
const parameter = /([?&;\s"'](?:api[_-]?key|key|token|access_token|secret|password)=)[^&\s"'\\]{4,}/gi
/** Members of JSON in a header, such as a routing config's; also where the JSON is itself inside a text. */
const jsonMember = /("[\w-]*(?:key|token|secret|password|authorization|credentials?)\\*"\s*:\s*\\*")[^"\\]{4,}/gi
const hidden = '[redacted]'

/** The text without anything that looks like a key or a token; of a key, its public prefix stays. */
export function redactText(text: string): string {
  return text
    .replace(anyKey, `$1${hidden}`)
    .replace(bearer, `$1 ${hidden}`)
    .replace(parameter, `$1${hidden}`)
    .replace(jsonMember, `$1${hidden}`)
}

/** The same, and these very secrets too, whatever they look like (some vendors' keys have no prefix). Short ones are left, as they would blank out words. */
export function createRedactor(secrets: Iterable<string>): (text: string) => string {
  // Longest first, so that a secret which begins with another one goes as a whole.
  const known = [...new Set(secrets)].filter((secret) => secret.length >= 8).sort((a, b) => b.length - a.length)
  if (known.length === 0) return redactText
  return (text) => {
    let clean = text
    for (const secret of known) if (clean.includes(secret)) clean = clean.replaceAll(secret, hidden)
    return redactText(clean)
  }
}

const secretHeader = /(^|[-_])(authorization|cookie|api-?key|key|token|secret|password|credential)s?$/
/** Ends like a secret and isn't one. */
const publicHeaders = new Set([
  'idempotency-key',
  'x-idempotency-key',
  'sec-websocket-key',
  'prompt-cache-key',
  'x-ratelimit-remaining-tokens',
  'x-ratelimit-limit-tokens',
  'x-ratelimit-reset-tokens',
])

/** A copy of the headers in which secrets are replaced: whole values of headers that carry one, and what looks like a key in any other. */
export function redactHeaders(headers: Readonly<Record<string, string | readonly string[] | undefined>>): Record<string, string> {
  const clean: [string, string][] = []
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    const lower = name.toLowerCase()
    const text = typeof value === 'string' ? value : value.join(', ')
    clean.push([name, secretHeader.test(lower) && !publicHeaders.has(lower) ? hidden : redactText(text)])
  }
  return Object.fromEntries(clean)
}

/** Of the connection, not of the request: not worth a place in every record. */
const unrecorded = new Set([
  'host',
  'connection',
  'content-length',
  'content-type',
  'accept',
  'accept-language',
  'accept-encoding',
  'sec-fetch-mode',
  'keep-alive',
  'transfer-encoding',
])
const maxRemembered = 4096
const maxRememberedCharacters = 256

/**
 * Headers as JSON text for a record, redacted as `redactHeaders` does. Clients repeat themselves, so what a header became is remembered
 * (bounded): this runs for every request.
 */
export function createHeaderRecorder(): (headers: Readonly<Record<string, string | readonly string[] | undefined>>) => string {
  const remembered = new Map<string, string>()

  function member(name: string, value: string): string {
    const header = `${name}\n${value}`
    const known = remembered.get(header)
    if (known !== undefined) return known
    const clean = redactHeaders({ [name]: value })
    const text = `${JSON.stringify(name)}:${JSON.stringify(clean[name])}`
    if (header.length <= maxRememberedCharacters) {
      if (remembered.size >= maxRemembered) remembered.clear()
      remembered.set(header, text)
    }
    return text
  }

  return (headers) => {
    let text = ''
    for (const name in headers) {
      const value = headers[name]
      if (value === undefined || unrecorded.has(name)) continue
      text += (text === '' ? '' : ',') + member(name, typeof value === 'string' ? value : value.join(', '))
    }
    return `{${text}}`
  }
}
