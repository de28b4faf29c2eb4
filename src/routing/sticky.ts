// Where sessions were sent the last time: bounded, and forgotten after a while.
import type { Pin } from './plan-facts.ts'

export interface Sticky {
  get(key: string, nowMs: number): string | undefined
  pin(pin: Pin, nowMs: number): void
  readonly size: number
}

/** Keys name sessions, which clients invent. */
const usualMost = 50_000

export function createSticky(most = usualMost): Sticky {
  const pins = new Map<string, { readonly route: string; readonly untilMs: number }>()
  return {
    get(key, nowMs) {
      const found = pins.get(key)
      return found === undefined || found.untilMs <= nowMs ? undefined : found.route
    },
    pin({ key, route, ttlMs }, nowMs) {
      // The latest one stays longest.
      pins.delete(key)
      if (pins.size >= most) pins.delete(pins.keys().next().value!)
      pins.set(key, { route, untilMs: nowMs + ttlMs })
    },
    get size() {
      return pins.size
    },
  }
}
