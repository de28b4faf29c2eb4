// The payload ring: one producer (event loop), one consumer (writer thread), bytes copied once, nobody ever waits for it.

/** Words at the head of the shared memory. Positions are byte offsets into the data, multiples of 8; equal: empty. */
const headWord = 0
const tailWord = 1
const dataAt = 64
/** u32 entry bytes | u32 body bytes | u16 id bytes | u16 session bytes | u8 part | 3 unused. All ones instead: go on at offset 0. */
const entryHeadBytes = 16
const wrapMark = 0xffff_ffff

export function createRingMemory(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(dataAt + Math.max(align(bytes), 1024))
}

export type RingProducer = {
  /** `id` is ASCII. False when it does not fit now (the consumer lags) or would take more than half of the ring. */
  push(id: string, part: number, session: string, body: Uint8Array): boolean
  /** Bytes waiting. */
  used(): number
  readonly capacity: number
}

export function createRingProducer(memory: SharedArrayBuffer): RingProducer {
  const words = new Int32Array(memory, 0, 2)
  const data = Buffer.from(memory, dataAt)
  const view = new DataView(memory, dataAt)
  const capacity = data.length

  /** Where `need` contiguous bytes are free; -1 when nowhere. One unit stays free, so that full is not empty. */
  function placeFor(need: number, head: number, tail: number): number {
    if (head < tail) return need < tail - head ? head : -1
    const toEnd = capacity - head - (tail === 0 ? 8 : 0)
    if (need <= toEnd) return head
    return need < tail ? 0 : -1
  }

  return {
    push(id, part, session, body) {
      // Three bytes per character is the most that UTF-8 takes; what is not used is given back below.
      const need = align(entryHeadBytes + (id.length + session.length) * 3 + body.length)
      if (need > capacity / 2 || id.length > 20_000 || session.length > 20_000) return false
      const head = Atomics.load(words, headWord)
      const at = placeFor(need, head, Atomics.load(words, tailWord))
      if (at < 0) return false
      if (at !== head) view.setUint32(head, wrapMark, true)
      const idAt = at + entryHeadBytes
      const idBytes = id.length
      // One native call for both.
      const sessionBytes = data.write(id + session, idAt) - idBytes
      // Not `data.set`: on shared memory V8 copies word by word, and byte by byte when unaligned.
      Buffer.from(body.buffer, body.byteOffset, body.byteLength).copy(data, idAt + idBytes + sessionBytes)
      const bytes = align(entryHeadBytes + idBytes + sessionBytes + body.length)
      view.setUint32(at, bytes, true)
      view.setUint32(at + 4, body.length, true)
      view.setUint16(at + 8, idBytes, true)
      view.setUint16(at + 10, sessionBytes, true)
      view.setUint8(at + 12, part)
      Atomics.store(words, headWord, (at + bytes) % capacity)
      return true
    },
    used() {
      const used = Atomics.load(words, headWord) - Atomics.load(words, tailWord)
      return used < 0 ? used + capacity : used
    },
    capacity,
  }
}

export type RingEntry = { readonly id: string; readonly part: number; readonly session: string; readonly body: Buffer }

export type RingConsumer = {
  /** How far the producer is now: a mark for `next`. */
  mark(): number
  /** The next entry before the mark; its body is valid until `release`. */
  next(mark: number): RingEntry | undefined
  /** Gives the space of everything read back to the producer. */
  release(): void
  /** Reads again from what was last released. */
  rewind(): void
}

export function createRingConsumer(memory: SharedArrayBuffer): RingConsumer {
  const words = new Int32Array(memory, 0, 2)
  const data = Buffer.from(memory, dataAt)
  const view = new DataView(memory, dataAt)
  const capacity = data.length
  let at = Atomics.load(words, tailWord)

  return {
    mark: () => Atomics.load(words, headWord),
    next(mark) {
      if (at === mark) return undefined
      if (view.getUint32(at, true) === wrapMark) {
        at = 0
        if (at === mark) return undefined
      }
      const bytes = view.getUint32(at, true)
      const bodyBytes = view.getUint32(at + 4, true)
      const idAt = at + entryHeadBytes
      const sessionAt = idAt + view.getUint16(at + 8, true)
      const bodyAt = sessionAt + view.getUint16(at + 10, true)
      const entry = {
        id: data.toString('utf8', idAt, sessionAt),
        session: data.toString('utf8', sessionAt, bodyAt),
        part: view.getUint8(at + 12),
        body: data.subarray(bodyAt, bodyAt + bodyBytes),
      }
      at = (at + bytes) % capacity
      return entry
    },
    release() {
      Atomics.store(words, tailWord, at)
    },
    rewind() {
      at = Atomics.load(words, tailWord)
    },
  }
}

function align(bytes: number): number {
  return (bytes + 7) & ~7
}
