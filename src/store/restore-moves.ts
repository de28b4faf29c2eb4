// The moves of a restore, each of which can be done again: killed at any point, the next one who has the home does the rest.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bodyFolderName, databaseNames, plainNames } from './backup-manifest.ts'
import { syncPath } from './file-copy.ts'

/** What of a home a restore replaces. The journal too: its records belong to the database that it was loaded into. */
export const stateNames: readonly string[] = [
  ...databaseNames.flatMap((name) => [name, `${name}-wal`, `${name}-shm`]),
  ...plainNames,
  bodyFolderName,
  'journal',
]

/**
 * The directory with the checked copy says by its name how far it is. `staged`: nothing has been moved, and nothing will be when the
 * process dies. `clearing`: what the home holds is being moved aside. `filling`: the copy is being moved in.
 */
export function stageName(stage: 'staged' | 'clearing' | 'filling', stamp: string): string {
  return `restore-${stage}-${stamp}`
}

export function keptName(stamp: string): string {
  return `before-restore-${stamp}`
}

/** For the holder of the home's lock, before it reads anything. */
export function finishRestore(home: string): void {
  for (const name of readdirSync(home)) {
    const match = /^restore-(clearing|filling)-(\w+)$/.exec(name)
    if (match === null) continue
    const stamp = match[2] ?? ''
    const filling = join(home, stageName('filling', stamp))
    if (match[1] === 'clearing') {
      moveState(home, join(home, keptName(stamp)))
      syncPath(home)
      renameSync(join(home, name), filling)
    }
    moveState(filling, home)
    syncPath(home)
    rmSync(filling, { recursive: true })
  }
}

/** What is no longer in `from` has been moved already. */
function moveState(from: string, to: string): void {
  const names = stateNames.filter((name) => existsSync(join(from, name)))
  if (names.length > 0) mkdirSync(to, { recursive: true, mode: 0o700 })
  for (const name of names) renameSync(join(from, name), join(to, name))
  if (names.length > 0) syncPath(to)
}
