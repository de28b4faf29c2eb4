// The real command in processes of its own, with a scratch home and an environment without anything of this machine.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'

const entry = path.resolve(import.meta.dirname, '..', '..', 'src', 'cli', 'turnpike.ts')

export type ProcessOptions = {
  readonly env?: Readonly<Record<string, string>>
  /** A command that runs the one after it in its own place (`unshare --net`, `setpriv --reuid=1`): the process stays the same. */
  readonly through?: readonly string[]
}

/** What `turnpike up --json` says once it serves. */
export type Ready = {
  readonly url: string
  readonly home: string
  readonly providers: readonly { readonly slug: string }[]
  readonly gateway_key?: string
  readonly example_model?: string
}

export type Ended = {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export type Running = {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves with the first match in what it has written so far or writes later; rejects when it ends without one. */
  until(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray>
}

/** A folder that goes with the test. */
export function scratchFolder(context: TestContext): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'turnpike-test-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Starts the command; it is killed with the test, if it still runs then. */
export function startCommand(context: TestContext, args: readonly string[], { env = {}, through = [] }: ProcessOptions = {}): Running {
  const [command = process.execPath, ...words] = [...through, process.execPath, entry, ...args]
  const child = spawn(command, words, {
    env: { PATH: process.env['PATH'], HOME: os.tmpdir(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const written = { stdout: '', stderr: '' }
  const listeners = new Set<() => void>()
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      written[stream] += text
      for (const listener of listeners) listener()
    })
  }
  const ended = once(child, 'close').then(([exitCode, signal]): Ended => ({ exitCode, signal, ...written }))
  context.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  })
  return {
    child,
    ended,
    until: (stream, pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(written[stream])
          if (found === null) return
          listeners.delete(look)
          resolve(found)
        }
        listeners.add(look)
        look()
        void ended.then(({ exitCode, stdout, stderr }) =>
          reject(new Error(`It ended (${exitCode}) without writing ${pattern} to ${stream}.\nstdout: ${stdout}\nstderr: ${stderr}`)),
        )
      }),
  }
}

/** Runs the command to its end. */
export function runCommand(context: TestContext, args: readonly string[], options: ProcessOptions = {}): Promise<Ended> {
  return startCommand(context, args, options).ended
}

/** `turnpike up` on a free port, serving. */
export async function startGateway(
  context: TestContext,
  home: string,
  args: readonly string[] = [],
  options: ProcessOptions = {},
): Promise<Running & { ready: Ready }> {
  const running = startCommand(context, ['up', '--home', home, '--port', '0', '--json', ...args], options)
  const [line] = await running.until('stdout', /^\{"ready":true.*\}$/m)
  return { ...running, ready: JSON.parse(line) as Ready }
}
