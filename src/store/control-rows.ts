// The control store, read: rows as state. Written out, since a start only reads, and a query builder would make it wait.
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type {
  AuditRow,
  ControlState,
  Document,
  StoredAlert,
  StoredAnswer,
  StoredConfig,
  StoredPrice,
  StoredSetting,
} from './control-state.ts'
import type { ControlTables } from './control-tables.ts'

/** Rows of a table, in an order. */
function rows<Table extends keyof ControlTables>(
  db: DatabaseSync,
  table: Table,
  rest = '',
  ...parameters: SQLInputValue[]
): readonly ControlTables[Table][] {
  return db.prepare(`SELECT * FROM ${table} ${rest}`).all(...parameters) as unknown as readonly ControlTables[Table][]
}

/** All of it; in one transaction, so that it is of one revision. */
export function readState(db: DatabaseSync): ControlState {
  const credentialsOf = Map.groupBy(rows(db, 'credentials', 'ORDER BY provider, position'), ({ provider }) => provider)
  const secretsOf = Map.groupBy(rows(db, 'key_secrets', 'ORDER BY key_id, position'), (row) => row.key_id)
  return {
    revision: rows(db, 'revision')[0]?.number ?? 0,
    providers: rows(db, 'providers', 'ORDER BY slug').map(({ slug, document, updated_at: updatedAtMs }) => ({
      slug,
      document: JSON.parse(document) as Document,
      credentials: (credentialsOf.get(slug) ?? []).map(({ name, env, sealed, last4, created_at: createdAtMs }) => ({
        name,
        env,
        sealed,
        last4,
        createdAtMs,
      })),
      updatedAtMs,
    })),
    dismissed: rows(db, 'dismissed', 'ORDER BY slug').map(({ slug }) => slug),
    keys: rows(db, 'keys', 'ORDER BY created_at, id').map(({ id, document, created_at: createdAtMs, revoked_at: revokedAtMs }) => ({
      id,
      document: JSON.parse(document) as Document,
      secrets: (secretsOf.get(id) ?? []).map((row) => ({
        hash: row.hash,
        prefix: row.prefix,
        last4: row.last4,
        createdAtMs: row.created_at,
        acceptedUntilMs: row.accepted_until,
      })),
      createdAtMs,
      revokedAtMs,
    })),
    aliases: rows(db, 'aliases', 'ORDER BY name').map(({ name, model, updated_at: updatedAtMs }) => ({ name, model, updatedAtMs })),
    configs: rows(db, 'configs', 'WHERE (slug, version) IN (SELECT slug, version FROM config_numbers) ORDER BY slug').map(configOf),
    configNumbers: new Map(rows(db, 'config_numbers', 'ORDER BY slug').map(({ slug, version }) => [slug, version])),
    prices: rows(db, 'prices', 'ORDER BY provider, model').map(({ provider, model, document, updated_at: updatedAtMs }) => ({
      provider,
      model,
      price: JSON.parse(document) as StoredPrice['price'],
      updatedAtMs,
    })),
    owners: rows(db, 'owners', 'ORDER BY kind, created_at, id').map(
      ({ id, kind, document, created_at: createdAtMs, updated_at: updatedAtMs }) => ({
        kind,
        id,
        document: JSON.parse(document) as Document,
        createdAtMs,
        updatedAtMs,
      }),
    ),
    settings: rows(db, 'settings', 'ORDER BY name').map(({ name, value, updated_at: updatedAtMs }) => ({
      name,
      value: JSON.parse(value) as StoredSetting['value'],
      updatedAtMs,
    })),
    notes: new Map(rows(db, 'notes', 'ORDER BY name').map(({ name, text }) => [name, text])),
  }
}

export function readAudit(db: DatabaseSync, limit: number, beforeSeq = Number.MAX_SAFE_INTEGER): AuditRow[] {
  return rows(db, 'audit', 'WHERE seq < ? ORDER BY seq DESC LIMIT ?', beforeSeq, limit).map((row) => ({
    seq: Number(row.seq),
    atMs: row.at,
    actor: row.actor,
    action: row.action,
    target: row.target,
    detail: JSON.parse(row.detail) as Document,
  }))
}

export function readConfigVersions(db: DatabaseSync, slug: string, limit: number, beforeVersion = Number.MAX_SAFE_INTEGER): StoredConfig[] {
  return rows(db, 'configs', 'WHERE slug = ? AND version < ? ORDER BY version DESC LIMIT ?', slug, beforeVersion, limit).map(configOf)
}

function configOf({ slug, version, document, sealed, comment, actor, created_at: createdAtMs }: ControlTables['configs']): StoredConfig {
  return { slug, version, document: JSON.parse(document) as Document, sealed, comment, actor, createdAtMs }
}

export function readAnswer(db: DatabaseSync, key: string): StoredAnswer | undefined {
  const [row] = rows(db, 'idempotency', 'WHERE key = ?', key)
  return row && { key: row.key, requestHash: row.request_hash, sealed: row.sealed, atMs: row.at }
}

export function readUnsentAlerts(db: DatabaseSync): StoredAlert[] {
  return rows(db, 'alerts', 'WHERE sent_at IS NULL ORDER BY at, id').map(({ id, body, at: atMs, sent_at: sentAtMs }) => ({
    id,
    body,
    atMs,
    sentAtMs,
  }))
}
