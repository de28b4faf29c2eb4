// Query parameters: unknown ones are named, with the nearest known one; nothing a caller asked for is silently ignored.
import { parseNanoUsd } from '#ir'
import { nearestNames } from '#kernel'
import type { RequestFilters } from '#store'
import type { RequestFilterQuery } from './contract.ts'
import { wrongParameter } from './failure.ts'

const metadataPrefix = 'metadata.'

/** Throws for a parameter that is not in `known` (nor of the form `metadata.<key>`, where that is allowed), or is given twice. */
export function checkParameters(query: unknown, known: readonly string[], allowMetadata: boolean): void {
  for (const [name, value] of Object.entries(query as Record<string, unknown>)) {
    const isMetadata = allowMetadata && name.startsWith(metadataPrefix) && name.length > metadataPrefix.length
    if (!isMetadata && !known.includes(name)) throw unknownParameter(name, known)
    if (Array.isArray(value)) throw wrongParameter(name, `'${name}' is given ${value.length} times; give it once.`)
  }
}

function unknownParameter(name: string, known: readonly string[]): Error {
  const shown = name.slice(0, 64)
  const [nearest] = nearestNames(name, known, 1)
  const hint =
    nearest === undefined ? (known.length === 0 ? 'This path takes none.' : `Known: ${known.join(', ')}.`) : `Did you mean '${nearest}'?`
  return wrongParameter(shown, `There is no parameter '${shown}'. ${hint}`)
}

/** The filters of a validated query; `metadata.<key>` is read from the address itself. */
export function filtersOf(query: RequestFilterQuery, address: string): RequestFilters {
  const metadata = metadataOf(address)
  const { status } = query
  const statusClass = status !== undefined && /xx$/i.test(status)
  const filters = {
    fromMs: query.from === undefined ? undefined : Date.parse(query.from),
    toMs: query.to === undefined ? undefined : Date.parse(query.to),
    id: query.id?.toLowerCase(),
    key: query.key,
    kind: query.kind,
    session: query.session,
    trace: query.trace,
    client: query.client,
    wire: query.wire,
    endpoint: query.endpoint,
    model: query.model,
    modelAsked: query.model_asked,
    modelServed: query.model_served,
    provider: query.provider,
    stream: query.stream,
    status: status === undefined || statusClass ? undefined : Number(status),
    statusClass: statusClass ? Number(status[0]) : undefined,
    outcome: query.outcome,
    error: query.error,
    errorCode: query.error_code,
    errorClass: query.error_class,
    attempts: query.attempts,
    cache: query.cache,
    config: query.config,
    fallback: query.fallback,
    costSource: query.cost_source,
    minCostNanoUsd: query.min_cost_usd === undefined ? undefined : parseNanoUsd(query.min_cost_usd),
    minMs: query.min_ms,
    minTokens: query.min_tokens,
    q: query.q,
    metadata: metadata.size === 0 ? undefined : metadata,
  } satisfies { [name in keyof RequestFilters]-?: RequestFilters[name] | undefined }
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined))
}

function metadataOf(address: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const [name, value] of new URL(address, 'http://localhost').searchParams) {
    if (name.startsWith(metadataPrefix)) found.set(name.slice(metadataPrefix.length), value)
  }
  return found
}
