// What a process and its children cost, from /proc: CPU of all threads and of the main thread, memory, open connections.
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'

/** Microseconds of CPU since the processes started. */
export type Cpu = {
  /** All threads of the process and of its children, ended threads too. */
  readonly allUs: number
  /** The thread that runs the event loop: the process's first. */
  readonly mainUs: number
  /** By the thread's name (workers by theirs, V8's helpers and libuv's pool together). */
  readonly byThreadUs: Readonly<Record<string, number>>
}

type Threads = {
  readonly threads: ReadonlyMap<string, { readonly name: string; readonly ns: number }>
  readonly mainNs: number
  readonly ticks: number
}

let ticksPerSecond: number | undefined

/** Remembers where each thread stood; the difference of two readings is `cpuBetween`. */
export function readCpu(pids: readonly number[]): Threads {
  const threads = new Map<string, { name: string; ns: number }>()
  let mainNs = 0
  let ticks = 0
  for (const pid of pids.flatMap(withChildren)) {
    ticks += readTicks(pid)
    for (const tid of readdirSync(`/proc/${pid}/task`)) {
      const ns = Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'latin1').split(' ', 1)[0])
      const name = readFileSync(`/proc/${pid}/task/${tid}/comm`, 'latin1').trim()
      threads.set(`${pid}/${tid}`, { name: Number(tid) === pid ? 'main' : name, ns })
      if (Number(tid) === pid) mainNs += ns
    }
  }
  return { threads, mainNs, ticks }
}

/**
 * CPU between two readings. The scheduler's nanoseconds per thread are exact, but go with their thread: when one has ended in
 * between, the process's utime + stime (ticks of 10 ms, ended threads included) is taken instead.
 */
export function cpuBetween(before: Threads, after: Threads): Cpu {
  const mainUs = (after.mainNs - before.mainNs) / 1000
  const byThreadUs: Record<string, number> = {}
  for (const [thread, { name, ns }] of after.threads) {
    const us = (ns - (before.threads.get(thread)?.ns ?? 0)) / 1000
    if (us > 0) byThreadUs[name] = (byThreadUs[name] ?? 0) + us
  }
  const threadEnded = [...before.threads.keys()].some((thread) => !after.threads.has(thread))
  if (threadEnded) return { allUs: ((after.ticks - before.ticks) * 1_000_000) / clockTicks(), mainUs, byThreadUs }
  return { allUs: Object.values(byThreadUs).reduce((sum, us) => sum + us, 0), mainUs, byThreadUs }
}

/** Resident bytes, shared pages of nginx's workers counted once each. */
export function readRssBytes(pids: readonly number[]): number {
  return pids
    .flatMap(withChildren)
    .reduce((sum, pid) => sum + Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024, 0)
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
