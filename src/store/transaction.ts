// One transaction of SQLite around a piece of work, and numbers out of its pragmas.
import type { DatabaseSync } from 'node:sqlite'

/** Writes all of it, or nothing when it throws. */
export function writing<T>(db: DatabaseSync, work: () => T): T {
  return inTransaction(db, 'BEGIN IMMEDIATE', work)
}

/** In one view of the database, whoever writes meanwhile. */
export function reading<T>(db: DatabaseSync, work: () => T): T {
  return inTransaction(db, 'BEGIN', work)
}

function inTransaction<T>(db: DatabaseSync, begin: string, work: () => T): T {
  db.exec(begin)
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    // SQLite may have rolled back already, as it does when the disk is full.
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

export function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0)
}
