// Header lines in both directions, and the verdict when every target failed.
import type { Arrival } from '#inspection'
import { formatUsd } from '#ir'
import type { PlannedTarget } from '#routing'
import { Failure, type FailureKind } from '#kernel'
import { keyLines } from '#upstream'
import { providerCodecOf } from '#wires'
import type { CacheState } from '#store'
import { toldCost } from './answer-cost.ts'
import type { Told } from './record.ts'

const anthropicVersion = '2023-06-01'
const userAgent = 'turnpike'

const fixedHeaders = new WeakMap<PlannedTarget, { stream: string[]; whole: string[] }>()

/** Request headers for a target; what doesn't depend on the request is built once. */
export function requestHeaders(target: PlannedTarget, arrival: Arrival, stream: boolean): readonly string[] {
  let fixed = fixedHeaders.get(target)
  if (fixed === undefined)
    fixedHeaders.set(target, (fixed = { stream: build(target, streamType(target)), whole: build(target, 'application/json') }))
  const headers = stream ? fixed.stream : fixed.whole
  const lines = target.wire === 'anthropic-messages' ? withAnthropics(headers, target, arrival) : headers
  return target.forwards === undefined ? lines : withForwarded(lines, target.forwards, arrival)
}

/** What is written for the provider counts for more than what the client sent. */
function withForwarded(lines: readonly string[], names: readonly string[], { headers }: Arrival): readonly string[] {
  const written = new Set(lines.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()))
  return [...lines, ...names.flatMap((name) => (written.has(name) || typeof headers[name] !== 'string' ? [] : [name, headers[name]]))]
}

function withAnthropics(headers: readonly string[], target: PlannedTarget, arrival: Arrival): readonly string[] {
  const version = arrival.headers['anthropic-version']
  const { headers: own, dialect } = target.provider
  // Bedrock has them in the body.
  const sendsBeta = target.lane === 'pass' && dialect.anthropicVersion !== 'bedrock-2023-05-31'
  const beta = sendsBeta ? arrival.headers['anthropic-beta'] : undefined
  // Written for the provider, or in the body.
  const ownVersion = own['anthropic-version'] !== undefined || dialect.anthropicVersion !== undefined
  return [
    ...headers,
    ...(ownVersion ? [] : ['anthropic-version', target.lane === 'pass' && typeof version === 'string' ? version : anthropicVersion]),
    ...(typeof beta === 'string' && beta !== '' ? ['anthropic-beta', beta] : []),
  ]
}

function streamType({ provider, wire }: PlannedTarget): string {
  return providerCodecOf(wire).egress.framing?.(provider.dialect)?.contentType ?? 'text/event-stream'
}

function build({ provider, credential, wire }: PlannedTarget, accept: string): string[] {
  return [
    'content-type',
    'application/json',
    'accept',
    accept,
    'accept-encoding',
    'identity',
    'user-agent',
    userAgent,
    ...keyLines(provider, wire, credential),
    ...Object.entries(provider.headers).flat(),
  ]
}

/** Head lines of an answer: the given ones, and what the contract says about every answer. */
export function answerHead(exchange: Told, target: PlannedTarget | undefined, headers: string[], failure?: Failure): string[] {
  const { arrival, inspected } = exchange
  const add = (name: string, value: string): number => headers.push(name, value)
  add('x-turnpike-request-id', arrival.id)
  add(exchange.codec.ingress.requestIdHeader, arrival.id)
  add('x-turnpike-attempts', digits[exchange.tries] ?? String(exchange.tries))
  const provider = target?.provider.slug ?? exchange.hit?.provider
  if (provider !== undefined) {
    add('x-turnpike-provider', provider)
    add('x-turnpike-model', headerText(exchange.servedModel ?? target!.model.id))
    if (target !== undefined && target.route !== '') add('x-turnpike-route', target.route)
  }
  if (inspected !== undefined && inspected.trace !== '') add('x-turnpike-trace-id', headerText(inspected.trace))
  const cache = cacheWords[exchange.cached?.state ?? 'disabled']
  add('x-turnpike-cache', cache)
  if (exchange.dispatchedMs > 0) add('x-turnpike-overhead-us', String(Math.round((exchange.dispatchedMs - arrival.readyMs) * 1000)))
  const cost = exchange.hit === undefined ? toldCost(exchange) : 0n
  if (cost !== undefined && inspected?.stream === false) add('x-turnpike-cost', formatUsd(cost))
  addLimitHeaders(exchange, failure, add)
  if (inspected?.hasOwnHeaders === true) addPortkeyHeaders(exchange, provider, target, cache, add)
  if (failure !== undefined && (failure.status === 429 || failure.status === 503)) {
    add('retry-after', String(Math.max(1, Math.ceil((failure.details.retryAfterMs ?? defaultRetryMs) / 1000))))
  }
  return headers
}

/** In the form that OpenAI's clients read; and what was lowered to fit. What a limit has refused holds nothing, and is told all the same. */
function addLimitHeaders(
  { spending, deps, arrival }: Told,
  failure: Failure | undefined,
  add: (name: string, value: string) => void,
): void {
  if (spending === undefined && failure === undefined) return
  if (spending?.clamp !== undefined) add('x-turnpike-clamped', `max_tokens=${spending.clamp.value}`)
  const rates = spending?.rates(Date.now()) ?? deps.limits?.rates(arrival.key, Date.now())
  if (rates === undefined) return
  for (const kind of ['requests', 'tokens'] as const) {
    const rate = rates[kind]
    if (rate === undefined) continue
    add(`x-ratelimit-limit-${kind}`, String(rate.limit))
    add(`x-ratelimit-remaining-${kind}`, String(Math.max(0, Math.floor(rate.left))))
    add(`x-ratelimit-reset-${kind}`, `${Math.ceil(rate.resetMs / 1000)}s`)
  }
}

const cacheWords = { disabled: 'DISABLED', miss: 'MISS', hit: 'HIT', refresh: 'REFRESH' } as const satisfies Record<CacheState, string>

/** What clients of Portkey read, for those that speak like one. */
function addPortkeyHeaders(
  { arrival, inspected, attempts }: Told,
  provider: string | undefined,
  target: PlannedTarget | undefined,
  cache: string,
  add: (name: string, value: string) => void,
): void {
  if (!Object.keys(arrival.headers).some((name) => name.startsWith('x-portkey-'))) return
  add('x-portkey-trace-id', headerText(inspected?.trace || arrival.id))
  if (provider !== undefined) add('x-portkey-provider', provider)
  if (target !== undefined) {
    const again = attempts.filter(({ route, provider: slug }) => route === target.route && slug === target.provider.slug).length
    add('x-portkey-retry-attempt-count', String(Math.max(0, again - (attempts.at(-1)?.errorClass === '' ? 1 : 0))))
    add('x-portkey-last-used-option-index', target.route === '' ? 'config' : target.route)
  }
  add('x-portkey-cache-status', cache)
}

const digits = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']

/** Header values are latin-1 without control characters; model names can be anything. */
function headerText(value: string): string {
  return /^[\x20-\x7e]*$/.test(value) ? value : encodeURIComponent(value.toWellFormed())
}

const defaultRetryMs = 5000
/** In a sentence; `error.attempts` has them all. */
const mostNamed = 10
/** Up to here a client may well wait itself (503); longer, it should know that it is a limit (429). */
const shortMs = 60_000

const timeoutPhases: Partial<Record<FailureKind, string>> = {
  first_token_timeout: 'waiting for the first token',
  total_timeout: 'waiting for the answer within the total time',
  idle_timeout: 'waiting between two chunks',
}

/** What the client hears when no target answered: our words only, each attempt's class beside it. */
export function allFailed(failures: readonly { target: string; failure: Failure }[], first: Failure, ownKey = false): Failure {
  // Not the targets' doing, whatever they said before.
  const last = failures.at(-1)?.failure
  if (last?.kind === 'draining') return last
  // With its own key, the account is the client's.
  if (ownKey && failures.every(({ failure }) => failure.kind === 'credential_rejected'))
    return new Failure(
      'invalid_api_key',
      `${failures[0]!.target} rejected the provider key that came with the request. Check that it is whole, valid and of this provider.`,
    )
  const attempts = failures.map(({ target, failure }) => ({ target, class: failure.kind }))
  const phase = failures.every(({ failure }) => timeoutPhases[failure.kind] !== undefined) ? timeoutPhases[first.kind] : undefined
  if (phase !== undefined)
    return new Failure(
      'timeout',
      `Timeout while ${phase}: ${first.message} Try again, or raise the timeout: the provider's, the config's or the request's own.`,
      { attempts },
    )
  if (failures.length === 1 && (first.kind === 'internal_error' || first.fault === 'client')) return first
  const hints = failures.flatMap(({ failure }) => failure.details.retryAfterMs ?? [])
  // The first target that recovers is enough.
  const retryAfterMs = hints.length > 0 ? Math.max(1000, Math.min(...hints)) : defaultRetryMs
  const named = attempts.slice(0, mostNamed).map(({ target, class: kind }) => `${target} (${kind})`)
  const more = attempts.length - named.length
  const names = more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ')
  return new Failure('all_targets_failed', `Every target failed: ${names}. Try again in ${Math.ceil(retryAfterMs / 1000)} seconds.`, {
    status: retryAfterMs > shortMs ? 429 : 503,
    retryAfterMs,
    attempts,
  })
}
