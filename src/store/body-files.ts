// Body files: what was stored lately, as it came and in order, written once. The database knows where in them each block lies.
import { closeSync, constants, fdatasyncSync, mkdirSync, openSync, readdirSync, readSync, rmSync, statSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'

export type FilePlace = { readonly file: number; readonly at: number }

export interface BodyFiles {
  /** Where the next byte goes. Begins another file when the current one is full or old enough. */
  place(nowMs: number): FilePlace
  /** Bytes are in the file after `flush`, many at once. Throws when the disk refuses; what came since the last commit is then written over. */
  write(bytes: Buffer): void
  /** Before a commit: what has been written is in the file. Throws as `write` does. */
  flush(): void
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
/** Direct writes begin and end at multiples of this, in the file and in memory: no disk has larger sectors. */
const sectorBytes = 4096
const stageBytes = 1024 * 1024

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
  /** Of what is in the file; behind it comes what is staged. */
  let end = 0
  let staged = 0
  let committed = 0
  let stage: Buffer | undefined

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
    staged = 0
  }

  /** Whole sectors: what the last one lacks is zeros, and the next bytes begin behind it. */
  function flush(): void {
    if (fd === undefined || stage === undefined || staged === 0) return
    const bytes = Math.ceil(staged / sectorBytes) * sectorBytes
    stage.fill(0, staged, bytes)
    try {
      writeWhole(fd, stage, bytes, end)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error
      // The file system opens files for direct writes, and refuses the writes.
      const direct = fd
      // Opened first: where that fails, the number of a closed file could soon be another file's.
      fd = openSync(pathOf(dir, current), 'r+')
      closeSync(direct)
      writeWhole(fd, stage, bytes, end)
    }
    end += bytes
    staged = 0
    sizes.set(current, Math.max(end, sizes.get(current) ?? 0))
  }

  return {
    place(nowMs) {
      if (fd !== undefined && (end >= fileBytes || nowMs - openedMs >= fileForMs)) {
        flush()
        leave()
      }
      if (fd === undefined) {
        fd = openForWriting(pathOf(dir, current + 1))
        current++
        openedMs = nowMs
        end = 0
        committed = 0
        sizes.set(current, 0)
      }
      return { file: current, at: end + staged }
    },
    write(bytes) {
      if (fd === undefined) throw new Error('A body file is written before it has a place')
      stage ??= alignedBuffer(stageBytes)
      for (let from = 0; from < bytes.length;) {
        const taken = Math.min(bytes.length - from, stageBytes - staged)
        // Not `stage.set`: from shared memory V8 copies word by word.
        bytes.copy(stage, staged, from, from + taken)
        staged += taken
        from += taken
        if (staged === stageBytes) flush()
      }
    },
    flush,
    committed() {
      committed = end
    },
    rolledBack() {
      end = committed
      staged = 0
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

/**
 * Past the page cache, where the file system can: these bytes are hardly ever read again, and would push out what is. It also costs less,
 * and much less in a virtual machine whose memory comes from the host only when it is touched (docs/decisions/0017).
 */
function openForWriting(path: string): number {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL
  try {
    // Not there on every system.
    return openSync(path, flags | ((constants.O_DIRECT as number | undefined) ?? 0), 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error
    return openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o600)
  }
}

/** A buffer that could grow begins at a page; others begin 16 bytes behind one. */
function alignedBuffer(bytes: number): Buffer {
  return Buffer.from(new ArrayBuffer(bytes, { maxByteLength: bytes }))
}

/** A nearly full disk takes a part. */
function writeWhole(fd: number, buffer: Buffer, bytes: number, at: number): void {
  for (let written = 0; written < bytes;) written += writeSync(fd, buffer, written, bytes - written, at + written)
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
