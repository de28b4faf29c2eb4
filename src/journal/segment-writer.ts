// Appends to the current segment of one kind: whole groups in one write, a new file after a failure, so that damage hides nothing.
import * as fs from 'node:fs'
import { encodeSegmentHead, segmentHeadBytes, segmentPath, type SegmentKind } from './segments.ts'

/** What is asked of the file system, so that tests can make it fail. */
export type FileSystem = Pick<typeof fs, 'openSync' | 'writeSync' | 'closeSync' | 'ftruncateSync' | 'fdatasync' | 'fstatSync' | 'rmSync'>

export type SegmentWriter = {
  /**
   * Writes all of it, or throws a `WriteError` that says how much of it is safely in place. A failed segment is cut back to its last
   * whole record and left; the next write begins another one.
   */
  write(bytes: Buffer, length: number): void
  /** Of the segment being written. `offset` 0: none yet. */
  readonly segment: number
  readonly offset: number
  /** Syncs what was written, and notices a file that is no longer there; calls back at once when there is nothing to sync. */
  sync(done: (error: Error | null) => void): void
  close(): void
}

export class WriteError extends Error {
  /** Bytes of the group that are in the page cache, records or parts of them. */
  readonly writtenBytes: number

  constructor(cause: unknown, writtenBytes: number) {
    super(`The journal could not be written: ${(cause as Error).message}`, { cause })
    this.name = 'WriteError'
    this.writtenBytes = writtenBytes
  }
}

export type SegmentWriterOptions = {
  readonly dir: string
  readonly kind: SegmentKind
  readonly generation: number
  readonly nonce: number
  readonly segmentBytes: number
  readonly fileSystem?: FileSystem
  /** A sync of a finished segment failed. */
  readonly onSyncError: (error: Error) => void
}

export function createSegmentWriter(options: SegmentWriterOptions): SegmentWriter {
  const { dir, kind, generation, nonce, segmentBytes, fileSystem = fs, onSyncError } = options
  let fd: number | undefined
  let segment = 0
  let offset = 0

  function open(): number {
    const name = { generation, segment: segment + 1 }
    const path = segmentPath(dir, kind, name)
    const opened = fileSystem.openSync(path, 'wx', 0o600)
    // The number is used up even when the head cannot be written: 'wx' would refuse it the next time.
    segment = name.segment
    offset = 0
    try {
      writeFully(opened, encodeSegmentHead(kind, name, nonce), segmentHeadBytes, 0)
    } catch (error) {
      fileSystem.closeSync(opened)
      // While a disk is full this happens four times a second.
      fileSystem.rmSync(path, { force: true })
      throw (error as WriteError).cause
    }
    offset = segmentHeadBytes
    return opened
  }

  /** Returns nothing, or throws with `at` telling how far it came. */
  function writeFully(file: number, bytes: Buffer, length: number, position: number): void {
    let at = 0
    try {
      while (at < length) at += fileSystem.writeSync(file, bytes, at, length - at, position + at)
    } catch (error) {
      throw new WriteError(error, at)
    }
  }

  function leave(): void {
    if (fd === undefined) return
    const left = fd
    fd = undefined
    fileSystem.fdatasync(left, (error) => {
      if (error !== null) onSyncError(error)
      fileSystem.closeSync(left)
    })
  }

  return {
    write(bytes, length) {
      if (offset >= segmentBytes) leave()
      try {
        fd ??= open()
      } catch (error) {
        throw new WriteError(error, 0)
      }
      try {
        writeFully(fd, bytes, length, offset)
        offset += length
      } catch (error) {
        const { writtenBytes } = error as WriteError
        const whole = wholeFrames(bytes, writtenBytes)
        offset += whole
        try {
          fileSystem.ftruncateSync(fd, offset)
        } catch {
          // The torn record stays; readers skip it, and it is written again to the next segment.
        }
        leave()
        throw new WriteError((error as WriteError).cause, whole)
      }
    },
    get segment() {
      return segment
    },
    get offset() {
      return offset
    },
    sync(done) {
      if (fd === undefined) {
        done(null)
        return
      }
      const synced = fd
      fileSystem.fdatasync(synced, (error) => {
        // A file without a name takes every write, and keeps none of them.
        if (error !== null || fd !== synced || fileSystem.fstatSync(synced).nlink > 0) done(error)
        else done(new Error(`its file in ${dir} has been removed. Stop this gateway, and start it again with a home that stays`))
      })
    },
    close() {
      if (fd !== undefined) fileSystem.closeSync(fd)
      fd = undefined
    },
  }
}

/** Bytes of the frames that lie wholly within the first `bytes`. */
function wholeFrames(buffer: Buffer, bytes: number): number {
  let at = 0
  while (at + 8 <= bytes) {
    const next = at + 8 + buffer.readUInt32LE(at)
    if (next > bytes) break
    at = next
  }
  return at
}
