// The real OpenClaw: a pinned version from npm in a folder of the user's cache, run with a home of its own and nothing of this machine's.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { createServer } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { randomUUID } from 'node:crypto'
import { isObject, type JsonObject } from '#kernel'
import { connectRpc, type OpenClawRpc } from './openclaw-rpc.ts'

/** The version that everything here was measured with. */
export const openClawVersion = '2026.9.6'

const cache = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache'), 'turnpike-ci')
const folder = path.join(cache, `openclaw-${openClawVersion}`)
const script = path.join(folder, 'node_modules', 'openclaw', 'openclaw.mjs')

/** For tests without it: a sentence when npm cannot be reached, else false. In CI that is a failure. */
export async function installOpenClaw(): Promise<string | false> {
  if (existsSync(script)) return false
  mkdirSync(cache, { recursive: true })
  const partial = mkdtempSync(`${folder}-`)
  try {
    writeFileSync(path.join(partial, 'package.json'), '{"private":true}\n')
    // Its install scripts build what no test here uses.
    const args = [
      'install',
      '--prefix',
      partial,
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      `openclaw@${openClawVersion}`,
    ]
    await promisify(execFile)('npm', args, { timeout: 300_000, killSignal: 'SIGKILL' })
    // Whole or not at all; another process may have been faster.
    if (!existsSync(script)) renameSync(partial, folder)
    return false
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    if (process.env['CI'] === 'true' || !/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH/.test(said)) throw error
    return `OpenClaw is not installed and the npm registry cannot be reached`
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
}

export type OpenClawEnd = { readonly exitCode: number | null; readonly stdout: string; readonly stderr: string }

export type TestOpenClaw = {
  /** Its home; state and configuration are in `.openclaw` below it. */
  readonly home: string
  readonly configFile: string
  readonly envFile: string
  /** A folder with an `openclaw` that can be on a PATH. */
  readonly bin: string
  /** What a command of this machine needs to find and run it. */
  readonly env: Readonly<Record<string, string>>
  run(args: readonly string[], timeoutMs?: number): Promise<OpenClawEnd>
  /** The same with `--json`; fails the test when it fails. */
  json(args: readonly string[], timeoutMs?: number): Promise<JsonObject>
  /** Its gateway, which `agent` without `--local`, heartbeats and compaction need; ends with the test. */
  startService(): Promise<OpenClawService>
}

export type TurnOptions = {
  /** Default `main`. */
  readonly agent?: string
  /** Strict: with a model of the turn's own, OpenClaw uses no fallback. */
  readonly model?: string
  readonly session?: string
  readonly timeoutMs?: number
}

export type OpenClawService = OpenClawRpc & {
  /** What `openclaw agent --json` does, without the seconds that its process takes to start. */
  turn(message: string, options?: TurnOptions): Promise<JsonObject>
}

export function createOpenClaw(context: TestContext): TestOpenClaw {
  const home = mkdtempSync(path.join(os.tmpdir(), 'turnpike-openclaw-'))
  context.after(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }))
  const bin = path.join(home, 'bin')
  mkdirSync(bin)
  symlinkSync(script, path.join(bin, 'openclaw'))
  const env = {
    HOME: home,
    // This Node first: the script's first line asks for `node`.
    PATH: [bin, path.dirname(process.execPath), process.env['PATH'] ?? ''].join(path.delimiter),
    NO_COLOR: '1',
    OPENCLAW_OFFLINE: '1',
    OPENCLAW_SKIP_CHANNELS: '1',
    OPENCLAW_DISABLE_BONJOUR: '1',
    OPENCLAW_NO_AUTO_UPDATE: '1',
  }
  const run = async (args: readonly string[], timeoutMs = 60_000): Promise<OpenClawEnd> => {
    const child = spawn(process.execPath, [script, ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    })
    const written = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (text: string) => (written[stream] += text))
    const [exitCode] = (await once(child, 'close')) as [number | null]
    return { exitCode, ...written }
  }
  return {
    home,
    configFile: path.join(home, '.openclaw', 'openclaw.json'),
    envFile: path.join(home, '.openclaw', '.env'),
    bin,
    env,
    run,
    async json(args, timeoutMs) {
      const { exitCode, stdout, stderr } = await run([...args, '--json'], timeoutMs)
      if (exitCode !== 0)
        throw new Error(`openclaw ${args.join(' ')} ended with ${exitCode}.\n${stdout.slice(0, 2000)}\n${stderr.slice(-2000)}`)
      return JSON.parse(stdout) as JsonObject
    },
    async startService() {
      const port = await freePort()
      const token = 'openclaw-test-token-0123456789'
      const config = JSON.parse(readOr(path.join(home, '.openclaw', 'openclaw.json')) ?? '{}') as JsonObject
      const merged = mergeObjects(config, {
        gateway: { mode: 'local', bind: 'loopback', port, auth: { mode: 'token', token } },
        // Only the heartbeats that a test asks for, summaries as a scripted provider writes them, nothing that looks beyond this machine.
        agents: { defaults: { heartbeat: { every: '0m' }, compaction: { mode: 'default', keepRecentTokens: 50 } } },
        // Tidying up after every turn holds the lock of its state for seconds on a busy machine; who waits five seconds for it has its
        // database closed for good ("Agent database execution admission is closed").
        session: { maintenance: { mode: 'warn' } },
        update: { checkOnStart: false },
        models: { catalogRefresh: { enabled: false } },
      })
      writeFileSync(path.join(home, '.openclaw', 'openclaw.json'), JSON.stringify(merged), { mode: 0o600 })
      const service = spawn(process.execPath, [script, 'gateway', 'run'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
      const closed = once(service, 'close')
      context.after(async () => {
        service.kill('SIGKILL')
        await closed
      })
      let said = ''
      await new Promise<void>((resolve, reject) => {
        const deadline = setTimeout(() => reject(new Error(`OpenClaw's gateway was not ready in 90 s:\n${said.slice(-3000)}`)), 90_000)
        for (const stream of [service.stdout, service.stderr]) {
          stream.setEncoding('utf8').on('data', (text: string) => {
            said += text
            if (!/\[gateway\] ready$/m.test(said)) return
            clearTimeout(deadline)
            resolve()
          })
        }
        void closed.then(() => {
          clearTimeout(deadline)
          reject(new Error(`OpenClaw's gateway ended:\n${said.slice(-3000)}`))
        })
      })
      const rpc = await connectRpc(port, token)
      context.after(() => rpc.close())
      return {
        ...rpc,
        async turn(message, { agent = 'main', model, session = `agent:${agent}:main`, timeoutMs = 90_000 } = {}) {
          const params = { message, agentId: agent, sessionKey: session, ...(model === undefined ? {} : { model }) }
          const once = () => rpc.call('agent', { ...params, idempotencyKey: randomUUID() }, timeoutMs)
          for (let tries = 1; ; tries++) {
            try {
              return await once()
            } catch (error) {
              // On a busy machine the maintenance of its own database gets into its own way, for a moment.
              if (tries === 8 || !/Agent database cleanup failed|owns state-lifecycle/.test(String(error))) throw error
              await wait(500 * tries)
            }
          }
        },
      }
    },
  }
}

function mergeObjects(below: JsonObject, above: JsonObject): JsonObject {
  const merged = { ...below }
  for (const [name, value] of Object.entries(above)) {
    const old = below[name]
    merged[name] = isObject(old) && isObject(value) ? mergeObjects(old, value) : value
  }
  return merged
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** The text that OpenClaw shows its user, of the JSON of `openclaw agent`. */
export function repliesOf(turn: JsonObject): string[] {
  const result = (turn['result'] ?? turn) as { payloads?: readonly { text?: string }[] }
  return (result.payloads ?? []).map(({ text = '' }) => text)
}

export type AgentMeta = {
  readonly sessionId: string
  readonly provider: string
  readonly model: string
  readonly usage?: {
    readonly input: number
    readonly output: number
    readonly cacheRead: number
    readonly cost?: { readonly total: number; readonly totalOrigin: string }
  }
  readonly costUsd?: number
  readonly terminalReceipt?: { readonly effective: { readonly responseModel?: string } }
}

export function agentMetaOf(turn: JsonObject): AgentMeta {
  const result = (turn['result'] ?? turn) as { meta: { agentMeta: AgentMeta } }
  return result.meta.agentMeta
}

export function readOr(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}
