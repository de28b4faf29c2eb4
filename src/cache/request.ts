// Which requests may be answered from the response cache, and what makes two of them the same.
import type { CacheRule } from '#config'
import { largeBodyBytes, type Arrival, type Inspected } from '#inspection'
import type { ClientWire } from '#ir'
import { isObject } from '#kernel'
import { withOwnHeaders } from '#policy'
import type { Plan, TargetParams } from '#routing'
import { cacheKeyOf, canonicalJson } from './cache-key.ts'

export type CacheAsker = { readonly arrival: Arrival; readonly inspected: Inspected; readonly plan: Plan }

type Fields = {
  /** They say how the answer comes or whom it is for, and change nothing in it. What the wire repeats in its answers is not among them. */
  readonly left: ReadonlySet<string>
  /** Tools, and what the provider looks up or runs itself. */
  readonly tools: readonly string[]
  /** The answer depends on what the provider keeps and changes, or doesn't come with this request. */
  readonly unsteady: readonly string[]
}

const fieldsOf = {
  'openai-chat': {
    left: new Set(['stream', 'stream_options', 'user', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention', 'metadata']),
    tools: ['tools', 'functions', 'web_search_options'],
    unsteady: [],
  },
  // An answer has the request's user, metadata and keys in it.
  'openai-responses': { left: new Set(['stream', 'stream_options']), tools: ['tools'], unsteady: ['conversation', 'background'] },
  'anthropic-messages': { left: new Set(['stream', 'metadata']), tools: ['tools', 'mcp_servers', 'container'], unsteady: [] },
  gemini: { left: new Set(), tools: ['tools'], unsteady: [] },
} as const satisfies Record<ClientWire, Fields>

const embeddingFields: Fields = { left: new Set(['user']), tools: [], unsteady: [] }

/** Of Anthropic's wire, which go on to its providers; the gateway writes the others itself. */
const headersThatCount = ['anthropic-version', 'anthropic-beta'] as const

/** undefined: its answer is neither looked up nor kept. */
export function cacheKeyFor(asker: CacheAsker, rule: CacheRule): string | undefined {
  const { arrival, inspected, plan } = asker
  const { operation, wire, key, headers } = arrival
  if (operation === 'count-tokens' || arrival.bodyEnd - arrival.bodyStart >= largeBodyBytes) return undefined
  // Answers of the client's own account are nobody else's; and a client that wants nothing of it stored means here, too.
  if (inspected.ownKey !== undefined || !inspected.storesBodies) return undefined
  const fields: Fields = operation === 'embed' ? embeddingFields : fieldsOf[wire]
  if (!isSteady(inspected, fields, rule)) return undefined
  const body = canonicalJson(inspected.body.original(), fields.left)
  if (body === undefined) return undefined
  const own = withOwnHeaders(headers)
  const { slug, version } = plan.config ?? {}
  const inline = slug === undefined ? textOf(own['x-turnpike-config'] ?? own['x-portkey-config']) : ''
  return cacheKeyOf([
    // Anybody can send a config; only one that is stored here shares its answers between keys.
    ...(rule.namespace !== undefined && slug !== undefined ? ['config', rule.namespace] : ['key', key.id, rule.namespace ?? '']),
    textOf(own['x-turnpike-cache-namespace'] ?? own['x-portkey-cache-namespace']),
    operation,
    wire,
    inspected.model,
    slug ?? '',
    String(version ?? 0),
    inline,
    // Conditions look at more than the body; and names come to mean other models.
    ...targetsOf(plan),
    inspected.strict ? 'strict' : '',
    key.client ?? '',
    ...forwardedBy(plan, headers),
    ...(wire === 'anthropic-messages' ? headersThatCount.map((name) => textOf(headers[name])) : []),
    body,
  ])
}

/** The answer is to be asked for anew, and replaces what is kept. */
export function wantsRefresh({ arrival }: CacheAsker): boolean {
  const own = withOwnHeaders(arrival.headers)
  return textOf(own['x-turnpike-cache-force-refresh'] ?? own['x-portkey-cache-force-refresh']).toLowerCase() === 'true'
}

function isSteady({ body }: Inspected, { tools, unsteady }: Fields, rule: CacheRule): boolean {
  const count = body.member('n')
  if (count !== undefined && count !== null && count !== 1) return false
  for (const name of ['generationConfig', 'generation_config']) {
    const config = body.member(name)
    if (isObject(config) && (config['candidateCount'] ?? config['candidate_count'] ?? 1) !== 1) return false
  }
  const isThere = (name: string): boolean => {
    const value = body.member(name)
    return value !== undefined && value !== null && value !== false && !(Array.isArray(value) && value.length === 0)
  }
  return !unsteady.some(isThere) && (rule.tools || !tools.some(isThere))
}

/** Every one that may answer, in whatever order they would be asked, and what its config does to the request. */
function targetsOf({ steps }: Plan): readonly string[] {
  const names = steps.map(({ target }) => `${target.route} ${target.provider.slug} ${target.model.id} ${digestOf(target.params)}`)
  return [...new Set(names)].sort()
}

/** An answer may depend on them. */
function forwardedBy({ steps }: Plan, headers: CacheAsker['arrival']['headers']): readonly string[] {
  const names = new Set(steps.flatMap(({ target }) => target.forwards ?? []))
  return names.size === 0 ? [] : [...names].sort().map((name) => `${name}: ${textOf(headers[name])}`)
}

const digests = new WeakMap<TargetParams, string>()

/** Params change without a version of the plan's config: in the file, or in a config that is named as a model. */
function digestOf(params: TargetParams | undefined): string {
  if (params === undefined) return ''
  let digest = digests.get(params)
  if (digest === undefined) digests.set(params, (digest = cacheKeyOf([JSON.stringify([params.defaults, params.edits, params.removals])])))
  return digest
}

function textOf(value: string | readonly string[] | undefined): string {
  return typeof value === 'string' ? value : (value?.join(',') ?? '')
}
