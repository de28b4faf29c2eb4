// Coarse deadlines without a timer per request: one interval walks everything that waits.
import { Crowd } from './crowd.ts'

/** Something with a deadline. `dueMs` may be moved at any time, also from `due`; Infinity means none. */
export interface Waiting {
  /** Milliseconds on the clock of `Deadlines.nowMs`. */
  dueMs: number
  /** Kept by `Deadlines`; begins at -1. */
  waitingAt: number
  due(nowMs: number): void
}

export interface Deadlines {
  /** Monotonic milliseconds, at most one tick old: cheap enough to read per chunk. */
  readonly nowMs: number
  add(waiting: Waiting): void
  remove(waiting: Waiting): void
  close(): void
}

/** Deadlines are met up to `tickMs` late. `clock` returns monotonic milliseconds. */
export function createDeadlines(tickMs = 50, clock: () => number = () => performance.now()): Deadlines & { tick(): void } {
  const waiting = new Crowd<'waitingAt', Waiting>('waitingAt')
  let nowMs = clock()
  let timer: NodeJS.Timeout | undefined
  function tick(): void {
    nowMs = clock()
    waiting.forEach((one) => {
      if (one.dueMs <= nowMs) one.due(nowMs)
    })
    if (waiting.size === 0 && timer !== undefined) {
      clearInterval(timer)
      timer = undefined
    }
  }
  return {
    get nowMs() {
      return nowMs
    },
    add(one) {
      waiting.add(one)
      if (timer === undefined) {
        nowMs = clock()
        timer = setInterval(tick, tickMs)
        timer.unref()
      }
    },
    remove(one) {
      waiting.remove(one)
    },
    close() {
      clearInterval(timer)
      timer = undefined
      waiting.forEach((one) => waiting.remove(one))
    },
    tick,
  }
}
