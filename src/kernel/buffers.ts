// Size classes of reusable buffers: allocating (and zeroing, and collecting) a fresh 96 KB buffer per request costs a third of everything.

/** Bytes kept free in front of and behind a body, so that a field can be replaced in place. */
export const headroomBytes = 1024
export const tailroomBytes = 256

const classBytes = [8 << 10, 32 << 10, 128 << 10, 512 << 10, 2 << 20]
/** Idle bytes kept per class. */
const idleBytesPerClass = 8 << 20
/** In use, or waiting to be collected. */
const maxSharedBytes = 256 << 20

/** A free list of buffers. Whoever takes one gives it back exactly once, and never touches it afterwards. */
export interface BufferPool {
  /** A buffer of at least `bytes`; its content is garbage. */
  take(bytes: number): Buffer
  give(buffer: Buffer): void
  /**
   * Memory that threads share, to be left to the collector; undefined while too much of it is still there. The collector does not feel its
   * weight, and is not hurried by it.
   */
  share(bytes: number): Buffer | undefined
}

export function createBufferPool(): BufferPool {
  const idle: Buffer[][] = classBytes.map(() => [])
  let sharedBytes = 0
  const collected = new FinalizationRegistry<number>((bytes) => void (sharedBytes -= bytes))
  return {
    take(bytes) {
      for (let i = 0; i < classBytes.length; i++) {
        if (bytes <= classBytes[i]!) return idle[i]!.pop() ?? Buffer.allocUnsafeSlow(classBytes[i]!)
      }
      return Buffer.allocUnsafeSlow(bytes)
    },
    give(buffer) {
      const i = classBytes.indexOf(buffer.length)
      if (i >= 0 && (idle[i]!.length + 1) * buffer.length <= idleBytesPerClass) idle[i]!.push(buffer)
    },
    share(bytes) {
      if (sharedBytes + bytes > maxSharedBytes) return undefined
      const memory = new SharedArrayBuffer(bytes)
      sharedBytes += bytes
      collected.register(memory, bytes)
      return Buffer.from(memory)
    },
  }
}

/** Bytes that grow at the end, in one buffer of the pool. */
export class ByteCollector {
  length = 0
  /** Bytes that came after the limit was reached; they are counted, not kept. */
  droppedBytes = 0
  readonly #pool: BufferPool
  readonly #limitBytes: number
  #buffer: Buffer | undefined

  constructor(pool: BufferPool, limitBytes: number) {
    this.#pool = pool
    this.#limitBytes = limitBytes
  }

  /** Copies the chunk. False when it did not fit the limit: nothing of it is kept. */
  push(chunk: Uint8Array): boolean {
    const needed = this.length + chunk.length
    if (needed > this.#limitBytes || this.droppedBytes > 0) {
      this.droppedBytes += chunk.length
      return false
    }
    if (this.#buffer === undefined) this.#buffer = this.#pool.take(needed)
    else if (needed > this.#buffer.length) {
      const larger = this.#pool.take(Math.max(needed, this.#buffer.length * 2))
      this.#buffer.copy(larger, 0, 0, this.length)
      this.#pool.give(this.#buffer)
      this.#buffer = larger
    }
    this.#buffer.set(chunk, this.length)
    this.length = needed
    return true
  }

  /** Puts bytes between those that were kept. */
  insert(at: number, bytes: Uint8Array): void {
    const kept = this.length
    // Makes the room; what it copies to the end is overwritten.
    if (!this.push(bytes)) return
    this.#buffer!.copyWithin(at + bytes.length, at, kept)
    this.#buffer!.set(bytes, at)
  }

  /** What has been kept; valid until the next push or release. */
  bytes(): Buffer {
    return this.#buffer === undefined ? emptyBuffer : this.#buffer.subarray(0, this.length)
  }

  /** Gives the buffer back; `reusable` false leaves it to the garbage collector, since somebody may still read it. */
  release(reusable = true): void {
    if (this.#buffer !== undefined && reusable) this.#pool.give(this.#buffer)
    this.#buffer = undefined
    this.length = 0
  }
}

const emptyBuffer: Buffer = Buffer.alloc(0)
