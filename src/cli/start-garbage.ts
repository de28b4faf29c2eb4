// What a start leaves behind: V8 keeps the memory that its garbage was in until it needs to collect, which an idle gateway hardly ever does.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Gives it back to the system, in less than a tenth of a second. For the moment between being built and being known. */
export function collectStartGarbage(): void {
  // V8 has no other door to it, and shows this one only in contexts that are made while the flag is set.
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('globalThis.gc')
  setFlagsFromString('--no-expose-gc')
  // 'last-resort' also shrinks the young generation, which has grown to its limit by then and is grown again when requests need it.
  if (typeof collect === 'function') collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
