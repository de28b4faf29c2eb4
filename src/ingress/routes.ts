// Paths that exist, and what to say about those that don't.
import { decodedSegment, endpointOf, isGeminiMethod, modelPaths, type ModelEndpoint } from '#inspection'
import type { ClientWire } from '#ir'
import { Failure, nearestNames } from '#kernel'
import type { PathFields } from '#wires'

export type Route =
  | { readonly type: 'generate'; readonly wire: ClientWire; readonly path?: PathFields }
  | { readonly type: 'count-tokens'; readonly wire: ClientWire; readonly path?: PathFields }
  | { readonly type: 'embed'; readonly wire: ClientWire; readonly path?: PathFields }
  /** `id` absent: all of them. */
  | { readonly type: 'models'; readonly wire: ClientWire; readonly id?: string }
  | { readonly type: 'account'; readonly about: 'key' | 'credits' | 'generation' }
  | { readonly type: 'health' }
  | { readonly type: 'ready' }
  | { readonly type: 'metrics' }

type Methods = Readonly<Partial<Record<'GET' | 'POST', Route>>>

const routes = new Map<string, Methods>([
  ...modelPaths.map((path): [string, Methods] => [path, asked(endpointOf(path)!)]),
  ['/v1/models', { GET: { type: 'models', wire: 'openai-chat' } }],
  ['/v1beta/models', { GET: { type: 'models', wire: 'gemini' } }],
  ['/v1/key', { GET: { type: 'account', about: 'key' } }],
  ['/v1/credits', { GET: { type: 'account', about: 'credits' } }],
  ['/v1/generation', { GET: { type: 'account', about: 'generation' } }],
  ['/healthz', { GET: { type: 'health' } }],
  ['/readyz', { GET: { type: 'ready' } }],
  ['/metrics', { GET: { type: 'metrics' } }],
])

/** Below these, the rest of the path is a model's id. */
const modelPrefixes = [
  { prefix: '/v1/models/', wire: 'openai-chat' },
  { prefix: '/v1beta/models/', wire: 'gemini' },
] as const

function asked({ operation, ...rest }: ModelEndpoint): Methods {
  return { POST: { type: operation, ...rest } }
}

/** Anybody may ask for any path: what reads it takes no longer than the path is long. */
function methodsOf(path: string): Methods | undefined {
  const known = routes.get(path)
  if (known !== undefined) return known
  const endpoint = endpointOf(path)
  if (endpoint !== undefined) return asked(endpoint)
  for (const { prefix, wire } of modelPrefixes) {
    if (!path.startsWith(prefix) || path.length === prefix.length) continue
    return { GET: { type: 'models', wire, id: decodedSegment(path.slice(prefix.length)) } }
  }
  return undefined
}

/** Value of the `allow` header for a path that exists. */
export function allowedMethods(path: string): string {
  return Object.keys(methodsOf(path) ?? {})
    .map((method) => (method === 'GET' ? 'GET, HEAD' : method))
    .join(', ')
}

/** One of few, whatever was asked for: the path with its model left out, or `other`. */
export function routeName(path: string): string {
  if (routes.has(path)) return path
  const endpoint = endpointOf(path)
  if (endpoint === undefined) return 'other'
  return endpoint.path === undefined ? path : `/v1beta/models/{model}${path.slice(path.lastIndexOf(':'))}`
}

/** The route of a path (without its query), or a Failure that says what is wrong with path or method. */
export function routeOf(method: string, path: string): Route | Failure {
  const methods = methodsOf(path)
  if (methods === undefined) return new Failure('unknown_url', unknownUrl(method, path))
  const route = methods[(method === 'HEAD' ? 'GET' : method) as 'GET' | 'POST']
  return (
    route ??
    new Failure(
      'method_not_allowed',
      `${method.slice(0, 16)} ${path} does not exist; the path takes ${Object.keys(methods).join(' and ')}.`,
    )
  )
}

function unknownUrl(method: string, path: string): string {
  const shown = `${method.slice(0, 16)} ${path.slice(0, 200)}`
  const doubled = path.replace(/^(\/v1)+\//, '/v1/')
  if (doubled !== path && exists(doubled))
    return `There is no ${shown}: "/v1" is in it twice. Did you mean ${doubled}? The client adds a part of the path itself: give it a base URL with one "/v1" fewer.`
  const version = isGeminiMethod(path.slice(path.lastIndexOf(':') + 1)) ? '/v1beta' : '/v1'
  const versioned = version + path
  if (exists(versioned)) return `There is no ${shown}. Did you mean ${versioned}? The client's base URL must end with "${version}".`
  const trimmed = path.replace(/\/{2,}/g, '/').replace(/\/$/, '')
  if (trimmed !== path && exists(trimmed)) return `There is no ${shown}. Did you mean ${trimmed}?`
  const near = nearestNames(path, [...routes.keys()], 1)[0]
  return `There is no ${shown}.${near === undefined ? ' This gateway serves /v1/chat/completions, /v1/responses, /v1/messages, /v1/embeddings, /v1/models and /v1beta/models.' : ` Did you mean ${near}?`}`
}

function exists(path: string): boolean {
  return methodsOf(path) !== undefined
}
