// Words shared by the event loop and the writer thread: how far the files are written, and how one wakes the other.

/** How far the two kinds of files are written; and how far the journal is in the store. */
export type Place = 'journal' | 'payloads' | 'loaded'

export type Control = {
  readonly memory: SharedArrayBuffer
  /** After a group write: everything before this may be read. */
  publish(kind: Place, segment: number, offset: number): void
  published(kind: Place): { segment: number; offset: number }
  /** The event loop has sent a command. */
  ask(): void
  /** Commands sent so far. */
  asked(): number
  /** Wakes the writer if it waits for anything at all, or for something urgent. */
  ring(urgent: boolean): void
  /** Sleeps until rung or for `timeoutMs`; `urgentOnly` while a batch gathers. Returns at once when `hasWork` says so. */
  sleep(urgentOnly: boolean, timeoutMs: number, hasWork: () => boolean): void
}

const bell = 0
const sleeping = 1
const awake = 0
const forUrgent = 1
const forAny = 2

/** In 32-bit words: behind the bell, the state and the three positions. */
const askedWord = 8

const cells = { journal: 1, payloads: 2, loaded: 3 } as const satisfies Record<Place, number>

export function createControl(memory = new SharedArrayBuffer(64)): Control {
  const words = new Int32Array(memory)
  const positions = new BigInt64Array(memory)

  function wake(urgent: boolean): void {
    const state = Atomics.load(words, sleeping)
    if (state === awake || (state === forUrgent && !urgent)) return
    Atomics.store(words, sleeping, awake)
    Atomics.add(words, bell, 1)
    Atomics.notify(words, bell)
  }

  return {
    memory,
    publish(kind, segment, offset) {
      // One cell for both: a reader never sees the segment of one write with the offset of another.
      Atomics.store(positions, cells[kind], (BigInt(segment) << 32n) | BigInt(offset))
    },
    published(kind) {
      const position = Atomics.load(positions, cells[kind])
      return { segment: Number(position >> 32n), offset: Number(position & 0xffff_ffffn) }
    },
    ask() {
      Atomics.add(words, askedWord, 1)
      wake(true)
    },
    asked: () => Atomics.load(words, askedWord),
    ring: wake,
    sleep(urgentOnly, timeoutMs, hasWork) {
      const heard = Atomics.load(words, bell)
      Atomics.store(words, sleeping, urgentOnly ? forUrgent : forAny)
      // Work that came before the line above rang no bell; work that comes after it changes the bell.
      if (!hasWork()) Atomics.wait(words, bell, heard, timeoutMs)
      Atomics.store(words, sleeping, awake)
    },
  }
}
