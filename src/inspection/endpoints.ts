// The paths at which models are asked, and what each means: the operation, the client's wire, and what the path itself says.
import type { ClientWire } from '#ir'
import type { Operation } from '#routing'
import type { PathFields } from '#wires'

/** Always a POST. */
export type ModelEndpoint = { readonly operation: Operation; readonly wire: ClientWire; readonly path?: PathFields }

const endpoints: ReadonlyMap<string, ModelEndpoint> = new Map<string, ModelEndpoint>([
  ['/v1/chat/completions', { operation: 'generate', wire: 'openai-chat' }],
  ['/v1/responses', { operation: 'generate', wire: 'openai-responses' }],
  ['/v1/messages', { operation: 'generate', wire: 'anthropic-messages' }],
  ['/v1/messages/count_tokens', { operation: 'count-tokens', wire: 'anthropic-messages' }],
  ['/v1/embeddings', { operation: 'embed', wire: 'openai-chat' }],
])

export const modelPaths: readonly string[] = [...endpoints.keys()]

const geminiPrefix = '/v1beta/'
/** Vercel's AI SDK leaves out `models/` before an id that has a slash. */
const prefixes = ['/v1/models/', `${geminiPrefix}models/`]

const geminiMethods: ReadonlyMap<string, (model: string) => ModelEndpoint> = new Map<string, (model: string) => ModelEndpoint>([
  ['generateContent', (model) => ({ operation: 'generate', wire: 'gemini', path: { model, stream: false } })],
  ['streamGenerateContent', (model) => ({ operation: 'generate', wire: 'gemini', path: { model, stream: true } })],
  ['countTokens', (model) => ({ operation: 'count-tokens', wire: 'gemini', path: { model, stream: false } })],
])

/** Of a path without its query. Anybody may ask for any: what reads it takes no longer than it is long. */
export function endpointOf(path: string): ModelEndpoint | undefined {
  const known = endpoints.get(path)
  if (known !== undefined) return known
  // Ids have colons too (`llama3:8b`): the method stands behind the last one.
  const colon = path.lastIndexOf(':')
  const method = colon < 0 ? undefined : geminiMethods.get(path.slice(colon + 1))
  if (method === undefined) return undefined
  const prefix = prefixes.find((one) => path.startsWith(one))
  if (prefix !== undefined) return method(decodedSegment(path.slice(prefix.length, colon)))
  const model = path.slice(geminiPrefix.length, colon)
  return path.startsWith(geminiPrefix) && model.slice(1, -1).includes('/') ? method(decodedSegment(model)) : undefined
}

/** True of what Google's clients ask of a model. */
export function isGeminiMethod(name: string): boolean {
  return geminiMethods.has(name)
}

export function decodedSegment(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
