// One process per home: an operating-system lock that dies with its holder, however it dies.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileTrouble } from './file-trouble.ts'
import { finishRestore } from './restore-moves.ts'

export type HomeLock = { release(): void }

/** A lock that nobody refers to would be collected, its file closed, and the home free: whoever holds a home holds it until released. */
const held = new Set<DatabaseSync>()

/**
 * Throws with one sentence when another process holds the home, or when the home cannot be written. Finishes a restore that was
 * interrupted: nobody reads half of it.
 */
export function lockHome(home: string): HomeLock {
  const pidFile = join(home, 'lock.pid')
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(join(home, 'lock'))
    // SQLite's exclusive lock is a lock of the operating system; in rollback mode, within this transaction, nobody else may even read.
    db.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    db?.close()
    if (isBusy(error)) {
      const pid = holder(pidFile)
      throw new Error(
        `The home ${home} is in use by another Turnpike process${pid === undefined ? '' : ` (pid ${pid})`}. Stop it, or set TURNPIKE_HOME to another directory.`,
        { cause: error },
      )
    }
    const ifDamaged = 'It holds nothing: remove it, if no Turnpike runs on this home.'
    throw new Error(`The home ${home} cannot be locked: ${fileTrouble(error, join(home, 'lock'), 'opened', ifDamaged)}`, { cause: error })
  }
  try {
    finishRestore(home)
  } catch (error) {
    db.close()
    throw new Error(`The restore that was interrupted in the home ${home} cannot be finished: ${(error as Error).message}.`, {
      cause: error,
    })
  }
  const locked = db
  held.add(locked)
  writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 })
  let released = false
  return {
    release() {
      if (released) return
      released = true
      rmSync(pidFile, { force: true })
      held.delete(locked)
      locked.close()
    },
  }
}

/** SQLITE_BUSY and SQLITE_LOCKED, extended codes included. */
function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: number }).errcode ?? 0
  return (code & 0xff) === 5 || (code & 0xff) === 6
}

function holder(pidFile: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10)
    return Number.isInteger(pid) ? pid : undefined
  } catch {
    return undefined
  }
}
