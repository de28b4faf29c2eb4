// Backups of a home, made while it is in use, and their way back.
import { chmodSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { siblingModule } from '#threads'
import type { BackupManifest } from './backup-manifest.ts'
import { syncPath } from './file-copy.ts'
import { restoreHome, type Restored } from './restore.ts'

export type BackupProgress = { readonly doneBytes: number; readonly totalBytes: number }

export type BackupJob = { readonly home: string; readonly target: string; readonly version: string; readonly createdAt: string }

export type BackupReport =
  | ({ readonly type: 'progress' } & BackupProgress)
  | { readonly type: 'done'; readonly manifest: BackupManifest }
  | { readonly type: 'failed'; readonly error: string; readonly code: string | undefined }

export type BackupMade = { readonly path: string; readonly manifest: BackupManifest }

export interface Backups {
  /**
   * Copies the control store, the records and what they refer to, as of one moment, into a new directory
   * `<folder>/turnpike-backup-<time>` (0700) with a `manifest.json`. What is still in the journal is not in it: flush before.
   */
  create(folder: string, onProgress?: (progress: BackupProgress) => void): Promise<BackupMade>
  /**
   * Puts a backup in the place of what the home holds. Refuses a home that is in use, and without `force` one that has data, which is
   * then kept in a directory inside the home. Synchronous: for a command, not beside running requests. Throws one sentence.
   */
  restore(from: string, options?: { readonly force?: boolean }): Restored
}

/** `version`: this release's, for the manifest. */
export function createBackups({ home, version }: { readonly home: string; readonly version: string }): Backups {
  return {
    async create(folder, onProgress) {
      const createdAt = new Date()
      const name = `turnpike-backup-${createdAt.toISOString().replaceAll(/[-:]|\.\d+/g, '')}`
      let partial: string | undefined
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 })
        const target = join(resolve(folder), `.${name}.${process.pid}.partial`)
        mkdirSync(target, { mode: 0o700 })
        partial = target
        const manifest = await copied({ home, target, version, createdAt: createdAt.toISOString() }, onProgress)
        const path = moved(target, join(resolve(folder), name))
        chmodSync(path, 0o700)
        syncPath(folder)
        return { path, manifest }
      } catch (error) {
        if (partial !== undefined) rmSync(partial, { recursive: true, force: true })
        const { code, message } = error as NodeJS.ErrnoException
        const why = code === 'ENOSPC' || /disk is full/.test(message) ? 'the disk is full' : message
        throw new Error(`The backup could not be made in ${folder}: ${why}. Nothing was left there.`, { cause: error })
      }
    },
    restore: (from, { force = false } = {}) => restoreHome(from, home, force),
  }
}

/** Two backups of one second both stay. */
function moved(from: string, to: string): string {
  for (let n = 1; ; n++) {
    const path = n === 1 ? to : `${to}-${n}`
    try {
      // A directory is not renamed over one that has something in it.
      renameSync(from, path)
      return path
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if ((code !== 'ENOTEMPTY' && code !== 'EEXIST') || n === 100) throw error
    }
  }
}

function copied(job: BackupJob, onProgress: ((progress: BackupProgress) => void) | undefined): Promise<BackupManifest> {
  return new Promise((done, fail) => {
    const worker = new Worker(siblingModule(import.meta.url, 'backup-thread'), { workerData: job })
    worker.on('message', (report: BackupReport) => {
      if (report.type === 'progress') onProgress?.({ doneBytes: report.doneBytes, totalBytes: report.totalBytes })
      else if (report.type === 'done') done(report.manifest)
      else fail(Object.assign(new Error(report.error), report.code === undefined ? {} : { code: report.code }))
    })
    worker.on('error', fail)
    worker.on('exit', () => fail(new Error('its thread has stopped')))
  })
}
