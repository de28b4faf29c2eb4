// Facets: the low-cardinality columns of a request, each combination stored once and referred to by number.
import type { DatabaseSync } from 'node:sqlite'
import type { CacheState, FinishSummary } from './record.ts'

/** Text columns of `facets` in order; the numeric ones are named apart. */
export type Facet = {
  readonly keyId: string
  readonly keyName: string
  readonly kind: string
  readonly client: string
  readonly wire: string
  readonly endpoint: string
  readonly modelAsked: string
  readonly modelServed: string
  readonly provider: string
  readonly stream: number
  readonly status: number
  readonly outcome: string
  readonly errorCode: string
  readonly errorClass: string
  readonly costSource: string
  readonly cache: string
  readonly fallback: number
  readonly config: string
  readonly configVersion: number
}

/** As rows and the head of an answer say it. */
const cacheWords = { disabled: 'DISABLED', miss: 'MISS', hit: 'HIT', refresh: 'REFRESH' } as const satisfies {
  [State in CacheState]: Uppercase<State>
}

/** The provider is the last one tried, the model the one that answered. */
export function facetOf(record: FinishSummary): Facet {
  const first = record.attempts[0]
  const last = record.attempts.at(-1)
  return {
    keyId: record.keyId,
    keyName: record.keyName,
    kind: record.kind,
    client: record.client,
    wire: record.wire,
    endpoint: record.endpoint,
    modelAsked: record.modelAsked,
    modelServed: record.modelServed,
    provider: last?.provider ?? record.provider,
    stream: record.stream ? 1 : 0,
    status: Number.isInteger(record.status) ? record.status : 0,
    outcome: record.outcome,
    errorCode: record.errorCode,
    errorClass: record.errorClass,
    costSource: record.costSource,
    cache: cacheWords[record.cache],
    fallback: first !== undefined && last !== undefined && (first.provider !== last.provider || first.model !== last.model) ? 1 : 0,
    config: record.configSlug,
    configVersion: record.configVersion,
  }
}

const keptFacets = 20_000

export type FacetWriter = { idOf(facet: Facet): number; reset(): void }

export function createFacetWriter(db: DatabaseSync): FacetWriter {
  const select = db.prepare('SELECT id FROM facets WHERE identity = ?')
  const insert = db.prepare('INSERT INTO facets VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const known = new Map<string, number>()

  return {
    idOf(f) {
      const identity = identityOf(f)
      let id = known.get(identity)
      if (id !== undefined) return id
      const row = select.get(identity)
      id =
        row !== undefined
          ? Number(row['id'])
          : Number(
              insert.run(
                identity,
                f.keyId,
                f.keyName,
                f.kind,
                f.client,
                f.wire,
                f.endpoint,
                f.modelAsked,
                f.modelServed,
                f.provider,
                f.stream,
                f.status,
                f.outcome,
                f.errorCode,
                f.errorClass,
                f.costSource,
                f.cache,
                f.fallback,
                f.config,
                f.configVersion,
              ).lastInsertRowid,
            )
      if (known.size >= keptFacets) known.clear()
      known.set(identity, id)
      return id
    },
    reset() {
      known.clear()
    },
  }
}

/**
 * Lengths of the foreign strings go first, so that no two facets have one identity whatever characters they hold. Without a config it is
 * what it was before there were configs.
 */
function identityOf(f: Facet): string {
  return `${f.keyName.length},${f.client.length},${f.endpoint.length},${f.modelAsked.length},${f.modelServed.length} ${f.keyName}${f.client}${f.endpoint}${f.modelAsked}${f.modelServed} ${f.keyId} ${f.kind} ${f.wire} ${f.provider} ${f.stream} ${f.status} ${f.outcome} ${f.errorCode} ${f.errorClass} ${f.costSource} ${f.cache} ${f.fallback}${f.config === '' ? '' : ` ${f.config} ${f.configVersion}`}`
}
