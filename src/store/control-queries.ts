// The control store, written: changes as queries. Loaded by its thread at the first write, since a start only reads.
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, type Compilable } from 'kysely'
import type { AuditNote, ControlChange, StoredAlert, StoredAnswer, StoredConfig, StoredKey, StoredProvider } from './control-state.ts'
import type { ControlQuestion } from './control-store.ts'
import type { ControlTables } from './control-tables.ts'

type Statement = { readonly sql: string; readonly parameters: readonly (string | number | null)[] }
export type Writing = Extract<
  ControlQuestion,
  { op: 'write' | 'keepAnswer' | 'forgetAnswers' | 'keepAlert' | 'alertSent' | 'forgetAlerts' }
>

/** Compiles only: the thread runs the statements of a transaction by itself, between BEGIN and COMMIT. */
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
  return { sql, parameters: parameters as Statement['parameters'] }
}

/** In order, as one transaction; the last one of a `write` gives the new revision. */
export function statementsOf(question: Writing): Statement[] {
  switch (question.op) {
    case 'write':
      return [...question.changes.flatMap(changeStatements), ...auditStatements(question.audit)]
    case 'keepAnswer':
      return [keepAnswerStatement(question.answer)]
    case 'forgetAnswers':
      return [forgetAnswersStatement(question.beforeMs)]
    case 'keepAlert':
      return [keepAlertStatement(question.alert)]
    case 'alertSent':
      return [statement(db.updateTable('alerts').set({ sent_at: question.atMs, body: '' }).where('id', '=', question.id))]
    case 'forgetAlerts':
      return [statement(db.deleteFrom('alerts').where('at', '<', question.beforeMs))]
    default:
      return question satisfies never
  }
}

function changeStatements(change: ControlChange): Statement[] {
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
      case 'config':
        return putConfig(change.config)
      case 'price': {
        const { provider, model, price, updatedAtMs } = change.price
        return [statement(db.replaceInto('prices').values({ provider, model, document: JSON.stringify(price), updated_at: updatedAtMs }))]
      }
      case 'owner': {
        const { kind, id, document, createdAtMs, updatedAtMs } = change.owner
        const row = { id, kind, document: JSON.stringify(document), created_at: createdAtMs, updated_at: updatedAtMs }
        return [statement(db.replaceInto('owners').values(row))]
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
    case 'config':
      return [statement(db.deleteFrom('configs').where('slug', '=', change.slug))]
    case 'price':
      return [statement(db.deleteFrom('prices').where('provider', '=', change.provider).where('model', '=', change.model))]
    case 'owner':
      return [statement(db.deleteFrom('owners').where('id', '=', change.id))]
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

function putConfig({ slug, version, document, sealed, comment, actor, createdAtMs }: StoredConfig): Statement[] {
  const row = { slug, version, document: JSON.stringify(document), sealed, comment, actor, created_at: createdAtMs }
  return [statement(db.insertInto('configs').values(row)), statement(db.replaceInto('config_numbers').values({ slug, version }))]
}

/** The audit row, and the next revision, which the last statement gives. */
function auditStatements({ atMs, actor, action, target, detail }: AuditNote): Statement[] {
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

function keepAnswerStatement({ key, requestHash, sealed, atMs }: StoredAnswer): Statement {
  return statement(db.replaceInto('idempotency').values({ key, request_hash: requestHash, sealed, at: atMs }))
}

function forgetAnswersStatement(beforeMs: number): Statement {
  return statement(db.deleteFrom('idempotency').where('at', '<', beforeMs))
}

/** Gives a row back where it is new. */
function keepAlertStatement({ id, body, atMs, sentAtMs }: StoredAlert): Statement {
  return statement(
    db
      .insertInto('alerts')
      .values({ id, body, at: atMs, sent_at: sentAtMs })
      .onConflict((conflict) => conflict.doNothing())
      .returning('id'),
  )
}
