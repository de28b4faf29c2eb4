// What a process and its children cost, from /proc: CPU of all threads and of the main thread, memory, open connections.
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'

/** Microseconds of CPU since the processes started. */
export type Cpu = {
  /** All threads of the process and of its children, ended threads too. */
  readonly allUs: number
  /** The thread that runs the event loop: the process's first. */
  readonly mainUs: number
}

type Threads = { readonly nsByThread: ReadonlyMap<string, number>; readonly mainNs: number; readonly ticks: number }

let ticksPerSecond: number | undefined

/** Remembers where each thread stood; the difference of two readings is `cpuBetween`. */
export function readCpu(pids: readonly number[]): Threads {
  const nsByThread = new Map<string, number>()
  let mainNs = 0
  let ticks = 0
  for (const pid of pids.flatMap(withChildren)) {
    ticks += readTicks(pid)
    for (const tid of readdirSync(`/proc/${pid}/task`)) {
      const ns = Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'latin1').split(' ', 1)[0])
      nsByThread.set(`${pid}/${tid}`, ns)
      if (Number(tid) === pid) mainNs += ns
    }
  }
  return { nsByThread, mainNs, ticks }
}

/**
 * CPU between two readings. The scheduler's nanoseconds per thread are exact, but go with their thread: when one has ended in
 * between, the process's utime + stime (ticks of 10 ms, ended threads included) is taken instead.
 */
export function cpuBetween(before: Threads, after: Threads): Cpu {
  const mainUs = (after.mainNs - before.mainNs) / 1000
  const threadEnded = [...before.nsByThread.keys()].some((thread) => !after.nsByThread.has(thread))
  if (threadEnded) return { allUs: ((after.ticks - before.ticks) * 1_000_000) / clockTicks(), mainUs }
  let ns = 0
  for (const [thread, value] of after.nsByThread) ns += value - (before.nsByThread.get(thread) ?? 0)
  return { allUs: ns / 1000, mainUs }
}

/** Resident bytes, shared pages of nginx's workers counted once each. */
export function readRssBytes(pids: readonly number[]): number {
  return pids.flatMap(withChildren).reduce((sum, pid) => sum + Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024, 0)
}

function withChildren(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim()
  return [pid, ...(children === '' ? [] : children.split(' ').map(Number).flatMap(withChildren))]
}

/** utime + stime of the whole process. */
function readTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The command may hold spaces and brackets: fields are counted after the last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

function clockTicks(): number {
  return (ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'latin1' })))
}
