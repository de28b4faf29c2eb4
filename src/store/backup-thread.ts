// The thread that makes a backup: copies, hashes and syncs, far from the event loop that serves requests.
import { closeSync, existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { BackupJob, BackupReport } from './backup.ts'
import {
  backupNote,
  bodyFolderName,
  databaseNames,
  manifestName,
  plainNames,
  type BackupFile,
  type BackupManifest,
} from './backup-manifest.ts'
import { copyHashed, syncPath } from './file-copy.ts'

const port = parentPort
if (port === null) throw new Error('backup-thread.ts runs as a worker thread')

/** At this pace progress is reported, and other threads get at the disk. */
const pagesPerStep = 1024

type Source = { readonly name: string; readonly db: DatabaseSync; readonly pages: number; readonly pageBytes: number }
/** Open from the start: the file may be deleted before its turn comes. */
type Body = { readonly name: string; readonly descriptor: number; readonly bytes: number }

const { home, target, version, createdAt } = workerData as BackupJob
let doneBytes = 0
let totalBytes = 0

try {
  report({ type: 'done', manifest: await make() })
} catch (error) {
  const { message, code } = error as NodeJS.ErrnoException
  report({ type: 'failed', error: message, code })
}
port.close()

async function make(): Promise<BackupManifest> {
  const sources = databaseNames.filter((name) => existsSync(join(home, name))).map(openSource)
  const bodies = sources.filter(({ name }) => name === 'records.db').flatMap(({ db }) => openBodies(db))
  try {
    // Copied, then hashed: counted twice.
    totalBytes =
      sources.reduce((sum, { pages, pageBytes }) => sum + 2 * pages * pageBytes, 0) + bodies.reduce((sum, { bytes }) => sum + bytes, 0)
    const files: BackupFile[] = []
    for (const source of sources) files.push(await copyDatabase(source))
    if (bodies.length > 0) mkdirSync(join(target, bodyFolderName), { mode: 0o700 })
    for (const body of bodies) files.push(copyBody(body))
    for (const name of plainNames)
      if (existsSync(join(home, name))) files.push({ name, ...copyHashed(join(home, name), { to: join(target, name) }) })
    if (files.length === 0) throw new Error(`the home ${home} has nothing to back up`)
    const manifest: BackupManifest = { format: 1, turnpike: version, created_at: createdAt, note: backupNote, files }
    writeFileSync(join(target, manifestName), `${JSON.stringify(manifest, undefined, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true })
    if (bodies.length > 0) syncPath(join(target, bodyFolderName))
    syncPath(target)
    return manifest
  } finally {
    for (const { db } of sources) db.close()
    for (const { descriptor } of bodies) closeSync(descriptor)
  }
}

/** From here on this connection sees the database as it is now: the copy is of one moment, however long it takes and whoever writes. */
function openSource(name: string): Source {
  const db = new DatabaseSync(join(home, name), { readOnly: true })
  db.exec('PRAGMA busy_timeout = 5000; BEGIN')
  const number = (pragma: string) => Number(Object.values(db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0])
  db.prepare('SELECT count(*) FROM sqlite_schema').get()
  return { name, db, pages: number('page_count'), pageBytes: number('page_size') }
}

/** The body files that the records refer to, as far as they refer to them. */
function openBodies(db: DatabaseSync): Body[] {
  if (db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'raw_blocks'").get() === undefined) return []
  return db
    .prepare('SELECT file, max(at + bytes) AS end FROM raw_blocks JOIN blocks USING (id) GROUP BY file ORDER BY file')
    .all()
    .flatMap((row) => {
      const name = `${bodyFolderName}/${Number(row['file'])}.tpr`
      // What the disk lost with its power stays lost: readers say so.
      if (!existsSync(join(home, name))) return []
      return [{ name, descriptor: openSync(join(home, name), 'r'), bytes: Number(row['end']) }]
    })
}

async function copyDatabase({ name, db, pages, pageBytes }: Source): Promise<BackupFile> {
  const to = join(target, name)
  closeSync(openSync(to, 'wx', 0o600))
  const before = doneBytes
  await backup(db, to, {
    rate: pagesPerStep,
    progress: ({ totalPages, remainingPages }) => progress(before + (totalPages - remainingPages) * pageBytes - doneBytes),
  })
  db.exec('COMMIT')
  progress(before + pages * pageBytes - doneBytes)
  syncPath(to)
  return { name, ...copyHashed(to, { onBytes: progress }) }
}

function copyBody({ name, descriptor, bytes }: Body): BackupFile {
  return { name, ...copyHashed(descriptor, { to: join(target, name), limitBytes: bytes, onBytes: progress }) }
}

function progress(bytes: number): void {
  doneBytes += bytes
  report({ type: 'progress', doneBytes: Math.min(doneBytes, totalBytes), totalBytes })
}

function report(message: BackupReport): void {
  port?.postMessage(message)
}
