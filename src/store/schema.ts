// The record store's tables, their forward-only migrations, and how its file is opened.
import { chmodSync, closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { fileTrouble } from './file-trouble.ts'
import { pragma, writing } from './transaction.ts'

/**
 * `requests.seq` is the arrival time in milliseconds x 2048 + a tie-breaker: rows are in order of arrival without another index, a time
 * range is a range of `seq`, and every secondary index has the time as its last column for nothing.
 * `facets` holds each combination of low-cardinality columns once: rows and roll-ups refer to it, filters on it become a set of ids.
 * `blocks` hold many small things compressed together (zstd costs more per call than per small body); `live` counts what is still
 * referred to. Payload rows with a `base` are the base's first `prefix` bytes, then their own bytes, then its last `suffix` bytes.
 */
const migrations: readonly string[] = [
  `CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE facets (
     id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE,
     key_id TEXT NOT NULL, key_name TEXT NOT NULL, kind TEXT NOT NULL, client TEXT NOT NULL, wire TEXT NOT NULL, endpoint TEXT NOT NULL,
     model_asked TEXT NOT NULL, model_served TEXT NOT NULL, provider TEXT NOT NULL, stream INTEGER NOT NULL, status INTEGER NOT NULL,
     outcome TEXT NOT NULL, error_code TEXT NOT NULL, error_class TEXT NOT NULL, cost_source TEXT NOT NULL, cache TEXT NOT NULL,
     fallback INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE requests (
     seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, facet INTEGER NOT NULL, session TEXT NOT NULL, trace TEXT NOT NULL,
     metadata TEXT NOT NULL, attempts INTEGER NOT NULL, input INTEGER, cached INTEGER, output INTEGER, reasoning INTEGER,
     cost_nano_usd INTEGER, overhead_us INTEGER NOT NULL, first_token_us INTEGER, total_us INTEGER NOT NULL,
     payloads INTEGER NOT NULL, block INTEGER NOT NULL, at INTEGER NOT NULL, length INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX requests_facet ON requests (facet);
   CREATE INDEX requests_session ON requests (session) WHERE session <> '';
   CREATE INDEX requests_trace ON requests (trace) WHERE trace <> '';
   CREATE TABLE request_metadata (key TEXT NOT NULL, value TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (key, value, seq)) STRICT, WITHOUT ROWID;
   CREATE TABLE attempts (
     seq INTEGER NOT NULL, number INTEGER NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, credential TEXT NOT NULL,
     status INTEGER NOT NULL, error_class TEXT NOT NULL, started_at_ms INTEGER NOT NULL, first_token_us INTEGER, total_us INTEGER NOT NULL,
     PRIMARY KEY (seq, number)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE payloads (
     request TEXT NOT NULL, part INTEGER NOT NULL, at_ms INTEGER NOT NULL, bytes INTEGER NOT NULL, block INTEGER NOT NULL, at INTEGER NOT NULL,
     length INTEGER NOT NULL, base TEXT, prefix INTEGER NOT NULL, suffix INTEGER NOT NULL, root TEXT, PRIMARY KEY (request, part)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX payloads_root ON payloads (root) WHERE root IS NOT NULL;
   CREATE TABLE blocks (id INTEGER PRIMARY KEY, live INTEGER NOT NULL, bytes INTEGER NOT NULL, zstd INTEGER NOT NULL) STRICT;
   CREATE TABLE block_data (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
   CREATE TABLE rollups (
     minute INTEGER NOT NULL, facet INTEGER NOT NULL, requests INTEGER NOT NULL, attempts INTEGER NOT NULL, input INTEGER NOT NULL,
     cached INTEGER NOT NULL, output INTEGER NOT NULL, reasoning INTEGER NOT NULL, cost_nano_usd INTEGER NOT NULL,
     first_token BLOB NOT NULL, total BLOB NOT NULL, overhead BLOB NOT NULL, PRIMARY KEY (minute, facet)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE open_requests (id TEXT PRIMARY KEY, reserve BLOB NOT NULL, progress BLOB) STRICT, WITHOUT ROWID;`,
  // Blocks that lie uncompressed in a body file, and have no row in `block_data`.
  `CREATE TABLE raw_blocks (
     id INTEGER PRIMARY KEY, file INTEGER NOT NULL, at INTEGER NOT NULL, crc INTEGER NOT NULL, at_ms INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX raw_blocks_file ON raw_blocks (file);`,
  // `minutes` sums up the requests of each minute and knows their extremes. `batches` has the order in which rows came: 64-bit floats,
  // little-endian. `searched_values` has every session and value of metadata once.
  `CREATE TABLE minutes (
     minute INTEGER PRIMARY KEY, count INTEGER NOT NULL,
     count_ok INTEGER NOT NULL, count_client_error INTEGER NOT NULL, count_upstream_error INTEGER NOT NULL,
     count_interrupted INTEGER NOT NULL, count_cancelled INTEGER NOT NULL, count_denied INTEGER NOT NULL,
     sum_input INTEGER NOT NULL, sum_cached INTEGER NOT NULL, sum_output INTEGER NOT NULL, sum_reasoning INTEGER NOT NULL,
     sum_cost_nano_usd INTEGER NOT NULL, max_cost_nano_usd INTEGER NOT NULL, max_total_us INTEGER NOT NULL, max_tokens INTEGER NOT NULL,
     min_attempts INTEGER NOT NULL, max_attempts INTEGER NOT NULL
   ) STRICT;
   INSERT INTO minutes
     SELECT minute, sum(requests), sum(requests * (outcome = 'ok')), sum(requests * (outcome = 'client_error')),
       sum(requests * (outcome = 'upstream_error')), sum(requests * (outcome = 'interrupted')), sum(requests * (outcome = 'cancelled')),
       sum(requests * (outcome = 'denied')), sum(input), sum(cached), sum(output), sum(reasoning), sum(cost_nano_usd), 0, 0, 0, 0, 0
     FROM rollups JOIN facets ON facets.id = rollups.facet GROUP BY minute;
   INSERT INTO minutes
     SELECT seq / 122880000 AS minute, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, max(coalesce(cost_nano_usd, 0)), max(total_us),
       max(coalesce(input, 0) + coalesce(output, 0)), min(attempts), max(attempts)
     FROM requests WHERE TRUE GROUP BY 1
     ON CONFLICT (minute) DO UPDATE SET max_cost_nano_usd = excluded.max_cost_nano_usd, max_total_us = excluded.max_total_us,
       max_tokens = excluded.max_tokens, min_attempts = excluded.min_attempts, max_attempts = excluded.max_attempts;
   CREATE TABLE batches (number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, seqs BLOB NOT NULL) STRICT;
   CREATE TABLE searched_values (name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name, value)) STRICT, WITHOUT ROWID;
   INSERT INTO searched_values SELECT DISTINCT 'session', session FROM requests INDEXED BY requests_session WHERE session <> '';
   INSERT INTO searched_values SELECT DISTINCT 'metadata.' || key, value FROM request_metadata;`,
  `ALTER TABLE facets ADD COLUMN config TEXT NOT NULL DEFAULT '';
   ALTER TABLE facets ADD COLUMN config_version INTEGER NOT NULL DEFAULT 0;`,
]

export const schemaVersion = migrations.length

/** `requests.seq` per millisecond. */
export const seqPerMs = 2048
export const seqPerMinute = seqPerMs * 60_000

/** Opens the store for its one writer and brings it to this release's schema. Throws one sentence; also when a newer release has written it. */
export function openRecordDatabase(file: string): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    if (file !== ':memory:') {
      // Made here, since SQLite would make it readable for others; its companions (-wal, -shm) take over the mode.
      closeSync(openSync(file, 'a', 0o600))
      chmodSync(file, 0o600)
    }
    db = new DatabaseSync(file)
    const version = pragma(db, 'user_version')
    if (version > schemaVersion) {
      throw new NewerRelease(
        `The record store ${file} was written by a newer Turnpike (schema ${version}; this release knows ${schemaVersion}). Start that release, or use another home.`,
      )
    }
    if (version === 0) db.exec('PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL')
    db.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 2000; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY',
    )
    for (let next = version; next < schemaVersion; next++) migrate(db, next)
    return db
  } catch (error) {
    db?.close()
    if (error instanceof NewerRelease) throw error
    const moveAway =
      'Restore the home from a backup (`turnpike restore`), or move it away: records begin anew then, and the ledger keeps what they cost.'
    throw new Error(fileTrouble(error, `The record store ${file}`, 'opened', moveAway), { cause: error })
  }
}

function migrate(db: DatabaseSync, version: number): void {
  writing(db, () => {
    db.exec(migrations[version] ?? '')
    db.exec(`PRAGMA user_version = ${version + 1}`)
  })
}

/** Its message needs no more words. */
class NewerRelease extends Error {}

/** A second connection for queries. The writer has opened (and migrated) the file before. */
export function openRecordDatabaseForReading(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { readOnly: true })
  db.exec('PRAGMA busy_timeout = 2000; PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY')
  return db
}
