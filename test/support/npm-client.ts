// Real clients from npm: pinned packages in folders of the user's cache, and their commands run with nothing of this machine's.
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import type { JsonObject } from '#kernel'
import { refusedPort } from './ports.ts'

/** The versions that test/clients runs, first the package that names the client. */
export const clientPackages = {
  'google-genai': { '@google/genai': '3.1.0' },
  'ai-sdk': { ai: '7.0.173', '@ai-sdk/openai': '4.0.118', '@ai-sdk/anthropic': '4.0.105', '@ai-sdk/google': '4.0.121' },
  'claude-code': { '@anthropic-ai/claude-code': '2.1.330' },
  codex: { '@openai/codex': '0.169.0' },
  'gemini-cli': { '@google/gemini-cli': '0.61.0' },
  opencode: { 'opencode-ai': '1.18.33' },
} as const satisfies Record<string, Readonly<Record<string, string>>>

export type ClientName = keyof typeof clientPackages

const cache = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache'), 'turnpike-ci')

function folderOf(name: ClientName): string {
  const packages = JSON.stringify(clientPackages[name])
  const [version] = Object.values(clientPackages[name])
  return path.join(cache, `${name}-${version}-${createHash('sha256').update(packages).digest('hex').slice(0, 8)}`)
}

/**
 * For tests without it: a sentence when npm cannot be reached, else false. In CI that is a failure. No package's install script is run:
 * native programs come as optional packages for each system, and `after` does by itself what a script would have done with them.
 */
export async function installClient(name: ClientName, after?: (folder: string) => Promise<unknown>): Promise<string | false> {
  const folder = folderOf(name)
  if (existsSync(folder)) return false
  mkdirSync(cache, { recursive: true })
  const partial = mkdtempSync(`${folder}-`)
  try {
    writeFileSync(path.join(partial, 'package.json'), JSON.stringify({ private: true, dependencies: clientPackages[name] }))
    const args = ['install', '--prefix', partial, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    await promisify(execFile)('npm', args, { timeout: 300_000, killSignal: 'SIGKILL' })
    await after?.(partial)
    // Whole or not at all; another process may have been faster.
    if (!existsSync(folder)) renameSync(partial, folder)
    return false
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    if (process.env['CI'] === 'true' || !/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH/.test(said)) throw error
    return `${Object.keys(clientPackages[name])[0]} is not installed and the npm registry cannot be reached`
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
}

/** A file of an installed client, by its path below node_modules. */
export function clientFile(name: ClientName, ...where: readonly string[]): string {
  return path.join(folderOf(name), 'node_modules', ...where)
}

/** A module of an installed client, with the few of its exports that a test uses. */
export async function importFrom<T>(name: ClientName, specifier: string): Promise<T> {
  const found = createRequire(path.join(folderOf(name), 'package.json')).resolve(specifier)
  return (await import(pathToFileURL(found).href)) as T
}

export type ClientEnd = { readonly exitCode: number | null; readonly stdout: string; readonly stderr: string }

export type ClientCommand = {
  /** A program, or a script for this Node. */
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

/** Where a command-line client lives for a test: a home, and in it a folder to work in. */
export type ClientHome = {
  readonly home: string
  readonly work: string
  write(file: string, content: string | JsonObject): void
  read(file: string): string
  /** Runs a command to its end in `work`; one that hangs is killed with everything it started. */
  run(command: ClientCommand): Promise<ClientEnd>
}

export async function createClientHome(context: TestContext): Promise<ClientHome> {
  const home = mkdtempSync(path.join(os.tmpdir(), 'turnpike-client-'))
  context.after(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }))
  const work = path.join(home, 'work')
  mkdirSync(work)
  // Whatever it asks beyond this machine is refused.
  const nowhere = await refusedPort()
  context.after(() => nowhere.close())
  const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()])
  const base = {
    HOME: home,
    PATH: [path.dirname(process.execPath), process.env['PATH'] ?? ''].join(path.delimiter),
    TMPDIR: os.tmpdir(),
    LANG: 'C.UTF-8',
    TERM: 'dumb',
    NO_COLOR: '1',
    ...Object.fromEntries(proxies.map((name) => [name, nowhere.origin])),
    NO_PROXY: '127.0.0.1,localhost',
    no_proxy: '127.0.0.1,localhost',
  }
  return {
    home,
    work,
    write(file, content) {
      const where = path.join(home, file)
      mkdirSync(path.dirname(where), { recursive: true })
      writeFileSync(where, typeof content === 'string' ? content : JSON.stringify(content, null, 2))
    },
    read: (file) => readFileSync(path.join(home, file), 'utf8'),
    async run({ file, args, env = {}, timeoutMs = 60_000 }) {
      const [program, words] = /\.[cm]?js$/.test(file) ? [process.execPath, [file, ...args]] : [file, args]
      const child = spawn(program, words, { cwd: work, env: { ...base, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
      const written = { stdout: '', stderr: '' }
      for (const stream of ['stdout', 'stderr'] as const)
        child[stream].setEncoding('utf8').on('data', (text: string) => (written[stream] += text))
      // It leads a group of its own.
      const kill = (): void => {
        try {
          process.kill(-child.pid!, 'SIGKILL')
        } catch {
          // Nobody is left.
        }
      }
      const deadline = setTimeout(kill, timeoutMs)
      const [exitCode] = (await once(child, 'close')) as [number | null]
      clearTimeout(deadline)
      kill()
      return { exitCode, ...written }
    },
  }
}
