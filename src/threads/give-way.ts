// For the beginning of a thread that is in no hurry.
import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'

/** Where a core is wanted by this thread and by one that serves requests, that one has it. Linux gives each thread a priority. */
export function giveWay(): void {
  if (process.platform !== 'linux') return
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), 10)
  } catch {
    // No /proc: it goes without.
  }
}
