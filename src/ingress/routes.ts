// Paths that exist, and what to say about those that don't.
import type { ClientWire } from '#ir'
import { Failure, nearestNames } from '#kernel'
import type { PathFields } from '#wires'

export type Route =
  | { readonly type: 'generate'; readonly wire: ClientWire; readonly path?: PathFields }
  | { readonly type: 'count-tokens'; readonly wire: ClientWire; readonly path?: PathFields }
  | { readonly type: 'embed'; readonly wire: ClientWire; readonly path?: PathFields }
  | { readonly type: 'models' }
  | { readonly type: 'health' }
  | { readonly type: 'ready' }

type Methods = Readonly<Partial<Record<'GET' | 'POST', Route>>>

const routes = new Map<string, Methods>([
  ['/v1/chat/completions', { POST: { type: 'generate', wire: 'openai-chat' } }],
  ['/v1/messages', { POST: { type: 'generate', wire: 'anthropic-messages' } }],
  ['/v1/messages/count_tokens', { POST: { type: 'count-tokens', wire: 'anthropic-messages' } }],
  ['/v1/embeddings', { POST: { type: 'embed', wire: 'openai-chat' } }],
  ['/v1/models', { GET: { type: 'models' } }],
  ['/healthz', { GET: { type: 'health' } }],
  ['/readyz', { GET: { type: 'ready' } }],
])

export const modelPrefix = '/v1/models/'

function methodsOf(path: string): Methods | undefined {
  return routes.get(path) ?? (path.startsWith(modelPrefix) && path.length > modelPrefix.length ? routes.get('/v1/models') : undefined)
}

/** Value of the `allow` header for a path that exists. */
export function allowedMethods(path: string): string {
  return Object.keys(methodsOf(path) ?? {})
    .map((method) => (method === 'GET' ? 'GET, HEAD' : method))
    .join(', ')
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
  const versioned = `/v1${path}`
  if (exists(versioned)) return `There is no ${shown}. Did you mean ${versioned}? The client's base URL must end with "/v1".`
  const trimmed = path.replace(/\/+$/, '').replace(/\/{2,}/g, '/')
  if (trimmed !== path && exists(trimmed)) return `There is no ${shown}. Did you mean ${trimmed}?`
  const near = nearestNames(path, [...routes.keys()], 1)[0]
  return `There is no ${shown}.${near === undefined ? ' This gateway serves /v1/chat/completions, /v1/messages, /v1/embeddings and /v1/models.' : ` Did you mean ${near}?`}`
}

function exists(path: string): boolean {
  return routes.has(path) || path.startsWith(modelPrefix)
}
