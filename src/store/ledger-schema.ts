// The ledger's tables, their forward-only migrations, and how its file is opened.
import { chmodSync, closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { fileTrouble } from './file-trouble.ts'
import { pragma, writing } from './transaction.ts'

/**
 * Amounts are nano-USD, times milliseconds since 1970. A transfer's entries sum to 0; what a wallet has is positive in it, hence what came
 * in by cash is negative in `cash:<rail>`. A request is a row of `charges`; the requests that one batch of the journal finished are booked
 * by one transfer, whose entries are their sums. `spending` sums charges up by quarters of an hour: every time zone's midnight begins one.
 * Triggers and not code refuse what must never be, since code changes. A trigger on deletion does not see what `INSERT OR REPLACE` replaces
 * (https://www.sqlite.org/lang_conflict.html, 2026-11): those on insertion refuse a row that is there. Charges have none: it would
 * cost every request half as much again as booking it, and what it would refuse, `turnpike ledger check` finds.
 */
export const ledgerMigrations: readonly string[] = [
  `CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE accounts (
     id TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('wallet', 'cash', 'revenue', 'provider_cost', 'adjustments')),
     opened_at INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE transfers (
     id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL CHECK (kind IN ('charge', 'credit', 'refund', 'adjustment')),
     at INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'posted')), key TEXT UNIQUE,
     fingerprint TEXT NOT NULL DEFAULT '', request TEXT NOT NULL DEFAULT '', actor TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '',
     requests INTEGER NOT NULL DEFAULT 0, first_charge INTEGER NOT NULL DEFAULT 0, last_charge INTEGER NOT NULL DEFAULT 0,
     CHECK (state = 'open' OR key IS NOT NULL)
   ) STRICT;
   CREATE INDEX transfers_at ON transfers (at);
   CREATE INDEX transfers_request ON transfers (request) WHERE request <> '';
   CREATE TABLE entries (
     transfer INTEGER NOT NULL REFERENCES transfers (id), account TEXT NOT NULL REFERENCES accounts (id),
     pot TEXT NOT NULL CHECK (pot IN ('', 'paid', 'promo')), nano_usd INTEGER NOT NULL CHECK (nano_usd <> 0),
     CHECK ((account LIKE 'wallet:%') = (pot <> '')), PRIMARY KEY (transfer, account, pot)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX entries_account ON entries (account, transfer, pot, nano_usd);
   CREATE TABLE wallets (account TEXT PRIMARY KEY REFERENCES accounts (id), paid INTEGER NOT NULL, promo INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE charges (
     number INTEGER PRIMARY KEY, request TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, key_id TEXT NOT NULL, user TEXT NOT NULL,
     team TEXT NOT NULL, wallet TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, asked TEXT NOT NULL, tokens_in INTEGER NOT NULL,
     tokens_out INTEGER NOT NULL, nano_usd INTEGER NOT NULL CHECK (nano_usd >= 0), promo INTEGER NOT NULL CHECK (promo BETWEEN 0 AND nano_usd),
     loss INTEGER NOT NULL CHECK (loss >= 0), source TEXT NOT NULL, tags TEXT NOT NULL, transfer INTEGER REFERENCES transfers (id),
     CHECK ((transfer IS NULL) = (nano_usd = 0 AND loss = 0))
   ) STRICT;
   CREATE INDEX charges_at ON charges (at);
   CREATE TABLE spending (
     kind TEXT NOT NULL, id TEXT NOT NULL, quarter INTEGER NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, asked TEXT NOT NULL,
     requests INTEGER NOT NULL, tokens INTEGER NOT NULL, nano_usd INTEGER NOT NULL, PRIMARY KEY (kind, id, quarter, provider, model, asked)
   ) STRICT, WITHOUT ROWID;

   CREATE TRIGGER transfer_begins BEFORE INSERT ON transfers BEGIN
     SELECT RAISE(ABORT, 'a transfer begins open') WHERE NEW.state <> 'open';
     SELECT RAISE(ABORT, 'there is a transfer of this id or key') WHERE EXISTS (SELECT 1 FROM transfers WHERE id = NEW.id OR key = NEW.key);
   END;
   CREATE TRIGGER transfer_posted BEFORE UPDATE ON transfers BEGIN
     SELECT RAISE(ABORT, 'a posted transfer stays as it is') WHERE OLD.state <> 'open';
     SELECT RAISE(ABORT, 'an open transfer can only be posted')
       WHERE NEW.state <> 'posted' OR NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NEW.at <> OLD.at OR NEW.request <> OLD.request;
     SELECT RAISE(ABORT, 'there is a transfer of this key') WHERE EXISTS (SELECT 1 FROM transfers WHERE key = NEW.key AND id <> OLD.id);
     SELECT RAISE(ABORT, 'a transfer has two entries at least') WHERE (SELECT count(*) FROM entries WHERE transfer = OLD.id) < 2;
     SELECT RAISE(ABORT, 'the entries of a transfer sum to 0') WHERE (SELECT sum(nano_usd) FROM entries WHERE transfer = OLD.id) <> 0;
     SELECT RAISE(ABORT, 'what is charged is the sum of its requests') WHERE OLD.kind = 'charge' AND
       (SELECT coalesce(sum(nano_usd), 0) FROM entries WHERE transfer = OLD.id AND account = 'revenue') <>
       (SELECT coalesce(sum(nano_usd), 0) FROM charges WHERE number BETWEEN NEW.first_charge AND NEW.last_charge AND transfer = OLD.id);
   END;
   CREATE TRIGGER transfer_counts AFTER UPDATE ON transfers BEGIN
     INSERT INTO wallets
       SELECT account, sum(iif(pot = 'paid', nano_usd, 0)), sum(iif(pot = 'promo', nano_usd, 0)) FROM entries
       WHERE transfer = NEW.id AND pot <> '' GROUP BY account
       ON CONFLICT (account) DO UPDATE SET paid = paid + excluded.paid, promo = promo + excluded.promo;
   END;
   CREATE TRIGGER transfer_stays BEFORE DELETE ON transfers WHEN OLD.state <> 'open' BEGIN
     SELECT RAISE(ABORT, 'a posted transfer stays');
   END;
   CREATE TRIGGER entry_begins BEFORE INSERT ON entries BEGIN
     SELECT RAISE(ABORT, 'an entry belongs to an open transfer')
       WHERE (SELECT state FROM transfers WHERE id = NEW.transfer) IS NOT 'open';
     SELECT RAISE(ABORT, 'a transfer has one entry for an account and pot')
       WHERE EXISTS (SELECT 1 FROM entries WHERE transfer = NEW.transfer AND account = NEW.account AND pot = NEW.pot);
   END;
   CREATE TRIGGER entry_unchanged BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'an entry stays as it is'); END;
   CREATE TRIGGER entry_stays BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'an entry stays'); END;
   CREATE TRIGGER charge_unchanged BEFORE UPDATE ON charges BEGIN SELECT RAISE(ABORT, 'a charge stays as it is'); END;
   CREATE TRIGGER charge_stays BEFORE DELETE ON charges BEGIN SELECT RAISE(ABORT, 'a charge stays'); END;
   CREATE TRIGGER account_stays BEFORE DELETE ON accounts BEGIN SELECT RAISE(ABORT, 'an account stays'); END;
   CREATE TRIGGER account_unchanged BEFORE UPDATE ON accounts BEGIN SELECT RAISE(ABORT, 'an account stays as it is'); END;
   INSERT INTO accounts VALUES ('wallet:instance', 'wallet', 0), ('cash:manual', 'cash', 0), ('revenue', 'revenue', 0),
     ('provider_cost', 'provider_cost', 0), ('adjustments', 'adjustments', 0);`,
]

export const ledgerSchemaVersion = ledgerMigrations.length

/** "TPKL": tells the file from any other SQLite database. */
const applicationId = 0x54504b4c

/**
 * Opens the ledger and brings it to this release's schema; two threads may do so at the same moment. Throws one sentence. A commit is on
 * the disk when it returns: what is booked stays booked when the power goes.
 */
export function openLedgerDatabase(file: string): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    if (file !== ':memory:') {
      // Made here, since SQLite would make it readable for others; its companions (-wal, -shm) take over the mode.
      closeSync(openSync(file, 'a', 0o600))
      chmodSync(file, 0o600)
    }
    db = new DatabaseSync(file)
    db.exec('PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON')
    db.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192',
    )
    migrate(db, file)
    return db
  } catch (error) {
    db?.close()
    const { message } = error as Error
    if (message.startsWith('The ledger')) throw error
    // It says what everybody has and spent: nothing but a backup can say that again.
    const restore = 'Restore the home from a backup (`turnpike restore`); moved away, every wallet and budget would begin at 0.'
    throw new Error(fileTrouble(error, `The ledger ${file}`, 'opened', restore), { cause: error })
  }
}

function migrate(db: DatabaseSync, file: string): void {
  writing(db, () => {
    const version = pragma(db, 'user_version')
    if (version > ledgerSchemaVersion) {
      throw new Error(
        `The ledger ${file} was written by a newer Turnpike (schema ${version}; this release knows ${ledgerSchemaVersion}). Start that release, or use another home.`,
      )
    }
    if (version > 0 && pragma(db, 'application_id') !== applicationId)
      throw new Error(`The ledger ${file} is a database, but not a ledger of Turnpike. Move it away, or use another home.`)
    for (let next = version; next < ledgerSchemaVersion; next++)
      db.exec(`${ledgerMigrations[next]}; PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${next + 1}`)
  })
}
