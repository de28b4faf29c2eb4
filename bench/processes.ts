// Child processes of a run: pinned to a core, waited for, stopped with the run. Nothing else is ever signalled.
import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** The gateway has one core; mock, load and this harness share the other. */
export const gatewayCore = 0
export const loadCore = 1

export type Child = { readonly pid: number; readonly logPath: string; stop(): Promise<void> }

const running = new Set<ChildProcess>()

export type StartOptions = {
  readonly core: number
  readonly logPath: string
  /** undefined: not in the child's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Waits until something listens there. */
  readonly port: number
  readonly cwd?: string
}

export async function start(command: string, args: readonly string[], options: StartOptions): Promise<Child> {
  const log = createWriteStream(options.logPath)
  await once(log, 'open')
  const child = spawn('taskset', ['-c', String(options.core), command, ...args], {
    stdio: ['ignore', log, log],
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
  })
  running.add(child)
  let ended: string | undefined
  child.once('error', (error) => (ended = error.message))
  child.once('exit', (code, signal) => {
    running.delete(child)
    ended = `exit ${code ?? signal}`
    log.close()
  })
  for (let tries = 0; !(await accepts(options.port)); tries++) {
    if (ended !== undefined || tries > 300) {
      child.kill('SIGKILL')
      throw new Error(
        `${command} ${args[0] ?? ''} did not start (${ended ?? 'nothing listens after 30 s'}); its output is in ${options.logPath}`,
      )
    }
    await wait(100)
  }
  return { pid: child.pid!, logPath: options.logPath, stop: () => stop(child) }
}

/** Runs a load generator to its end and returns what it printed. */
export async function run(
  command: string,
  args: readonly string[],
  timeoutMs: number,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const child = spawn('taskset', ['-c', String(loadCore), command, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  running.add(child)
  let output = ''
  let errors = ''
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()))
  child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString()))
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  clearTimeout(timer)
  running.delete(child)
  if (code !== 0) throw new Error(`${command} ended with ${code ?? signal}: ${errors.slice(-500)} ${output.slice(-500)}`)
  return output
}

/** A run that is interrupted stops what it started. */
export function stopAllOnExit(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      for (const child of running) child.kill('SIGKILL')
      process.exit(130)
    })
  }
  process.once('exit', () => {
    for (const child of running) child.kill('SIGKILL')
  })
}

export async function stopAll(): Promise<void> {
  await Promise.all([...running].map(stop))
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await exited
  clearTimeout(timer)
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
