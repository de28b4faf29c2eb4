// Routing configs: put, rolled back, removed, and shown without their secrets. Each write is a version, and all versions stay.
import { bodySchemas, ConfigError, didYouMean, parseRoutingConfig, secretsOfConfig, withoutSecrets } from '#config'
import { isObject, nearestNames, type JsonObject } from '#kernel'
import type { ControlStore, StoredConfig } from '#store'
import { checked, numberOf } from './bodies.ts'
import { withKeptSecrets } from './config-secrets.ts'
import { openConfig, placeOfConfig, type ConfiguredConfig } from './config-document.ts'
import { warningsOf } from './config-warnings.ts'
import { unavailable } from './idempotency.ts'
import type { Plane, PlannedWrite } from './plane.ts'
import type { Actor, ConfigVersionView, ConfigView, Control, KeyView } from './port.ts'
import { refuseOwnSecret } from './providers.ts'
import { Refusal } from './refusal.ts'

type Put = { readonly config: ConfigView; readonly created: boolean }
/** What becomes a version. */
type Wanted = {
  readonly slug: string
  readonly value: JsonObject
  readonly comment: string | null
  readonly action: 'config.put' | 'config.rollback'
  readonly detail: object
}

/** Of the keys that a sentence names. */
const maxNamed = 10

export function createConfigs(plane: Plane, store: ControlStore, keys: () => readonly KeyView[]): Control['configs'] {
  function find(slug: string): ConfiguredConfig {
    const { configs } = plane.configured()
    const found = configs.get(slug)
    if (found !== undefined) return found
    throw new Refusal(
      'not_found',
      `There is no routing config ${JSON.stringify(slug.slice(0, 100))}.${nearestConfig(slug, configs.keys())}`,
    )
  }

  function refuseDeclared(slug: string): void {
    if (plane.declared.configs.has(slug))
      throw new Refusal(
        'read_only',
        `The routing config ${slug} is declared in ${plane.fileName}; change it there, and have it read again (SIGHUP).`,
      )
  }

  function writtenIn(row: StoredConfig | undefined): JsonObject | undefined {
    if (row === undefined) return undefined
    const found = openConfig(plane.vault, row)
    // What an older version of Turnpike stored may not be a config any more.
    return typeof found === 'string' || plane.configured().configs.get(row.slug)?.config === undefined ? undefined : found.value
  }

  /** The keys that follow each config, by its slug. */
  function attached(): ReadonlyMap<string | undefined, readonly KeyView[]> {
    return Map.groupBy(
      keys().filter(({ state }) => state !== 'revoked'),
      ({ config }) => config,
    )
  }

  function viewOf(configured: ConfiguredConfig, users = attached()): ConfigView {
    const { slug, origin, version, document, config, trouble, comment, updatedAt, updatedBy } = configured
    return {
      slug,
      origin,
      version,
      config: document,
      comment,
      keys: (users.get(slug) ?? []).map(({ id, name }) => ({ id, name })),
      warnings: config === undefined ? [] : warningsOf(config, plane),
      updated_at: updatedAt,
      updated_by: updatedBy,
      ...(trouble === undefined ? {} : { trouble }),
    }
  }

  /** One more version, as a write. */
  function plan({ slug, value: sent, comment, action, detail }: Wanted, actor: Actor, nowMs: number): PlannedWrite<Put> {
    refuseDeclared(slug)
    const { configNumbers, configs } = plane.stored()
    const version = (configNumbers.get(slug) ?? 0) + 1
    parsed(sent, slug, version)
    const value = withKeptSecrets(sent, () => writtenIn(configs.get(slug)))
    const secrets = secretsOfConfig(value)
    for (const secret of secrets) refuseOwnSecret(plane, secret, 'config')
    const created = !configs.has(slug)
    const config: StoredConfig = {
      slug,
      version,
      document: withoutSecrets(value),
      sealed: secrets.length === 0 ? null : plane.vault.seal(JSON.stringify(value), placeOfConfig(slug, version)),
      comment,
      actor: actor.kind,
      createdAtMs: nowMs,
    }
    return {
      changes: [{ put: 'config', config }],
      action,
      target: slug,
      detail: { version, ...detail, ...(comment === null ? {} : { comment }) },
      result: () => ({ config: viewOf(find(slug)), created }),
    }
  }

  return {
    list() {
      const users = attached()
      return [...plane.configured().configs.values()].map((one) => viewOf(one, users))
    },
    get: (slug) => viewOf(find(slug)),
    async versions(slug, limit, cursor) {
      const { origin } = find(slug)
      if (origin === 'file') return { data: [], next_cursor: null }
      const rows = await store.configVersions(slug, limit + 1, numberOf(cursor)).catch(unavailable)
      const data = rows.slice(0, limit).map(versionView)
      return { data, next_cursor: rows.length > limit ? String(data.at(-1)!.version) : null }
    },
    async put(slug, body, actor) {
      checked(bodySchemas.slug, slug, 'slug')
      refuseBare(body)
      const { config: value, comment = null } = checked(bodySchemas.config, body)
      return plane.write(actor, (nowMs) => {
        const created = !plane.stored().configs.has(slug)
        return plan({ slug, value: value as JsonObject, comment, action: 'config.put', detail: { created } }, actor, nowMs)
      })
    },
    async rollback(slug, body, actor) {
      const { version, comment } = checked(bodySchemas.configRollback, body)
      refuseDeclared(slug)
      find(slug)
      // A version never changes, so it may be read before the write has its turn.
      const [row] = await store.configVersions(slug, 1, version + 1).catch(unavailable)
      return plane.write(actor, (nowMs) => {
        const latest = find(slug).version
        if (row?.version !== version)
          throw new Refusal('not_found', `The routing config ${slug} has no version ${version}; its latest is ${latest}.`, 'version')
        const opened = openConfig(plane.vault, row)
        if (typeof opened === 'string')
          throw new Refusal('conflict', `Version ${version} of the routing config ${slug} cannot be read: ${opened}`, 'version')
        const wanted = { slug, value: opened.value, comment: comment ?? `rollback to version ${version}` }
        const planned = plan({ ...wanted, action: 'config.rollback', detail: { from: latest, to: version } }, actor, nowMs)
        return { ...planned, result: () => planned.result().config }
      })
    },
    async remove(slug, actor) {
      await plane.write(actor, () => {
        const { version } = find(slug)
        refuseDeclared(slug)
        const users = attached().get(slug) ?? []
        if (users.length > 0) {
          const named = users.slice(0, maxNamed).map(({ name, id }) => `${JSON.stringify(name)} (${id})`)
          const more = users.length > maxNamed ? ` and ${users.length - maxNamed} more` : ''
          throw new Refusal(
            'conflict',
            `The routing config ${slug} is attached to ${users.length === 1 ? 'the key' : 'the keys'} ${named.join(', ')}${more}; give ${users.length === 1 ? 'it' : 'them'} another config, or none (null), first.`,
          )
        }
        return {
          changes: [{ remove: 'config', slug }],
          action: 'config.delete',
          target: slug,
          detail: { version },
          result: () => undefined,
        }
      })
    },
  }
}

/** ` Did you mean fast?`, of a slug that there is no config for. */
export function nearestConfig(slug: string, known: Iterable<string>): string {
  return didYouMean(nearestNames(slug, known, 1))
}

function parsed(value: JsonObject, slug: string, version: number): void {
  try {
    parseRoutingConfig(value, { slug, version })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new Refusal('invalid_request', error.message, error.subject)
  }
}

/** A config without its wrapping has no place for a comment; it is the likeliest mistake, so it has its own sentence. */
function refuseBare(body: unknown): void {
  if (!isObject(body) || 'config' in body) return
  if (['strategy', 'targets', 'provider', 'retry', 'cache', 'mode', 'virtual_key'].some((name) => name in body))
    throw new Refusal(
      'invalid_request',
      'config is missing: the body is {"config": {...}, "comment"?: "..."}, with the routing config in it.',
      'config',
    )
}

function versionView({ version, document, comment, actor, createdAtMs }: StoredConfig): ConfigVersionView {
  return { version, config: document, comment, created_at: new Date(createdAtMs).toISOString(), created_by: actor as Actor['kind'] }
}
