// The control store's tables, their forward-only migrations, and how its file is opened.
import { chmodSync, closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { fileTrouble } from './file-trouble.ts'
import { pragma, writing } from './transaction.ts'

/** Times are milliseconds since 1970; `document`, `value` and `detail` are JSON. A migration that was released is never changed. */
export const controlMigrations: readonly string[] = [
  `CREATE TABLE providers (slug TEXT PRIMARY KEY, document TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE credentials (
     provider TEXT NOT NULL REFERENCES providers (slug) ON DELETE CASCADE, position INTEGER NOT NULL, name TEXT NOT NULL, env TEXT,
     sealed TEXT, last4 TEXT, created_at INTEGER NOT NULL, PRIMARY KEY (provider, position), UNIQUE (provider, name),
     CHECK ((env IS NULL) <> (sealed IS NULL))
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE dismissed (slug TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
   CREATE TABLE keys (id TEXT PRIMARY KEY, document TEXT NOT NULL, created_at INTEGER NOT NULL, revoked_at INTEGER) STRICT, WITHOUT ROWID;
   CREATE TABLE key_secrets (
     hash TEXT PRIMARY KEY, key_id TEXT NOT NULL REFERENCES keys (id) ON DELETE CASCADE, position INTEGER NOT NULL, prefix TEXT, last4 TEXT,
     created_at INTEGER NOT NULL, accepted_until INTEGER, UNIQUE (key_id, position)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE aliases (name TEXT PRIMARY KEY, model TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE prices (
     provider TEXT NOT NULL, model TEXT NOT NULL, document TEXT NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (provider, model)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE audit (
     seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL,
     detail TEXT NOT NULL
   ) STRICT;
   CREATE TABLE idempotency (key TEXT PRIMARY KEY, request_hash TEXT NOT NULL, sealed TEXT NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE INDEX idempotency_at ON idempotency (at);
   CREATE TABLE notes (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE revision (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL) STRICT;
   INSERT INTO revision VALUES (1, 0);`,
  // The latest number of each slug stays when its configs go, so that no record ever means another config than it did.
  `CREATE TABLE configs (
     slug TEXT NOT NULL, version INTEGER NOT NULL, document TEXT NOT NULL, sealed TEXT, comment TEXT, actor TEXT NOT NULL,
     created_at INTEGER NOT NULL, PRIMARY KEY (slug, version)
   ) STRICT;
   CREATE TABLE config_numbers (slug TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;`,
  `CREATE TABLE owners (
     id TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('user', 'team')), document TEXT NOT NULL, created_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE alerts (
     id TEXT PRIMARY KEY, body TEXT NOT NULL, at INTEGER NOT NULL, sent_at INTEGER
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX alerts_at ON alerts (at);`,
]

export const controlSchemaVersion = controlMigrations.length

/** "TPKC": tells the file from any other SQLite database. */
const applicationId = 0x54504b43

/** Opens the store for its one user and brings it to this release's schema. Throws one sentence. */
export function openControlDatabase(file: string, migrations: readonly string[] = controlMigrations): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    // Made here, since SQLite would make it readable for others; its companions (-wal, -shm) take over the mode.
    closeSync(openSync(file, 'a', 0o600))
    chmodSync(file, 0o600)
    db = new DatabaseSync(file)
    db.exec('PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON')
    migrate(db, file, migrations)
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 4194304; PRAGMA temp_store = MEMORY')
    return db
  } catch (error) {
    db?.close()
    throw new Error(controlTrouble(error, file, 'opened'), { cause: error })
  }
}

function migrate(db: DatabaseSync, file: string, migrations: readonly string[]): void {
  const version = pragma(db, 'user_version')
  const owner = pragma(db, 'application_id')
  if (version > migrations.length) {
    throw new Sentence(
      `The control store ${file} was written by a newer Turnpike (schema ${version}; this release knows ${migrations.length}). Start that release, or use another home.`,
    )
  }
  if (version === 0 ? pragma(db, 'page_count') > 0 : owner !== applicationId) {
    throw new Sentence(`The file ${file} is a database, but not a control store of Turnpike. Move it away, or use another home.`)
  }
  for (let next = version; next < migrations.length; next++) {
    writing(db, () => {
      db.exec(migrations[next] ?? '')
      db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${next + 1}`)
    })
  }
}

/** A message that needs no more words. */
class Sentence extends Error {}

/** What went wrong with the file, in one sentence, and what to do. */
export function controlTrouble(error: unknown, file: string, what: 'opened' | 'read' | 'written'): string {
  if (error instanceof Sentence) return error.message
  return fileTrouble(error, `The control store ${file}`, what, 'Restore it from a backup (`turnpike restore`), or move it away.')
}
