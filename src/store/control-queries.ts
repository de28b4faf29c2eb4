// Changes as queries and rows as state: the control store's SQL, compiled where it is asked for and run in its thread.
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, type Compilable } from 'kysely'
import type {
  AuditNote,
  AuditRow,
  ControlChange,
  ControlState,
  Document,
  StoredAnswer,
  StoredKey,
  StoredProvider,
} from './control-state.ts'
import type { ControlTables } from './control-tables.ts'

export type Parameter = string | number | null
export type Statement = { readonly sql: string; readonly parameters: readonly Parameter[] }
export type Row = Readonly<Record<string, unknown>>

/** Compiles only. A transaction is a list of statements that the thread runs as one, so there is no connection to drive from here. */
const db = new Kysely<ControlTables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (instance) => new SqliteIntrospector(instance),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
})

function statement(query: Compilable): Statement {
  const { sql, parameters } = query.compile()
  return { sql, parameters: parameters as readonly Parameter[] }
}

export function changeStatements(change: ControlChange): Statement[] {
  if ('put' in change) {
    switch (change.put) {
      case 'provider':
        return putProvider(change.provider)
      case 'dismissed':
        return [statement(db.replaceInto('dismissed').values({ slug: change.slug }))]
      case 'key':
        return putKey(change.key)
      case 'alias': {
        const { name, model, updatedAtMs } = change.alias
        return [statement(db.replaceInto('aliases').values({ name, model, updated_at: updatedAtMs }))]
      }
      case 'price': {
        const { provider, model, price, updatedAtMs } = change.price
        return [statement(db.replaceInto('prices').values({ provider, model, document: JSON.stringify(price), updated_at: updatedAtMs }))]
      }
      case 'setting': {
        const { name, value, updatedAtMs } = change.setting
        return [statement(db.replaceInto('settings').values({ name, value: JSON.stringify(value), updated_at: updatedAtMs }))]
      }
      case 'note':
        return [statement(db.replaceInto('notes').values({ name: change.name, text: change.text }))]
      case 'answer':
        return [keepAnswerStatement(change.answer)]
      default:
        return change satisfies never
    }
  }
  switch (change.remove) {
    case 'provider':
      return [statement(db.deleteFrom('providers').where('slug', '=', change.slug))]
    case 'dismissed':
      return [statement(db.deleteFrom('dismissed').where('slug', '=', change.slug))]
    case 'key':
      return [statement(db.deleteFrom('keys').where('id', '=', change.id))]
    case 'alias':
      return [statement(db.deleteFrom('aliases').where('name', '=', change.name))]
    case 'price':
      return [statement(db.deleteFrom('prices').where('provider', '=', change.provider).where('model', '=', change.model))]
    case 'setting':
      return [statement(db.deleteFrom('settings').where('name', '=', change.name))]
    default:
      return change satisfies never
  }
}

function putProvider({ slug, document, credentials, updatedAtMs }: StoredProvider): Statement[] {
  const row = { document: JSON.stringify(document), updated_at: updatedAtMs }
  return [
    statement(
      db
        .insertInto('providers')
        .values({ slug, ...row })
        .onConflict((conflict) => conflict.column('slug').doUpdateSet(row)),
    ),
    statement(db.deleteFrom('credentials').where('provider', '=', slug)),
    ...credentials.map(({ name, env, sealed, last4, createdAtMs }, position) =>
      statement(db.insertInto('credentials').values({ provider: slug, position, name, env, sealed, last4, created_at: createdAtMs })),
    ),
  ]
}

function putKey({ id, document, secrets, createdAtMs, revokedAtMs }: StoredKey): Statement[] {
  const row = { document: JSON.stringify(document), created_at: createdAtMs, revoked_at: revokedAtMs }
  return [
    statement(
      db
        .insertInto('keys')
        .values({ id, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row)),
    ),
    statement(db.deleteFrom('key_secrets').where('key_id', '=', id)),
    ...secrets.map((secret, position) =>
      statement(
        db.insertInto('key_secrets').values({
          hash: secret.hash,
          key_id: id,
          position,
          prefix: secret.prefix,
          last4: secret.last4,
          created_at: secret.createdAtMs,
          accepted_until: secret.acceptedUntilMs,
        }),
      ),
    ),
  ]
}

/** The audit row, and the next revision, which the last statement gives. */
export function auditStatements({ atMs, actor, action, target, detail }: AuditNote): Statement[] {
  return [
    statement(db.insertInto('audit').values({ at: atMs, actor, action, target, detail: JSON.stringify(detail) })),
    statement(
      db
        .updateTable('revision')
        .set((eb) => ({ number: eb('number', '+', 1) }))
        .returning('number'),
    ),
  ]
}

export function auditQuery(limit: number, beforeSeq: number | undefined): Statement {
  const newest = db.selectFrom('audit').selectAll().orderBy('seq', 'desc').limit(limit)
  return statement(beforeSeq === undefined ? newest : newest.where('seq', '<', beforeSeq))
}

export function auditRows(rows: readonly Row[]): AuditRow[] {
  return (rows as readonly ControlTables['audit'][]).map((row) => ({
    seq: Number(row.seq),
    atMs: row.at,
    actor: row.actor,
    action: row.action,
    target: row.target,
    detail: JSON.parse(row.detail) as Document,
  }))
}

export function keepAnswerStatement({ key, requestHash, sealed, atMs }: StoredAnswer): Statement {
  return statement(db.replaceInto('idempotency').values({ key, request_hash: requestHash, sealed, at: atMs }))
}

export function answerQuery(key: string): Statement {
  return statement(db.selectFrom('idempotency').selectAll().where('key', '=', key))
}

export function answerOf(rows: readonly Row[]): StoredAnswer | undefined {
  const [row] = rows as readonly ControlTables['idempotency'][]
  return row && { key: row.key, requestHash: row.request_hash, sealed: row.sealed, atMs: row.at }
}

export function forgetAnswersStatement(beforeMs: number): Statement {
  return statement(db.deleteFrom('idempotency').where('at', '<', beforeMs))
}

/** The order is that of `stateOf`'s parameters. */
export function stateQueries(): Statement[] {
  return [
    statement(db.selectFrom('revision').selectAll()),
    statement(db.selectFrom('providers').selectAll().orderBy('slug')),
    statement(db.selectFrom('credentials').selectAll().orderBy('provider').orderBy('position')),
    statement(db.selectFrom('dismissed').selectAll().orderBy('slug')),
    statement(db.selectFrom('keys').selectAll().orderBy('created_at').orderBy('id')),
    statement(db.selectFrom('key_secrets').selectAll().orderBy('key_id').orderBy('position')),
    statement(db.selectFrom('aliases').selectAll().orderBy('name')),
    statement(db.selectFrom('prices').selectAll().orderBy('provider').orderBy('model')),
    statement(db.selectFrom('settings').selectAll().orderBy('name')),
    statement(db.selectFrom('notes').selectAll().orderBy('name')),
  ]
}

type Rows<Table extends keyof ControlTables> = readonly ControlTables[Table][]

export function stateOf(results: readonly (readonly Row[])[]): ControlState {
  const [revision, providers, credentials, dismissed, keys, secrets, aliases, prices, settings, notes] = results as unknown as [
    Rows<'revision'>,
    Rows<'providers'>,
    Rows<'credentials'>,
    Rows<'dismissed'>,
    Rows<'keys'>,
    Rows<'key_secrets'>,
    Rows<'aliases'>,
    Rows<'prices'>,
    Rows<'settings'>,
    Rows<'notes'>,
  ]
  const credentialsOf = Map.groupBy(credentials, ({ provider }) => provider)
  const secretsOf = Map.groupBy(secrets, (row) => row.key_id)
  return {
    revision: revision[0]?.number ?? 0,
    providers: providers.map(({ slug, document, updated_at: updatedAtMs }) => ({
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
    dismissed: dismissed.map(({ slug }) => slug),
    keys: keys.map(({ id, document, created_at: createdAtMs, revoked_at: revokedAtMs }) => ({
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
    aliases: aliases.map(({ name, model, updated_at: updatedAtMs }) => ({ name, model, updatedAtMs })),
    prices: prices.map(({ provider, model, document, updated_at: updatedAtMs }) => ({
      provider,
      model,
      price: JSON.parse(document) as 'free' | Record<string, string>,
      updatedAtMs,
    })),
    settings: settings.map(({ name, value, updated_at: updatedAtMs }) => ({
      name,
      value: JSON.parse(value) as string | number | boolean | null,
      updatedAtMs,
    })),
    notes: new Map(notes.map(({ name, text }) => [name, text])),
  }
}
