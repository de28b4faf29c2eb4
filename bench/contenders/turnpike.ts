// Turnpike with everything on: a gateway key, a priced model, journal, full logging; in a home of its own.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { cpuBetween, readCpu } from '../proc.ts'
import { freePort, gatewayCore, start } from '../processes.ts'
import type { BenchWire } from '../load/wires.ts'
import type { Contender, ContenderContext, Recorded } from './contender.ts'
import { createSmallBodyCounter } from './small-bodies.ts'

const root = path.join(import.meta.dirname, '..', '..')
const gatewayKey = 'tp-bench-0123456789abcdef0123456789abcdef'
const drainSeconds = 60

const routingConfig = {
  strategy: {
    mode: 'fallback',
    on_status_codes: [429, 500, 502, 503],
    cb_config: { failure_threshold_percentage: 60, minimum_requests: 20 },
  },
  retry: { attempts: 2, on_status_codes: [429, 503] },
  request_timeout: 60_000,
  targets: [
    { provider: '@first', override_params: { model: 'gpt-4o-mini' } },
    { provider: '@mock', override_params: { model: 'gpt-4o-mini' } },
  ],
}

/** Who speaks each wire, and where its base URL ends. */
const vendors: Readonly<Record<BenchWire, { readonly vendor: string; readonly base: string }>> = {
  'openai-chat': { vendor: 'openai', base: '/v1' },
  'openai-responses': { vendor: 'openai', base: '/v1' },
  'anthropic-messages': { vendor: 'anthropic', base: '' },
  gemini: { vendor: 'gemini', base: '/v1beta' },
}

export const startTurnpike = (context: ContenderContext): Promise<Contender> => startAs('turnpike', context)

/** The same without what its scenario adds, beside one that has it. */
export const startPlain = (context: ContenderContext): Promise<Contender> => startAs('plain', context)

async function startAs(name: 'turnpike' | 'plain', context: ContenderContext): Promise<Contender> {
  const { scratch, providerPort, faultyPort, scenario, profile } = context
  const home = path.join(scratch, `${name}-home`)
  const config = path.join(scratch, `${name}.yaml`)
  const port = await freePort()
  mkdirSync(home, { mode: 0o700 })
  const { vendor, base } = vendors[scenario.provider]
  const extra = name === 'turnpike' ? scenario.extra : undefined
  const routing = extra?.kind === 'routing' ? extra : undefined
  const provider = (at: number) => ({
    vendor,
    base_url: `http://127.0.0.1:${at}${base}`,
    wires: [scenario.provider],
    credentials: [{ value: 'sk-provider' }],
    models: {
      custom: [
        {
          id: 'gpt-4o-mini',
          price: { input_per_million_usd: '0.15', output_per_million_usd: '0.6', cache_read_per_million_usd: '0.075' },
        },
      ],
    },
  })
  // JSON is YAML.
  writeFileSync(
    config,
    JSON.stringify({
      keys: [{ name: 'bench', value: gatewayKey, ...(routing === undefined ? {} : { config: 'bench', client: 'openclaw' }) }],
      providers:
        routing === undefined
          ? { mock: provider(providerPort) }
          : { mock: provider(providerPort), first: provider(routing.faultPercent === 0 ? providerPort : faultyPort) },
      ...(routing === undefined ? {} : { configs: { bench: routingConfig } }),
    }),
  )
  const profiling = profile ? ['--cpu-prof', '--cpu-prof-dir', profileFolder(scratch)] : []
  const child = await start(process.execPath, [...profiling, entryPoint(), 'up'], {
    core: gatewayCore,
    port,
    logPath: path.join(scratch, `${name}.log`),
    env: { ...withoutOwnSettings(), TURNPIKE_HOME: home, TURNPIKE_PORT: String(port), TURNPIKE_CONFIG: config, TURNPIKE_LOGGING: 'full' },
  })
  const key = extra?.kind === 'limits' ? await createLimitedKey(port, home) : gatewayKey
  const smallBodies = createSmallBodyCounter()
  return {
    name,
    port,
    headers: { authorization: `Bearer ${key}` },
    pids: [child.pid],
    recorded: ({ requests }) => untilRecorded(home, child.pid, requests, profile, smallBodies),
    stop: child.stop,
  }
}

/** A key of a prepaid user: nothing of its wallet, budgets and rate limits is ever used up. */
async function createLimitedKey(port: number, home: string): Promise<string> {
  const authorization = `Bearer ${readFileSync(path.join(home, 'admin-token'), 'utf8').trim()}`
  const post = async (to: string, body: object): Promise<Record<string, string>> => {
    const headers = { authorization, 'content-type': 'application/json' }
    const response = await fetch(`http://127.0.0.1:${port}/api/v1${to}`, { method: 'POST', headers, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`POST ${to} was answered with ${response.status} ${await response.text()}`)
    return (await response.json()) as Record<string, string>
  }
  const user = await post('/users', { name: 'bench', prepaid: true, budgets: [{ amount_usd: '100000', period: 'month' }] })
  await post(`/accounts/${user['id']}/credits`, { amount_usd: '1000000' })
  const key = await post('/keys', {
    name: 'limited',
    user: user['id'],
    budgets: [
      { amount_usd: '100000', period: 'day' },
      { tokens: 1e14, period: 'total' },
    ],
    rate_limits: [
      { requests: 1e9, per: 'minute' },
      { tokens: 1e13, per: 'minute' },
    ],
  })
  return key['key']!
}

/** The compiled package when it is not older than the source, else the source: the same code, run by the same Node. */
export function entryPoint(): string {
  const built = path.join(root, 'dist', 'cli', 'turnpike.js')
  const source = path.join(root, 'src', 'cli', 'turnpike.ts')
  return existsSync(built) && statSync(built).mtimeMs >= newest(path.join(root, 'src')) ? built : source
}

export const profileFolder = (scratch: string): string => path.join(scratch, 'profiles')

/** Vendor keys would register providers, settings of this shell would apply: neither belongs into a measurement. */
function withoutOwnSettings(): Record<string, undefined> {
  const foreign = Object.keys(process.env).filter((name) => name.startsWith('TURNPIKE_') || /_(API_KEY|TOKEN)$/.test(name))
  return Object.fromEntries(foreign.map((name) => [name, undefined]))
}

/**
 * The recorder is done when every request has its row and the process has nothing left to do (one that is being profiled is never
 * idle: its sampler wakes each millisecond).
 */
async function untilRecorded(
  home: string,
  pid: number,
  expected: number,
  profile: boolean,
  smallBodies: (db: DatabaseSync) => number,
): Promise<Recorded> {
  const deadline = performance.now() + drainSeconds * 1000
  let calm = 0
  let recorded = countRows(home)
  while (performance.now() < deadline && (calm < 4 || recorded.requests < expected)) {
    const before = readCpu([pid])
    await wait(100)
    calm = profile || cpuBetween(before, readCpu([pid])).allUs < 2_000 ? calm + 1 : 0
    if (calm > 0) recorded = countRows(home)
    // Calm for ten seconds and still too few: they will not come.
    if (calm > 100) break
  }
  return { ...recorded, bodies: recorded.bodies + inHome(home, smallBodies) }
}

/** Read beside the running writer, by this process: it costs the gateway nothing. */
function inHome<T>(home: string, read: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(path.join(home, 'records.db'), { readOnly: true })
  try {
    db.exec('PRAGMA busy_timeout = 2000')
    return read(db)
  } finally {
    db.close()
  }
}

function countRows(home: string): Recorded {
  return inHome(home, (db) => {
    const count = (sql: string) => Number(db.prepare(sql).get()!['n'])
    return {
      requests: count('SELECT count(*) AS n FROM requests'),
      open: count('SELECT count(*) AS n FROM open_requests'),
      answered: count("SELECT count(*) AS n FROM requests JOIN facets ON facets.id = requests.facet WHERE outcome = 'ok'"),
      bodies: count('SELECT count(*) AS n FROM payloads'),
      failures: count(
        "SELECT count(*) AS n FROM requests JOIN facets ON facets.id = requests.facet WHERE outcome NOT IN ('ok', 'cancelled')",
      ),
    }
  })
}

function newest(folder: string): number {
  return Math.max(
    ...readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
      .map((entry) => statSync(path.join(entry.parentPath, entry.name)).mtimeMs),
  )
}
