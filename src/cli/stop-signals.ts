// What a signal to a running gateway means: the first one ends it gently, another one at once.
import { closeSync, openSync } from 'node:fs'

/** SIGHUP only when it says that the terminal is gone. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'
export type Meaning = 'end' | 'echo' | 'force'

/** One Ctrl-C under `npm start` arrives twice: from the terminal, and passed on by npm. */
const echoMs = 400

/** Called with each signal as it comes. `nowMs` must be monotonic. */
export function createSignalReader(nowMs: () => number): (signal: StopSignal) => Meaning {
  let first: { readonly signal: StopSignal; readonly atMs: number } | undefined
  return (signal) => {
    if (first === undefined) {
      first = { signal, atMs: nowMs() }
      return 'end'
    }
    return first.signal === signal && nowMs() - first.atMs < echoMs ? 'echo' : 'force'
  }
}

/** As a shell tells them of a process that a signal ended. */
export const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const satisfies Record<StopSignal, number>

/** SIGHUP comes from somebody who wants the file read again, and from a terminal window that was closed: the latter has no terminal any more. */
export function watchTerminal(): () => boolean {
  const hadTerminal = canOpenTerminal()
  return () => hadTerminal && !canOpenTerminal()
}

function canOpenTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}
