// What a backup holds: its manifest, and the names that it may have.
import { isObject } from '#kernel'

export type BackupFile = { readonly name: string; readonly bytes: number; readonly sha256: string }

export type BackupManifest = {
  readonly format: 1
  /** The release that made it. */
  readonly turnpike: string
  readonly created_at: string
  readonly note: string
  readonly files: readonly BackupFile[]
}

export const manifestName = 'manifest.json'

export const backupNote =
  'Provider secrets in control.db are encrypted. The master key and the admin token are not in this backup, nor is turnpike.yaml: ' +
  'keep the master key elsewhere, since without it the secrets stay unreadable.'

/**
 * Parts of a home that a backup holds and a restore replaces; the rest (admin token, master key, turnpike.yaml) stays. The ledger is
 * copied after the records, as it is written before them: no copy has a record whose charge it lacks.
 */
export const databaseNames = ['control.db', 'records.db', 'ledger.db'] as const
export const plainNames = ['keys.json'] as const
export const bodyFolderName = 'bodies'

const allowedName = /^(?:control\.db|records\.db|ledger\.db|keys\.json|bodies\/[0-9]{1,15}\.tpr)$/

/** Throws one sentence. `where`: the file, for the sentence. */
export function parseManifest(text: string, where: string): BackupManifest {
  const damaged = (what: string) => new Error(`${where} is not the manifest of a whole backup: ${what}. Use another backup.`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw damaged('it is not JSON')
  }
  if (!isObject(value)) throw damaged('it is not an object')
  if (value['format'] !== 1) {
    if (typeof value['format'] !== 'number') throw damaged('it has no format')
    throw new Error(
      `${where} was written by a newer Turnpike (format ${value['format']}; this release knows 1). Restore it with that release.`,
    )
  }
  const { turnpike, created_at: createdAt, note, files } = value
  if (typeof turnpike !== 'string' || typeof createdAt !== 'string' || typeof note !== 'string' || !Array.isArray(files))
    throw damaged('it is incomplete')
  const seen = new Set<string>()
  const list = files.map((entry: unknown): BackupFile => {
    const { name, bytes, sha256 } = isObject(entry) ? entry : {}
    if (typeof name !== 'string' || !Number.isSafeInteger(bytes) || typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256))
      throw damaged('an entry of its files is incomplete')
    // Names lead to paths.
    if (!allowedName.test(name) || seen.has(name))
      throw damaged(`it names a file that a backup does not have (${JSON.stringify(name.slice(0, 80))})`)
    seen.add(name)
    return { name, bytes: bytes as number, sha256 }
  })
  if (list.length === 0) throw damaged('it names no files')
  return { format: 1, turnpike, created_at: createdAt, note, files: list }
}
