// What a signal to a running gateway means: the first one ends it gently, another one at once.

export type StopSignal = 'SIGINT' | 'SIGTERM'
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
