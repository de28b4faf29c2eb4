// The peers: nothing in between, nginx, the naive proxy, and Portkey's gateway from npm.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { startNginxProxy } from '../nginx.ts'
import { freePort, gatewayCore, start } from '../processes.ts'
import type { Contender, ContenderContext } from './contender.ts'

export const portkeyVersion = '1.15.2'
/** The newest @hono/node-server that its range allows answers every stream with a 500 ("immutable" headers, seen 2026-11-21); this one works. */
const portkeyOverrides = { '@hono/node-server': '1.13.8' }

export async function startDirect({ providerPort }: ContenderContext): Promise<Contender> {
  return { name: 'direct', port: providerPort, headers: {}, pids: [], stop: async () => {} }
}

export async function startNginxPeer({ scratch, providerPort }: ContenderContext): Promise<Contender> {
  const port = await freePort()
  const child = await startNginxProxy(scratch, port, gatewayCore, providerPort)
  return { name: 'nginx', port, headers: {}, pids: [child.pid], stop: child.stop }
}

export async function startNaive({ scratch, providerPort }: ContenderContext): Promise<Contender> {
  const port = await freePort()
  const script = path.join(import.meta.dirname, '..', 'peers', 'naive-proxy.ts')
  const child = await start(process.execPath, [script, String(port), `http://127.0.0.1:${providerPort}`], {
    core: gatewayCore,
    port,
    logPath: path.join(scratch, 'naive.log'),
  })
  return { name: 'naive', port, headers: {}, pids: [child.pid], stop: child.stop }
}

export async function startPortkey({ scratch, providerPort, scenario }: ContenderContext): Promise<Contender> {
  const port = await freePort()
  const script = path.join(portkeyFolder(), 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js')
  const child = await start(process.execPath, [script, `--port=${port}`, '--headless'], {
    core: gatewayCore,
    port,
    logPath: path.join(scratch, 'portkey.log'),
    env: { NODE_ENV: 'production' },
  })
  const headers = {
    authorization: 'Bearer sk-provider',
    'x-portkey-provider': scenario.provider === 'openai-chat' ? 'openai' : 'anthropic',
    'x-portkey-custom-host': `http://127.0.0.1:${providerPort}/v1`,
  }
  return { name: 'portkey', port, headers, pids: [child.pid], stop: child.stop }
}

/** Installs it once, outside of the repository: it is measured, not used. */
export function installPortkey(): void {
  const folder = portkeyFolder()
  if (existsSync(path.join(folder, 'node_modules', '@portkey-ai', 'gateway', 'package.json'))) return
  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify({ private: true, overrides: portkeyOverrides })}\n`)
  const { status, stderr } = spawnSync(
    'npm',
    ['install', '--ignore-scripts', '--no-audit', '--no-fund', `@portkey-ai/gateway@${portkeyVersion}`],
    { cwd: folder, encoding: 'utf8' },
  )
  if (status !== 0)
    throw new Error(
      `@portkey-ai/gateway ${portkeyVersion} could not be installed from npm; leave it out with --contender nginx,turnpike. ${stderr.slice(-300)}`,
    )
}

function portkeyFolder(): string {
  return path.join(process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache'), 'turnpike-bench', `portkey-${portkeyVersion}-a`)
}
