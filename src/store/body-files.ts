// Body files: what was stored lately, as it came and in order, written once. The database knows where in them each block lies.
import { closeSync, fdatasyncSync, mkdirSync, openSync, readdirSync, readSync, rmSync, statSync, writevSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'

export type FilePlace = { readonly file: number; readonly at: number }

export interface BodyFiles {
  /** Where the next byte goes. Begins another file when the current one is full or old enough. */
  place(nowMs: number): FilePlace
  /** Throws when the disk refuses; what has been written since the last commit is then written over. */
  write(buffers: readonly Buffer[], bytes: number): void
  committed(): void
  rolledBack(): void
  /** Goes on in another file. */
  leave(): void
  /** Number and bytes of every file that is there. */
  list(): ReadonlyMap<number, number>
  readonly current: number | undefined
  remove(file: number): void
  close(): void
}

const fileBytes = 64 * 1024 * 1024
/** A file can be deleted when the last of what it holds is cold. */
const fileForMs = 300_000

/** Beside the database; undefined for one that is in memory only. */
export function bodyFolder(db: DatabaseSync): string | undefined {
  const location = db.location()
  return location === null || location === '' ? undefined : join(dirname(location), 'bodies')
}

function pathOf(dir: string, file: number): string {
  return join(dir, `${file}.tpr`)
}

/** Never goes on in a file of an earlier process: what stands behind its last commit is unknown. */
export function createBodyFiles(dir: string): BodyFiles {
  const sizes = new Map<number, number>()
  let fd: number | undefined
  let current = 0
  let openedMs = 0
  let end = 0
  let committed = 0

  mkdirSync(dir, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(dir)) {
    const file = Number(/^(\d{1,15})\.tpr$/.exec(name)?.[1] ?? 0)
    if (file > 0) sizes.set(file, statSync(join(dir, name)).size)
    current = Math.max(current, file)
  }

  function leave(): void {
    if (fd === undefined) return
    closeSync(fd)
    fd = undefined
  }

  return {
    place(nowMs) {
      if (fd !== undefined && (end >= fileBytes || nowMs - openedMs >= fileForMs)) leave()
      if (fd === undefined) {
        fd = openSync(pathOf(dir, current + 1), 'wx', 0o600)
        current++
        openedMs = nowMs
        end = 0
        committed = 0
        sizes.set(current, 0)
      }
      return { file: current, at: end }
    },
    write(buffers, bytes) {
      if (fd === undefined) throw new Error('A body file is written before it has a place')
      let written = writevSync(fd, buffers, end)
      // Rare: a nearly full disk takes a part.
      if (written < bytes) {
        const rest = Buffer.concat(buffers)
        while (written < bytes) written += writevSync(fd, [rest.subarray(written)], end + written)
      }
      end += bytes
      sizes.set(current, Math.max(end, sizes.get(current) ?? 0))
    },
    committed() {
      committed = end
    },
    rolledBack() {
      end = committed
    },
    leave,
    list: () => sizes,
    get current() {
      return fd === undefined ? undefined : current
    },
    remove(file) {
      rmSync(pathOf(dir, file), { force: true })
      sizes.delete(file)
    },
    close() {
      if (fd !== undefined) fdatasyncSync(fd)
      leave()
    },
  }
}

/** Undefined when the file is not there, or shorter than it was. */
export function readBodyFile(dir: string, { file, at }: FilePlace, length: number): Buffer | undefined {
  let fd: number
  try {
    fd = openSync(pathOf(dir, file), 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const bytes = Buffer.allocUnsafeSlow(length)
    for (let got = 0; got < length;) {
      const more = readSync(fd, bytes, got, length - got, at + got)
      if (more === 0) return undefined
      got += more
    }
    return bytes
  } finally {
    closeSync(fd)
  }
}
