// Copies of files that are on disk when the call returns, with their hash. Synchronous: for threads and for commands.
import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import type { BackupFile } from './backup-manifest.ts'

const chunkBytes = 1024 * 1024

/** Hashes a file, up to `limitBytes`, copying it into a new one (0600) when `to` is given. `onBytes`: after each chunk. */
export function copyHashed(
  from: string | number,
  {
    to,
    limitBytes = Infinity,
    onBytes,
  }: { readonly to?: string; readonly limitBytes?: number; readonly onBytes?: (bytes: number) => void },
): Omit<BackupFile, 'name'> {
  const source = typeof from === 'number' ? from : openSync(from, 'r')
  let target: number | undefined
  try {
    if (to !== undefined) target = openSync(to, 'wx', 0o600)
    const hash = createHash('sha256')
    const chunk = Buffer.allocUnsafeSlow(chunkBytes)
    let bytes = 0
    while (bytes < limitBytes) {
      const got = readSync(source, chunk, 0, Math.min(chunkBytes, limitBytes - bytes), bytes)
      if (got === 0) break
      hash.update(chunk.subarray(0, got))
      if (target !== undefined) for (let written = 0; written < got;) written += writeSync(target, chunk, written, got - written)
      bytes += got
      onBytes?.(got)
    }
    if (target !== undefined) fsyncSync(target)
    return { bytes, sha256: hash.digest('hex') }
  } finally {
    if (target !== undefined) closeSync(target)
    if (typeof from !== 'number') closeSync(source)
  }
}

/** Files and directories alike: after a rename, the directory is what must reach the disk. */
export function syncPath(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
