// Puts a backup in the place of what a home holds: checked and copied beside first, then moved in; a move that was interrupted is
// finished by whoever takes the home's lock next.
import { existsSync, mkdirSync, openSync, closeSync, readdirSync, readFileSync, readSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bodyFolderName, databaseNames, manifestName, parseManifest, type BackupManifest } from './backup-manifest.ts'
import { controlSchemaVersion } from './control-schema.ts'
import { copyHashed, syncPath } from './file-copy.ts'
import { lockHome } from './home-lock.ts'
import { ledgerSchemaVersion } from './ledger-schema.ts'
import { schemaVersion } from './schema.ts'
import { finishRestore, keptName, stageName, stateNames } from './restore-moves.ts'

export type Restored = {
  readonly manifest: BackupManifest
  /** Where that lies which the home held before; undefined when it held nothing. */
  readonly kept: string | undefined
}

export function restoreHome(from: string, home: string, force: boolean): Restored {
  const manifest = readManifest(from)
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const lock = lockHome(home)
  try {
    const held = stateNames.filter((name) => isHeld(join(home, name)))
    if (held.length > 0 && !force) {
      throw new Error(
        `The home ${home} has data already (${held.join(', ')}). Restore into another home, or force it: what is there is then kept beside.`,
      )
    }
    // Of restores that were killed before anything was moved.
    for (const name of readdirSync(home)) if (name.startsWith(stageName('staged', ''))) rmSync(join(home, name), { recursive: true })
    const stamp = new Date().toISOString().replaceAll(/[-:.]/g, '')
    const staged = join(home, stageName('staged', stamp))
    try {
      stage(from, staged, manifest)
      // From here on the restore happens, whoever finishes it.
      renameSync(staged, join(home, stageName('clearing', stamp)))
    } catch (error) {
      rmSync(staged, { recursive: true, force: true })
      throw error
    }
    syncPath(home)
    finishRestore(home)
    return { manifest, kept: existsSync(join(home, keptName(stamp))) ? join(home, keptName(stamp)) : undefined }
  } finally {
    lock.release()
  }
}

const schemaVersions = {
  'control.db': controlSchemaVersion,
  'records.db': schemaVersion,
  'ledger.db': ledgerSchemaVersion,
} as const satisfies Record<(typeof databaseNames)[number], number>

function readManifest(from: string): BackupManifest {
  const file = join(from, manifestName)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new Error(`${from} is not a backup: its ${manifestName} cannot be read (${(error as NodeJS.ErrnoException).code}).`, {
      cause: error,
    })
  }
  return parseManifest(text, file)
}

function isHeld(path: string): boolean {
  try {
    return readdirSync(path).length > 0
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTDIR'
  }
}

function stage(from: string, staged: string, manifest: BackupManifest): void {
  mkdirSync(staged, { mode: 0o700 })
  if (manifest.files.some(({ name }) => name.startsWith(`${bodyFolderName}/`))) mkdirSync(join(staged, bodyFolderName), { mode: 0o700 })
  for (const { name, bytes, sha256 } of manifest.files) {
    let copy: ReturnType<typeof copyHashed>
    try {
      copy = copyHashed(join(from, name), { to: join(staged, name) })
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') throw new Error(`The backup ${from} is not whole: ${name} is missing. Nothing was changed.`, { cause: error })
      throw new Error(`The backup ${from} could not be copied: ${code === 'ENOSPC' ? 'the disk is full' : message}. Nothing was changed.`, {
        cause: error,
      })
    }
    if (copy.bytes !== bytes || copy.sha256 !== sha256)
      throw new Error(`The backup ${from} is damaged: ${name} is not what its manifest says. Nothing was changed. Use another backup.`)
  }
  for (const name of databaseNames) {
    const known = schemaVersions[name]
    const version = existsSync(join(staged, name)) ? storedVersion(join(staged, name)) : 0
    if (version > known) {
      throw new Error(
        `${name} of the backup ${from} was written by a newer Turnpike (schema ${version}; this release knows ${known}). Nothing was changed. Restore it with that release.`,
      )
    }
  }
  if (existsSync(join(staged, bodyFolderName))) syncPath(join(staged, bodyFolderName))
  syncPath(staged)
}

/** `PRAGMA user_version` lies in the file's header (https://www.sqlite.org/fileformat2.html, 1.3); a copy has no write-ahead log. */
function storedVersion(file: string): number {
  const descriptor = openSync(file, 'r')
  try {
    const head = Buffer.alloc(4)
    readSync(descriptor, head, 0, 4, 60)
    return head.readUInt32BE()
  } finally {
    closeSync(descriptor)
  }
}
